//! The engine's JSON into the inventory's types: one object at a time, field by field, and never an error.
//!
//! What is absent, null or of an odd type is left out; a word that nobody has heard of passes as it is. So one container in
//! a strange state never blanks the others, and a newer engine does not have to be known beforehand.
//!
//! Source: moby's `api/types`, `GET /containers/{id}/json`, `/networks`, `/images/{id}/json`, `/volumes/{name}`, `/info`,
//! `/version`. Podman differs in places; those are marked.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::pieces::LEFT_OUT;
use crate::budgets::{self, Excess, Quantity};
use crate::inventory::{
    AddressPool, Attachment, Attachments, Binding, Confinement, Container, Engine, Image, ImageId, Mount, Network,
    Platform, Variant, Volume, with_zone,
};
use crate::seccomp;

static NULL: Value = Value::Null;

/// A value somewhere below; null if there is none.
pub(crate) fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().try_fold(value, |value, key| value.get(key)).unwrap_or(&NULL)
}

/// A text somewhere below; empty if there is none.
pub(crate) fn text(value: &Value, path: &[&str]) -> String {
    at(value, path).as_str().unwrap_or_default().to_owned()
}

pub(crate) fn flag(value: &Value, path: &[&str]) -> bool {
    match at(value, path) {
        Value::Bool(yes) => *yes,
        // As Compose reads it where a file has not been through `config`.
        Value::String(text) => matches!(text.to_ascii_lowercase().as_str(), "true" | "t" | "1" | "yes" | "y" | "on"),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

pub(crate) fn entries<'a>(value: &'a Value, path: &[&str]) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    at(value, path).as_object().into_iter().flat_map(Map::iter)
}

pub(crate) fn items<'a>(value: &'a Value, path: &[&str]) -> impl Iterator<Item = &'a Value> + use<'a> {
    at(value, path).as_array().into_iter().flatten()
}

fn texts<C: FromIterator<String>>(value: &Value, path: &[&str]) -> C {
    items(value, path).filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}

/// Texts by name; numbers and bools are written out.
pub(crate) fn text_map(value: &Value, path: &[&str]) -> BTreeMap<String, String> {
    entries(value, path)
        .filter_map(|(key, value)| match value {
            Value::String(text) => Some((key.clone(), text.clone())),
            Value::Number(number) => Some((key.clone(), number.to_string())),
            Value::Bool(yes) => Some((key.clone(), yes.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        })
        .collect()
}

/// Which labels are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// All of them: a snapshot is for any settings, and constraints and default rules may name any label.
    #[default]
    All,
    /// Those that [`budgets::is_read`]; what others mean to others is dropped as it is read.
    Read,
}

/// Labels somewhere below, as far as they are kept.
pub(crate) fn labels(raw: &Value, path: &[&str], kept: Kept) -> BTreeMap<String, String> {
    let mut labels = text_map(raw, path);
    if kept == Kept::Read {
        labels.retain(|key, _| budgets::is_read(key));
    }
    labels
}

/// Fields whose loss costs nothing: nobody here reads them.
const UNREAD: [&str; 10] = [
    "Args",
    "Path",
    "ExecIDs",
    "GraphDriver",
    "Config.Env",
    "Config.Cmd",
    "Config.Entrypoint",
    "Config.Healthcheck",
    "Config.OnBuild",
    "Config.Shell",
];

/// What is not in an answer because it is too large, and is missed: the names, each with its bytes.
fn left_out(raw: &Value) -> Vec<(&str, u64)> {
    let all = entries(raw, &[LEFT_OUT]).map(|(name, bytes)| (name.as_str(), bytes.as_u64().unwrap_or_default()));
    all.filter(|(name, _)| !UNREAD.contains(name)).collect()
}

/// An object is too large, and what is left of it says too little.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` in it is {bytes} bytes, too large to be read; {} of `serve`, and of the gate, allows more", Quantity::ObjectBytes.flag())]
pub struct TooLarge {
    /// The field.
    name: String,
    bytes: u64,
    /// The namespaces that a container names: network, processes, memory.
    pub(crate) modes: Box<[String; 3]>,
}

impl TooLarge {
    /// If anything but what is in `known` is left out of an object.
    fn of(raw: &Value, known: &[&str]) -> Option<Self> {
        let (name, bytes) = left_out(raw).into_iter().find(|(name, _)| !known.contains(name))?;
        let modes = ["NetworkMode", "PidMode", "IpcMode"].map(|mode| text(raw, &["HostConfig", mode]));
        Some(Self { name: name.to_owned(), bytes, modes: Box::new(modes) })
    }
}

/// What is missed of a Swarm service because it was too large. `most` is not known here.
pub(super) fn service_excess(raw: &Value) -> Option<Excess> {
    let (_, found) = left_out(raw).into_iter().find(|(name, _)| !matches!(*name, "PreviousSpec" | "UpdateStatus"))?;
    Some(Excess { quantity: Quantity::ObjectBytes, found, most: None, label: None })
}

/// As [`container`], of an answer that may be too large. Without its labels it is still a container, with
/// [`Container::excess`]; without anything else that is judged it cannot be read.
pub(crate) fn bounded(raw: &Value, kept: Kept, object_bytes: usize) -> Result<Option<Container>, TooLarge> {
    const LABELS: &str = "Config.Labels";
    if let Some(too_large) = TooLarge::of(raw, &[LABELS]) {
        return Err(too_large);
    }
    Ok(container(raw).map(|mut container| {
        container.labels = labels(raw, &["Config", "Labels"], kept);
        let found = left_out(raw).into_iter().find(|(name, _)| *name == LABELS).map(|(_, bytes)| bytes);
        container.excess = found.map(|found| {
            // A gate in between may let less through, and does not say how much.
            let most = u64::try_from(object_bytes).ok().filter(|most| *most < found);
            Excess { quantity: Quantity::ObjectBytes, found, most, label: None }
        });
        container
    }))
}

/// `GET /containers/{id}/json`. `None`: without an id there is no container.
pub fn container(raw: &Value) -> Option<Container> {
    let id = text(raw, &["Id"]);
    if id.is_empty() {
        return None;
    }
    let name = text(raw, &["Name"]);
    let mut malformed = None;
    let attachments = attachments(raw, &mut malformed);
    let ports = ports(raw, &mut malformed);
    Some(Container {
        id: id.into(),
        name: name.strip_prefix('/').unwrap_or(&name).to_owned(),
        image: text(raw, &["Config", "Image"]),
        image_id: text(raw, &["Image"]).into(),
        variant: variant(raw),
        labels: text_map(raw, &["Config", "Labels"]),
        created: text(raw, &["Created"]),
        state: text(raw, &["State", "Status"]),
        // Podman writes "" where there is no health check.
        health: Some(text(raw, &["State", "Health", "Status"])).filter(|health| !health.is_empty()),
        started_at: text(raw, &["State", "StartedAt"]),
        network_mode: text(raw, &["HostConfig", "NetworkMode"]),
        attachments,
        exposed_ports: entries(raw, &["Config", "ExposedPorts"]).map(|(port, _)| port.clone()).collect(),
        ports,
        port_bindings: bindings(raw, &["HostConfig", "PortBindings"])
            .filter(|(_, bindings)| !bindings.is_empty())
            .collect(),
        publish_all_ports: flag(raw, &["HostConfig", "PublishAllPorts"]),
        confinement: confinement(raw),
        mounts: mounts(raw),
        volumes_from: texts(raw, &["HostConfig", "VolumesFrom"]),
        swarm: None,
        malformed,
        excess: None,
    })
}

/// Which of its image's variants a container was made from.
///
/// Source: moby `daemon/containerd`, from API 1.48 on. Before that, containerd's store is told by its snapshotter alone; the
/// other snapshotters are called as drivers of the classic store are, and told by `/info`: see [`keeps_variants`].
fn variant(raw: &Value) -> Variant {
    let said = at(raw, &["ImageManifestDescriptor"]);
    let manifest = text(said, &["digest"]);
    let part = |name: &str| text(said, &["platform", name]);
    let platform = Platform {
        os: part("os"),
        architecture: part("architecture"),
        variant: part("variant"),
        os_version: part("os.version"),
    };
    if manifest.is_empty() {
        return if text(raw, &["Driver"]) == "overlayfs" { Variant::Unknown } else { Variant::Unsaid };
    }
    if manifest == text(raw, &["Image"]) {
        return Variant::Of { manifest: manifest.into(), platform: Platform::default() };
    }
    if platform.os.is_empty() || platform.architecture.is_empty() {
        return Variant::Unknown;
    }
    Variant::Of { manifest: manifest.into(), platform }
}

/// Whether an engine may keep variants for several platforms under one id. `GET /info`; `Null` where it was not to be had.
fn keeps_variants(info: &Value) -> bool {
    let is_store = |pair: &Value| {
        let word = |at: usize| pair.get(at).and_then(Value::as_str).unwrap_or_default();
        word(0) == "driver-type" && word(1).starts_with("io.containerd.")
    };
    items(info, &["DriverStatus"]).any(is_store)
}

/// `NetworkSettings.Networks`. Addresses that Go's `netip.ParseAddr` does not take make the container malformed. One with
/// a zone (`fe80::1%eth0`) is of one wire of the host's, and nothing that a container is reached at: as if there were none.
pub(crate) fn attachments(raw: &Value, malformed: &mut Option<String>) -> Attachments {
    let mut address = |value: String| {
        if value.is_empty() {
            return None;
        }
        let parsed = with_zone(&value);
        if parsed.is_none() {
            malformed.get_or_insert(format!("address `{value}`"));
        }
        parsed.filter(|(_, zone)| zone.is_none()).map(|(ip, _)| ip)
    };
    entries(raw, &["NetworkSettings", "Networks"])
        .map(|(name, network)| {
            let mut aliases: BTreeSet<String> = texts(network, &["Aliases"]);
            aliases.extend(texts::<Vec<_>>(network, &["DNSNames"]));
            let attachment = Attachment {
                network: name.clone(),
                network_id: text(network, &["NetworkID"]).into(),
                ipv4: address(text(network, &["IPAddress"])),
                ipv6: address(text(network, &["GlobalIPv6Address"])),
                aliases,
                fixed: ["IPv4Address", "IPv6Address"]
                    .iter()
                    .filter_map(|key| with_zone(at(network, &["IPAMConfig", key]).as_str()?))
                    .filter_map(|(address, zone)| zone.is_none().then_some(address))
                    .collect(),
            };
            (name.clone(), attachment.into())
        })
        .collect()
}

/// `NetworkSettings.Ports`. A port that is not `<number>/<protocol>` makes the container malformed.
fn ports(raw: &Value, malformed: &mut Option<String>) -> BTreeMap<String, Vec<Binding>> {
    bindings(raw, &["NetworkSettings", "Ports"])
        .inspect(|(port, bindings)| {
            let number = port.split('/').next().unwrap_or_default();
            if number.parse::<u16>().is_err() {
                malformed.get_or_insert(format!("port `{port}`"));
            }
            for binding in bindings {
                if !binding.host_ip.is_empty() && with_zone(&binding.host_ip).is_none() {
                    malformed.get_or_insert(format!("host address `{}`", binding.host_ip));
                }
            }
        })
        .collect()
}

fn bindings<'a>(raw: &'a Value, path: &[&str]) -> impl Iterator<Item = (String, Vec<Binding>)> + use<'a> {
    entries(raw, path).map(|(port, bindings)| {
        let bindings = bindings
            .as_array()
            .into_iter()
            .flatten()
            .map(|binding| Binding { host_ip: text(binding, &["HostIp"]), host_port: text(binding, &["HostPort"]) });
        (port.clone(), bindings.collect())
    })
}

/// Kernel settings: of the container, and those that the engine makes on its interfaces (`IFNAME` stands for one's name).
fn sysctls(raw: &Value) -> BTreeMap<String, String> {
    let mut sysctls = BTreeMap::new();
    for (key, value) in text_map(raw, &["HostConfig", "Sysctls"]) {
        let key = dotted(&key);
        // Of two spellings of one, what is not as it should be counts: nobody knows which is written last.
        let is_bad = (value.trim() == "0") == key.ends_with("rp_filter");
        if is_bad || !sysctls.contains_key(&key) {
            sysctls.insert(key, value);
        }
    }
    for (_, network) in entries(raw, &["NetworkSettings", "Networks"]) {
        let settings = at(network, &["DriverOpts", "com.docker.network.endpoint.sysctls"]).as_str().unwrap_or_default();
        for (key, value) in settings.split(',').filter_map(|setting| setting.split_once('=')) {
            let (key, value) = (dotted(key.trim()), value.trim().to_owned());
            // Of two interfaces, the one that is set to something counts.
            if value != "0" || !sysctls.contains_key(&key) {
                sysctls.insert(key, value);
            }
        }
    }
    sysctls
}

/// A kernel setting with dots between its parts: where the first separator is a slash, slashes and dots change places.
/// Source: sysctl.d(5); runc takes both.
fn dotted(key: &str) -> String {
    if key.chars().find(|it| matches!(it, '.' | '/')) == Some('/') {
        key.chars()
            .map(|it| {
                if it == '/' {
                    '.'
                } else if it == '.' {
                    '/'
                } else {
                    it
                }
            })
            .collect()
    } else {
        key.to_owned()
    }
}

/// Whether a runtime obeys an annotation of this name: what `features` of runc and of crun calls unsafe, and the settings of
/// Kata and gVisor.
pub(crate) fn commands_runtime(name: &str) -> bool {
    const OBEYED: [&str; 6] =
        ["org.systemd.property.", "run.oci.", "org.criu.", "module.wasm.image/", "io.katacontainers.", "dev.gvisor."];
    // Podman writes these on each container, from its stop signal and stop time; they are about its own scope alone.
    const PODMANS: [&str; 2] = ["org.systemd.property.KillSignal", "org.systemd.property.TimeoutStopUSec"];
    OBEYED.iter().any(|prefix| name.starts_with(prefix)) && !PODMANS.contains(&name)
}

pub(crate) fn confinement(raw: &Value) -> Confinement {
    let host = at(raw, &["HostConfig"]);
    let list = |path: &[&str]| at(host, path).as_array().map(|_| texts(host, path));
    Confinement {
        privileged: flag(host, &["Privileged"]),
        privileged_hooks: Vec::new(),
        cap_add: texts(host, &["CapAdd"]),
        cap_drop: texts(host, &["CapDrop"]),
        sysctls: sysctls(raw),
        pid_mode: text(host, &["PidMode"]),
        ipc_mode: text(host, &["IpcMode"]),
        uts_mode: text(host, &["UTSMode"]),
        userns_mode: text(host, &["UsernsMode"]),
        cgroupns_mode: text(host, &["CgroupnsMode"]),
        cgroup_parent: text(host, &["CgroupParent"]),
        devices: items(host, &["Devices"]).map(|device| text(device, &["PathOnHost"])).collect(),
        device_cgroup_rules: texts(host, &["DeviceCgroupRules"]),
        device_requests: items(host, &["DeviceRequests"]).next().is_some(),
        annotations: entries(host, &["Annotations"])
            .map(|(name, _)| name.clone())
            .filter(|name| commands_runtime(name))
            .collect(),
        security_opt: texts::<Vec<_>>(host, &["SecurityOpt"]).iter().map(|it| seccomp::shortened(it)).collect(),
        apparmor_profile: text(raw, &["AppArmorProfile"]),
        masked_paths: list(&["MaskedPaths"]),
        readonly_paths: list(&["ReadonlyPaths"]),
        readonly_rootfs: flag(host, &["ReadonlyRootfs"]),
        user: text(raw, &["Config", "User"]),
        memory: at(host, &["Memory"]).as_i64().unwrap_or_default(),
        pids_limit: at(host, &["PidsLimit"]).as_i64(),
        runtime: text(host, &["Runtime"]),
        group_add: texts(host, &["GroupAdd"]),
        log_driver: text(host, &["LogConfig", "Type"]),
        log_path: log_path(raw),
        extra_hosts: texts(host, &["ExtraHosts"]),
        dns: texts(host, &["Dns"]),
    }
}

/// Where the engine writes what the container prints, if somebody chose that. Docker and Podman keep it in a folder that is
/// called by the container's id, which nobody knows before it is made. A log driver without a file may have a path too (Podman):
/// nothing is written there.
fn log_path(raw: &Value) -> String {
    let (path, id) = (text(raw, &["LogPath"]), text(raw, &["Id"]));
    let driver = text(raw, &["HostConfig", "LogConfig", "Type"]);
    let has_no_file = matches!(driver.as_str(), "journald" | "none" | "passthrough" | "passthrough-tty");
    let is_own = || {
        let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        path.starts_with('/')
            && is_id
            && path.split('/').any(|part| part == id)
            && !path.split('/').any(|it| it == "..")
    };
    if has_no_file || is_own() { String::new() } else { path }
}

/// `Mounts`, then what only `HostConfig` shows: a container that was created but never started has no `Mounts` yet on
/// some engines.
pub(crate) fn mounts(raw: &Value) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = items(raw, &["Mounts"])
        .map(|mount| Mount {
            kind: text(mount, &["Type"]),
            source: text(mount, &["Source"]),
            destination: text(mount, &["Destination"]),
            name: text(mount, &["Name"]),
            writable: flag(mount, &["RW"]),
            propagation: text(mount, &["Propagation"]),
            made_as: None,
        })
        .collect();
    let binds = items(raw, &["HostConfig", "Binds"]).filter_map(Value::as_str).filter_map(bind);
    let described = items(raw, &["HostConfig", "Mounts"]).map(|mount| {
        let kind = text(mount, &["Type"]);
        let source = text(mount, &["Source"]);
        Mount {
            name: if kind == "volume" { source.clone() } else { String::new() },
            source,
            kind,
            destination: text(mount, &["Target"]),
            writable: !flag(mount, &["ReadOnly"]),
            propagation: text(mount, &["BindOptions", "Propagation"]),
            made_as: made_as(mount),
        }
    });
    for mount in binds.chain(described) {
        if !mounts.iter().any(|known| known.destination == mount.destination) {
            mounts.push(mount);
        }
    }
    // What is mounted below it on the host may be written.
    let is_deep = |described: &&Value| flag(described, &["BindOptions", "ReadOnlyNonRecursive"]);
    for described in items(raw, &["HostConfig", "Mounts"]).filter(is_deep) {
        let target = text(described, &["Target"]);
        mounts.iter_mut().filter(|mount| mount.destination == target).for_each(|mount| mount.writable = true);
    }
    mounts
}

/// What a volume is made as, if the mount says so.
fn made_as(mount: &Value) -> Option<Box<Volume>> {
    let config = at(mount, &["VolumeOptions", "DriverConfig"]);
    config.is_object().then(|| {
        let described = json!({ "Driver": at(config, &["Name"]), "Options": at(config, &["Options"]) });
        Box::new(volume(&described))
    })
}

/// `source:destination[:options]`; the source is a host path or a volume's name.
fn bind(bind: &str) -> Option<Mount> {
    let mut parts = bind.splitn(3, ':');
    let (source, destination, options) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    let is_path = source.starts_with('/');
    let propagation = options.split(',').find(|option| option.ends_with("shared") || option.ends_with("slave"));
    Some(Mount {
        kind: if is_path { "bind" } else { "volume" }.to_owned(),
        source: source.to_owned(),
        destination: destination.to_owned(),
        name: if is_path { String::new() } else { source.to_owned() },
        writable: !options.split(',').any(|option| option == "ro"),
        propagation: propagation.unwrap_or_default().to_owned(),
        made_as: None,
    })
}

/// One of `GET /networks`. `None`: without a name there is no network.
pub fn network(raw: &Value) -> Option<Network> {
    let name = text(raw, &["Name"]);
    // Podman's compatible API has ids; an engine without any is known by names.
    let id = Some(text(raw, &["Id"])).filter(|id| !id.is_empty()).unwrap_or_else(|| name.clone());
    if id.is_empty() {
        return None;
    }
    Some(Network {
        id: id.into(),
        name,
        // Whose options are not known is no network that could be verified.
        driver: match TooLarge::of(raw, &["Labels", "Containers"]) {
            Some(TooLarge { name, .. }) => format!("(too large to be read: {name})"),
            None => text(raw, &["Driver"]),
        },
        scope: text(raw, &["Scope"]),
        internal: flag(raw, &["Internal"]),
        ingress: flag(raw, &["Ingress"]),
        attachable: flag(raw, &["Attachable"]),
        ipv6: flag(raw, &["EnableIPv6"]),
        options: text_map(raw, &["Options"]),
        labels: text_map(raw, &["Labels"]),
        subnets: items(raw, &["IPAM", "Config"]).map(|config| text(config, &["Subnet"])).collect(),
        // Podman writes a Go `nil` where there is none.
        gateways: items(raw, &["IPAM", "Config"])
            .map(|config| text(config, &["Gateway"]))
            .filter(|gateway| !matches!(gateway.as_str(), "" | "<nil>"))
            .collect(),
        config_only: flag(raw, &["ConfigOnly"]),
        assumed: false,
        traefik_assumed: false,
    })
}

/// `GET /images/{id}/json`, asked for the variant that this digest is of, if the engine names one.
pub fn image(raw: &Value, variant: Option<&ImageId>, kept: Kept) -> Image {
    let too_large =
        left_out(raw).into_iter().find(|(name, _)| *name == "Config.Labels").and_then(|_| TooLarge::of(raw, &[]));
    let kind = text(raw, &["Descriptor", "mediaType"]);
    let problem = match variant {
        // Two variants may be for one platform, and which of them is described is for the engine to choose.
        Some(digest) if text(raw, &["Id"]) != digest.as_str() => {
            Some(format!("the engine describes another variant of it than {digest}"))
        }
        None if kind.contains("index") || kind.contains("manifest.list") => {
            Some("it holds several variants, and the engine does not say which of them this is".to_owned())
        }
        _ => too_large.map(|problem| problem.to_string()),
    };
    Image { labels: labels(raw, &["Config", "Labels"], kept), problem }
}

fn is_bind(options: &Value) -> bool {
    text(options, &["o"]).split(',').any(|option| matches!(option.trim(), "bind" | "rbind"))
}

/// The kind of file system that a volume's options ask for, if they ask for any. Podman leaves a device without one to
/// `mount`, for which that is `auto`. Source: Podman `libpod/volume_internal_linux.go`.
pub(crate) fn volume_kind(options: &Value) -> Option<&str> {
    let word = |key| at(options, &[key]).as_str().filter(|word| !word.is_empty());
    word("type").or_else(|| word("device").filter(|_| !is_bind(options)).map(|_| "auto"))
}

/// `GET /volumes/{name}`. Of the options only what tells a bind from a volume: others may hold passwords.
pub fn volume(raw: &Value) -> Volume {
    let options = at(raw, &["Options"]);
    let is_bind = is_bind(options);
    Volume {
        driver: text(raw, &["Driver"]),
        // Whose options are not known is none of the engine's own.
        kind: match TooLarge::of(raw, &["Labels", "Status"]) {
            Some(_) => "unknown",
            None => volume_kind(options).unwrap_or_default(),
        }
        .to_owned(),
        bind: is_bind,
        device: if is_bind { text(raw, &["Options", "device"]) } else { String::new() },
    }
}

/// `GET /version` and `GET /info`; both may be null.
pub fn engine(version: &Value, info: &Value) -> Engine {
    Engine {
        product: items(version, &["Components"]).next().map(|it| text(it, &["Name"])).unwrap_or_default(),
        version: Some(text(version, &["Version"]))
            .filter(|it| !it.is_empty())
            .unwrap_or_else(|| text(info, &["ServerVersion"])),
        api_version: text(version, &["ApiVersion"]),
        warnings: texts(info, &["Warnings"]),
        security_options: at(info, &["SecurityOptions"]).as_array().map(|_| texts(info, &["SecurityOptions"])),
        bridge_nf_iptables: at(info, &["BridgeNfIptables"]).as_bool(),
        firewall: Some(text(info, &["FirewallBackend", "Driver"])).filter(|it| !it.is_empty()),
        root_dir: Some(text(info, &["DockerRootDir"])).filter(|it| !it.is_empty()),
        address_pools: items(info, &["DefaultAddressPools"])
            .map(|pool| AddressPool {
                base: text(pool, &["Base"]),
                size: pool["Size"].as_u64().and_then(|size| u8::try_from(size).ok()).unwrap_or_default(),
            })
            .collect(),
        swarm_state: Some(text(info, &["Swarm", "LocalNodeState"])).filter(|it| !it.is_empty()),
        swarm_node: Some(text(info, &["Swarm", "NodeID"])).filter(|it| !it.is_empty()),
        swarm_manager: flag(info, &["Swarm", "ControlAvailable"]),
        keeps_variants: keeps_variants(info),
        gwbridge_members: Some(BTreeSet::new()),
        host_address: None,
        socket_access: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Podman puts two such names on each container itself: every container on it was refused.
    #[test]
    fn what_podman_writes_on_each_container_commands_no_runtime() {
        let annotations = json!({
            "io.container.manager": "libpod",
            "org.opencontainers.image.stopSignal": "15",
            "org.systemd.property.KillSignal": "15",
            "org.systemd.property.TimeoutStopUSec": "uint64 10000000",
        });
        assert!(confinement(&json!({ "HostConfig": { "Annotations": annotations } })).annotations.is_empty());
        assert!(commands_runtime("org.systemd.property.OnFailure"));
    }

    /// `--log-opt path=/etc/ld.so.preload`: Podman, which is root, writes there what the container prints. Measured with 5.4 and
    /// 5.8, whose answers say it in `LogPath` alone.
    #[test]
    fn output_that_goes_to_a_chosen_file_of_the_host_is_seen() {
        let id = "4c4e5bb20d820e6c1a5570ab3ec08585018ab4484e8ce0acd12cc84c320cf86f";
        let other = id.replace('4', "5");
        let seen = |driver: &str, path: &str| {
            let raw =
                json!({ "Id": id, "LogPath": path, "HostConfig": { "LogConfig": { "Type": driver, "Config": null } } });
            confinement(&raw).log_path
        };
        for path in [
            "/etc/ld.so.preload".to_owned(),
            "relative.log".to_owned(),
            format!("{id}/relative.log"),
            format!("/var/{id}.log"),
            format!("/var/{id}/../../etc/passwd"),
            format!("/var/lib/containers/storage/overlay-containers/{other}/userdata/ctr.log"),
        ] {
            assert_eq!(seen("json-file", &path), path);
            assert_eq!(seen("", &path), path);
            assert_eq!(seen("journald", &path), "");
        }
        for path in [
            String::new(),
            format!("/var/lib/docker/containers/{id}/{id}-json.log"),
            format!("/var/lib/containers/storage/overlay-containers/{id}/userdata/ctr.log"),
        ] {
            assert_eq!(seen("json-file", &path), "");
        }
        // What a Compose file calls it is known beforehand.
        let raw = json!({ "Id": "web", "LogPath": "/etc/web/x" });
        assert_eq!(confinement(&raw).log_path, "/etc/web/x");
    }

    #[test]
    fn which_variant_of_its_image_a_container_was_made_from() {
        let of = |manifest: &str, platform: [&str; 3]| Variant::Of {
            manifest: manifest.into(),
            platform: Platform {
                os: platform[0].into(),
                architecture: platform[1].into(),
                variant: platform[2].into(),
                os_version: String::new(),
            },
        };
        let named = |platform: Value| json!({"digest": "sha256:m", "platform": platform});
        for (descriptor, driver, wanted) in [
            (Value::Null, "overlay2", Variant::Unsaid),
            (Value::Null, "overlayfs", Variant::Unknown),
            (json!({"digest": "sha256:i"}), "overlayfs", of("sha256:i", ["", "", ""])),
            (
                named(json!({"os": "linux", "architecture": "arm", "variant": "v7"})),
                "x",
                of("sha256:m", ["linux", "arm", "v7"]),
            ),
            (named(Value::Null), "x", Variant::Unknown),
            (named(json!({"os": "linux"})), "x", Variant::Unknown),
        ] {
            let raw = json!({"Id": "c", "Image": "sha256:i", "Driver": driver, "ImageManifestDescriptor": descriptor});
            assert_eq!(container(&raw).unwrap().variant, wanted, "{raw}");
        }
    }
}
