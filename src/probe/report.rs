//! What the tries add up to.

use serde::Serialize;

use crate::report::table::columns;
use crate::report::visible;

/// A try of an outbound name that has to answer.
pub const ALLOWED: &str = "allowed";

/// One try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Try {
    /// [`ALLOWED`], `not allowed` (outbound names), `route`, `raw`, `host`, `tcp`, `udp`, `dns`, `neighbour`, `machine` (a neighbour that is no container).
    pub what: &'static str,
    /// What it was aimed at.
    pub target: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a try; the words are for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "outcome", content = "words")]
pub enum Outcome {
    /// It got there.
    Reached(String),
    /// It is possible in principle; another try shows whether it leads anywhere.
    Open(String),
    /// It did not get there.
    Nothing(String),
    /// The result is not known.
    Unknown(String),
}

/// Everything that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// A target, the host, a machine on the network or a name outside was reached.
    pub gets_out: bool,
    /// An outbound name that has to answer did not.
    pub lacks: bool,
    /// In the order of the tries; neighbours that did not answer are left out.
    pub tries: Vec<Try>,
    /// How many neighbours answered; `None`: nobody looked.
    pub neighbours: Option<usize>,
}

impl Report {
    /// Adds up. Neighbours are no way out: who is on a network may be talked to there. A machine is: its wire goes on.
    pub fn of(tries: Vec<Try>, looked: bool) -> Self {
        let reached = |it: &Try| matches!(it.outcome, Outcome::Reached(_));
        let tries: Vec<Try> = tries.into_iter().filter(|it| it.what != "neighbour" || reached(it)).collect();
        let gets_out = tries.iter().any(|it| !matches!(it.what, "neighbour" | ALLOWED) && reached(it));
        let lacks = tries.iter().any(|it| it.what == ALLOWED && !reached(it));
        let near = |it: &&Try| matches!(it.what, "neighbour" | "machine");
        let neighbours = looked.then(|| tries.iter().filter(near).count());
        Self { gets_out, lacks, tries, neighbours }
    }

    /// For programs. Ends with a newline.
    pub fn json(&self) -> String {
        visible::json(self)
    }

    /// For people. Ends with a newline.
    pub fn text(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .tries
            .iter()
            .map(|it| {
                let (outcome, words) = match &it.outcome {
                    Outcome::Reached(words) => ("REACHED", words),
                    Outcome::Open(words) => ("open", words),
                    Outcome::Nothing(words) => ("no", words),
                    Outcome::Unknown(words) => ("unknown", words),
                };
                vec![it.what.to_owned(), it.target.clone(), outcome.to_owned(), words.clone()]
            })
            .collect();
        let mut text = columns(&["TRIED", "TARGET", "OUTCOME", "WHAT HAPPENED"], &rows);
        if let Some(neighbours) = self.neighbours {
            text.push_str(&format_neighbours(neighbours));
        }
        if self.lacks {
            text.push_str(
                "\nan outbound name that has to answer does not: `leeward explain` says whether it is allowed\n",
            );
        }
        let targets = self.tries.iter().any(|it| matches!(it.what, "tcp" | "udp" | "dns" | ALLOWED | "not allowed"));
        text.push_str(match (self.gets_out, targets) {
            (true, _) => "\nthere is a way out: see REACHED\n",
            (false, true) => "\nnone of these tries got out\n",
            (false, false) => {
                "\nthe host was not reached; nothing outside was tried: name targets with --tcp, --udp and --name\n"
            }
        });
        text
    }
}

fn format_neighbours(count: usize) -> String {
    match count {
        0 => "\nno neighbour answered\n".to_owned(),
        1 => "\n1 neighbour answered\n".to_owned(),
        many => format!("\n{many} neighbours answered\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(what: &'static str, outcome: Outcome) -> Try {
        Try { what, target: "x".into(), outcome }
    }

    #[test]
    fn what_is_reached_is_a_way_out_but_for_neighbours() {
        let no = || Outcome::Nothing("no answer".into());
        let yes = || Outcome::Reached("connected".into());
        for (tries, gets_out, words) in [
            (vec![tried("tcp", no()), tried("raw", Outcome::Open("may".into()))], false, "none of these tries got out"),
            (vec![tried("tcp", no()), tried("host", yes())], true, "there is a way out"),
            (vec![tried("dns", yes())], true, "there is a way out"),
            (vec![tried("neighbour", yes()), tried("neighbour", no())], false, "1 neighbour answered"),
            (vec![tried("udp", Outcome::Unknown("sent".into()))], false, "none of these tries got out"),
            (vec![tried("host", no())], false, "nothing outside was tried"),
            (vec![tried("allowed", yes())], false, "none of these tries got out"),
            (vec![tried("allowed", no())], false, "has to answer does not"),
            (vec![tried("not allowed", yes())], true, "there is a way out"),
        ] {
            let report = Report::of(tries, true);
            assert_eq!(report.gets_out, gets_out, "{report:?}");
            assert!(report.text().contains(words), "{}", report.text());
        }
    }
}
