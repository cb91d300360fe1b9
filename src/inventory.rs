//! What the engine told us at one moment: containers, networks, images, volumes. Values only.
//!
//! An [`Inventory`] is complete and comparable: two equal ones compile to equal plans. It holds no environment, no
//! command line and no health-check output; there is no field for them. Its JSON form is the `snapshot` file.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::ops::{Bound, Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::budgets::Excess;

/// Shared text: it is in many places, and a copy costs no memory.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as the engine writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl<S: Into<Arc<str>>> From<S> for $name {
            fn from(id: S) -> Self {
                Self(id.into())
            }
        }
    };
}

id!(
    /// A container's id: 64 hex digits. A Swarm service's or task's id where [`Container::swarm`] is set.
    ContainerId
);
id!(
    /// A network's id: 64 hex digits, a Swarm id of 25 characters, or, on Podman, the network's name.
    NetworkId
);
id!(
    /// An image's id: `sha256:` and 64 hex digits.
    ImageId
);

/// How much of an id is shown, and at least asked for: with less, a name could be meant.
const SHORT_ID: usize = 12;

/// Everything one engine holds, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// The engine itself.
    pub engine: Engine,
    /// Every container that was read whole, running or not, by id. Shared, so that the inventory after a change costs
    /// what changed, and an unchanged container is known by its place in memory.
    pub containers: BTreeMap<ContainerId, Arc<Container>>,
    /// Containers that the engine listed, but whose inspection could not be read.
    pub unreadable: BTreeMap<ContainerId, Unreadable>,
    /// Every network, by id.
    pub networks: Shared<BTreeMap<NetworkId, Network>>,
    /// The images of the containers, by [`Container::image_key`]. A missing entry means: not asked for; see
    /// [`Image::problem`].
    pub images: Shared<BTreeMap<ImageId, Image>>,
    /// The volumes that containers mount, by name. A missing entry means: not readable.
    pub volumes: Shared<BTreeMap<String, Volume>>,
}

/// What several inventories share until one of them changes it: then it is copied. An inventory is copied at every change,
/// and its networks seldom change with its containers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shared<T>(Arc<T>);

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: Clone + Eq> Shared<T> {
    /// Takes in what it is now. What is as it was stays shared.
    pub fn set(&mut self, now: T) {
        if **self != now {
            *self = Self(Arc::new(now));
        }
    }
}

impl<K: Ord + Clone, V: Clone> Shared<BTreeMap<K, V>> {
    /// Keeps only these. Where that is all of them, they stay shared.
    pub fn keep(&mut self, mut is_kept: impl FnMut(&K, &V) -> bool) {
        if !self.iter().all(|(key, value)| is_kept(key, value)) {
            self.retain(|key, value| is_kept(key, value));
        }
    }
}

impl<K: Ord + Clone, V: Clone + Eq> Shared<BTreeMap<K, V>> {
    /// Takes these in. Those that are as they were stay shared.
    pub fn learn(&mut self, new: impl IntoIterator<Item = (K, V)>) {
        for (key, value) in new {
            if self.get(&key) != Some(&value) {
                self.insert(key, value);
            }
        }
    }
}

impl<T: FromIterator<A>, A> FromIterator<A> for Shared<T> {
    fn from_iter<I: IntoIterator<Item = A>>(items: I) -> Self {
        Self(Arc::new(items.into_iter().collect()))
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for Shared<BTreeMap<K, V>> {
    fn from(items: [(K, V); N]) -> Self {
        Self(Arc::new(items.into()))
    }
}

impl<K: Clone, V: Clone> IntoIterator for Shared<BTreeMap<K, V>> {
    type Item = (K, V);
    type IntoIter = std::collections::btree_map::IntoIter<K, V>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl<'a, K, V> IntoIterator for &'a Shared<BTreeMap<K, V>> {
    type Item = (&'a K, &'a V);
    type IntoIter = std::collections::btree_map::Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Inventory {
    /// Takes in what was read of a container. One that is as it was stays the one that it was.
    pub fn put(&mut self, container: Container) {
        let known = self.containers.get(&container.id);
        if known.is_none_or(|known| **known != container) {
            self.containers.insert(container.id.clone(), Arc::new(container));
        }
    }

    /// A container, to change it.
    pub fn container_mut(&mut self, id: &str) -> Option<&mut Container> {
        self.containers.get_mut(id).map(Arc::make_mut)
    }

    /// The container whose id begins like this, as far as that tells one; the engine takes such a short id as well.
    pub fn with_short_id(&self, beginning: &str) -> Option<&Container> {
        let mut after = self.containers.range::<str, _>((Bound::Included(beginning), Bound::Unbounded));
        let (id, container) = after.next()?;
        let unique = !after.next().is_some_and(|(id, _)| id.as_str().starts_with(beginning));
        (beginning.len() >= SHORT_ID && id.as_str().starts_with(beginning) && unique).then_some(&**container)
    }

    /// The image that a container was made from, as far as that is known.
    pub fn image_of(&self, container: &Container) -> Option<&Image> {
        self.images.get(container.image_key()?)
    }

    /// The network an attachment names: by id, else by name (Podman writes the name where Docker writes the id).
    pub fn network_of(&self, attachment: &Attachment) -> Option<&Network> {
        self.networks
            .get(&attachment.network_id)
            .or_else(|| self.network_named(attachment.network_id.as_str()))
            .or_else(|| self.network_named(&attachment.network))
    }

    /// The network of this name. Docker allows several of one name; the first by id is taken.
    pub fn network_named(&self, name: &str) -> Option<&Network> {
        self.networks.values().find(|network| network.name == name)
    }
}

/// The engine: who it is, what it warns of. All of it optional: a gate may keep some of it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Engine {
    /// `Engine` for Docker, `Podman Engine` for Podman; `/version` `Components[0].Name`. Empty: unknown.
    pub product: String,
    /// As `/version` `Version` writes it: `20.10.24+dfsg1`, `29.1.0`.
    pub version: String,
    /// The newest API version the engine speaks: `1.41`.
    pub api_version: String,
    /// `/info` `Warnings`.
    pub warnings: Vec<String>,
    /// `/info` `SecurityOptions`: `name=seccomp,profile=default`, `name=rootless`, `name=userns`, ….
    pub security_options: Option<Vec<String>>,
    /// `/info` `BridgeNfIptables`; absent from API 1.50 on, always false from 1.48.
    pub bridge_nf_iptables: Option<bool>,
    /// `/info` `FirewallBackend.Driver`: `iptables`, `nftables`, `iptables+firewalld`.
    pub firewall: Option<String>,
    /// `/info` `DriverStatus`: images are kept in containerd's store, those for several platforms under one id.
    pub keeps_variants: bool,
    /// `/info` `DockerRootDir`: `/var/lib/docker`.
    pub root_dir: Option<String>,
    /// `/info` `DefaultAddressPools`: where the subnets of new networks come from. Empty: the engine's own.
    pub address_pools: Vec<AddressPool>,
    /// `/info` `Swarm.LocalNodeState`: `inactive`, `active`, ….
    pub swarm_state: Option<String>,
    /// `/info` `Swarm.NodeID`: this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swarm_node: Option<String>,
    /// `/info` `Swarm.ControlAvailable`: this node is a manager.
    pub swarm_manager: bool,
    /// Ids of the containers with a leg on `docker_gwbridge` (`GET /networks/docker_gwbridge` `.Containers`).
    /// `None`: the network exists but its members could not be read.
    pub gwbridge_members: Option<BTreeSet<String>>,
    /// Where the host is reached from here (`host.docker.internal`, `host.containers.internal`), if it was asked.
    pub host_address: Option<String>,
    /// How much of the engine this process can reach (SOC rules), if it was tested.
    #[serde(alias = "door")]
    pub socket_access: Option<SocketAccess>,
}

/// Addresses that the engine cuts subnets out of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AddressPool {
    /// All of them: `172.30.0.0/16`.
    pub base: String,
    /// The bits of the prefix of each subnet: 24.
    pub size: u8,
}

/// How much of the engine this process can reach, as the self-test found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketAccess {
    /// The canary requests were refused before they reached the engine.
    Filtered,
    /// A filter is there, but canary requests reached the engine.
    Wide,
    /// The engine's own socket, unfiltered.
    Bare,
}

/// One container, as `GET /containers/{id}/json` shows it, without what Leeward must not know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Container {
    /// Its id.
    pub id: ContainerId,
    /// Its name without the leading slash.
    pub name: String,
    /// The image reference it was started from: `nginx:1.27`. Never used for identity.
    pub image: String,
    /// The image's id; empty when the engine did not say.
    pub image_id: ImageId,
    /// Which of the image's variants it was made from.
    #[serde(skip_serializing_if = "Variant::is_unsaid")]
    pub variant: Variant,
    /// Its labels, the image's merged in by the engine.
    pub labels: BTreeMap<String, String>,
    /// RFC 3339, as written by the engine.
    pub created: String,
    /// `running`, `paused`, `exited`, … as the engine writes it; unknown words pass.
    pub state: String,
    /// `starting`, `healthy`, `unhealthy`, `none`; `None` without a health check (Podman's `""` too).
    pub health: Option<String>,
    /// RFC 3339 of the last start; empty if never started.
    pub started_at: String,
    /// `HostConfig.NetworkMode`: a network's name, `bridge`, `default`, `host`, `none`, `container:<id or name>`.
    pub network_mode: String,
    /// `NetworkSettings.Networks`, by the network's name.
    pub attachments: Attachments,
    /// `Config.ExposedPorts`: `80/tcp`.
    pub exposed_ports: BTreeSet<String>,
    /// `NetworkSettings.Ports`: `80/tcp` to its live host bindings.
    pub ports: BTreeMap<String, Vec<Binding>>,
    /// `HostConfig.PortBindings` with at least one binding: may go live later.
    pub port_bindings: BTreeMap<String, Vec<Binding>>,
    /// `HostConfig.PublishAllPorts`.
    pub publish_all_ports: bool,
    /// How it is confined.
    pub confinement: Confinement,
    /// `Mounts`, and binds of `HostConfig` that `Mounts` does not show.
    pub mounts: Vec<Mount>,
    /// `HostConfig.VolumesFrom`: `<container>[:ro]`.
    pub volumes_from: Vec<String>,
    /// Set where this is a Swarm service or task and not a container of this engine.
    pub swarm: Option<Swarm>,
    /// An address or port that the engine wrote and Traefik's client cannot parse (Traefik from 3.6.16 on skips such
    /// a container): what it was. The rest of the container is still good.
    pub malformed: Option<String>,
    /// Why its labels are not known, if they are not: there are too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess: Option<Excess>,
}

impl Container {
    /// What its image is known by in [`Inventory::images`]; `None` where nobody can tell which image that is.
    pub fn image_key(&self) -> Option<&ImageId> {
        match &self.variant {
            Variant::Unsaid => Some(&self.image_id).filter(|id| !id.as_str().is_empty()),
            Variant::Of { manifest, platform: _ } => Some(manifest),
            Variant::Unknown => None,
        }
    }

    /// Whether it runs, as far as is known.
    pub fn is_running(&self) -> bool {
        self.state.is_empty() || self.state == "running"
    }
}

/// Which of an image's variants a container was made from. Where the engine keeps images in containerd's store, the variants
/// for several platforms stand under one id, each with labels of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// The engine names none: under the id there is one.
    #[default]
    Unsaid,
    /// `ImageManifestDescriptor`.
    Of {
        /// Its `digest`.
        manifest: ImageId,
        /// Its `platform`. Empty: the image has one variant, whose digest is the image's id.
        platform: Platform,
    },
    /// There may be several, and the engine does not say which.
    Unknown,
}

impl Variant {
    fn is_unsaid(&self) -> bool {
        *self == Self::Unsaid
    }
}

/// What a variant of an image is for, as the OCI image index writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm`.
    pub architecture: String,
    /// `v7`; usually empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// Windows: `10.0.14393.1066`.
    #[serde(default, rename = "os.version", skip_serializing_if = "String::is_empty")]
    pub os_version: String,
}

/// A container's places on networks, by the networks' names. Boxed: a map makes room for eleven values at once, and most
/// containers are on one network or two.
pub type Attachments = BTreeMap<String, Box<Attachment>>;

/// A container's place on one network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// The network's id; on Podman its name.
    pub network_id: NetworkId,
    /// IPv4, if it has one now (a stopped container has none).
    pub ipv4: Option<IpAddr>,
    /// Global IPv6, if any.
    pub ipv6: Option<IpAddr>,
    /// Names it answers to there: `Aliases` and `DNSNames`.
    pub aliases: BTreeSet<String>,
    /// The addresses that the operator fixed there: `IPAMConfig`.
    #[serde(skip_serializing_if = "<[IpAddr]>::is_empty")]
    pub fixed: Box<[IpAddr]>,
}

/// One host binding of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Binding {
    /// Empty, `0.0.0.0`, `::`, `127.0.0.1`, ….
    pub host_ip: String,
    /// Empty when the engine picks one.
    pub host_port: String,
}

/// An address, and the zone behind it if it has one: `fe80::1%eth0`. `None`: it is no address.
///
/// Source: Go `netip.ParseAddr`.
pub fn with_zone(address: &str) -> Option<(IpAddr, Option<&str>)> {
    let Some((ip, zone)) = address.split_once('%') else { return Some((address.parse().ok()?, None)) };
    let ip: IpAddr = ip.parse().ok()?;
    (ip.is_ipv6() && !zone.is_empty()).then_some((ip, Some(zone)))
}

/// `HostConfig` fields that make the walls of a container thinner or thicker. Absent is the engine's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Confinement {
    /// `Privileged`: all capabilities, all devices.
    pub privileged: bool,
    /// The hooks of its Compose service that run privileged: `post_start`. No engine says this.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub privileged_hooks: Vec<String>,
    /// As written: `NET_ADMIN`, `CAP_NET_ADMIN`, `ALL`.
    pub cap_add: BTreeSet<String>,
    /// As written: `NET_RAW`, `ALL`.
    pub cap_drop: BTreeSet<String>,
    /// `net.ipv4.ip_forward` to `0`.
    pub sysctls: BTreeMap<String, String>,
    /// `host`, `container:<id>`, or empty for its own.
    pub pid_mode: String,
    /// `host`, `private`, `shareable`, `container:<id>`.
    pub ipc_mode: String,
    /// `host`, or empty for its own.
    pub uts_mode: String,
    /// `host`, or empty for the engine's default.
    pub userns_mode: String,
    /// `host` or `private`.
    pub cgroupns_mode: String,
    /// Empty for the engine's own.
    pub cgroup_parent: String,
    /// Host paths of `Devices`.
    pub devices: Vec<String>,
    /// `c 1:3 rwm`.
    pub device_cgroup_rules: Vec<String>,
    /// The names of the annotations that a runtime obeys: `run.oci.handler`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub annotations: BTreeSet<String>,
    /// `DeviceRequests` is not empty (GPUs and the like).
    pub device_requests: bool,
    /// `no-new-privileges:true`, `seccomp=unconfined`, …; of a seccomp profile only what is judged, in its own form.
    pub security_opt: Vec<String>,
    /// `docker-default`, `unconfined`, or empty without AppArmor.
    pub apparmor_profile: String,
    /// `None`: the engine did not say; empty: `systempaths=unconfined`.
    pub masked_paths: Option<Vec<String>>,
    /// As [`Self::masked_paths`].
    pub readonly_paths: Option<Vec<String>>,
    /// Its root file system cannot be written.
    pub readonly_rootfs: bool,
    /// `Config.User`.
    pub user: String,
    /// Bytes; 0 is no limit.
    pub memory: i64,
    /// `None`, 0 and -1 are no limit.
    pub pids_limit: Option<i64>,
    /// `runc`, or what replaces it.
    pub runtime: String,
    /// Groups it has besides its own.
    pub group_add: Vec<String>,
    /// `LogConfig.Type`.
    pub log_driver: String,
    /// `LogPath`, where it is not the engine's own file for this container: what it prints is written there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub log_path: String,
    /// `name:address`; `host-gateway` is the host.
    pub extra_hosts: Vec<String>,
    /// `HostConfig.Dns`.
    pub dns: Vec<String>,
}

/// One mount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mount {
    /// `bind`, `volume`, `tmpfs`, `npipe`, `cluster`, `image`.
    pub kind: String,
    /// A host path for a bind; the engine's own directory for a volume.
    pub source: String,
    /// Path in the container.
    pub destination: String,
    /// The volume's name; empty for a bind.
    pub name: String,
    /// The container may write.
    pub writable: bool,
    /// `rprivate`, `rshared`, …; may be empty.
    pub propagation: String,
    /// What the volume is made as where there is none of its name: a Swarm service says it with each mount, and its tasks may
    /// run on nodes whose volumes nobody can ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_as: Option<Box<Volume>>,
}

impl Mount {
    /// What is known of its volume: as the engine describes the one of its name, and as it is made.
    pub fn volumes<'a>(&'a self, known: &'a BTreeMap<String, Volume>) -> impl Iterator<Item = &'a Volume> {
        let of_name = known.get(&self.name).filter(|_| self.kind == "volume");
        of_name.into_iter().chain(self.made_as.as_deref())
    }

    /// The kind of what stands for the mounts of another container, its `source`, which nobody described. No engine says this.
    pub const OF_UNKNOWN: &str = "volumes-from";
}

/// A network, as `GET /networks` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// Its id.
    pub id: NetworkId,
    /// Its name.
    pub name: String,
    /// `bridge`, `overlay`, `macvlan`, …, or a plugin's name.
    pub driver: String,
    /// `local`, `swarm`, `global`.
    pub scope: String,
    /// Has no way out, by what the engine does.
    pub internal: bool,
    /// Swarm's network for published ports.
    pub ingress: bool,
    /// Containers that are no tasks may join it.
    pub attachable: bool,
    /// Has IPv6 too.
    pub ipv6: bool,
    /// The driver's options: `parent`, `com.docker.network.bridge.gateway_mode_ipv4`, ….
    pub options: BTreeMap<String, String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// `IPAM.Config[].Subnet`.
    pub subnets: Vec<String>,
    /// `IPAM.Config[].Gateway`: the bridge's own addresses. On Podman, none: the bridge has none.
    pub gateways: Vec<String>,
    /// No network, but settings for others: it has no bridge.
    pub config_only: bool,
    /// Nobody described it: it is an external network of a Compose project, and all else here is assumed. No engine says this.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub assumed: bool,
    /// That a Traefik is on it is assumed: a Compose project makes it, and Traefik's own project was not given. No engine
    /// says this.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub traefik_assumed: bool,
}

/// What is known of an image. Only its labels matter: they tell the operator's labels from the author's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Image {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Why the image could not be read, if so; then nobody can tell who set a label.
    pub problem: Option<String>,
}

/// A volume's driver and the options that may hide a bind. No passwords: only these options are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Volume {
    /// `local`, or a plugin.
    pub driver: String,
    /// `Options.type`: `none`, `nfs`, `cifs`, `tmpfs`.
    pub kind: String,
    /// `Options.o` holds `bind` or `rbind`.
    pub bind: bool,
    /// `Options.device`: a host path if `bind`.
    pub device: String,
}

impl Volume {
    /// The kind of one that could not be read, though whoever answers tells of volumes. No engine says this.
    pub const UNREAD: &str = "(not read)";

    /// Whether it could be read.
    pub fn is_read(&self) -> bool {
        self.kind != Self::UNREAD
    }
}

/// A container that was listed but could not be inspected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unreadable {
    /// Its name, if the list said.
    pub name: String,
    /// Its labels, if the list said.
    pub labels: BTreeMap<String, String>,
    /// What went wrong, for a person.
    pub problem: String,
    /// As [`Container::state`].
    pub state: String,
    /// As [`Container::network_mode`], if the list or what could be read of the inspection said.
    pub network_mode: String,
    /// As [`Confinement::pid_mode`], if what could be read of the inspection said.
    pub pid_mode: String,
    /// As [`Confinement::ipc_mode`], if what could be read of the inspection said.
    pub ipc_mode: String,
    /// The networks that it is on, by their names, if the list said.
    pub attachments: Attachments,
}

/// What a Swarm service or task adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Swarm {
    /// The service's name: `stack_web`.
    pub service: String,
    /// The service's id.
    pub service_id: String,
    /// For a task: its slot (replicated) or node id (global); `None` for the service itself (`lbswarm`).
    pub task: Option<String>,
    /// For a task: the address of the node it runs on (Traefik's host mode).
    pub node_ip: Option<String>,
    /// The one node whose volumes it can have, if it is known to be one: a task's, or where alone its service may run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_node: Option<String>,
    /// For a task: its container, by the task's own record; of this engine or of another node's.
    pub container: Option<ContainerId>,
    /// For a service: the containers of all its tasks, by their records; also of those that only start or end.
    pub containers: BTreeSet<ContainerId>,
    /// `Endpoint.Ports[].PublishMode` values: `ingress`, `host`.
    pub publish_modes: BTreeSet<String>,
    /// `Spec.EndpointSpec.Mode`: `vip`, `dnsrr`.
    pub endpoint_mode: String,
}
