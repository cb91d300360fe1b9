//! Where `leeward fix` writes: only below folders that are named on the command line, through no link, and never over a
//! file that is not its own.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use leeward::remedy::is_writable;
use leeward::report::fix::{MARK, file_name, file_parts};
use leeward::source::compose::OWN_FILE;
use leeward::source::lines::Written;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use super::check::{USUAL, name_of};

/// How deep projects are looked for below a folder.
const DEEPEST: usize = 3;
/// How many folders are looked at.
const MOST_FOLDERS: usize = 10_000;

/// How many files one project may have.
const MOST_FILES: usize = 1_000;

/// A file to be written.
#[derive(Clone, Debug)]
pub(super) struct Override {
    /// The project it is of.
    pub(super) project: String,
    /// Which of its files it is, at least: the first that the project does not run with.
    pub(super) number: usize,
    /// Its project is part of its name.
    pub(super) shared: bool,
    /// What it says.
    pub(super) text: String,
}

impl Override {
    /// With the name that the file would have; one that is none of ours counts as the first.
    pub(super) fn new(project: String, name: &str, text: String) -> Self {
        let (number, of) = file_parts(name).unwrap_or((1, None));
        let shared = of.is_some();
        Self { project, number, shared, text }
    }

    /// The name of the n-th file.
    pub(super) fn name(&self, number: usize) -> String {
        file_name(number, self.shared.then_some(&*self.project))
    }
}

/// Writes `FOLDER/<project>/compose.leeward.yaml` for each. The paths that were written.
///
/// Errors: the folder cannot be made or written to; a file of that name is not ours, or is a link.
pub(super) fn output(folder: &Path, files: &[Override]) -> anyhow::Result<Vec<PathBuf>> {
    match std::fs::create_dir(folder) {
        Err(problem) if problem.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(problem).with_context(|| format!("cannot make the folder {}", folder.display()));
        }
        Ok(()) | Err(_) => {}
    }
    let root = named(folder)?;
    let mut written = Vec::new();
    for file in files {
        let Override { project, number, text, .. } = file;
        if !is_writable(project) {
            bail!("`{project}` is no name of a folder");
        }
        let path = folder.join(project);
        match mkdirat(&root, project.as_str(), Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(problem) => return Err(problem).with_context(|| format!("cannot make the folder {}", path.display())),
        }
        let place = below(&root, project).with_context(|| format!("cannot open the folder {}", path.display()))?;
        let name = file.name(*number);
        put(&place, &path, &name, text)?;
        written.push(path.join(name));
    }
    Ok(written)
}

/// Writes `compose.leeward.yaml` beside the Compose file of each project, which is looked for below `folders`. The paths
/// that were written. Nothing is written where one project has no folder, or several.
///
/// A file of ours that is there is written over, unless it declares networks that the new one does not, or the folder's
/// `.env` names it: then the new one gets the next number.
pub(super) fn beside(folders: &[PathBuf], files: &[Override]) -> anyhow::Result<Vec<PathBuf>> {
    beside_within(folders, files, MOST_FOLDERS)
}

/// The name of each as it would be written by [`beside`]: what people are told has to name it. Errors: as there.
pub(super) fn names(folders: &[PathBuf], files: &[Override]) -> anyhow::Result<Vec<(String, String)>> {
    let places = places(folders, files, MOST_FOLDERS)?;
    Ok(files.iter().zip(places).map(|(file, place)| (file.project.clone(), file.name(place.number))).collect())
}

/// Where a file goes.
struct Place {
    path: PathBuf,
    folder: OwnedFd,
    number: usize,
}

/// As [`beside`], with how many folders are looked at.
fn beside_within(folders: &[PathBuf], files: &[Override], most: usize) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (file, Place { path, folder, number }) in files.iter().zip(places(folders, files, most)?) {
        let name = file.name(number);
        put(&folder, &path, &name, &file.text)?;
        written.push(path.join(name));
    }
    Ok(written)
}

/// The place of each file, in their order.
fn places(folders: &[PathBuf], files: &[Override], most: usize) -> anyhow::Result<Vec<Place>> {
    let mut there: Vec<(String, PathBuf, OwnedFd)> = Vec::new();
    let mut left = most;
    for folder in folders {
        search(&named(folder)?, folder, DEEPEST, &mut left, &mut there);
    }
    if left == 0 {
        bail!("there are more than {most} folders to look into: name the folders of the projects themselves");
    }
    let mut places = Vec::new();
    for file in files {
        let Override { project, number, text, .. } = file;
        let mut found = there.iter().filter(|(name, _, _)| name == project);
        let listed = || folders.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(", ");
        let Some((_, path, place)) = found.next() else {
            bail!(
                "no Compose file of project `{project}` is below {}: name its folder, or use --output FOLDER",
                listed()
            );
        };
        if let Some((_, other, _)) = found.next() {
            bail!("project `{project}` is in {} and in {}: name one of them", path.display(), other.display());
        }
        let mut number = *number;
        while number < MOST_FILES && is_needed(place, path, &file.name(number), text)? {
            number += 1;
        }
        places.push(Place { path: path.clone(), folder: place.try_clone()?, number });
    }
    Ok(places)
}

/// A folder that the operator named; that may be a link.
fn named(folder: &Path) -> anyhow::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, Mode::empty())
        .with_context(|| format!("cannot open the folder {}", folder.display()))
}

/// A folder in one: never through a link.
fn below(folder: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    openat(folder, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// The projects in and below a folder.
fn search(folder: &OwnedFd, path: &Path, depth: usize, left: &mut usize, found: &mut Vec<(String, PathBuf, OwnedFd)>) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    if let Some(name) = project_in(folder, path)
        && let Ok(own) = folder.try_clone()
    {
        found.push((name, path.to_owned(), own));
        // Below it is what its containers write: whatever is there is no project of the operator's.
        return;
    }
    let Ok(entries) = rustix::fs::Dir::read_from(folder) else { return };
    if depth == 0 {
        return;
    }
    let mut names: Vec<String> = entries.flatten().map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    for name in names.into_iter().filter(|name| !name.starts_with('.')) {
        if let Ok(inner) = below(folder, &name) {
            search(&inner, &path.join(&name), depth - 1, left, found);
        }
    }
}

/// What the project of a folder is called, if one of the usual files is there.
fn project_in(folder: &OwnedFd, path: &Path) -> Option<String> {
    let text = USUAL.iter().take(1).flatten().find_map(|name| read(folder, name).ok().flatten())?;
    let own = Written::read(String::new(), text).and_then(|it| it.text_of(&["name"]).map(ToOwned::to_owned));
    own.or_else(|| Some(name_of(&path.canonicalize().ok()?)))
}

/// A regular file in a folder, if it is there; a link is an error.
fn read(folder: &OwnedFd, name: &str) -> anyhow::Result<Option<String>> {
    const LONGEST: u64 = 1 << 20;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(folder, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => bail!("is a link"),
        Err(problem) => return Err(problem.into()),
    };
    if !file.metadata()?.is_file() {
        bail!("is no file");
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// What is there under our name, if anything is. Errors: it is not ours.
fn ours(folder: &OwnedFd, path: &Path, name: &str) -> anyhow::Result<Option<String>> {
    let file = path.join(name);
    match read(folder, name).with_context(|| format!("{} is not written over", file.display()))? {
        Some(text) if text.lines().next() != Some(MARK) => Err(anyhow!(
            "{} is not ours (its first line is not `{MARK}`), and is not written over: move it away",
            file.display()
        )),
        there => Ok(there),
    }
}

/// Whether what is there under our name must stay beside `text`.
fn is_needed(folder: &OwnedFd, path: &Path, name: &str, text: &str) -> anyhow::Result<bool> {
    let Some(there) = ours(folder, path, name)? else { return Ok(false) };
    let networks = |text: &str| -> BTreeSet<String> {
        let read = Written::read(String::new(), text.to_owned());
        read.map(|it| it.keys(&["networks"]).into_iter().map(ToOwned::to_owned).collect()).unwrap_or_default()
    };
    let in_env = read(folder, ".env").ok().flatten().is_some_and(|env| {
        let files = env.lines().filter_map(|line| line.trim().strip_prefix("COMPOSE_FILE="));
        files.flat_map(|files| files.split(':')).any(|file| file.trim_matches(['"', '\'']) == name)
    });
    // But for its own name they may be the same.
    let said =
        |text: &str| text.lines().filter(|line| !line.starts_with(OWN_FILE)).map(str::to_owned).collect::<Vec<_>>();
    Ok(said(&there) != said(text) && (in_env || !networks(&there).is_subset(&networks(text))))
}

/// Writes our file into a folder, all or nothing.
fn put(folder: &OwnedFd, path: &Path, file: &str, text: &str) -> anyhow::Result<()> {
    ours(folder, path, file)?;
    let name = format!(".{file}.{}", std::process::id());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let write = || -> anyhow::Result<()> {
        let mut open = File::from(openat(folder.as_fd(), name.as_str(), flags, Mode::from_raw_mode(0o644))?);
        open.write_all(text.as_bytes())?;
        open.sync_all()?;
        renameat(folder, name.as_str(), folder, file)?;
        Ok(())
    };
    let done = write().with_context(|| format!("cannot write {}", path.join(file).display()));
    if done.is_err() {
        // What is left of it, if anything.
        let _ = unlinkat(folder, name.as_str(), AtFlags::empty());
    }
    done
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn project(root: &TempDir, path: &str, text: &str) -> PathBuf {
        let folder = root.path().join(path);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("compose.yaml"), text).unwrap();
        folder
    }

    const FILE: &str = "compose.leeward.yaml";

    fn of(project: &str) -> [Override; 1] {
        [Override::new(project.to_owned(), FILE, format!("{MARK}\nservices: {{}}\n"))]
    }

    #[test]
    fn a_file_that_is_still_needed_gets_a_second_one_beside_it() {
        let root = TempDir::new().unwrap();
        let front = project(&root, "front", "services: {}\n");
        let declares = |network: &str| {
            let text = format!("{MARK}\nnetworks:\n  {network}:\n    internal: true\n");
            [Override::new("front".to_owned(), FILE, text)]
        };
        let write = |files: &[Override]| beside(&[root.path().to_owned()], files).unwrap();
        assert_eq!(write(&declares("net-a")), [front.join(FILE)]);
        assert_eq!(write(&declares("net-b")), [front.join("compose.leeward-2.yaml")]);
        assert_eq!(write(&declares("net-a")), [front.join(FILE)]);
        // What `.env` names is in use.
        let shop = project(&root, "shop", "services: {}\n");
        fs::write(shop.join(".env"), format!("COMPOSE_FILE=compose.yaml:{FILE}\n")).unwrap();
        assert_eq!(write(&of("shop")), [shop.join(FILE)]);
        let more = Override::new("shop".to_owned(), FILE, format!("{MARK}\nservices: {{a: {{}}}}\n"));
        assert_eq!(write(&[more]), [shop.join("compose.leeward-2.yaml")]);
    }

    #[test]
    fn a_file_is_written_beside_its_project_and_again_over_itself() {
        let root = TempDir::new().unwrap();
        let shop = project(&root, "a/shop", "services: {}\n");
        project(&root, "b/other", "name: blog\nservices: {}\n");
        for _ in 0..2 {
            let written = beside(&[root.path().to_owned()], &of("shop")).unwrap();
            assert_eq!(written, [shop.join(FILE)]);
        }
        // The name in the file counts, not the folder's.
        assert_eq!(beside(&[root.path().to_owned()], &of("blog")).unwrap(), [root.path().join("b/other").join(FILE)]);
        assert!(beside(&[root.path().to_owned()], &of("other")).is_err());
        assert_eq!(fs::read_dir(&shop).unwrap().count(), 2);
    }

    #[test]
    fn what_is_not_ours_is_not_written_over() {
        let root = TempDir::new().unwrap();
        let shop = project(&root, "shop", "services: {}\n");
        fs::write(shop.join(FILE), "services: {mine: {}}\n").unwrap();
        for result in [beside(&[root.path().to_owned()], &of("shop")), output(root.path(), &of("shop"))] {
            let words = format!("{:#}", result.unwrap_err());
            assert!(words.contains("is not ours"), "{words}");
        }
        assert_eq!(fs::read_to_string(shop.join(FILE)).unwrap(), "services: {mine: {}}\n");
    }

    #[test]
    fn no_link_is_followed() {
        let root = TempDir::new().unwrap();
        let elsewhere = TempDir::new().unwrap();
        // A folder that is a link, with a project behind it.
        project(&elsewhere, "shop", "services: {}\n");
        symlink(elsewhere.path().join("shop"), root.path().join("shop")).unwrap();
        assert!(beside(&[root.path().to_owned()], &of("shop")).is_err());
        assert!(output(root.path(), &of("shop")).is_err());
        // A file that is a link, to one that is there and to one that is not.
        let blog = project(&root, "blog", "services: {}\n");
        for target in ["there", "missing"] {
            let target = elsewhere.path().join(target);
            if target.ends_with("there") {
                fs::write(&target, format!("{MARK}\n")).unwrap();
            }
            symlink(&target, blog.join(FILE)).unwrap();
            assert!(beside(&[root.path().to_owned()], &of("blog")).is_err());
            assert!(output(root.path(), &of("blog")).is_err());
            fs::remove_file(blog.join(FILE)).unwrap();
        }
        assert_eq!(fs::read_to_string(elsewhere.path().join("there")).unwrap(), format!("{MARK}\n"));
        assert!(!elsewhere.path().join("missing").exists());
        assert_eq!(fs::read_dir(elsewhere.path().join("shop")).unwrap().count(), 1);
    }

    #[test]
    fn a_projects_name_is_no_path() {
        let root = TempDir::new().unwrap();
        let inner = root.path().join("inner");
        for name in ["..", "../x", "/etc", "a/b", ".hidden", ""] {
            assert!(output(&inner, &of(name)).is_err(), "{name}");
            assert!(beside(&[root.path().to_owned()], &of(name)).is_err(), "{name}");
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 0);
    }

    #[test]
    fn what_containers_write_below_a_project_is_no_project() {
        let root = TempDir::new().unwrap();
        project(&root, "shop", "services: {}\n");
        // A volume of the project, where its container put a Compose file of another project's name.
        let volume = project(&root, "shop/data", "name: front\nservices: {}\n");
        assert!(beside(&[root.path().to_owned()], &of("front")).is_err());
        assert!(!volume.join(FILE).exists());
        // The operator may name it.
        assert!(beside(std::slice::from_ref(&volume), &of("front")).is_ok());
    }

    #[test]
    fn too_many_folders_are_an_error_and_nothing_is_written() {
        let root = TempDir::new().unwrap();
        let shop = project(&root, "a-shop", "services: {}\n");
        for number in 0..8 {
            fs::create_dir(root.path().join(format!("b{number}"))).unwrap();
        }
        let write = |most| beside_within(&[root.path().to_owned()], &of("a-shop"), most);
        let words = format!("{:#}", write(8).unwrap_err());
        assert!(words.contains("more than 8 folders"), "{words}");
        assert!(!shop.join(FILE).exists());
        assert!(write(11).is_ok());
    }

    #[test]
    fn nothing_is_written_where_one_of_several_cannot_be() {
        let root = TempDir::new().unwrap();
        let shop = project(&root, "shop", "services: {}\n");
        for twice in ["x/blog", "y/blog"] {
            project(&root, twice, "services: {}\n");
        }
        let both = [of("shop"), of("blog")].concat();
        let words = format!("{:#}", beside(&[root.path().to_owned()], &both).unwrap_err());
        assert!(words.contains("x/blog") && words.contains("y/blog"), "{words}");
        assert!(!shop.join(FILE).exists());
    }
}
