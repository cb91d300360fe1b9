//! SARIF as code scanning takes it: every refusal is a result with the operator's own file and line, and its fix, applied as a
//! tool applies it, makes the container routed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]
#![expect(clippy::cast_possible_truncation, reason = "lines of small files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use leeward::inventory::Inventory;
use leeward::plan::{Outcome, compile};
use leeward::settings::Settings;
use leeward::source::compose;
use serde_json::Value;

/// What `check` says of some files, by their names.
fn sarif(files: &BTreeMap<String, String>) -> Value {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    command.current_dir(folder.path()).env_clear().arg("check").args(files.keys()).args(["--format", "sarif"]);
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn results(log: &Value) -> &[Value] {
    log["runs"][0]["results"].as_array().unwrap()
}

/// What the format asks of every log, and code scanning of every result.
fn has_its_shape(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    let driver = &log["runs"][0]["tool"]["driver"];
    assert_eq!(driver["name"], "leeward");
    let described = driver["rules"].as_array().unwrap();
    let rules: Vec<&Value> = described.iter().map(|it| &it["id"]).collect();
    // Code scanning shows all three.
    for rule in described {
        for part in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[part]["text"].as_str().is_some_and(|text| !text.is_empty()), "{part} of {rule}");
        }
    }
    for result in results(log) {
        assert!(rules.contains(&&result["ruleId"]), "{result}");
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()), "{result}");
        assert!(!result["message"]["text"].as_str().unwrap().is_empty(), "{result}");
        let place = &result["locations"][0]["physicalLocation"];
        assert!(!place["artifactLocation"]["uri"].as_str().unwrap().contains([' ', '\\']), "{result}");
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1, "{result}");
        for fix in result["fixes"].as_array().into_iter().flatten() {
            assert!(!fix["description"]["text"].as_str().unwrap().is_empty(), "{result}");
            for change in fix["artifactChanges"].as_array().unwrap() {
                assert!(change["artifactLocation"]["uri"].is_string(), "{result}");
                let replacements = change["replacements"].as_array().unwrap();
                assert!(!replacements.is_empty(), "{result}");
                for replacement in replacements {
                    let region = &replacement["deletedRegion"];
                    let at =
                        |line: &str, column: &str| (region[line].as_u64().unwrap(), region[column].as_u64().unwrap());
                    assert!(at("startLine", "startColumn") <= at("endLine", "endColumn"), "{result}");
                }
            }
        }
    }
}

/// The files after a fix.
fn applied(files: &BTreeMap<String, String>, fix: &Value) -> BTreeMap<String, String> {
    let mut after = files.clone();
    for change in fix["artifactChanges"].as_array().unwrap() {
        let name = change["artifactLocation"]["uri"].as_str().unwrap();
        let text = &files[name];
        let byte = |line: &Value, column: &Value| {
            let (line, column) = (line.as_u64().unwrap() as usize, column.as_u64().unwrap() as usize);
            let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
            start + text.split_at(start).1.chars().take(column - 1).map(char::len_utf8).sum::<usize>()
        };
        let mut changed = text.clone();
        for replacement in change["replacements"].as_array().unwrap().iter().rev() {
            let region = &replacement["deletedRegion"];
            let range =
                byte(&region["startLine"], &region["startColumn"])..byte(&region["endLine"], &region["endColumn"]);
            changed.replace_range(range, replacement["insertedContent"]["text"].as_str().unwrap());
        }
        after.insert(name.to_owned(), changed);
    }
    after
}

/// Who would be routed, by name; `None`: a file cannot be read any more.
fn routed(files: &BTreeMap<String, String>) -> BTreeMap<String, bool> {
    let projects: Vec<_> = files
        .iter()
        .map(|(name, text)| compose::read(text, name).unwrap_or_else(|problem| panic!("{name} {problem}:\n{text}")))
        .collect();
    let inventory = compose::deploy(&projects, Inventory::default());
    let plan = compile(&inventory, &Settings::default());
    plan.decided().map(|it| (it.name.clone(), it.outcome == Outcome::Routed)).collect()
}

/// How often this is said of files: a rule, a container, and the words where the rule is no rule but a code.
fn said(log: &Value, this: &Value) -> usize {
    let of = |it: &Value| {
        let words = it["message"]["text"].as_str().filter(|_| it["ruleId"] == "bad-label").map(str::to_owned);
        (it["ruleId"].clone(), it["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].clone(), words)
    };
    results(log).iter().filter(|it| of(it) == of(this)).count()
}

/// Applies the fix of every refusal, each to the files as they are, and looks whether it is not said any more. How many there
/// were, of how many refusals.
fn check(name: &str, files: &BTreeMap<String, String>) -> (usize, usize) {
    let log = sarif(files);
    has_its_shape(&log);
    let (mut fixed, mut refusals) = (0, 0);
    for result in results(&log).iter().filter(|it| it["level"] == "error") {
        let place = &result["locations"][0];
        let uri = place["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        let line = place["physicalLocation"]["region"]["startLine"].as_u64().unwrap() as usize;
        let Some(text) = files.get(uri) else { panic!("{name}: {uri} is no file of the operator's: {result}") };
        assert!(line <= text.lines().count(), "{name}: {result}");
        refusals += 1;
        for fix in result["fixes"].as_array().into_iter().flatten() {
            let after = applied(files, fix);
            assert_ne!(after, *files, "{name}: {result}");
            let (before, now) = (routed(files), routed(&after));
            for (other, was) in &before {
                assert!(!was || now[other], "{name}: {other} is lost");
            }
            assert!(
                said(&sarif(&after), result) < said(&log, result),
                "{name}: {result} is said as before:\n{after:#?}"
            );
            fixed += 1;
        }
    }
    (fixed, refusals)
}

const FRONT: &str = "name: front
services:
  traefik:
    image: traefik:v3.7.15
    ports: [\"80:80\"]
    networks: [exposed, proxy]
    sysctls:
      net.ipv4.ip_forward: \"0\"
    labels:
      leeward.traefik: \"true\"
networks:
  exposed:
    name: net-exposed
  proxy:
    name: proxy
";

const SHOP: &str = "# A shop.
name: shop
services:
  web:
    image: shop/web:1
    ports:
      - \"8080:80\"   # for tests
    labels:
      - traefik.enable=true
      - traefik.http.routers.web.rule=Host(`shop.example.com`)
  db:
    image: postgres
    # Its data.
    volumes:
      - data:/data
volumes:
  data:
";

#[test]
fn a_fix_that_a_tool_applies_makes_the_container_routed() {
    let files: BTreeMap<String, String> =
        [("front.yaml".to_owned(), FRONT.to_owned()), ("shop.yaml".to_owned(), SHOP.to_owned())].into();
    let log = sarif(&files);
    let of = |rule: &str| results(&log).iter().find(|it| it["ruleId"] == rule).unwrap();
    let place = |rule: &str| {
        let place = &of(rule)["locations"][0]["physicalLocation"];
        (place["artifactLocation"]["uri"].as_str().unwrap(), place["region"]["startLine"].as_u64().unwrap())
    };
    assert_eq!(
        (place("NET-001"), place("NET-009"), place("PUB-001")),
        (("shop.yaml", 4), ("shop.yaml", 4), ("shop.yaml", 7))
    );
    // Each does what mends its own reason, and nothing else.
    let fix = |rule: &str| &of(rule)["fixes"][0];
    let after = applied(&files, fix("PUB-001"));
    assert_eq!(
        after["shop.yaml"],
        SHOP.replace("    ports:\n      - \"8080:80\"   # for tests\n", "")
            .replace("    image: shop", "    expose: [\"80\"]\n    image: shop")
    );
    assert_eq!(after["front.yaml"], FRONT);
    let after = applied(&files, fix("NET-009"));
    assert!(after["shop.yaml"].contains("8080") && after["shop.yaml"].contains("net-shop"), "{}", after["shop.yaml"]);
    assert!(after["front.yaml"].contains("net-shop") && !after["shop.yaml"].contains("-internal"), "{after:?}");
    let after = applied(&files, fix("NET-001"));
    assert!(after["shop.yaml"].contains("8080") && after["shop.yaml"].contains("shop_default-internal"), "{after:?}");
    let all: BTreeSet<String> = ["NET-001", "NET-009", "PUB-001"].iter().map(|rule| fix(rule).to_string()).collect();
    assert_eq!(all.len(), 3);
    // The fourth is a finding about Traefik that refuses nobody.
    assert_eq!(check("shop", &files), (3, 4));
    // All of them, one after the other, and it is routed.
    let mut now = files.clone();
    for _ in 0..8 {
        let log = sarif(&now);
        let fixes = results(&log).iter().filter(|it| it["level"] == "error").filter_map(|it| it["fixes"].get(0));
        let Some(fix) = fixes.into_iter().next() else { break };
        now = applied(&now, fix);
    }
    assert!(routed(&now)["shop-web-1"], "{now:#?}");
}

#[test]
fn a_misspelt_label_is_a_result_at_its_own_line() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("compose/app1/compose.yaml");
    let text = fs::read_to_string(shipped).unwrap();
    let label = text.lines().position(|line| line.contains("traefik.http.routers.web.rule")).unwrap() as u64 + 1;
    let at = |text: String| -> Vec<(String, u64, String)> {
        let log = sarif(&[("app1.yaml".to_owned(), text)].into());
        has_its_shape(&log);
        let wrong = results(&log).iter().filter(|it| it["level"] == "error");
        wrong
            .map(|it| {
                let place = &it["locations"][0]["physicalLocation"];
                let file = place["artifactLocation"]["uri"].as_str().unwrap();
                let words = it["message"]["text"].as_str().unwrap();
                (file.to_owned(), place["region"]["startLine"].as_u64().unwrap(), words.to_owned())
            })
            .collect()
    };
    assert_eq!(at(text.clone()), []);
    let wrong = at(text.replace("traefik.http.routers.web.rule", "traefik.http.ruoters.web.rule"));
    let [(file, line, words)] = wrong.as_slice() else { panic!("{wrong:?}") };
    assert!((file.as_str(), *line) == ("app1.yaml", label) && words.contains("ruoters"), "{wrong:?}");
}

#[test]
fn a_label_that_is_misspelt_is_fixed_where_it_stands() {
    let project = |labels: &str| -> BTreeMap<String, String> {
        [(
            "shop.yaml".to_owned(),
            SHOP.replace("      - traefik.http.routers.web.rule=Host(`shop.example.com`)\n", labels),
        )]
        .into()
    };
    let (bad, good) = ("traefik.http.ruoters.web.rule", "traefik.http.routers.web.rule");
    for (was, now) in [
        (format!("      - {bad}=Host(`a.b`)\n"), format!("      - {good}=Host(`a.b`)\n")),
        (format!("      - '{bad}=Host(`a.b`)'  # é\n"), format!("      - '{good}=Host(`a.b`)'  # é\n")),
        (
            "      - \"traefik.http.routers.web.priority=1_000\"\n".to_owned(),
            "      - \"traefik.http.routers.web.priority=1000\"\n".to_owned(),
        ),
    ] {
        let files = project(&was);
        let log = sarif(&files);
        has_its_shape(&log);
        let result = results(&log).iter().find(|it| it["ruleId"] == "bad-label").unwrap();
        assert_eq!(applied(&files, &result["fixes"][0]), project(&now), "{result}");
    }
    // As a map, each by itself: a name and a value.
    let map = |name: &str, value: &str| {
        let labels =
            format!("      traefik.enable: true\n      {name}: x\n      traefik.http.routers.web.priority: {value}\n");
        let text = SHOP.split_once("      - traefik.enable").unwrap().0.to_owned() + &labels;
        BTreeMap::from([("shop.yaml".to_owned(), text)])
    };
    let files = map(bad, "\"1_000\"");
    let log = sarif(&files);
    let fixes: Vec<_> =
        results(&log).iter().filter(|it| it["ruleId"] == "bad-label").map(|it| &it["fixes"][0]).collect();
    let after: Vec<_> = fixes.iter().map(|fix| applied(&files, fix)).collect();
    assert_eq!(after, [map(good, "\"1_000\""), map(bad, "\"1000\"")]);
    // What would be there twice, and what is no spelling, has none.
    for labels in [
        format!("      - {bad}=Host(`a.b`)\n      - {good}=Host(`c.d`)\n"),
        "      - traefik.http.routers.web.priority=high\n".to_owned(),
    ] {
        let log = sarif(&project(&labels));
        let result = results(&log).iter().find(|it| it["ruleId"] == "bad-label").unwrap();
        assert!(result["fixes"].is_null(), "{result}");
    }
}

#[test]
fn every_stack_has_results_at_its_own_lines_and_no_fix_that_does_not_work() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stacks");
    let (mut fixed, mut refusals) = (0, 0);
    let mut entries: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    entries.sort();
    for path in entries.iter().filter(|path| path.extension().is_some_and(|it| it == "yaml")) {
        let text = fs::read_to_string(path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut files: BTreeMap<String, String> = [(format!("{name}.yaml"), text.clone())].into();
        if !text.contains("leeward.traefik") {
            files.insert("front.yaml".to_owned(), fs::read_to_string(folder.join("front/front.yaml")).unwrap());
        }
        let (more, all) = check(&name, &files);
        fixed += more;
        refusals += all;
    }
    assert!(refusals >= 100 && fixed >= 30, "{fixed} of {refusals}");
}

#[test]
fn an_audit_tells_every_refusal_too() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    command.env_clear().args(["audit", "--engine=demo", "--format=sarif", "--fail-on=never"]);
    let log: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    has_its_shape(&log);
    let rules: Vec<&str> = results(&log).iter().map(|it| it["ruleId"].as_str().unwrap()).collect();
    assert!(rules.contains(&"NET-001") && rules.contains(&"NET-009"), "{rules:?}");
}
