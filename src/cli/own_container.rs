//! The container that this process runs in.

use std::fs;

/// Its id, where the engine's mounts tell: Docker and Podman mount a file from a folder of the container's id over
/// `/etc/hostname`. `None`: outside a container, or on an engine that does it otherwise.
///
/// Source: `proc_pid_mountinfo(5)`; moby `daemon/container_operations_unix.go`.
pub(super) fn own_container() -> Option<String> {
    named_in(&fs::read_to_string("/proc/self/mountinfo").ok()?)
}

/// The fourth field is the mounted path on its own file system, the fifth where it is mounted.
fn named_in(mountinfo: &str) -> Option<String> {
    let of = |wanted: &str| {
        let mut lines = mountinfo.lines().map(|line| line.split(' ').skip(3));
        let path = lines.find_map(|mut fields| {
            let path = fields.next()?;
            (fields.next()? == wanted).then_some(path)
        })?;
        let is_id = |part: &&str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        path.rsplit('/').find(is_id).map(str::to_owned)
    };
    // Nobody mounts a file of their own over the first.
    ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"].into_iter().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_known_by_the_files_that_its_engine_mounts() {
        let id = "5f2d".repeat(16);
        for (line, known) in [
            (format!("70 60 8:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/sda1 rw"), true),
            // The engine's folder on a disk of its own.
            (format!("70 60 8:2 /containers/{id}/resolv.conf /etc/resolv.conf rw - ext4 /dev/sdb1 rw"), true),
            (
                format!(
                    "70 60 0:9 /containers/storage/overlay-containers/{id}/userdata/hosts /etc/hosts rw - tmpfs t rw"
                ),
                true,
            ),
            (format!("70 60 8:1 /var/lib/docker/volumes/{id}/_data /data rw - ext4 /dev/sda1 rw"), false),
            ("70 60 8:1 /srv/hosts /etc/hosts ro - ext4 /dev/sda1 rw".to_owned(), false),
            ("70 60".to_owned(), false),
            (String::new(), false),
        ] {
            let lines = format!("59 1 0:50 / / rw - overlay overlay rw\n{line}\n");
            assert_eq!(named_in(&lines).as_deref(), known.then_some(id.as_str()), "{line}");
        }
    }
}
