//! Keeps an inventory current: a full reading after every connection, then what events say has changed, and nothing else.
//!
//! A change that makes or ends a route by itself is read at once, ten times a second at most; the others wait for what
//! comes with them.
//!
//! No window between listing and subscribing: events are asked for from a moment of the engine's own clock that lies before
//! the list. After any cut everything starts over with a list. What an event says is never believed, only that something
//! happened to an id: that id is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::watch::Sender;
use tokio::time::{self, Instant};
use tracing::{debug, info, warn};

use super::client::{Client, Event, Listed};
use super::connection::{Connection, Error};
use super::{Observed, Options, Stale, Swarm, swarm};
use crate::inventory::{ContainerId, ImageId, Inventory, Unreadable};

/// Events that belong together come in a burst: wait until it is quiet for so long, …
const QUIET: Duration = Duration::from_millis(50);
/// … but never longer than this.
const PATIENCE: Duration = Duration::from_millis(500);
/// What makes or ends a route is read at once, but so long after the last that was: in a flood the engine is asked no
/// more often than a Traefik with the shipped `providersThrottleDuration` takes a new configuration.
const SPACE: Duration = Duration::from_millis(100);
/// How often an engine that says nothing is asked whether it is there.
const PULSE: Duration = Duration::from_secs(5);
/// How often everything is listed again, whatever events said.
const SAFETY: Duration = Duration::from_mins(1);
/// How often tasks are listed where there are services: a swarm has no events for them.
const TASKS: Duration = Duration::from_secs(1);
/// When what could not be read is tried again.
const RETRY: Duration = Duration::from_secs(1);

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
    let mut inventory = Arc::new(Inventory::default());
    let mut told = String::new();
    loop {
        let mut session = Session::new(options, Arc::clone(&inventory));
        let mut was_complete = false;
        let problem = session.run(connection.clone(), sender, &mut was_complete).await;
        inventory = session.inventory;
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
            warn!(reason, "the engine was not read yet, and nothing is published: {reason}");
            *told = reason;
        }
        return;
    }
    if is_new {
        warn!(reason, "the engine is lost, the last plan is kept: {reason}");
        sender.send_modify(|observed| {
            if let Some(observed) = observed {
                observed.stale = Some(Stale { since: SystemTime::now(), reason: reason.clone() });
            }
        });
    }
}

/// What has to be read again.
#[derive(Debug, Default)]
struct Changed {
    containers: BTreeSet<ContainerId>,
    /// Those that could not be read before, and of which nothing was said since.
    retries: BTreeSet<ContainerId>,
    networks: bool,
    swarm: bool,
    everything: bool,
    /// Some of it makes or ends a route by itself.
    decisive: bool,
    /// When the first of it happened, and the last.
    span: Option<(Instant, Instant)>,
}

impl Changed {
    /// Takes an event down. `known`: what was read before it.
    fn note(&mut self, event: &Event, known: &Inventory) {
        match event.kind.as_str() {
            "container" => {
                // An exec or an attach changes nothing that is read here.
                let first = event.action.split([':', ' ']).next().unwrap_or_default();
                if first.starts_with("exec_")
                    || matches!(first, "attach" | "detach" | "top" | "resize" | "copy" | "export")
                {
                    return;
                }
                // The engine says these last: what it will say of the container's state is so by then.
                self.decisive |= matches!(first, "start" | "die" | "pause" | "unpause" | "health_status");
                self.containers.insert(event.id.as_str().into());
            }
            "network" => {
                self.networks = true;
                match &event.container {
                    Some(id) => {
                        let id = id.as_str().into();
                        // One that starts or ends is not running, or will not be: that is said apart, and last.
                        self.decisive |= known.containers.get(&id).is_some_and(|it| it.state == "running");
                        self.containers.insert(id);
                    }
                    None if matches!(event.action.as_str(), "connect" | "disconnect") => self.everything = true,
                    None => {}
                }
            }
            "service" | "node" => self.swarm = true,
            _ => return,
        }
        let now = Instant::now();
        self.span = Some((self.span.map_or(now, |(first, _)| first), now));
    }

    /// Whether anything happened, besides what could not be read before.
    fn has_news(&self) -> bool {
        let Self { containers, retries: _, networks, swarm, everything, decisive: _, span: _ } = self;
        !containers.is_empty() || *networks || *swarm || *everything
    }

    /// How long a reading of it goes on once something else has happened: one container that never answers must not hold
    /// up the others. `None`: to its end. That one is given up for another's sake only once, so that an engine that is
    /// slow to answer anything is waited for.
    fn patience(&self) -> Option<Duration> {
        match self {
            _ if !self.has_news() => Some(Duration::ZERO),
            Self { networks: false, swarm: false, everything: false, retries, .. } if retries.is_empty() => {
                Some(PATIENCE)
            }
            _ => None,
        }
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

/// One connection's worth of watching.
struct Session {
    options: Options,
    inventory: Arc<Inventory>,
    changed: Changed,
    /// What the last list said of the containers that were read since: they need no reading while it says the same.
    listed: BTreeMap<ContainerId, [u8; 32]>,
}

impl Session {
    fn new(options: Options, inventory: Arc<Inventory>) -> Self {
        Self { options, inventory, changed: Changed::default(), listed: BTreeMap::new() }
    }

    /// Until something goes wrong. `was_complete`: everything was read once.
    async fn run(
        &mut self,
        connection: Connection,
        sender: &Sender<Option<Observed>>,
        was_complete: &mut bool,
    ) -> Error {
        let client = match Client::connect(connection).await {
            Ok(client) => client,
            Err(problem) => return problem,
        };
        let reads_swarm = match self.first(&client).await {
            Ok(swarm) => swarm,
            Err(problem) => return problem,
        };
        let mut events = pin!(client.events(client.clock, reads_swarm).fuse());
        if let Err(problem) = self.while_listening(events.as_mut(), &client, None, reads_swarm).await {
            return problem;
        }
        *was_complete = true;
        self.publish(sender);

        let mut pulse = time::interval_at(Instant::now() + PULSE, PULSE);
        let mut safety = time::interval_at(Instant::now() + SAFETY, SAFETY);
        let mut tasks = time::interval_at(Instant::now() + TASKS, TASKS);
        let mut heard = Instant::now();
        let mut hurried = None;
        loop {
            let due = self.changed.due(hurried);
            let wait = async {
                match due {
                    Some(due) => time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                event = events.next() => match event {
                    Some(Ok(event)) => {
                        heard = Instant::now();
                        debug!(event.kind = %event.kind, event.action = %event.action, event.id = %event.id, "the engine says");
                        self.changed.note(&event, &self.inventory);
                    }
                    Some(Err(problem)) => return problem,
                    None => return ended(),
                },
                () = wait => {
                    let changed = std::mem::take(&mut self.changed);
                    if changed.decisive {
                        hurried = Some(Instant::now());
                    }
                    if let Err(problem) = self.while_listening(events.as_mut(), &client, Some(changed), reads_swarm).await {
                        return problem;
                    }
                    self.publish(sender);
                }
                _ = tasks.tick(), if reads_swarm => {
                    self.changed.swarm = true;
                    self.changed.span.get_or_insert((Instant::now(), Instant::now()));
                }
                _ = safety.tick() => {
                    self.changed.everything = true;
                    self.changed.span.get_or_insert((Instant::now(), Instant::now()));
                }
                _ = pulse.tick() => {
                    if heard.elapsed() >= PULSE
                        && let Err(problem) = client.ping().await {
                        return problem;
                    }
                }
            }
        }
    }

    /// What is read once a connection: the engine itself. Says whether services are read.
    async fn first(&mut self, client: &Client) -> Result<bool, Error> {
        let mut engine = client.engine().await?;
        if self.options.test_door {
            engine.door = client.door().await;
        }
        let reads_swarm = match self.options.swarm {
            Swarm::On => true,
            Swarm::Off => false,
            // An engine that is no manager says so; a door that does not let the question through has no services. Anything
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
        Ok(reads_swarm)
    }

    /// Reads while events are taken down: nothing that happens meanwhile is missed. `None` reads everything. A reading
    /// may give way to what happens meanwhile, and is then to be tried again with it.
    async fn while_listening(
        &mut self,
        mut events: std::pin::Pin<&mut (impl Stream<Item = Result<Event, Error>> + ?Sized)>,
        client: &Client,
        changed: Option<Changed>,
        reads_swarm: bool,
    ) -> Result<(), Error> {
        let mut inventory = Arc::clone(&self.inventory);
        let begun = Instant::now();
        let giving_way = changed.as_ref().and_then(|changed| {
            let until = begun + changed.patience()?;
            Some((until, changed.containers.union(&changed.retries).cloned().collect::<BTreeSet<_>>()))
        });
        let again = {
            let listed = &mut self.listed;
            let mut reading = pin!(read(Arc::make_mut(&mut inventory), listed, client, changed, reads_swarm));
            loop {
                let is_awaited = self.changed.has_news();
                let enough = async {
                    match &giving_way {
                        Some((until, _)) if is_awaited => time::sleep_until(*until).await,
                        _ => std::future::pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    done = &mut reading => break done?,
                    event = events.next() => match event {
                        Some(event) => self.changed.note(&event?, &self.inventory),
                        None => return Err(ended()),
                    },
                    () = enough => {
                        self.changed.retries.extend(giving_way.into_iter().flat_map(|(_, ids)| ids));
                        return Ok(());
                    }
                }
            }
        };
        self.inventory = inventory;
        if !again.is_empty() {
            self.changed.retries.extend(again);
            let later = Instant::now() + RETRY;
            let span = self.changed.span.unwrap_or((later, later));
            self.changed.span = Some(span);
        }
        Ok(())
    }

    /// Sends the inventory on, if it is news.
    fn publish(&self, sender: &Sender<Option<Observed>>) {
        let was_stale = sender.borrow().as_ref().is_some_and(|observed| observed.stale.is_some());
        if was_stale {
            info!("the engine is back, and everything was read again");
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

fn ended() -> Error {
    Error::Garbled { path: "/events".to_owned(), why: "the engine ended it".to_owned() }
}

/// Reads everything once, in full.
pub(super) async fn once(connection: Connection, options: Options) -> Result<Inventory, Error> {
    let client = Client::connect(connection).await?;
    let mut session = Session::new(options, Arc::default());
    let reads_swarm = session.first(&client).await?;
    let mut inventory = Arc::unwrap_or_clone(session.inventory);
    read(&mut inventory, &mut session.listed, &client, None, reads_swarm).await?;
    Ok(inventory)
}

/// Brings an inventory up to date, in all or in what changed. The containers that could not be read are to be tried again.
/// `known`: what the last list said of those that were read since; all are read where there is none.
async fn read(
    inventory: &mut Inventory,
    known: &mut BTreeMap<ContainerId, [u8; 32]>,
    client: &Client,
    changed: Option<Changed>,
    reads_swarm: bool,
) -> Result<Vec<ContainerId>, Error> {
    // Without an inventory there is nothing that a container's last verdict could be: who is slow is waited for, or would
    // lose its route while Leeward starts.
    let is_first = changed.is_none();
    let all = changed.as_ref().is_none_or(|changed| changed.everything);
    let changed = changed.unwrap_or_default();
    let mut listed = BTreeMap::new();
    let ids: BTreeSet<ContainerId> = if all {
        listed = client.containers().await?;
        inventory.containers.retain(|id, container| container.swarm.is_some() || listed.contains_key(id));
        inventory.unreadable.retain(|id, _| listed.contains_key(id));
        let is_news = |(id, listed): &(&ContainerId, &Listed)| known.get(*id) != Some(&listed.fingerprint);
        changed
            .containers
            .into_iter()
            .chain(changed.retries)
            .chain(listed.iter().filter(is_news).map(|(id, _)| id.clone()))
            .collect()
    } else {
        changed.containers.into_iter().chain(changed.retries).collect()
    };
    // A swarm makes its networks known to a node without an event there.
    if all || changed.networks || changed.swarm {
        inventory.networks = client.networks().await?.into_iter().map(|it| (it.id.clone(), it)).collect();
    }
    let again = containers(inventory, client, ids, &listed, is_first).await;
    if all {
        *known = listed.into_iter().map(|(id, listed)| (id, listed.fingerprint)).collect();
    }
    for id in &again {
        known.remove(id);
    }
    if all || changed.networks || !again.is_empty() {
        gwbridge(inventory, client).await;
    }
    belongings(inventory, client).await;
    if reads_swarm && (all || changed.swarm || changed.networks) {
        let [services, tasks, nodes] = client.swarm().await?;
        let services = swarm::containers(&services, &tasks, &nodes, &inventory.networks);
        let ids: BTreeSet<&ContainerId> = services.iter().map(|container| &container.id).collect();
        inventory.containers.retain(|id, container| container.swarm.is_none() || ids.contains(id));
        for container in services {
            inventory.put(container);
        }
    }
    Ok(again)
}

/// Reads containers again. One that is gone goes; one that cannot be read keeps what was last known of it.
async fn containers(
    inventory: &mut Inventory,
    client: &Client,
    ids: BTreeSet<ContainerId>,
    listed: &BTreeMap<ContainerId, Listed>,
    is_first: bool,
) -> Vec<ContainerId> {
    let mut again = Vec::new();
    for (id, answer) in client.inspect(ids, is_first).await {
        match answer {
            Ok(Some(container)) => {
                inventory.unreadable.remove(&id);
                // A short id in an event is not what the container is known by.
                inventory.put(container);
            }
            Ok(None) => {
                inventory.containers.remove(&id);
                inventory.unreadable.remove(&id);
            }
            Err(problem) => {
                let known = inventory.containers.contains_key(&id);
                warn!(container.id = %id, known, "container cannot be read: {problem}");
                if !known {
                    let Listed { name, labels, .. } = listed.get(&id).cloned().unwrap_or_default();
                    let problem = problem.to_string();
                    inventory.unreadable.insert(id.clone(), Unreadable { name, labels, problem });
                }
                again.push(id);
            }
        }
    }
    again
}

/// Who has a hidden leg on the bridge that gives swarm containers their way out.
async fn gwbridge(inventory: &mut Inventory, client: &Client) {
    inventory.engine.gwbridge_members = match inventory.network_named("docker_gwbridge") {
        None => Some(BTreeSet::new()),
        Some(network) => client.members(network).await.map(|ids| ids.into_iter().collect()),
    };
}

/// Images and volumes that are new; those that nobody uses any more go.
async fn belongings(inventory: &mut Inventory, client: &Client) {
    let Inventory { containers, images, volumes, .. } = inventory;
    let used: BTreeSet<&ImageId> =
        containers.values().map(|container| &container.image_id).filter(|id| !id.as_str().is_empty()).collect();
    images.retain(|id, image| used.contains(id) && image.problem.is_none());
    let new: Vec<ImageId> = used.into_iter().filter(|id| !images.contains_key(*id)).cloned().collect();
    images.extend(client.images(new).await);

    let mounts = containers.values().flat_map(|container| &container.mounts);
    let used: BTreeSet<&str> = mounts
        .filter(|mount| mount.kind == "volume" && !mount.name.is_empty())
        .map(|mount| mount.name.as_str())
        .collect();
    volumes.retain(|name, _| used.contains(name.as_str()));
    let new: Vec<String> = used.into_iter().filter(|name| !volumes.contains_key(*name)).map(str::to_owned).collect();
    volumes.extend(client.volumes(new).await);
}
