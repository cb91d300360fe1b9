//! `docs/rules.md` says of every rule what the program's own table says, and of no other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use leeward::policy::finding::{Action, Severity};
use leeward::policy::rules::{self, Rule};

/// What comes before this line is written by hand, what comes after it is the table.
const MARK: &str = "<!-- What follows is the program's own table; `cargo test --test rules_doc` checks it. -->\n";

fn family(id: &str) -> &'static str {
    match id.split('-').next() {
        Some("NET") => "Networks",
        Some("PUB") => "Published ports",
        Some("PRV") => "Privilege",
        Some("VOL") => "Volumes",
        Some("LOG") => "Logs",
        Some("IMG") => "Images",
        Some("LBL") => "Labels",
        Some("ENG") => "The engine",
        Some("TRF") => "Traefik",
        Some("EGR") => "Outbound names",
        Some("SOC") => "Leeward's access to the engine",
        _ => "?",
    }
}

fn section(rule: &Rule) -> String {
    let severity = match rule.severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Info => "info",
    };
    let action = match rule.action {
        Action::Block => "refuses",
        Action::WarnStrictBlock => "warns; refuses under `strict`",
        Action::Warn => "warns",
        Action::Inform => "informs",
    };
    let mut text =
        format!("### {}\n\n**{}** · {severity} · {action}\n\n{}.\n\n", rule.id, capital(rule.title), capital(rule.why));
    // A fix is a sentence, a snippet, or the one before the other.
    let fix = rule.fix_for(None);
    let snippet = fix.lines().position(|line| line.ends_with(':') && !line.contains(' '));
    let (prose, snippet): (Vec<&str>, Vec<&str>) = match snippet {
        Some(at) => (fix.lines().take(at).collect(), fix.lines().skip(at).collect()),
        None => (fix.lines().collect(), Vec::new()),
    };
    match (prose.is_empty(), snippet.is_empty()) {
        (false, true) => writeln!(text, "*Remedy:* {}\n", prose.join("\n")).unwrap(),
        (true, _) => writeln!(text, "*Remedy:*\n\n```yaml\n{}\n```\n", snippet.join("\n")).unwrap(),
        (false, false) => {
            writeln!(text, "*Remedy:* {}\n\n```yaml\n{}\n```\n", prose.join("\n"), snippet.join("\n")).unwrap();
        }
    }
    let reference = match rule.reference.strip_prefix("docs/") {
        Some(page) => format!("[{page}]({page})"),
        None if rule.reference.starts_with("https://") => format!("<{}>", rule.reference),
        None => rule.reference.to_owned(),
    };
    writeln!(text, "*See:* {reference}\n").unwrap();
    text
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[test]
fn the_page_is_the_table() {
    let mut wanted = String::new();
    let mut last = "";
    for rule in rules::all() {
        if family(rule.id.as_str()) != last {
            last = family(rule.id.as_str());
            writeln!(wanted, "## {last}\n").unwrap();
        }
        wanted.push_str(&section(rule));
    }
    let wanted = format!("{}\n", wanted.trim_end());
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    let text = fs::read_to_string(&page).unwrap();
    let (intro, table) = text.split_once(MARK).expect("docs/rules.md has lost its mark");
    if table.trim_start() != wanted {
        let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rules.md");
        fs::write(&fresh, format!("{intro}{MARK}\n{wanted}")).unwrap();
        panic!("docs/rules.md is not what the rules say; see and copy {}", fresh.display());
    }
}

#[test]
fn every_page_that_a_rule_refers_to_has_the_heading() {
    for rule in rules::all() {
        let Some(page) = rule.reference.strip_prefix("docs/") else { continue };
        let (file, heading) = page.split_once('#').unwrap_or((page, ""));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} refers to {page}", rule.id));
        let found = heading.is_empty()
            || text.lines().filter(|line| line.starts_with('#')).any(|line| {
                let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
                title.chars().filter(|letter| letter.is_alphanumeric() || *letter == '-').collect::<String>() == heading
            });
        assert!(found, "{} refers to {page}", rule.id);
    }
}
