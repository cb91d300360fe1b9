//! `leeward fix`: the changes that take a project from refused to routed and isolated.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use leeward::inventory::{Inventory, Network};
use leeward::policy::names::Owner;
use leeward::remedy::{self, Remedies, Said, Scope, Wishes};
use leeward::report::fix;
use leeward::report::visible;
use leeward::settings::Settings;
use leeward::source::compose::{self, Project};
use leeward::source::snapshot;

use super::check::{STDIN, project};
use super::policy::Policy;
use super::{Ended, Exit, Failure};

/// Print what to change so that a project is routed and isolated: leeward fix nextcloud
///
/// The changes are tried on a model first: they are judged like everything else. What is printed is a summary (what changes,
/// what stops working, what to answer), a Compose override file for each project and for Traefik's, and the commands to run.
/// Nothing is changed by it. Names are projects, containers or `project/service`; arguments that are files, or -, are the
/// output of `docker compose config --format json`.
///
/// Exit status: 0 nothing to fix, or everything is mended by the changes; 1 something cannot be mended by changes of files;
/// 2 a setting is invalid; 3 there is no answer, or a file cannot be read or written.
#[derive(Args, Debug)]
pub(crate) struct Fix {
    /// Projects, containers, or files as for `check`; none is everything
    #[arg(value_name = "NAME|FILE")]
    what: Vec<String>,

    /// Service or container that keeps its way out and its ports, allowed by label; repeatable
    #[arg(long, env = "LEEWARD_KEEP", hide_env = true, value_name = "NAME", value_delimiter = ',')]
    keep: Vec<String>,

    /// Snapshot of the engine, from `leeward snapshot`: its networks and containers are added to FILE
    #[arg(long, env = "LEEWARD_SNAPSHOT", hide_env = true, value_name = "FILE")]
    snapshot: Option<PathBuf>,

    /// Project name for files without one (docker-compose 1.29) [default: name of the folder]
    #[arg(long, env = "LEEWARD_PROJECT_NAME", hide_env = true, hide_short_help = true, value_name = "NAME")]
    project_name: Option<String>,

    /// Output format
    #[arg(long, env = "LEEWARD_FORMAT", hide_env = true, value_name = "FORMAT", default_value = "table")]
    format: Format,

    #[command(flatten)]
    policy: Policy,
}

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

impl Fix {
    /// Works the changes out and prints them.
    pub(crate) fn run(self) -> Ended {
        let Self { what, keep, snapshot, project_name, format, policy } = self;
        let settings = policy.settings()?;
        let (files, names): (Vec<String>, Vec<String>) = what.into_iter().partition(|it| is_file(it));
        if !files.is_empty() && !names.is_empty() {
            return Err(Failure::Settings(format!(
                "`{}` is no file: name either Compose projects as files, or projects and containers by their names",
                names.join("`, `")
            )));
        }
        let files: Vec<PathBuf> = files.into_iter().map(PathBuf::from).collect();
        let there = snapshot.as_deref().map(snapshot::read).transpose()?.unwrap_or_default();
        let remedies = of_files(&files, project_name.as_deref(), there, &settings, &keep)?;
        print(&remedies, format, files.len() == 1)
    }
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
    keep: &[String],
) -> Result<Remedies, Failure> {
    let projects = files.iter().map(|file| project(file, name)).collect::<Result<Vec<Project>, Failure>>()?;
    let mut inventory = compose::deploy(&projects, there);
    doubt(&mut inventory, &projects, settings);
    let owners = projects.iter().map(|project| Owner::Group(project.name.clone())).collect();
    let mut remedies = planned(&inventory, settings, &Scope::Owners(owners), keep)?;
    for project in &projects {
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

/// An external network that was not given is taken for internal. Where its project has to change anyway, that is not relied
/// on: it then counts as one with a way out, but for the one that this verb itself proposes for the project.
fn doubt(inventory: &mut Inventory, projects: &[Project], settings: &Settings) {
    for project in projects {
        let scope = Scope::Owners([Owner::Group(project.name.clone())].into());
        if remedy::plan(inventory, settings, &scope, &Wishes::default()).owners.iter().all(|it| it.edits.is_empty()) {
            continue;
        }
        let own = remedy::proxy_network_of(&Owner::Group(project.name.clone()));
        let is_proposed = |network: &str| {
            let number = network.strip_prefix(&own).map(|rest| rest.trim_start_matches('-'));
            number.is_some_and(|rest| rest.bytes().all(|it| it.is_ascii_digit()))
        };
        for network in inventory.networks.values_mut().filter(|network| network.assumed) {
            if project.external.contains_key(&network.name) && !is_proposed(&network.name) {
                network.internal = false;
            }
        }
    }
}

fn planned(inventory: &Inventory, settings: &Settings, scope: &Scope, keep: &[String]) -> Result<Remedies, Failure> {
    let mut wishes = Wishes::default();
    for name in keep {
        let found = remedy::containers(inventory, settings, scope, name);
        if found.is_empty() {
            return Err(Failure::Settings(format!("--keep {name}: no service or container of this name is here")));
        }
        wishes.keep.extend(found);
    }
    Ok(remedy::plan(inventory, settings, scope, &wishes))
}

fn print(remedies: &Remedies, format: Format, one: bool) -> Ended {
    super::print(&match format {
        Format::Table => fix::text(remedies, fix::Shown::Files),
        Format::Json => visible::json(&fix::Document::of(remedies)),
        Format::Compose => {
            let files: Vec<String> =
                remedies.owners.iter().filter_map(|remedy| fix::compose(remedies, &remedy.owner)).collect();
            let names: BTreeSet<String> = remedies.owners.iter().map(|it| it.owner.to_string()).collect();
            match files.as_slice() {
                [] if one => String::new(),
                [file] => file.clone(),
                _ => {
                    return Err(Failure::Settings(format!(
                        "--format compose prints one file: name one project of {}",
                        names.into_iter().collect::<Vec<_>>().join(", ")
                    )));
                }
            }
        }
    })?;
    Ok(if remedies.owners.iter().all(|remedy| remedy.proven) { Exit::Good } else { Exit::No })
}
