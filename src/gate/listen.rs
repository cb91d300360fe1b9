//! Where clients connect: the socket file, its owner and its mode; or a loopback port.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, chownat, fstat};
use rustix::process::{Gid, Uid, umask};

use super::{Listen, Owner, Problem};

/// A socket that is bound, but that no runtime knows yet.
#[derive(Debug)]
pub(super) enum Bound {
    /// A socket file.
    Unix(UnixListener),
    /// A port.
    Tcp(TcpListener),
}

/// Binds. `user` is who the gate will become: its socket is given to that user unless an owner was named.
pub(super) fn bind(listen: &Listen, user: Option<Owner>) -> Result<Bound, Problem> {
    match listen {
        Listen::Tcp(address) => bind_tcp(*address).map(Bound::Tcp),
        Listen::Unix { path, mode, owner } => {
            clear_stale(path)?;
            let problem = |cause| Problem::Listen { path: path.clone(), cause };
            // The file is born with its mode: nobody may connect who may not later. No other thread exists that could
            // create files meanwhile.
            let before = umask(Mode::from_raw_mode(!mode & 0o777));
            let bound = UnixListener::bind(path);
            umask(before);
            let listener = bound.map_err(problem)?;
            if let Some(owner) = owner.or(user) {
                give(path, owner).map_err(|cause| Problem::Give { path: path.clone(), cause })?;
            }
            listener.set_nonblocking(true).map_err(problem)?;
            Ok(Bound::Unix(listener))
        }
    }
}

/// Binds a port.
pub(super) fn bind_tcp(address: SocketAddr) -> Result<TcpListener, Problem> {
    let problem = |cause| Problem::Port { address, cause };
    let listener = TcpListener::bind(address).map_err(problem)?;
    listener.set_nonblocking(true).map_err(problem)?;
    Ok(listener)
}

/// Gives the new socket to its owner: the socket, and nothing that the folder's owner put in its place meanwhile.
fn give(path: &Path, Owner { uid, gid }: Owner) -> io::Result<()> {
    let file = rustix::fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let found = fstat(&file)?;
    if FileType::from_raw_mode(found.st_mode) != FileType::Socket || found.st_nlink != 1 {
        return Err(io::Error::other("another file took its place"));
    }
    Ok(chownat(&file, "", Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), AtFlags::EMPTY_PATH)?)
}

/// Removes the socket file that an earlier run left behind; never a file of another kind, never a socket in use.
fn clear_stale(path: &Path) -> Result<(), Problem> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    let path = path.to_owned();
    if !metadata.file_type().is_socket() {
        return Err(Problem::NotASocket { path });
    }
    match UnixStream::connect(&path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            std::fs::remove_file(&path).map_err(|cause| Problem::Listen { path, cause })
        }
        Ok(_) | Err(_) => Err(Problem::InUse { path }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::PathBuf;

    fn listen(path: PathBuf, mode: u32) -> Listen {
        Listen::Unix { path, mode, owner: None }
    }

    #[test]
    fn a_socket_has_its_mode_and_a_stale_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.sock");
        let first = bind(&listen(path.clone(), 0o600), None).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let taken = bind(&listen(path.clone(), 0o600), None).unwrap_err();
        assert!(matches!(taken, Problem::InUse { path: _ }), "{taken}");
        drop(first);
        let _second = bind(&listen(path.clone(), 0o660), None).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o660);
    }

    #[test]
    fn a_taken_port_is_no_matter_of_folders() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let problem = bind(&Listen::Tcp(address), None).unwrap_err().to_string();
        assert!(problem.contains(&address.to_string()) && !problem.contains("folder"), "{problem}");
    }

    #[test]
    fn only_the_socket_itself_is_given_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (uid, gid) = (folder.path().metadata().unwrap().uid(), folder.path().metadata().unwrap().gid());
        let _socket = UnixListener::bind(path("socket")).unwrap();
        give(&path("socket"), Owner { uid, gid }).unwrap();
        std::fs::write(path("file"), "").unwrap();
        std::os::unix::fs::symlink(path("socket"), path("link")).unwrap();
        for name in ["file", "link"] {
            let error = give(&path(name), Owner { uid, gid }).unwrap_err();
            assert!(error.to_string().contains("took its place"), "{name}: {error}");
        }
        std::fs::hard_link(path("socket"), path("second")).unwrap();
        assert!(give(&path("second"), Owner { uid, gid }).is_err());
    }

    #[test]
    fn nothing_but_a_socket_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.sock");
        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(bind(&listen(path.clone(), 0o600), None), Err(Problem::NotASocket { path: _ })));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(bind(&listen(link, 0o600), None), Err(Problem::NotASocket { path: _ })));
        assert_eq!(std::fs::read_to_string(path).unwrap(), "precious");
    }
}
