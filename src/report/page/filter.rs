//! What of everything a page shows: by text, by project, by state. It stands in the URL.

use super::link;
use crate::plan::Outcome;
use crate::report::topology::{ContainerNode, State};
use crate::report::visible::short;

/// The most letters of a text or a project that is looked for.
const LONGEST: usize = 200;

/// The states that can be asked for, by their names in the URL.
pub(super) const STATES: [(&str, &str); 6] = [
    ("refused", "refused"),
    ("way-out", "with a way out"),
    ("not-verifiable", "not verifiable"),
    ("shut", "shut in"),
    ("routed", "routed"),
    ("not-routed", "not routed"),
];

/// What is to be shown. The default: everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of a name, a project, a network, a host or a rule; lower case.
    pub(super) text: String,
    pub(super) project: String,
    /// One of [`STATES`], or nothing.
    pub(super) state: &'static str,
    pub(super) matrix: bool,
}

impl Filter {
    /// Reads a query: `q`, `project`, `state`, `view=matrix`. What is empty does not count.
    ///
    /// Errors: one line; a name or a value that there is not.
    pub fn read<'q>(query: impl IntoIterator<Item = (&'q str, &'q str)>) -> Result<Self, String> {
        let mut filter = Self::default();
        for (name, value) in query {
            let text = || value.trim().chars().take(LONGEST).collect::<String>();
            match (name, value) {
                ("q", _) => filter.text = text().to_lowercase(),
                ("project", _) => filter.project = text(),
                ("state" | "view", "") | ("view", "picture") => {}
                ("view", "matrix") => filter.matrix = true,
                ("state", _) => {
                    let known = STATES.iter().find(|(state, _)| *state == value);
                    let (state, _) = known.ok_or_else(|| {
                        let all: Vec<&str> = STATES.iter().map(|(state, _)| *state).collect();
                        format!("`state`: `{}` is none of its values: {}", short(value, 80), all.join(", "))
                    })?;
                    filter.state = state;
                }
                _ => {
                    return Err(format!(
                        "there is no parameter `{}`; there are: q, project, state, view",
                        short(name, 80)
                    ));
                }
            }
        }
        Ok(filter)
    }

    /// Whether it shows less than everything.
    pub(super) fn is_on(&self) -> bool {
        !(self.text.is_empty() && self.project.is_empty() && self.state.is_empty())
    }

    /// Whether it takes what has these words, this owner, this outcome and state.
    pub(super) fn takes<'t>(
        &self,
        mut words: impl Iterator<Item = &'t str>,
        owner: &str,
        outcome: Outcome,
        state: Option<State>,
    ) -> bool {
        (self.project.is_empty() || self.project == owner)
            && match self.state {
                "refused" => outcome == Outcome::Refused,
                "routed" => outcome == Outcome::Routed,
                "not-routed" => outcome == Outcome::Ignored,
                "way-out" => state == Some(State::WayOut),
                "not-verifiable" => state == Some(State::NotVerifiable),
                "shut" => state == Some(State::Shut),
                _ => true,
            }
            && (self.text.is_empty() || words.any(|it| it.to_lowercase().contains(&self.text)))
    }

    /// Whether it takes a container that runs, on these networks.
    pub(super) fn takes_node(&self, node: &ContainerNode<'_>, networks: &[&str]) -> bool {
        let words = [node.name, &node.owner].into_iter().chain(node.routers.iter().copied());
        self.takes(words.chain(networks.iter().copied()), &node.owner, node.outcome, Some(node.state))
    }

    /// Where the other view of the same is.
    pub(super) fn other_view(&self) -> String {
        let view = if self.matrix { "picture" } else { "matrix" };
        let query = [("q", &*self.text), ("project", &*self.project), ("state", self.state), ("view", view)];
        let query = query.iter().filter(|(_, value)| !value.is_empty());
        format!(
            "/?{}",
            query.map(|(name, value)| format!("{name}={}", link::encoded(value))).collect::<Vec<_>>().join("&")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_from_a_query() {
        let filter =
            Filter::read([("q", " Blog "), ("project", ""), ("state", "way-out"), ("view", "matrix")]).unwrap();
        assert_eq!((&*filter.text, &*filter.project, filter.state, filter.matrix), ("blog", "", "way-out", true));
        assert_eq!(filter.other_view(), "/?q=blog&state=way-out&view=picture");
        assert!(!Filter::read([("q", ""), ("state", "")]).unwrap().is_on());
        for bad in [("state", "green"), ("isolation", "off")] {
            assert!(Filter::read([bad]).is_err(), "{bad:?}");
        }
    }
}
