//! Where in the author's Compose files a finding or a refusal has its reason.
//!
//! A rule is about something that is written somewhere: a port in `ports`, a capability in `cap_add`, a network in
//! `networks`. The table here says where; what is not written (a capability that is not dropped) is at the service's name.

use super::fix;
use super::quoting::yaml_word;
use super::sarif::InFile;
use crate::inventory::{Container, ContainerId, Inventory, Network};
use crate::plan::{Missing, Route, Unusable};
use crate::policy::finding::{Finding, Subject};
use crate::policy::leeward_labels::TRAEFIK;
use crate::policy::names::Owner;
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rule_id::RuleId;
use crate::remedy::{self, Change, Edit, Remedies, What};
use crate::source::compose::Project;
use crate::source::lines::{self, Shape, Spot, Written};

/// A project, and the files that it was written in; what a later file says goes before what an earlier one says.
#[derive(Clone, Debug)]
pub struct Files<'a> {
    /// The project.
    pub project: &'a Project,
    /// Its files.
    pub written: Vec<Written>,
}

/// Looks places up.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// Every project.
    pub files: &'a [Files<'a>],
    /// What was judged.
    pub inventory: &'a Inventory,
}

/// A way through a file.
type Path<'p> = Vec<&'p str>;

impl<'a> Places<'a> {
    /// The place of a finding. Of one about a host: the first that claims it.
    pub fn of_finding(&self, finding: &Finding) -> Option<Spot> {
        self.of(Some(finding.rule), finding.label.as_deref(), &finding.subject)
    }

    /// The place of a refusal of a container.
    pub fn of_refusal(&self, container: &ContainerId, refusal: &Refusal) -> Option<Spot> {
        let own = || Subject::Container { id: container.clone(), name: String::new(), service: None };
        let subject = refusal.subject.as_deref().cloned().unwrap_or_else(own);
        let rule = refusal.rule.or_else(|| (refusal.code == Code::AmbiguousNetwork).then_some(RuleId::Net009));
        self.of(rule, refusal.label.as_deref(), &subject).or_else(|| self.of(rule, refusal.label.as_deref(), &own()))
    }

    /// The place of a label of a route that says why Traefik leaves it out.
    pub fn of_left_out(&self, route: &Route, reason: &Unusable) -> Option<Spot> {
        let field = match reason {
            Unusable::Rule(_) | Unusable::WithoutTls => "rule",
            Unusable::Priority(_) => "priority",
            Unusable::Missing { what: Missing::Service(_), .. } => "service",
            Unusable::Missing { .. } | Unusable::Circle(_) => "middlewares",
        };
        let name = route.router.rsplit('.').next().unwrap_or_default();
        let wanted = format!("traefik.{}.routers.{name}.{field}", route.protocol.as_str());
        route.origins.iter().find_map(|origin| {
            let container = self.inventory.containers.values().find(|it| it.name == origin.container)?;
            let label = container.labels.keys().find(|key| key.eq_ignore_ascii_case(&wanted));
            let label = label.unwrap_or(&origin.label);
            let own = Subject::Container { id: container.id.clone(), name: String::new(), service: None };
            self.of(None, Some(label), &own)
        })
    }

    /// The file that something is about, where there is no place in it: the first one of its project.
    pub fn file(&self, subject: &Subject) -> Option<&'a str> {
        let files = match subject {
            Subject::Engine => None,
            Subject::Host { containers, .. } => containers.iter().find_map(|id| Some(self.service(id)?.0)),
            Subject::Network { name } => self.network(name).map(|(files, _)| files),
            Subject::Container { id, .. } => self.service(id).map(|(files, _, _)| files),
        };
        files?.written.first().map(|it| it.file.as_str())
    }

    /// A change of one file that mends a finding, where it is a plain one.
    pub fn change(&self, finding: &Finding) -> Option<(Spot, lines::Change)> {
        let Subject::Container { id, .. } = &finding.subject else { return None };
        let (files, service, container) = self.service(id)?;
        let path = ["services", service];
        // Of several ports, or one that is no TCP, some may be meant for others than browsers.
        let one_port =
            container.port_bindings.len() == 1 && container.port_bindings.keys().all(|it| it.ends_with("/tcp"));
        // Where several files say something of a service, the change of one may not be what counts.
        let mut having = files.written.iter().filter(|it| it.spot(&path).is_some());
        let written = having.next().filter(|_| having.next().is_none())?;
        let change = match finding.rule {
            // What turns it on is taken away by no insertion.
            RuleId::Net012 if remedy::forwarding(container).next().is_none() => {
                written.insert(&path, "sysctls", "net.ipv4.ip_forward: \"0\"", true)
            }
            RuleId::Net013 if container.confinement.privileged => written.remove(&["services", service, "privileged"]),
            RuleId::Net013 => written.insert(&path, "cap_drop", "NET_RAW", false),
            RuleId::Prv018 => written.insert(&path, "security_opt", "\"no-new-privileges:true\"", false),
            RuleId::Pub001 | RuleId::Pub002 | RuleId::Pub003 | RuleId::Pub004 if one_port => {
                written.remove(&["services", service, "ports"])
            }
            _ => None,
        }?;
        let spot = self.of_finding(finding).filter(|spot| spot.file == written.file)?;
        Some((spot, change))
    }

    /// The change that declares a container to be Traefik, where it is a plain one.
    pub fn declare(&self, id: &ContainerId) -> Option<InFile> {
        let (files, service, _) = self.service(id)?;
        let path = ["services", service];
        let mut having = files.written.iter().filter(|it| it.spot(&path).is_some());
        let written = having.next().filter(|_| having.next().is_none())?;
        let change = match written.shape(&[path.as_slice(), &["labels"]].concat()) {
            Shape::List => written.insert(&path, "labels", &yaml_word(&format!("{TRAEFIK}=true")), false),
            _ => written.insert(&path, "labels", &format!("{TRAEFIK}: \"true\""), true),
        }?;
        Some(InFile { file: written.file.clone(), changes: vec![change] })
    }

    /// The change that spells a label as it was meant, where it is a plain one.
    pub fn respell(&self, id: &ContainerId, refusal: &Refusal) -> Option<InFile> {
        let (files, service, container) = self.service(id)?;
        let (key, value) = container.labels.get_key_value(refusal.label.as_deref()?)?;
        let (new_key, new_value) = refusal.respelt(&container.labels)?;
        let path = ["services", service, "labels", key];
        let mut having = files.written.iter().filter(|it| it.spot(&path).is_some());
        let written = having.next().filter(|_| having.next().is_none())?;
        let change = match written.shape(&["services", service, "labels"]) {
            Shape::Map if new_key == *key => written.reword(&path, false, value, &new_value),
            Shape::Map => written.reword(&path, true, key, &new_key),
            _ => written.reword(&path, true, &format!("{key}={value}"), &format!("{new_key}={new_value}")),
        }?;
        Some(InFile { file: written.file.clone(), changes: vec![change] })
    }

    /// The one file in which a project is written: of several, a later one may say what counts.
    fn only(&self, owner: &Owner) -> Option<&'a Written> {
        let files = self.files.iter().find(|files| Some(&*files.project.name) == owner.group())?;
        files.written.first().filter(|_| files.written.len() == 1)
    }

    /// All that some remedies say of an owner, as changes of its own file, where they are plain ones.
    pub fn own_changes(&self, remedies: &Remedies, owner: &Owner) -> Option<InFile> {
        let written = self.only(owner)?;
        Some(InFile { file: written.file.clone(), changes: fix::own_changes(written, remedies, owner)? })
    }

    /// The same of Traefik's file, where it is one of these and not that of `owner`.
    pub fn front_changes(&self, remedies: &Remedies, owner: &Owner) -> Option<InFile> {
        let front = remedies.traefik.iter().map(|edit| &edit.owner).find(|it| *it != owner)?;
        self.own_changes(remedies, front)
    }

    /// What an edit changes: the line that it is about, else the service's name.
    pub fn of_edit(&self, edit: &Edit) -> Option<Spot> {
        let files = self.files.iter().find(|files| Some(&*files.project.name) == edit.owner.group())?;
        let name = match &edit.what {
            What::Network(network) => return first(files, [vec!["networks", &network.key], vec!["networks"]]),
            What::Bind(binding) => {
                let key = binding.key.as_deref().unwrap_or_default();
                return first(files, [vec!["networks", key], vec!["networks"]]);
            }
            What::Service { name, .. } => name.as_str(),
        };
        let What::Service { change, .. } = &edit.what else { return None };
        let rest: Vec<&str> = match change {
            Change::Attach(_) | Change::Detach(_) => vec!["networks"],
            Change::DropNetworkMode => vec!["network_mode"],
            Change::DropPorts { .. } => vec!["ports"],
            Change::Label { key, .. } => vec!["labels", key],
            Change::DropCapability(_) => vec!["cap_drop"],
            Change::KeepCapability(name) => vec!["cap_add", name],
            Change::Sysctl { key, .. } => vec!["sysctls", key],
            Change::DropPrivileged => vec!["privileged"],
            Change::DropPid => vec!["pid"],
            Change::DropIpc => vec!["ipc"],
            Change::DropSecurity(entry) => vec!["security_opt", entry],
        };
        let ways = (0..=rest.len()).rev().map(|count| below(name, rest.get(..count).unwrap_or_default()));
        first(files, ways)
    }

    fn of(&self, rule: Option<RuleId>, label: Option<&str>, subject: &Subject) -> Option<Spot> {
        match subject {
            Subject::Engine => None,
            Subject::Network { name } => {
                let (files, key) = self.network(name)?;
                first(files, [vec!["networks", key]])
            }
            Subject::Host { name, containers } => containers.iter().find_map(|id| {
                let (files, service, container) = self.service(id)?;
                let name = name.trim_start_matches("*.");
                let claims = |(label, value): (&'_ String, &'_ String)| {
                    (label.rsplit('.').next() == Some("rule") && value.contains(name))
                        .then_some(vec!["services", service, "labels"])
                };
                let with_label = container.labels.iter().filter(|it| claims(*it).is_some());
                let labels = with_label.map(|(label, _)| vec!["services", service, "labels", label.as_str()]);
                first(files, labels.chain([vec!["services", service]]))
            }),
            Subject::Container { id, .. } => {
                let (files, service, container) = self.service(id)?;
                let mut paths: Vec<Path<'_>> = Vec::new();
                if let Some(label) = label {
                    // What a label of another kind is called inside: `traefik.http.routers.web` is in several labels.
                    let whole = container.labels.keys().filter(|key| *key == label || is_below(key, label));
                    paths.extend(whole.map(|key| below(service, &["labels", key.as_str()])));
                }
                let is_hooks = |key: &str| {
                    rule == Some(RuleId::Prv001) && key == "privileged" && !container.confinement.privileged
                };
                for key in rule.map_or(&[][..], keys).iter().filter(|key| !is_hooks(key)) {
                    let items = self.items(files.project, container, rule, key);
                    paths.extend(items.into_iter().map(|item| below(service, &[key, item])));
                    paths.push(below(service, &[key]));
                }
                paths.push(below(service, &[]));
                first(files, paths)
            }
        }
    }

    /// The items of a list of a service that a rule is about.
    fn items<'c>(
        &self,
        project: &'c Project,
        container: &'c Container,
        rule: Option<RuleId>,
        key: &str,
    ) -> Vec<&'c str> {
        let confinement = &container.confinement;
        match key {
            "networks" => {
                let open = |name: &str| {
                    let network = self.inventory.network_named(name);
                    // Where the rule is not about one that leads out, any of them is as good.
                    network.is_none_or(|network| !network.internal || rule != Some(RuleId::Net001))
                };
                let names = container.attachments.keys().filter(|name| open(name));
                names.filter_map(|name| called(project, name)).collect()
            }
            "ports" => container.port_bindings.keys().filter_map(|port| port.split('/').next()).collect(),
            "cap_add" if rule == Some(RuleId::Net014) => vec!["NET_ADMIN", "CAP_NET_ADMIN", "ALL"],
            "extra_hosts" => confinement.extra_hosts.iter().filter_map(|it| it.split(':').next()).collect(),
            "volumes" if rule == Some(RuleId::Prv002) => {
                let sources = container.mounts.iter().map(|mount| mount.source.as_str());
                sources.filter(|source| source.rsplit('.').next() == Some("sock")).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Where a container comes from: the files, the service.
    fn service(&self, id: &ContainerId) -> Option<(&'a Files<'a>, &'a str, &'a Container)> {
        self.files.iter().find_map(|files| {
            let container = files.project.inventory.containers.get(id)?;
            Some((files, container.labels.get("com.docker.compose.service")?.as_str(), container.as_ref()))
        })
    }

    /// Where a network is named: where it is made, else the first that joins it.
    fn network(&self, name: &str) -> Option<(&'a Files<'a>, &'a str)> {
        let made = self.files.iter().find_map(|files| Some((files, made(files.project, name)?)));
        made.or_else(|| self.files.iter().find_map(|files| Some((files, files.project.external.get(name)?.as_str()))))
    }
}

/// A way to something of a service.
fn below<'p>(service: &'p str, rest: &[&'p str]) -> Path<'p> {
    [&["services", service], rest].concat()
}

fn is_below(key: &str, label: &str) -> bool {
    key.strip_prefix(label).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// What a project calls a network that it makes.
fn made<'p>(project: &'p Project, name: &str) -> Option<&'p str> {
    let network: &Network = project.inventory.networks.values().find(|network| network.name == name)?;
    network.labels.get("com.docker.compose.network").map(String::as_str)
}

/// What a project calls a network.
fn called<'p>(project: &'p Project, name: &str) -> Option<&'p str> {
    made(project, name).or_else(|| project.external.get(name).map(String::as_str))
}

fn first<'p>(files: &Files<'_>, paths: impl IntoIterator<Item = Path<'p>>) -> Option<Spot> {
    paths.into_iter().find_map(|path| files.written.iter().rev().find_map(|file| file.spot(&path)))
}

/// The keys of a service that say what a rule is about, the best first; none: the service itself.
fn keys(rule: RuleId) -> &'static [&'static str] {
    use RuleId as R;
    match rule {
        R::Net001 | R::Net004 | R::Net005 | R::Net006 | R::Net008 | R::Net009 | R::Net016 | R::Net029 => {
            &["networks", "network_mode"]
        }
        R::Net002 | R::Net003 => &["network_mode"],
        R::Net007 | R::Egr024 | R::Pub001 | R::Pub002 | R::Pub003 | R::Pub004 => &["ports"],
        R::Net012 | R::Egr014 => &["sysctls", "networks"],
        R::Net024 => &["sysctls"],
        R::Net013 => &["cap_drop"],
        R::Net014 | R::Prv003 | R::Prv004 => &["cap_add"],
        R::Net022 | R::Egr003 | R::Egr020 => &["extra_hosts"],
        R::Prv001 => &["privileged", "post_start", "pre_stop", "pre_start"],
        R::Egr026 => &["privileged", "cap_add", "pid", "ipc", "network_mode", "cap_drop"],
        R::Prv002 => &["volumes", "use_api_socket", "volumes_from"],
        R::Prv005 | R::Prv024 => &["pid"],
        R::Prv006 | R::Egr023 => &["network_mode", "pid", "ipc"],
        R::Prv007 => &["ipc"],
        R::Prv008 => &["uts"],
        R::Prv009 => &["userns_mode"],
        R::Prv010 | R::Prv011 => &["devices", "device_cgroup_rules", "gpus"],
        R::Prv012 | R::Prv013 | R::Prv014 | R::Prv015 | R::Prv018 => &["security_opt"],
        R::Prv016 | R::Prv017 | R::Vol001 | R::Vol002 | R::Vol003 | R::Vol004 | R::Trf001 => {
            &["volumes", "secrets", "configs", "volumes_from"]
        }
        R::Vol005 | R::Egr002 | R::Egr022 => &["volumes"],
        R::Egr011 | R::Egr018 | R::Egr019 | R::Egr021 | R::Egr025 => &["networks"],
        R::Prv019 => &["read_only"],
        R::Prv020 => &["user", "post_start", "pre_stop", "pre_start"],
        R::Prv021 => &["mem_limit", "pids_limit"],
        R::Prv022 => &["cgroup", "cgroup_parent"],
        R::Prv023 => &["runtime", "group_add"],
        R::Prv025 => &["annotations"],
        R::Log001 | R::Log002 => &["logging"],
        R::Img001 | R::Img002 | R::Img003 | R::Img004 | R::Trf002 | R::Trf007 | R::Trf008 => &["image"],
        R::Lbl001
        | R::Lbl002
        | R::Lbl003
        | R::Lbl004
        | R::Lbl005
        | R::Lbl006
        | R::Lbl007
        | R::Lbl008
        | R::Lbl009
        | R::Lbl010
        | R::Lbl011
        | R::Lbl014
        | R::Lbl015
        | R::Lbl017
        | R::Lbl018
        | R::Egr004
        | R::Egr006
        | R::Egr008
        | R::Egr009
        | R::Egr010
        | R::Egr016
        | R::Egr017
        | R::Trf009 => &["labels"],
        R::Trf003 => &["cap_add", "cap_drop"],
        // Of networks, of the engine, of who else is there.
        R::Net010
        | R::Net011
        | R::Net015
        | R::Net017
        | R::Net018
        | R::Net019
        | R::Net021
        | R::Net023
        | R::Net025
        | R::Net026
        | R::Net027
        | R::Net028
        | R::Net030
        | R::Eng001
        | R::Eng002
        | R::Eng003
        | R::Eng004
        | R::Eng005
        | R::Eng006
        | R::Eng007
        | R::Eng008
        | R::Eng009
        | R::Eng010
        | R::Eng011
        | R::Eng012
        | R::Eng013
        | R::Trf004
        | R::Trf005
        | R::Trf006
        | R::Egr001
        | R::Egr005
        | R::Egr007
        | R::Egr012
        | R::Egr013
        | R::Egr015
        | R::Soc001
        | R::Soc002 => &[],
    }
}
