//! Plain tables for terminals: columns, two spaces apart; whatever a stranger named is shown, never obeyed.

use std::fmt::Write as _;

/// Rows as columns, each as wide as its widest cell; the last one is not padded. Every line ends with a newline.
///
/// Shape: one row of headings, then the rows; a row with fewer cells ends early. Cells pass through [`visible`].
pub fn columns(headings: &[&str], rows: &[Vec<String>]) -> String {
    let headings: Vec<String> = headings.iter().map(|&heading| heading.to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(&headings)
        .chain(rows)
        .map(|row| row.iter().map(|cell| if cell.is_empty() { "-".to_owned() } else { visible(cell) }).collect())
        .collect();
    let mut widths: Vec<usize> = Vec::new();
    for line in &lines {
        for (at, cell) in line.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(at) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut table = String::new();
    for line in lines {
        for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
            if at + 1 == line.len() {
                table.push_str(cell);
            } else {
                // Writing to a string cannot fail.
                let _ = write!(table, "{cell:width$}  ");
            }
        }
        table.push('\n');
    }
    table
}

/// `text` on one line, with every character that a terminal would obey, or that would not be seen, written out: `\u{1b}`,
/// `\n`, and the marks that turn the direction of writing. A backslash stays as it is: rules are full of them.
pub fn visible(text: &str) -> String {
    let mut seen = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            seen.extend(character.escape_default());
        } else {
            seen.push(character);
        }
    }
    seen
}

/// As [`visible`], for text that may have several lines: they stay lines.
pub fn visible_lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `1 route`, `2 routes`.
pub(crate) fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|&cell| cell.to_owned()).collect()).collect()
    }

    #[test]
    fn columns_line_up_and_lines_do_not_end_in_spaces() {
        let table = columns(&["NAME", "RULE"], &rows(&[&["a", "Host(`x`)"], &["longer", ""], &["é", "y"]]));
        assert_eq!(table, "NAME    RULE\na       Host(`x`)\nlonger  -\né       y\n");
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        for (hostile, wanted) in [
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("evil\u{202e}txt", "evil\\u{202e}txt"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            (r"HostRegexp(`\d+`)", r"HostRegexp(`\d+`)"),
            ("naïve 日本", "naïve 日本"),
        ] {
            assert_eq!(visible(hostile), wanted);
            let table = columns(&["X"], &rows(&[&[hostile]]));
            assert!(table.chars().all(|c| c == '\n' || !c.is_control()), "{table:?}");
        }
        assert_eq!(visible_lines("one\n\u{7}two\n"), "one\n\\u{7}two");
    }
}
