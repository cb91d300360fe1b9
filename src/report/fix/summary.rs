//! The summary: what changes and why, what stops working, what to answer, what nobody can know here.

use std::collections::{BTreeMap, BTreeSet};

use super::commands::{Step, steps, unsure};
use super::overrides::{by_hand, compose, next_file};
use super::owners;
use super::{Standing, standing};
use crate::plan::Outcome;
use crate::policy::leeward_labels::{ALLOW, HOSTS, TRAEFIK};
use crate::policy::names::Owner;
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;
use crate::remedy::{
    Binding, Change, Choice, Declarer, Edit, LeftOut, Lost, NewNetwork, Remedies, Remedy, Said, Verdict, What,
};
use crate::report::asked::{Asked, HERE};
use crate::report::quoting::quoted;
use crate::report::routes;
use crate::report::visible::{visible, visible_lines};
use crate::report::words::{Remedy as _, Words as _};

/// How many lines of one kind a project may take.
const MOST: usize = 100;

/// What to do where no Traefik is known.
pub const NO_TRAEFIK: &str = "it was not given, so there is no file for it here. Run this again with Traefik's own Compose \
                              file: leeward fix TRAEFIK.yaml APP.yaml. Or change that file by hand (a service without \
                              `networks:` is on `default`: name `default` too, or it leaves it):";

/// With more bridges than this an engine may run out of addresses: 15 networks of 172.17.0.0/12 and 16 of 192.168.0.0/16.
const FEW_NETWORKS: usize = 25;

/// What of the files is shown with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The files themselves.
    Files,
    /// Only that they are written.
    Written,
}

/// The whole summary; every line of it is safe for a terminal.
pub fn text(remedies: &Remedies, shown: Shown) -> String {
    text_asked(remedies, shown, &HERE)
}

/// The same; `asked`: where it was read, for the commands in it.
pub fn text_asked(remedies: &Remedies, shown: Shown, asked: &Asked) -> String {
    let mut out = Text(String::new());
    out.line(&first_line(remedies));
    out.lenient(remedies, asked);
    out.0.push('\n');
    let not_given = super::not_given(remedies);
    if !not_given.is_empty() {
        out.line(&format!(
            "NOT KNOWN: {} {} not given. What follows is right only if it is internal, and Traefik is on it where it is to reach somebody there. Name the file of \
             the project that makes it too (leeward fix TRAEFIK.yaml APP.yaml), or --snapshot FILE from `leeward snapshot`.",
            not_given.iter().take(MOST).copied().collect::<Vec<_>>().join(", "),
            if not_given.len() == 1 { "is an external network and was" } else { "are external networks and were" },
        ));
        out.0.push('\n');
    }
    for verdict in &remedies.refused_traefiks {
        out.line(&format!(
            "{}: Traefik's own router is refused, and no change of networks mends that. Its labels have to change:",
            verdict.container
        ));
        for refusal in verdict.left.iter().filter(|it| !it.is_liveness()).take(MOST) {
            out.line(&format!("    {}: {}", refusal.name(), refusal.words()));
            out.0.extend(visible_lines(&refusal.remedy_asked(asked)).lines().map(|line| format!("        {line}\n")));
        }
        out.0.push('\n');
    }
    if !remedies.undeclared_traefiks.is_empty() {
        out.line(&format!("Traefik: {}", undeclared(remedies)));
        out.0.push('\n');
    }
    if remedies.owners.is_empty() && remedies.traefik.is_empty() {
        out.0.truncate(out.0.trim_end().len());
        out.0.push('\n');
        return out.0;
    }
    for remedy in &remedies.owners {
        out.remedy(remedies, remedy, asked);
    }
    out.traefik(remedies);
    out.pools(remedies);
    let steps = steps(remedies);
    if !steps.is_empty() {
        out.line("What to do, in this order:");
        out.0.push('\n');
    }
    for (number, step) in steps.iter().enumerate() {
        out.step(remedies, number + 1, step, shown);
    }
    let old: Vec<(&Owner, Vec<String>)> = owners(remedies)
        .into_iter()
        .filter(|owner| owner.group().is_some())
        .map(|owner| (owner, by_hand(remedies, owner)))
        .filter(|(_, it)| !it.is_empty())
        .collect();
    if !old.is_empty() {
        out.line(
            "The files need Compose 2.24 or later, for !reset and !override. With docker-compose 1.29: delete this from your \
             own files; from ours delete the lines with !reset or x-leeward-file and the words !override; if yours begin with `version:`, \
             write the same line into ours:",
        );
        for (owner, lines) in old {
            for line in lines.iter().take(MOST) {
                out.line(&format!("    {owner}: {line}"));
            }
        }
    }
    out.0
}

struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(&visible(line));
        self.0.push('\n');
    }

    fn list(&mut self, title: &str, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.line(&format!("  {title}"));
        for line in lines.iter().take(MOST) {
            self.line(&format!("    {line}"));
        }
        if lines.len() > MOST {
            self.line(&format!("    … and {} more", lines.len() - MOST));
        }
    }

    fn remedy(&mut self, remedies: &Remedies, remedy: &Remedy, asked: &Asked) {
        self.line(&format!("{}: {}", remedy.owner, headline(remedy)));
        let verdicts: Vec<String> = remedy.verdicts.iter().map(verdict).collect();
        self.list("verdicts", &verdicts);
        self.list("changes", &changes(&remedy.edits));
        self.list("stops working", &lost(remedy));
        let mut answers: Vec<String> = remedy.choices.iter().flat_map(|it| choice(remedy, it, asked)).collect();
        answers.extend(not_allowed(remedy));
        for Verdict { service, left, left_out, .. } in &remedy.verdicts {
            answers.extend(left_out.iter().flat_map(|it| left_out_words(service, it, asked)));
            for refusal in left.iter().filter(|it| !crate::remedy::is_for_edits(it) && !it.is_liveness()) {
                answers.push(format!("{service}, {}: {}", refusal.name(), refusal.words()));
                // A remedy has several lines.
                answers.extend(visible_lines(&refusal.remedy_asked(asked)).lines().map(|line| format!("    {line}")));
            }
        }
        self.list("to answer", &answers);
        self.list("not known", &said(remedies, remedy));
        self.0.push('\n');
    }

    /// How many networks there will be, where the engine may have no addresses for so many.
    fn pools(&mut self, remedies: &Remedies) {
        let all = remedies.owners.iter().flat_map(|remedy| &remedy.edits).chain(&remedies.traefik);
        let new = all.filter(|edit| matches!(edit.what, What::Network(_))).count();
        let networks = remedies.after.networks.values();
        let bridges = networks.filter(|it| it.driver == "bridge" && !it.assumed).count();
        if new > 0 && bridges > FEW_NETWORKS {
            self.line(&format!(
                "There will be {bridges} networks, {new} of them new, as long as the old ones are there. An engine has \
                 addresses for 31 unless /etc/docker/daemon.json says otherwise, such as \"default-address-pools\": \
                 [{{\"base\": \"172.16.0.0/12\", \"size\": 24}}]; it is restarted for that. Or move one project after the other."
            ));
            self.0.push('\n');
        }
    }

    /// What was left alone because it runs under `warn` on purpose.
    fn lenient(&mut self, remedies: &Remedies, asked: &Asked) {
        let names: Vec<String> = remedies.lenient.iter().take(MOST).map(ToString::to_string).collect();
        if let Some(first) = names.first() {
            self.line(&format!(
                "Left as it is, because --isolation-of says warn for it: {}. To move one over, name it: {}",
                names.join(", "),
                asked.fix(first)
            ));
        }
    }

    /// One owner's file, its line for `.env`, and what to run then.
    fn step(&mut self, remedies: &Remedies, number: usize, step: &Step<'_>, shown: Shown) {
        let Step { owner, place, commands } = step;
        let name = next_file(remedies, &owner.to_string());
        match place {
            Some((folder, env)) => {
                self.line(&format!("{number}. {owner}, in {folder}"));
                self.0.push('\n');
                match compose(remedies, owner).filter(|_| shown == Shown::Files) {
                    Some(file) => {
                        self.line(&format!("   Save this there as {name}:"));
                        self.block(file.lines());
                    }
                    None => self.line(&format!("   {name} belongs there.")),
                }
                match env {
                    Some(env) => {
                        self.line(
                            "   Put this line into .env there, in place of one that begins with COMPOSE_FILE=. From then on \
                             name no file with -f there: Compose would not read the line:",
                        );
                        self.block([env.as_str()]);
                        if let Some(unsure) = unsure(remedies, owner) {
                            self.line(&format!("   ({unsure})"));
                        }
                    }
                    None => self.line(
                        "   Another project is in that folder, and one .env cannot name the files of both: every later \
                         command for this one needs -p and -f as here.",
                    ),
                }
                self.line("   Run:");
            }
            None if super::assumed(remedies).is_some_and(|it| it == owner.to_string()) => {
                self.line(&format!("{number}. Traefik"));
            }
            None => self.line(&format!("{number}. {owner}")),
        }
        self.block(commands.iter().map(String::as_str));
    }

    /// What is to be copied, between empty lines.
    fn block<'l>(&mut self, lines: impl IntoIterator<Item = &'l str>) {
        self.0.push('\n');
        for line in lines {
            self.line(&format!("       {line}"));
        }
        self.0.push('\n');
    }

    fn traefik(&mut self, remedies: &Remedies) {
        if remedies.traefik.is_empty() {
            return;
        }
        if remedies.traefik_is_assumed && !remedies.undeclared_traefiks.is_empty() {
            self.line("Traefik, whichever container it is:");
        } else if remedies.traefik_is_assumed {
            self.line(&format!("Traefik: {NO_TRAEFIK}"));
        } else {
            self.line("Traefik:");
        }
        self.list("changes", &changes(&remedies.traefik));
        if !remedies.proxy_network_flags.is_empty() {
            let flags: Vec<String> =
                remedies.proxy_network_flags.iter().map(|network| format!("--proxy-network {network}")).collect();
            self.list("flags of Leeward", &flags);
        }
        self.0.push('\n');
    }
}

/// What stops working, one line for each kind; the same of several services together.
pub fn lost(remedy: &Remedy) -> Vec<String> {
    let mut lost: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for it in &remedy.lost {
        lost.entry(lost_words(it)).or_default().insert(lost_service(it));
    }
    let line = |(what, services): (String, BTreeSet<&str>)| {
        format!("{}: {what}", services.into_iter().collect::<Vec<_>>().join(", "))
    };
    lost.into_iter().map(line).collect()
}

/// What nobody can know here, one line each.
pub fn said(remedies: &Remedies, remedy: &Remedy) -> Vec<String> {
    let mut said: Vec<String> = remedy.said.iter().map(said_words).collect();
    if !remedy.edits.is_empty() {
        said.push(
            "host names in its settings are not read: if it uses the name of another project's container, that stops working"
                .to_owned(),
        );
        if remedies.keys.is_empty() || remedy.files.config_files.is_some() {
            said.push(
                "services of a profile that is not running are not known here: docker compose --profile '*' config \
                 --format json | leeward fix -"
                    .to_owned(),
            );
        }
    }
    said
}

/// Whether it is all mended: the first word is the exit status, in words. `Nothing` and `MENDED` 0, `NOT MENDED` 1, `OPEN` 4.
fn first_line(remedies: &Remedies) -> String {
    let isolated = if remedies.owners.iter().any(allows) {
        "is routed; what is allowed by label is NOT isolated"
    } else {
        "is routed and isolated"
    };
    let mut open: Vec<&str> = Vec::new();
    if remedies.owners.iter().any(|it| !it.choices.is_empty()) {
        open.push("there is something to answer first");
    }
    if remedies.owners.iter().any(|it| !it.outbound.is_empty()) {
        open.push("there are outbound names that will not be allowed");
    }
    if !remedies.undeclared_traefiks.is_empty() {
        open.push("Traefik is not declared");
    } else if super::assumed(remedies).is_some() {
        open.push("Traefik was not given");
    }
    if super::lacks_network(remedies) {
        open.push("a network was not given");
    }
    let of_owners = remedies.owners.iter().flat_map(|it| &it.verdicts);
    let (open, verdicts) = (open.join(", and "), of_owners.chain(&remedies.refused_traefiks));
    match standing(remedies) {
        Standing::Mended if remedies.owners.is_empty() && declares(&remedies.traefik) => {
            "MENDED: with the change below Leeward knows your Traefik; everything that asks for a route is then routed and \
             isolated. It was tried on a model; nothing is changed yet."
                .to_owned()
        }
        Standing::Mended if remedies.owners.is_empty() && !remedies.traefik.is_empty() => {
            "MENDED: every container that asks for a route is routed and isolated; below is what binds its hosts."
                .to_owned()
        }
        Standing::Mended if remedies.owners.is_empty() && remedies.lenient.is_empty() => {
            "Nothing to fix: every container that asks for a route is routed and isolated.".to_owned()
        }
        Standing::Mended if remedies.owners.is_empty() => "Nothing to fix.".to_owned(),
        Standing::Mended => format!(
            "MENDED: with the changes below everything that asks for a route {isolated}. They were tried on a model; nothing is \
             changed yet."
        ),
        Standing::Open if remedies.owners.is_empty() => format!("OPEN: nothing to fix that is known here, but {open}."),
        Standing::Open => format!(
            "OPEN: with the changes below everything that asks for a route {isolated}, but {open}. They were tried on a model; \
             nothing is changed yet."
        ),
        Standing::Left => {
            let all: Vec<&Verdict> = verdicts.filter(|it| !it.is_fine()).collect();
            let left = all.len();
            let (those, stay) = if left == 1 { ("1 container", "stays") } else { ("containers", "stay") };
            let those = if left == 1 { those.to_owned() } else { format!("{left} {those}") };
            let refused = if all.iter().all(|it| it.left_out.is_empty()) {
                "refused"
            } else if all.iter().any(|it| it.after == Outcome::Refused) {
                "refused, or left out by Traefik,"
            } else {
                "left out by Traefik"
            };
            format!(
                "NOT MENDED: {those} that asked for a route {stay} {refused} with every change that fix knows; see `to answer` \
                 below."
            )
        }
    }
}

/// Whether a container is declared to be Traefik by one of these.
pub fn declares<'e>(edits: impl IntoIterator<Item = &'e Edit>) -> bool {
    edits
        .into_iter()
        .any(|edit| matches!(&edit.what, What::Service { change: Change::Label { key, .. }, .. } if key == TRAEFIK))
}

/// What to do about containers that may each be Traefik.
pub fn undeclared(remedies: &Remedies) -> String {
    let names: Vec<&str> = remedies.undeclared_traefiks.iter().map(String::as_str).take(MOST).collect();
    let (run, first) = (if names.len() == 1 { "runs" } else { "run" }, names.first().copied().unwrap_or_default());
    format!(
        "{} {run} Traefik's image, and nothing says which container is your Traefik. They are left as they are. Put \
         {TRAEFIK}: \"true\" among the labels of yours, or name it (--traefik {}), and ask again.",
        names.join(", "),
        quoted(first)
    )
}

/// Whether a service is kept as it is, allowed by label.
fn allows(remedy: &Remedy) -> bool {
    let is_it = |what: &What| match what {
        What::Service { change: Change::Label { key, .. }, .. } => key == ALLOW,
        What::Network(network) => network.replaces.is_none() && network.labels.contains_key(ALLOW),
        What::Service { .. } | What::Bind(_) => false,
    };
    remedy.edits.iter().any(|edit| is_it(&edit.what))
}

fn headline(remedy: &Remedy) -> String {
    let asked = remedy.verdicts.len();
    let done = remedy.verdicts.iter().filter(|it| it.after == Outcome::Routed && it.left_out.is_empty()).count();
    let routed = if allows(remedy) {
        "routed after these changes; what is allowed by label is NOT isolated"
    } else {
        "routed and isolated after these changes"
    };
    let question = if remedy.choices.is_empty() && remedy.outbound.is_empty() {
        ""
    } else {
        "; a question is open, see `to answer`"
    };
    match (remedy.proven, remedy.edits.is_empty()) {
        (true, _) => format!("{routed}{question}"),
        (false, true) => "no change of its files mends this".to_owned(),
        (false, false) if done == 0 => "these changes do not suffice: it is still refused".to_owned(),
        (false, false) => format!("{done} of {asked} {routed}{question}"),
    }
}

fn outcome(outcome: Outcome, refusals: &[Refusal]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for refusal in refusals {
        if !names.contains(&refusal.name()) {
            names.push(refusal.name());
        }
    }
    match outcome {
        Outcome::Routed => "routed".to_owned(),
        Outcome::Ignored => "ignored".to_owned(),
        Outcome::Refused => format!("refused ({})", names.join(", ")),
    }
}

fn verdict(verdict: &Verdict) -> String {
    let Verdict { service, before, not_verifiable, because, after, left, left_out, .. } = verdict;
    let before = match before {
        Outcome::Routed if *not_verifiable => format!("not verifiable ({})", RuleId::Net027),
        before => outcome(*before, because),
    };
    let routers: Vec<String> = left_out.iter().map(|it| format!("`{}`", it.router)).collect();
    let but =
        if routers.is_empty() { String::new() } else { format!(", but Traefik leaves out {}", routers.join(", ")) };
    format!("{service}: {before} -> {}{but}", outcome(*after, left))
}

/// A router that Traefik leaves out, why, and what refuses whoever declares what it lacks.
fn left_out_words(service: &str, LeftOut { router, reasons, declared_by }: &LeftOut, asked: &Asked) -> Vec<String> {
    let reasons = reasons.iter();
    let mut lines: Vec<String> =
        reasons.map(|it| format!("{service}: Traefik leaves out router `{router}`: {}", routes::lacks(it))).collect();
    for Declarer { container, refusals } in declared_by {
        lines.push(format!("    `{container}` declares it, and is refused:"));
        for refusal in refusals {
            lines.push(format!("    {}: {}", refusal.name(), refusal.words()));
            let remedy = visible_lines(&refusal.remedy_asked(asked));
            lines.extend(remedy.lines().map(|line| format!("        {line}")));
        }
    }
    lines
}

/// One line for each kind of change, the same ones of several services together.
pub fn changes(edits: &[Edit]) -> Vec<String> {
    let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
    for edit in edits {
        match &edit.what {
            What::Network(network) => lines.push((network_words(network), Vec::new())),
            What::Bind(Binding { network, hosts, .. }) => {
                lines.push((
                    format!("network {network}: label {HOSTS}={hosts}; nothing else may be claimed on it"),
                    Vec::new(),
                ));
            }
            What::Service { name, change } => {
                let words = change_words(change);
                match lines.iter_mut().find(|(known, _)| *known == words) {
                    Some((_, names)) => names.push(name),
                    None => lines.push((words, vec![name])),
                }
            }
        }
    }
    let shown = |(words, mut names): (String, Vec<&str>)| {
        names.sort_unstable();
        if names.is_empty() { words } else { format!("{}: {words}", names.join(", ")) }
    };
    lines.into_iter().map(shown).collect()
}

fn network_words(network: &NewNetwork) -> String {
    if let Some(old) = &network.replaces {
        return format!(
            "network {}: {} in place of {old}; internal, and everybody who was on it moves",
            network.key, network.name
        );
    }
    let allows = network.labels.get(ALLOW);
    let allows = allows.map(|rules| format!("; {ALLOW}: {rules}, for who keeps its way out is on it"));
    format!("network {}: new and internal{}", network.name, allows.unwrap_or_default())
}

fn change_words(change: &Change) -> String {
    match change {
        Change::Attach(entry) => {
            // Names that only the operator gives: those of outbound names have a dot.
            let names: Vec<&str> = entry.aliases.iter().map(String::as_str).filter(|it| it.contains('.')).collect();
            let names = if names.is_empty() { String::new() } else { format!(" as {}", names.join(", ")) };
            format!("joins {}{names}", entry.network)
        }
        Change::Detach(network) => format!("leaves {network}"),
        Change::DropNetworkMode => "drops network_mode".to_owned(),
        Change::DropPorts { .. } => "publishes no port".to_owned(),
        Change::Label { key, value } => format!("label {key}={value}"),
        Change::DropCapability(name) => format!("cap_drop {name}"),
        Change::KeepCapability(name) => format!("without cap_add {name}"),
        Change::Sysctl { key, value } => format!("sysctl {key}={value}"),
        Change::DropPrivileged => "without privileged".to_owned(),
        Change::DropPid => "without pid".to_owned(),
        Change::DropIpc => "without ipc".to_owned(),
        Change::DropSecurity(entry) => format!("without security_opt {entry}"),
    }
}

fn lost_service(lost: &Lost) -> &str {
    match lost {
        Lost::Port { service, .. }
        | Lost::WayOut { service, .. }
        | Lost::HostGateway { service, .. }
        | Lost::Address { service, .. }
        | Lost::Neighbours { service, .. }
        | Lost::Power { service, .. } => service,
    }
}

fn lost_words(lost: &Lost) -> String {
    match lost {
        Lost::Port { port, host_ip, host_port, routed, .. } => {
            let address = if host_ip.is_empty() { "0.0.0.0" } else { host_ip };
            let host_port = if host_port.is_empty() { "any" } else { host_port };
            let routed = if *routed { "; Traefik reaches it there" } else { "" };
            format!("port {port}, published on {address}:{host_port} of the host{routed}")
        }
        Lost::WayOut { networks, silent, .. } => {
            let asks = if *silent { "; it shares a network with one that is routed" } else { "" };
            format!("its way out over {}{asks} (if it is needed: --keep, or leeward.outbound)", networks.join(", "))
        }
        Lost::HostGateway { entry, .. } => format!("the extra host {entry}: the host is not reached any more"),
        Lost::Address { network, address, .. } => format!("its address {address} on {network}"),
        Lost::Neighbours { network, names, count, .. } => {
            let more = if *count > names.len() { format!(" and {} more", count - names.len()) } else { String::new() };
            format!("containers of others on {network}: {}{more}", names.join(", "))
        }
        Lost::Power { what, .. } if what == "NET_ADMIN" => {
            format!("what it needs {what} for: a VPN, a firewall, DHCP (if it is one of these: --keep)")
        }
        Lost::Power { what, .. } => format!("what it needs {what} for"),
    }
}

fn said_words(said: &Said) -> String {
    match said {
        Said::NotRunning { container, state } => format!("{container} is {state}: judged as if it ran"),
        Said::NotGiven { network, is_left } => {
            let rests = if *is_left {
                "so these changes do without it: what was on it and leaves it no longer reaches what it reached there"
            } else {
                "and these changes rest on it"
            };
            format!(
                "network {network} was not given: whether it is internal, with Traefik on it, is not known (NET-027), {rests}. \
                 Name the project that makes it too, or --snapshot FILE from `leeward snapshot`"
            )
        }
        Said::KeepsWayOut { service, kept } => {
            let remedy = if *kept {
                "allow it, on that network: leeward.allow: NET-011"
            } else {
                "--isolation strict closes it"
            };
            format!("{service} keeps its way out and shares a network with what is isolated (NET-011; {remedy})")
        }
    }
}

/// The outbound names that will not be allowed, by container, with the rules that stand against them.
fn not_allowed(remedy: &Remedy) -> Vec<String> {
    let mut by_container: BTreeMap<(&str, &[RuleId]), Vec<String>> = BTreeMap::new();
    for allowance in &remedy.outbound {
        let names = by_container.entry((&allowance.container, &allowance.refused)).or_default();
        names.push(allowance.target.to_string());
    }
    let said = by_container.into_iter().map(|((container, rules), names)| {
        let rules: Vec<String> = rules.iter().map(|it| format!("{it}, {}", it.rule().title)).collect();
        let names = names.join(", ");
        format!("{}: {names} will not be allowed: {} (docs/outbound.md)", visible(container), rules.join("; "))
    });
    said.collect()
}

fn choice(remedy: &Remedy, choice: &Choice, asked: &Asked) -> Vec<String> {
    let Choice { service, asks, rules, allow, on_host, ports, .. } = choice;
    let project = remedy.owner.group();
    let names: Vec<&str> = rules.iter().map(|rule| rule.as_str()).collect();
    let name = project.map_or_else(|| service.clone(), |project| format!("{project}/{service}"));
    let keep = || asked.fix_more(Some(project.unwrap_or(service)), &format!(" --keep {}", quoted(&name)));
    let mut lines = Vec::new();
    if rules.is_empty() {
        lines.push(format!("{service} loses {}, which Traefik does not serve. One of:", ports.join(", ")));
        lines.push("- do without: go on below".to_owned());
        if !asks {
            lines.push(format!("- keep them, and its way out: {}", keep()));
        }
    } else {
        let why = if *on_host { ": it has no address on a network that Traefik could be told of" } else { "" };
        let label = if allow.is_none() { format!(", and no label helps{why}") } else { String::new() };
        lines.push(format!("{service}: no edit mends {}{label}. One of:", names.join(", ")));
    }
    if let Some(allow) = allow {
        let allow: Vec<&str> = allow.iter().map(|rule| rule.as_str()).collect();
        lines.push(format!(
            "- route it as it is, with all of this allowed on it: {ALLOW}: {} ({} writes it)",
            allow.join(","),
            keep()
        ));
    }
    if !rules.is_empty() {
        lines.push("- leave it as it is: it is not routed".to_owned());
        let host = if *on_host { "the host's address and its port" } else { "an address that Traefik reaches" };
        lines.push(format!(
            "- route it by Traefik's file provider (providers.file) to {host}; Leeward has no part in that, and nothing is \
             isolated"
        ));
    }
    if !ports.is_empty() {
        lines.push(format!(
            "- let it come in through Traefik: an entry point for the port there, a TCP or UDP router in labels here, and \
             Leeward's flag --own-entrypoint NAME={}",
            remedy.owner
        ));
    }
    lines
}
