//! `leeward check`: a Compose project's routes and findings, before it is deployed.

use std::fs;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use leeward::inventory::Inventory;
use leeward::plan::{self, Decision, Outcome, Plan, Warning};
use leeward::policy::finding::Subject;
use leeward::report::audit::Audit;
use leeward::report::routes::Listing;
use leeward::report::table::counted;
use leeward::report::visible::{self, visible};
use leeward::source::compose::{self, Folders, Project};
use leeward::source::snapshot;
use serde::Serialize;

use super::audit::{FailOn, Format};
use super::policy::Policy;
use super::{Ended, Exit, Failure};

/// Standard input, as a file's name.
const STDIN: &str = "-";

/// Check Compose projects before they are deployed: docker compose config --format json | leeward check -
///
/// Shows what would be routed, what would be refused and why, and what the rules find, without an engine. What only an
/// engine knows (labels and ports of images, the host) is not checked.
///
/// Exit status: 0 nothing to object to; 1 a container would be refused, or a finding is at least as bad as --fail-on; 2 a
/// setting is invalid; 3 a file cannot be read or checked.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Output of `docker compose config`, JSON or YAML, one project a file; - is standard input
    #[arg(value_name = "FILE", default_value = STDIN)]
    files: Vec<PathBuf>,

    /// Snapshot of the engine, from `leeward snapshot`: its networks and containers are added
    #[arg(long, env = "LEEWARD_SNAPSHOT", hide_env = true, value_name = "FILE")]
    snapshot: Option<PathBuf>,

    /// Project name for files without one (docker-compose 1.29) [default: name of the folder]
    #[arg(long, env = "LEEWARD_PROJECT_NAME", hide_env = true, value_name = "NAME")]
    project_name: Option<String>,

    /// Output format
    #[arg(long, env = "LEEWARD_FORMAT", hide_env = true, value_name = "FORMAT", default_value = "table")]
    format: Format,

    /// Lowest severity that makes the exit status 1
    #[arg(long, env = "LEEWARD_FAIL_ON", hide_env = true, value_name = "SEVERITY", default_value = "high")]
    fail_on: FailOn,

    #[command(flatten)]
    policy: Policy,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    listing: Listing<'a>,
    #[serde(flatten)]
    audit: Audit<'a>,
    /// Labels that match nothing, routers that Traefik rejects, ….
    warnings: &'a [String],
    /// What the files do not say, and was assumed.
    assumed: &'a [String],
}

impl Check {
    /// Reads the files, compiles, and prints what concerns them.
    pub(crate) fn run(self) -> Ended {
        let Self { files, snapshot, project_name, format, fail_on, policy } = self;
        let settings = policy.settings()?;
        let projects =
            files.iter().map(|file| project(file, project_name.as_deref())).collect::<Result<Vec<_>, Failure>>()?;
        let there = snapshot.as_deref().map(snapshot::read).transpose()?.unwrap_or_default();
        let inventory = compose::deploy(&projects, there);
        let mut plan = plan::compile(&inventory, &settings);
        keep(&mut plan, &projects, &inventory);
        let assumed: Vec<String> = projects
            .iter()
            .flat_map(|project| project.assumed.iter().map(move |it| format!("{}/{it}", project.name)))
            .collect();

        let warnings: Vec<String> = plan
            .decisions
            .values()
            .flat_map(|decision| decision.warnings.iter().map(move |it| (&decision.name, it)))
            .map(|(name, Warning { label, words })| match label {
                Some(label) => format!("{name}: {label}: {words}"),
                None => format!("{name}: {words}"),
            })
            .collect();
        let open = depending(&plan, &inventory);
        if matches!(format, Format::Table) {
            say_what_was_not_given(&mut plan, &inventory);
        }
        let (mut listing, audit) = (Listing::new(&plan, None, false), Audit::of(&plan));
        // The files are some of the projects that `--isolation-of` may name.
        listing.warnings.clear();
        let refused = plan.decisions.values().any(|decision| decision.outcome == Outcome::Refused);
        let found = fail_on.severity().is_some_and(|severity| audit.reaches(severity));
        super::print(&match format {
            Format::Table => {
                let mut text = format!("{}\n{}", listing.text(), audit.text());
                if !warnings.is_empty() {
                    text.push_str("\nWARNINGS\n");
                }
                for it in &warnings {
                    text.extend(["    ", &visible(it), "\n"]);
                }
                if !assumed.is_empty() {
                    text.push_str("\nASSUMED\n");
                }
                for it in &assumed {
                    text.extend(["    ", &visible(it), "\n"]);
                }
                text.push('\n');
                text.push_str(&summary(&plan, &audit, open));
                text
            }
            Format::Json => visible::json(&Checked { listing, audit, warnings: &warnings, assumed: &assumed }),
            Format::Sarif => audit.sarif(|subject| {
                let makes = |project: &Project| match subject {
                    Subject::Engine => false,
                    Subject::Host { containers, .. } => {
                        containers.iter().any(|id| project.inventory.containers.contains_key(id))
                    }
                    Subject::Network { name } => project.inventory.networks.values().any(|own| own.name == *name),
                    Subject::Container { id, .. } => project.inventory.containers.contains_key(id),
                };
                let (_, file) = projects.iter().zip(&files).find(|(project, _)| makes(project))?;
                (file.as_os_str() != STDIN).then(|| file.to_string_lossy().into_owned())
            }),
        })?;
        Ok(if refused || found { Exit::No } else { Exit::Good })
    }
}

/// How many containers would be routed over a network that was not given.
fn depending(plan: &Plan, inventory: &Inventory) -> usize {
    let routed = plan.decisions.values().filter(|it| it.outcome == Outcome::Routed);
    let networks = routed.filter_map(|it| inventory.network_named(it.network.as_deref()?));
    networks.filter(|network| network.assumed).count()
}

/// Marks them in the table of routes.
fn say_what_was_not_given(plan: &mut Plan, inventory: &Inventory) {
    for backend in plan.routes.iter_mut().flat_map(|route| &mut route.backends) {
        if inventory.network_named(&backend.network).is_some_and(|network| network.assumed) {
            backend.network.push_str(" (not given)");
        }
    }
}

/// The last line: what came of it. `open`: of those routed, how many depend on what was not given.
fn summary(plan: &Plan, audit: &Audit<'_>, open: usize) -> String {
    let count = |outcome| plan.decisions.values().filter(|it| it.outcome == outcome).count();
    let (routed, refused) = (count(Outcome::Routed), count(Outcome::Refused));
    let mut parts = Vec::new();
    if routed > open {
        parts.push(format!("{} would be routed", counted(routed - open, "container")));
    }
    if open > 0 {
        parts.push(format!(
            "{} would be routed if the external networks are as they should be: not verifiable (NET-027)",
            counted(open, "container")
        ));
    }
    if refused > 0 {
        parts.push(format!("{} would be refused", counted(refused, "container")));
    }
    if parts.is_empty() {
        parts.push("no container asks to be routed".to_owned());
    }
    parts.push(counted(audit.findings.len(), "finding"));
    if !audit.not_verifiable.is_empty() {
        parts.push(format!("{} not verifiable", audit.not_verifiable.len()));
    }
    format!("{}\n", parts.join("; "))
}

fn project(file: &Path, name: Option<&str>) -> Result<Project, Failure> {
    let text = if file.as_os_str() == STDIN {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
        text
    } else {
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    let is_file = file.as_os_str() != STDIN;
    let folder = if is_file { file.with_file_name(".") } else { PathBuf::from(".") };
    let folder = folder.canonicalize().unwrap_or_default();
    // As Compose does: the folder's name, lower case, of letters, digits, `-` and `_`.
    let of_folder = || {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let kept: String = name.chars().filter(|it| it.is_ascii_alphanumeric() || "-_".contains(*it)).collect();
        kept.trim_start_matches(['-', '_']).to_owned()
    };
    let name = name.map_or_else(of_folder, ToOwned::to_owned);
    let place = if is_file { file.display().to_string() } else { "standard input".into() };
    let home = std::env::home_dir().unwrap_or_default();
    let folders = Folders { file: &folder.to_string_lossy(), home: &home.to_string_lossy() };
    compose::read_in(&text, &name, folders).map_err(|words| anyhow!("{place} {words}").into())
}

/// Leaves what concerns the projects: their containers, the networks they make and join, hosts that they claim. Addresses that were made up give way to
/// names.
fn keep(plan: &mut Plan, projects: &[Project], inventory: &Inventory) {
    let ids = compose::ids(projects);
    let on = |project: &Project, name: &str| {
        project.external.contains(name) || project.inventory.networks.values().any(|own| own.name == name)
    };
    plan.decisions.retain(|id, _| ids.contains(id));
    // Nothing runs yet that a command could change.
    for Decision { steps, refusal, .. } in plan.decisions.values_mut() {
        let refusals = steps.iter_mut().flat_map(|step| &mut step.refusals);
        refusals.chain(refusal).for_each(|refusal| refusal.at_once = None);
    }
    plan.findings.retain(|finding| match &finding.subject {
        // There is no engine here to be judged.
        Subject::Engine => false,
        Subject::Host { containers, .. } => containers.iter().any(|id| ids.contains(id)),
        Subject::Network { name } => projects.iter().any(|project| on(project, name)),
        Subject::Container { id, .. } => ids.contains(id),
    });
    plan.routes.retain(|route| route.backends.iter().any(|backend| ids.contains(&backend.id)));
    for backend in plan.routes.iter_mut().flat_map(|route| &mut route.backends) {
        let attachments = inventory.containers.get(&backend.id).map(|it| &it.attachments);
        let addresses = attachments.into_iter().flat_map(|it| it.values()).filter_map(|it| it.ipv4);
        for address in addresses.filter(|it: &IpAddr| compose::is_made_up(*it)) {
            backend.address = backend.address.replace(&format!("{address}:"), &format!("{}:", backend.container));
        }
        if let Some(rest) = backend.address.strip_suffix(&format!(":{}", compose::SOME_PORT)) {
            backend.address = format!("{rest}:?");
        }
    }
}
