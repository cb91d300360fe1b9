//! What the page says of itself, of states and of outcomes.

use crate::plan::Outcome;
use crate::report::table::counted;
use crate::report::topology::{NetworkRole, State};

/// What the picture shows.
pub const PICTURE: &str = "Who can talk to whom, from the Internet on the left to private networks on the right";

/// How it ended for a container.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Routed => "routed",
        Outcome::Refused => "refused",
        Outcome::Ignored => "not routed",
    }
}

/// A state in words, so that no colour stands alone.
pub fn state(state: State) -> &'static str {
    match state {
        State::Shut => "shut in",
        State::TraefiksOwn => "Traefik's own way out",
        State::NotVerifiable => "not verifiable",
        State::WayOut => "way out",
    }
}

/// A state as one sign.
pub fn mark(state: State) -> &'static str {
    match state {
        State::Shut => "✓",
        State::TraefiksOwn => "→",
        State::NotVerifiable => "?",
        State::WayOut => "✕",
    }
}

/// What a state means, for who reads the word for the first time.
pub fn meaning(state: State) -> &'static str {
    match state {
        State::Shut => "it reaches internal networks alone",
        State::TraefiksOwn => "what Traefik is there for",
        State::NotVerifiable => "the engine does not tell",
        State::WayOut => "it can reach the Internet, the host or its devices",
    }
}

/// What a network is for.
pub fn role(role: NetworkRole) -> &'static str {
    match role {
        NetworkRole::Exposed => "exposed",
        NetworkRole::Proxy => "proxy network",
        NetworkRole::Outbound => "outbound names",
        NetworkRole::Control => "control network",
        NetworkRole::TraefikAlone => "Traefik alone",
        NetworkRole::Private => "private",
    }
}

/// While the script keeps a page fresh.
pub const LIVE: &str = "Live";
/// While the script gets no answer.
pub const LOST: &str = "Leeward does not answer. What you see may be out of date.";
/// Before what is known of a lost engine.
pub const STALE: &str = "The engine does not answer; this is the last that was known.";
/// Before the first inventory.
pub const LOADING: &str = "Not ready: nothing is known of the engine yet.";
/// What to do then.
pub const LOADING_LONG: &str = "Leeward reads the engine and shows this page as soon as it has. If that takes longer than a \
    few seconds, the engine does not answer: the log of Leeward says why.";
/// A token that is none.
pub const WRONG_TOKEN: &str = "This is no valid token.";
/// Too many were tried.
pub fn too_many_tries(seconds: u64) -> String {
    format!("Too many tries. Wait {seconds} s, then try again.")
}
/// Which token.
pub const WHICH_TOKEN: &str = "A line of the file that Leeward was started with: --token-file.";
/// No container asks.
pub const EMPTY: &str = "No container asks to be routed yet.";
/// What to do then.
pub const EMPTY_LONG: &str = "Give a container the label traefik.enable=true and put it on a network with Traefik.";
/// What it is to be refused.
pub const REFUSED: &str = "Traefik has no route to these.";
/// What findings are.
pub const FINDINGS: &str = "What weakens the isolation, the worst first. Open one to see where, why, and what to do.";
/// What cannot be verified is.
pub const NOT_VERIFIABLE: &str = "What the engine does not tell. Look for yourself.";
/// What is allowed.
pub const ALLOWED: &str = "You allowed these with the label leeward.allow.";
/// Nothing is left by a filter.
pub const FILTERED: &str = "Nothing here fits the filter.";
/// No Traefik is declared.
pub const NO_TRAEFIK: &str = "No Traefik is declared.";
/// What to do then.
pub const NO_TRAEFIK_LONG: &str = "Every internal network is taken for a proxy network, and the picture cannot show the way \
    in. Set this label on Traefik's container:";
/// The same where nothing is there yet.
pub const NO_TRAEFIK_FIRST: &str = "Leeward routes containers on the networks that Traefik is on. Set this label on Traefik's \
    container:";
/// Of remedies.
pub const TRIED: &str = "Each way was tried on a model and judged again. Nothing was run.";
/// Of a container with a way out.
pub const REACHES_OUT: &str = "It can reach beyond internal networks.";
/// Of a Traefik.
pub const REACHES_OUT_BY_DESIGN: &str = "It can reach beyond internal networks. That is what it is there for.";
/// Of one of which nobody can tell.
pub const MAY_REACH_OUT: &str = "Nobody can tell whether it can reach beyond internal networks.";
/// Of a name that nobody has.
pub const NOBODY: &str = "It may be gone, or the name is another.";
/// Of one on no network that is shown.
pub const NO_NETWORK: &str = "It is on no network, or does not run.";
/// Of a network without members.
pub const EMPTY_NETWORK: &str = "nobody that runs is on it";

/// How many of what asks for a route are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All that ask.
    pub applications: usize,
    /// Routed and shut in.
    pub shut: usize,
    /// With a way out, routed or not.
    pub open: usize,
    /// Of these, routed: the operator allowed it, or nothing is enforced.
    pub open_routed: usize,
    /// Neither known to be shut in nor known not to be, routed or not.
    pub unknown: usize,
    /// Refused, for whatever reason.
    pub refused: usize,
    /// Facts that the engine cannot tell.
    pub not_verifiable: usize,
    /// Findings that are high or critical, and not allowed.
    pub severe: usize,
}

impl Count {
    /// Whether everything is shut in; the worst that stands against it.
    pub fn state(&self) -> State {
        match (self.open, self.unknown + self.refused + self.severe) {
            (0, 0) => State::Shut,
            (0, _) => State::NotVerifiable,
            _ => State::WayOut,
        }
    }

    /// Whether everything is shut in, as one sentence.
    pub fn headline(&self) -> String {
        let Self { applications, shut: _, open, open_routed, unknown, refused, severe, not_verifiable } = *self;
        let of = |number: usize, verb: [&str; 2]| {
            let verb = if number == 1 { verb[0] } else { verb[1] };
            format!("{number} of {} {verb}", counted(applications, "application"))
        };
        match () {
            () if applications == 0 => EMPTY.to_owned(),
            () if open_routed > 0 => {
                format!("Not everything is shut in: {} routed with a way out.", of(open_routed, ["is", "are"]))
            }
            () if open > 0 => {
                format!(
                    "Not everything is shut in: {} a way out and {} refused.",
                    of(open, ["has", "have"]),
                    if open == 1 { "is" } else { "are" }
                )
            }
            () if unknown > 0 => format!("Not everything can be verified: {} not.", of(unknown, ["can", "can"])),
            () if severe > 0 => "Every application is shut in, but there are severe findings.".to_owned(),
            () if refused > 0 => format!("Everything is shut in; {} refused.", of(refused, ["is", "are"])),
            () if not_verifiable > 0 => "Everything is shut in, as far as the engine can tell.".to_owned(),
            () => "Everything is shut in.".to_owned(),
        }
    }

    /// The numbers behind it, as one sentence.
    pub fn numbers(&self) -> String {
        let Self { applications, shut, open_routed, refused, .. } = *self;
        let unknown = applications.saturating_sub(shut + open_routed + refused);
        let parts =
            [(open_routed, "routed with a way out"), (unknown, "routed and not verifiable"), (refused, "refused")];
        let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!(", {number} {what}"));
        format!("{}: {shut} routed and shut in{}.", counted(applications, "application"), parts.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_is_green_only_if_everything_is_shut_in() {
        let all = Count { applications: 3, shut: 3, ..Count::default() };
        assert_eq!((all.state(), all.headline()), (State::Shut, "Everything is shut in.".to_owned()));
        let as_far = Count { not_verifiable: 2, ..all };
        assert_eq!(as_far.headline(), "Everything is shut in, as far as the engine can tell.");
        for (count, words) in [
            (Count { open: 1, refused: 1, shut: 2, ..all }, "1 of 3 applications has a way out and is refused."),
            (Count { open: 2, open_routed: 1, shut: 2, ..all }, "1 of 3 applications is routed with a way out."),
            (Count { unknown: 1, shut: 2, ..all }, "Not everything can be verified: 1 of 3"),
            (Count { severe: 1, ..all }, "severe findings"),
            (Count { refused: 2, shut: 1, ..all }, "2 of 3 applications are refused."),
        ] {
            assert_ne!(count.state(), State::Shut, "{count:?}");
            assert!(count.headline().contains(words), "{}", count.headline());
        }
    }
}
