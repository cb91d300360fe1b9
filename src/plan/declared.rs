//! What each container's labels say, read once for as long as they stay the same.
//!
//! The only thing that one compilation leaves to the next. It saves time and changes nothing: what is remembered is a
//! function of the labels that count, and those are compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::select;
use crate::dynamic::{Dynamic, document};
use crate::inventory::{Container, ContainerId, Inventory};
use crate::label::{self, LabelProblem, ProviderLabels};
use crate::policy::provenance::OperatorLabels;
use crate::policy::refusal::{Code, Refusal};
use crate::settings::Settings;

/// What one container's labels say, whatever else is true of it.
#[derive(Clone, Debug)]
pub(crate) struct Declaration {
    /// What `traefik.enable` and `traefik.docker.*` say, of the labels that count.
    pub(crate) provider: Result<ProviderLabels, Refusal>,
    /// The same, of all labels.
    pub(crate) all: Result<ProviderLabels, Refusal>,
    /// What the routing labels decode to. Only of a container that asks for a route by `provider`; else nothing.
    pub(crate) dynamic: Result<Dynamic, Refusal>,
    /// What of it no document can carry.
    pub(crate) unwritable: Vec<Refusal>,
}

impl Declaration {
    fn of(container: &Container, labels: &OperatorLabels<'_>, settings: &Settings) -> Self {
        let refused =
            |problem: LabelProblem| Refusal::new(Code::BadLabel, problem.words, problem.remedy).by_label(problem.label);
        let provider = select::provider_labels(container, &labels.labels, settings);
        let all = if labels.baked.is_empty() {
            provider.clone()
        } else {
            select::provider_labels(container, &container.labels, settings)
        };
        let asks = [&provider, &all].into_iter().any(|it| it.as_ref().is_ok_and(|it| it.enable));
        let dynamic = if asks { label::decode(&labels.labels).map_err(refused) } else { Ok(Dynamic::default()) };
        let unwritable = dynamic.as_ref().map(document::problems).unwrap_or_default();
        Self { provider, all, dynamic, unwritable: unwritable.into_iter().map(refused).collect() }
    }
}

/// The declarations of one compilation, for the next one under the same settings.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    known: BTreeMap<ContainerId, Known>,
}

/// A declaration and what it was read from.
#[derive(Clone, Debug)]
struct Known {
    container: Arc<Container>,
    /// The labels of it that did not count.
    baked: Vec<String>,
    declaration: Arc<Declaration>,
}

impl Known {
    fn holds_for(&self, container: &Arc<Container>, labels: &OperatorLabels<'_>) -> bool {
        let Container { labels: own, swarm, .. } = &**container;
        (Arc::ptr_eq(&self.container, container)
            || self.container.labels == *own && self.container.swarm.is_some() == swarm.is_some())
            && self.baked == labels.baked
    }
}

impl Declarations {
    /// Forgets the containers that are gone.
    pub(super) fn keep(&mut self, inventory: &Inventory) {
        self.known.retain(|id, _| inventory.containers.contains_key(id));
    }

    /// What a container declares; read only if its labels are not those of the last time.
    pub(super) fn of(
        &mut self,
        container: &Arc<Container>,
        labels: &OperatorLabels<'_>,
        settings: &Settings,
    ) -> Arc<Declaration> {
        if let Some(known) = self.known.get_mut(&container.id).filter(|known| known.holds_for(container, labels)) {
            known.container = Arc::clone(container);
            return Arc::clone(&known.declaration);
        }
        let declaration = Arc::new(Declaration::of(container, labels, settings));
        let known = Known {
            container: Arc::clone(container),
            baked: labels.baked.iter().map(|&label| label.to_owned()).collect(),
            declaration: Arc::clone(&declaration),
        };
        self.known.insert(container.id.clone(), known);
        declaration
    }
}
