//! Keeps an inventory current: a full reading after every connection, then what events say has changed, and nothing else.
//!
//! One loop, and nothing in it waits for anything else: events are taken down, and lists and inspections taken in as they
//! are answered. What makes or ends a route by itself is asked for at once; the rest waits for what comes with it.
//!
//! No window between listing and subscribing: events are asked for from a moment of the engine's own clock that lies before
//! the list. After any cut everything starts over with a list. An event says that something happened to an id, and that id
//! is read again; it is believed in one thing only, that a container has ended: the engine describes one that ends only
//! once it has cleared up behind it, and a route must not wait for that.

use std::collections::{BTreeMap, BTreeSet};
use std::future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::watch::Sender;
use tokio::time::{self, Instant};
use tracing::{debug, info, warn};

use super::client::{Client, Event, Listed, Lists, Wanted};
use super::connection::{Connection, Error};
use super::inspections::{Answer, Belongings, Inspections, Whole, is_whole};
use super::{Observed, Options, Stale, Swarm};
use crate::budgets::{Excess, Quantity};
use crate::inventory::{Container, ContainerId, ImageId, Inventory, Unreadable, Variant};
use crate::source::swarm::{Manager, News, Which};

/// Events that belong together come in a burst: wait until it is quiet for so long, …
const QUIET: Duration = Duration::from_millis(50);
/// … but never longer than this.
const PATIENCE: Duration = Duration::from_millis(500);
/// What makes or ends a route is asked for at once, but so long after the last that was: a flood costs the engine twenty
/// questions a second for each container that it is about.
const SPACE: Duration = Duration::from_millis(50);
/// What is answered waits so long for what was asked for beside it: Traefik takes one document sooner than several.
const TOGETHER: Duration = Duration::from_millis(20);
/// An end waits so long for a start that is told with it.
const MOMENT: Duration = Duration::from_millis(5);
/// How often an engine that says nothing is asked whether it is there.
const PULSE: Duration = Duration::from_secs(5);
/// How often everything is listed again, whatever events said.
const SAFETY: Duration = Duration::from_mins(1);
/// How often everything is listed while no event stream is to be had …
const POLL: Duration = Duration::from_secs(2);
/// … and when one is asked for again.
const SUBSCRIBE: Duration = Duration::from_secs(5);
/// How often tasks are listed where there are services, for a swarm has no events for them: those of services that are not
/// as they shall be, and all if they are few …
const TASKS: Duration = Duration::from_secs(1);
/// … many so much later for each so many, …
const TASKS_A_SECOND: u32 = 50;
/// … but never later than this, which is Traefik's own interval.
const LATEST_TASKS: Duration = Duration::from_secs(15);
/// So long after an event of a service, or of a node, its tasks count as not yet as they shall be.
const SETTLING: Duration = Duration::from_secs(10);
/// After a cut, who has not described itself so long after the lists keeps its last verdict for now.
const LATE: Duration = Duration::from_secs(1);
/// When what could not be read is tried again: twice as late each time, …
const RETRY: Duration = Duration::from_secs(1);
/// … but never later than this.
const LONGEST_RETRY: Duration = Duration::from_secs(32);

/// Watches for ever.
pub(super) async fn watch(connection: Connection, options: Options, sender: &Sender<Option<Observed>>) {
    let backoff = || {
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .with_jitter()
            .without_max_times()
            .build()
    };
    let mut delays = backoff();
    let mut watch = Watch::new(options);
    let mut told = String::new();
    loop {
        let mut was_complete = false;
        let problem = Box::pin(watch.run(connection.clone(), sender, &mut was_complete)).await;
        if was_complete {
            delays = backoff();
        }
        mark_stale(sender, &problem, &mut told);
        let delay = delays.next().unwrap_or(Duration::from_secs(5));
        debug!(delay_ms = delay.as_millis(), "asking the engine again");
        time::sleep(delay).await;
    }
}

/// Says that what is known may be out of date, why now, and since when, and keeps it. `told`: the last reason given while
/// nothing was known.
fn mark_stale(sender: &Sender<Option<Observed>>, problem: &Error, told: &mut String) {
    let reason = problem.to_string();
    if sender.borrow().is_none() {
        if *told != reason {
            warn!(reason, "cannot read the engine yet, so nothing is published: {reason}");
            *told = reason;
        }
        return;
    }
    sender.send_if_modified(|observed| {
        let Some(Observed { inventory: _, stale, noticed }) = observed else { return false };
        let is_news = stale.as_ref().is_none_or(|stale| stale.reason != reason);
        if is_news {
            debug!(reason, "the engine is lost, the last plan is kept: {reason}");
            let since = stale.as_ref().map_or_else(SystemTime::now, |stale| stale.since);
            *stale = Some(Stale { since, reason });
            // Nothing changed that would have to be published in time.
            *noticed = None;
        }
        is_news
    });
}

/// What has to be read again.
#[derive(Debug, Default)]
struct Changed {
    containers: BTreeSet<ContainerId>,
    lists: Wanted,
    /// Some of it makes or ends a route by itself.
    decisive: bool,
    /// When the first of it happened, and the last.
    span: Option<(Instant, Instant)>,
}

impl Changed {
    /// Something happened now.
    fn extend(&mut self) -> &mut Self {
        let now = Instant::now();
        self.span = Some((self.span.map_or(now, |(first, _)| first), now));
        self
    }

    /// Something happened now to a container.
    fn inspect(&mut self, id: ContainerId, decisive: bool) {
        let changed = self.extend();
        changed.decisive |= decisive;
        changed.containers.insert(id);
    }

    /// Something happened now that the list of networks tells of.
    fn list_networks(&mut self) {
        self.list(Wanted { networks: true, ..Wanted::default() });
    }

    /// Something happened now that lists tell of.
    fn list(&mut self, wanted: Wanted) {
        let changed = self.extend();
        changed.lists.join(wanted);
    }

    /// When to read it. `hurried`: when something decisive was last read.
    fn due(&self, hurried: Option<Instant>) -> Option<Instant> {
        let (first, last) = self.span?;
        Some(match hurried {
            _ if !self.decisive => (last + QUIET).min(first + PATIENCE),
            None => last,
            Some(hurried) => last.max(hurried + SPACE),
        })
    }
}

/// What was said of a container since its inspection began, which may not know of it.
#[derive(Debug, Default)]
struct Said {
    decisive: bool,
    ended: bool,
}

/// A container whose last inspections failed.
#[derive(Clone, Copy, Debug)]
struct Failing {
    times: u32,
    /// When it is tried again.
    at: Instant,
}

impl Default for Failing {
    fn default() -> Self {
        Self { times: 0, at: Instant::now() }
    }
}

impl Failing {
    /// It failed once more.
    fn again(&mut self) {
        let wait = RETRY.saturating_mul(1_u32.checked_shl(self.times).unwrap_or(u32::MAX)).min(LONGEST_RETRY);
        self.at = Instant::now() + wait;
        self.times = self.times.saturating_add(1);
    }
}

/// Lists that are being asked for, and the containers to be inspected after them.
struct Listing<'a> {
    wanted: Wanted,
    answer: BoxFuture<'a, Result<Lists, Error>>,
    containers: BTreeSet<ContainerId>,
}

impl<'a> Listing<'a> {
    fn new(client: &'a Client, wanted: Wanted, containers: BTreeSet<ContainerId>) -> Self {
        let asked = wanted.clone();
        Self { wanted, answer: Box::pin(async move { client.lists(&asked).await }), containers }
    }
}

/// What is known, and what of it has to be read again.
struct Watch {
    options: Options,
    inventory: Arc<Inventory>,
    belongings: Arc<Belongings>,
    /// What the manager of a swarm said; `None`: none is read.
    manager: Option<Manager>,
    /// The engine said that it manages no swarm. It is asked again: a worker becomes a manager without a word.
    manages_none: bool,
    /// Something was said that an engine says when it joins a swarm, and no manager is read.
    may_manage: bool,
    /// The services whose tasks are looked at for some time after an event, and until when.
    settling: BTreeMap<String, Instant>,
    /// All services are looked at until then.
    all_settling: Option<Instant>,
    /// There are tasks of services that nobody told of: an event was missed, or is on its way.
    has_strangers: bool,
    /// When all tasks were last listed, and when those of some were.
    tasks_listed: Option<(Instant, Instant)>,
    changed: Changed,
    /// Of containers that are being inspected.
    said: BTreeMap<ContainerId, Said>,
    /// What the last list said of the containers that were read since: they need no reading while it says the same.
    listed: BTreeMap<ContainerId, [u8; 32]>,
    /// The containers whose last inspection failed, and when they are tried again.
    failing: BTreeMap<ContainerId, Failing>,
    retry: Option<Instant>,
    /// From when on there is something to be published.
    news: Option<Instant>,
    /// When the first sign of it was seen.
    noticed: Option<Instant>,
    /// There is no event stream.
    polls: bool,
    /// Bytes of the labels of each owner's containers of one image, and a little more for each label.
    labels: BTreeMap<(String, ImageId), u64>,
    /// Some of these are gone since they were added up, or of another owner.
    labels_left: bool,
}

impl Watch {
    fn new(options: Options) -> Self {
        Self {
            options,
            inventory: Arc::default(),
            belongings: Arc::default(),
            manager: None,
            manages_none: false,
            may_manage: false,
            settling: BTreeMap::new(),
            all_settling: None,
            has_strangers: false,
            tasks_listed: None,
            changed: Changed::default(),
            said: BTreeMap::new(),
            listed: BTreeMap::new(),
            failing: BTreeMap::new(),
            retry: None,
            news: None,
            noticed: None,
            polls: false,
            labels: BTreeMap::new(),
            labels_left: false,
        }
    }

    /// One connection's worth of watching, until something goes wrong. `was_complete`: everything was read once.
    async fn run(
        &mut self,
        connection: Connection,
        sender: &Sender<Option<Observed>>,
        was_complete: &mut bool,
    ) -> Error {
        let client = match Client::connect(connection, self.options.labels).await {
            Ok(client) => client,
            Err(problem) => return problem,
        };
        loop {
            if let Some(problem) = Box::pin(self.session(&client, sender, was_complete)).await {
                return problem;
            }
            info!("the engine manages a swarm now: its services are read from here on");
        }
    }

    /// The same, until something goes wrong, or, with nothing, until the engine manages a swarm and did not before.
    async fn session(
        &mut self,
        client: &Client,
        sender: &Sender<Option<Observed>>,
        was_complete: &mut bool,
    ) -> Option<Error> {
        if let Err(problem) = self.first(client).await {
            return Some(problem);
        }
        let reads_swarm = self.manager.is_some();
        let subscribe = || client.events(client.clock, reads_swarm).boxed();
        let (mut opening, mut subscribing) = (Some(subscribe()), None);
        let mut events: Option<BoxStream<'static, Result<Event, Error>>> = None;
        let mut inspections = Inspections::new(client, Arc::clone(&self.belongings));
        let everything = || Wanted::everything(reads_swarm);
        let at_first = Wanted { ended_tasks: true, ..everything() };
        let mut listing = Some(Listing::new(client, at_first, BTreeSet::new()));
        let mut pulse = time::interval_at(Instant::now() + PULSE, PULSE);
        let mut pinging = None;
        let mut managing = None;
        let mut safety = time::interval_at(Instant::now() + SAFETY, SAFETY);
        let mut heard = Instant::now();
        // When something decisive was last asked for.
        let mut hurried = None;
        // When the first lists came.
        let mut listed = None;
        let is_first = sender.borrow().is_none();
        loop {
            if std::mem::take(&mut self.may_manage) {
                managing = Some(client.manages().boxed());
            }
            let is_busy = listing.is_some() || !inspections.is_idle();
            let publication = self.news.and_then(|since| match listed {
                _ if !is_busy => Some(since),
                Some(_) if *was_complete => Some(since + TOGETHER),
                Some(listed) if !is_first => Some(listed + LATE),
                // The first inventory is published whole: who is slow is waited for, or would lose its route while Leeward
                // starts.
                Some(_) | None => None,
            });
            // Lists that are on their way may be older than what they are wanted for.
            let is_behind = listing.is_some() && !self.changed.lists.is_nothing();
            let is_early = is_busy && !*was_complete;
            let due = self.changed.due(hurried).filter(|_| !is_early && !is_behind);
            let tasks = self.tasks_due().filter(|_| listing.is_none() && self.changed.lists.tasks == Which::Nothing);
            let lists = or_never(listing.as_mut().map(|it| &mut it.answer));
            tokio::select! {
                biased;
                opened = or_never(opening.as_mut()) => {
                    opening = None;
                    match opened {
                        Ok(stream) => {
                            heard = Instant::now();
                            events = Some(stream.boxed());
                            if std::mem::take(&mut self.polls) {
                                info!("following the events of the engine again");
                                safety = time::interval_at(Instant::now() + SAFETY, SAFETY);
                                self.changed.list(everything());
                            }
                        }
                        // Others have taken all places. What events would tell is asked for instead.
                        Err(problem) if problem.is_busy() => {
                            if !std::mem::replace(&mut self.polls, true) {
                                warn!("no event stream; reading everything every {} s instead: {problem}", POLL.as_secs());
                            }
                            safety = time::interval_at(Instant::now() + POLL, POLL);
                            subscribing = Some(Instant::now() + SUBSCRIBE);
                        }
                        Err(problem) => return Some(problem),
                    }
                }
                () = at(subscribing) => {
                    subscribing = None;
                    opening = Some(subscribe());
                }
                event = or_never(events.as_mut().map(|events| events.next())) => match event {
                    Some(Ok(event)) => {
                        heard = Instant::now();
                        debug!(event.kind = %event.kind, event.action = %event.action, event.id = %event.id, "the engine says");
                        self.note(&event, &inspections);
                    }
                    Some(Err(problem)) => return Some(problem),
                    None => {
                        let (path, why) = ("/events".to_owned(), "the engine ended it".to_owned());
                        return Some(Error::Garbled { path, why });
                    }
                },
                Some(answer) = inspections.next() => self.take(answer),
                lists = lists => match lists {
                    Ok(lists) => {
                        listed.get_or_insert_with(Instant::now);
                        if let Some(Listing { wanted, answer: _, containers }) = listing.take() {
                            self.take_lists(&wanted, lists, containers, &mut inspections);
                        }
                    }
                    Err(problem) => return Some(problem),
                },
                () = at(due) => {
                    let Changed { containers, lists, decisive, span } = std::mem::take(&mut self.changed);
                    self.noticed = self.noticed.or(span.map(|(first, _)| first));
                    if decisive {
                        hurried = Some(Instant::now());
                    }
                    if lists.is_nothing() {
                        self.inspect(containers, &mut inspections);
                    } else {
                        // Networks first: a container may be on one that is new.
                        listing = Some(Listing::new(client, lists, containers));
                    }
                }
                () = at(publication) => {
                    *was_complete = true;
                    self.publish(sender);
                }
                () = at(self.retry) => {
                    let now = Instant::now();
                    // What comes of it says when the next are tried.
                    let due = self.failing.iter_mut().filter(|(_, failing)| failing.at <= now);
                    for (id, failing) in due {
                        failing.at = now + LONGEST_RETRY;
                        self.changed.containers.insert(id.clone());
                    }
                    self.retry = self.failing.values().map(|failing| failing.at).min();
                    // Who has a hidden leg is known without them.
                    self.changed.list_networks();
                }
                () = at(tasks) => listing = Some(Listing::new(client, self.tasks_wanted(), BTreeSet::new())),
                _ = safety.tick() => {
                    self.may_manage |= self.manages_none;
                    self.changed.list(everything());
                }
                _ = pulse.tick() => {
                    if pinging.is_none() && heard.elapsed() >= PULSE {
                        pinging = Some(client.ping().boxed());
                    }
                }
                answer = or_never(pinging.as_mut()) => match answer {
                    Ok(()) => pinging = None,
                    Err(problem) => return Some(problem),
                },
                answer = or_never(managing.as_mut()) => match answer {
                    Ok(()) => return None,
                    Err(_) => managing = None,
                },
            }
        }
    }

    /// What is read once a connection: the engine itself, and whether it manages a swarm; everything else is to be read.
    async fn first(&mut self, client: &Client) -> Result<(), Error> {
        let mut engine = client.engine().await?;
        if self.options.test_door {
            engine.socket_access = client.socket_access().await;
        }
        self.manages_none = false;
        let reads_swarm = match self.options.swarm {
            Swarm::On => true,
            Swarm::Off => false,
            // An engine that is no manager says so; a filter that does not let the question through has no services. Anything
            // else is no answer: services that cannot be read now are not none.
            Swarm::Auto => match client.manages().await {
                Ok(()) => true,
                Err(problem) if problem.is_no_manager() => {
                    self.manages_none = true;
                    false
                }
                Err(problem) if problem.is_forbidden() || problem.is_not_found() => false,
                Err(problem) => return Err(problem),
            },
        };
        let inventory = Arc::make_mut(&mut self.inventory);
        engine.gwbridge_members = inventory.engine.gwbridge_members.take();
        inventory.engine = engine;
        if !reads_swarm {
            // It may have been a manager before.
            inventory.containers.retain(|_, container| container.swarm.is_none());
            self.labels_left = true;
        }
        self.manager = reads_swarm.then(Manager::default);
        self.may_manage = false;
        self.settling.clear();
        (self.all_settling, self.has_strangers, self.tasks_listed) = (None, false, None);
        self.said.clear();
        self.listed.clear();
        // Everything is asked for now, and what comes of it says when it is tried again.
        for failing in self.failing.values_mut() {
            *failing = Failing { times: 1, at: Instant::now() + LONGEST_RETRY };
        }
        self.retry = None;
        (self.news, self.noticed) = (None, None);
        self.changed = Changed::default();
        Ok(())
    }

    /// When tasks are to be listed again.
    fn tasks_due(&self) -> Option<Instant> {
        let (all, some) = self.tasks_listed?;
        let manager = self.manager.as_ref()?;
        let is_unsettled = self.has_strangers
            || !self.settling.is_empty()
            || self.all_settling.is_some()
            || manager.unsettled().next().is_some();
        let all = all + all_tasks_after(manager.task_count());
        Some(if is_unsettled { all.min(some + TASKS) } else { all })
    }

    /// Which tasks are to be listed now.
    fn tasks_wanted(&mut self) -> Wanted {
        let now = Instant::now();
        self.settling.retain(|_, until| *until > now);
        self.all_settling = self.all_settling.filter(|until| *until > now);
        let Some((manager, (all, _))) = self.manager.as_ref().zip(self.tasks_listed) else { return Wanted::default() };
        if self.has_strangers {
            let (services, tasks) = (Which::All, Which::All);
            return Wanted { networks: true, services, tasks, ..Wanted::default() };
        }
        let is_all = self.all_settling.is_some() || now >= all + all_tasks_after(manager.task_count());
        let mut tasks = if is_all { Which::All } else { Which::Nothing };
        let known = self.settling.keys().map(String::as_str);
        tasks.join(Which::These(known.chain(manager.unsettled()).map(ToOwned::to_owned).collect()));
        Wanted { tasks, ..Wanted::default() }
    }

    /// The tasks of a service are looked at more closely for some time.
    fn unsettle(&mut self, service: &str) {
        self.settling.insert(service.to_owned(), Instant::now() + SETTLING);
        let tasks = Which::These(BTreeSet::from([service.to_owned()]));
        self.changed.list(Wanted { tasks, ..Wanted::default() });
    }

    /// Takes an event down.
    fn note(&mut self, event: &Event, inspections: &Inspections<'_>) {
        // `health_status: healthy`, `exec_create: /bin/sh`.
        let action = event.action.split([':', ' ']).next().unwrap_or_default();
        let (id, decisive) = match (event.kind.as_str(), &event.container) {
            // An exec or an attach changes nothing that is read here.
            ("container", _) if action.starts_with("exec_") => return,
            ("container", _) if matches!(action, "attach" | "detach" | "top" | "resize" | "copy" | "export") => return,
            // The engine says these last: what it will say of the container's state is so by then.
            ("container", _) => (&event.id, matches!(action, "start" | "pause" | "unpause" | "health_status")),
            ("network", Some(id)) => {
                self.changed.list_networks();
                // One that starts or ends is not running, or will not be: that is said apart, and last.
                (id, self.inventory.containers.get(id.as_str()).is_some_and(|container| container.is_running()))
            }
            ("network", None) if matches!(action, "connect" | "disconnect") => {
                return self.changed.list(Wanted { containers: true, networks: true, ..Wanted::default() });
            }
            ("network", None) => {
                self.may_manage |= event.is_of_swarm && self.options.swarm == Swarm::Auto && self.manager.is_none();
                return self.changed.list_networks();
            }
            ("service", _) if self.manager.is_some() => {
                // It may be on a network that is new. Its event comes alone, and after the change.
                let services = Which::These(BTreeSet::from([event.id.clone()]));
                self.changed.list(Wanted { networks: true, services, ..Wanted::default() });
                self.changed.decisive = true;
                if action == "remove" {
                    self.settling.remove(&event.id);
                } else {
                    self.unsettle(&event.id);
                }
                return;
            }
            ("node", _) if self.manager.is_some() => {
                self.all_settling = Some(Instant::now() + SETTLING);
                return self.changed.list(Wanted { nodes: true, tasks: Which::All, ..Wanted::default() });
            }
            _ => return,
        };
        let id = ContainerId::from(id.as_str());
        let ended = match (event.kind.as_str(), action) {
            ("container", "die") => Some(true),
            ("container", "start") => Some(false),
            _ => None,
        };
        if ended == Some(true) {
            self.end(&id);
            if let Some(service) =
                self.manager.as_ref().and_then(|it| it.service_of(id.as_str())).map(ToOwned::to_owned)
            {
                self.unsettle(&service);
            }
        }
        if let (Some(ended), true) = (ended, self.inventory.unreadable.contains_key(&id)) {
            if let Some(unreadable) = Arc::make_mut(&mut self.inventory).unreadable.get_mut(&id) {
                if ended { "exited" } else { "running" }.clone_into(&mut unreadable.state);
            }
            self.news.get_or_insert_with(Instant::now);
        }
        if inspections.is_under_way(&id) {
            let said = self.said.entry(id).or_default();
            said.decisive |= decisive;
            said.ended = ended.unwrap_or(said.ended);
        } else {
            self.changed.inspect(id, decisive);
        }
    }

    /// A container has ended, whatever an inspection still says that began before.
    fn end(&mut self, id: &ContainerId) {
        if self.inventory.containers.get(id).is_some_and(|container| container.is_running()) {
            if let Some(container) = Arc::make_mut(&mut self.inventory).container_mut(id.as_str()) {
                "exited".clone_into(&mut container.state);
            }
            self.news.get_or_insert_with(|| Instant::now() + MOMENT);
        }
    }

    /// Has containers inspected.
    fn inspect(&mut self, containers: impl IntoIterator<Item = ContainerId>, inspections: &mut Inspections<'_>) {
        for id in containers {
            self.inspect_one(&id, None, inspections);
        }
    }

    fn inspect_one(&mut self, id: &ContainerId, listed: Option<Listed>, inspections: &mut Inspections<'_>) {
        if !inspections.begin(id, listed) {
            self.said.entry(id.clone()).or_default();
        }
    }

    /// Takes lists in, and has inspected what they tell of: what is new, what they say something new of, what is gone (the
    /// engine says so when it is asked), and those that could not be read whole. `containers`: and these.
    fn take_lists(
        &mut self,
        wanted: &Wanted,
        lists: Lists,
        containers: BTreeSet<ContainerId>,
        inspections: &mut Inspections<'_>,
    ) {
        let Lists { containers: listed, networks, services, tasks, nodes } = lists;
        let inventory = Arc::make_mut(&mut self.inventory);
        let mut is_news = networks.is_some() || listed.is_some();
        if let Some((networks, gwbridge_members)) = networks {
            inventory.networks.set(networks.into_iter().map(|it| (it.id.clone(), it)).collect());
            inventory.engine.gwbridge_members = gwbridge_members;
        }
        if let Some(manager) = &mut self.manager {
            let mut changed = manager.take_services(&wanted.services, services);
            let News { changed: by_tasks, of_strangers } = manager.take_tasks(&wanted.tasks, tasks);
            changed.extend(by_tasks);
            if listed.is_some() {
                manager.forget_ended(|id| inventory.containers.contains_key(id));
            }
            is_news |= nodes.is_some_and(|nodes| manager.take_nodes(&nodes));
            // What networks, nodes and containers say may be of any service.
            let anew = if is_news { Which::All } else { Which::These(changed) };
            let now = Instant::now();
            self.tasks_listed = match (&wanted.tasks, self.tasks_listed) {
                (Which::Nothing, before) => before,
                (Which::These(_), before) => before.map(|(all, _)| (all, now)),
                (Which::All, _) => Some((now, now)),
            };
            self.has_strangers = of_strangers;
            if anew != Which::These(BTreeSet::new()) {
                is_news = true;
                let services = manager.containers(&anew, &inventory.networks);
                let ids: BTreeSet<&ContainerId> = services.iter().map(|container| &container.id).collect();
                let stays =
                    |container: &Container| !container.swarm.as_ref().is_some_and(|it| anew.holds(&it.service_id));
                inventory.containers.retain(|id, container| stays(container) || ids.contains(id));
                for container in services {
                    inventory.put(container);
                }
                self.labels_left = true;
            }
        }
        if is_news {
            self.news.get_or_insert_with(Instant::now);
        }
        let mut wanted = containers;
        if let Some(listed) = listed {
            let inventory = Arc::clone(&self.inventory);
            let here = inventory.containers.values().filter(|container| container.swarm.is_none());
            let odd = here.filter(|it| !listed.contains_key(&it.id) || !is_whole(it, &inventory));
            let gone = inventory.unreadable.keys().filter(|id| !listed.contains_key(*id));
            wanted.extend(odd.map(|container| &container.id).chain(gone).cloned());
            let before = std::mem::take(&mut self.listed);
            for (id, listed) in listed {
                let is_news = before.get(&id) != Some(&listed.fingerprint);
                self.listed.insert(id.clone(), listed.fingerprint);
                if wanted.remove(&id) || is_news {
                    self.inspect_one(&id, Some(listed), inspections);
                }
            }
        }
        self.inspect(wanted, inspections);
    }

    /// Takes in what came of an inspection. A container that is gone goes; one that cannot be read keeps what was last
    /// known of it.
    fn take(&mut self, answer: Answer) {
        let Answer { id, listed, result } = answer;
        let inventory = Arc::make_mut(&mut self.inventory);
        match result {
            Ok(whole) => {
                inventory.unreadable.remove(&id);
                let unread = whole.iter().flat_map(|it| &it.volumes).find(|(_, volume)| !volume.is_read());
                if let Some((name, _)) = unread {
                    let failing = self.failing.entry(id.clone()).or_default();
                    if failing.times == 0 {
                        warn!(container.id = %id, volume.name = %name, "a volume of the container cannot be read");
                    }
                    failing.again();
                } else if self.failing.remove(&id).is_some() {
                    info!(container.id = %id, "container can be read again");
                }
                self.retry = self.failing.values().map(|failing| failing.at).min();
                match whole {
                    Some(Whole { mut container, image, volumes }) => {
                        if inventory.engine.keeps_variants && container.variant == Variant::Unsaid {
                            container.variant = Variant::Unknown;
                        }
                        inventory.images.learn(container.image_key().cloned().zip(image));
                        inventory.volumes.learn(volumes);
                        // A short id in an event is not what the container is known by.
                        let before = inventory.containers.get(&container.id);
                        self.labels_left |= before.is_some_and(|it| sharers(it) != sharers(&container));
                        let container = hold(container, inventory, &mut self.labels, self.options.owner_label_bytes);
                        if container.excess.as_ref().is_some_and(|it| it.quantity == Quantity::OwnerLabelBytes) {
                            // It is read again with the next list: the others may be gone by then.
                            self.listed.remove(&container.id);
                        }
                        inventory.put(container);
                    }
                    None => self.labels_left |= inventory.containers.remove(&id).is_some(),
                }
            }
            Err(problem) => {
                let is_known = inventory.containers.contains_key(&id);
                let failing = self.failing.entry(id.clone()).or_default();
                if failing.times == 0 {
                    warn!(container.id = %id, known = is_known, "container cannot be read: {problem}");
                }
                failing.again();
                self.retry = self.failing.values().map(|failing| failing.at).min();
                if !is_known {
                    let unreadable = inventory.unreadable.entry(id.clone()).or_default();
                    if let Some(Listed { name, labels, state, network_mode, attachments, fingerprint: _ }) = listed {
                        let before = std::mem::take(unreadable);
                        *unreadable = Unreadable { name, labels, state, network_mode, attachments, ..before };
                    }
                    unreadable.problem = problem.to_string();
                    // A container's namespaces never change.
                    if let Error::TooLarge { what, path: _ } = problem {
                        let [network_mode, pid_mode, ipc_mode] = *what.modes;
                        let Unreadable { network_mode: network, pid_mode: pid, ipc_mode: ipc, .. } = unreadable;
                        for (known, mode) in [(network, network_mode), (pid, pid_mode), (ipc, ipc_mode)] {
                            if !mode.is_empty() {
                                *known = mode;
                            }
                        }
                    }
                }
                self.listed.remove(&id);
            }
        }
        self.news.get_or_insert_with(Instant::now);
        if let Some(Said { decisive, ended }) = self.said.remove(&id) {
            if ended {
                self.end(&id);
            }
            self.changed.inspect(id, decisive);
        }
    }

    /// Sends the inventory on, if it is news.
    fn publish(&mut self, sender: &Sender<Option<Observed>>) {
        self.news = None;
        let noticed = self.noticed.take();
        self.belongings.tidy(Arc::make_mut(&mut self.inventory));
        if std::mem::take(&mut self.labels_left) {
            self.labels.clear();
            for container in self.inventory.containers.values() {
                *self.labels.entry(sharers(container)).or_default() += weight(container);
            }
        }
        let was_stale = sender.borrow().as_ref().is_some_and(|observed| observed.stale.is_some());
        if was_stale {
            debug!("the engine is back, and everything was read again");
        }
        sender.send_if_modified(|observed| {
            let is_news =
                observed.as_ref().is_none_or(|known| known.stale.is_some() || known.inventory != self.inventory);
            if is_news {
                // What was read when the engine was found, or found again, is no change that took time.
                let noticed = noticed.filter(|_| observed.as_ref().is_some_and(|known| known.stale.is_none()));
                *observed = Some(Observed { inventory: Arc::clone(&self.inventory), stale: None, noticed });
            }
            is_news
        });
    }
}

/// How long after all tasks were listed they are listed again, if there are so many.
fn all_tasks_after(count: usize) -> Duration {
    let seconds = u32::try_from(count).unwrap_or(u32::MAX) / TASKS_A_SECOND;
    TASKS.saturating_mul(seconds).clamp(TASKS, LATEST_TASKS)
}

/// A container, without its labels if its owner's containers of its image have too many together.
fn hold(
    mut container: Container,
    inventory: &Inventory,
    labels: &mut BTreeMap<(String, ImageId), u64>,
    most: u64,
) -> Container {
    let sharers = sharers(&container);
    let before = inventory.containers.get(&container.id);
    let before = before.filter(|it| self::sharers(it) == sharers).map_or(0, |it| weight(it));
    let all = labels.entry(sharers).or_default();
    let others = all.saturating_sub(before);
    let found = others.saturating_add(weight(&container));
    if let Some(excess) = Excess::of(Quantity::OwnerLabelBytes, found, most) {
        container.excess = Some(excess);
        container.labels.retain(|key, value| OWNERS.contains(&key.as_str()) && value.len() <= LONGEST_OWNER);
    }
    *all = others.saturating_add(weight(&container));
    container
}

/// The labels that say whose a container is.
const OWNERS: [&str; 2] = ["com.docker.compose.project", "com.docker.stack.namespace"];
/// The longest name of an owner that is kept where labels are not.
const LONGEST_OWNER: usize = 255;

/// With whom a container shares a budget: whose it says it is, and its image. An image can say that it is of any
/// project, so what it says must use up nothing of that project's other images.
fn sharers(container: &Container) -> (String, ImageId) {
    let owner = OWNERS.iter().find_map(|key| container.labels.get(*key)).map_or(container.id.as_str(), String::as_str);
    (owner.to_owned(), container.image_id.clone())
}

/// What a container's labels take up in memory.
fn weight(container: &Container) -> u64 {
    container.labels.iter().map(|(key, value)| (key.len() + value.len() + 64) as u64).sum()
}

/// At some time; never, if there is none.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => time::sleep_until(time).await,
        None => future::pending().await,
    }
}

/// What it resolves to; never, if there is none.
async fn or_never<T>(future: Option<impl Future<Output = T>>) -> T {
    match future {
        Some(future) => future.await,
        None => future::pending().await,
    }
}

/// Reads everything once, in full.
pub(super) async fn once(connection: Connection, options: Options) -> Result<Inventory, Error> {
    let client = Client::connect(connection, options.labels).await?;
    let mut watch = Watch::new(options);
    watch.first(&client).await?;
    let mut inspections = Inspections::new(&client, Arc::clone(&watch.belongings));
    let wanted = Wanted { ended_tasks: true, ..Wanted::everything(watch.manager.is_some()) };
    let lists = client.lists(&wanted).await?;
    watch.take_lists(&wanted, lists, BTreeSet::new(), &mut inspections);
    while let Some(answer) = inspections.next().await {
        watch.take(answer);
    }
    Ok(Arc::unwrap_or_clone(watch.inventory))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A container of this image that says it is of the project `bank`, with so many bytes in one label.
    fn of_bank(id: &str, image: &str, bytes: usize) -> Container {
        let labels =
            [("com.docker.compose.project".to_owned(), "bank".to_owned()), ("x".to_owned(), "y".repeat(bytes))];
        Container { id: id.into(), image_id: image.into(), labels: labels.into(), ..Container::default() }
    }

    #[test]
    fn an_image_that_names_a_project_uses_up_nothing_of_that_projects_budget() {
        let (inventory, mut labels) = (Inventory::default(), BTreeMap::new());
        let mut is_held = |container| hold(container, &inventory, &mut labels, 1_000).excess.is_some();
        assert!(!is_held(of_bank("a", "hostile", 600)));
        assert!(is_held(of_bank("b", "hostile", 600)), "one image's containers share a budget");
        assert!(!is_held(of_bank("victim", "nginx", 600)));
    }
}
