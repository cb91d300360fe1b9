//! Swarm services and tasks as containers: what Traefik's Swarm provider makes of them.
//!
//! A service stands for itself (`lbswarm`: reached at its virtual address) and for each of its running tasks; which of the
//! two is routed is for the labels to say, and so for the plan. Source: Traefik `pkg/provider/docker/pswarm.go`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::facts::{self, at, items, text, text_map};
use crate::inventory::{Attachment, Attachments, Container, ContainerId, Network, NetworkId, Swarm};

/// What a manager said last: services, their tasks, the nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manager {
    /// Services by id.
    services: BTreeMap<String, Service>,
    /// Tasks by the ids of their services and their own.
    tasks: BTreeMap<String, BTreeMap<String, Task>>,
    /// Nodes by id.
    nodes: BTreeMap<String, Node>,
    /// Containers of tasks that are asked for no more, by the ids of their services: they may run for some time yet.
    ended: BTreeMap<String, BTreeSet<ContainerId>>,
}

/// A service, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// It as a container, on no network yet.
    whole: Container,
    /// Its virtual addresses, by the ids of their networks.
    addresses: Vec<(String, String)>,
    /// It has a task on each node.
    is_global: bool,
    /// How many tasks it wants, if it says so.
    replicas: Option<u64>,
    /// `Placement.Constraints`: `node.role == manager`.
    constraints: Vec<String>,
}

/// How many constraints of a service are read, and how long one may be. Without the others it may run on more nodes.
const MOST_CONSTRAINTS: usize = 32;
const LONGEST_CONSTRAINT: usize = 256;

/// A node, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    address: String,
    hostname: String,
    role: String,
}

impl Node {
    /// Whether it is one that a constraint allows; of what it is not known by, any is.
    ///
    /// Source: swarmkit `manager/constraint/constraint.go`.
    fn is_allowed(&self, id: &str, constraint: &str) -> bool {
        let Some((key, is_wanted, value)) = (match (constraint.split_once("=="), constraint.split_once("!=")) {
            (Some((key, value)), None) => Some((key, true, value)),
            (None, Some((key, value))) => Some((key, false, value)),
            _ => None,
        }) else {
            return true;
        };
        let own = match key.trim().to_ascii_lowercase().as_str() {
            "node.id" => id,
            "node.hostname" => &self.hostname,
            "node.role" => &self.role,
            _ => return true,
        };
        own.eq_ignore_ascii_case(value.trim()) == is_wanted
    }
}

/// A task, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    id: String,
    service: String,
    slot: u64,
    node: String,
    /// It shall run.
    is_wanted: bool,
    /// It does.
    runs: bool,
    /// The container that it says is its own.
    container: Option<ContainerId>,
    /// The last of its addresses on each network counts, as in Traefik; by the networks' ids.
    addresses: Vec<(String, String)>,
}

impl Service {
    /// Reads one of `GET /services`. `None`: it has no id.
    pub fn read(service: &Value) -> Option<Self> {
        let id = text(service, &["ID"]);
        let name = text(service, &["Spec", "Name"]);
        let mode = text(service, &["Spec", "EndpointSpec", "Mode"]);
        let publish_modes: BTreeSet<String> =
            items(service, &["Endpoint", "Ports"]).map(|port| text(port, &["PublishMode"])).collect();
        let addresses = items(service, &["Endpoint", "VirtualIPs"]).filter(|_| mode == "vip");
        let addresses = addresses.map(|it| (text(it, &["NetworkID"]), text(it, &["Addr"]))).collect();
        let as_container = as_container(at(service, &["Spec", "TaskTemplate"]));
        let whole = Container {
            id: id.as_str().into(),
            name: name.clone(),
            image: text(service, &["Spec", "TaskTemplate", "ContainerSpec", "Image"]),
            labels: text_map(service, &["Spec", "Labels"]),
            created: text(service, &["CreatedAt"]),
            state: "running".to_owned(),
            confinement: facts::confinement(&as_container),
            mounts: facts::mounts(&as_container),
            excess: facts::service_excess(service),
            swarm: Some(Swarm {
                service: name,
                service_id: id.clone(),
                task: None,
                node_ip: None,
                only_node: None,
                container: None,
                containers: BTreeSet::new(),
                publish_modes,
                endpoint_mode: mode,
            }),
            ..Container::default()
        };
        let is_global = !at(service, &["Spec", "Mode", "Global"]).is_null();
        let replicas = at(service, &["Spec", "Mode", "Replicated", "Replicas"]).as_u64();
        let constraints = items(service, &["Spec", "TaskTemplate", "Placement", "Constraints"]);
        let constraints = constraints.filter_map(Value::as_str).filter(|it| it.len() <= LONGEST_CONSTRAINT);
        let constraints = constraints.take(MOST_CONSTRAINTS).map(ToOwned::to_owned).collect();
        (!id.is_empty()).then_some(Self { whole, addresses, is_global, replicas, constraints })
    }
}

impl Task {
    /// Reads one of `GET /tasks`. `None`: it has no id.
    pub fn read(task: &Value) -> Option<Self> {
        let id = text(task, &["ID"]);
        let container = text(task, &["Status", "ContainerStatus", "ContainerID"]);
        let addresses = items(task, &["NetworksAttachments"]).filter_map(|it| {
            let address = items(it, &["Addresses"]).last()?.as_str()?.to_owned();
            Some((text(it, &["Network", "ID"]), address))
        });
        let read = Self {
            service: text(task, &["ServiceID"]),
            slot: at(task, &["Slot"]).as_u64().unwrap_or_default(),
            node: text(task, &["NodeID"]),
            is_wanted: text(task, &["DesiredState"]) == "running",
            runs: text(task, &["Status", "State"]) == "running",
            container: (!container.is_empty()).then(|| container.into()),
            addresses: addresses.collect(),
            id,
        };
        (!read.id.is_empty()).then_some(read)
    }
}

/// Which of a manager's services an answer is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// None was asked for.
    #[default]
    Nothing,
    /// Those with these ids; one that is not in the answer is gone.
    These(BTreeSet<String>),
    /// All.
    All,
}

impl Which {
    /// The most services that one question names; where more have changed, all are asked for.
    pub const MOST: usize = 32;

    /// Whether a service is one of these.
    pub fn holds(&self, service: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::These(ids) => ids.contains(service),
            Self::All => true,
        }
    }

    /// These too.
    pub fn join(&mut self, other: Self) {
        *self = match (std::mem::take(self), other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Nothing, which) | (which, Self::Nothing) => which,
            (Self::These(mut some), Self::These(more)) => {
                some.extend(more);
                if some.len() > Self::MOST { Self::All } else { Self::These(some) }
            }
        };
    }
}

/// What tasks say that is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// The services whose tasks have changed.
    pub changed: BTreeSet<String>,
    /// There are tasks of services that nobody told of.
    pub of_strangers: bool,
}

impl Manager {
    /// Takes services in. Those that are new, gone or changed.
    pub fn take_services(&mut self, which: &Which, services: Vec<Service>) -> BTreeSet<String> {
        let mut services: BTreeMap<_, _> =
            services.into_iter().map(|it| (it.whole.id.as_str().to_owned(), it)).collect();
        let told: BTreeSet<String> = match which {
            Which::Nothing => return BTreeSet::new(),
            Which::These(ids) => ids.clone(),
            Which::All => self.services.keys().chain(services.keys()).cloned().collect(),
        };
        let mut changed = BTreeSet::new();
        for id in told {
            let now = services.remove(&id);
            if self.services.get(&id) == now.as_ref() {
                continue;
            }
            match now {
                Some(now) => drop(self.services.insert(id.clone(), now)),
                None => drop(self.services.remove(&id)),
            }
            changed.insert(id);
        }
        self.tasks.retain(|id, _| self.services.contains_key(id));
        self.ended.retain(|id, _| self.services.contains_key(id));
        changed
    }

    /// Takes tasks in.
    pub fn take_tasks(&mut self, which: &Which, tasks: Vec<Task>) -> News {
        let mut by_service: BTreeMap<String, BTreeMap<String, Task>> = BTreeMap::new();
        for task in tasks {
            by_service.entry(task.service.clone()).or_default().insert(task.id.clone(), task);
        }
        let asked: BTreeSet<String> = match which {
            Which::Nothing => return News::default(),
            Which::These(ids) => ids.clone(),
            Which::All => self.services.keys().cloned().collect(),
        };
        let mut changed = BTreeSet::new();
        for id in asked.into_iter().filter(|id| self.services.contains_key(id)) {
            let now = by_service.remove(&id).unwrap_or_default();
            let before = self.tasks.insert(id.clone(), now).unwrap_or_default();
            let now = self.tasks.get(&id);
            if now == Some(&before) {
                continue;
            }
            let gone = before.into_values().filter(|it| now.is_none_or(|now| !now.contains_key(&it.id)));
            let containers: Vec<ContainerId> = gone.filter_map(|task| task.container).collect();
            if !containers.is_empty() {
                self.ended.entry(id.clone()).or_default().extend(containers);
            }
            changed.insert(id);
        }
        let mut strange = by_service.into_values().flat_map(BTreeMap::into_values);
        News { changed, of_strangers: *which == Which::All && strange.any(|task| task.is_wanted) }
    }

    /// Takes all nodes in. Whether anything is new.
    pub fn take_nodes(&mut self, nodes: &[Value]) -> bool {
        let read = |node: &Value| Node {
            address: text(node, &["Status", "Addr"]),
            hostname: text(node, &["Description", "Hostname"]),
            role: text(node, &["Spec", "Role"]),
        };
        let nodes = nodes.iter().map(|node| (text(node, &["ID"]), read(node))).collect();
        std::mem::replace(&mut self.nodes, nodes) != self.nodes
    }

    /// Forgets the containers of ended tasks that are not there any more.
    pub fn forget_ended(&mut self, is_there: impl Fn(&ContainerId) -> bool) {
        for containers in self.ended.values_mut() {
            containers.retain(&is_there);
        }
        self.ended.retain(|_, containers| !containers.is_empty());
    }

    /// How many tasks are known.
    pub fn task_count(&self) -> usize {
        self.tasks.values().map(BTreeMap::len).sum()
    }

    /// The service that a container is a task's of, by the task's own record.
    pub fn service_of(&self, container: &str) -> Option<&str> {
        let is_its = |task: &Task| task.container.as_ref().is_some_and(|it| it.as_str() == container);
        self.tasks.iter().find(|(_, tasks)| tasks.values().any(is_its)).map(|(id, _)| id.as_str())
    }

    /// The services that are not as they shall be: tasks that shall run and do not, or too few or too many that do.
    pub fn unsettled(&self) -> impl Iterator<Item = &str> {
        self.services.iter().filter_map(|(id, service)| {
            let tasks = self.tasks.get(id).into_iter().flat_map(BTreeMap::values).filter(|task| task.is_wanted);
            let (mut count, mut all_run) = (0, true);
            for task in tasks {
                count += 1;
                all_run &= task.runs;
            }
            let is_settled = all_run && service.replicas.is_none_or(|wanted| wanted == count);
            (!is_settled).then_some(id.as_str())
        })
    }

    /// The node where alone a service may run.
    fn only_node(&self, service: &Service) -> Option<String> {
        let may_run = |(id, node): &(&String, &Node)| service.constraints.iter().all(|it| node.is_allowed(id, it));
        let mut nodes = self.nodes.iter().filter(may_run).map(|(id, _)| id);
        nodes.next().filter(|_| nodes.next().is_none()).cloned()
    }

    /// Services, and their tasks that run and shall run, as containers. `networks`: all the engine knows, by id.
    pub fn containers(&self, which: &Which, networks: &BTreeMap<NetworkId, Network>) -> Vec<Container> {
        // Traefik asks for the networks of scope `swarm`.
        let known = |id: &str| networks.get(id).filter(|network| network.scope == "swarm");
        let on = |addresses: &[(String, String)]| {
            let attached = addresses.iter().filter_map(|(network, address)| attachment(network, address, &known));
            attached.map(|attachment| (attachment.network.clone(), attachment.into())).collect()
        };
        let mut containers = Vec::new();
        for (id, service) in self.services.iter().filter(|(id, _)| which.holds(id)) {
            let mut whole = Container { attachments: on(&service.addresses), ..service.whole.clone() };
            let mut of_tasks = self.ended.get(id).cloned().unwrap_or_default();
            for task in self.tasks.get(id).into_iter().flat_map(BTreeMap::values) {
                of_tasks.extend(task.container.clone());
                if task.runs && task.is_wanted {
                    containers.push(of_task(task, service, on(&task.addresses), &self.nodes));
                }
            }
            if let Some(swarm) = &mut whole.swarm {
                swarm.containers = of_tasks;
                swarm.only_node = self.only_node(service);
            }
            containers.push(whole);
        }
        containers
    }
}

/// All services, and their tasks that run and shall run, from whole lists. `networks`: all the engine knows, by id.
pub fn containers(
    services: &[Value],
    tasks: &[Value],
    nodes: &[Value],
    networks: &BTreeMap<NetworkId, Network>,
) -> Vec<Container> {
    let mut manager = Manager::default();
    manager.take_services(&Which::All, services.iter().filter_map(Service::read).collect());
    manager.take_tasks(&Which::All, tasks.iter().filter_map(Task::read).collect());
    manager.take_nodes(nodes);
    manager.containers(&Which::All, networks)
}

/// What a service asks for its tasks, as the inspection of a container would show it. How far `Privileges` goes is known
/// only where no gate stands before the engine.
fn as_container(task: &Value) -> Value {
    let spec = at(task, &["ContainerSpec"]);
    let privileges = |path: &[&str]| text(at(spec, &["Privileges"]), path);
    let mut security: Vec<&str> = Vec::new();
    if at(spec, &["Privileges", "NoNewPrivileges"]).as_bool() == Some(true) {
        security.push("no-new-privileges");
    }
    match privileges(&["Seccomp", "Mode"]).as_str() {
        "unconfined" => security.push("seccomp=unconfined"),
        // A profile in another form, which nobody here reads.
        "custom" => security.push("seccomp={custom}"),
        _ => {}
    }
    if privileges(&["AppArmor", "Mode"]) == "disabled" {
        security.push("apparmor=unconfined");
    }
    if at(spec, &["Privileges", "SELinuxContext", "Disable"]).as_bool() == Some(true) {
        security.push("label=disable");
    }
    // `address name…` here, `name:address` there.
    let hosts = items(spec, &["Hosts"]).filter_map(Value::as_str).flat_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next().unwrap_or_default().to_owned();
        words.map(|name| format!("{name}:{address}")).collect::<Vec<_>>()
    });
    json!({
        "Config": { "User": at(spec, &["User"]) },
        "HostConfig": {
            "CapAdd": at(spec, &["CapabilityAdd"]),
            "CapDrop": at(spec, &["CapabilityDrop"]),
            "Sysctls": at(spec, &["Sysctls"]),
            "GroupAdd": at(spec, &["Groups"]),
            "ReadonlyRootfs": at(spec, &["ReadOnly"]),
            "Memory": at(task, &["Resources", "Limits", "MemoryBytes"]),
            "PidsLimit": at(task, &["Resources", "Limits", "Pids"]),
            "LogConfig": { "Type": at(task, &["LogDriver", "Name"]) },
            "ExtraHosts": hosts.collect::<Vec<_>>(),
            "SecurityOpt": security,
            "Mounts": at(spec, &["Mounts"]),
        },
    })
}

fn of_task(task: &Task, service: &Service, attachments: Attachments, nodes: &BTreeMap<String, Node>) -> Container {
    let whole = &service.whole;
    let slot = if service.is_global { task.id.clone() } else { task.slot.to_string() };
    Container {
        id: task.id.as_str().into(),
        name: format!("{}.{slot}", whole.name),
        attachments,
        swarm: whole.swarm.clone().map(|swarm| Swarm {
            task: Some(slot),
            node_ip: nodes.get(&task.node).map(|node| node.address.clone()),
            only_node: Some(task.node.clone()).filter(|node| !node.is_empty()),
            container: task.container.clone(),
            ..swarm
        }),
        ..whole.clone()
    }
}

/// An address such as `10.0.1.5/24` on a network that the engine knows.
fn attachment<'n>(network: &str, address: &str, known: &impl Fn(&str) -> Option<&'n Network>) -> Option<Attachment> {
    let network = known(network)?;
    let ip = address.split('/').next()?.parse().ok()?;
    Some(Attachment {
        network: network.name.clone(),
        network_id: network.id.clone(),
        ipv4: Some(ip),
        ..Attachment::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budgets::Quantity;

    #[test]
    fn a_service_whose_labels_were_left_out_is_above_a_budget_and_not_without_labels() {
        for (field, is_missed) in
            [("Spec.Labels", true), ("Spec.TaskTemplate", true), ("Endpoint", true), ("PreviousSpec", false)]
        {
            let service = json!({ "ID": "s1", "Spec": { "Name": "web" }, "LeewardLeftOut": { field: 3_000_000 } });
            let task = json!({ "ID": "t1", "ServiceID": "s1", "Slot": 1, "DesiredState": "running",
                "Status": { "State": "running" } });
            for container in containers(&[service], &[task], &[], &BTreeMap::new()) {
                let found = container.excess.map(|excess| (excess.quantity, excess.found));
                assert_eq!(found, is_missed.then_some((Quantity::ObjectBytes, 3_000_000)), "{field}");
            }
        }
    }

    #[test]
    fn a_service_has_the_containers_of_its_tasks_also_of_those_that_only_start() {
        let service = json!({ "ID": "s1", "Spec": { "Name": "web" } });
        let task = |id: &str, state: &str| {
            let status = json!({ "State": state, "ContainerStatus": { "ContainerID": format!("c-{id}") } });
            json!({ "ID": id, "ServiceID": "s1", "Slot": 1, "DesiredState": "running", "Status": status })
        };
        let found = containers(&[service], &[task("t1", "running"), task("t2", "starting")], &[], &BTreeMap::new());
        assert_eq!(found.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["web.1", "web"]);
        let [one, whole] = [0, 1].map(|at| found[at].swarm.clone().unwrap());
        assert_eq!((one.container, one.containers.len()), (Some("c-t1".into()), 0));
        assert_eq!(whole.containers, ["c-t1".into(), "c-t2".into()].into());
    }

    /// On another node nobody can ask what the volume is: it was unknown, which refuses nobody.
    #[test]
    fn a_service_shows_what_its_volumes_are_made_as() {
        let options = json!({ "type": "none", "o": "bind", "device": "/" });
        let config = json!({ "Name": "local", "Options": options });
        let mount = json!({ "Type": "volume", "Source": "data", "Target": "/d",
            "VolumeOptions": { "DriverConfig": config } });
        let service = json!({ "ID": "s1", "Spec": { "Name": "web", "TaskTemplate": { "ContainerSpec": { "Mounts": [mount] } } } });
        let found = containers(&[service], &[], &[], &BTreeMap::new());
        let made_as = found[0].mounts[0].made_as.clone().unwrap();
        assert!(made_as.bind && made_as.device == "/", "{made_as:?}");
    }

    /// What the manager's engine says of a volume counted for every node.
    #[test]
    fn a_service_says_where_its_volumes_can_be() {
        let node = |id: &str, hostname: &str, role: &str| json!({ "ID": id, "Description": { "Hostname": hostname }, "Spec": { "Role": role } });
        let all = [node("n1", "front", "manager"), node("n2", "db", "worker"), node("n3", "disk", "worker")];
        let only = |constraints: &[&str], nodes: &[Value]| {
            let service = json!({ "ID": "s1", "Spec": { "Name": "web", "TaskTemplate": {
                "Placement": { "Constraints": constraints } } } });
            let task = json!({ "ID": "t1", "ServiceID": "s1", "NodeID": "n2", "DesiredState": "running",
                "Status": { "State": "running" } });
            let found = containers(&[service], &[task], nodes, &BTreeMap::new());
            let [task, whole] = [0, 1].map(|at| found[at].swarm.clone().unwrap().only_node);
            assert_eq!(task.as_deref(), Some("n2"));
            whole
        };
        assert_eq!(only(&[], &all), None);
        assert_eq!(only(&[], &all[..1]).as_deref(), Some("n1"));
        assert_eq!(only(&[], &[]), None);
        for (constraints, wanted) in [
            (&["node.role == manager"][..], Some("n1")),
            (&["node.role!=worker"], Some("n1")),
            (&["node.role==worker"], None),
            (&["node.role==worker", "Node.Hostname == DB"], Some("n2")),
            (&["node.id==n3"], Some("n3")),
            (&["node.id==n3", "node.labels.disk==ssd"], Some("n3")),
            (&["node.labels.disk==ssd"], None),
            (&["node.id==gone"], None),
            (&["node.id"], None),
            // Too long to be read for each node at each change.
            (&[&*format!("node.id==n3{}", " ".repeat(300))], None),
        ] {
            assert_eq!(only(constraints, &all).as_deref(), wanted, "{constraints:?}");
        }
    }

    #[test]
    fn a_service_shows_what_its_tasks_may_do() {
        let service = json!({
            "ID": "s1",
            "Spec": { "Name": "web", "TaskTemplate": {
                "ContainerSpec": {
                    "Mounts": [{ "Type": "bind", "Source": "/var/run", "Target": "/r", "ReadOnly": true }],
                    "CapabilityAdd": ["CAP_NET_ADMIN"],
                    "Sysctls": { "net.ipv4.ip_forward": "0" },
                    "Hosts": ["192.0.2.1 host alias"],
                    "Privileges": { "NoNewPrivileges": true, "Seccomp": { "Mode": "unconfined" } },
                },
                "Resources": { "Limits": { "MemoryBytes": 1024, "Pids": 9 } },
            } },
        });
        let task = json!({ "ID": "t1", "ServiceID": "s1", "Slot": 1, "DesiredState": "running",
            "Status": { "State": "running" } });
        let found = containers(&[service], &[task], &[], &BTreeMap::new());
        assert_eq!(found.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["web.1", "web"]);
        for container in found {
            let mount = container.mounts.first().unwrap();
            assert_eq!((mount.kind.as_str(), mount.source.as_str(), mount.writable), ("bind", "/var/run", false));
            let it = container.confinement;
            assert!(it.cap_add.contains("CAP_NET_ADMIN") && it.sysctls.contains_key("net.ipv4.ip_forward"));
            assert_eq!(it.extra_hosts, ["host:192.0.2.1", "alias:192.0.2.1"]);
            assert_eq!(it.security_opt, ["no-new-privileges", "seccomp=unconfined"]);
            assert_eq!((it.memory, it.pids_limit), (1024, Some(9)));
        }
    }
}
