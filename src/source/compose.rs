//! Compose projects as inventories: what the engine would say once they were deployed.
//!
//! ```text
//! docker compose config    -> services, networks, volumes      what Compose has merged and filled in
//! inspect                  -> the JSON that the engine would answer with for them
//! facts                    -> Inventory                        the same reader as for a real engine
//! ```
//!
//! Pure. What only an engine knows is made up so that it decides nothing: addresses, the labels of the image (none), its
//! user (not root), and the port that it exposes where no label and no `expose` names one, which is said.
//!
//! Source: the Compose specification; how names are made, `docker/compose` v2 `pkg/compose/create.go`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::facts::{self, at, entries, flag, items, text, text_map};
use crate::inventory::{Container, ContainerId, Image, Inventory, Mount, Network};
use crate::traefik::Version;

/// When a container was made that is still to be made: after all others.
const LATER: &str = "9999-12-31T23:59:59Z";
/// The commands that Compose runs in, or in place of, a service's container.
const HOOKS: [&str; 3] = ["pre_start", "post_start", "pre_stop"];
/// The port that an image exposes and nobody knows yet. Traefik is never told.
pub const SOME_PORT: u16 = 0;
/// The user of a service that names none, which may be anybody.
const IMAGES_OWN: &str = "(the image's)";
/// The most ports of a project's containers. A range is written out, for each replica: two lines can name millions.
const MOST_PORTS: u64 = 200_000;
/// The addresses of those that have none yet: 198.18.0.0/15, the range for benchmarks (RFC 2544).
const MADE_UP: Range<u32> = 0xC612_0001..0xC614_0000;
/// What to do about a file that is not merged and filled in.
const PIPE: &str = "pipe it through Compose: docker compose config --format json | leeward check -";

/// One project, ready to be put beside others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Its containers, networks and volumes.
    pub inventory: Inventory,
    /// Networks that it joins and does not make: their names, and what the file calls them.
    pub external: BTreeMap<String, String>,
    /// What was made up that may matter, for a person.
    pub assumed: Vec<String>,
    /// The last file of ours that was merged into it: [`OWN_FILE`].
    pub own_file: Option<String>,
}

/// The key by which a file that `leeward fix` wrote says its name; Compose keeps it where it merges files.
///
/// Source: Compose specification, *Extensions*: `x-` at the top level.
pub const OWN_FILE: &str = "x-leeward-file";

/// Where a file was read, for paths in it that Compose has not made absolute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Folders<'a> {
    /// The folder that the file is in, from the root on; empty: not known, and paths stay as they are.
    pub file: &'a str,
    /// What `~` is; empty: not known.
    pub home: &'a str,
}

/// Reads what `docker compose config` writes, as JSON or YAML.
///
/// `name`: the project's name where the text does not say it, as with docker-compose 1.29.
///
/// Errors: words without the file's name, with a remedy.
pub fn read(text: &str, name: &str) -> Result<Project, String> {
    read_in(text, name, Folders::default())
}

/// As [`read`], of a file whose paths may begin with `.` or `~`.
pub fn read_in(text: &str, name: &str, folders: Folders<'_>) -> Result<Project, String> {
    let mut config = parse(text)?;
    fill_in(&mut config, &mut String::new())?;
    make_absolute(&mut config, folders);
    if !config.get("services").is_some_and(Value::is_object) {
        return Err(format!("has no `services`, so it is no Compose project; {PIPE}"));
    }
    if config.get("include").is_some() {
        return Err(format!("has an `include` that Compose has not merged yet; {PIPE}"));
    }
    let ports = entries(&config, &["services"]).map(|(_, it)| count_ports(it).saturating_mul(replicas(it)));
    let ports = ports.fold(0, u64::saturating_add);
    if ports > MOST_PORTS {
        return Err(format!(
            "publishes or exposes {ports} ports, each replica's counted, and no more than {MOST_PORTS} are looked at; name fewer"
        ));
    }
    let name = Some(facts::text(&config, &["name"])).filter(|it| !it.is_empty()).unwrap_or_else(|| name.to_owned());
    let own_file = Some(facts::text(&config, &[OWN_FILE])).filter(|it| !it.is_empty());
    let mut project = Project { name, own_file, ..Project::default() };
    for (key, network) in with_default(&config) {
        let raw = project.network(&key, &network);
        let full = facts::text(&raw, &["Name"]);
        if is_external(&network) {
            project.external.insert(full, key);
        } else if let Some(network) = facts::network(&raw) {
            project.inventory.networks.insert(network.id.clone(), network);
        }
    }
    for (key, volume) in entries(&config, &["volumes"]) {
        if !is_external(volume) {
            let raw = json!({ "Driver": driver(volume, "local"), "Options": at(volume, &["driver_opts"]) });
            let name = project.full_name(key, volume);
            project.inventory.volumes.insert(name, facts::volume(&raw));
        }
    }
    for (service, described) in entries(&config, &["services"]) {
        for key in ["extends", "label_file"] {
            if described.get(key).is_some() {
                return Err(format!("service `{service}` has `{key}`, which Compose has not merged yet; {PIPE}"));
            }
        }
        // Somebody else than the engine runs these.
        if described.get("provider").is_none() {
            project.service(&config, service, described);
        }
    }
    Ok(project)
}

/// Puts projects into an engine's inventory: in place of what is there of the same projects, beside all else.
///
/// A network that a project joins and that nobody makes is there too, as [`Network::assumed`].
pub fn deploy(projects: &[Project], there: Inventory) -> Inventory {
    let mut whole = there;
    for project in projects {
        let theirs = |container: &Container| {
            container.labels.get("com.docker.compose.project").is_some_and(|name| *name == project.name)
        };
        whole.containers.retain(|_, container| !theirs(container));
    }
    for project in projects {
        let Inventory { containers, networks, images, volumes, .. } = project.inventory.clone();
        let made: BTreeSet<&str> = networks.values().map(|network| network.name.as_str()).collect();
        whole.networks.retain(|_, network| !made.contains(network.name.as_str()));
        whole.containers.extend(containers);
        whole.networks.extend(networks);
        whole.images.extend(images);
        whole.volumes.extend(volumes);
    }
    // Every engine has these.
    for (name, driver) in [("bridge", "bridge"), ("host", "host"), ("none", "null")] {
        if whole.network_named(name).is_none()
            && let Some(network) = facts::network(&json!({ "Name": name, "Driver": driver, "Scope": "local" }))
        {
            whole.networks.insert(network.id.clone(), network);
        }
    }
    for name in projects.iter().flat_map(|project| project.external.keys()) {
        if whole.network_named(name).is_none() {
            let network = not_given(name);
            whole.networks.insert(network.id.clone(), network);
        }
    }
    let Inventory { containers, networks, .. } = &mut whole;
    share_mounts(containers, &ids(projects));
    let mut addresses = MADE_UP;
    for id in ids(projects) {
        let Some(container) = containers.get_mut(id).map(Arc::make_mut) else { continue };
        for attachment in container.attachments.values_mut() {
            let Some(network) = networks.values().find(|network| network.name == attachment.network) else { continue };
            attachment.network_id = network.id.clone();
            if attachment.ipv4.is_none() && !matches!(network.driver.as_str(), "host" | "null") {
                attachment.ipv4 = addresses.next().map(|address| IpAddr::V4(address.into()));
            }
        }
    }
    whole
}

/// A network of which only the name is known, as good as it can be: NET-027 says what that leaves open.
fn not_given(name: &str) -> Network {
    let closed = [("gateway_mode_ipv4", "isolated"), ("inhibit_ipv4", "true")];
    Network {
        id: format!("not-given:{name}").into(),
        name: name.to_owned(),
        driver: "bridge".to_owned(),
        scope: "local".to_owned(),
        internal: true,
        options: closed.map(|(key, value)| (format!("com.docker.network.bridge.{key}"), value.to_owned())).into(),
        assumed: true,
        ..Network::default()
    }
}

/// `volumes_from`: the engine shows what comes from another container, also through a third, like what is a container's own.
fn share_mounts(containers: &mut BTreeMap<ContainerId, Arc<Container>>, ids: &BTreeSet<&ContainerId>) {
    let shared: Vec<(ContainerId, Vec<Mount>)> =
        ids.iter().map(|id| ((*id).clone(), mounts_from_others(containers, id))).collect();
    for (id, shared) in shared.into_iter().filter(|(_, shared)| !shared.is_empty()) {
        if let Some(container) = containers.get_mut(&id).map(Arc::make_mut) {
            container.mounts.extend(shared);
        }
    }
}

fn mounts_from_others(containers: &BTreeMap<ContainerId, Arc<Container>>, id: &ContainerId) -> Vec<Mount> {
    let mut shared = Vec::new();
    let mut seen: BTreeSet<(&str, bool)> = BTreeSet::new();
    let mut open: Vec<(&str, bool)> = Vec::new();
    let from = |container: &str, read_only: bool| {
        let all = containers.get(container).into_iter().flat_map(|it| &it.volumes_from);
        all.map(move |from| {
            let (other, options) = from.split_once(':').unwrap_or((from, ""));
            (other, read_only || options == "ro")
        })
    };
    open.extend(from(id.as_str(), false));
    while let Some((other, read_only)) = open.pop() {
        let by_id = containers.get(other);
        let Some(found) = by_id.or_else(|| containers.values().find(|it| it.name == other)) else {
            let source = other.to_owned();
            shared.push(Mount { kind: Mount::OF_UNKNOWN.to_owned(), source, writable: !read_only, ..Mount::default() });
            continue;
        };
        if seen.insert((found.id.as_str(), read_only)) {
            let mounts = found.mounts.iter();
            shared.extend(mounts.map(|mount| Mount { writable: mount.writable && !read_only, ..mount.clone() }));
            open.extend(from(found.id.as_str(), read_only));
        }
    }
    shared
}

/// Whether an address was made up by [`deploy`].
pub fn is_made_up(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if MADE_UP.contains(&address.into()))
}

fn parse(text: &str) -> Result<Value, String> {
    // JSON is nearly all YAML, but what is wrong with it is better said by its own reader.
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|problem| format!("cannot be read as JSON: {problem}"));
    }
    let problem = |problem: serde_saphyr::Error| {
        let words = problem.to_string();
        format!("cannot be read as YAML: {}", words.lines().next().unwrap_or_default())
    };
    // As Compose: `n`, `yes` and `off` are words, and a network may be called so.
    serde_saphyr::from_str_with_options(text, serde_saphyr::options! { strict_booleans: true }).map_err(problem)
}

/// `$$` means `$`; a `$` that still wants to be replaced is an error. `place` is where we are: `services.web.image`.
fn fill_in(value: &mut Value, place: &mut String) -> Result<(), String> {
    match value {
        Value::String(text) => {
            let whole = text.replace("$$", "");
            let wants = |next: char| next == '{' || next == '_' || next.is_ascii_alphabetic();
            if whole.match_indices('$').any(|(at, _)| whole.get(at + 1..).is_some_and(|it| it.starts_with(wants))) {
                return Err(format!("`{place}` is `{text}`, which is not filled in yet; {PIPE}"));
            }
            *text = text.replace("$$", "$");
        }
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                within(place, &format!("[{at}]"), |place| fill_in(item, place))?;
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                // Commands never reach the inventory, so what they hold is nobody's business here.
                if !matches!(key.as_str(), "command" | "entrypoint" | "environment" | "healthcheck") {
                    let step = if place.is_empty() { key.clone() } else { format!(".{key}") };
                    within(place, &step, |place| fill_in(field, place))?;
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// Host paths as Compose makes them: from the root on.
fn make_absolute(config: &mut Value, folders: Folders<'_>) {
    let services = config.get_mut("services").and_then(Value::as_object_mut);
    let volumes = services.into_iter().flat_map(|services| services.values_mut());
    for mount in volumes.filter_map(|it| it.get_mut("volumes")?.as_array_mut()).flatten() {
        if let Value::String(short) = mount {
            // With one part it is a path in the container.
            let whole = short.split_once(':').map(|(path, rest)| (folders.absolute(path), rest));
            if let Some((Some(path), rest)) = whole {
                *short = format!("{path}:{rest}");
            }
        } else if at(mount, &["type"]) == "bind" {
            replace(mount, "source", folders);
        }
    }
    for kind in ["secrets", "configs"] {
        let files = config.get_mut(kind).and_then(Value::as_object_mut);
        files.into_iter().flat_map(|it| it.values_mut()).for_each(|it| replace(it, "file", folders));
    }
}

fn replace(holder: &mut Value, key: &str, folders: Folders<'_>) {
    if let Some(Value::String(path)) = holder.get_mut(key)
        && let Some(whole) = folders.absolute(path)
    {
        *path = whole;
    }
}

impl Folders<'_> {
    /// A path that begins with `.` or `~`, from the root on. `None`: it does not, or the folder is not known.
    fn absolute(self, path: &str) -> Option<String> {
        let (folder, rest) = match path.strip_prefix('~') {
            Some(rest) => (self.home, rest.strip_prefix('/').unwrap_or(rest)),
            None => (self.file, path.starts_with('.').then_some(path)?),
        };
        let mut parts: Vec<&str> = folder.trim_end_matches('/').split('/').collect();
        for part in rest.split('/') {
            match part {
                "" | "." => {}
                // Above the root there is the root.
                ".." => parts.truncate(parts.len().saturating_sub(1).max(1)),
                part => parts.push(part),
            }
        }
        let whole = parts.join("/");
        (!folder.is_empty()).then(|| if whole.is_empty() { "/".to_owned() } else { whole })
    }
}

fn within<T>(place: &mut String, step: &str, work: impl FnOnce(&mut String) -> T) -> T {
    let length = place.len();
    place.push_str(step);
    let done = work(place);
    place.truncate(length);
    done
}

/// The networks, and the one that services are on which name none, or name it and nobody declares it.
fn with_default(config: &Value) -> Map<String, Value> {
    let mut networks = at(config, &["networks"]).as_object().cloned().unwrap_or_default();
    let needs = |service: &Value| {
        let own = networks_of(service);
        service.get("network_mode").is_none() && (own.is_empty() || own.contains_key("default"))
    };
    if !networks.contains_key("default") && entries(config, &["services"]).any(|(_, service)| needs(service)) {
        networks.insert("default".to_owned(), Value::Null);
    }
    networks
}

/// A service's own networks, by key, each with its settings.
fn networks_of(service: &Value) -> Map<String, Value> {
    let listed = items(service, &["networks"]).filter_map(Value::as_str).map(|key| (key.to_owned(), Value::Null));
    at(service, &["networks"]).as_object().cloned().unwrap_or_default().into_iter().chain(listed).collect()
}

/// `external: true`, or docker-compose 1.29's `external: {name: …}`.
fn is_external(described: &Value) -> bool {
    flag(described, &["external"]) || at(described, &["external"]).is_object()
}

fn driver(described: &Value, usual: &str) -> String {
    Some(text(described, &["driver"])).filter(|it| !it.is_empty()).unwrap_or_else(|| usual.to_owned())
}

/// A number or a text, as text.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// A map, or a list of `key=value`: labels, sysctls.
fn pairs(service: &Value, key: &str) -> Value {
    let mut map = text_map(service, &[key]);
    for pair in items(service, &[key]).filter_map(Value::as_str) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        map.insert(key.to_owned(), value.to_owned());
    }
    json!(map)
}

/// Bytes: `134217728`, `128m`, `1.5gb`.
fn bytes(value: &Value) -> Option<i64> {
    let written = word(value).to_ascii_lowercase();
    let number = written.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let unit = written.get(number.len()..)?;
    let factor = match unit.trim_end_matches('b') {
        "" => 1_i64,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // A rest of a unit only has to be no limit of nothing.
    whole.parse::<i64>().ok()?.checked_mul(factor)?.checked_add(i64::from(!fraction.is_empty()))
}

/// Published ports: `80/tcp` and where on the host.
fn published(service: &Value) -> Vec<(String, Value)> {
    let one = |port: &Value| {
        if let Some(text) = port.as_str() {
            let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
            // `127.0.0.1:8080:80`, `8080:80`, `80`; an IPv6 address has colons of its own.
            let (front, target) = text.rsplit_once(':').unwrap_or(("", text));
            let (ip, host) = front.rsplit_once(':').unwrap_or(("", front));
            let ip = ip.trim_start_matches('[').trim_end_matches(']');
            (target.to_owned(), protocol.to_owned(), host.to_owned(), ip.to_owned())
        } else if port.is_number() {
            (word(port), "tcp".to_owned(), String::new(), String::new())
        } else {
            let protocol = Some(text(port, &["protocol"])).filter(|it| !it.is_empty());
            let host = word(at(port, &["published"]));
            (word(at(port, &["target"])), protocol.unwrap_or_else(|| "tcp".into()), host, text(port, &["host_ip"]))
        }
    };
    let each = |(target, protocol, host, ip): (String, String, String, String)| {
        let (targets, hosts) = (range(&target), range(&host));
        let pairs: Vec<(String, String)> = match (targets.as_slice(), hosts.as_slice()) {
            // Any one of several, which the engine picks.
            ([_], [_, _, ..]) => vec![(target, host)],
            (targets, hosts) => {
                let host = |at: usize| hosts.get(at).cloned().unwrap_or_default();
                targets.iter().enumerate().map(|(at, target)| (target.clone(), host(at))).collect()
            }
        };
        let binding = move |(target, host)| (format!("{target}/{protocol}"), json!({ "HostIp": ip, "HostPort": host }));
        pairs.into_iter().map(binding).collect::<Vec<_>>()
    };
    items(service, &["ports"]).map(one).flat_map(each).collect()
}

/// The ports of `8000-8010`; whatever is no range, or has more ports than there are, is itself.
fn range(text: &str) -> Vec<String> {
    match ends(text) {
        Some(ports) => ports.map(|port| port.to_string()).collect(),
        None => vec![text.to_owned()],
    }
}

fn ends(text: &str) -> Option<RangeInclusive<u16>> {
    let (from, to) = text.split_once('-')?;
    Some(from.parse().ok()?..=to.parse().ok()?).filter(|ports| !ports.is_empty())
}

/// How many ports a service names, on the host and in its containers, those of ranges counted.
fn count_ports(service: &Value) -> u64 {
    let width = |text: &str| ends(text).map_or(1, |ports| ports.len() as u64);
    let all = |text: &str| text.split('/').next().into_iter().flat_map(|it| it.split(':')).map(width).sum::<u64>();
    let published = items(service, &["ports"]).map(|port| match port {
        Value::Object(_) => ["target", "published"].iter().map(|key| all(&word(at(port, &[key])))).sum(),
        short => all(&word(short)),
    });
    published.chain(items(service, &["expose"]).map(|port| all(&word(port)))).sum()
}

/// How many containers of a service are looked at.
fn replicas(service: &Value) -> u64 {
    let said = at(service, &["deploy", "replicas"]).as_u64().or_else(|| at(service, &["scale"]).as_u64());
    said.unwrap_or(1).min(100)
}

fn exposed(service: &Value) -> BTreeSet<String> {
    let named = items(service, &["expose"]).map(word);
    let each = |port: String| {
        let (ports, protocol) = port.split_once('/').unwrap_or((&port, "tcp"));
        range(ports).into_iter().map(|port| format!("{port}/{protocol}")).collect::<Vec<_>>()
    };
    named.flat_map(each).collect()
}

impl Project {
    /// What the engine knows a network or volume as: its `name`, else the project's name before its key.
    fn full_name(&self, key: &str, described: &Value) -> String {
        let external = at(described, &["external", "name"]).as_str().map(ToOwned::to_owned);
        let named = Some(text(described, &["name"])).filter(|it| !it.is_empty());
        named
            .or(external)
            .unwrap_or_else(|| if is_external(described) { key.to_owned() } else { format!("{}_{key}", self.name) })
    }

    fn network(&self, key: &str, network: &Value) -> Value {
        let driver = driver(network, "bridge");
        let mut labels = pairs(network, "labels");
        if let Some(labels) = labels.as_object_mut().filter(|_| !is_external(network)) {
            let compose = [("project", self.name.as_str()), ("network", key)];
            labels.extend(compose.map(|(key, value)| (format!("com.docker.compose.{key}"), json!(value))));
        }
        json!({
            "Name": self.full_name(key, network),
            "Scope": if driver == "overlay" { "swarm" } else { "local" },
            "Driver": driver,
            "Internal": at(network, &["internal"]),
            "Attachable": at(network, &["attachable"]),
            "EnableIPv6": at(network, &["enable_ipv6"]),
            "Options": at(network, &["driver_opts"]),
            "Labels": labels,
            "IPAM": { "Config": items(network, &["ipam", "config"]).map(|it| json!({ "Subnet": text(it, &["subnet"]) })).collect::<Vec<_>>() },
        })
    }

    /// The id of a service's container; the engine's own is not known yet.
    fn id(&self, service: &str, number: u64) -> String {
        let digest = Sha256::digest(format!("{}/{service}/{number}", self.name));
        digest.iter().fold(String::new(), |id, byte| format!("{id}{byte:02x}"))
    }

    /// `service:web` as the engine has it: `container:<id>`.
    fn mode(&self, service: &Value, key: &str) -> String {
        let mode = text(service, &[key]);
        match mode.strip_prefix("service:") {
            Some(other) => format!("container:{}", self.id(other, 1)),
            None => mode,
        }
    }

    fn service(&mut self, config: &Value, service: &str, described: &Value) {
        let is_read = |label: &str| label.starts_with("traefik.") || label.starts_with("leeward.");
        let for_swarm = match at(described, &["deploy", "labels"]) {
            Value::Object(labels) => labels.keys().any(|label| is_read(label)),
            Value::Array(labels) => labels.iter().filter_map(Value::as_str).any(is_read),
            _ => false,
        };
        if for_swarm {
            self.assumed.push(format!(
                "{service}: that its labels below `deploy:` are for Swarm. Compose gives them to no container; for Compose, write \
                 them below `labels:` of the service"
            ));
        }
        for number in 1..=replicas(described) {
            let raw = self.inspect(config, service, described, number);
            let Some(mut container) = facts::container(&raw) else { continue };
            let is_privileged = |kind: &&str| hooks(described, kind).any(|hook| flag(hook, &["privileged"]));
            container.confinement.privileged_hooks =
                HOOKS.into_iter().filter(is_privileged).map(ToOwned::to_owned).collect();
            if container.exposed_ports.is_empty() && !names_port(&container) && asks(&container) {
                container.exposed_ports.insert(format!("{SOME_PORT}/tcp"));
                if number == 1 {
                    self.assumed.push(format!(
                        "{service}: that its image exposes a port (the `?` above), or the label loadbalancer.server.port is needed"
                    ));
                }
            }
            let mut image = Image::default();
            if let Some(version) = traefik_version(&container.image) {
                image.labels.insert("org.opencontainers.image.version".to_owned(), version.to_owned());
                if number == 1 {
                    self.assumed.push(format!("{service}: that its image is Traefik {version}, as its tag says"));
                }
            }
            self.inventory.images.insert(container.image_id.clone(), image);
            self.inventory.put(container);
        }
    }

    /// `GET /containers/{id}/json`, once it runs.
    fn inspect(&self, config: &Value, service: &str, described: &Value, number: u64) -> Value {
        let id = self.id(service, number);
        let name = Some(text(described, &["container_name"])).filter(|it| !it.is_empty());
        let mut labels = pairs(described, "labels");
        let compose = [("project", self.name.as_str()), ("service", service), ("config-hash", id.as_str())];
        if let Some(labels) = labels.as_object_mut() {
            labels.extend(compose.map(|(key, value)| (format!("com.docker.compose.{key}"), json!(value))));
        }

        let mode = self.mode(described, "network_mode");
        let all = at(config, &["networks"]);
        let mut own: Vec<(String, Value)> = match mode.as_str() {
            // With a namespace of another's there are no networks of its own.
            shared if shared.starts_with("container:") => Vec::new(),
            "" if networks_of(described).is_empty() => {
                vec![(self.full_name("default", at(all, &["default"])), Value::Null)]
            }
            "" => networks_of(described)
                .into_iter()
                .map(|(key, settings)| (self.full_name(&key, at(all, &[&key])), settings))
                .collect(),
            other => vec![(other.to_owned(), Value::Null)],
        };
        own.sort_by(|(left, _), (right, _)| left.cmp(right));
        // Source: Compose `pkg/compose/create.go`, `getAliases`. The engine's own networks take no alias.
        let alias = Some(service).filter(|_| mode.is_empty());
        let attachments: Map<String, Value> =
            own.iter().map(|(network, settings)| (network.clone(), attachment(settings, alias))).collect();

        let mut bindings: Map<String, Value> = Map::new();
        for (port, binding) in published(described) {
            if let Some(list) = bindings.entry(port).or_insert_with(|| json!([])).as_array_mut() {
                list.push(binding);
            }
        }
        let exposed: Map<String, Value> =
            exposed(described).into_iter().chain(bindings.keys().cloned()).map(|port| (port, json!({}))).collect();
        let security: Vec<&str> = items(described, &["security_opt"]).filter_map(Value::as_str).collect();
        let limits = at(described, &["deploy", "resources", "limits"]);
        let masked = if security.contains(&"systempaths=unconfined") { json!([]) } else { Value::Null };
        let gpus = at(described, &["deploy", "resources", "reservations", "devices"]);
        let log_driver = text(described, &["logging", "driver"]);
        let is_file = matches!(log_driver.as_str(), "" | "json-file" | "k8s-file");
        json!({
            "Id": id,
            "Name": format!("/{}", name.unwrap_or_else(|| format!("{}-{service}-{number}", self.name))),
            // Of its own, so that it carries no labels of another's.
            "Image": format!("compose:{id}"),
            "Created": LATER,
            // Podman's; a plugin's option of that name is the plugin's.
            "LogPath": if is_file { at(described, &["logging", "options", "path"]) } else { &Value::Null },
            "State": { "Status": "running" },
            "Config": {
                "Image": at(described, &["image"]),
                "Labels": labels,
                "ExposedPorts": exposed,
                "User": user(described),
            },
            "HostConfig": {
                "NetworkMode": if mode.is_empty() { own.first().map(|it| it.0.clone()).unwrap_or_default() } else { mode },
                "PortBindings": bindings.clone(),
                "Privileged": at(described, &["privileged"]),
                "CapAdd": at(described, &["cap_add"]),
                "CapDrop": at(described, &["cap_drop"]),
                "Sysctls": pairs(described, "sysctls"),
                "PidMode": self.mode(described, "pid"),
                "IpcMode": self.mode(described, "ipc"),
                "UTSMode": at(described, &["uts"]),
                "UsernsMode": at(described, &["userns_mode"]),
                "CgroupnsMode": at(described, &["cgroup"]),
                "CgroupParent": at(described, &["cgroup_parent"]),
                "Devices": items(described, &["devices"]).map(device).collect::<Vec<_>>(),
                "DeviceCgroupRules": at(described, &["device_cgroup_rules"]),
                "Annotations": pairs(described, "annotations"),
                "DeviceRequests": if gpus.is_null() { at(described, &["gpus"]) } else { gpus },
                "SecurityOpt": security,
                "MaskedPaths": masked.clone(),
                "ReadonlyPaths": masked,
                "ReadonlyRootfs": at(described, &["read_only"]),
                "Memory": bytes(at(described, &["mem_limit"])).or_else(|| bytes(at(limits, &["memory"]))),
                "PidsLimit": at(described, &["pids_limit"]).as_i64().or_else(|| at(limits, &["pids"]).as_i64()),
                "Runtime": at(described, &["runtime"]),
                "GroupAdd": items(described, &["group_add"]).map(word).collect::<Vec<_>>(),
                "LogConfig": { "Type": log_driver },
                "ExtraHosts": extra_hosts(described),
                "Dns": match at(described, &["dns"]) { Value::String(one) => json!([one]), list => list.clone() },
                "Mounts": self.mounts(config, described),
                "VolumesFrom": self.volumes_from(described),
            },
            "NetworkSettings": { "Networks": attachments, "Ports": bindings },
        })
    }

    /// As `HostConfig.Mounts` has them.
    fn mounts(&self, config: &Value, service: &Value) -> Vec<Value> {
        let volume_name = |key: &str| self.full_name(key, at(config, &["volumes", key]));
        let bind = |source: String, target: String| json!({ "Type": "bind", "Source": source, "Target": target, "ReadOnly": true });
        let mut mounts: Vec<Value> = items(service, &["volumes"])
            .map(|mount| {
                if let Some(short) = mount.as_str() {
                    let mut parts = short.splitn(3, ':');
                    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
                    let options: Vec<&str> = parts.next().unwrap_or_default().split(',').collect();
                    let is_path = first.starts_with(['/', '.', '~']);
                    let propagation = options.iter().find(|it| it.ends_with("shared") || it.ends_with("slave"));
                    return json!({
                        "Type": if is_path && second.is_some() { "bind" } else { "volume" },
                        "Source": match second {
                            Some(_) if is_path => first.to_owned(),
                            Some(_) => volume_name(first),
                            // Only a path in the container: a volume without a name.
                            None => String::new(),
                        },
                        "Target": second.unwrap_or(first),
                        "ReadOnly": options.contains(&"ro"),
                        "BindOptions": { "Propagation": propagation },
                    });
                }
                let (kind, source) = (text(mount, &["type"]), text(mount, &["source"]));
                json!({
                    "Source": if kind == "volume" && !source.is_empty() { volume_name(&source) } else { source },
                    "Type": kind,
                    "Target": at(mount, &["target"]),
                    "ReadOnly": at(mount, &["read_only"]),
                    "BindOptions": {
                        "Propagation": at(mount, &["bind", "propagation"]),
                        "ReadOnlyNonRecursive": text(mount, &["bind", "recursive"]) == "writable",
                    },
                })
            })
            .collect();
        // Files of the host; those from the environment or from an engine's store are none.
        for kind in ["secrets", "configs"] {
            for used in items(service, &[kind]) {
                let key = used.as_str().map_or_else(|| text(used, &["source"]), ToOwned::to_owned);
                let file = text(config, &[kind, &key, "file"]);
                if !file.is_empty() {
                    let target = Some(text(used, &["target"])).filter(|it| !it.is_empty());
                    mounts.push(bind(file, target.unwrap_or_else(|| format!("/run/{kind}/{key}"))));
                }
            }
        }
        // Compose mounts the engine's socket for these.
        if flag(service, &["use_api_socket"]) {
            mounts.push(bind("/var/run/docker.sock".to_owned(), "/var/run/docker.sock".to_owned()));
        }
        mounts
    }

    /// `service[:ro]` and `container:name[:ro]`, as the engine has them: `<container>[:ro]`.
    fn volumes_from(&self, service: &Value) -> Vec<String> {
        items(service, &["volumes_from"])
            .filter_map(Value::as_str)
            .map(|from| {
                if let Some(container) = from.strip_prefix("container:") {
                    return container.to_owned();
                }
                let (service, options) = from.split_once(':').unwrap_or((from, "rw"));
                format!("{}:{options}", self.id(service, 1))
            })
            .collect()
    }
}

fn hooks<'s>(service: &'s Value, kind: &'s str) -> impl Iterator<Item = &'s Value> {
    items(service, &[kind])
}

/// Who a service's programs run as; root, if a hook does.
fn user(service: &Value) -> String {
    let of = |described: &Value| described.get("user").map(word);
    let is_root = |user: &String| matches!(user.split(':').next(), Some("0" | "root"));
    let mut hooks = HOOKS.into_iter().flat_map(|kind| hooks(service, kind)).filter_map(of);
    hooks.find(is_root).or_else(|| of(service)).unwrap_or_else(|| IMAGES_OWN.to_owned())
}

/// `NetworkSettings.Networks[name]`. `alias`: one that Compose gives.
fn attachment(settings: &Value, alias: Option<&str>) -> Value {
    let aliases: Vec<&str> = items(settings, &["aliases"]).filter_map(Value::as_str).chain(alias).collect();
    json!({
        "IPAddress": at(settings, &["ipv4_address"]),
        "GlobalIPv6Address": at(settings, &["ipv6_address"]),
        "Aliases": aliases,
        "DriverOpts": at(settings, &["driver_opts"]),
        "IPAMConfig": { "IPv4Address": at(settings, &["ipv4_address"]), "IPv6Address": at(settings, &["ipv6_address"]) },
    })
}

fn device(device: &Value) -> Value {
    let source = match device.as_str() {
        Some(text) => text.split(':').next().unwrap_or_default().to_owned(),
        None => text(device, &["source"]),
    };
    json!({ "PathOnHost": source })
}

/// `name:address`, however it is written: a list of `name=address` or `name:address`, or a map.
fn extra_hosts(service: &Value) -> Vec<String> {
    let listed = items(service, &["extra_hosts"]).filter_map(Value::as_str).map(|it| it.replacen('=', ":", 1));
    let mapped = entries(service, &["extra_hosts"]).flat_map(|(name, addresses)| {
        let one = addresses.as_str().into_iter();
        one.chain(items(addresses, &[]).filter_map(Value::as_str)).map(move |it| format!("{name}:{it}"))
    });
    listed.chain(mapped).collect()
}

/// Whether a label says the port.
fn names_port(container: &Container) -> bool {
    container.labels.keys().any(|key| key.to_ascii_lowercase().ends_with(".loadbalancer.server.port"))
}

fn asks(container: &Container) -> bool {
    container.labels.keys().any(|key| key.to_ascii_lowercase().starts_with("traefik."))
}

/// The ids of everything that is being deployed.
pub fn ids(projects: &[Project]) -> BTreeSet<&ContainerId> {
    projects.iter().flat_map(|project| project.inventory.containers.keys()).collect()
}

/// The release of Traefik that an image of Traefik's will say it is, by its tag: `v3.7.15` of `traefik:v3.7.15`.
fn traefik_version(image: &str) -> Option<&str> {
    let name = image.split('@').next().unwrap_or_default();
    let (_, tag) = name.rsplit('/').next()?.split_once(':').filter(|(repository, _)| *repository == "traefik")?;
    tag.parse::<Version>().is_ok().then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Confinement;

    fn inventory(text: &str) -> Inventory {
        let project = read(text, "shop").unwrap();
        deploy(&[project], Inventory::default())
    }

    fn container(text: &str) -> Container {
        let inventory = inventory(&format!("services:\n  web:\n    image: x\n{text}"));
        inventory.containers.into_values().next().map(Arc::unwrap_or_clone).unwrap()
    }

    #[test]
    fn the_tag_of_traefiks_image_says_its_version() {
        for (image, wanted) in [
            ("traefik:v3.7.15", Some("v3.7.15")),
            ("docker.io/library/traefik:3.6", Some("3.6")),
            ("registry.example:5000/traefik:v3.6.1@sha256:00", Some("v3.6.1")),
            ("traefik:latest", None),
            ("traefik", None),
            ("traefik@sha256:00", None),
            ("traefik:v2.11", None),
            ("traefik/whoami:v1.10", None),
            ("registry.example:5000/x", None),
        ] {
            assert_eq!(traefik_version(image), wanted, "{image}");
        }
        let edge = inventory("services: {edge: {image: 'traefik:v3.6.1'}}");
        assert_eq!(edge.images.values().next().unwrap().labels.len(), 1);
    }

    #[test]
    fn labels_for_swarm_are_no_labels_of_a_container() {
        let labels = "labels: [traefik.enable=true]";
        let assumed = |text: &str| read(&format!("services: {{web: {{image: x, {text}}}}}"), "shop").unwrap().assumed;
        let told = assumed(&format!("deploy: {{{labels}}}"));
        assert!(told.len() == 1 && told[0].starts_with("web: that its labels below `deploy:`"), "{told:?}");
        assert_eq!(assumed("deploy: {labels: {com.example.team: a}}"), Vec::<String>::new());
        let map = assumed("deploy: {labels: {traefik.http.routers.web.rule: x}}");
        assert_eq!(map, told);
    }

    #[test]
    fn a_range_of_ports_is_all_its_ports() {
        let web = container(
            "    ports: ['8000-8002:9000-9002', '7000-7001:80/udp', '6000-6001']\n    expose: ['3000-3001']\n",
        );
        let bound: Vec<(&str, &str)> =
            web.port_bindings.iter().map(|(port, on)| (port.as_str(), on[0].host_port.as_str())).collect();
        let some = [("6000/tcp", ""), ("6001/tcp", ""), ("80/udp", "7000-7001")];
        let pairs = [("9000/tcp", "8000"), ("9001/tcp", "8001"), ("9002/tcp", "8002")];
        assert_eq!(bound, [&some[..], &pairs].concat());
        assert!(web.exposed_ports.contains("3000/tcp") && web.exposed_ports.contains("3001/tcp"));
    }

    /// The first took 29 s and 1.2 GB, the second did not end.
    #[test]
    fn two_lines_that_name_millions_of_ports_are_no_project() {
        for lines in [
            "scale: 100\n    expose: ['0-65535/tcp', '0-65535/udp']",
            "scale: 100\n    ports: ['0-65535:0-65535', '0-65535:0-65535/udp']",
            "deploy: {replicas: 100}\n    ports: [{target: 80, published: '0-65535'}]",
            "scale: 50\n    ports: ['127.0.0.1:1000-9999:80']",
        ] {
            let error = read(&format!("services:\n  web:\n    image: x\n    {lines}\n"), "shop").unwrap_err();
            assert!(error.contains("ports, each replica's counted"), "{lines}: {error}");
        }
        // What a relay for calls publishes.
        let web = container("    ports: ['49152-65535:49152-65535', '49152-65535:49152-65535/udp', 3478]\n");
        assert_eq!(web.port_bindings.len(), 2 * 16_384 + 1);
    }

    #[test]
    fn a_service_is_what_the_engine_would_say() {
        let web = container(
            "    networks: [front]\n    cap_drop: [ALL]\n    user: \"1000:1000\"\n    read_only: true\n    mem_limit: 64m\n    \
             sysctls: [net.ipv4.ip_forward=0]\n    labels: [traefik.enable=true, 'price=$$5']\n    expose: [3000]\n    \
             ports: ['127.0.0.1:8080:80', {target: 53, published: '5353', protocol: udp}]\n    pids_limit: 9\n    \
             volumes: ['data:/data:ro', '/srv:/srv', {type: bind, source: /run, target: /r, read_only: true}, /cache]\n    \
             devices: ['/dev/dri:/dev/dri']\n    annotations: [run.oci.handler=wasm, com.example.a=b]\n    extra_hosts: ['host.docker.internal=host-gateway']\n    ipc: host\n\
             networks: {front: {internal: true}}\nvolumes: {data: {}}\n",
        );
        assert_eq!(web.name, "shop-web-1");
        assert_eq!(web.network_mode, "shop_front");
        assert_eq!(web.attachments.keys().collect::<Vec<_>>(), ["shop_front"]);
        assert_eq!(web.labels.get("price").unwrap(), "$5");
        assert_eq!(web.labels.get("com.docker.compose.project").unwrap(), "shop");
        assert_eq!(web.exposed_ports.iter().collect::<Vec<_>>(), ["3000/tcp", "53/udp", "80/tcp"]);
        let binding = |port: &str| web.port_bindings.get(port).unwrap().first().unwrap().clone();
        assert_eq!((binding("80/tcp").host_ip, binding("80/tcp").host_port), ("127.0.0.1".into(), "8080".into()));
        assert_eq!(binding("53/udp").host_port, "5353");
        let mounts: Vec<_> = web.mounts.iter().map(|it| (&*it.kind, &*it.source, &*it.name, it.writable)).collect();
        assert_eq!(
            mounts,
            [
                ("volume", "shop_data", "shop_data", false),
                ("bind", "/srv", "", true),
                ("bind", "/run", "", false),
                ("volume", "", "", true)
            ]
        );
        assert_eq!(web.confinement.annotations.iter().collect::<Vec<_>>(), ["run.oci.handler"]);
        let Confinement { cap_drop, sysctls, devices, extra_hosts, ipc_mode, memory, pids_limit, .. } = web.confinement;
        assert!(cap_drop.contains("ALL") && sysctls.get("net.ipv4.ip_forward").unwrap() == "0");
        assert_eq!(
            (devices, extra_hosts),
            (vec!["/dev/dri".to_owned()], vec!["host.docker.internal:host-gateway".into()])
        );
        assert_eq!((ipc_mode.as_str(), memory, pids_limit), ("host", 64 << 20, Some(9)));
    }

    #[test]
    fn networks_have_the_names_that_compose_gives_them() {
        let networks =
            |text: &str| inventory(text).networks.into_iter().map(|(_, it)| it.name).collect::<BTreeSet<_>>();
        let engines = ["bridge", "host", "none"];
        let check = |text: &str, own: &[&str]| {
            let wanted = engines.iter().chain(own).map(|it| (*it).to_owned()).collect();
            assert_eq!(networks(text), wanted, "{text}");
        };
        check("services: {a: {image: x}}", &["shop_default"]);
        check("name: other\nservices: {a: {image: x}}", &["other_default"]);
        check("services: {a: {image: x, network_mode: host}}", &[]);
        check("services: {a: {image: x, networks: {n: }}}\nnetworks: {n: {name: full}}", &["full"]);
        assert_eq!(container("    network_mode: host\n").attachments.keys().collect::<Vec<_>>(), ["host"]);
        let two = "services: {a: {image: x}, b: {image: x, network_mode: 'service:a', volumes_from: ['a:ro']}}";
        let two = inventory(two);
        let find = |name: &str| two.containers.values().find(|it| it.name == name).unwrap();
        assert_eq!(find("shop-b-1").network_mode, format!("container:{}", find("shop-a-1").id));
        assert_eq!(find("shop-b-1").volumes_from, [format!("{}:ro", find("shop-a-1").id)]);
        assert!(find("shop-b-1").attachments.is_empty());
    }

    #[test]
    fn what_comes_from_another_container_is_its_own_too() {
        let text = "services:\n  a: {image: x, volumes: ['/run:/r', 'v:/v']}\n  b: {image: x, volumes_from: ['a:ro']}\n\
                    volumes: {v: {}}";
        let inventory = inventory(text);
        let b = inventory.containers.values().find(|it| it.name == "shop-b-1").unwrap();
        let mounts: Vec<_> = b.mounts.iter().map(|it| (it.source.as_str(), it.writable)).collect();
        assert_eq!(mounts, [("/run", false), ("shop_v", false)]);
    }

    #[test]
    fn what_comes_through_a_third_container_is_its_own_too() {
        // Whatever order their ids have, and where one of two ways is read-only.
        for names in [["a", "b", "c", "d"], ["d", "c", "b", "a"], ["c", "a", "d", "b"]] {
            let [one, two, three, four] = names;
            let text = format!(
                "services:\n  {one}: {{image: x, volumes: ['/run:/r']}}\n  {two}: {{image: x, volumes_from: ['{one}:ro']}}\n  \
                 {three}: {{image: x, volumes_from: ['{two}']}}\n  {four}: {{image: x, volumes_from: ['{three}', '{one}']}}\n"
            );
            let inventory = inventory(&text);
            let mounts = |name: &str| {
                let container = inventory.containers.values().find(|it| it.name == format!("shop-{name}-1")).unwrap();
                container.mounts.iter().map(|it| (it.source.as_str(), it.writable)).collect::<BTreeSet<_>>()
            };
            assert_eq!(mounts(three), [("/run", false)].into(), "{names:?}");
            assert!(mounts(four).contains(&("/run", true)), "{names:?}");
        }
    }

    #[test]
    fn a_hook_as_root_is_a_container_as_root() {
        let user = |more: &str| container(&format!("    user: '1000'\n{more}")).confinement.user;
        assert_eq!(user(""), "1000");
        assert_eq!(user("    post_start: [{command: x}]\n"), "1000");
        assert_eq!(user("    post_start: [{command: x}, {command: x, user: root}]\n"), "root");
    }

    #[test]
    fn a_log_option_of_podmans_names_a_file_of_the_host() {
        for (driver, wanted) in [("k8s-file", "/etc/x"), ("json-file", "/etc/x"), ("journald", ""), ("loki", "")] {
            let text = format!(
                "services:\n  web:\n    image: x\n    logging: {{driver: {driver}, options: {{path: /etc/x, tag: hunter2}}}}\n"
            );
            let inventory = inventory(&text);
            assert_eq!(inventory.containers.values().next().unwrap().confinement.log_path, wanted, "{driver}");
        }
    }

    #[test]
    fn a_word_is_no_flag() {
        let web = container(
            "    networks: [n]\n    labels: {traefik.enable: yes, traefik.docker.lbswarm: true}\nnetworks: {n: {}}\n",
        );
        assert_eq!(web.network_mode, "shop_n");
        let label = |key: &str| web.labels.get(key).map(String::as_str);
        assert_eq!((label("traefik.enable"), label("traefik.docker.lbswarm")), (Some("yes"), Some("true")));
    }

    #[test]
    fn a_flag_may_be_written_as_text() {
        assert!(container("    privileged: 'true'\n").confinement.privileged);
        assert!(!container("    privileged: 'false'\n").confinement.privileged);
    }

    #[test]
    fn a_project_takes_the_place_of_itself_and_joins_what_is_there() {
        let there = inventory("services: {web: {image: old}, gone: {image: x}}\nnetworks: {}");
        let joins = "services: {web: {image: new, networks: [n]}}\nnetworks: {n: {external: true, name: front}}";
        let project = read(joins, "shop").unwrap();
        let alone = deploy(std::slice::from_ref(&project), there.clone());
        assert!(alone.network_named("front").is_some_and(|network| network.assumed), "{:?}", alone.networks);
        let other = read("services: {a: {image: x, networks: [n]}}\nnetworks: {n: {name: front}}", "other").unwrap();
        let whole = deploy(&[project, other], there);
        assert!(!whole.network_named("front").unwrap().assumed);
        let images: Vec<_> = whole.containers.values().map(|it| (&*it.name, &*it.image)).collect();
        assert_eq!(
            images.iter().collect::<BTreeSet<_>>(),
            [("shop-web-1", "new"), ("other-a-1", "x")].iter().collect()
        );
        let addresses: BTreeSet<_> =
            whole.containers.values().flat_map(|it| it.attachments.values()).map(|it| it.ipv4).collect();
        assert!(addresses.len() == 2 && addresses.iter().flatten().all(|it| is_made_up(*it)), "{addresses:?}");
    }

    #[test]
    fn what_is_not_merged_yet_is_sent_to_compose() {
        for (text, words) in [
            ("services: {a: {image: 'x:${TAG}'}}", "`services.a.image` is `x:${TAG}`"),
            ("services: {a: {image: x, extends: {service: b}}}", "`extends`"),
            ("services: {a: {image: x, label_file: [l.env]}}", "`label_file`"),
            ("include: [x.yaml]\nservices: {a: {image: x}}", "`include`"),
            ("{}", "has no `services`"),
            ("[", "cannot be read as YAML"),
            ("{,", "cannot be read as JSON"),
        ] {
            let error = read(text, "shop").unwrap_err();
            assert!(error.contains(words) && !error.contains('\n'), "{text}: {error}");
        }
        // What a command or the environment holds never gets here.
        assert!(read("services: {a: {image: x, command: 'echo $HOME', environment: {A: $B}}}", "shop").is_ok());
    }

    #[test]
    fn a_path_from_the_files_folder_is_the_hosts() {
        let text = "services: {a: {image: x, volumes: ['./data:/d', '../../..:/host', '~/.ssh:/k:ro', 'v:/v', '/srv:/s', \
                    {type: bind, source: ./b, target: /b}]}}\nvolumes: {v: {}}";
        let project = read_in(text, "shop", Folders { file: "/srv/shop", home: "/home/u" }).unwrap();
        let container = project.inventory.containers.values().next().unwrap();
        let sources: Vec<&str> = container.mounts.iter().map(|it| it.source.as_str()).collect();
        assert_eq!(sources, ["/srv/shop/data", "/", "/home/u/.ssh", "shop_v", "/srv", "/srv/shop/b"]);
    }

    #[test]
    fn bytes_are_read_as_compose_reads_them() {
        for (text, wanted) in
            [(json!(5), Some(5)), (json!("128m"), Some(128 << 20)), (json!("2gb"), Some(2 << 30)), (json!("x"), None)]
        {
            assert_eq!(bytes(&text), wanted, "{text}");
        }
    }
}
