//! From what was observed to what is published: compiled off the asynchronous threads, encoded once, sent on only if it
//! is a change. An unchanged document wakes nobody.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info, warn};

use super::changes;
use super::metrics::Metrics;
use super::published::Published;
use crate::docker::{Observed, Stale};
use crate::inventory::Inventory;
use crate::plan::{self, Memory};
use crate::policy::outbound::Allowance;
use crate::report::routes::warnings;
use crate::report::visible::visible;
use crate::settings::Settings;

/// After a compilation the next one waits for so many times what this one took, …
///
/// A burst among many containers becomes few documents so, and most of a processor is left to the Traefik that reads them,
/// which takes longer for each than Leeward does. A change that comes alone waits for nothing.
const REST: u32 = 2;
/// … but never longer than this.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// Publishes whatever is observed, for ever. Ends when nothing more can be observed.
pub(super) async fn publish(
    settings: Arc<Settings>,
    mut observed: watch::Receiver<Option<Observed>>,
    published: watch::Sender<Option<Arc<Published>>>,
    outbound_keep: Duration,
    metrics: Arc<Metrics>,
) {
    let mut memory = Memory::default();
    // Since when the engine has not answered.
    let mut lost: Option<Instant> = None;
    // Before that nothing is compiled.
    let mut rested = Instant::now();
    loop {
        sleep_until(rested).await;
        let seen = observed.borrow_and_update().clone();
        if let Some(Observed { inventory, stale, noticed }) = seen {
            let previous = published.borrow().clone();
            tell_of_staleness(previous.as_deref(), stale.as_ref());
            lost = stale.is_some().then(|| lost.unwrap_or_else(Instant::now));
            let begun = Instant::now();
            let next = match &previous {
                // What was withdrawn comes back with an answer of the engine, never with a guess.
                Some(it) if *it.inventory == *inventory && (stale.is_some() || !it.plan.outbound_withdrawn) => {
                    Some(Published { stale, ..Published::clone(it) })
                }
                Some(_) | None => compile(&settings, previous.clone(), inventory, stale, &mut memory, &metrics).await,
            };
            rested = Instant::now() + begun.elapsed().saturating_mul(REST).min(LONGEST_REST);
            if let Some(next) = next {
                let next = Arc::new(next);
                // Traefik first, the log second.
                published.send_replace(Some(Arc::clone(&next)));
                if let Some(noticed) = noticed {
                    metrics.published(noticed.elapsed());
                }
                tell_of_assumed_version(previous.as_deref(), &next);
                tell_of_unknown_names(previous.as_deref(), &next);
                // Every rule is read for it.
                let told = spawn_blocking(move || {
                    let changes = changes::between(previous.as_deref().map(|it| &*it.plan), &next.plan);
                    changes::log(&changes, &next);
                });
                if let Err(problem) = told.await {
                    error!("internal error in the log of changes: {problem}");
                }
            }
        }
        let withdraws = lost.filter(|_| published.borrow().as_ref().is_some_and(|it| !it.plan.outbound_withdrawn));
        let too_long = async {
            match withdraws {
                Some(lost) => sleep_until(lost + outbound_keep).await,
                None => pending().await,
            }
        };
        tokio::select! {
            changed = observed.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = too_long => withdraw(&published),
        }
    }
}

/// Takes outbound names back: an address that was one container's may be another's by now. Routes stay.
fn withdraw(published: &watch::Sender<Option<Arc<Published>>>) {
    let Some(now) = published.borrow().clone() else { return };
    if now.plan.outbound.iter().any(Allowance::holds) {
        warn!("the engine has not answered for too long: outbound names are allowed no longer until it does");
    }
    published.send_replace(Some(Arc::new(now.withdrawn())));
}

/// Compiles and encodes on a thread of its own. `None`: the compiler failed, and what was published stays.
/// `memory`: what the last compilation left; gone if the compiler failed.
async fn compile(
    settings: &Arc<Settings>,
    previous: Option<Arc<Published>>,
    inventory: Arc<Inventory>,
    stale: Option<Stale>,
    memory: &mut Memory,
    metrics: &Metrics,
) -> Option<Published> {
    let settings = Arc::clone(settings);
    let begun = Instant::now();
    let kept = previous.clone();
    let stale_then = stale.clone();
    let mut kept_memory = std::mem::take(memory);
    let work = spawn_blocking(move || {
        let plan = plan::compile_next(&inventory, &settings, &mut kept_memory);
        (Published::next(previous.as_deref(), inventory, plan, stale), kept_memory)
    });
    match work.await {
        Ok((next, kept_memory)) => {
            *memory = kept_memory;
            metrics.compiled(begun.elapsed());
            debug!(seconds = begun.elapsed().as_secs_f64(), "compiled");
            Some(next)
        }
        // It is written never to; if it does all the same, one container's labels must not cost the others their routes.
        Err(problem) => {
            metrics.compile_failed();
            error!("internal error; the published configuration stays as it was: {problem}");
            kept.map(|it| Published { stale: stale_then, ..Published::clone(&it) })
        }
    }
}

/// Says once that the engine was lost, and once that it is back.
fn tell_of_staleness(previous: Option<&Published>, stale: Option<&Stale>) {
    match (previous.and_then(|it| it.stale.as_ref()), stale) {
        (None, Some(stale)) => {
            warn!(
                "the published configuration may be out of date and stays as it is until the engine answers: {}",
                stale.reason
            );
        }
        (Some(_), None) => info!("the engine answers again; the published configuration is up to date"),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

/// Says what flags name in vain: at the start, and again where that changes.
fn tell_of_unknown_names(previous: Option<&Published>, next: &Published) {
    if previous.is_none_or(|it| it.plan.unknown != next.plan.unknown) {
        for words in warnings(&next.plan) {
            warn!("{}", visible(&words));
        }
    }
}

/// Says once that nothing says which Traefik reads the document.
fn tell_of_assumed_version(previous: Option<&Published>, next: &Published) {
    let Some(version) = next.plan.assumed_version else { return };
    if previous.is_none_or(|it| it.plan.assumed_version.is_none()) {
        info!(
            "nothing says which Traefik reads the document, so it is for {version}, the oldest supported; containers whose \
             labels need a newer one are refused. Say which it is with --traefik-version (LEEWARD_TRAEFIK_VERSION)"
        );
    }
}
