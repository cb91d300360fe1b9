//! Comparing names as Traefik does, without case. Source: Go `strings.EqualFold` (simple Unicode folding).

use std::borrow::Cow;

/// Whether two names are the same but for case.
pub(crate) fn equal(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || !(a.is_ascii() && b.is_ascii()) && a.chars().map(fold).eq(b.chars().map(fold))
}

/// The form that all spellings of a name share.
pub(crate) fn folded(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.chars().map(fold).collect())
}

/// One letter of each set that differs only by case: up and down again, where that is one letter each way.
fn fold(letter: char) -> char {
    // The dotless i has an upper case, but no simple folding.
    if letter == 'ı' {
        return letter;
    }
    let upper = single(letter.to_uppercase()).unwrap_or(letter);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_go_folds_them() {
        for (a, b, same) in [
            ("Rule", "rULE", true),
            ("rule", "rules", false),
            ("\u{17f}erver", "Server", true),
            ("lin\u{212a}", "LINK", true),
            ("É", "é", true),
            ("Σ", "ς", true),
            ("ß", "ẞ", true),
            ("ß", "ss", false),
            ("ı", "I", false),
            ("İ", "i", false),
        ] {
            assert_eq!(equal(a, b), same, "{a} {b}");
            assert_eq!(folded(a) == folded(b), same, "{a} {b}");
        }
    }
}
