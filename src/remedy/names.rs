//! Names of networks that are still to be made.

use std::collections::BTreeSet;

use crate::policy::names::Owner;

/// Networks of the front, which no project may take for its own.
const RESERVED: [&str; 2] = ["net-control", "net-exposed"];
/// How many names are tried.
const MOST_TRIED: usize = 1_000;

/// Whether Compose takes this as a project, a service or the key of a network, and Docker as a name.
///
/// A name that an image or another tool put into a label may hold anything; what fails here is never written to a file.
pub fn is_writable(name: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
    name.len() <= 200 && name.bytes().all(plain) && name.bytes().next().is_some_and(|it| it.is_ascii_alphanumeric())
}

/// The name of an owner's proxy network, if nobody has taken it: `net-<project>`.
pub(super) fn proxy_network_of(owner: &Owner) -> String {
    format!("net-{}", owner.to_string().trim_start_matches('~'))
}

/// Whether a network has the name that an owner's proxy network gets: `net-<project>`, or the same with a number.
pub fn is_made_for(owner: &Owner, network: &str) -> bool {
    let number = network.strip_prefix(&proxy_network_of(owner)).map(|rest| rest.strip_prefix('-').unwrap_or(rest));
    number.is_some_and(|rest| rest.bytes().all(|it| it.is_ascii_digit()))
}

/// The file's name, where it is the first of its project.
const FIRST: &str = "compose.leeward.yaml";

/// The name of a project's n-th file; each comes after those before it, and adds to them.
pub fn file_name(number: usize) -> String {
    if number < 2 { FIRST.to_owned() } else { format!("compose.leeward-{number}.yaml") }
}

/// Which of a project's files one of this name is.
pub fn file_number(name: &str) -> Option<usize> {
    if name == FIRST {
        return Some(1);
    }
    let number = name.strip_prefix("compose.leeward-")?.strip_suffix(".yaml")?.parse().ok()?;
    (number > 1 && file_name(number) == name).then_some(number)
}

/// `wanted`, or with the first number behind it that nobody has taken.
pub(super) fn free(wanted: &str, taken: &BTreeSet<String>) -> String {
    let is_free = |name: &String| !taken.contains(name) && !RESERVED.contains(&name.as_str());
    let numbered = (2..MOST_TRIED).map(|number| format!("{wanted}-{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(is_free).unwrap_or_else(|| wanted.to_owned())
}

/// Whether no project may have a network of this name for its own.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}
