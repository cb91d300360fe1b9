//! `docs/gate.md` says what the gate does: its table is compared with the code.

use leeward::gate::ask::TABLE;

#[test]
fn the_pages_table_is_the_codes_table() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/gate.md")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `/"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let expected: Vec<(String, String, &str)> = TABLE
        .iter()
        .map(|(path, keys, swarm)| {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            (format!("`{path}`"), keys.join(", "), if *swarm { "`--swarm`" } else { "" })
        })
        .collect();
    let shown: Vec<(String, String, &str)> =
        rows.iter().map(|row| (row[0].to_owned(), row[1].to_owned(), row[2])).collect();
    assert_eq!(shown, expected);
    assert!(rows.iter().all(|row| row.len() == 4 && !row[3].is_empty()), "each row says what passes");
}
