//! Inventories as files: recorded with `leeward snapshot`, read with `--engine file:PATH`; one is built in.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::inventory::Inventory;

/// The reference topology, and one container that is refused.
const DEMO: &str = include_str!("demo.json");

/// What the first line of such a file says.
const FORMAT: &str = "leeward-snapshot";
/// Files of a higher version hold what this program does not know.
const VERSION: u32 = 1;

/// A file's content.
#[derive(Debug, Serialize, Deserialize)]
struct Snapshot<I> {
    format: String,
    version: u32,
    inventory: I,
}

/// Why a snapshot cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system says no.
    #[error("cannot {act} the snapshot {}: {cause}", path.display())]
    File {
        /// `read` or `write`.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The file is something else.
    #[error("{} is not a snapshot: {why}; record one with: leeward snapshot --output FILE", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file was written by a later release.
    #[error("{} is a snapshot of version {version}, and this Leeward reads up to {VERSION}; update Leeward", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

/// The built-in inventory.
pub fn demo() -> Result<Inventory, Error> {
    parse(DEMO, Path::new("demo"))
}

/// Reads a snapshot.
pub fn read(path: &Path) -> Result<Inventory, Error> {
    let text =
        std::fs::read_to_string(path).map_err(|cause| Error::File { act: "read", path: path.to_owned(), cause })?;
    parse(&text, path)
}

fn parse(text: &str, path: &Path) -> Result<Inventory, Error> {
    let foreign = |why: String| Error::Foreign { path: path.to_owned(), why };
    let head: Snapshot<serde::de::IgnoredAny> =
        serde_json::from_str(text).map_err(|problem| foreign(problem.to_string()))?;
    if head.format != FORMAT {
        return Err(foreign(format!("its format is `{}`", head.format)));
    }
    if head.version > VERSION {
        return Err(Error::Newer { path: path.to_owned(), version: head.version });
    }
    let snapshot: Snapshot<Inventory> = serde_json::from_str(text).map_err(|problem| foreign(problem.to_string()))?;
    Ok(snapshot.inventory)
}

/// An inventory as a snapshot's text.
pub fn text(inventory: &Inventory) -> String {
    let snapshot = Snapshot { format: FORMAT.to_owned(), version: VERSION, inventory };
    // An inventory holds nothing that JSON cannot: its keys are texts.
    let mut text = serde_json::to_string_pretty(&snapshot).unwrap_or_default();
    text.push('\n');
    text
}

/// Writes a snapshot that only its owner may read: labels may hold hashes of passwords.
pub fn write(inventory: &Inventory, path: &Path) -> Result<(), Error> {
    let file = |cause| Error::File { act: "write", path: path.to_owned(), cause };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(path).map_err(file)?;
    #[cfg(unix)]
    opened.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(file)?;
    opened.write_all(text(inventory).as_bytes()).map_err(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Container;

    #[test]
    fn what_is_written_is_read_back_and_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("world.json");
        std::fs::write(&path, "something older").unwrap();
        let mut inventory = demo().unwrap();
        inventory.put(Container { id: "x".into(), ..Container::default() });
        write(&inventory, &path).unwrap();
        assert_eq!(read(&path).unwrap(), inventory);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn other_files_are_told_apart() {
        let parse = |text| parse(text, Path::new("it.json")).unwrap_err().to_string();
        assert!(parse("{}").contains("is not a snapshot"));
        assert!(parse("[").contains("is not a snapshot"));
        assert!(parse(r#"{"format":"x","version":1,"inventory":{}}"#).contains("its format is `x`"));
        assert!(parse(r#"{"format":"leeward-snapshot","version":2,"inventory":{}}"#).contains("update Leeward"));
        assert!(read(Path::new("/nowhere/x")).unwrap_err().to_string().starts_with("cannot read the snapshot"));
    }
}
