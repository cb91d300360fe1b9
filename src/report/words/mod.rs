//! Causes in words: what was seen, and what to change. One file a family of rules.

mod compose;
mod engine;
mod image;
pub(crate) mod label;
mod net;
mod outbound;
pub mod page;
mod privilege;
mod problem;
mod proxy;
mod small;
mod steps;
mod traefik;
mod volumes;

use std::borrow::Cow;

use crate::plan::{Fact, Warning, Weighed};
use crate::policy::cause::{Cause, EngineName, Few};
use crate::policy::finding::{Finding, Subject};
use crate::policy::leeward_labels::TRAEFIK;
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;
use crate::policy::rules;
use crate::report::asked::{Asked, HERE};
use crate::report::quoting::{quoted, yaml_word};

/// What was seen, for people.
pub trait Words {
    /// One line, lower case, no full stop.
    fn words(&self) -> String;
}

/// What to change.
pub trait Remedy {
    /// A sentence, a compose snippet or a command; may have several lines. `asked`: where it was read, for the commands.
    fn remedy_asked(&self, asked: &Asked) -> Cow<'static, str>;

    /// The same for whoever needs no flags to ask again.
    fn remedy(&self) -> Cow<'static, str> {
        self.remedy_asked(&HERE)
    }
}

impl Words for Finding {
    fn words(&self) -> String {
        words(&self.cause, About::of(Some(&self.subject), self.label.as_deref()))
    }
}

impl Words for Weighed {
    fn words(&self) -> String {
        words(&self.cause, About::of(Some(&self.subject), None))
    }
}

impl Words for Refusal {
    fn words(&self) -> String {
        words(&self.cause, About::refusal(self))
    }
}

impl Words for Warning {
    fn words(&self) -> String {
        words(&self.cause, About::of(None, self.label.as_deref()))
    }
}

impl Words for Fact {
    fn words(&self) -> String {
        steps::fact(self)
    }
}

impl Remedy for Finding {
    fn remedy_asked(&self, asked: &Asked) -> Cow<'static, str> {
        let own = || of_case(self, asked).map_or_else(|| of_rule(Some(self.rule), Some(&self.subject)), Cow::Owned);
        self.undeclared_traefik.as_deref().map_or_else(own, |name| declare(name).into())
    }
}

impl Remedy for Refusal {
    fn remedy_asked(&self, asked: &Asked) -> Cow<'static, str> {
        let about = About { asked, ..About::refusal(self) };
        let own = || remedy(&self.cause, about).map_or_else(|| of_rule(self.rule, self.subject.as_deref()), Cow::Owned);
        self.undeclared_traefik.as_deref().map_or_else(own, |name| declare(name).into())
    }
}

/// The remedy of a finding that is for its case, where the rule's own does not do.
pub(super) fn of_case(finding: &Finding, asked: &Asked) -> Option<String> {
    remedy(&finding.cause, About { asked, ..About::of(Some(&finding.subject), finding.label.as_deref()) })
}

/// What to do about a Traefik that is judged like an application, for nobody declared it.
fn declare(name: &str) -> String {
    format!(
        "it runs Traefik's image, and nothing says that it is your Traefik: put {TRAEFIK}: \"true\" among its labels, or \
         start Leeward with --traefik {}. This is then not said of it",
        quoted(name)
    )
}

/// Whether the remedy is the same wherever the rule fires on one container.
pub(super) fn is_general(finding: &Finding) -> bool {
    finding.undeclared_traefik.is_some() || of_case(finding, &HERE).is_none() && !finding.rule.rule().names_service()
}

/// What `finding` says of its container is the same of every other: what follows the container's name.
pub(super) fn same(finding: &Finding) -> Option<&'static str> {
    match *finding.cause {
        Cause::Title(title) => Some(title),
        Cause::Net(rules::net::Cause::RawFrames) => Some(net::RAW_FRAMES),
        Cause::Net(rules::net::Cause::MaySendRawFrames) => Some(net::PERHAPS_RAW_FRAMES),
        Cause::Privilege(rules::privilege::Cause::MayGain) => Some(privilege::MAY_GAIN),
        _ => None,
    }
}

fn of_rule(rule: Option<RuleId>, subject: Option<&Subject>) -> Cow<'static, str> {
    let about = About::of(subject, None);
    // Who was started without Compose has a name alone.
    let own = matches!(subject, Some(Subject::Container { .. })).then(|| about.service.unwrap_or(about.name));
    let service = own.filter(|own| !own.is_empty()).map(yaml_word);
    rule.map(|rule| rule.rule().fix_for(service.as_deref())).unwrap_or_default()
}

/// The label to name beside words: none where the words name it themselves.
pub(super) fn unsaid<'a>(label: Option<&'a str>, words: &str) -> Option<&'a str> {
    label.filter(|label| !words.contains(&format!("`{label}`")))
}

/// What a cause is about.
#[derive(Clone, Copy, Debug)]
struct About<'a> {
    /// The container's, the network's or the host's name.
    name: &'a str,
    /// What the container is called in a compose file.
    service: Option<&'a str>,
    /// The whole label key.
    label: &'a str,
    /// Where it was read.
    asked: &'a Asked,
}

impl<'a> About<'a> {
    fn of(subject: Option<&'a Subject>, label: Option<&'a str>) -> Self {
        let service = match subject {
            Some(Subject::Container { service, .. }) => service.as_deref(),
            _ => None,
        };
        Self {
            name: subject.map(Subject::name).unwrap_or_default(),
            service,
            label: label.unwrap_or_default(),
            asked: &HERE,
        }
    }

    fn refusal(refusal: &'a Refusal) -> Self {
        Self::of(refusal.subject.as_deref(), refusal.label.as_deref())
    }
}

fn words(cause: &Cause, about: About<'_>) -> String {
    match cause {
        Cause::Title(title) => format!("`{}` {title}", about.name),
        Cause::Often { title, names } => format!("{} times, {title}: {}", names.len(), listed(names)),
        Cause::Net(cause) => net::words(cause, about),
        Cause::Proxy(cause) => proxy::words(cause, about),
        Cause::Published(cause) => small::published(cause, about),
        Cause::Privilege(cause) => privilege::words(cause, about),
        Cause::Volumes(cause) => volumes::words(cause, about),
        Cause::Logging(cause) => small::logging(cause, about),
        Cause::Image(cause) => image::words(cause, about),
        Cause::Reference(cause) => label::reference(cause, about.label),
        Cause::Hosts(cause) => label::host(cause, about.name),
        Cause::Claim(cause) => label::claim(cause, about),
        Cause::Engine(cause) => engine::words(cause),
        Cause::Traefik(cause) => traefik::words(cause, about),
        Cause::Outbound(cause) => outbound::words(cause, about),
        Cause::Socket(cause) => small::socket(cause),
        Cause::Step(cause) => steps::words(cause, about),
    }
}

/// What to change, where the rule's own fix does not do.
fn remedy(cause: &Cause, about: About<'_>) -> Option<String> {
    match cause {
        Cause::Net(cause) => net::remedy(cause, about),
        Cause::Proxy(cause) => Some(proxy::remedy(cause, about)),
        Cause::Privilege(cause) => privilege::remedy(cause),
        Cause::Volumes(cause) => volumes::remedy(cause),
        Cause::Image(cause) => image::remedy(cause),
        Cause::Reference(cause) => Some(label::reference_remedy(cause)),
        Cause::Hosts(cause) => label::host_remedy(cause, about.name),
        Cause::Claim(cause) => label::claim_remedy(cause, about.label),
        Cause::Traefik(cause) => traefik::remedy(cause),
        Cause::Step(cause) => steps::remedy(cause, about),
        Cause::Outbound(cause) => outbound::remedy(cause, about),
        _ => None,
    }
}

/// `Docker 28.1.0`.
fn engine_name(EngineName { product, version }: &EngineName) -> String {
    match product.as_str() {
        "Engine" | "" => format!("Docker {version}"),
        other => format!("{other} {version}"),
    }
}

/// That a path of the host is mounted by which a control socket is reached: it is the socket, or holds it.
fn mounts_socket(name: &str, path: &str, socket: &str) -> String {
    // `/var/run` is `/run`.
    if path == socket || path.strip_prefix("/var") == Some(socket) {
        format!("`{name}` mounts the control socket `{path}`")
    } else {
        format!("`{name}` mounts `{path}`, which gives it the control socket `{socket}`")
    }
}

/// Names in backticks: `` `a`, `b` and 3 more``.
fn listed(Few { first, more }: &Few) -> String {
    let names = first.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if *more > 0 { format!("{names} and {more} more") } else { names }
}
