//! IMG: what an image brings along.

use std::sync::Arc;

use super::{Case, Check, Rule, Seen};
use crate::policy::cause::Few;
use crate::policy::finding::{Action, Severity};
use crate::policy::rule_id::RuleId;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: RuleId::Img001,
        title: "the image has labels that configure the proxy",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::Any(img_001),
        why: "the engine merges an image's labels into its containers': whoever built the image decides hosts, \
              middlewares and priorities. Such labels do not count; a container that asked for a route and loses a \
              routing label this way is refused, so that an image cannot take out the operator's own middleware by \
              naming it",
        fix: "write the labels on the container yourself, or let this image's count:\nlabels:\n  \
              leeward.image-labels: honor",
        reference: "docs/isolation.md#whose-labels",
    },
    Rule {
        id: RuleId::Img002,
        title: "the image names a Compose project",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Any(img_002),
        why: "a container's project decides whose names it shares; one that an image names is forged, or left over \
              from the build. It does not count: the container is its own owner",
        fix: "start the container with Compose, or rebuild the image without these labels",
        reference: "docs/isolation.md#whose-labels",
    },
    Rule {
        id: RuleId::Img003,
        title: "the operator's labels cannot be told from the image's",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Any(img_003),
        why: "without the image the operator's labels cannot be told from its author's",
        fix: "pull the image again and make the container anew: docker compose up -d --force-recreate",
        reference: "docs/isolation.md#whose-labels",
    },
    Rule {
        id: RuleId::Img004,
        title: "uses an image by a tag, which may change",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Hygiene(img_004),
        why: "the next pull may bring something else under the same name",
        fix: "pin the digest: image: name:tag@sha256:…   # docker buildx imagetools inspect name:tag",
        reference: "CIS Docker Benchmark 5.28",
    },
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Labels that do not count.
    Labels { image: String, labels: Few },
    /// Compose's labels, which do not count.
    Project { image: String, labels: Few },
    /// Labels that are lost, so that the container is refused.
    Lost { image: String, labels: Vec<String> },
    /// The image's own labels are not known.
    Unknown { image: String, why: NoImage },
    /// The default rule reads labels that the image carries.
    DefaultRule { image: String, labels: Few },
}

/// Why nothing is known of an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NoImage {
    /// The engine's answer about it could not be read.
    Unreadable(String),
    /// The engine does not say which of its variants it is.
    NoVariant,
    /// The engine did not say which it is.
    Unnamed,
    /// The engine does not have it.
    Gone(String),
}

const COMPOSE: &str = "com.docker.compose.";

fn img_001(case: &Case<'_>) -> Option<Seen> {
    let labels = case.labels;
    let mut baked = labels.baked.iter().copied().filter(|key| !key.starts_with(COMPOSE)).peekable();
    if labels.unknown() || baked.peek().is_none() {
        return None;
    }
    let seen = Seen::new(Cause::Labels { image: case.container.image.clone(), labels: Few::of(baked) });
    // Only a lost routing label refuses; others are without effect.
    let refuses = labels.refusal.is_some() && case.asked;
    Some(if refuses { seen } else { seen.action(Action::Warn).severity(Severity::Medium) })
}

fn img_002(case: &Case<'_>) -> Option<Seen> {
    let labels = case.labels;
    let mut baked = labels.baked.iter().copied().filter(|key| key.starts_with(COMPOSE)).peekable();
    if labels.unknown() || baked.peek().is_none() {
        return None;
    }
    Some(Seen::new(Cause::Project { image: case.container.image.clone(), labels: Few::of(baked) }))
}

fn img_003(case: &Case<'_>) -> Option<Seen> {
    if !case.asked {
        return None;
    }
    let refusal = Some(case.labels).filter(|labels| labels.unknown())?.refusal.as_ref()?;
    Some(Seen::again(Arc::clone(&refusal.cause)))
}

fn img_004(case: &Case<'_>) -> bool {
    let image = case.container.image.as_str();
    // An id says exactly what it is.
    !(image.is_empty() || image.contains("@sha256:") || image.starts_with("sha256:"))
}
