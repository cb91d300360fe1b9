//! The allow-list of fields, endpoint by endpoint: what Leeward, Traefik's own provider and `docker ps`, `inspect`,
//! `network ls` and `version` read, and nothing that may hold a secret.
//!
//! Left out on purpose, because they hold passwords, tokens or command lines: `Env`, `Cmd`, `Entrypoint`, `Args`,
//! `Path`, `Command`, `Healthcheck`, `Health.Log`, `State.Error` (it quotes the command), `LogConfig.Config`, driver
//! options of volumes, devices and address pools, `GraphDriver`, and of `/info` the registries, the HTTP proxy, the
//! engine's labels and the host's name. Labels pass: they are what is read.
//!
//! Source: moby `api/swagger.yaml`; field names are the engine's.

use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::response_filter::Shape::{self, Chosen, Judged, List, Map as Keyed, Object, Word};
use crate::seccomp;
use crate::source::facts;

/// What an answer may hold. `None` where the gate does not read the answer as one JSON value: `/_ping`, `/events`.
pub(super) fn of(ask: &Ask) -> Option<&'static Shape> {
    Some(match ask {
        Ask::Ping { head: _ } | Ask::Events { since: _, until: _, filters: _ } => return None,
        Ask::Version => &VERSION,
        Ask::Info => &INFO,
        Ask::Containers { all: _, limit: _, filters: _ } => &CONTAINERS,
        Ask::Container(_) => &CONTAINER,
        Ask::Networks(_) => &NETWORKS,
        Ask::Network { name: _, scope: _ } => &NETWORK,
        Ask::Image { name: _, platform: _ } => &IMAGE,
        Ask::Volume(_) => &VOLUME,
        Ask::Services { status: _, filters: _ } => &SERVICES,
        Ask::Service(_) => &SERVICE,
        Ask::Tasks(_) => &TASKS,
        Ask::Task(_) => &TASK,
        Ask::Nodes(_) => &NODES,
        Ask::Node(_) => &NODE,
    })
}

const WORDS: Shape = List(&Word);
const LABELS: Shape = Keyed(&Word);
/// A set written as an object: `{"80/tcp":{}}`.
const SET: Shape = Keyed(&Object(&[]));

const VERSION: Shape = Object(&[
    ("Platform", Object(&[("Name", Word)])),
    ("Components", List(&Object(&[("Name", Word), ("Version", Word), ("Details", Keyed(&Word))]))),
    ("Version", Word),
    ("ApiVersion", Word),
    ("MinAPIVersion", Word),
    ("GitCommit", Word),
    ("GoVersion", Word),
    ("Os", Word),
    ("Arch", Word),
    ("KernelVersion", Word),
    ("Experimental", Word),
    ("BuildTime", Word),
]);

const INFO: Shape = Object(&[
    ("ServerVersion", Word),
    ("OperatingSystem", Word),
    ("OSType", Word),
    ("OSVersion", Word),
    ("Architecture", Word),
    ("KernelVersion", Word),
    ("NCPU", Word),
    ("MemTotal", Word),
    ("SystemTime", Word),
    ("Containers", Word),
    ("ContainersRunning", Word),
    ("ContainersPaused", Word),
    ("ContainersStopped", Word),
    ("Images", Word),
    ("Driver", Word),
    ("DriverStatus", Judged(image_store)),
    ("LoggingDriver", Word),
    ("CgroupDriver", Word),
    ("CgroupVersion", Word),
    ("DefaultRuntime", Word),
    ("Runtimes", SET),
    ("LiveRestoreEnabled", Word),
    ("ExperimentalBuild", Word),
    ("Isolation", Word),
    ("IPv4Forwarding", Word),
    ("BridgeNfIptables", Word),
    ("BridgeNfIp6tables", Word),
    ("FirewallBackend", Object(&[("Driver", Word)])),
    ("SecurityOptions", WORDS),
    ("Warnings", WORDS),
    ("DockerRootDir", Word),
    ("DefaultAddressPools", List(&Object(&[("Base", Word), ("Size", Word)]))),
    ("Swarm", Object(&[("NodeID", Word), ("LocalNodeState", Word), ("ControlAvailable", Word)])),
]);

/// Of the pairs that a storage driver says of itself, the one that tells which store the images are in. Others hold paths and
/// names of the host's.
fn image_store(status: &Value) -> Value {
    let pairs = status.as_array().into_iter().flatten();
    let is_it = |pair: &&Value| {
        let is_word = |word: &Value| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            word.as_str().is_some_and(|word| word.len() <= 64 && word.bytes().all(plain))
        };
        let words = pair.as_array().filter(|words| words.len() == 2 && words.iter().all(is_word));
        words.and_then(|words| words.first()).is_some_and(|first| first == "driver-type")
    };
    Value::Array(pairs.filter(is_it).take(1).cloned().collect())
}

const ENDPOINT: Shape = Object(&[
    // Kernel settings of the interface; all other options stay inside.
    ("DriverOpts", Object(&[("com.docker.network.endpoint.sysctls", Word)])),
    ("NetworkID", Word),
    ("EndpointID", Word),
    ("IPAddress", Word),
    ("IPPrefixLen", Word),
    ("Gateway", Word),
    ("GlobalIPv6Address", Word),
    ("GlobalIPv6PrefixLen", Word),
    ("IPv6Gateway", Word),
    ("MacAddress", Word),
    ("Aliases", WORDS),
    ("DNSNames", WORDS),
    ("GwPriority", Word),
    ("IPAMConfig", Object(&[("IPv4Address", Word), ("IPv6Address", Word), ("LinkLocalIPs", WORDS)])),
]);

const BINDINGS: Shape = Keyed(&List(&Object(&[("HostIp", Word), ("HostPort", Word)])));

const MOUNTS: Shape = List(&Object(&[
    ("Type", Word),
    ("Name", Word),
    ("Source", Word),
    ("Destination", Word),
    ("Driver", Word),
    ("Mode", Word),
    ("RW", Word),
    ("Propagation", Word),
]));

/// A mount as it was asked for.
const MOUNT_WISHES: Shape = List(&Object(&[
    ("Type", Word),
    ("Source", Word),
    ("Target", Word),
    ("ReadOnly", Word),
    ("BindOptions", Object(&[("Propagation", Word), ("NonRecursive", Word), ("ReadOnlyNonRecursive", Word)])),
    ("VolumeOptions", Object(&[("DriverConfig", Object(&[("Name", Word), ("Options", Judged(volume_options))]))])),
]));

const HEALTH: Shape = Object(&[("Status", Word), ("FailingStreak", Word)]);

const CONTAINERS: Shape = List(&Object(&[
    ("Id", Word),
    ("Names", WORDS),
    ("Image", Word),
    ("ImageID", Word),
    ("Created", Word),
    ("Ports", List(&Object(&[("IP", Word), ("PrivatePort", Word), ("PublicPort", Word), ("Type", Word)]))),
    ("Labels", LABELS),
    ("State", Word),
    ("Status", Word),
    ("Health", HEALTH),
    ("HostConfig", Object(&[("NetworkMode", Word)])),
    ("NetworkSettings", Object(&[("Networks", Keyed(&ENDPOINT))])),
    ("Mounts", MOUNTS),
]));

/// Which variant of an image is meant.
const DESCRIPTOR: Shape = Object(&[
    ("mediaType", Word),
    ("digest", Word),
    ("size", Word),
    (
        "platform",
        Object(&[
            ("architecture", Word),
            ("os", Word),
            ("os.version", Word),
            ("os.features", WORDS),
            ("variant", Word),
        ]),
    ),
]);

const CONTAINER: Shape = Object(&[
    ("Id", Word),
    ("Name", Word),
    ("Created", Word),
    ("Image", Word),
    ("Driver", Word),
    ("Platform", Word),
    ("ImageManifestDescriptor", DESCRIPTOR),
    ("RestartCount", Word),
    ("AppArmorProfile", Word),
    ("LogPath", Word),
    (
        "State",
        Object(&[
            ("Status", Word),
            ("Running", Word),
            ("Paused", Word),
            ("Restarting", Word),
            ("OOMKilled", Word),
            ("Dead", Word),
            ("ExitCode", Word),
            ("StartedAt", Word),
            ("FinishedAt", Word),
            ("Health", HEALTH),
        ]),
    ),
    (
        "HostConfig",
        Object(&[
            ("NetworkMode", Word),
            ("PortBindings", BINDINGS),
            ("PublishAllPorts", Word),
            ("Privileged", Word),
            ("CapAdd", WORDS),
            ("CapDrop", WORDS),
            ("Sysctls", Keyed(&Word)),
            ("PidMode", Word),
            ("IpcMode", Word),
            ("UTSMode", Word),
            ("UsernsMode", Word),
            ("CgroupnsMode", Word),
            ("CgroupParent", Word),
            ("Devices", List(&Object(&[("PathOnHost", Word), ("PathInContainer", Word), ("CgroupPermissions", Word)]))),
            ("DeviceCgroupRules", WORDS),
            // By their names alone.
            ("Annotations", Chosen(facts::commands_runtime, &Judged(|_| Value::Null))),
            ("DeviceRequests", List(&Object(&[("Driver", Word), ("Count", Word), ("Capabilities", List(&WORDS))]))),
            ("SecurityOpt", List(&Judged(security_option))),
            ("MaskedPaths", WORDS),
            ("ReadonlyPaths", WORDS),
            ("ReadonlyRootfs", Word),
            ("Memory", Word),
            ("PidsLimit", Word),
            ("Runtime", Word),
            ("Isolation", Word),
            ("GroupAdd", WORDS),
            ("LogConfig", Object(&[("Type", Word)])),
            ("ExtraHosts", WORDS),
            ("Dns", WORDS),
            ("Binds", WORDS),
            ("Mounts", MOUNT_WISHES),
            ("VolumesFrom", WORDS),
            ("RestartPolicy", Object(&[("Name", Word), ("MaximumRetryCount", Word)])),
            ("AutoRemove", Word),
            ("Init", Word),
        ]),
    ),
    ("Mounts", MOUNTS),
    ("Config", Object(&[("Image", Word), ("User", Word), ("Labels", LABELS), ("ExposedPorts", SET)])),
    (
        "NetworkSettings",
        Object(&[
            ("Bridge", Word),
            ("Ports", BINDINGS),
            ("EndpointID", Word),
            ("IPAddress", Word),
            ("IPPrefixLen", Word),
            ("Gateway", Word),
            ("GlobalIPv6Address", Word),
            ("GlobalIPv6PrefixLen", Word),
            ("IPv6Gateway", Word),
            ("MacAddress", Word),
            ("Networks", Keyed(&ENDPOINT)),
        ]),
    ),
]);

const NETWORK: Shape = Object(&[
    ("Name", Word),
    ("Id", Word),
    ("Created", Word),
    ("Scope", Word),
    ("Driver", Word),
    ("EnableIPv4", Word),
    ("EnableIPv6", Word),
    ("Internal", Word),
    ("Attachable", Word),
    ("Ingress", Word),
    ("ConfigOnly", Word),
    ("ConfigFrom", Object(&[("Network", Word)])),
    (
        "IPAM",
        Object(&[
            ("Driver", Word),
            (
                "Config",
                List(&Object(&[
                    ("Subnet", Word),
                    ("IPRange", Word),
                    ("Gateway", Word),
                    ("AuxiliaryAddresses", Keyed(&Word)),
                ])),
            ),
        ]),
    ),
    (
        "Containers",
        Keyed(&Object(&[
            ("Name", Word),
            ("EndpointID", Word),
            ("MacAddress", Word),
            ("IPv4Address", Word),
            ("IPv6Address", Word),
        ])),
    ),
    ("Options", Chosen(is_network_option, &Word)),
    ("Labels", LABELS),
]);

const NETWORKS: Shape = List(&NETWORK);

/// The options of the drivers that Docker and Podman ship. A plugin's own may hold anything.
fn is_network_option(key: &str) -> bool {
    key.starts_with("com.docker.network.")
        || matches!(
            key,
            "parent"
                | "macvlan_mode"
                | "ipvlan_mode"
                | "ipvlan_flag"
                | "encrypted"
                | "isolate"
                | "mode"
                | "mtu"
                | "vlan"
                | "metric"
                | "no_default_route"
                | "vrf"
                | "bclim"
        )
}

const IMAGE: Shape = Object(&[
    ("Id", Word),
    ("RepoTags", WORDS),
    ("RepoDigests", WORDS),
    ("Created", Word),
    ("Architecture", Word),
    ("Variant", Word),
    ("Os", Word),
    ("Size", Word),
    ("Descriptor", DESCRIPTOR),
    ("Config", Object(&[("Labels", LABELS), ("ExposedPorts", SET)])),
]);

const VOLUME: Shape = Object(&[
    ("Name", Word),
    ("Driver", Word),
    ("Mountpoint", Word),
    ("CreatedAt", Word),
    ("Scope", Word),
    ("Labels", LABELS),
    ("Options", Judged(volume_options)),
]);

/// A volume's kind, and the host path of a bind that it hides. `o=` of a network share holds the password, `device=`
/// may hold one too; of a bind they hold neither. A kind is never left out: a volume without one is the engine's own.
fn volume_options(options: &Value) -> Value {
    if !options.is_object() {
        return Value::Null;
    }
    let word = |key: &str| options.get(key).and_then(Value::as_str);
    let mut kept = Map::new();
    let is_plain = |kind: &str| {
        kind.len() <= 32 && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    if let Some(kind) = facts::volume_kind(options) {
        kept.insert("type".to_owned(), json!(if is_plain(kind) { kind } else { "unknown" }));
    }
    let flags = word("o").unwrap_or_default();
    let binds: Vec<&str> = flags.split(',').map(str::trim).filter(|flag| matches!(*flag, "bind" | "rbind")).collect();
    if !binds.is_empty() {
        kept.insert("o".to_owned(), json!(binds.join(",")));
        if let Some(device) = word("device") {
            kept.insert("device".to_owned(), json!(without_credentials(device)));
        }
    }
    Value::Object(kept)
}

/// A device without the name and password of a share, `//name:password@host/share`, which somebody calls a bind. It is not
/// left out: to the kernel, `//var/run` is a path.
fn without_credentials(device: &str) -> String {
    let is_path = device.starts_with('/') && !device.starts_with("//");
    match device.rsplit_once('@') {
        Some((before, after)) if !is_path => {
            let slashes: String = before.chars().take_while(|char| *char == '/').collect();
            slashes + after
        }
        _ => device.to_owned(),
    }
}

/// A security option; of a system call filter's text only what is judged.
fn security_option(option: &Value) -> Value {
    option.as_str().map_or(Value::Null, |option| json!(seccomp::shortened(option)))
}

const OBJECT_VERSION: Shape = Object(&[("Index", Word)]);

const PUBLISHED: Shape = List(&Object(&[
    ("Name", Word),
    ("Protocol", Word),
    ("TargetPort", Word),
    ("PublishedPort", Word),
    ("PublishMode", Word),
]));

const NETWORK_WISHES: Shape = List(&Object(&[("Target", Word), ("Aliases", WORDS)]));

/// What a Swarm task runs. Neither environment nor command, and of secrets and configs not even the names.
const CONTAINER_SPEC: Shape = Object(&[
    ("Image", Word),
    ("Labels", LABELS),
    ("User", Word),
    ("Groups", WORDS),
    ("ReadOnly", Word),
    ("Mounts", MOUNT_WISHES),
    ("Hosts", WORDS),
    ("DNSConfig", Object(&[("Nameservers", WORDS)])),
    ("Sysctls", Keyed(&Word)),
    ("CapabilityAdd", WORDS),
    ("CapabilityDrop", WORDS),
    ("Isolation", Word),
    ("Init", Word),
]);

const TASK_SPEC: Shape = Object(&[
    ("ContainerSpec", CONTAINER_SPEC),
    ("Networks", NETWORK_WISHES),
    ("Runtime", Word),
    ("ForceUpdate", Word),
    ("Resources", Object(&[("Limits", Object(&[("MemoryBytes", Word), ("NanoCPUs", Word), ("Pids", Word)]))])),
    ("LogDriver", Object(&[("Name", Word)])),
    ("Placement", Object(&[("Constraints", WORDS)])),
]);

const SERVICE: Shape = Object(&[
    ("ID", Word),
    ("Version", OBJECT_VERSION),
    ("CreatedAt", Word),
    ("UpdatedAt", Word),
    (
        "Spec",
        Object(&[
            ("Name", Word),
            ("Labels", LABELS),
            ("TaskTemplate", TASK_SPEC),
            (
                "Mode",
                Object(&[
                    ("Replicated", Object(&[("Replicas", Word)])),
                    ("Global", Object(&[])),
                    ("ReplicatedJob", Object(&[("MaxConcurrent", Word), ("TotalCompletions", Word)])),
                    ("GlobalJob", Object(&[])),
                ]),
            ),
            ("Networks", NETWORK_WISHES),
            ("EndpointSpec", Object(&[("Mode", Word), ("Ports", PUBLISHED)])),
        ]),
    ),
    (
        "Endpoint",
        Object(&[
            ("Spec", Object(&[("Mode", Word), ("Ports", PUBLISHED)])),
            ("Ports", PUBLISHED),
            ("VirtualIPs", List(&Object(&[("NetworkID", Word), ("Addr", Word)]))),
        ]),
    ),
    ("ServiceStatus", Object(&[("RunningTasks", Word), ("DesiredTasks", Word), ("CompletedTasks", Word)])),
]);

const SERVICES: Shape = List(&SERVICE);

const TASK: Shape = Object(&[
    ("ID", Word),
    ("Version", OBJECT_VERSION),
    ("CreatedAt", Word),
    ("UpdatedAt", Word),
    ("Name", Word),
    ("Labels", LABELS),
    ("Spec", TASK_SPEC),
    ("ServiceID", Word),
    ("Slot", Word),
    ("NodeID", Word),
    ("DesiredState", Word),
    (
        "Status",
        Object(&[
            ("Timestamp", Word),
            ("State", Word),
            ("ContainerStatus", Object(&[("ContainerID", Word), ("ExitCode", Word)])),
            ("PortStatus", Object(&[("Ports", PUBLISHED)])),
        ]),
    ),
    (
        "NetworksAttachments",
        List(&Object(&[
            (
                "Network",
                Object(&[
                    ("ID", Word),
                    (
                        "Spec",
                        Object(&[
                            ("Name", Word),
                            ("Labels", LABELS),
                            ("DriverConfiguration", Object(&[("Name", Word)])),
                            ("Internal", Word),
                            ("Attachable", Word),
                            ("Ingress", Word),
                            ("IPv6Enabled", Word),
                            ("Scope", Word),
                        ]),
                    ),
                    ("DriverState", Object(&[("Name", Word)])),
                ]),
            ),
            ("Addresses", WORDS),
        ])),
    ),
]);

const TASKS: Shape = List(&TASK);

const NODE: Shape = Object(&[
    ("ID", Word),
    ("Version", OBJECT_VERSION),
    ("CreatedAt", Word),
    ("UpdatedAt", Word),
    ("Spec", Object(&[("Name", Word), ("Labels", LABELS), ("Role", Word), ("Availability", Word)])),
    (
        "Description",
        Object(&[
            ("Hostname", Word),
            ("Platform", Object(&[("Architecture", Word), ("OS", Word)])),
            ("Engine", Object(&[("EngineVersion", Word)])),
        ]),
    ),
    ("Status", Object(&[("State", Word), ("Addr", Word)])),
    ("ManagerStatus", Object(&[("Leader", Word), ("Reachability", Word), ("Addr", Word)])),
]);

const NODES: Shape = List(&NODE);

#[cfg(test)]
mod tests {
    use super::super::ask::{Request, TABLE};
    use super::super::response_filter::cut;
    use super::*;
    use crate::source::pieces::{LEFT_OUT, Pieces};

    /// The shape of each path of the table that has one.
    fn shapes() -> Vec<(&'static str, &'static Shape)> {
        let shape = |path: &'static str| {
            let target = path.replace("{id}", "x").replace("{name}", "x");
            of(&Request::parse("GET", &target, true).unwrap().ask).map(|shape| (path, shape))
        };
        TABLE.iter().filter_map(|(path, _, _)| shape(path)).collect()
    }

    fn each_object(shape: &Shape, visit: &mut impl FnMut(&[(&'static str, Shape)])) {
        match shape {
            Word | Judged(_) => {}
            List(inner) | Keyed(inner) | Chosen(_, inner) => each_object(inner, visit),
            Object(fields) => {
                visit(fields);
                fields.iter().for_each(|(_, shape)| each_object(shape, visit));
            }
        }
    }

    #[test]
    fn a_system_call_filter_is_let_through_as_far_as_it_is_judged() {
        let seen = |option: &str| {
            let answer = json!({"Id": "x", "HostConfig": {"SecurityOpt": ["no-new-privileges", option]}}).to_string();
            let text = String::from_utf8(cut(answer.as_bytes(), &CONTAINER).unwrap()).unwrap();
            assert!(text.len() < 300 && text.contains("no-new-privileges"), "{text}");
            let value: Value = serde_json::from_str(&text).unwrap();
            value["HostConfig"]["SecurityOpt"][1].as_str().unwrap().to_owned()
        };
        let comment = "x".repeat(500_000);
        for (default, calls) in [("SCMP_ACT_ALLOW", "read"), ("SCMP_ACT_ERRNO", "mount"), ("SCMP_ACT_ERRNO", "read")] {
            let option = format!(
                r#"seccomp={{"defaultAction":"{default}","comment":"{comment}","syscalls":[{{"names":["{calls}"],"action":"SCMP_ACT_ALLOW"}}]}}"#
            );
            assert_eq!(seccomp::filter(&seen(&option)), seccomp::filter(&option), "{default} {calls}");
        }
        for option in ["seccomp=unconfined", "apparmor=unconfined", "label=disable"] {
            assert_eq!(seen(option), option);
        }
    }

    #[test]
    fn no_shape_names_a_field_that_holds_secrets() {
        let secret = [
            "Env",
            "Cmd",
            "Args",
            "Path",
            "Entrypoint",
            "Command",
            "Healthcheck",
            "Test",
            "Log",
            "Error",
            "Err",
            "Message",
            "GraphDriver",
            "RegistryConfig",
            "HttpProxy",
            "HttpsProxy",
            "NoProxy",
            "TLSInfo",
            "JoinTokens",
            "Secrets",
            "Configs",
            "ProcessLabel",
            "OnBuild",
            "Shell",
            "History",
            "ContainerConfig",
            "Privileges",
            "ExecIDs",
        ];
        for (path, shape) in shapes() {
            each_object(shape, &mut |fields| {
                for (name, _) in fields {
                    assert!(!secret.contains(name), "{path}: {name}");
                }
            });
        }
    }

    #[test]
    fn every_object_is_within_the_bound_and_names_each_field_once() {
        for (path, shape) in shapes() {
            each_object(shape, &mut |fields| {
                assert!(fields.len() <= 64, "{path}");
                let names: std::collections::BTreeSet<_> = fields.iter().map(|(name, _)| name).collect();
                assert_eq!(names.len(), fields.len(), "{path}");
            });
        }
    }

    #[track_caller]
    fn check(target: &str, answer: &Value, expected: &Value) {
        let shape = of(&Request::parse("GET", target, true).unwrap().ask).unwrap();
        let cut: Value = serde_json::from_slice(&cut(answer.to_string().as_bytes(), shape).unwrap()).unwrap();
        assert_eq!(cut, *expected, "{target}");
    }

    #[test]
    fn a_volume_shows_a_hidden_bind_and_no_password() {
        let options = |options: Value| json!({"Name": "v", "Options": options});
        check(
            "/volumes/v",
            &options(json!({"type": "none", "o": "rw,bind", "device": "/var/run"})),
            &options(json!({"type": "none", "o": "bind", "device": "/var/run"})),
        );
        check(
            "/volumes/v",
            &options(json!({"type": "cifs", "o": "username=u,password=hunter2", "device": "//u:hunter2@host/share"})),
            &options(json!({"type": "cifs"})),
        );
        check("/volumes/v", &options(json!({"o": "password=bind", "x": "hunter2"})), &options(json!({})));
        for (device, shown) in [
            ("//u:hunter2@host/share", "//host/share"),
            ("//u:hun@ter2@host/share", "//host/share"),
            ("u:hunter2@host:/share", "host:/share"),
            ("//var/run", "//var/run"),
            ("/data/@home", "/data/@home"),
            ("../var/run", "../var/run"),
        ] {
            check(
                "/volumes/v",
                &options(json!({"type": "cifs", "o": "bind,password=hunter2", "device": device})),
                &options(json!({"type": "cifs", "o": "bind", "device": shown})),
            );
        }
        let mounted = |options: Value| {
            let config = json!({"Name": "local", "Options": options});
            let mount = json!({"Type": "volume", "Source": "v", "VolumeOptions": {"DriverConfig": config}});
            json!({"Id": "c", "HostConfig": {"Mounts": [mount]}})
        };
        check(
            "/containers/c/json",
            &mounted(json!({"type": "none", "o": "bind,password=hunter2", "device": "/", "x": "hunter2"})),
            &mounted(json!({"type": "none", "o": "bind", "device": "/"})),
        );
        check("/volumes/v", &options(json!({"type": "a hunter2"})), &options(json!({"type": "unknown"})));
        check("/volumes/v", &options(Value::Null), &options(Value::Null));
        check("/volumes/v", &options(json!("hunter2")), &options(Value::Null));
    }

    /// `binfmt_misc` was left out for its underscore, and a volume without a kind is taken for one of the engine's own.
    #[test]
    fn a_volume_that_is_a_file_system_of_the_hosts_is_none_of_the_engines_own_behind_the_gate() {
        for (options, kind) in [
            (json!({"type": "binfmt_misc", "device": "none"}), "binfmt_misc"),
            (json!({"type": "fuse.sshfs", "device": "u@host:/"}), "fuse.sshfs"),
            (json!({"type": "ext4,xfs", "device": "/dev/sda1"}), "unknown"),
            (json!({"type": "a".repeat(40), "device": "/dev/sda1"}), "unknown"),
            // Podman leaves it to `mount` to find out.
            (json!({"device": "/dev/sda1"}), "auto"),
            (json!({"type": "", "device": "/dev/sda1", "o": "rw"}), "auto"),
            (json!({"type": "none", "o": "bind", "device": "/srv"}), "none"),
            (json!({"o": "bind", "device": "/srv"}), ""),
            (json!({"type": "tmpfs", "device": "tmpfs"}), "tmpfs"),
            (json!({"o": "uid=1000"}), ""),
            (json!({}), ""),
        ] {
            let raw = json!({"Name": "v", "Driver": "local", "Options": options});
            let behind: Value = serde_json::from_slice(&cut(raw.to_string().as_bytes(), &VOLUME).unwrap()).unwrap();
            assert_eq!(facts::volume(&behind).kind, kind, "{raw}");
            assert_eq!(facts::volume(&raw).kind.is_empty(), kind.is_empty(), "{raw}");
        }
    }

    /// `o: bind,rw,rw,…`, 2.7 MB long, and the engine makes it.
    #[test]
    fn a_volume_whose_options_are_too_large_to_be_read_is_none_of_the_engines_own() {
        let options = json!({"type": "none", "o": format!("bind{}", ",rw".repeat(5_000)), "device": "/var/run"});
        let raw = json!({"Name": "v", "Driver": "local", "Labels": {"a": "b"}, "Options": options}).to_string();
        let volume = |most: usize, behind_a_gate: bool| {
            let mut pieces = Pieces::of_lines(most);
            let mut found = pieces.read(raw.as_bytes()).unwrap();
            found.extend(pieces.end().unwrap());
            let mut value = found.remove(0).value().unwrap();
            if behind_a_gate {
                let left_out = value[LEFT_OUT].take();
                value = serde_json::from_slice(&cut(value.to_string().as_bytes(), &VOLUME).unwrap()).unwrap();
                value[LEFT_OUT] = left_out;
            }
            facts::volume(&value)
        };
        for behind_a_gate in [false, true] {
            assert!(volume(1 << 20, behind_a_gate).bind);
            assert_eq!(volume(4096, behind_a_gate).kind, "unknown");
        }
    }

    #[test]
    fn a_container_keeps_what_isolation_is_judged_by() {
        check(
            "/containers/x/json",
            &json!({
                "Id": "x", "LogPath": "/var/log/x.log", "Path": "/bin/sh", "Args": ["-c", "hunter2"], "State": {"Status": "hibernating", "Pid": 7,
                "Error": "exec: hunter2", "Health": {"Status": "healthy", "Log": [{"Output": "hunter2"}]}},
                "HostConfig": {
                    "LogConfig": {"Type": "splunk", "Config": {"splunk-token": "hunter2"}}, "MaskedPaths": [],
                    "Annotations": {"run.oci.seccomp_bpf_data": "hunter2", "org.opencontainers.image.title": "hunter2"},
                },
                "Config": {"Env": ["P=hunter2"], "Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}}},
                "NetworkSettings": {"Networks": {"n": {"IPAddress": "10.0.0.2", "DriverOpts": {
                    "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.forwarding=1", "k": "hunter2",
                }}}},
            }),
            &json!({
                "Id": "x", "LogPath": "/var/log/x.log",
                "State": {"Status": "hibernating", "Health": {"Status": "healthy"}},
                "HostConfig": {
                    "LogConfig": {"Type": "splunk"}, "MaskedPaths": [], "Annotations": {"run.oci.seccomp_bpf_data": null},
                },
                "Config": {"Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}}},
                "NetworkSettings": {"Networks": {"n": {"IPAddress": "10.0.0.2", "DriverOpts": {
                    "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.forwarding=1",
                }}}},
            }),
        );
    }

    #[test]
    fn where_a_service_may_run_passes() {
        check(
            "/services/s",
            &json!({"ID": "s", "Spec": {"TaskTemplate": {"Placement": {
                "Constraints": ["node.role == manager"], "Preferences": [{"Spread": {"SpreadDescriptor": "hunter2"}}],
            }}}}),
            &json!({"ID": "s", "Spec": {"TaskTemplate": {"Placement": {"Constraints": ["node.role == manager"]}}}}),
        );
    }

    #[test]
    fn options_of_network_plugins_do_not_pass() {
        check(
            "/networks/n",
            &json!({"Options": {"com.docker.network.bridge.gateway_mode_ipv4": "isolated", "weave.password": "hunter2"}}),
            &json!({"Options": {"com.docker.network.bridge.gateway_mode_ipv4": "isolated"}}),
        );
    }
}
