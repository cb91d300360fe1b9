//! What to run, in the order that works: Traefik's networks first, then the applications.

use super::overrides::{self, file_number, next_file};
use std::collections::BTreeMap;

use super::owners;
use crate::policy::leeward_labels::HOSTS;
use crate::policy::names::Owner;
use crate::remedy::{Binding, Change, Edit, Files, NewNetwork, Remedies, ServiceNetwork, What, is_writable};
use crate::report::quoting::quoted;

/// What to do in the files of one owner, and then to run.
#[derive(Clone, Debug)]
pub(super) struct Step<'r> {
    pub(super) owner: &'r Owner,
    /// Where its project is, and the line for the `.env` there, unless another project is in that folder. `None`: it is no
    /// project.
    pub(super) place: Option<(String, Option<String>)>,
    /// One a line; a line that begins with `#` says what the next ones are for.
    pub(super) commands: Vec<String>,
}

/// The steps, in the order that works.
pub(super) fn steps(remedies: &Remedies) -> Vec<Step<'_>> {
    let step = |owner| {
        let mut commands = Vec::new();
        let place = if super::assumed(remedies).is_some_and(|it| it == Owner::to_string(owner)) {
            // Neither its folder nor its service is known.
            commands.push("# first Traefik: see above; without its networks the next `up` fails".to_owned());
            None
        } else if owner.group().is_some() {
            project(remedies, owner, &mut commands);
            let shares = overrides::shares_folder(remedies, &owner.to_string());
            Some((folder(remedies, owner), (!shares).then(|| env_line(remedies, owner))))
        } else {
            alone(remedies, owner, &mut commands);
            None
        };
        Step { owner, place, commands }
    };
    owners(remedies).into_iter().map(step).collect()
}

/// The commands of all steps, one a line; a line that begins with `#` says what the next ones are for.
pub fn commands(remedies: &Remedies) -> Vec<String> {
    let lines = steps(remedies).into_iter().flat_map(|Step { owner, place, commands }| {
        let file = next_file(remedies, &owner.to_string());
        let first = place.map(|(folder, line)| {
            let line = line.map(|line| format!(", and this line into the .env there: {line}")).unwrap_or_default();
            format!("# {owner}: put {file} into {folder}{line}")
        });
        first.into_iter().chain(commands)
    });
    lines.collect()
}

/// The line for `.env`, without which a plain `docker compose up` does not read the override. Where the project's own files
/// are not known, `<files of shop>` stands for them.
pub fn env_line(remedies: &Remedies, owner: &Owner) -> String {
    let owner = owner.to_string();
    let files = remedies.files.get(&owner).cloned().unwrap_or_default();
    format!("COMPOSE_FILE={}:{}", base_or_unknown(&files, &owner), next_file(remedies, &owner))
}

/// What the line for `.env` rests on, where the files are not told by what was read.
pub(super) fn unsure(remedies: &Remedies, owner: &Owner) -> Option<String> {
    let owner = owner.to_string();
    let files = remedies.files.get(&owner).cloned().unwrap_or_default();
    match base_files(&files, true) {
        None => Some(format!(
            "which files {owner} is made of is not known here: write them in place of <files of {owner}>, with colons between; if \
             {} is one of them, save this one under the next number and name both",
            next_file(remedies, &owner)
        )),
        Some(found) if files.is_guess => Some(format!(
            "Compose's output does not say which files it was made of: {found} is what Compose reads in that folder; if you \
             merged others, name these, with colons between"
        )),
        Some(_) => None,
    }
}

fn base_or_unknown(files: &Files, owner: &str) -> String {
    base_files(files, true).unwrap_or_else(|| {
        let listed = files.config_files.iter().flat_map(|it| it.split(','));
        let ours = listed.filter_map(|path| path.rsplit('/').next()).filter(|name| file_number(name).is_some());
        std::iter::once(format!("<files of {owner}>")).chain(ours.map(ToOwned::to_owned)).collect::<Vec<_>>().join(":")
    })
}

/// The command that starts a project with the first override of ours, and the line for its `.env`. `folder` and `files` are
/// what Compose wrote on a container: anybody may write the same, so they choose no more than names.
pub(crate) fn with_override(project: &str, folder: Option<&str>, files: &str) -> (String, String) {
    let files =
        Files { working_dir: folder.map(ToOwned::to_owned), config_files: Some(files.to_owned()), is_guess: false };
    let base = base_files(&files, false).unwrap_or_else(|| format!("<files of {project}>"));
    let list = format!("{base}:{}", overrides::file_name(1, None));
    let folder = quoted(&folder_in(&files, project));
    (format!("cd {folder} && COMPOSE_FILE={} docker compose up -d", quoted(&list)), format!("COMPOSE_FILE={list}"))
}

/// The project's files below its folder, between colons; ours among them where they are wanted. `None`: not known.
fn base_files(files: &Files, ours: bool) -> Option<String> {
    let folder = files.working_dir.as_deref().unwrap_or_default();
    let listed = files.config_files.as_deref().unwrap_or_default().split(',').filter(|file| !file.is_empty());
    let mut names: Vec<String> = Vec::new();
    for file in listed {
        let name = file.strip_prefix(folder).map_or(file, |rest| rest.trim_start_matches('/'));
        // A container's label chooses nothing that a shell or Compose would read in another way.
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
        if (ours || file_number(name).is_none())
            && name.len() < 200
            && name.chars().all(plain)
            && !name.starts_with(['-', '/'])
            && !name.split('/').any(|part| part == "..")
        {
            names.push(name.to_owned());
        }
    }
    let has_base = names.iter().any(|name| file_number(name).is_none());
    has_base.then(|| names.join(":"))
}

/// Compose with the files of a project, with the one that is to be saved or without it.
fn compose_with(remedies: &Remedies, owner: &Owner, ours: bool) -> String {
    let name = owner.to_string();
    let files = remedies.files.get(&name).cloned().unwrap_or_default();
    let base = base_or_unknown(&files, &name);
    if overrides::shares_folder(remedies, &name) {
        let next = ours.then(|| next_file(remedies, &name));
        let all = base.split(':').chain(next.as_deref());
        let flags = all.fold(String::new(), |flags, file| flags + " -f " + &quoted(file));
        return format!("docker compose -p {}{flags}", quoted(&name));
    }
    let compose = match files.working_dir.as_deref() {
        Some(folder) if name_by_folder(folder) != name => format!("docker compose -p {}", quoted(&name)),
        _ => "docker compose".to_owned(),
    };
    if ours { compose } else { format!("COMPOSE_FILE={} {compose}", quoted(&base)) }
}

/// The name that Compose gives a project that has none, by its folder. Source: compose-go `loader.NormalizeProjectName`;
/// docker-compose 1.29 leaves the dashes and underscores out at the start as well.
fn name_by_folder(folder: &str) -> String {
    let last = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let kept = last.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter));
    kept.skip_while(|letter| "-_".contains(*letter)).collect()
}

fn folder(remedies: &Remedies, owner: &Owner) -> String {
    let files = remedies.files.get(&owner.to_string()).cloned().unwrap_or_default();
    folder_in(&files, &owner.to_string())
}

fn folder_in(files: &Files, owner: &str) -> String {
    let folder = files.working_dir.as_deref().filter(|it| {
        // A line stays a line.
        it.starts_with('/') && it.len() < 1_000 && !it.chars().any(char::is_control)
    });
    folder.map_or_else(|| format!("<folder of {owner}>"), ToOwned::to_owned)
}

fn project(remedies: &Remedies, owner: &Owner, lines: &mut Vec<String>) {
    let edits = overrides::edits_of(remedies, owner);
    let is_front = remedies.traefik.iter().any(|edit| edit.owner == *owner);
    let folder = folder(remedies, owner);
    // Each line by itself: where there is no such folder, nothing is done to whatever project is here.
    let cd = format!("cd {} && ", quoted(&folder));
    let compose = compose_with(remedies, owner, true);
    for edit in &edits {
        if let What::Bind(binding) = &edit.what {
            remove(binding, lines);
        }
    }
    if is_front {
        if super::summary::declares(edits.iter().copied()) {
            // A container gets its labels when it is made, and without this one Leeward does not know Traefik.
            let makes = edits.iter().any(|edit| matches!(edit.what, What::Network(_)));
            let makes = if makes { "makes the new networks, and Traefik anew" } else { "makes Traefik anew" };
            lines.push(format!("# {makes} with its label: every site is away for some seconds"));
            lines.push(format!("{cd}{compose} up -d"));
            put_back(&edits, &remedies.traefiks, lines);
            return;
        }
        lines.push("# makes the new networks, and leaves the Traefik that runs alone".to_owned());
        lines.push(format!("{cd}{compose} up -d --no-recreate"));
        for edit in &edits {
            let What::Service { name, change: Change::Attach(entry) } = &edit.what else { continue };
            let network = &entry.network;
            if let Some(egress) = remedies.egresses.get(&(owner.to_string(), name.clone())) {
                let is_new = edits.iter().any(|it| matches!(&it.what, What::Network(new) if new.name == *network));
                if !is_new {
                    // The engine gives no more names to one that is there.
                    lines.push(format!("docker network disconnect {} {}", quoted(network), quoted(egress)));
                }
                lines.push(connect(&entry.network, egress, entry));
                continue;
            }
            let container = remedies.traefiks.first().filter(|_| remedies.traefiks.len() == 1);
            let container = container.unwrap_or(name);
            lines.push(format!("docker network connect {} {}", quoted(network), quoted(container)));
        }
        put_back(&edits, &[], lines);
        lines.push(
            "# at the next `docker compose up -d` here Traefik is recreated: every site is away for some seconds"
                .to_owned(),
        );
        return;
    }
    let keeps_subnet = edits.iter().any(|edit| matches!(&edit.what, What::Network(it) if !it.subnets.is_empty()));
    if keeps_subnet {
        lines.push("# a network with fixed addresses: the old one has to go first".to_owned());
        lines.push(format!("{cd}{} down", compose_with(remedies, owner, false)));
    }
    lines.push(format!("{cd}{compose} up -d"));
    put_back(&edits, &[], lines);
    // Compose removes no network that its files do not name any more, and the engine has about thirty for all.
    let old = edits.iter().filter_map(|edit| match &edit.what {
        What::Network(NewNetwork { replaces: Some(old), .. }) if !keeps_subnet && is_writable(old) => Some(old),
        _ => None,
    });
    let old: Vec<String> = old.map(|old| quoted(old)).collect();
    if !old.is_empty() {
        lines.push("# removes the old network; it is empty now".to_owned());
        lines.push(format!("docker network rm {}", old.join(" ")));
    }
}

/// Takes a network away that gets a label: only one that is recreated gets it.
fn remove(binding: &Binding, lines: &mut Vec<String>) {
    let Binding { network, key, hosts, is_there, driver, options, labels, subnets, members } = binding;
    if !is_there {
        return;
    }
    lines.push(format!("# {network} is recreated with its label: whoever is on it is away for some seconds"));
    for (container, _) in members {
        lines.push(format!("docker network disconnect -f {} {}", quoted(network), quoted(container)));
    }
    lines.push(format!("docker network rm {}", quoted(network)));
    if key.is_none() {
        let mut labels = labels.clone();
        labels.insert(HOSTS.to_owned(), hosts.clone());
        let subnets = subnets.iter().fold(String::new(), |flags, it| flags + " --subnet " + &quoted(it));
        let driver = if driver == "bridge" { String::new() } else { format!(" -d {}", quoted(driver)) };
        lines.push(made(network, &format!("{driver}{subnets}"), options, &labels));
    }
}

/// Puts the containers of a network that was recreated on it again; those of `made` are on it already.
fn put_back(edits: &[&Edit], made: &[String], lines: &mut Vec<String>) {
    for edit in edits {
        let What::Bind(Binding { network, members, .. }) = &edit.what else { continue };
        for (container, entry) in members.iter().filter(|(container, _)| !made.contains(container)) {
            lines.push(connect(network, container, entry));
        }
    }
}

fn connect(network: &str, container: &str, ServiceNetwork { aliases, addresses, .. }: &ServiceNetwork) -> String {
    let aliases = aliases.iter().map(|alias| format!(" --alias {}", quoted(alias)));
    let addresses = addresses.iter().map(|it| format!(" --{} {it}", if it.is_ipv4() { "ip" } else { "ip6" }));
    let options: String = aliases.chain(addresses).collect();
    format!("docker network connect{options} {} {}", quoted(network), quoted(container))
}

fn alone(remedies: &Remedies, owner: &Owner, lines: &mut Vec<String>) {
    let before = lines.len();
    // What no container that is there can be given.
    let mut again: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for edit in overrides::edits_of(remedies, owner) {
        match &edit.what {
            What::Network(network) => lines.push(create(network)),
            What::Bind(binding) => {
                remove(binding, lines);
                put_back(&[edit], &[], lines);
            }
            What::Service { name, change } if is_writable(name) => match change {
                Change::Attach(entry) => lines.push(connect(&entry.network, name, entry)),
                Change::Detach(network) => {
                    lines.push(format!("docker network disconnect {} {}", quoted(network), quoted(name)));
                }
                other => again.entry(name).or_default().push(run_again(other)),
            },
            What::Service { .. } => {}
        }
    }
    let (rest, then) = if lines.len() > before { ("the rest", "; then the lines above again") } else { ("this", "") };
    for (name, flags) in again {
        let flags = flags.join(", ");
        lines.push(format!(
            "# {rest} needs a new container: docker rm -f {name}, then the docker run that made it, {flags}{then}"
        ));
    }
}

fn create(NewNetwork { name, options, labels, .. }: &NewNetwork) -> String {
    made(name, "", options, labels)
}

fn made(name: &str, flags: &str, options: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> String {
    let options = options.iter().map(|(key, value)| format!(" -o {}", quoted(&format!("{key}={value}"))));
    let labels = labels.iter().map(|(key, value)| format!(" --label {}", quoted(&format!("{key}={value}"))));
    let more: String = options.chain(labels).collect();
    format!("docker network create --internal{flags}{more} {}", quoted(name))
}

/// What `docker run` is to be given, or not to be given any more.
fn run_again(change: &Change) -> String {
    match change {
        Change::Attach(_) | Change::Detach(_) => String::new(),
        Change::DropNetworkMode => "without --network none or bridge".to_owned(),
        Change::DropPorts { .. } => "without -p and -P".to_owned(),
        Change::Label { key, value } => format!("with --label {}", quoted(&format!("{key}={value}"))),
        Change::DropCapability(name) => format!("with --cap-drop {}", quoted(name)),
        Change::KeepCapability(name) => format!("without --cap-add {}", quoted(name)),
        Change::Sysctl { key, value } => format!("with --sysctl {}", quoted(&format!("{key}={value}"))),
        Change::DropPrivileged => "without --privileged".to_owned(),
        Change::DropPid => "without --pid".to_owned(),
        Change::DropIpc => "without --ipc".to_owned(),
        Change::DropSecurity(entry) => format!("without --security-opt {}", quoted(entry)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::inventory::{Binding, Container, Inventory};
    use crate::remedy::{self, Scope, Wishes};
    use crate::report::fix::{Shown, text};
    use crate::settings::Settings;
    use crate::source::snapshot;

    fn wiki(change: impl Fn(&mut Container)) -> Inventory {
        let mut inventory = snapshot::demo().unwrap();
        let wiki = inventory.containers.values_mut().find(|it| it.name == "wiki-wiki-1").unwrap();
        change(Arc::make_mut(wiki));
        inventory
    }

    fn fixed(inventory: &Inventory) -> String {
        text(&remedy::plan(inventory, &Settings::default(), &Scope::Everything, &Wishes::default()), Shown::Files)
    }

    /// Of `docker run`: no file of Compose is its.
    #[test]
    fn a_container_of_no_project_is_told_what_to_run_and_nothing_of_files() {
        let text = fixed(&wiki(|it| {
            it.labels.retain(|label, _| !label.starts_with("com.docker."));
            it.name = "wiki".into();
            it.port_bindings
                .insert("3000/tcp".into(), vec![Binding { host_ip: String::new(), host_port: "80".into() }]);
        }));
        for line in [
            "docker network connect net-wiki wiki\n",
            "docker network disconnect wiki_default wiki\n",
            "docker rm -f wiki, then the docker run that made it, without -p and -P, with --cap-drop NET_RAW; then",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(!text.contains("~wiki: services:"), "{text}");
    }

    /// It needs no change itself, and its `.env` would name the other one's file.
    #[test]
    fn a_project_that_does_not_change_is_seen_in_the_folder_too() {
        const FOLDER: &str = "com.docker.compose.project.working_dir";
        let mut inventory = wiki(|it| drop(it.labels.insert(FOLDER.into(), "/srv/stacks".into())));
        assert!(fixed(&inventory).contains("compose.leeward.yaml:\n"), "alone");
        for it in inventory.containers.values_mut().filter(|it| it.name.starts_with("app1-")) {
            Arc::make_mut(it).labels.insert(FOLDER.into(), "/srv/stacks".into());
        }
        let text = fixed(&inventory);
        assert!(text.contains("Save this there as compose.leeward.wiki.yaml:"), "{text}");
        assert!(text.contains("docker compose -p wiki -f "), "{text}");
    }
}
