//! What there is to change, and what comes of it: values, no words.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::edit::{Edit, ServiceNetwork, all_shown, shown};
use super::left_out::LeftOut;
use super::names::{file_name, file_number};
use crate::inventory::Inventory;
use crate::plan::Outcome;
use crate::policy::names::Owner;
use crate::policy::outbound::Allowance;
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;

/// Everything that there is to change, and what comes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Remedies {
    /// One for each owner with something to mend, in the order of their names.
    pub owners: Vec<Remedy>,
    /// Declared Traefiks with routers of their own that are refused, for their labels: no change of networks mends that.
    pub refused_traefiks: Vec<Verdict>,
    /// Traefik's part: networks that it makes and joins. Those in a project that has a remedy of its own are there.
    pub traefik: Vec<Edit>,
    /// What an earlier file for Traefik's project may have said: networks of its own that Traefik is on. It is said again,
    /// so that a new file takes nothing away.
    #[serde(skip)]
    pub again: Vec<Edit>,
    /// Owners that were left alone: a mode `warn` of their own routes them as they are. Named one by one, they are not.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "all_shown")]
    pub lenient: Vec<Owner>,
    /// Nobody is declared a Traefik; one was assumed.
    pub traefik_is_assumed: bool,
    /// Containers of Traefik's own image, none of which is declared, and of which nobody can tell which one is meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undeclared_traefiks: Vec<String>,
    /// The names of the declared Traefiks.
    pub traefiks: Vec<String>,
    /// The names of the declared egress Traefiks, by owner and service.
    #[serde(skip)]
    pub egresses: BTreeMap<(String, String), String>,
    /// Networks that `--proxy-network` has to name too, where it is set.
    pub proxy_network_flags: BTreeSet<String>,
    /// How often edits were applied and judged.
    pub rounds: usize,
    /// What the engine would say afterwards. An assumed Traefik is in it.
    #[serde(skip)]
    pub after: Inventory,
    /// The keys by which files know networks: owner, full name, key.
    #[serde(skip)]
    pub keys: BTreeMap<(String, String), String>,
    /// Of these, those that another file makes.
    #[serde(skip)]
    pub external: BTreeSet<(String, String)>,
    /// The networks of each service, by owner and service, after the edits: full name and place.
    #[serde(skip)]
    pub places: BTreeMap<(String, String), BTreeMap<String, ServiceNetwork>>,
    /// Capabilities and security options that stay, by owner and service.
    #[serde(skip)]
    pub stays: BTreeMap<(String, String), Stays>,
    /// The files of each owner's project.
    #[serde(skip)]
    pub files: BTreeMap<String, Files>,
}

/// Lists of which an override can only write the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stays {
    /// `cap_add`.
    pub cap_add: BTreeSet<String>,
    /// `security_opt`.
    pub security_opt: Vec<String>,
}

/// What Compose wrote on containers of where it found their project. Strangers can write the same: only to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Files {
    /// `com.docker.compose.project.working_dir`.
    pub working_dir: Option<String>,
    /// `com.docker.compose.project.config_files`, between commas.
    pub config_files: Option<String>,
    /// What was read does not say them: they are those that Compose would read in the folder.
    #[serde(skip)]
    pub is_guess: bool,
}

impl Files {
    /// Adds our own files before the n-th, which are in the folder and stay. `project`: as in their names.
    pub fn stay_before(&mut self, number: usize, project: Option<&str>) {
        let mut all: Vec<String> =
            self.config_files.iter().flat_map(|it| it.split(',')).map(ToOwned::to_owned).collect();
        for wanted in 1..number {
            let is_there = |path: &String| path.rsplit('/').next().and_then(file_number) == Some(wanted);
            if !all.iter().any(is_there) {
                all.push(file_name(wanted, project));
            }
        }
        self.config_files = Some(all.join(",")).filter(|it| !it.is_empty());
    }
}

/// What to do about one owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// The project, or the container that is alone.
    #[serde(serialize_with = "shown")]
    pub owner: Owner,
    /// Where its files are, as its containers say.
    pub files: Files,
    /// The changes of its own files.
    pub edits: Vec<Edit>,
    /// Who asked for a route: before and after.
    pub verdicts: Vec<Verdict>,
    /// What stops working.
    pub lost: Vec<Lost>,
    /// What nobody can know here.
    pub said: Vec<Said>,
    /// What edits cannot mend, and the answers there are.
    pub choices: Vec<Choice>,
    /// The outbound names that its containers ask for and are not allowed afterwards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outbound: Vec<Allowance>,
    /// Everybody who asked is routed and isolated after the edits, or would be if it ran.
    pub proven: bool,
}

/// A container that asked for a route: what is decided, and what will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Its name.
    pub container: String,
    /// Its service; its name, if it is alone.
    pub service: String,
    /// What is decided now.
    pub before: Outcome,
    /// It is routed now only if a network that was not given is as it should be.
    #[serde(skip)]
    pub not_verifiable: bool,
    /// Why.
    pub because: Vec<Refusal>,
    /// What will be decided.
    pub after: Outcome,
    /// Why.
    pub left: Vec<Refusal>,
    /// Its routers that Traefik leaves out all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

impl Verdict {
    /// It is routed afterwards, or would be if it ran.
    pub fn is_fine(&self) -> bool {
        self.left_out.is_empty() && self.left.iter().all(Refusal::is_liveness)
    }
}

/// Something that works now, and will not after the edits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Lost {
    /// A published port.
    Port {
        /// Whose.
        service: String,
        /// `53/udp`, in the container.
        port: String,
        /// The host's address; empty is all of them.
        host_ip: String,
        /// The host's port; empty is any.
        host_port: String,
        /// Traefik reaches the application on it, so that only the way past Traefik is lost.
        routed: bool,
    },
    /// A way out: mail, updates, other people's services.
    WayOut {
        /// Whose.
        service: String,
        /// Over which networks.
        networks: Vec<String>,
        /// It asked for no route itself.
        silent: bool,
    },
    /// A name for the host.
    HostGateway {
        /// Whose.
        service: String,
        /// As written: `host.docker.internal:host-gateway`.
        entry: String,
    },
    /// A fixed address on a network that it leaves.
    Address {
        /// Whose.
        service: String,
        /// The network.
        network: String,
        /// The address.
        address: String,
    },
    /// Containers of other owners that it shared a network with, and shares none with any more.
    Neighbours {
        /// Whose.
        service: String,
        /// The network.
        network: String,
        /// Some of them.
        names: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// Something that it was allowed to do: `NET_ADMIN`, `privileged`, ….
    Power {
        /// Whose.
        service: String,
        /// As written in the file.
        what: String,
    },
}

/// Something that the engine's answers do not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Said {
    /// It does not run, and was judged as if it did.
    NotRunning {
        /// The container.
        container: String,
        /// Its state.
        state: String,
    },
    /// A network that was not given: who is on it, and what it is, is not known.
    NotGiven {
        /// The network.
        network: String,
        /// It was taken for one with a way out, and is left.
        is_left: bool,
    },
    /// A service that keeps its way out shares a network with one that is isolated.
    KeepsWayOut {
        /// The service.
        service: String,
        /// It was to be kept so.
        kept: bool,
    },
}

/// A container that edits cannot mend, or that loses what it may be there for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The container.
    pub container: String,
    /// Its service; its name, if it is alone.
    pub service: String,
    /// It asks for a route. `false`: it only shares a network with one that does.
    pub asks: bool,
    /// What stands against it, rule by rule. Empty: only for what it loses.
    pub rules: BTreeSet<RuleId>,
    /// All the rules which, allowed on its own container, let it be routed as it is. `None`: none do.
    pub allow: Option<BTreeSet<RuleId>>,
    /// It is on the host's network: Traefik's file provider can route to the host's address.
    pub on_host: bool,
    /// Ports that it would lose, and that Traefik does not serve.
    pub ports: Vec<String>,
}
