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

/// The name of a project's n-th file; each comes after those before it, and adds to them. `project`: where several are in
/// one folder.
pub fn file_name(number: usize, project: Option<&str>) -> String {
    let number = if number < 2 { String::new() } else { format!("-{number}") };
    let project = project.map(|it| format!(".{it}")).unwrap_or_default();
    format!("compose.leeward{number}{project}.yaml")
}

/// Which of a project's files one of this name is.
pub fn file_number(name: &str) -> Option<usize> {
    file_parts(name).map(|(number, _)| number)
}

/// The number and the project in the name of one of our files.
pub fn file_parts(name: &str) -> Option<(usize, Option<&str>)> {
    let rest = name.strip_prefix("compose.leeward")?.strip_suffix(".yaml")?;
    let (number, project) = rest.split_once('.').map_or((rest, None), |(number, project)| (number, Some(project)));
    let number = if number.is_empty() { 1 } else { number.strip_prefix('-')?.parse().ok()? };
    (project.is_none_or(is_writable) && file_name(number, project) == name).then_some((number, project))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_of_ours_says_its_number_and_project() {
        for (number, project) in [(1, None), (2, None), (1, Some("shop-2")), (3, Some("a.b"))] {
            assert_eq!(file_parts(&file_name(number, project)), Some((number, project)));
        }
        for name in ["compose.yaml", "compose.leeward-1.yaml", "compose.leeward-x.yaml", "compose.leeward..yaml"] {
            assert_eq!(file_number(name), None, "{name}");
        }
    }
}
