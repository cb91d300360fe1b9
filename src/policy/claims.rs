//! Step 7: what a container's labels claim, and whether it may. Asks the rules about labels, [`super::rules`], and holds
//! against the container what they saw.
//!
//! What takes from others is refused, catch-alls too; what only reaches far is reported, and refused under
//! `--isolation strict`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::cause::{self, Few};
use super::finding::{Action, Finding, Subject};
use super::forward_auth_names::{Answering, Leads};
use super::hosts::{Bindings, Claimed};
use super::names::Owner;
use super::references::Middlewares;
use super::refusal::{Code, Refusal};
use super::rule_id::RuleId;
use super::rules::{self, Check, Rule};
use crate::inventory::{Container, Network};
use crate::settings::{Isolation, Settings};
use crate::traefik::Dynamic;

/// What stands against a claim, but for references and hosts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// A name with an `@`.
    AtSign(String),
    DefaultCertificate,
    /// The containers, each on its network, that Traefik may find under a forwardAuth address's name.
    SharedName {
        middleware: String,
        host: String,
        places: Few<(String, String)>,
    },
    /// A middleware makes Traefik connect to an address; `visitors`: with what visitors bring.
    Connects {
        middleware: String,
        to: String,
        visitors: bool,
        leads: Leads,
    },
    /// Traefik's own entry point.
    EntryPoint,
    Priority {
        router: String,
        priority: i64,
    },
    Hidden {
        router: String,
    },
    Port(String),
    Scheme(String),
    Url(String),
    /// A health check of another port than the service's own.
    CheckPort {
        port: i64,
        own: u16,
    },
    CheckPath(String),
    CheckChosen,
    CheckRedirects,
    CheckStatus(i64),
    Middleware {
        middleware: String,
        does: Does,
    },
}

/// What a middleware does that Traefik pays for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Does {
    ReadsFiles,
    ReadsFile(String),
    RunsPlugin,
    BcryptCost(u32),
    Retries(i64),
}

/// One container and what it claims.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The container.
    pub container: &'a Container,
    /// Its owner.
    pub owner: &'a Owner,
    /// What its labels decode to, names as written.
    pub dynamic: &'a Dynamic,
    /// The same, completed.
    pub complete: &'a Dynamic,
    /// What it claims of hosts when it is complete: the default rule is a claim too.
    pub hosts: &'a [Claimed],
    /// The network it is reached on; `None` in it: on none that is known, as on the host's own. A Traefik is on all of its
    /// networks, and on none. Empty: it is not reached.
    pub networks: &'a [Option<&'a Network>],
    /// Its addresses on that network.
    pub addresses: &'a [IpAddr],
    /// It is a declared Traefik whose labels speak for everybody.
    pub speaks_for_all: bool,
    /// The rules that the operator allows on it.
    pub allowed: &'a BTreeSet<RuleId>,
    /// How hard what it claims of others is judged.
    pub rights: Isolation,
    /// How hard its references by bare name are judged.
    pub isolation: Isolation,
    /// Where some of its labels cannot be read: the middlewares that all of them declare.
    pub unread: Option<&'a BTreeSet<String>>,
}

/// What stands against a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is refused; empty if it is not.
    pub refusals: Vec<Refusal>,
    /// What would refuse it under `--isolation enforce`, and is only reported under `warn`.
    pub overruled: Vec<Refusal>,
    /// What is odd or weakens the walls (LBL rules), refused or not.
    pub findings: Vec<Finding>,
}

/// What all claims are judged by.
#[derive(Clone, Copy, Debug)]
pub struct ClaimContext<'a> {
    /// Whose middlewares are whose.
    pub middlewares: &'a Middlewares<'a>,
    /// Who answers to the names in their addresses.
    pub answering: &'a Answering<'a>,
    /// Whose hosts are whose.
    pub bindings: &'a Bindings,
    /// What the operator chose.
    pub settings: &'a Settings,
}

/// A container's claims under judgement, with what the rules about labels look at.
#[derive(Clone, Copy, Debug)]
pub struct ClaimCase<'a> {
    /// The container and what it claims.
    pub claim: Claim<'a>,
    /// What all claims are judged by.
    pub context: ClaimContext<'a>,
    /// What is seen in its claims to hosts, and the rule that is about it: they are read once for several rules.
    pub hosts: &'a [(RuleId, InLabel)],
}

/// What a rule saw in a label.
#[derive(Clone, Debug)]
pub struct InLabel {
    /// What it is refused for, if it is.
    refusal: Refusal,
    /// Another action than the rule's, where the case is milder, or worse.
    action: Option<Action>,
    /// How hard it is judged, where that is not how hard claims to what is others' are.
    isolation: Option<Isolation>,
    /// `leeward.allow` on the container can allow it.
    may_allow: bool,
}

impl InLabel {
    /// Something that the operator may allow on the container. `label`: the whole key.
    pub(super) fn new(code: Code, label: String, cause: impl Into<cause::Cause>) -> Self {
        Self { refusal: Refusal::new(code, cause).by_label(label), action: None, isolation: None, may_allow: true }
    }

    /// Something of others. The container's own label cannot allow it: it needs a network's label or a flag.
    pub(super) fn of_others(refusal: Refusal) -> Self {
        Self { refusal, action: Some(Action::Block), isolation: None, may_allow: false }
    }

    pub(super) fn action(self, action: Option<Action>) -> Self {
        Self { action, ..self }
    }

    pub(super) fn isolation(self, isolation: Isolation) -> Self {
        Self { isolation: Some(isolation), ..self }
    }
}

/// Judges everything that one container claims. Nothing is refused under `--isolation off`.
pub fn judge(claim: &Claim<'_>, context: ClaimContext<'_>) -> Verdict {
    let hosts = rules::hosts(claim, context);
    let case = ClaimCase { claim: *claim, context, hosts: &hosts };
    let mut verdict = Verdict::default();
    for refusal in at_signs(claim.dynamic) {
        verdict.hold(refusal, claim.rights);
    }
    let mut seen = Vec::new();
    for rule in rules::all() {
        if let Check::Claim(check) = rule.check {
            check(&case, &mut seen);
            seen.drain(..).for_each(|seen| verdict.settle(rule, seen, claim));
        }
    }
    verdict
}

impl Verdict {
    fn settle(&mut self, rule: &Rule, seen: InLabel, claim: &Claim<'_>) {
        let InLabel { refusal: Refusal { code, label, hosts, cause, .. }, action, isolation, may_allow } = seen;
        let isolation = isolation.unwrap_or(claim.rights);
        let found = Finding::new(rule.id, Subject::of(claim.container), cause);
        let action = action.unwrap_or(found.action);
        let allowed = may_allow && claim.allowed.contains(&rule.id);
        let refuses = !allowed
            && match isolation {
                Isolation::Strict => matches!(action, Action::Block | Action::WarnStrictBlock),
                Isolation::Enforce | Isolation::Warn => action == Action::Block,
                Isolation::Off => false,
            };
        let finding = Finding { action, label, allowed, blocks: refuses && isolation != Isolation::Warn, ..found };
        if refuses {
            // To allow what cannot be read routes nothing: Traefik leaves such a router out.
            let may_allow = may_allow && !finding.cause.is_unreadable();
            self.hold(Refusal { hosts, may_allow, ..Refusal::for_finding(code, &finding) }, isolation);
        }
        self.findings.push(finding);
    }

    /// Holds a refusal against the container, as far as its mode goes.
    fn hold(&mut self, refusal: Refusal, isolation: Isolation) {
        match isolation {
            Isolation::Strict | Isolation::Enforce => self.refusals.push(refusal),
            Isolation::Warn => self.overruled.push(refusal),
            Isolation::Off => {}
        }
    }
}

/// A name with `@` would be another provider's. The first of each kind.
fn at_signs(Dynamic { http, tcp, udp, tls: _ }: &Dynamic) -> impl Iterator<Item = Refusal> {
    let names = [
        ("http.routers", http.routers.keys().find(|name| name.contains('@'))),
        ("http.services", http.services.keys().find(|name| name.contains('@'))),
        ("http.middlewares", http.middlewares.keys().find(|name| name.contains('@'))),
        ("http.models", http.models.keys().find(|name| name.contains('@'))),
        ("tcp.routers", tcp.routers.keys().find(|name| name.contains('@'))),
        ("tcp.services", tcp.services.keys().find(|name| name.contains('@'))),
        ("tcp.middlewares", tcp.middlewares.keys().find(|name| name.contains('@'))),
        ("udp.routers", udp.routers.keys().find(|name| name.contains('@'))),
        ("udp.services", udp.services.keys().find(|name| name.contains('@'))),
    ];
    names.into_iter().filter_map(|(kind, name)| {
        let refusal = Refusal::new(Code::BadName, Cause::AtSign(name?.clone()));
        Some(refusal.by_label(format!("traefik.{kind}.{}", name?)))
    })
}
