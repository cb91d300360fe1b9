//! How names are put into a sentence.

/// Names in backticks, at most five of them: `` `a`, `b` and 3 more``.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 5;
    let mut text = String::new();
    let mut more = 0_usize;
    for (at, name) in names.into_iter().enumerate() {
        if at >= MOST {
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
