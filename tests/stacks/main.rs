//! The corpus: Compose projects in the manner of popular applications, as their operators have them today.
//!
//! For each: what is decided about it beside a Traefik that has not moved yet. One file is a project; a folder holds
//! projects that belong together.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use leeward::inventory::Inventory;
use leeward::plan::{Decision, Outcome, Plan, compile};
use leeward::policy::refusal::Refusal;
use leeward::settings::Settings;
use leeward::source::compose::{self, Folders, Project};

/// One stack: its name, its projects.
struct Stack {
    name: String,
    projects: Vec<Project>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stacks")
}

fn project(file: &Path) -> Project {
    let folders = Folders { file: "/srv/stack", home: "/root" };
    compose::read_in(&fs::read_to_string(file).unwrap(), "unnamed", folders).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Traefik's project as it is before anybody moves.
fn front() -> Project {
    project(&folder().join("front/front.yaml"))
}

fn stacks() -> Vec<Stack> {
    let is_project = |path: &Path| path.extension().is_some_and(|it| it == "yaml");
    let stack = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let projects: Vec<PathBuf> = if path.is_dir() {
            files(&path).into_iter().filter(|it| is_project(it)).collect()
        } else {
            Some(path).filter(|it| is_project(it)).into_iter().collect()
        };
        (name != "front" && !projects.is_empty())
            .then(|| Stack { name, projects: projects.iter().map(|it| project(it)).collect() })
    };
    files(&folder()).into_iter().filter_map(stack).collect()
}

impl Stack {
    /// What the engine would say; with the Traefik of everybody beside it, where the stack has none of its own.
    fn inventory(&self) -> Inventory {
        let front = (!self.has_traefik()).then(front);
        let all: Vec<Project> = front.into_iter().chain(self.projects.iter().cloned()).collect();
        compose::deploy(&all, Inventory::default())
    }

    fn has_traefik(&self) -> bool {
        let all = self.projects.iter().flat_map(|project| project.inventory.containers.values());
        all.into_iter().any(|container| container.labels.contains_key("leeward.traefik"))
    }
}

/// Who asked: routed, or the rules and codes against it.
fn verdicts(plan: &Plan) -> String {
    let mut text = String::new();
    let mut decisions: Vec<&Decision> = plan.decisions.values().filter(|it| it.outcome != Outcome::Ignored).collect();
    decisions.sort_by_key(|it| &it.name);
    for decision in decisions {
        let mut names: Vec<&str> = decision.steps.iter().flat_map(|it| &it.refusals).map(Refusal::name).collect();
        names.sort_unstable();
        names.dedup();
        let verdict = match decision.outcome {
            Outcome::Routed => "routed",
            Outcome::Refused => "refused",
            Outcome::Ignored => "ignored",
        };
        let line = format!("{}: {verdict} {}", decision.name, names.join(" "));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[test]
fn every_stack_is_judged_and_none_as_it_is_today_is_let_through() {
    let stacks = stacks();
    assert!(stacks.len() >= 30, "{} stacks", stacks.len());
    let mut text = String::new();
    for stack in &stacks {
        let plan = compile(&stack.inventory(), &Settings::default());
        let _ = write!(text, "{}\n{}\n", stack.name, verdicts(&plan));
        let routed = plan.decisions.values().filter(|it| it.outcome == Outcome::Routed).count();
        assert_eq!(routed, usize::from(stack.has_traefik()), "{}: {}", stack.name, verdicts(&plan));
    }
    insta::with_settings!({ snapshot_path => "seen", prepend_module_to_snapshot => false }, {
        assert_snapshot!("before", text);
    });
}
