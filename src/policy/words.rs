//! How names are put into a sentence.

/// Names in backticks, at most five of them: `` `a`, `b` and 3 more``.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    listed_up_to(5, names)
}

/// The same, at most `most` of them.
pub(crate) fn listed_up_to<'a>(most: usize, names: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut more = 0_usize;
    for (at, name) in names.into_iter().enumerate() {
        if at >= most {
            more += 1;
            continue;
        }
        if at > 0 {
            text.push_str(", ");
        }
        text.push('`');
        text.push_str(name);
        text.push('`');
    }
    if more > 0 {
        text.push_str(" and ");
        text.push_str(&more.to_string());
        text.push_str(" more");
    }
    text
}
