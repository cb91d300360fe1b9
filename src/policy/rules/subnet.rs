//! A range of addresses, `172.30.0.0/24` or `fd00::/64`.

use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses. IPv4 and IPv6 do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subnet {
    v6: bool,
    first: u128,
    last: u128,
    bits: u32,
}

impl Subnet {
    /// Sorts ranges: IPv4 first.
    pub(super) fn first(&self) -> (bool, u128) {
        (self.v6, self.first)
    }

    pub(super) fn last(&self) -> (bool, u128) {
        (self.v6, self.last)
    }

    pub(super) fn is_v4(&self) -> bool {
        !self.v6
    }

    /// The length of its prefix.
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.v6 == other.v6 && self.first <= other.last && other.first <= self.last
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let (v6, number) = number(address);
        self.v6 == v6 && (self.first..=self.last).contains(&number)
    }
}

impl FromStr for Subnet {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').ok_or(())?;
        let (v6, number) = number(address.parse().map_err(drop)?);
        let bits: u32 = bits.parse().map_err(drop)?;
        let width: u32 = if v6 { 128 } else { 32 };
        let host = width.checked_sub(bits).ok_or(())?;
        let mask = 1_u128.checked_shl(host).map_or(u128::MAX, |power| power - 1);
        Ok(Self { v6, first: number & !mask, last: number | mask, bits })
    }
}

fn number(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(address) => (false, u128::from(u32::from(address))),
        IpAddr::V6(address) => (true, u128::from(address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_know_what_they_hold() {
        let subnet = |text: &str| text.parse::<Subnet>().unwrap();
        assert!(subnet("10.0.0.0/8").overlaps(&subnet("10.1.2.0/24")));
        assert!(!subnet("10.0.0.0/24").overlaps(&subnet("10.0.1.0/24")));
        assert!(!subnet("0.0.0.0/0").overlaps(&subnet("::/0")));
        assert!(subnet("fd00:6::/64").contains("fd00:6::2".parse().unwrap()));
        assert!(!subnet("172.30.0.0/24").contains("172.30.1.0".parse().unwrap()));
        for bad in ["", "10.0.0.0", "10.0.0.0/33", "x/8", "::/129"] {
            assert!(bad.parse::<Subnet>().is_err(), "{bad}");
        }
    }
}
