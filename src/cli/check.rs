//! `leeward check`: a Compose project's routes and findings, before it is deployed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use leeward::inventory::Inventory;
use leeward::plan::{self, Outcome, Plan};
use leeward::policy::finding::Subject;
use leeward::remedy::{self, Remedies};
use leeward::report::audit::Audit;
use leeward::report::check;
use leeward::report::fix;
use leeward::report::placed::{Files, Places};
use leeward::report::rule;
use leeward::report::visible::visible;
use leeward::source::compose::{self, Folders, Project};
use leeward::source::lines::Written;
use leeward::source::snapshot;
use tracing::warn;

use super::audit::{FailOn, Format};
use super::fix::{known_by, of_projects, own_networks};
use super::judged::OfFiles;
use super::{Ended, Exit, Failure};

/// Standard input, as a file's name.
pub(super) const STDIN: &str = "-";

/// What Compose reads where no file is named: the first of each row that is there.
pub(super) const USUAL: [[&str; 4]; 2] = [
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"],
    ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"],
];

/// Check Compose projects before they are deployed: docker compose config --format json | leeward check -
///
/// Shows what would be routed, what would be refused and why, and what the rules find, each at its line of the Compose
/// file, without an engine. What only an engine knows (labels and ports of images, the host) is not checked. An external
/// network that is not given is said to be not verifiable.
///
/// Exit status: 0 nothing to object to; 1 a container would be refused, Traefik would leave a router out, or a finding is at
/// least as bad as --fail-on; 2 a setting is invalid; 3 a file cannot be read or checked.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Output of `docker compose config`, JSON or YAML, one project a file; - is standard input
    #[arg(value_name = "FILE", default_value = STDIN)]
    files: Vec<PathBuf>,

    /// Compose file as you wrote it, for the lines of findings (repeatable) [default: that beside FILE]
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    source: Vec<PathBuf>,

    /// Snapshot of the engine, from `leeward snapshot`: its networks and containers are added
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,

    /// Project name for files without one (docker-compose 1.29) [default: name of the folder]
    #[arg(long, value_name = "NAME")]
    project_name: Option<String>,

    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,

    /// Lowest severity that makes the exit status 1
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    fail_on: FailOn,

    /// Explain a rule or a code, `NET-001` or `no-port`, and check nothing
    #[arg(long, value_name = "RULE", conflicts_with_all = ["files", "source", "snapshot"])]
    explain: Option<String>,

    #[command(flatten)]
    policy: OfFiles,
}

/// One project as it was read.
pub(super) struct Read {
    pub(super) project: Project,
    written: Vec<Written>,
    /// Its folder, and the files that Compose reads there; none where no Compose file is.
    pub(super) files: remedy::Files,
}

impl Check {
    /// Reads the files, compiles, and prints what concerns them.
    pub(crate) fn run(self) -> Ended {
        let Self { files, source, snapshot, project_name, format, fail_on, explain, policy } = self;
        if let Some(name) = explain {
            let text = rule::explain(&name).map_err(|words| Failure::Settings(format!("--explain: {words}")))?;
            return super::print(&text).map(|()| Exit::Good);
        }
        let paths: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let beside = snapshot.as_ref().map(|path| path.display().to_string());
        let more = beside.iter().map(|path| ("snapshot", path.as_str()));
        let more = more.chain(project_name.iter().map(|name| ("project-name", name.as_str())));
        let asked = policy.asked(paths.iter().map(String::as_str), more);
        let settings = policy.settings()?;
        let mut read = with_sources(read_all(&files, project_name.as_deref())?, &source)?;
        let there = snapshot.as_deref().map(snapshot::read).transpose()?.unwrap_or_default();
        for Read { project, files, .. } in &mut read {
            known_by(&there, &settings, project, files);
        }
        let projects: Vec<Project> = read.iter().map(|it| it.project.clone()).collect();
        let mut inventory = compose::deploy(&projects, there);
        remedy::assume_traefik(&mut inventory, &settings, &own_networks(&projects));
        let mut plan = plan::compile(&inventory, &settings);
        keep(&mut plan, &projects, &inventory);
        let assumed: Vec<String> = projects
            .iter()
            .flat_map(|project| project.assumed.iter().map(move |it| format!("{}/{it}", project.name)))
            .collect();
        let files: Vec<Files<'_>> =
            read.iter().map(|Read { project, written, .. }| Files { project, written: written.clone() }).collect();
        let places = Places { files: &files, inventory: &inventory };
        let refused = plan.decided().any(|decision| decision.outcome == Outcome::Refused);
        let remedies = if refused {
            let places: Vec<remedy::Files> = read.iter().map(|it| it.files.clone()).collect();
            of_projects(&projects, &places, inventory.clone(), &settings, (&[], false), &asked)?
        } else {
            Remedies::default()
        };
        let checked = check::Check::of(&plan, places, &assumed, &remedies, &asked);
        super::print(&match format {
            Format::Table => checked.text(),
            Format::Json => checked.json(places),
            Format::Sarif => checked.sarif(),
        })?;
        let found = fail_on.severity().is_some_and(|severity| Audit::of(&plan).reaches(severity));
        Ok(if refused || found || checked.leaves_out() { Exit::No } else { Exit::Good })
    }
}

/// Several projects, each from one file.
pub(super) fn read_all(files: &[PathBuf], name: Option<&str>) -> Result<Vec<Read>, Failure> {
    let all = files.iter().map(|file| read(file, name)).collect::<Result<Vec<Read>, Failure>>()?;
    let mut seen = BTreeMap::new();
    for (it, file) in all.iter().zip(files) {
        if let Some(before) = seen.insert(&it.project.name, file) {
            return Err(Failure::Settings(format!(
                "`{}` and `{}` are files of one project, `{}`; Compose merges them: docker compose -f {0} -f {1} config \
                 --format json, and name its output instead",
                before.display(),
                file.display(),
                it.project.name
            )));
        }
    }
    Ok(all)
}

/// A project, and the file itself or, where it is what Compose wrote, the usual files beside it.
pub(super) fn read(file: &Path, name: Option<&str>) -> Result<Read, Failure> {
    let is_file = file.as_os_str() != STDIN;
    let text = if is_file {
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    } else {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
        text
    };
    let beside = if is_file { file.with_file_name(".") } else { PathBuf::from(".") };
    let folder = beside.canonicalize().unwrap_or_default();
    let name = name.map_or_else(|| name_of(&folder), ToOwned::to_owned);
    let place = if is_file { file.display().to_string() } else { "standard input".into() };
    let home = std::env::home_dir().unwrap_or_default();
    let folders = Folders { file: &folder.to_string_lossy(), home: &home.to_string_lossy() };
    let project = compose::read_in(&text, &name, folders).map_err(|words| anyhow!("{place} {words}"))?;
    let is_as_written = is_file && !text.trim_start().starts_with('{');
    let usual: Vec<PathBuf> = USUAL
        .iter()
        .filter_map(|row| row.iter().map(|name| file.with_file_name(name)).find(|it| it.is_file()))
        .collect();
    let mut written: Vec<Written> = if is_as_written {
        Written::read(place, text).into_iter().collect()
    } else {
        let readable = usual.iter().filter_map(|path| Some((fs::read_to_string(path).ok()?, path)));
        readable.filter_map(|(text, path)| Written::read(path.display().to_string(), text)).collect()
    };
    // A file of another name than those that Compose looks for is the only one.
    let alone = is_as_written && !usual.iter().any(|it| it.file_name() == file.file_name());
    let mut files = files_in(&folder, if alone { &[] } else { &usual }, if alone { Some(file) } else { None });
    // What Compose merged says no file. Of another project than that of the folder, nothing there is one of its.
    if !is_as_written {
        let named = written.iter().rev().find_map(|it| it.text_of(&["name"])).map(ToOwned::to_owned);
        if in_env(&folder, "COMPOSE_PROJECT_NAME").or(named).unwrap_or(name) == project.name {
            files.is_guess = files.config_files.is_some();
        } else {
            files = remedy::Files::default();
            written.clear();
        }
    }
    if let Some(names) = files.config_files.as_mut().filter(|_| is_as_written) {
        let others = names.split(',').filter(|name| file.file_name().is_some_and(|own| own.to_str() != Some(name)));
        let others: Vec<&str> = others.collect();
        if !others.is_empty() {
            warn!(
                "only {} is read, and Compose reads {} there too: name the output of `docker compose config --format json`",
                visible(&file.display().to_string()),
                visible(&others.join(", "))
            );
        }
        // A file that `fix` wrote before was not read, so it is written anew and not added to.
        let kept = names.split(',').filter(|name| fix::file_number(name).is_none());
        *names = kept.collect::<Vec<_>>().join(",");
    }
    Ok(Read { project, written, files })
}

/// The files that Compose reads in a folder: what the `.env` there says, else `named`, else the `usual` ones.
fn files_in(folder: &Path, usual: &[PathBuf], named: Option<&Path>) -> remedy::Files {
    let said = in_env(folder, "COMPOSE_FILE").map(|files| files.replace(':', ","));
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let beside: Vec<String> = named.into_iter().chain(usual.iter().map(PathBuf::as_path)).filter_map(name).collect();
    let config_files = said.or_else(|| (!beside.is_empty()).then(|| beside.join(",")));
    let working_dir = config_files.as_ref().map(|_| folder.display().to_string());
    remedy::Files { working_dir, config_files, is_guess: false }
}

/// What the `.env` of a folder says of a variable.
fn in_env(folder: &Path, variable: &str) -> Option<String> {
    let env = fs::read_to_string(folder.join(".env")).ok()?;
    let value = |line: &str| line.trim().strip_prefix(variable)?.strip_prefix('=').map(ToOwned::to_owned);
    let said = env.lines().filter_map(value).next_back()?;
    Some(said.trim_matches(['"', '\'']).to_owned())
}

/// What Compose calls the project of a folder: its name, lower case, of letters, digits, `-` and `_`.
pub(super) fn name_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let kept: String = name.chars().filter(|it| it.is_ascii_alphanumeric() || "-_".contains(*it)).collect();
    kept.trim_start_matches(['-', '_']).to_owned()
}

/// Gives each project the files that `--source` names: those of its name or folder, or all where there is one project.
fn with_sources(mut read: Vec<Read>, sources: &[PathBuf]) -> Result<Vec<Read>, Failure> {
    if sources.is_empty() {
        return Ok(read);
    }
    for it in &mut read {
        it.written.clear();
    }
    let is_one = read.len() == 1;
    for path in sources {
        let place = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("--source: cannot read {place}"))?;
        let written = Written::read(place.to_string(), text);
        let written = written.ok_or_else(|| anyhow!("--source: {place} cannot be read as YAML"))?;
        let folder = path.with_file_name(".").canonicalize().unwrap_or_default();
        let name = written.text_of(&["name"]).map_or_else(|| name_of(&folder), ToOwned::to_owned);
        let Some(it) = read.iter_mut().find(|it| is_one || it.project.name == name) else {
            return Err(anyhow!(
                "--source: {place} is of project `{name}`, and none of the files is; write `name:` in it, or check one project at a time"
            )
            .into());
        };
        it.written.push(written);
    }
    Ok(read)
}

/// Leaves what concerns the projects: their containers, the networks they make and join, hosts that they claim. Addresses that were made up give way to
/// names.
fn keep(plan: &mut Plan, projects: &[Project], inventory: &Inventory) {
    let ids = compose::ids(projects);
    let on = |project: &Project, name: &str| {
        project.external.contains_key(name) || project.inventory.networks.values().any(|own| own.name == name)
    };
    // Whose project is here is told from all decisions.
    plan.find_left_out();
    plan.decisions.retain(|id, _| ids.contains(id));
    plan.findings.retain(|finding| match &finding.subject {
        // There is no engine here to be judged.
        Subject::Engine => false,
        Subject::Host { containers, .. } => containers.iter().any(|id| ids.contains(id)),
        Subject::Network { name } => projects.iter().any(|project| on(project, name)),
        Subject::Container { id, .. } => ids.contains(id),
    });
    // One may lead nowhere, and be declared here all the same.
    let names: BTreeSet<&str> = plan.decisions.values().map(|decision| decision.name.as_str()).collect();
    plan.routes.retain(|route| {
        let declared = route.origins.iter().any(|origin| names.contains(origin.container.as_str()));
        declared || route.backends.iter().any(|backend| ids.contains(&backend.id))
    });
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
