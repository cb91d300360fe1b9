//! Who is at the other end of a connection, and who of them holds the most.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// The other end of a connection, as far as the kernel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// Of a TCP connection.
    Address(IpAddr),
    /// Of a Unix socket: who connected, as this process sees it. Processes of another container have no number here, so
    /// those of one user count as one.
    Process {
        /// The user.
        uid: u32,
        /// The process.
        pid: Option<i32>,
    },
}

/// The user, or the address: what nobody multiplies by starting processes.
type Group = Result<IpAddr, u32>;

impl Peer {
    fn group(self) -> Group {
        match self {
            Self::Address(address) => Ok(address),
            Self::Process { uid, pid: _ } => Err(uid),
        }
    }
}

/// How many connections each user or address, and each process, has.
#[derive(Debug, Default)]
pub(crate) struct PeerCounts {
    groups: BTreeMap<Group, usize>,
    peers: BTreeMap<Peer, usize>,
}

impl FromIterator<Peer> for PeerCounts {
    fn from_iter<I: IntoIterator<Item = Peer>>(peers: I) -> Self {
        let mut counts = Self::default();
        for peer in peers {
            counts.add(peer);
        }
        counts
    }
}

impl PeerCounts {
    /// One connection more.
    pub(crate) fn add(&mut self, peer: Peer) {
        *self.groups.entry(peer.group()).or_default() += 1;
        *self.peers.entry(peer).or_default() += 1;
    }

    /// What a peer holds: its user or address, then itself. Larger is to give way first.
    pub(crate) fn size(&self, peer: Peer) -> (usize, usize) {
        let group = self.groups.get(&peer.group()).copied().unwrap_or_default();
        (group, self.peers.get(&peer).copied().unwrap_or_default())
    }

    /// Whether `holder` would still have more than `newcomer`, once `newcomer` has one more.
    pub(crate) fn holds_more(&self, holder: Peer, newcomer: Peer) -> bool {
        let ((group, own), (its_group, its_own)) = (self.size(holder), self.size(newcomer));
        if holder.group() == newcomer.group() { own > its_own + 1 } else { group > its_group + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_cannot_be_many_by_starting_processes() {
        let process = |uid, pid| Peer::Process { uid, pid: Some(pid) };
        let counts: PeerCounts = (0..8).map(|pid| process(1, pid)).chain([process(2, 100)]).collect();
        assert!(counts.holds_more(process(1, 0), process(2, 100)));
        assert!(!counts.holds_more(process(2, 100), process(1, 9)));
        // Of one user, each process counts by itself.
        assert!(!counts.holds_more(process(1, 0), process(1, 9)));
        let counts: PeerCounts = (0..8).map(|_| process(1, 7)).collect();
        assert!(counts.holds_more(process(1, 7), process(1, 8)) && !counts.holds_more(process(1, 7), process(1, 7)));
    }
}
