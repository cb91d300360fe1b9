//! `leeward fix`: the changes that take a project from refused to routed and isolated.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use hyper::StatusCode;
use leeward::inventory::{Inventory, Network, NetworkId};
use leeward::policy::names::Owner;
use leeward::remedy::{self, Remedies, Said, Scope, Wishes};
use leeward::report::asked::Asked;
use leeward::report::fix::{self, Standing};
use leeward::report::visible;
use leeward::settings::Settings;
use leeward::source::compose::{self, Project};
use leeward::source::snapshot;
use serde::Deserialize;

use super::check::{Read, STDIN, read_all};
use super::folders::{self, Override};
use super::judged::{Asking, Judged, Place};
use super::{Ended, Exit, Failure};

/// Print what to change so that a project is routed and isolated: leeward fix nextcloud
///
/// The changes are tried on a model first: they are judged like everything else. What is printed is a summary (what changes,
/// what stops working, what to answer), a Compose override file for each project and for Traefik's, and the commands to run.
/// Nothing is changed by it. Names are projects, containers or `project/service`; arguments that are files, or -, are the
/// output of `docker compose config --format json`.
///
/// Exit status: 0 nothing to fix, or everything is mended by the changes; 1 something is not mended by them; 2 a setting is
/// invalid; 3 there is no answer, or a file cannot be read or written; 4 the changes are there, and a question is open: there
/// is something to answer, or Traefik or a network was not given.
#[derive(Args, Debug)]
pub(crate) struct Fix {
    /// Projects, containers, or files as for `check`; none is everything
    #[arg(value_name = "NAME|FILE")]
    what: Vec<String>,

    /// Service or container that keeps its way out and its ports, allowed by label; repeatable
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    keep: Vec<String>,

    /// Bind the hosts that are claimed today to the networks over which they are, by label: nobody else may claim them then
    #[arg(long, env = "LEEWARD_BIND_HOSTS", hide_env = true)]
    bind_hosts: bool,

    /// Snapshot of the engine, from `leeward snapshot`: its networks and containers are added to FILE
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    snapshot: Option<PathBuf>,

    /// Project name for files without one (docker-compose 1.29) [default: name of the folder]
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    project_name: Option<String>,

    /// Write the files beside the Compose files of their projects, which are looked for below DIR; repeatable
    #[arg(long, value_name = "DIR", value_delimiter = ',', conflicts_with = "output")]
    write: Vec<PathBuf>,

    /// Write the files below DIR, each into a folder with the name of its project
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,

    #[command(flatten)]
    judged: Judged,
}

/// How many files of ours one that was read may name.
const MOST_OWN_FILES: usize = 100;

/// How many names an error lists.
const MOST_NAMES: usize = 5;

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A summary, the files, and the commands
    Table,
    /// One project's override file
    Compose,
    /// JSON
    Json,
}

/// What came of it, from here or from a service.
struct Answer {
    /// What is printed.
    text: String,
    /// The override files, by project.
    files: Vec<Override>,
    /// What the changes come to.
    standing: Standing,
}

impl Fix {
    /// Works the changes out, prints them, and writes the files where it is told to.
    pub(crate) fn run(self) -> Ended {
        let Self { what, keep, bind_hosts, snapshot, project_name, write, output, format, judged } = self;
        let writes = output.is_some() || !write.is_empty();
        if writes && format == Format::Compose {
            let words =
                "--format compose prints a file, and --write and --output write all of them: leave one of them out";
            return Err(Failure::Settings(words.to_owned()));
        }
        let (files, names): (Vec<String>, Vec<String>) = what.into_iter().partition(|it| is_file(it));
        if !files.is_empty() && !names.is_empty() {
            return Err(Failure::Settings(format!(
                "`{}` is no file: name either Compose projects as files, or projects and containers by their names",
                names.join("`, `")
            )));
        }
        let mut names = names;
        let answer = if files.is_empty() {
            let from = judged.asked();
            match judged.place()? {
                Place::Server(asking) => asked(&asking, &names, (&keep, bind_hosts), format, writes)?,
                Place::Here(source, settings) => {
                    let inventory = source.read()?;
                    there_is(&inventory, &settings)?;
                    let remedies = plan(&inventory, &settings, &names, (&keep, bind_hosts), &from)?;
                    answer(&beside(remedies, &write)?, format, writes, &from)
                }
            }
        } else {
            let more = snapshot.as_ref().map(|path| path.display().to_string());
            let more = more.iter().map(|path| ("snapshot", path.as_str()));
            let more = more.chain(project_name.iter().map(|name| ("project-name", name.as_str())));
            let from = judged.asked_of(files.iter().map(String::as_str), more);
            let settings = judged.settings()?;
            let files: Vec<PathBuf> = files.into_iter().map(PathBuf::from).collect();
            let there = snapshot.as_deref().map(snapshot::read).transpose()?.unwrap_or_default();
            let (remedies, projects) =
                of_files(&files, project_name.as_deref(), there, &settings, (&keep, bind_hosts), &from)?;
            names = projects;
            answer(&beside(remedies, &write)?, format, writes, &from)
        };
        let Answer { mut text, files, standing } = answer;
        if format == Format::Compose {
            text = match (files.as_slice(), names.as_slice()) {
                ([], _) => {
                    return Err(
                        anyhow!("there is no file to print; `leeward fix` without --format compose says why").into()
                    );
                }
                // Traefik's file is among them.
                (files, [name]) if files.iter().any(|it| it.project == *name) => {
                    files.iter().filter(|it| it.project == *name).map(|it| it.text.as_str()).collect()
                }
                ([file], _) => file.text.clone(),
                (files, _) => {
                    let names: Vec<&str> = files.iter().map(|it| it.project.as_str()).collect();
                    return Err(Failure::Settings(format!(
                        "--format compose prints one file: name one project of {}; or use --output DIR",
                        names.join(", ")
                    )));
                }
            };
        }
        let names_of_files: BTreeSet<String> = files.iter().map(|it| it.name(it.number)).collect();
        let written = match output {
            Some(folder) => folders::output(&folder, &files)?,
            None if writes => folders::beside(&write, &files)?,
            None => Vec::new(),
        };
        super::print(&text)?;
        if format == Format::Table {
            for path in written {
                let named = path.file_name().is_some_and(|name| names_of_files.iter().any(|it| name == it.as_str()));
                let more =
                    if named { "" } else { " (the one before it is still needed: name both in the line for .env)" };
                super::print(&format!("wrote {}{more}\n", visible::visible(&path.display().to_string())))?;
            }
        }
        Ok(match standing {
            Standing::Mended => Exit::Good,
            Standing::Open => Exit::Open,
            Standing::Left => Exit::No,
        })
    }
}

/// With the files of ours that stay in the folders to be written to, so that what is said names the right ones.
fn beside(mut remedies: Remedies, write: &[PathBuf]) -> Result<Remedies, Failure> {
    if !write.is_empty() {
        for (project, name) in folders::names(write, &overrides(&remedies))? {
            if let Some((number, of)) = remedy::file_parts(&name) {
                remedies.files.entry(project).or_default().stay_before(number, of);
            }
        }
    }
    Ok(remedies)
}

fn overrides(remedies: &Remedies) -> Vec<Override> {
    let named = |(project, text): (String, String)| {
        let name = fix::next_file(remedies, &project);
        Override::new(project, &name, text)
    };
    fix::files(remedies).into_iter().map(named).collect()
}

fn answer(remedies: &Remedies, format: Format, writes: bool, from: &Asked) -> Answer {
    let shown = if writes { fix::Shown::Written } else { fix::Shown::Files };
    Answer {
        text: match format {
            Format::Table => fix::text_asked(remedies, shown, from),
            Format::Json => visible::json(&fix::Document::of(remedies)),
            Format::Compose => String::new(),
        },
        files: overrides(remedies),
        standing: fix::standing(remedies),
    }
}

fn plan(
    inventory: &Inventory,
    settings: &Settings,
    names: &[String],
    (keep, bind_hosts): (&[String], bool),
    from: &Asked,
) -> Result<Remedies, Failure> {
    let asked = remedy::wishes(inventory, settings, names, keep);
    let (scope, wishes) = asked.map_err(|it| anyhow!(fix::unknown(&it, from)))?;
    Ok(remedy::plan(inventory, settings, &scope, &Wishes { bind_hosts, ..wishes }))
}

/// What a service says.
fn asked(
    asking: &Asking,
    names: &[String],
    (keep, bind_hosts): (&[String], bool),
    format: Format,
    writes: bool,
) -> Result<Answer, Failure> {
    #[derive(Deserialize)]
    struct Document {
        files: BTreeMap<String, String>,
        file_names: BTreeMap<String, String>,
    }
    let names = names.iter().map(|name| ("name", name.as_str()));
    let mut own: Vec<(&str, &str)> = names.chain(keep.iter().map(|name| ("keep", name.as_str()))).collect();
    own.push(("fail-on", "open"));
    if bind_hosts {
        own.push(("bind-hosts", "true"));
    }
    let good = [StatusCode::OK, StatusCode::CONFLICT, StatusCode::PRECONDITION_REQUIRED];
    let mut files = Vec::new();
    let mut text = String::new();
    let mut status = StatusCode::OK;
    if format != Format::Table || writes {
        let answer = asking.ask("/fix", &own, "application/json", &good)?;
        let document: Document = serde_json::from_str(&answer.body).context("the service's answer cannot be read")?;
        let Document { files: texts, file_names } = document;
        let name = |project: &str| file_names.get(project).map_or("", String::as_str);
        files = texts
            .into_iter()
            .map(|(project, text)| {
                let name = name(&project);
                Override::new(project.clone(), name, text)
            })
            .collect();
        status = answer.status;
        if format == Format::Json {
            text = answer.body;
        }
    }
    if format == Format::Table {
        own.push(("files", if writes { "false" } else { "true" }));
        let answer = asking.ask("/fix", &own, "text/plain", &good)?;
        (text, status) = (answer.body, answer.status);
    }
    let standing = match status {
        StatusCode::CONFLICT => Standing::Left,
        StatusCode::PRECONDITION_REQUIRED => Standing::Open,
        _ => Standing::Mended,
    };
    Ok(Answer { text, files, standing })
}

/// Whether every Traefik that a flag names is there: otherwise another one would be assumed.
fn there_is(inventory: &Inventory, settings: &Settings) -> Result<(), Failure> {
    let is_there = |name: &str| inventory.containers.values().any(|it| it.name == name);
    let Some(absent) = settings.traefiks.iter().find(|name| !is_there(name)) else { return Ok(()) };
    let near =
        inventory.containers.values().filter(|it| it.name.contains(absent.as_str()) || it.image.contains("traefik"));
    let near: Vec<String> = near.map(|it| format!("`{}`", it.name)).take(MOST_NAMES).collect();
    let near = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
    Err(Failure::Settings(format!("--traefik `{absent}`: no container has this name{near}")))
}

/// Whether an argument means a file and not a name.
fn is_file(argument: &str) -> bool {
    argument == STDIN
        || Path::new(argument).is_file()
        || [".json", ".yaml", ".yml"].iter().any(|it| argument.ends_with(it))
}

fn of_files(
    files: &[PathBuf],
    name: Option<&str>,
    there: Inventory,
    settings: &Settings,
    wishes: (&[String], bool),
    from: &Asked,
) -> Result<(Remedies, Vec<String>), Failure> {
    let mut read = read_all(files, name)?;
    for Read { project, files, .. } in &mut read {
        known_by(&there, settings, project, files);
    }
    let (projects, places): (Vec<Project>, Vec<remedy::Files>) =
        read.into_iter().map(|Read { project, files, .. }| (project, files)).unzip();
    let mut inventory = compose::deploy(&projects, there);
    there_is(&inventory, settings)?;
    remedy::assume_traefik(&mut inventory, settings, &own_networks(&projects));
    let names = projects.iter().map(|project| project.name.clone()).collect();
    Ok((of_projects(&projects, &places, inventory, settings, wishes, from)?, names))
}

/// Of a project that runs, the engine knows the files better than the folder in which it is asked.
pub(super) fn known_by(there: &Inventory, settings: &Settings, project: &Project, files: &mut remedy::Files) {
    if files.is_guess || files.config_files.is_none() {
        let known = remedy::files_of(there, settings, &Owner::Group(project.name.clone()));
        if known.config_files.is_some() {
            *files = known;
        }
    }
    // What was read has a file of ours in it: that one stays.
    if let Some((number, project)) = project.own_file.as_deref().and_then(remedy::file_parts) {
        files.stay_before(number.min(MOST_OWN_FILES) + 1, project);
    }
}

/// What to change in projects that were read from files at some places, and deployed into an inventory.
pub(super) fn of_projects(
    projects: &[Project],
    places: &[remedy::Files],
    mut inventory: Inventory,
    settings: &Settings,
    wishes: (&[String], bool),
    from: &Asked,
) -> Result<Remedies, Failure> {
    doubt(&mut inventory, projects, settings);
    let filled = projects.iter().filter(|project| !project.inventory.containers.is_empty());
    let names: Vec<String> = filled.map(|project| project.name.clone()).collect();
    let mut remedies = plan(&inventory, settings, &names, wishes, from)?;
    for (project, files) in projects.iter().zip(places) {
        for remedy in remedies.owners.iter_mut().filter(|it| it.owner.group() == Some(&*project.name)) {
            remedy.files.clone_from(files);
        }
        remedies.files.insert(project.name.clone(), files.clone());
        for (network, key) in &project.external {
            let at = (project.name.clone(), network.clone());
            remedies.external.insert(at.clone());
            remedies.keys.insert(at, key.clone());
        }
        for remedy in remedies.owners.iter_mut().filter(|it| it.owner.group() == Some(&*project.name)) {
            let unknown =
                project.external.keys().filter_map(|name| inventory.network_named(name)).filter(|it| it.assumed);
            let said = |network: &Network| Said::NotGiven { network: network.name.clone(), is_left: !network.internal };
            remedy.said.extend(unknown.map(said));
        }
    }
    Ok(remedies)
}

/// The networks that projects make.
pub(super) fn own_networks(projects: &[Project]) -> BTreeSet<NetworkId> {
    projects.iter().flat_map(|project| project.inventory.networks.keys().cloned()).collect()
}

/// An external network that was not given is taken for internal. Where its project has to change anyway, that is not relied
/// on: it then counts as one with a way out, but for the one that this verb itself proposes for the project.
fn doubt(inventory: &mut Inventory, projects: &[Project], settings: &Settings) {
    for project in projects {
        let scope = Scope::Owners([Owner::Group(project.name.clone())].into());
        if remedy::plan(inventory, settings, &scope, &Wishes::default()).owners.iter().all(|it| it.edits.is_empty()) {
            continue;
        }
        let owner = Owner::Group(project.name.clone());
        let is_proposed = |network: &str| remedy::is_made_for(&owner, network);
        for network in inventory.networks.values_mut().filter(|network| network.assumed) {
            if project.external.contains_key(&network.name) && !is_proposed(&network.name) {
                network.internal = false;
            }
        }
    }
}
