//! The corpus: Compose projects in the manner of popular applications, as their operators have them today.
//!
//! For each: what is decided about it beside a Traefik that has not moved yet, what `leeward fix` proposes, and what is
//! decided then. One file is a project; a folder holds projects that belong together.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[path = "../support/by_hand.rs"]
mod by_hand;
#[path = "../support/left_out.rs"]
mod left_out;
#[path = "../support/redaction.rs"]
mod redaction;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use by_hand::remove;
use insta::assert_snapshot;
use leeward::inventory::{Attachment, Container, ContainerId, Inventory};
use leeward::plan::{Decision, Outcome, Plan, compile};
use leeward::policy::names::Owner;
use leeward::policy::refusal::Refusal;
use leeward::remedy::{self, Lost, Remedies, Scope, Wishes};
use leeward::report::fix;
use leeward::settings::Settings;
use leeward::source::compose::{self, Folders, Project};
use left_out::left_out;

/// One stack: its name, its projects.
struct Stack {
    name: String,
    projects: Vec<Project>,
    paths: Vec<PathBuf>,
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
        let paths: Vec<PathBuf> = if path.is_dir() {
            files(&path).into_iter().filter(|it| is_project(it)).collect()
        } else {
            Some(path).filter(|it| is_project(it)).into_iter().collect()
        };
        (name != "front" && !paths.is_empty()).then(|| Stack {
            name,
            projects: paths.iter().map(|it| project(it)).collect(),
            paths,
        })
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
    let mut decisions: Vec<&Decision> = plan.decided().filter(|it| it.outcome != Outcome::Ignored).collect();
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
fn a_redacted_snapshot_of_each_stack_is_judged_the_same_and_names_nobody() {
    for stack in stacks() {
        redaction::check(&stack.inventory(), &Settings::default());
    }
}

#[test]
fn every_stack_is_judged_and_none_as_it_is_today_is_let_through() {
    let stacks = stacks();
    assert!(stacks.len() >= 38, "{} stacks", stacks.len());
    let mut text = String::new();
    for stack in &stacks {
        let plan = compile(&stack.inventory(), &Settings::default());
        let _ = write!(text, "{}\n{}\n", stack.name, verdicts(&plan));
        let routed = plan.decided().filter(|it| it.outcome == Outcome::Routed).count();
        assert_eq!(routed, usize::from(stack.has_traefik()), "{}: {}", stack.name, verdicts(&plan));
    }
    insta::with_settings!({ snapshot_path => "seen", prepend_module_to_snapshot => false }, {
        assert_snapshot!("before", text);
    });
}

impl Stack {
    fn owners(&self) -> BTreeSet<Owner> {
        self.projects.iter().map(|project| Owner::Group(project.name.clone())).collect()
    }

    /// What `leeward fix` says of the stack's projects.
    fn remedies(&self, inventory: &Inventory) -> Remedies {
        let scope = Scope::Owners(self.owners());
        let mut remedies = remedy::plan(inventory, &Settings::default(), &scope, &Wishes::default());
        for project in self.projects.iter().chain([&front()]) {
            for (network, key) in &project.external {
                let at = (project.name.clone(), network.clone());
                remedies.external.insert(at.clone());
                remedies.keys.insert(at, key.clone());
            }
        }
        remedies
    }
}

fn on(container: &Container) -> BTreeSet<&str> {
    container.attachments.keys().map(String::as_str).collect()
}

/// The project of a container.
fn project_of(container: &Container) -> &str {
    &container.labels["com.docker.compose.project"]
}

/// Pairs of containers that are on one network, by their ids.
fn pairs(inventory: &Inventory) -> BTreeSet<(ContainerId, ContainerId)> {
    let all: Vec<_> = inventory.containers.iter().collect();
    let mut pairs = BTreeSet::new();
    for (at, (id, one)) in all.iter().enumerate() {
        for (other_id, other) in all.iter().skip(at + 1).filter(|(_, other)| !on(one).is_disjoint(&on(other))) {
            let _ = other;
            pairs.insert(((*id).clone(), (*other_id).clone()));
        }
    }
    pairs
}

#[test]
fn fix_gets_every_stack_there_or_says_why_not() {
    for stack in stacks() {
        let inventory = stack.inventory();
        let remedies = stack.remedies(&inventory);
        let name = &stack.name;
        let after = compile(&remedies.after, &Settings::default());
        let mut told = String::new();
        for remedy in &remedies.owners {
            for verdict in &remedy.verdicts {
                let names: Vec<&str> = verdict.left.iter().map(Refusal::name).collect();
                let choice = remedy.choices.iter().any(|choice| choice.container == verdict.container);
                let fine = verdict.after == Outcome::Routed && names.is_empty();
                assert!(fine || choice || !names.is_empty(), "{name}: {} is left without a word", verdict.container);
                assert_eq!(remedy.proven, remedy.verdicts.iter().all(|it| it.left.is_empty()), "{name}");
                let _ = writeln!(told, "{}: {:?} {}", verdict.container, verdict.after, names.join(" "));
            }
        }
        // Nothing is proposed twice.
        let again = stack.remedies(&remedies.after);
        let edits: Vec<_> = again.owners.iter().flat_map(|it| &it.edits).chain(&again.traefik).collect();
        assert!(edits.is_empty(), "{name}: a second fix proposes {edits:#?}");

        // Containers of one project that saw each other see each other; those of two see each other only if they did.
        let (before, later) = (pairs(&inventory), pairs(&remedies.after));
        let front = |id: &ContainerId| {
            inventory.containers.get(id).is_none_or(|it| ["front", "edge"].contains(&project_of(it)))
        };
        let same = |(one, other): &(ContainerId, ContainerId)| {
            project_of(&inventory.containers[one]) == project_of(&inventory.containers[other])
        };
        for pair in before.iter().filter(|pair| same(pair)) {
            assert!(later.contains(pair), "{name}: {pair:?} have lost each other");
        }
        for pair in later.difference(&before).filter(|pair| !same(pair)) {
            assert!(front(&pair.0) || front(&pair.1), "{name}: {pair:?} of two projects have met");
        }
        // What is not the stack's stays as it was, but for the networks of Traefik.
        for (id, container) in inventory
            .containers
            .iter()
            .filter(|(_, it)| !stack.owners().contains(&Owner::Group(project_of(it).to_owned())))
        {
            let mut now = (*remedies.after.containers[id]).clone();
            now.attachments.clone_from(&container.attachments);
            assert!(now == **container, "{name}: {} has changed", container.name);
        }
        // Ports that nobody can reach any more are named.
        for (id, container) in &inventory.containers {
            for (port, bindings) in &container.port_bindings {
                let now = remedies.after.containers[id].ports.get(port).cloned().unwrap_or_default();
                for binding in bindings.iter().filter(|it| !now.contains(it)) {
                    let is_named = remedies.owners.iter().flat_map(|it| &it.lost).any(|lost| {
                        matches!(lost, Lost::Port { port: named, host_port, .. } if named == port && *host_port == binding.host_port)
                    });
                    assert!(is_named, "{name}: port {port} of {} is lost without a word", container.name);
                }
            }
        }
        let text = format!(
            "{}\nverdict of the model afterwards:\n{}",
            fix::text(&remedies, fix::Shown::Files),
            verdicts(&after)
        );
        insta::with_settings!({ snapshot_path => "seen", prepend_module_to_snapshot => false }, {
            assert_snapshot!(format!("fix_{name}"), text);
        });
    }
}

/// What Compose makes of the files that `fix` writes is what the planner said: for every stack, and for Traefik's project.
#[test]
fn compose_reads_the_overrides_as_the_planner_meant_them() {
    let Some(program) = compose_2() else {
        return left_out(
            "compose_reads_the_overrides_as_the_planner_meant_them",
            &["compose-2: LEEWARD_COMPOSE names no Compose 2".to_owned()],
        );
    };
    for stack in stacks() {
        let inventory = stack.inventory();
        let remedies = stack.remedies(&inventory);
        let place = tempfile::TempDir::new().unwrap();
        let mut projects = Vec::new();
        let paths: Vec<PathBuf> = (!stack.has_traefik())
            .then(|| folder().join("front/front.yaml"))
            .into_iter()
            .chain(stack.paths.clone())
            .collect();
        for path in &paths {
            let name = project(path).name;
            let own = place.path().join(format!("{name}.yaml"));
            if let Some(text) = fix::compose(&remedies, &Owner::Group(name.clone())) {
                fs::write(&own, text).unwrap();
            }
            let mut command = Command::new(&program[0]);
            command.args(&program[1..]);
            command.arg("--project-directory").arg("/srv/stack").arg("-f").arg(path);
            if own.exists() {
                command.arg("-f").arg(&own);
            }
            // As it was judged: also what runs only when somebody asks for it.
            let output = command.args(["--profile", "*", "config", "--format", "json"]).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                output.status.success(),
                "{}: {error}\n{}",
                stack.name,
                fs::read_to_string(&own).unwrap_or_default()
            );
            projects.push(compose::read(&String::from_utf8(output.stdout).unwrap(), &name).unwrap());
        }
        let merged = compose::deploy(&projects, Inventory::default());
        let (wanted, found) = (compile(&remedies.after, &Settings::default()), compile(&merged, &Settings::default()));
        assert_eq!(verdicts(&found), verdicts(&wanted), "{}", stack.name);
        for (id, container) in &merged.containers {
            let meant = &remedies.after.containers[id];
            let places = |it: &Container| -> Vec<(String, Vec<String>)> {
                let aliases = |place: &Attachment| {
                    place
                        .aliases
                        .iter()
                        .filter(|it| **it != container.labels["com.docker.compose.service"])
                        .cloned()
                        .collect()
                };
                it.attachments.values().map(|place| (place.network.clone(), aliases(place))).collect()
            };
            assert_eq!(places(container), places(meant), "{}: {}", stack.name, container.name);
            assert_eq!(container.port_bindings, meant.port_bindings, "{}: {}", stack.name, container.name);
        }
    }
}

/// A Compose that knows `!reset`: what `LEEWARD_COMPOSE` names, else the engine's own.
fn compose_2() -> Option<Vec<String>> {
    let named = std::env::var_os("LEEWARD_COMPOSE").map(|path| vec![path.to_string_lossy().into_owned()]);
    let all = named.into_iter().chain([vec!["docker".to_owned(), "compose".to_owned()]]);
    all.into_iter().find(|compose| {
        let output = Command::new(&compose[0]).args(&compose[1..]).args(["version", "--short"]).output();
        output.is_ok_and(|it| it.stdout.starts_with(b"2.") || it.stdout.starts_with(b"v2."))
    })
}

/// `docker-compose` 1.29, which knows neither `!reset` nor `!override`.
fn compose_1() -> Option<&'static str> {
    let output = Command::new("docker-compose").args(["version", "--short"]).output();
    output.is_ok_and(|it| it.stdout.starts_with(b"1.29")).then_some("docker-compose")
}

/// With docker-compose 1.29: what `fix` says to delete by hand, and nothing else, makes its file come to the same.
#[test]
fn what_is_deleted_by_hand_makes_an_older_compose_read_the_same() {
    let Some(program) = compose_1() else {
        return left_out(
            "what_is_deleted_by_hand_makes_an_older_compose_read_the_same",
            &["docker-compose-1: no docker-compose 1.29".to_owned()],
        );
    };
    let (mut read, mut followed) = (0, 0);
    for stack in stacks() {
        let inventory = stack.inventory();
        let remedies = stack.remedies(&inventory);
        let place = tempfile::TempDir::new().unwrap();
        for path in &stack.paths {
            let name = project(path).name;
            let owner = Owner::Group(name.clone());
            let Some(ours) = fix::compose(&remedies, &owner) else { continue };
            let mut own: serde_json::Value = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
            // Projects have no name of their own there.
            own.as_object_mut().unwrap().remove("name");
            let base = place.path().join("base.yaml");
            let config = |files: &[&Path]| {
                let mut command = Command::new(program);
                command.arg("--project-directory").arg("/srv/stack").args(["-p", &name]);
                for file in files {
                    command.arg("-f").arg(file);
                }
                command.arg("config").output().unwrap()
            };
            fs::write(&base, own.to_string()).unwrap();
            if !config(&[&base]).status.success() {
                continue;
            }
            read += 1;
            for line in fix::by_hand(&remedies, &owner) {
                followed += 1;
                remove(&mut own, &line);
            }
            fs::write(&base, own.to_string()).unwrap();
            let lines = ours.lines().filter(|line| !line.contains("!reset"));
            let ours: String = lines.map(|line| line.replace(" !override", "") + "\n").collect();
            let file = place.path().join("ours.yaml");
            fs::write(&file, &ours).unwrap();
            let output = config(&[&base, &file]);
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{name}: {error}\n{ours}");
            let merged = compose::read(&String::from_utf8(output.stdout).unwrap(), &name).unwrap();
            let merged = compose::deploy(&[merged], Inventory::default());
            for (id, container) in &merged.containers {
                let meant = &remedies.after.containers[id];
                assert_eq!(on(container), on(meant), "{name}: {}\n{ours}", container.name);
                assert_eq!(container.port_bindings, meant.port_bindings, "{name}: {}", container.name);
                let (now, wanted) = (&container.confinement, &meant.confinement);
                assert_eq!(
                    (&now.cap_add, &now.sysctls),
                    (&wanted.cap_add, &wanted.sysctls),
                    "{name}: {}",
                    container.name
                );
            }
        }
    }
    assert!(read >= 15 && followed >= 20, "{read} {followed}");
}
