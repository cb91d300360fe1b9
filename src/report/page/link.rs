//! Where pages are: paths that any name fits into.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::inventory::{ContainerId, NetworkId};
use crate::report::visible::short;

/// What stays as it is in a path or a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// A name longer than this is not for a path: most servers take 8 KiB of one, and a letter may need nine bytes.
const LONGEST: usize = 200;

pub(super) fn encoded(text: &str) -> String {
    // A browser takes `.` and `..` out of a path, however they are written.
    let text = if matches!(text, "." | "..") { format!("{text}/") } else { text.to_owned() };
    utf8_percent_encode(&text, PLAIN).to_string()
}

/// A name, or the id of what has one that is not fit for a path.
fn known(name: &str, id: &str) -> String {
    let is_fit = !name.is_empty() && name.len() <= LONGEST && !matches!(name, "." | "..");
    encoded(if is_fit { name } else { id })
}

/// A container's page.
pub fn container(name: &str, id: &ContainerId) -> String {
    format!("/c/{}", known(name, id.as_str()))
}

/// A network's page.
pub fn network(name: &str, id: &NetworkId) -> String {
    format!("/n/{}", known(name, id.as_str()))
}

/// The page of a host; `None`: no page can be asked for by this name.
pub fn host(name: &str) -> Option<String> {
    (!name.is_empty() && name.len() <= LONGEST).then(|| format!("/h/{}", encoded(name)))
}

/// A rule's page.
pub fn rule(id: &str) -> String {
    format!("/rules/{}", encoded(id))
}

/// The page, of one project alone.
pub fn project(owner: &str) -> String {
    format!("/?project={}", encoded(&owner.chars().take(LONGEST).collect::<String>()))
}

/// What a browser opens to see the application: only a name that is nothing but a host.
pub fn site(host: &str, tls: bool) -> Option<String> {
    let is_name = host.len() <= LONGEST && host.contains(|it: char| it.is_ascii_alphanumeric());
    let is_plain = host.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.' | b'_'));
    (is_name && is_plain).then(|| format!("{}://{host}/", if tls { "https" } else { "http" }))
}

/// What is shown of a name that leads somewhere.
pub fn name(text: &str) -> String {
    short(text, 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_anywhere_else() {
        let id = ContainerId::from("0123abcd");
        for (name, wanted) in [
            ("app1-web-1", "/c/app1-web-1"),
            ("..", "/c/0123abcd"),
            ("", "/c/0123abcd"),
            ("a/../b?c#d", "/c/a%2F..%2Fb%3Fc%23d"),
            ("\"><script>", "/c/%22%3E%3Cscript%3E"),
            ("\u{202e}é", "/c/%E2%80%AE%C3%A9"),
            (&"n".repeat(1_000), "/c/0123abcd"),
        ] {
            assert_eq!(container(name, &id), wanted);
        }
        for (host, tls, wanted) in [
            ("app.example.com", true, Some("https://app.example.com/")),
            ("app.example.com", false, Some("http://app.example.com/")),
            ("javascript:alert(1)", false, None),
            ("user@evil.example", false, None),
            ("*.example.com", false, None),
            ("..", false, None),
        ] {
            assert_eq!(site(host, tls).as_deref(), wanted);
        }
    }
}
