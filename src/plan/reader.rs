//! Which Traefik reads the documents, and what it costs not to know.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Decision;
use super::asked::Asked;
use crate::inventory::ContainerId;
use crate::policy::cause::Few;
use crate::policy::context::Candidate;
use crate::policy::context::Context;
use crate::policy::finding::{Finding, Subject};
use crate::policy::refusal::Code;
use crate::policy::rule_id::RuleId;
use crate::policy::rules::traefik::{Cause, VERSION_LABEL};
use crate::traefik::Version;

/// How many containers the finding names.
const MOST_NAMES: usize = 40;

/// The Traefik that reads the documents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reader {
    /// Its release; of several Traefiks the oldest.
    pub(crate) version: Version,
    /// Nothing says so: it is the oldest supported. One field that a Traefik does not know makes it refuse the whole
    /// document, for everybody; a document for an older one costs only the containers that need more.
    pub(crate) assumed: bool,
}

impl Reader {
    /// As the operator says, else as the declared Traefiks' images say. Where one does not say, or none is declared, the
    /// oldest supported.
    pub(super) fn of(context: &Context<'_>) -> Self {
        if let Some(version) = context.settings.traefik_version {
            return Self { version, assumed: false };
        }
        let all: Option<Vec<Version>> = context.traefiks().map(said).collect();
        match all.and_then(|all| all.into_iter().min()) {
            Some(version) => Self { version, assumed: false },
            None => Self { version: Version::OLDEST, assumed: true },
        }
    }

    /// TRF-007: the containers that are refused for no other reason first than that nothing says which Traefik it is.
    pub(super) fn costs(
        self,
        context: &Context<'_>,
        asked: &[Asked<'_>],
        decisions: &BTreeMap<ContainerId, Arc<Decision>>,
    ) -> Option<Finding> {
        if !self.assumed {
            return None;
        }
        let (mut names, mut needed) = (Vec::new(), None);
        for asked in asked {
            let decision = decisions.get(asked.candidate.id)?;
            if decision.refusal.as_ref().is_some_and(|refusal| refusal.code == Code::TraefikVersion) {
                names.push(decision.name.as_str());
                let newer = asked.declared().map(|dynamic| dynamic.newer_than(self.version)).unwrap_or_default();
                needed = newer.into_iter().map(|(_, since)| since).max().max(needed);
            }
        }
        names.sort_unstable();
        let needed = needed?;
        let silent: Vec<&str> =
            context.traefiks().filter(|it| said(it).is_none()).map(|it| it.container.name.as_str()).collect();
        let cause = Cause::Release {
            silent: Few::of(silent),
            assumed: self.version,
            needed,
            refused: Few::up_to(MOST_NAMES, names),
        };
        Some(Finding::new(RuleId::Trf007, Subject::Engine, Arc::new(cause.into())))
    }
}

/// What the image of a declared Traefik says.
fn said(traefik: &Candidate<'_>) -> Option<Version> {
    traefik.image?.labels.get(VERSION_LABEL)?.parse().ok()
}
