//! The house keeps its order: imports run one way, what is pure stays pure, and each file says its job in its first line.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The pure part: values in, values out.
const PURE: [&str; 9] =
    ["budgets.rs", "inventory.rs", "seccomp.rs", "settings.rs", "traefik", "policy", "plan", "remedy", "report"];

/// Each part of the library, with the parts that it may import beside itself.
const IMPORTS: [(&str, &[&str]); 15] = [
    ("traefik", &[]),
    ("seccomp.rs", &[]),
    ("budgets.rs", &["traefik"]),
    ("inventory.rs", &["budgets"]),
    ("settings.rs", &["budgets", "traefik"]),
    ("policy", &["budgets", "inventory", "seccomp", "settings", "traefik"]),
    ("plan", &["budgets", "inventory", "policy", "settings", "traefik"]),
    ("remedy", &["inventory", "plan", "policy", "settings"]),
    ("report", &["budgets", "inventory", "plan", "policy", "remedy", "seccomp", "settings", "source", "traefik"]),
    ("source", &["budgets", "inventory", "seccomp", "traefik"]),
    ("net", &[]),
    ("docker", &["budgets", "inventory", "net", "source"]),
    ("gate", &["net", "seccomp", "source"]),
    ("probe", &["report"]),
    ("serve", &["docker", "inventory", "net", "plan", "policy", "remedy", "report", "settings", "traefik"]),
];

/// Every source file below a path.
fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return path.extension().filter(|it| *it == "rs").map(|_| path.to_owned()).into_iter().collect();
    }
    fs::read_dir(path).unwrap().flat_map(|entry| sources(&entry.unwrap().path())).collect()
}

fn src(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(part)
}

/// The files of the program itself in some parts, each with its code: no comments, and none of what is compiled for unit
/// tests alone, which may use what they like.
fn programs(parts: &[&str]) -> Vec<(PathBuf, String)> {
    let files = parts.iter().flat_map(|part| sources(&src(part)));
    files
        .filter(|file| file.file_name().is_none_or(|name| name != "tests.rs"))
        .map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            (file, program(&text))
        })
        .collect()
}

/// The code of a file. An item for unit tests ends with `;`, or with a brace as far to the left as it began: `cargo fmt`
/// sees to that.
fn program(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    while let Some(line) = lines.next() {
        if line.trim_start() != "#[cfg(test)]" {
            code.extend([line, "\n"]);
            continue;
        }
        let indent = line.split_once('#').map_or("", |(indent, _)| indent);
        let end = format!("{indent}}}");
        let is_last = |line: &str| line == end || line.strip_prefix(indent).is_some_and(is_whole);
        lines.find(|line| is_last(line));
    }
    code
}

/// Whether a line is an item of its own: `mod tests;`.
fn is_whole(line: &str) -> bool {
    line.ends_with(';') && !line.starts_with(' ')
}

/// The lines of the program itself that hold one of `words`.
fn holding(parts: &[&str], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (file, code) in programs(parts) {
        let held = code.lines().filter(|line| words.iter().any(|word| line.contains(word)));
        found.extend(held.map(|line| format!("{}: {}", file.display(), line.trim())));
    }
    found
}

/// The parts of the library that some code names: what follows each `crate::`, also in braces and over several lines.
fn named(code: &str) -> BTreeSet<String> {
    let code: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut parts = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = code.split_at(at + found.len()).1.trim_start();
        match rest.strip_prefix('{') {
            None => parts.extend(word(rest)),
            Some(group) => parts.extend(members(group)),
        }
    }
    parts
}

/// The first word of every member of a group in braces, up to the end of the group.
fn members(group: &str) -> Vec<String> {
    let (mut members, mut depth) = (Vec::new(), 0_usize);
    let mut at_start = true;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            ' ' => {}
            _ if at_start => {
                members.extend(word(group.split_at(at).1));
                at_start = false;
            }
            _ => {}
        }
    }
    members
}

fn word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
    (!word.is_empty()).then_some(word)
}

#[test]
fn what_is_pure_knows_no_outside_world() {
    let outside = [
        "tokio",
        "axum",
        "bollard",
        "hyper",
        "tracing::",
        "std::fs",
        "std::net::Tcp",
        "std::env",
        "SystemTime::now",
        "Instant::now",
        "HashMap",
        "HashSet",
    ];
    assert_eq!(holding(&PURE, &outside), Vec::<String>::new());
    // The same search finds them where they belong.
    assert!(!holding(&["serve"], &["tokio"]).is_empty());
}

#[test]
fn imports_run_one_way() {
    let mut wrong = Vec::new();
    for (part, may) in IMPORTS {
        let own = part.trim_end_matches(".rs");
        for (file, code) in programs(&[part]) {
            let others = named(&code).into_iter().filter(|it| it != own && !may.contains(&it.as_str()));
            wrong.extend(others.map(|other| format!("{} uses {other}", file.display())));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    // Every part has its line above.
    let parts: BTreeSet<PathBuf> = fs::read_dir(src(".")).unwrap().map(|it| it.unwrap().path()).collect();
    let of_program = ["main.rs", "lib.rs", "cli"].map(src);
    let listed: BTreeSet<PathBuf> = IMPORTS.iter().map(|(part, _)| src(part)).chain(of_program).collect();
    let names = |paths: &BTreeSet<PathBuf>| -> BTreeSet<String> {
        paths.iter().map(|it| it.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names(&parts), names(&listed));
    // No path climbs out of its part by another way.
    assert_eq!(holding(&["."], &["super::super"]), Vec::<String>::new());
    let bollard = holding(&["."], &["bollard"]);
    assert!(!bollard.is_empty() && bollard.iter().all(|line| line.contains("/docker/")), "{bollard:#?}");
}

#[test]
fn no_task_is_detached() {
    assert_eq!(holding(&["."], &["tokio::spawn", "task::spawn(", "TokioExecutor"]), Vec::<String>::new());
    // Tasks have an owner that waits for them.
    assert!(!holding(&["net"], &["JoinSet"]).is_empty());
}

#[test]
fn no_import_hides_behind_a_brace_or_a_test() {
    let code = program(
        "use std::fs;\n#[cfg(test)]\nmod tests;\nuse crate::{\n    docker, serve::{page, tls},\n};\n\
         #[cfg(test)]\nmod more {\n    use crate::probe;\n}\n// crate::traefik::labels\nfn f() { crate::gate::g(); }\n",
    );
    assert_eq!(named(&code).into_iter().collect::<Vec<_>>(), ["docker", "gate", "serve"]);
}

#[test]
fn every_file_says_its_job_first() {
    let silent: Vec<PathBuf> =
        sources(&src(".")).into_iter().filter(|file| !fs::read_to_string(file).unwrap().starts_with("//! ")).collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}

/// Whether a line takes the text of a refusal or a finding apart, or compares it.
fn reads_prose(line: &str) -> bool {
    let ways = ["contains", "starts_with", "ends_with", "strip_", "split", "find", "matches", "replace", "lines", "eq"];
    let is_way = |text: &str| ways.iter().any(|way| text.starts_with(way));
    [".words", ".remedy"].iter().flat_map(|field| line.match_indices(field)).any(|(at, field)| {
        let (before, after) = (line.split_at(at).0, line.split_at(at + field.len()).1);
        let after =
            ["()", ".as_str()", ".as_ref()", ".as_deref()"].iter().fold(after, |text, it| text.trim_start_matches(it));
        // `refusal.words.contains(x)`, `refusal.words == x`, `x == refusal.words`, `x.contains(&refusal.words)`.
        let owner = before.trim_end_matches(|it: char| it.is_alphanumeric() || "_.&*".contains(it));
        let called = owner.strip_suffix('(').and_then(|it| it.rsplit('.').next());
        after.strip_prefix('.').is_some_and(is_way)
            || [" ==", " !="].iter().any(|it| after.starts_with(it))
            || ["== ", "!= "].iter().any(|it| owner.ends_with(it))
            || called.is_some_and(is_way)
    })
}

#[test]
fn no_view_takes_a_sentence_apart() {
    let parts = ["report", "cli", "serve", "policy"];
    let code = programs(&parts);
    assert!(code.iter().any(|(_, code)| code.contains(".words")), "the texts have other names now");
    let found: Vec<String> = code
        .iter()
        .flat_map(|(file, code)| code.lines().filter(|line| reads_prose(line)).map(move |line| (file, line)))
        .map(|(file, line)| format!("{}: {}", file.display(), line.trim()))
        .collect();
    assert_eq!(found, Vec::<String>::new());
    for line in [
        "if refusal.words.contains(host) {",
        "finding.words() == other",
        "it.words.strip_prefix(name)",
        "told.any(|fact| fact.ends_with(&refusal.words))",
        "refusal.remedy().as_ref().lines()",
        "words != finding.words",
    ] {
        assert!(reads_prose(line), "{line}");
    }
    assert!(!reads_prose("visible(&refusal.words), refusal.remedy.is_empty(), words.contains(host)"));
}

/// What the engine says, what a flag with a wrong rule or release is told, and what the compiler and a panic say.
const NO_SENTENCES: [&str; 8] = [
    "API is accessible on http://",
    "bridge-nf-call-iptables is disabled",
    "is no rule's id; docs/rules.md lists the rules",
    "`{text}` is not a release of Traefik; write 3.6 or 3.6.15",
    "Traefik {text} is not supported; Leeward writes for Traefik 3",
    "rules come in the order of their ids, one row for each",
    "every id has its row",
    "a list that was just filled is not empty",
];

/// The parsers of rules, constraints, regular expressions and templates: what they say of a text's syntax, with the place in
/// it, is a parser's message, as those of the crates that are used beside them.
const PARSERS: &str = "traefik/rules/";

/// The literals of some code in which one word follows another. The rows of the rules' tables are constants, and the
/// reasons of silenced lints and the documentation that macros make are for whoever reads the code.
fn sentences(code: &str) -> Vec<String> {
    let mut kept = String::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        if line.contains("RULES: &[Rule] = &[") {
            lines.find(|line| line.starts_with(']') || line.starts_with("}];"));
        } else {
            let code =
                ["reason = ", "#[doc = "].iter().fold(line, |line, it| line.split(it).next().unwrap_or_default());
            kept.extend([code, "\n"]);
        }
    }
    let kept = kept.replace("\\\"", "").replace("'\"'", "");
    let is_word = |part: &str| part.chars().any(char::is_alphabetic);
    let is_sentence = |text: &&str| text.split(' ').filter(|part| is_word(part)).nth(1).is_some();
    kept.split('"').skip(1).step_by(2).filter(is_sentence).map(str::to_owned).collect()
}

#[test]
fn policy_plan_and_traefik_make_no_sentences() {
    let mut found = Vec::new();
    let mut code = programs(&["policy", "plan", "traefik"]);
    code.retain(|(file, _)| !file.starts_with(src(PARSERS)));
    for (file, code) in code {
        let all = sentences(&code).into_iter().filter(|it| !NO_SENTENCES.contains(&it.as_str()));
        found.extend(all.map(|it| format!("{}: {it}", file.display())));
    }
    assert_eq!(found, Vec::<String>::new());
    let code = "f(\"a.b\", '\"', \"x \", format!(\"`{name}` is\"), \"not \\\"here\");";
    assert_eq!(sentences(code), ["`{name}` is", "not here"]);
}

/// The anchor that a heading gets, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let letters = heading.chars().filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
    letters.map(|it| if it == ' ' { '-' } else { it.to_ascii_lowercase() }).collect()
}

/// Where a document's links lead to, as they are written.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split(')').next())
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|it| root.join(it)).into();
    documents.extend(fs::read_dir(root.join("docs")).unwrap().map(|it| it.unwrap().path()));
    documents.retain(|it| it.extension().is_some_and(|it| it == "md"));
    let (mut wrong, mut followed) = (Vec::new(), 0);
    for document in &documents {
        let text = fs::read_to_string(document).unwrap();
        for link in links(&text).filter(|it| !it.contains("://")) {
            followed += 1;
            let (file, wanted) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            let Ok(there) = fs::read_to_string(&target) else {
                if !target.is_dir() {
                    wrong.push(format!("{}: {link}: no such file", document.display()));
                }
                continue;
            };
            let headings = there.lines().filter(|it| it.starts_with('#')).map(|it| it.trim_start_matches('#'));
            if !wanted.is_empty() && !headings.map(|it| anchor(it.trim())).any(|it| it == wanted) {
                wrong.push(format!("{}: {link}: no such heading", document.display()));
            }
        }
    }
    assert!(followed > 100, "{followed} links");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The line of both documents that says who imports whom names parts that are there; `label`, `rule` and `dynamic` were not.
#[test]
fn the_documents_name_the_parts_that_there_are() {
    let read = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    for path in ["docs/architecture.md", "src/lib.rs"] {
        let text = read(path);
        let line = text.lines().find_map(|line| line.split_once("`cli -> ")).unwrap().1;
        let line = line.split('`').next().unwrap();
        for part in line.split([' ', ',', '-', '>']).filter(|part| !part.is_empty()) {
            assert!(src(part).is_dir() || src(&format!("{part}.rs")).is_file(), "{path}: {part}");
        }
    }
}
