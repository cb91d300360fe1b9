//! From what was observed to what is published: compiled off the asynchronous threads, encoded once, sent on only if it
//! is a change.
//!
//! Plan, bytes, digests and revision travel as one value, so that nobody ever sees a plan with another's document. A
//! document that did not change keeps its bytes (Traefik hashes them) and wakes nobody.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tracing::{debug, error, info, warn};

use super::changes;
use super::metrics::Metrics;
use crate::docker::{Observed, Stale};
use crate::dynamic::document;
use crate::inventory::Inventory;
use crate::plan::{self, Declarations, Plan};
use crate::settings::Settings;

/// What the service says at one moment, to Traefik and to people.
#[derive(Clone, Debug)]
pub struct Published {
    /// The facts it was compiled from.
    pub inventory: Arc<Inventory>,
    /// The plan, with every decision.
    pub plan: Arc<Plan>,
    /// The plan's documents as bytes, by the same keys: [`Plan::EVERYONE`], or a Traefik's container name.
    pub documents: BTreeMap<String, Document>,
    /// 1 for the first; one more whenever any document changed.
    pub revision: u64,
    /// When a document last changed.
    pub changed_at: SystemTime,
    /// Why all this may be out of date, if it may.
    pub stale: Option<Stale>,
}

/// One document, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The JSON, never empty.
    pub bytes: Bytes,
    /// A strong validator with its quotes: equal bytes, equal tag, also after a restart.
    pub etag: String,
}

impl Document {
    /// A document of these bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let mut etag = String::from('"');
        for byte in Sha256::digest(&bytes).iter().take(16) {
            // Writing to a string cannot fail.
            let _ = write!(etag, "{byte:02x}");
        }
        etag.push('"');
        Self { bytes, etag }
    }
}

impl Published {
    /// What follows `previous`, once `plan` is what holds. Encodes each document once, however many Traefiks it is for.
    pub fn next(previous: Option<&Self>, inventory: Arc<Inventory>, plan: Plan, stale: Option<Stale>) -> Self {
        let mut documents: BTreeMap<String, Document> = BTreeMap::new();
        for (name, dynamic) in &plan.documents {
            let same =
                plan.documents.iter().zip(documents.values()).find(|((_, other), _)| Arc::ptr_eq(other, dynamic));
            let encode = || {
                let bytes = document::write(dynamic);
                let kept = previous.and_then(|it| it.documents.get(name)).filter(|it| it.bytes == bytes);
                kept.cloned().unwrap_or_else(|| Document::new(bytes))
            };
            documents.insert(name.clone(), same.map_or_else(encode, |(_, document)| document.clone()));
        }
        let unchanged = previous.filter(|it| it.documents == documents);
        Self {
            inventory,
            plan: Arc::new(plan),
            revision: unchanged.map_or_else(|| previous.map_or(0, |it| it.revision) + 1, |it| it.revision),
            changed_at: unchanged.map_or_else(SystemTime::now, |it| it.changed_at),
            documents,
            stale,
        }
    }
}

/// Publishes whatever is observed, for ever. Ends when nothing more can be observed.
pub(super) async fn publish(
    settings: Arc<Settings>,
    mut observed: watch::Receiver<Option<Observed>>,
    published: watch::Sender<Option<Arc<Published>>>,
    metrics: Arc<Metrics>,
) {
    let mut declarations = Declarations::default();
    loop {
        let seen = observed.borrow_and_update().clone();
        if let Some(Observed { inventory, stale }) = seen {
            let previous = published.borrow().clone();
            tell_of_staleness(previous.as_deref(), stale.as_ref());
            let next = match &previous {
                Some(it) if *it.inventory == *inventory => Some(Published { stale, ..Published::clone(it) }),
                Some(_) | None => {
                    compile(&settings, previous.clone(), inventory, stale, &mut declarations, &metrics).await
                }
            };
            if let Some(next) = next {
                let next = Arc::new(next);
                // Traefik first, the log second.
                published.send_replace(Some(Arc::clone(&next)));
                let changes = changes::between(previous.as_deref().map(|it| &*it.plan), &next.plan);
                changes::log(&changes, &next);
            }
        }
        if observed.changed().await.is_err() {
            return;
        }
    }
}

/// Compiles and encodes on a thread of its own. `None`: the compiler failed, and what was published stays.
/// `declarations`: what is left of the last time; gone if the compiler failed.
async fn compile(
    settings: &Arc<Settings>,
    previous: Option<Arc<Published>>,
    inventory: Arc<Inventory>,
    stale: Option<Stale>,
    declarations: &mut Declarations,
    metrics: &Metrics,
) -> Option<Published> {
    let settings = Arc::clone(settings);
    let begun = Instant::now();
    let kept = previous.clone();
    let stale_then = stale.clone();
    let mut read = std::mem::take(declarations);
    let work = spawn_blocking(move || {
        let plan = plan::compile_next(&inventory, &settings, &mut read);
        (Published::next(previous.as_deref(), inventory, plan, stale), read)
    });
    match work.await {
        Ok((next, read)) => {
            *declarations = read;
            metrics.compiled(begun.elapsed());
            debug!(seconds = begun.elapsed().as_secs_f64(), "compiled");
            Some(next)
        }
        // It is written never to; if it does all the same, one container's labels must not cost the others their routes.
        Err(problem) => {
            metrics.compile_failed();
            error!("the compiler failed, which is a fault in Leeward; what was published before stays: {problem}");
            kept.map(|it| Published { stale: stale_then, ..Published::clone(&it) })
        }
    }
}

/// Says once that the engine was lost, and once that it is back.
fn tell_of_staleness(previous: Option<&Published>, stale: Option<&Stale>) {
    match (previous.and_then(|it| it.stale.as_ref()), stale) {
        (None, Some(stale)) => {
            warn!("what is published may be out of date: {}; it stays until the engine is back", stale.reason);
        }
        (Some(_), None) => info!("the engine is back; what is published is up to date"),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(names: &[&str]) -> Plan {
        Plan { documents: names.iter().map(|&name| (name.to_owned(), Arc::default())).collect(), ..Plan::default() }
    }

    #[test]
    fn an_equal_document_keeps_its_bytes_and_revision() {
        let inventory = Arc::new(Inventory::default());
        let first = Published::next(None, Arc::clone(&inventory), plan(&[""]), None);
        assert_eq!(first.revision, 1);
        let second = Published::next(Some(&first), Arc::clone(&inventory), plan(&[""]), None);
        assert_eq!((second.revision, second.changed_at), (1, first.changed_at));
        let (before, after) = (first.documents.get("").unwrap(), second.documents.get("").unwrap());
        assert_eq!(before.bytes.as_ptr(), after.bytes.as_ptr(), "the same bytes, not equal ones");
        let third = Published::next(Some(&second), inventory, plan(&["", "traefik"]), None);
        assert_eq!(third.revision, 2);
    }

    #[test]
    fn a_tag_depends_on_the_bytes_alone() {
        assert_eq!(Document::new("{}").etag, r#""44136fa355b3678a1146ad16f7e8649e""#);
        assert_ne!(Document::new("{}").etag, Document::new("{ }").etag);
    }
}
