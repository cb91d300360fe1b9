//! Plain tables for terminals: columns, two spaces apart; whatever a stranger named is shown, never obeyed.

use super::visible::{short, width};

/// The most columns of a terminal that a cell takes.
const WIDEST: usize = 200;
/// The same for the last cell of a row, to which nothing is aligned.
const WIDEST_LAST: usize = 2_000;

/// Rows as columns, each as wide as its widest cell; the last one is not padded. Every line ends with a newline.
///
/// Shape: one row of headings, then the rows; a row with fewer cells ends early. Cells pass through [`short`]: a longer
/// one than [`WIDEST`] (the last: [`WIDEST_LAST`]) ends with `…`.
pub fn columns(headings: &[&str], rows: &[Vec<String>]) -> String {
    let headings: Vec<String> = headings.iter().map(|&heading| heading.to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(&headings).chain(rows).map(|row| cells(row)).collect();
    let mut widths: Vec<usize> = Vec::new();
    for line in &lines {
        for (at, cell) in line.iter().enumerate() {
            let width = if at + 1 == line.len() { 0 } else { width(cell) };
            match widths.get_mut(at) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut table = String::new();
    for line in lines {
        for (at, (cell, widest)) in line.iter().zip(&widths).enumerate() {
            table.push_str(cell);
            if at + 1 != line.len() {
                table.extend(std::iter::repeat_n(' ', widest.saturating_sub(width(cell)) + 2));
            }
        }
        table.push('\n');
    }
    table
}

fn cells(row: &[String]) -> Vec<String> {
    let cell = |(at, text): (usize, &String)| match (text.is_empty(), at + 1 == row.len()) {
        (true, _) => "-".to_owned(),
        (false, false) => short(text, WIDEST),
        (false, true) => short(text, WIDEST_LAST),
    };
    row.iter().enumerate().map(cell).collect()
}

/// `1 route`, `2 routes`.
pub fn counted(number: usize, what: &str) -> String {
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
        let table =
            columns(&["NAME", "RULE"], &rows(&[&["a", "Host(`x`)"], &["longer", ""], &["é", "y"], &["日本", "z"]]));
        assert_eq!(table, "NAME    RULE\na       Host(`x`)\nlonger  -\né       y\n日本    z\n");
        assert_eq!(columns(&["X"], &rows(&[&["a\u{1b}"]])), "X\na\\u{1b}\n");
    }

    #[test]
    fn a_cell_of_any_size_is_a_cell() {
        let long = "a".repeat(10_000_000);
        let table = columns(&["NAME", "RULE", "WHY"], &rows(&[&["a", &long, &long], &["b", "c", "d"]]));
        let wide: Vec<usize> = table.lines().map(width).collect();
        assert_eq!(wide, [6 + WIDEST + 2 + 3, 6 + WIDEST + 2 + WIDEST_LAST, 6 + WIDEST + 2 + 1]);
    }
}
