//! Environment variables that look like Leeward's and are not: a misspelt one would be without effect and without a word.

use std::collections::BTreeSet;

use leeward::report::visible::short;
use leeward::traefik::labels::suggest::nearest;

/// What all variables of Leeward begin with.
pub(super) const PREFIX: &str = "LEEWARD_";
/// The most variables that are reported, and the most columns of a name.
const MOST: usize = 16;
const LONGEST: usize = 80;

/// One sentence for each variable that begins with `LEEWARD_` and belongs to no flag of any verb.
pub(super) fn unknown(command: &clap::Command) -> Vec<String> {
    let known = known(command);
    let set: BTreeSet<String> = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    set.iter().filter(|name| name.starts_with(PREFIX)).filter_map(|name| problem(name, &known)).take(MOST).collect()
}

/// The variables of all verbs.
fn known(command: &clap::Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|it| Some(it.get_env()?.to_string_lossy().into_owned()));
    own.chain(command.get_subcommands().flat_map(known)).collect()
}

fn problem(name: &str, known: &BTreeSet<String>) -> Option<String> {
    if known.contains(name) {
        return None;
    }
    let hint = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "`leeward VERB --help` lists the flags; each has a variable of its name".to_owned(),
    };
    Some(format!("environment variable `{}` is unknown and has no effect; {hint}", short(name, LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_reported_with_the_nearest_known_one() {
        let known = known(&super::super::command());
        assert_eq!(problem("LEEWARD_ISOLATION", &known), None);
        // A flag of another verb is no mistake: services of one Compose file often share their variables.
        assert_eq!(problem("LEEWARD_SOCKET_MODE", &known), None);
        let words = problem("LEEWARD_ISOLATIN", &known).unwrap();
        assert!(words.contains("`LEEWARD_ISOLATIN`") && words.ends_with("did you mean LEEWARD_ISOLATION?"), "{words}");
        assert!(problem("LEEWARD_COLOUR", &known).unwrap().contains("--help"));
    }
}
