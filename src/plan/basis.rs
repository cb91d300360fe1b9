//! What the steps of one container follow from, besides itself, its image and the settings. Where all of it is as it was, the
//! steps are not taken again.

use std::borrow::Cow;
use std::net::IpAddr;

use super::address::{self, Place};
use super::asked::Asked;
use super::reader::Reader;
use super::steps::StepContext;
use crate::inventory::{Container, Network};
use crate::policy::cause;
use crate::policy::context::{Candidate, Context};
use crate::policy::finding::Finding;
use crate::policy::forward_auth_names;
use crate::policy::names::Owner;
use crate::policy::references::Whose;
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rules::Standing;
use crate::settings::Isolation;
use crate::traefik::labels::ProviderLabels;

/// All that others, and the operator, have to do with one container's steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Basis<'b> {
    owner: Cow<'b, Owner>,
    isolation: Isolation,
    rights: Isolation,
    wish: Cow<'b, Result<(), Refusal>>,
    /// What the rules found that concerns it.
    pub(super) found: Vec<(Cow<'b, Finding>, Standing)>,
    /// What stands against it for the middlewares that its routers use.
    pub(super) unfolded: Option<Cow<'b, Refusal>>,
    pub(super) reader: Reader,
    /// Where it is reached, if it asked.
    pub(super) reached: Option<Reached>,
    /// Whose the middlewares are that it refers to.
    whose: Vec<Whose>,
}

/// Where a container is reached, or why it is not.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reached {
    pub(super) place: Result<Place, Refusal>,
    pub(super) addresses: Vec<IpAddr>,
    /// It is a proxy network, or one that the isolation policy lets pass for one.
    pub(super) on_proxy: bool,
    /// What stands against the network, where the isolation policy lets that pass.
    pub(super) against: Option<Refusal>,
}

impl<'b> Basis<'b> {
    /// Gathers it. Also the network that it is reached on, and its place in the inventory.
    pub(super) fn of(asked: &'b Asked<'b>, all: StepContext<'b>) -> (Self, Option<(usize, &'b Network)>) {
        let Candidate { owner, isolation, rights, .. } = asked.candidate;
        let provider = asked.declaration.provider.as_ref().ok().filter(|_| asked.asks());
        let reached = provider.map(|provider| Reached::of(asked, provider, all.context));
        let (reached, network) = reached.unzip();
        let found = if reached.is_some() { all.judgement.concerning(asked.at) } else { Vec::new() };
        let declared = asked.declared().filter(|_| reached.is_some());
        let basis = Self {
            owner: Cow::Borrowed(owner),
            isolation: *isolation,
            rights: *rights,
            wish: Cow::Borrowed(&asked.wish),
            found: found.into_iter().map(|(finding, standing)| (Cow::Borrowed(finding), standing)).collect(),
            unfolded: all.unfolded.get(&asked.at).map(Cow::Borrowed),
            reader: all.reader,
            reached,
            whose: declared.map(|dynamic| all.claims.middlewares.of_all(dynamic, owner)).unwrap_or_default(),
        };
        (basis, network.flatten())
    }

    /// Whether its steps follow from nothing else. `false` for a declared Traefik, where hosts are bound to networks, where a
    /// middleware's address has to be looked up, and where a label cannot be read.
    pub(super) fn is_all(asked: &Asked<'_>, all: StepContext<'_>) -> bool {
        let looks_up = || asked.declared().is_some_and(forward_auth_names::looks_up);
        let is_read = asked.declaration.others.is_none();
        !asked.candidate.is_traefik && is_read && all.claims.bindings.is_empty() && !looks_up()
    }

    /// To be remembered.
    pub(super) fn into_owned(self) -> Basis<'static> {
        let found = self.found.into_iter().map(|(finding, standing)| (Cow::Owned(finding.into_owned()), standing));
        Basis {
            owner: Cow::Owned(self.owner.into_owned()),
            isolation: self.isolation,
            rights: self.rights,
            wish: Cow::Owned(self.wish.into_owned()),
            found: found.collect(),
            unfolded: self.unfolded.map(|refusal| Cow::Owned(refusal.into_owned())),
            reader: self.reader,
            reached: self.reached,
            whose: self.whose,
        }
    }
}

impl Reached {
    /// An address is only missing where the container is not running.
    fn of<'a>(
        asked: &Asked<'a>,
        provider: &ProviderLabels,
        context: &Context<'a>,
    ) -> (Self, Option<(usize, &'a Network)>) {
        let Candidate { container, owner, isolation, is_traefik, .. } = asked.candidate;
        if *is_traefik {
            return (Self::default(), None);
        }
        if context.settings.isolation == Isolation::Off {
            return Self::anywhere(container, provider, context, None);
        }
        let wanted = provider.network.as_deref().filter(|it| !it.is_empty()).map(|it| (provider.network_label(), it));
        match context.proxy.choose(container, asked.namespace, wanted, owner.group(), *isolation) {
            Ok(choice) => {
                let place = Place {
                    host: address::of_attachment(choice.attachment).map(|ip| ip.to_string()).unwrap_or_default(),
                    network: choice.network.name.clone(),
                };
                let addresses = [choice.attachment.ipv4, choice.attachment.ipv6].into_iter().flatten().collect();
                let reached = Self { place: Ok(place), addresses, on_proxy: true, against: choice.overruled };
                (reached, Some((choice.at, choice.network)))
            }
            Err(refusal) if *isolation == Isolation::Warn => {
                Self::anywhere(container, provider, context, Some(refusal))
            }
            Err(refusal) => (Self { place: Err(refusal), ..Self::default() }, None),
        }
    }

    /// As Traefik's own provider finds it.
    fn anywhere<'a>(
        container: &Container,
        provider: &ProviderLabels,
        context: &Context<'a>,
        against: Option<Refusal>,
    ) -> (Self, Option<(usize, &'a Network)>) {
        let wanted = provider.network.as_deref().or(context.settings.network.as_deref());
        match address::anywhere(context.inventory, container, wanted, context.settings) {
            Ok(place) => {
                let mut networks = context.inventory.networks.values().enumerate();
                let network = networks.find(|(_, network)| network.name == place.network);
                let addresses = place.host.parse().into_iter().collect();
                (Self { place: Ok(place), addresses, on_proxy: false, against }, network)
            }
            Err(why) => {
                let refusal = Refusal::new(Code::NoAddress, cause::Step::Unreached(why));
                (Self { place: Err(refusal), against, ..Self::default() }, None)
            }
        }
    }
}

impl Default for Reached {
    fn default() -> Self {
        Self { place: Ok(Place::default()), addresses: Vec::new(), on_proxy: false, against: None }
    }
}
