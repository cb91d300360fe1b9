//! Devices that are the host: its memory, its disks, its consoles, the wires of others.

use std::num::ParseIntError;

use super::mounts::plain;

/// By path. A name stands for itself, what lies below it, and what begins with it and goes on with a digit, a dash or a
/// letter of a partition (`/dev/sda1`, `/dev/nvme0n1`, `/dev/dm-0`).
///
/// Source: Linux `Documentation/admin-guide/devices.txt`, and the names that udev, LVM, ZFS and the block drivers give.
const HOSTS: &[&str] = &[
    // Memory, the kernel and the processor.
    "mem",
    "kmem",
    "kmsg",
    "port",
    "oldmem",
    "crash",
    "nvram",
    "snapshot",
    "cpu",
    "mcelog",
    "char",
    "block",
    "cuse",
    "fw",
    "ndctl",
    "nmem",
    "usbmon",
    "vboxdrv",
    "vmmon",
    // What all its processes share, as with `ipc: host`, and their terminals.
    "mqueue",
    "pts",
    "shm",
    // Disks, and the commands to them.
    "aac",
    "megaraid_sas_ioctl_node",
    "mpt2ctl",
    "mpt3ctl",
    "twa",
    "ubd",
    "sd",
    "hd",
    "vd",
    "xvd",
    "nvme",
    "ng",
    "mmcblk",
    "md",
    "dm-",
    "mapper",
    "loop",
    "disk",
    "nbd",
    "rbd",
    "drbd",
    "bcache",
    "zd",
    "zvol",
    "zfs",
    "ram",
    "zram",
    "pmem",
    "dax",
    "ublk",
    "dasd",
    "mtd",
    "ubi",
    "sg",
    "bsg",
    "btrfs-control",
    "device-mapper",
    "pvdev",
    "cciss",
    "ida",
    "etherd",
    "root",
    "raw",
    // Hardware that reads and writes memory by itself, and the machine's own controller.
    "vfio",
    "uio",
    "mei",
    "ipmi",
    "xen",
    // Tunnels, and wires of the host.
    "net",
    "tap",
    "ppp",
    "vhost",
    "macvtap",
    // Whoever sits at the console.
    "console",
    "vcs",
    "uinput",
    "uhid",
];

/// Directories whose devices are no disks; in others LVM keeps its volumes: `/dev/<group>/<volume>`.
const PLAIN: &[&str] = &[
    "accel",
    "apex",
    "bus",
    "cdrom",
    "dma_heap",
    "dri",
    "dvb",
    "fd",
    "gpio",
    "habanalabs",
    "hailo",
    "hugepages",
    "infiniband",
    "input",
    "lirc",
    "media",
    "mtp",
    "nvidia-caps",
    "rtc",
    "serial",
    "snd",
    "usb",
    "v4l",
    "video",
    "zigbee",
];

/// Whether a path that is given to a container as a device is the host.
pub(super) fn is_host(path: &str) -> bool {
    // `vendor.com/class=name` names one of a list that the vendor made.
    if !path.starts_with('/') {
        return path.is_empty() || !path.contains('=');
    }
    // A device may lie anywhere, and a link may lead to any.
    let Some(path) = plain(path) else { return true };
    let Some(name) = path.strip_prefix("/dev/") else { return true };
    let mut parts = name.split('/');
    let first = parts.next().unwrap_or_default();
    // `/dev/tty1` is the host's console, `/dev/ttyUSB0` a device on a wire.
    if first.strip_prefix("tty").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) {
        return true;
    }
    HOSTS.iter().any(|own| stands_for(own, first)) || (parts.next().is_some() && !PLAIN.contains(&first))
}

fn stands_for(own: &str, name: &str) -> bool {
    let Some(rest) = name.strip_prefix(own) else { return false };
    let mut rest = rest.bytes();
    match rest.next() {
        None => true,
        Some(byte) if byte.is_ascii_digit() || matches!(byte, b'-' | b'_') => true,
        // `sda`, `sdaa1`, `vcsa`.
        Some(byte) => {
            matches!(own, "sd" | "hd" | "vd" | "xvd" | "dasd" | "vcs")
                && byte.is_ascii_lowercase()
                && rest.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        }
    }
}

/// What a rule for devices (`c 10:200 rwm`) opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opens {
    /// The host: all of a kind, a disk, memory, a console, a tunnel.
    Host,
    /// A number that the kernel gives to whatever driver comes first.
    Unknown,
    /// Something else.
    Device,
}

/// Reads a rule. One that cannot be read opens the host.
///
/// Source: Linux `Documentation/admin-guide/devices.txt`; runc's `devices` for the form.
pub(super) fn opens(rule: &str) -> Opens {
    let mut words = rule.split_whitespace();
    let (Some(kind), Some(numbers), Some(_), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Opens::Host;
    };
    let Some((major, minor)) = numbers.split_once(':') else { return Opens::Host };
    let (Ok(major), Ok(minor)) = (number(major), number(minor)) else { return Opens::Host };
    let (Some(major), false) = (major, kind != "c") else { return Opens::Host };
    let is = |wanted: &[u32]| minor.is_none_or(|minor| wanted.contains(&minor));
    let host = match major {
        // Memory and its like: 3, 5, 7, 8 and 9 are `null`, `zero`, `full` and the random ones.
        1 => !minor.is_some_and(|minor| matches!(minor, 3 | 5 | 7..=9)),
        // Consoles; from 64 on serial lines.
        4 => minor.is_none_or(|minor| minor < 64),
        5 => is(&[1]),
        // What consoles show, disks' commands, raw disks, flash, network tunnels, the processor, the hypervisor's.
        7 | 21 | 90 | 108 | 162 | 202 => true,
        // Of the rest: the non-volatile memory, vfio, typing, hibernation, tun, control of disks.
        10 => is(&[144, 196, 200, 223, 227, 231, 234, 236, 237, 238, 239, 249]),
        _ => false,
    };
    match major {
        _ if host => Opens::Host,
        234..=254 | 384..=511 => Opens::Unknown,
        _ => Opens::Device,
    }
}

/// A number of a rule; `None` is all of them.
fn number(text: &str) -> Result<Option<u32>, ParseIntError> {
    if text == "*" { Ok(None) } else { text.parse().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_the_host_or_not() {
        for path in [
            "/dev",
            "/dev/",
            "/dev/mem",
            "/dev/kmem",
            "/dev/kmsg",
            "/dev/port",
            "/dev/net/tun",
            "/dev/net",
            "/dev/sda",
            "/dev/sdaa1",
            "/dev/sda1",
            "/dev/hda",
            "/dev/vda",
            "/dev/xvda1",
            "/dev/nvme0",
            "/dev/nvme0n1p2",
            "/dev/ng0n1",
            "/dev/mmcblk0p1",
            "/dev/md0",
            "/dev/md127",
            "/dev/md_d0",
            "/dev/md/data",
            "/dev/dm-0",
            "/dev/mapper/vg-root",
            "/dev/mapper/control",
            "/dev/loop0",
            "/dev/loop-control",
            "/dev/disk/by-id/ata-x",
            "/dev/block/8:0",
            "/dev/char/1:1",
            "/dev/sg0",
            "/dev/sg12",
            "/dev/bsg/0:0:0:0",
            "/dev/nbd0",
            "/dev/nbd0p1",
            "/dev/rbd0",
            "/dev/drbd0",
            "/dev/bcache0",
            "/dev/zd0",
            "/dev/zvol/tank/vm",
            "/dev/zfs",
            "/dev/ubuntu-vg/root",
            "/dev/pve/data",
            "/dev/vg0/lv0",
            "/dev/ram0",
            "/dev/zram0",
            "/dev/vfio/vfio",
            "/dev/vfio/12",
            "/dev/uio0",
            "/dev/uinput",
            "/dev/shm",
            "/dev/pts/0",
            "/dev/mqueue",
            "/dev/cuse",
            "/dev/fw0",
            "/dev/mpt3ctl",
            "/dev/megaraid_sas_ioctl_node",
            "/dev/vboxdrv",
            "/dev/tty1",
            "/dev/tty0",
            "/dev/tty",
            "/dev/console",
            "/dev/vcs1",
            "/dev/vcsa1",
            "/dev/cpu/0/msr",
            "/dev/ipmi0",
            "/dev/vhost-net",
            "/dev/vhost-vsock",
            "/dev/vhost-vdpa-0",
            "/dev/root",
            "/dev/tap3",
            "/dev/ppp",
            "/dev/xen/privcmd",
            "//dev//sda",
            "/dev/../dev/sda",
            "/dev/./sda",
            "/DEV/SDA",
            "/proc/1/root/dev/sda",
            "/srv/disk",
            "/tmp/mem",
            "/",
            "",
            "dev/sda",
        ] {
            assert!(is_host(path), "{path}");
        }
        for path in [
            "/dev/dri",
            "/dev/dri/renderD128",
            "/dev/snd",
            "/dev/snd/seq",
            "/dev/ttyUSB0",
            "/dev/ttyACM0",
            "/dev/ttyAMA0",
            "/dev/ttyS0",
            "/dev/serial/by-id/usb-Silicon_Labs-if00",
            "/dev/video0",
            "/dev/media0",
            "/dev/fuse",
            "/dev/kvm",
            "/dev/bus/usb",
            "/dev/bus/usb/001/002",
            "/dev/input/event0",
            "/dev/dvb/adapter0",
            "/dev/nvidia0",
            "/dev/nvidiactl",
            "/dev/nvidia-uvm",
            "/dev/nvidia-caps/nvidia-cap1",
            "/dev/kfd",
            "/dev/apex_0",
            "/dev/hailo0",
            "/dev/gpiomem",
            "/dev/gpiochip0",
            "/dev/i2c-1",
            "/dev/spidev0.0",
            "/dev/vchiq",
            "/dev/sr0",
            "/dev/cdrom",
            "/dev/rtc",
            "/dev/zigbee",
            "/dev/hidraw0",
            "/dev/null",
            "/dev/random",
            "/dev/cec0",
            "/dev/watchdog",
            "/dev/sgx_enclave",
            "/dev/sgx",
            "/dev/mdev",
            "/dev/memory-card",
            "/dev/networking",
            "/dev/tpm0",
            "/dev/lirc0",
            "nvidia.com/gpu=all",
        ] {
            assert!(!is_host(path), "{path}");
        }
    }

    #[test]
    fn rules_are_read_by_their_numbers() {
        for (rule, wanted) in [
            ("a *:* rwm", Opens::Host),
            ("a", Opens::Host),
            ("b 8:* rmw", Opens::Host),
            ("b *:* m", Opens::Host),
            ("b 253:0 r", Opens::Host),
            ("c *:* rwm", Opens::Host),
            ("c *:200 rwm", Opens::Host),
            ("c 1:* rwm", Opens::Host),
            ("c 1:1 rwm", Opens::Host),
            ("c 1:2 r", Opens::Host),
            ("c 1:4 rwm", Opens::Host),
            ("c 1:11 r", Opens::Host),
            ("c 4:* rwm", Opens::Host),
            ("c 4:1 rwm", Opens::Host),
            ("c 5:* rwm", Opens::Host),
            ("c 5:1 rwm", Opens::Host),
            ("c 7:1 r", Opens::Host),
            ("c 10:* rwm", Opens::Host),
            ("c 10:200 rwm", Opens::Host),
            ("c  10:200  rwm", Opens::Host),
            ("c 10:0200 rwm", Opens::Host),
            ("c 10:223 w", Opens::Host),
            ("c 10:196 rwm", Opens::Host),
            ("c 10:237 rwm", Opens::Host),
            ("c 21:* rwm", Opens::Host),
            ("c 21:0 rw", Opens::Host),
            ("c 90:0 rw", Opens::Host),
            ("c 202:0 rw", Opens::Host),
            ("c 108:0 rw", Opens::Host),
            ("C 10:200 rwm", Opens::Host),
            ("c 10 rwm", Opens::Host),
            ("c 10:200-210 rwm", Opens::Host),
            ("", Opens::Host),
            ("c 245:* rwm", Opens::Unknown),
            ("c 510:0 rwm", Opens::Unknown),
            ("c 188:* rmw", Opens::Device),
            ("c 166:* rmw", Opens::Device),
            ("c 189:* rwm", Opens::Device),
            ("c 226:* rwm", Opens::Device),
            ("c 226:128 rwm", Opens::Device),
            ("c 116:* rwm", Opens::Device),
            ("c 81:* rwm", Opens::Device),
            ("c 13:* rwm", Opens::Device),
            ("c 195:* rwm", Opens::Device),
            ("c 10:229 rwm", Opens::Device),
            ("c 10:232 rwm", Opens::Device),
            ("c 1:3 rwm", Opens::Device),
            ("c 1:8 r", Opens::Device),
            ("c 4:64 rwm", Opens::Device),
            ("c 5:0 rwm", Opens::Device),
        ] {
            assert_eq!(opens(rule), wanted, "{rule}");
        }
    }
}
