//! Traefiks that nobody declared. They are judged like applications, and what would mend one as such stops Traefik.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Memory, Plan, decide};
use crate::inventory::ContainerId;
use crate::policy::context::{Context, is_traefiks};
use crate::policy::finding::Subject;
use crate::policy::leeward_labels::TRAEFIK;
use crate::policy::refusal::Refusal;
use crate::settings::Settings;

/// Where none is declared, marks what is said of containers of Traefik's own image only because nobody declared them.
///
/// Which that is, a second compilation tells, in which they are declared: it is only made where there are any. `memory`: what
/// the last of those left.
pub(super) fn mark(plan: &mut Plan, context: &Context<'_>, memory: &mut Option<Box<Memory>>) {
    let before = memory.take().unwrap_or_default();
    if context.traefiks().next().is_some() {
        return;
    }
    let of_image = context.candidates.iter().filter(|it| is_traefiks(&it.container.image));
    let found: Vec<(ContainerId, Arc<str>)> =
        of_image.map(|it| (it.id.clone(), it.container.name.as_str().into())).collect();
    if found.is_empty() {
        return;
    }
    let mut declared = context.inventory.clone();
    for (id, _) in &found {
        if let Some(container) = declared.container_mut(id.as_str()) {
            container.labels.insert(TRAEFIK.to_owned(), "true".to_owned());
        }
    }
    // A flag that names nobody would go before the label.
    let settings = Settings { traefiks: BTreeSet::new(), ..context.settings.clone() };
    let later = decide(&Context::of(&declared, &settings), memory.insert(before));
    for (id, name) in &found {
        let refused = later
            .decisions
            .get(id)
            .into_iter()
            .flat_map(|it| &it.steps)
            .flat_map(|step| &step.refusals)
            .map(Refusal::name);
        let about = later.findings.iter().filter(|it| it.subject.is_about(id)).map(|it| it.rule.as_str());
        let stays: BTreeSet<&str> = refused.chain(about).collect();
        let decision = plan.decisions.get_mut(id).into_iter();
        let refusals = decision
            .map(Arc::make_mut)
            .flat_map(|it| it.refusal.iter_mut().chain(it.steps.iter_mut().flat_map(|it| &mut it.refusals)));
        for refusal in refusals.filter(|it| !stays.contains(it.name())) {
            refusal.undeclared_traefik = Some(Arc::clone(name));
        }
        for finding in plan.findings.iter_mut().filter(|it| !stays.contains(it.rule.as_str())) {
            if matches!(&finding.subject, Subject::Container { id: about, .. } if about == id) {
                finding.undeclared_traefik = Some(Arc::clone(name));
            }
        }
    }
}
