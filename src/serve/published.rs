//! What is said at one moment: plan, bytes, digests and revision travel as one value, so that nobody ever sees a plan with
//! another's document. A document that did not change keeps its bytes (Traefik hashes them) and its revision.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};

use crate::docker::Stale;
use crate::inventory::Inventory;
use crate::plan::Plan;
use crate::report::visible::Age;
use crate::traefik::{Dynamic, document};

/// What the service says at one moment, to Traefik and to people.
#[derive(Clone, Debug)]
pub struct Published {
    /// The facts it was compiled from.
    pub inventory: Arc<Inventory>,
    /// The plan, with every decision.
    pub plan: Arc<Plan>,
    /// The plan's documents as bytes, by the same keys: [`Plan::EVERYONE`], or the container name of an inbound Traefik.
    pub documents: BTreeMap<String, Document>,
    /// What each egress Traefik is told, by its container's name.
    pub outbound: BTreeMap<String, Document>,
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
        let etag = tag(&bytes);
        Self { bytes, etag }
    }
}

/// What tells these bytes from others: `"44136fa355b3678a1146ad16f7e8649e"`, as in `ETag`.
pub(super) fn tag(bytes: &[u8]) -> String {
    let mut tag = String::from('"');
    for byte in Sha256::digest(bytes).iter().take(16) {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

impl Published {
    /// Why it may be out of date, if it may.
    pub fn stale_reason(&self) -> Option<&str> {
        self.stale.as_ref().map(|stale| stale.reason.as_str())
    }

    /// The same for programs.
    pub fn age(&self) -> Age<'_> {
        let seconds = |stale: &Stale| SystemTime::now().duration_since(stale.since).unwrap_or_default().as_secs();
        Age { stale: self.stale_reason(), stale_seconds: self.stale.as_ref().map(seconds) }
    }

    /// What follows `previous`, once `plan` is what holds. Encodes each document once, however many Traefiks it is for.
    pub fn next(previous: Option<&Self>, inventory: Arc<Inventory>, plan: Plan, stale: Option<Stale>) -> Self {
        let kept = |previous: Option<&Document>, bytes: String| {
            let kept = previous.filter(|it| it.bytes == bytes);
            kept.cloned().unwrap_or_else(|| Document::new(bytes))
        };
        let mut documents: BTreeMap<String, Document> = BTreeMap::new();
        for (name, dynamic) in &plan.documents {
            let same =
                plan.documents.iter().zip(documents.values()).find(|((_, other), _)| Arc::ptr_eq(other, dynamic));
            let bytes = || document::write_with(dynamic, plan.default_certificate.as_deref());
            let encode = || kept(previous.and_then(|it| it.documents.get(name)), bytes());
            documents.insert(name.clone(), same.map_or_else(encode, |(_, document)| document.clone()));
        }
        // An egress Traefik is told of outbound names alone; it ends no TLS, and needs no certificate.
        let told = |(name, dynamic): (&String, &Arc<Dynamic>)| {
            (name.clone(), kept(previous.and_then(|it| it.outbound.get(name)), document::write(dynamic)))
        };
        let outbound: BTreeMap<String, Document> = plan.outbound_documents.iter().map(told).collect();
        let unchanged = previous.filter(|it| it.documents == documents && it.outbound == outbound);
        Self {
            inventory,
            plan: Arc::new(plan),
            revision: unchanged.map_or_else(|| previous.map_or(0, |it| it.revision) + 1, |it| it.revision),
            changed_at: unchanged.map_or_else(SystemTime::now, |it| it.changed_at),
            documents,
            outbound,
            stale,
        }
    }

    /// The same without outbound names. Inbound routes stay.
    #[must_use]
    pub fn withdrawn(&self) -> Self {
        let mut plan = Plan::clone(&self.plan);
        plan.withdraw_outbound();
        Self::next(Some(self), Arc::clone(&self.inventory), plan, self.stale.clone())
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
    fn outbound_names_are_withdrawn_and_routes_are_not() {
        let traefik = Arc::new(Dynamic {
            tcp: crate::traefik::tcp::Tcp {
                services: [("x".to_owned(), Arc::default())].into(),
                ..crate::traefik::tcp::Tcp::default()
            },
            ..Dynamic::default()
        });
        let mut plan = plan(&[""]);
        plan.documents.insert("traefik".to_owned(), Arc::clone(&traefik));
        plan.outbound_documents.insert("egress".to_owned(), Arc::clone(&traefik));
        let first = Published::next(None, Arc::default(), plan.clone(), None);
        let bytes = |it: &BTreeMap<String, Document>, name: &str| it.get(name).unwrap().bytes.clone();
        let told = |it: &Published| (bytes(&it.outbound, "egress"), bytes(&it.documents, "traefik"));
        let routes = told(&first).1;
        assert_eq!(told(&first).0, routes);
        let second = first.withdrawn();
        assert_eq!(told(&second), ("{}".into(), routes));
        assert_eq!((second.revision, second.plan.outbound_withdrawn), (2, true));
        assert_eq!(second.withdrawn().revision, 2);
        let third = Published::next(Some(&second), Arc::default(), plan, None);
        assert_eq!((third.outbound == first.outbound, third.revision, third.plan.outbound_withdrawn), (true, 3, false));
    }

    #[test]
    fn a_tag_depends_on_the_bytes_alone() {
        assert_eq!(Document::new("{}").etag, r#""44136fa355b3678a1146ad16f7e8649e""#);
        assert_ne!(Document::new("{}").etag, Document::new("{ }").etag);
    }
}
