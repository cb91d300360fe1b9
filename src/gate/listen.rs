//! Where clients connect: the socket file, its owner and its mode; or a loopback port.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::umask;

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
        Listen::Tcp(address) => {
            let problem = |cause| Problem::Listen { address: address.to_string(), cause };
            let listener = TcpListener::bind(address).map_err(problem)?;
            listener.set_nonblocking(true).map_err(problem)?;
            Ok(Bound::Tcp(listener))
        }
        Listen::Unix { path, mode, owner } => {
            clear_stale(path)?;
            let problem = |cause| Problem::Listen { address: path.display().to_string(), cause };
            // Nobody else may connect before the mode is set: the file is born for its owner alone. No other thread
            // exists that could create files meanwhile.
            let before = umask(Mode::from_raw_mode(0o177));
            let bound = UnixListener::bind(path);
            umask(before);
            let listener = bound.map_err(problem)?;
            if let Some(Owner { uid, gid }) = owner.or(user) {
                chown(path, Some(uid), Some(gid)).map_err(|cause| Problem::Give { path: path.clone(), cause })?;
            }
            std::fs::set_permissions(path, Permissions::from_mode(*mode)).map_err(problem)?;
            listener.set_nonblocking(true).map_err(problem)?;
            Ok(Bound::Unix(listener))
        }
    }
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
            std::fs::remove_file(&path).map_err(|cause| Problem::Listen { address: path.display().to_string(), cause })
        }
        Ok(_) | Err(_) => Err(Problem::InUse { path }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
