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

use super::client::{Client, Event, Listed, Lists};
use super::connection::{Connection, Error};
use super::inspections::{Answer, Belongings, Inspections, Whole, is_whole};
use super::{Observed, Options, Stale, Swarm};
use crate::budgets::{Excess, Quantity};
use crate::inventory::{Container, ContainerId, ImageId, Inventory, Unreadable, Variant};
use crate::source::swarm;

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
/// How often tasks are listed where there are services: a swarm has no events for them.
const TASKS: Duration = Duration::from_secs(1);
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

/// Says once that what is known may be out of date, and keeps it. `told`: the last reason given while nothing was known.
fn mark_stale(sender: &Sender<Option<Observed>>, problem: &Error, told: &mut String) {
    let reason = problem.to_string();
    let is_new = match sender.borrow().as_ref() {
        Some(observed) => observed.stale.is_none(),
        None => false,
    };
    if sender.borrow().is_none() {
        if *told != reason {
            warn!(reason, "cannot read the engine yet, so nothing is published: {reason}");
            *told = reason;
        }
        return;
    }
    if is_new {
        debug!(reason, "the engine is lost, the last plan is kept: {reason}");
        sender.send_modify(|observed| {
            if let Some(observed) = observed {
                observed.stale = Some(Stale { since: SystemTime::now(), reason: reason.clone() });
            }
        });
    }
}

/// What has to be listed again; each holds the ones before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    #[default]
    Nothing,
    /// Networks, and services where they are read.
    Networks,
    /// Containers too.
    Everything,
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

    /// Something happened now that lists tell of.
    fn list(&mut self, wanted: Wanted) {
        let changed = self.extend();
        changed.lists = changed.lists.max(wanted);
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
    answer: BoxFuture<'a, Result<Lists, Error>>,
    containers: BTreeSet<ContainerId>,
}

/// What is known, and what of it has to be read again.
struct Watch {
    options: Options,
    inventory: Arc<Inventory>,
    belongings: Arc<Belongings>,
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
            changed: Changed::default(),
            said: BTreeMap::new(),
            listed: BTreeMap::new(),
            failing: BTreeMap::new(),
            retry: None,
            news: None,
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
        let reads_swarm = match self.first(&client).await {
            Ok(swarm) => swarm,
            Err(problem) => return problem,
        };
        let subscribe = || client.events(client.clock, reads_swarm).boxed();
        let (mut opening, mut subscribing) = (Some(subscribe()), None);
        let mut events: Option<BoxStream<'static, Result<Event, Error>>> = None;
        let mut inspections = Inspections::new(&client, Arc::clone(&self.belongings));
        let mut listing =
            Some(Listing { answer: Box::pin(client.lists(true, reads_swarm)), containers: BTreeSet::new() });
        let mut pulse = time::interval_at(Instant::now() + PULSE, PULSE);
        let mut pinging = None;
        let mut safety = time::interval_at(Instant::now() + SAFETY, SAFETY);
        let mut tasks = time::interval_at(Instant::now() + TASKS, TASKS);
        let mut heard = Instant::now();
        // When something decisive was last asked for.
        let mut hurried = None;
        // When the first lists came.
        let mut listed = None;
        let is_first = sender.borrow().is_none();
        loop {
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
            let is_behind = listing.is_some() && self.changed.lists != Wanted::Nothing;
            let is_early = is_busy && !*was_complete;
            let due = self.changed.due(hurried).filter(|_| !is_early && !is_behind);
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
                                self.changed.list(Wanted::Everything);
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
                        Err(problem) => return problem,
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
                    Some(Err(problem)) => return problem,
                    None => return Error::Garbled { path: "/events".to_owned(), why: "the engine ended it".to_owned() },
                },
                Some(answer) = inspections.next() => self.take(answer),
                lists = lists => match lists {
                    Ok(lists) => {
                        listed.get_or_insert_with(Instant::now);
                        let containers = listing.take().map(|it| it.containers).unwrap_or_default();
                        self.take_lists(lists, containers, &mut inspections);
                    }
                    Err(problem) => return problem,
                },
                () = at(due) => {
                    let Changed { containers, lists, decisive, span: _ } = std::mem::take(&mut self.changed);
                    if decisive {
                        hurried = Some(Instant::now());
                    }
                    if lists == Wanted::Nothing {
                        self.inspect(containers, &mut inspections);
                    } else {
                        // Networks first: a container may be on one that is new.
                        let answer = client.lists(lists == Wanted::Everything, reads_swarm);
                        listing = Some(Listing { answer: Box::pin(answer), containers });
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
                    self.changed.list(Wanted::Networks);
                }
                _ = tasks.tick(), if reads_swarm => self.changed.list(Wanted::Networks),
                _ = safety.tick() => self.changed.list(Wanted::Everything),
                _ = pulse.tick() => {
                    if pinging.is_none() && heard.elapsed() >= PULSE {
                        pinging = Some(client.ping().boxed());
                    }
                }
                answer = or_never(pinging.as_mut()) => match answer {
                    Ok(()) => pinging = None,
                    Err(problem) => return problem,
                },
            }
        }
    }

    /// What is read once a connection: the engine itself; everything else is to be read. Says whether services are.
    async fn first(&mut self, client: &Client) -> Result<bool, Error> {
        let mut engine = client.engine().await?;
        if self.options.test_door {
            engine.socket_access = client.socket_access().await;
        }
        let reads_swarm = match self.options.swarm {
            Swarm::On => true,
            Swarm::Off => false,
            // An engine that is no manager says so; a filter that does not let the question through has no services. Anything
            // else is no answer: services that cannot be read now are not none.
            Swarm::Auto => match client.swarm().await {
                Ok(_) => true,
                Err(problem) if problem.is_forbidden() || problem.is_not_found() || problem.is_no_manager() => false,
                Err(problem) => return Err(problem),
            },
        };
        let inventory = Arc::make_mut(&mut self.inventory);
        engine.gwbridge_members = inventory.engine.gwbridge_members.take();
        inventory.engine = engine;
        self.said.clear();
        self.listed.clear();
        // Everything is asked for now.
        self.failing.values_mut().for_each(|failing| failing.times = 1);
        self.retry = None;
        self.news = None;
        self.changed = Changed::default();
        Ok(reads_swarm)
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
                self.changed.list(Wanted::Networks);
                // One that starts or ends is not running, or will not be: that is said apart, and last.
                (id, self.inventory.containers.get(id.as_str()).is_some_and(|container| container.is_running()))
            }
            ("network", None) if matches!(action, "connect" | "disconnect") => {
                return self.changed.list(Wanted::Everything);
            }
            ("network", None) | ("service" | "node", _) => return self.changed.list(Wanted::Networks),
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
    fn take_lists(&mut self, lists: Lists, containers: BTreeSet<ContainerId>, inspections: &mut Inspections<'_>) {
        let Lists { containers: listed, networks, gwbridge_members, swarm } = lists;
        let inventory = Arc::make_mut(&mut self.inventory);
        inventory.networks.set(networks.into_iter().map(|it| (it.id.clone(), it)).collect());
        inventory.engine.gwbridge_members = gwbridge_members;
        if let Some([services, tasks, nodes]) = swarm {
            let services = swarm::containers(&services, &tasks, &nodes, &inventory.networks);
            let ids: BTreeSet<&ContainerId> = services.iter().map(|container| &container.id).collect();
            inventory.containers.retain(|id, container| container.swarm.is_none() || ids.contains(id));
            for container in services {
                inventory.put(container);
            }
            self.labels_left = true;
        }
        self.news.get_or_insert_with(Instant::now);
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
                if self.failing.remove(&id).is_some() {
                    info!(container.id = %id, "container can be read again");
                }
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
                *observed = Some(Observed { inventory: Arc::clone(&self.inventory), stale: None });
            }
            is_news
        });
    }
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
    let reads_swarm = watch.first(&client).await?;
    let mut inspections = Inspections::new(&client, Arc::clone(&watch.belongings));
    let lists = client.lists(true, reads_swarm).await?;
    watch.take_lists(lists, BTreeSet::new(), &mut inspections);
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
