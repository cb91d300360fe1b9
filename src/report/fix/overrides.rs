//! The Compose override file of one project: its edits, whole and valid.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::yaml::Yaml;
use crate::policy::leeward_labels::HOSTS;
use crate::policy::names::Owner;
use crate::remedy::{Binding, Change, Edit, Files, NewNetwork, Remedies, ServiceNetwork, Stays, What};
pub use crate::remedy::{file_name, file_number, file_parts};
use crate::source::compose::OWN_FILE;

/// The first line of every file that `fix` writes; one that does not begin so is never written over.
pub const MARK: &str = "# Written by `leeward fix`, and written over by it.";
/// The name of the next file of a project: the first that it does not run with.
pub fn next_file(remedies: &Remedies, owner: &str) -> String {
    let files = remedies.files.get(owner).and_then(|files| files.config_files.as_deref()).unwrap_or_default();
    let names = files.split(',').filter_map(|path| path.rsplit('/').next());
    // What a label says is bounded: a number that high is nobody's.
    let last = names.filter_map(file_number).filter(|number| *number < 1_000).max();
    file_name(last.map_or(1, |last| last + 1), shares_folder(remedies, owner).then_some(owner))
}

/// Whether another project is in the same folder, whose one `.env` cannot name the files of both.
pub(super) fn shares_folder(remedies: &Remedies, owner: &str) -> bool {
    let folder = remedies.files.get(owner).and_then(|files| files.working_dir.as_deref());
    let is_there = |(other, files): (&String, &Files)| other != owner && files.working_dir.as_deref() == folder;
    folder.is_some() && remedies.files.iter().any(is_there)
}

/// What stands in place of what the project's own files say, and has to be deleted there by hand for docker-compose 1.29:
/// `app: ports`.
pub type ByHand = Vec<String>;

/// The override of one project. `None`: nothing of it changes.
///
/// For Compose 2.24 and later, because of `!reset` and `!override`.
pub fn compose(remedies: &Remedies, owner: &Owner) -> Option<String> {
    // What Compose merges says by this that it is in it.
    let own = next_file(remedies, &owner.to_string());
    yaml(remedies, owner).map(|yaml| format!("{MARK}\n{OWN_FILE}: {own}\n{}", yaml.write()))
}

/// The same as a value.
pub(super) fn yaml(remedies: &Remedies, owner: &Owner) -> Option<Yaml> {
    let edits = with_earlier(remedies, owner);
    let yaml = (!edits.is_empty()).then(|| File::of(remedies, owner, &edits).yaml());
    // A label for a network that no project makes is in no file.
    yaml.filter(|it| !matches!(it, Yaml::Map(entries) if entries.is_empty()))
}

/// What docker-compose 1.29 needs deleted in the project's own files.
pub fn by_hand(remedies: &Remedies, owner: &Owner) -> ByHand {
    let edits = edits_of(remedies, owner);
    let mut lines: BTreeSet<String> = BTreeSet::new();
    for edit in &edits {
        match &edit.what {
            What::Service { name, change } => {
                let what = match change {
                    // No line of the file says these: the network mode does.
                    Change::Detach(network) if network == "bridge" || network == "none" => continue,
                    Change::Detach(network) => {
                        let at = (owner.to_string(), network.clone());
                        format!("networks: {}", remedies.keys.get(&at).unwrap_or(network))
                    }
                    Change::DropNetworkMode => "network_mode".to_owned(),
                    Change::DropPorts { .. } => "ports".to_owned(),
                    Change::KeepCapability(name) => format!("cap_add: {name}"),
                    Change::DropPid => "pid".to_owned(),
                    Change::DropIpc => "ipc".to_owned(),
                    Change::DropSecurity(entry) => format!("security_opt: {entry}"),
                    _ => continue,
                };
                lines.insert(format!("services: {name}: {what}"));
            }
            What::Network(network) if network.anew => {
                lines.insert(format!("networks: {}", network.key));
            }
            What::Network(_) | What::Bind(_) => {}
        }
    }
    lines.into_iter().collect()
}

/// All edits of one owner's files, Traefik's part included.
pub(super) fn edits_of<'r>(remedies: &'r Remedies, owner: &Owner) -> Vec<&'r Edit> {
    let all = remedies.owners.iter().flat_map(|remedy| &remedy.edits).chain(&remedies.traefik);
    all.filter(|edit| edit.owner == *owner).collect()
}

/// The same, with what an earlier file may have said.
fn with_earlier<'r>(remedies: &'r Remedies, owner: &Owner) -> Vec<&'r Edit> {
    let edits = edits_of(remedies, owner);
    let earlier = remedies.again.iter().filter(|edit| edit.owner == *owner && !edits.is_empty());
    edits.iter().copied().chain(earlier).collect()
}

struct File<'r> {
    remedies: &'r Remedies,
    owner: String,
    services: BTreeMap<&'r str, Vec<&'r Change>>,
    networks: Vec<&'r NewNetwork>,
    bound: Vec<&'r Binding>,
}

impl<'r> File<'r> {
    fn of(remedies: &'r Remedies, owner: &Owner, edits: &[&'r Edit]) -> Self {
        let mut file = Self {
            remedies,
            owner: owner.to_string(),
            services: BTreeMap::new(),
            networks: Vec::new(),
            bound: Vec::new(),
        };
        for edit in edits {
            match &edit.what {
                What::Network(network) => file.networks.push(network),
                What::Bind(binding) => file.bound.push(binding),
                What::Service { name, change } => file.services.entry(name).or_default().push(change),
            }
        }
        file
    }

    /// The key of a network in this file, and whether another file makes it.
    fn key(&self, network: &str) -> (String, bool) {
        if let Some(own) = self.networks.iter().find(|it| it.name == network) {
            return (own.key.clone(), false);
        }
        let own = (self.owner.clone(), network.to_owned());
        if let Some(key) = self.remedies.keys.get(&own) {
            return (key.clone(), self.remedies.external.contains(&own));
        }
        let mut used = self.remedies.keys.iter().filter(|((owner, _), _)| *owner == self.owner).map(|(_, key)| key);
        let taken = used.any(|key| key == network) || self.networks.iter().any(|it| it.key == network);
        (if taken { format!("{network}-external") } else { network.to_owned() }, true)
    }

    fn yaml(&self) -> Yaml {
        let mut external: BTreeMap<String, String> = BTreeMap::new();
        let mut services = Vec::new();
        for (service, changes) in &self.services {
            services.push(((*service).to_owned(), self.service(service, changes, &mut external)));
        }
        let hosts = |name: &str| self.bound.iter().find(|it| it.network == name).map(|it| &it.hosts);
        let own = self.networks.iter().map(|network| (network.key.clone(), declared(network, hosts(&network.name))));
        // Of those that the project's own file declares.
        let is_declared = |name: &str| self.networks.iter().any(|it| it.name == name);
        let bound = self.bound.iter().filter(|it| !is_declared(&it.network)).filter_map(|it| {
            let label = Yaml::Map(vec![(HOSTS.to_owned(), Yaml::text(&it.hosts))]);
            Some((it.key.clone()?, Yaml::Map(vec![("labels".to_owned(), label)])))
        });
        let others = external.into_iter().map(|(key, name)| {
            (key, Yaml::Map(vec![("name".to_owned(), Yaml::text(name)), ("external".to_owned(), Yaml::Flag(true))]))
        });
        let networks: Vec<(String, Yaml)> = own.chain(bound).chain(others).collect();
        let parts = [("services", services), ("networks", networks)];
        let parts = parts.into_iter().filter(|(_, entries)| !entries.is_empty());
        Yaml::Map(parts.map(|(key, entries)| (key.to_owned(), Yaml::Map(entries))).collect())
    }

    fn service(&self, service: &str, changes: &[&Change], external: &mut BTreeMap<String, String>) -> Yaml {
        let at = (self.owner.clone(), service.to_owned());
        let stays = self.remedies.stays.get(&at).cloned().unwrap_or_default();
        let mut entries: Vec<(String, Yaml)> = Vec::new();
        let mut put = |key: &str, value: Yaml| entries.push((key.to_owned(), value));
        let has = |wanted: fn(&Change) -> bool| changes.iter().any(|change| wanted(change));
        if has(|it| matches!(it, Change::DropNetworkMode)) {
            put("network_mode", Yaml::Reset);
        }
        if has(|it| matches!(it, Change::Attach(_) | Change::Detach(_) | Change::DropNetworkMode)) {
            let places = self.remedies.places.get(&at);
            let all: Vec<&ServiceNetwork> = places.into_iter().flat_map(|it| it.values()).collect();
            let leaves = has(|it| matches!(it, Change::Detach(_) | Change::DropNetworkMode));
            let mut entries: Vec<(String, Yaml)> = Vec::new();
            for entry in all {
                let (key, is_external) = self.key(&entry.network);
                let joins = changes.iter().any(|it| matches!(it, Change::Attach(new) if new.network == entry.network));
                // With `networks:` of its own a service is not on the default network any more.
                if leaves || joins || key == "default" {
                    if is_external {
                        external.insert(key.clone(), entry.network.clone());
                    }
                    entries.push((key, if leaves || joins { place(entry) } else { Yaml::Map(Vec::new()) }));
                }
            }
            let entries = Yaml::Map(entries);
            put("networks", if leaves { Yaml::Override(Box::new(entries)) } else { entries });
        }
        for change in changes {
            if let Change::DropPorts { expose } = change {
                put("ports", Yaml::Reset);
                if !expose.is_empty() {
                    let ports: Vec<String> =
                        expose.iter().map(|port| port.strip_suffix("/tcp").unwrap_or(port).to_owned()).collect();
                    put("expose", Yaml::texts(&ports));
                }
            }
        }
        let map = |wanted: &dyn Fn(&Change) -> Option<(String, String)>| -> Vec<(String, Yaml)> {
            changes.iter().filter_map(|change| wanted(change)).map(|(key, value)| (key, Yaml::text(value))).collect()
        };
        let labels = map(&|it| match it {
            Change::Label { key, value } => Some((key.clone(), value.clone())),
            _ => None,
        });
        let sysctls = map(&|it| match it {
            Change::Sysctl { key, value } => Some((key.clone(), value.clone())),
            _ => None,
        });
        for (key, entries) in [("labels", labels), ("sysctls", sysctls)] {
            if !entries.is_empty() {
                put(key, Yaml::Map(entries));
            }
        }
        let dropped: BTreeSet<String> = changes
            .iter()
            .filter_map(|it| match it {
                Change::DropCapability(name) => Some(name.clone()),
                _ => None,
            })
            .collect();
        if !dropped.is_empty() {
            put("cap_drop", Yaml::texts(&dropped));
        }
        let Stays { cap_add, security_opt } = &stays;
        if has(|it| matches!(it, Change::KeepCapability(_))) {
            put("cap_add", rest(cap_add));
        }
        if has(|it| matches!(it, Change::DropSecurity(_))) {
            put("security_opt", rest(security_opt));
        }
        if has(|it| matches!(it, Change::DropPrivileged)) {
            put("privileged", Yaml::Flag(false));
        }
        if has(|it| matches!(it, Change::DropPid)) {
            put("pid", Yaml::Reset);
        }
        if has(|it| matches!(it, Change::DropIpc)) {
            put("ipc", Yaml::Reset);
        }
        Yaml::Map(entries)
    }
}

/// What stays of a list.
fn rest<'a>(entries: impl IntoIterator<Item = &'a String>) -> Yaml {
    match Yaml::texts(entries) {
        Yaml::List(items) if items.is_empty() => Yaml::Reset,
        list => Yaml::Override(Box::new(list)),
    }
}

fn place(entry: &ServiceNetwork) -> Yaml {
    let mut entries = Vec::new();
    if !entry.aliases.is_empty() {
        entries.push(("aliases".to_owned(), Yaml::texts(&entry.aliases)));
    }
    for address in &entry.addresses {
        let key = if address.is_ipv4() { "ipv4_address" } else { "ipv6_address" };
        entries.push((key.to_owned(), Yaml::text(IpAddr::to_string(address))));
    }
    Yaml::Map(entries)
}

fn declared(network: &NewNetwork, hosts: Option<&String>) -> Yaml {
    let NewNetwork { name, driver, anew, options, labels, other_subnet, subnets, .. } = network;
    let mut labels = labels.clone();
    labels.extend(hosts.map(|hosts| (HOSTS.to_owned(), hosts.clone())));
    let texts = |map: &BTreeMap<String, String>| {
        Yaml::Map(map.iter().map(|(key, value)| (key.clone(), Yaml::text(value))).collect())
    };
    let mut entries = vec![("name".to_owned(), Yaml::text(name))];
    if *anew || driver != "bridge" {
        entries.push(("driver".to_owned(), Yaml::text(driver)));
    }
    entries.push(("internal".to_owned(), Yaml::Flag(true)));
    if !options.is_empty() {
        entries.push(("driver_opts".to_owned(), texts(options)));
    }
    if !labels.is_empty() {
        entries.push(("labels".to_owned(), texts(&labels)));
    }
    if *other_subnet && !*anew {
        entries.push(("ipam".to_owned(), Yaml::Reset));
    }
    if *anew && !subnets.is_empty() {
        // Compose wants a list of maps here; flow style keeps the emitter small.
        entries.push(("ipam".to_owned(), Yaml::Subnets(subnets.clone())));
    }
    let map = Yaml::Map(entries);
    if *anew { Yaml::Override(Box::new(map)) } else { map }
}
