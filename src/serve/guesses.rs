//! How often a token may be tried at the login: bounded for each address, and for all together.
//!
//! A table of fixed size: two addresses may share a place, and with it what they may do; which ones, nobody can choose. Behind a
//! proxy all visitors have its address. A header `Authorization` is not counted: it is Traefik's, whose requests nobody may
//! stop by guessing.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many addresses are told apart.
const PLACES: usize = 1024;
/// So many tries at once …
const EACH: u32 = 10;
/// … and then one in so long, of one address.
const EACH_EVERY: Duration = Duration::from_secs(10);
/// So many tries at once …
const ALL: u32 = 100;
/// … and then one in so long, of all.
const ALL_EVERY: Duration = Duration::from_secs(1);

/// What is left to everybody.
#[derive(Debug)]
pub(super) struct Guesses {
    /// Which place is whose: another one in each process.
    places: RandomState,
    /// When each place may do everything again. The last is that of all.
    whole: Mutex<Box<[Instant]>>,
}

impl Default for Guesses {
    fn default() -> Self {
        Self { places: RandomState::new(), whole: Mutex::new(vec![Instant::now(); PLACES + 1].into()) }
    }
}

impl Guesses {
    /// Takes one try of an address. Errors: how long it has to wait for one; nothing is taken then.
    pub(super) fn take(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        let place = usize::try_from(self.places.hash_one(address.map(network)) % PLACES as u64).unwrap_or_default();
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut taken = [(place, EACH, EACH_EVERY, now), (PLACES, ALL, ALL_EVERY, now)];
        for (place, most, every, then) in &mut taken {
            *then = whole.get(*place).copied().unwrap_or(now).max(now) + *every;
            let wait = then.duration_since(now).saturating_sub(*every * *most);
            if !wait.is_zero() {
                return Err(wait);
            }
        }
        for (place, _, _, then) in taken {
            if let Some(whole) = whole.get_mut(place) {
                *whole = then;
            }
        }
        Ok(())
    }
}

/// What one machine has: an address, or the first 64 bits of one.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(guesses: &Guesses, address: &str) -> Result<(), Duration> {
        guesses.take(Some(address.parse().unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn who_guesses_waits_and_others_do_not() {
        let guesses = Guesses::default();
        let bad = "2001:db8::1";
        let tried = (0..50).filter(|_| take(&guesses, bad).is_ok()).count();
        assert_eq!(tried, 10);
        assert_eq!(take(&guesses, "2001:db8::2:3"), Err(Duration::from_secs(10)), "the same machine, as a rule");
        let others = (1..=8).filter(|number| take(&guesses, &format!("192.0.2.{number}")).is_ok()).count();
        assert!(others >= 7, "two may share a place: {others}");
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!((take(&guesses, bad), take(&guesses, bad)), (Ok(()), Err(Duration::from_secs(10))));
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!((0..50).filter(|_| take(&guesses, bad).is_ok()).count(), 10, "rest is not saved up");
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_are_no_way_around() {
        let guesses = Guesses::default();
        let all =
            |from: u32| (from..from + 5_000).filter(|it| guesses.take(Some(IpAddr::V4((*it).into()))).is_ok()).count();
        assert_eq!(all(0), 100);
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(all(100_000), 7);
    }
}
