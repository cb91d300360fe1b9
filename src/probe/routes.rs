//! What the kernel says of a network namespace: its networks, its gateways, its default routes.
//!
//! Source: `proc(5)`, `/proc/net/route` (IPv4, words in the machine's byte order) and `/proc/net/ipv6_route`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

/// Where this process stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Its own addresses, loopback left out.
    pub own: Vec<IpAddr>,
    /// Where the host may answer: the gateways of the routes, and the first address of each network, which engines give
    /// to the bridge.
    pub gateways: Vec<IpAddr>,
    /// Those of them that no route names.
    pub guessed: Vec<IpAddr>,
    /// The networks that it is on, with the length of their prefix.
    pub networks: Vec<(Ipv4Addr, u8)>,
    /// Its default routes, for a person: `172.17.0.1 by eth0`.
    pub default_routes: Vec<String>,
}

impl Surroundings {
    /// Reads the kernel's tables in `folder` (`/proc/self/net`). A table that cannot be read is an empty one: a kernel
    /// without IPv6 has none.
    pub fn read(folder: &Path, own: &[IpAddr]) -> Self {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        Self::parse(&read("route"), &read("ipv6_route"), own)
    }

    fn parse(ipv4: &str, ipv6: &str, own: &[IpAddr]) -> Self {
        let mut found = Self { own: own.to_vec(), ..Self::default() };
        for line in ipv4.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [device, destination, gateway, _flags, _, _, _, mask, ..] = fields.as_slice() else { continue };
            let (Some(destination), Some(gateway), Some(mask)) = (word(destination), word(gateway), word(mask)) else {
                continue;
            };
            if !gateway.is_unspecified() {
                found.gateways.push(IpAddr::V4(gateway));
            }
            if mask.is_unspecified() {
                found.default_routes.push(format!("{gateway} by {device}"));
            } else if gateway.is_unspecified() {
                let prefix = u32::from(mask).leading_ones();
                found.networks.push((destination, u8::try_from(prefix).unwrap_or(32)));
                if prefix < 31 {
                    found.guessed.push(IpAddr::V4(Ipv4Addr::from(u32::from(destination).saturating_add(1))));
                }
            }
        }
        for line in ipv6.lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [destination, length, _, _, gateway, _, _, _, _, device] = fields.as_slice() else { continue };
            let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
            // The kernel's own `unreachable default` is on the loopback device.
            if zero(destination) && zero(length) && *device != "lo" {
                let gateway = u128::from_str_radix(gateway, 16).unwrap_or_default();
                let gateway = IpAddr::V6(gateway.into());
                found.default_routes.push(format!("{gateway} by {device}"));
                // A link-local one cannot be named without its device.
                if matches!(gateway, IpAddr::V6(it) if !it.is_unspecified() && !it.is_unicast_link_local()) {
                    found.gateways.push(gateway);
                }
            }
        }
        found.guessed.retain(|guess| !found.gateways.contains(guess) && !own.contains(guess));
        found.gateways.extend(&found.guessed);
        found.gateways.sort_unstable();
        found.gateways.dedup();
        found.gateways.retain(|gateway| !own.contains(gateway));
        found
    }
}

/// The hardware addresses of the neighbours that answered, in `folder` (`/proc/self/net`): IPv4 only, for the kernel shows
/// the others over a socket alone. A table that cannot be read is an empty one.
pub fn hardware(folder: &Path) -> BTreeMap<IpAddr, Hardware> {
    parse_hardware(&fs::read_to_string(folder.join("arp")).unwrap_or_default())
}

/// Source: `proc(5)`, `/proc/net/arp`: address, type, flags (2: it is known), hardware address, mask, device.
fn parse_hardware(table: &str) -> BTreeMap<IpAddr, Hardware> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [address, _, flags, hardware, ..] = fields.as_slice() else { return None };
            let flags = u32::from_str_radix(flags.strip_prefix("0x")?, 16).ok()?;
            let bytes: Vec<u8> =
                hardware.split(':').map(|byte| u8::from_str_radix(byte, 16)).collect::<Result<_, _>>().ok()?;
            let bytes: [u8; 6] = bytes.try_into().ok()?;
            (flags & 2 != 0 && bytes != [0; 6]).then_some((address.parse().ok()?, Hardware(bytes)))
        })
        .collect()
}

/// A hardware address of Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardware(pub [u8; 6]);

impl Hardware {
    /// Whether a maker of network cards gave it. Engines give containers, and hypervisors often their guests, addresses of
    /// the other kind.
    pub fn is_of_a_maker(self) -> bool {
        let [first, ..] = self.0;
        first & 2 == 0
    }
}

impl fmt::Display for Hardware {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.map(|byte| format!("{byte:02x}"));
        formatter.write_str(&bytes.join(":"))
    }
}

/// An address as the kernel writes it here.
fn word(text: &str) -> Option<Ipv4Addr> {
    u32::from_str_radix(text, 16).ok().map(|word| Ipv4Addr::from(word.to_ne_bytes()))
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    const HEADING: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[test]
    fn an_internal_network_has_no_default_route() {
        let table = format!("{HEADING}eth0\t000014AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n");
        let own = ["172.20.0.3".parse().unwrap()];
        let found = Surroundings::parse(&table, "", &own);
        assert_eq!(found.default_routes, Vec::<String>::new());
        assert_eq!(found.networks, [("172.20.0.0".parse().unwrap(), 16)]);
        assert_eq!(found.gateways, ["172.20.0.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(found.guessed, found.gateways);
    }

    #[test]
    fn neighbours_have_hardware_addresses() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     172.31.9.77      0x1         0x2         00:1b:21:0a:0b:0c     *        eth0\n\
                     172.31.9.3       0x1         0x2         02:42:ac:1f:09:03     *        eth0\n\
                     172.31.9.4       0x1         0x0         00:00:00:00:00:00     *        eth0\n\
                     garbage\n";
        let found = parse_hardware(table);
        let shown: Vec<String> = found.iter().map(|(ip, it)| format!("{ip} {it} {}", it.is_of_a_maker())).collect();
        assert_eq!(shown, ["172.31.9.3 02:42:ac:1f:09:03 false", "172.31.9.77 00:1b:21:0a:0b:0c true"]);
    }

    #[test]
    fn default_routes_of_both_kinds_are_found() {
        let table = format!(
            "{HEADING}eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
             eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
        );
        let v6 = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 \
                  00000400 00000001 00000000 00000003 eth0\n\
                  00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 \
                  ffffffff 00000001 00000000 00200200 lo\n";
        let found = Surroundings::parse(&table, v6, &[]);
        assert_eq!(found.default_routes, ["172.17.0.1 by eth0", "fd00::1 by eth0"]);
        assert!(found.guessed.is_empty(), "{found:?}");
        assert_eq!(found.gateways, ["172.17.0.1", "fd00::1"].map(|it| it.parse::<IpAddr>().unwrap()));
        // Garbage is no route.
        assert_eq!(Surroundings::parse("x\ny z\n", "a b c", &[]), Surroundings::default());
    }
}
