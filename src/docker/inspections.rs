//! Inspections under way: of a container, with the image and the volumes that belong to it. None waits for another.
//!
//! An engine answers an inspection only when it has done what it is doing with that container: for one that ends or starts,
//! a tenth of a second and more; for one whose process cannot be ended, never. That is nobody else's affair.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::time;

use super::client::{Client, Listed};
use super::connection::Error;
use crate::inventory::{Container, ContainerId, Image, ImageId, Inventory, Volume};

/// How many are asked for at once …
const AT_ONCE: usize = 16;
/// … not counting those that have had no answer for so long: others take their place …
const STRAGGLES: Duration = Duration::from_millis(250);
/// … up to so many. Each is one connection, and up to sixteen of them are asked a second time; a gate has 128 places, and
/// whoever finds none counts as not readable.
const AT_MOST: usize = 48;

/// A container with all that belongs to it: nothing is known of it before all of it is.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) container: Container,
    /// `None`: the engine did not say which.
    pub(super) image: Option<Image>,
    /// By name; those that cannot be read are left out.
    pub(super) volumes: BTreeMap<String, Volume>,
}

/// What came of an inspection.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) id: ContainerId,
    /// What a list said of the container, if one did.
    pub(super) listed: Option<Listed>,
    /// `Ok(None)`: there is no such container.
    pub(super) result: Result<Option<Whole>, Error>,
}

/// All of one connection.
pub(super) struct Inspections<'a> {
    client: &'a Client,
    belongings: Arc<Belongings>,
    permits: Arc<Semaphore>,
    waiting: VecDeque<(ContainerId, Option<Listed>)>,
    asked: FuturesUnordered<BoxFuture<'a, Answer>>,
    ids: BTreeSet<ContainerId>,
}

impl<'a> Inspections<'a> {
    pub(super) fn new(client: &'a Client, belongings: Arc<Belongings>) -> Self {
        Self {
            client,
            belongings,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: VecDeque::new(),
            asked: FuturesUnordered::new(),
            ids: BTreeSet::new(),
        }
    }

    /// Whether none is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.ids.is_empty()
    }

    /// Begins one. `false`: one of this container is under way already.
    pub(super) fn begin(&mut self, id: &ContainerId, listed: Option<Listed>) -> bool {
        let is_new = self.ids.insert(id.clone());
        if is_new {
            self.belongings.meet(id);
            self.waiting.push_back((id.clone(), listed));
        }
        is_new
    }

    /// Whether one of this container is under way.
    pub(super) fn is_under_way(&self, id: &ContainerId) -> bool {
        self.ids.contains(id)
    }

    /// The next that is answered, in any order; `None` if none is under way. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Option<Answer> {
        loop {
            tokio::select! {
                Some(answer) = self.asked.next() => {
                    self.ids.remove(&answer.id);
                    return Some(answer);
                }
                Ok(permit) = Arc::clone(&self.permits).acquire_owned(), if !self.waiting.is_empty() && self.asked.len() < AT_MOST => {
                    let next = self.waiting.pop_front();
                    self.asked.extend(next.map(|(id, listed)| self.ask(id, listed, permit)));
                }
                else => return None,
            }
        }
    }

    fn ask(&self, id: ContainerId, listed: Option<Listed>, permit: OwnedSemaphorePermit) -> BoxFuture<'a, Answer> {
        let (client, belongings) = (self.client, Arc::clone(&self.belongings));
        Box::pin(async move {
            let result = {
                let mut whole = pin!(belongings.with_container(client, &id));
                if let Ok(result) = time::timeout(STRAGGLES, &mut whole).await {
                    result
                } else {
                    drop(permit);
                    whole.await
                }
            };
            Answer { id, listed, result }
        })
    }
}

/// Images and volumes. Each is asked for once, however many containers wait for it, and kept while one has it.
///
/// A volume may be removed and another made of its name between two containers, never while there is one that has it: so
/// what was asked for before a container was met is not that container's.
#[derive(Debug, Default)]
pub(super) struct Belongings {
    images: Kept<ImageId, Image>,
    volumes: Kept<String, Option<Volume>>,
    /// When each container was met.
    met: Mutex<BTreeMap<ContainerId, u64>>,
    /// Counts what happens.
    clock: AtomicU64,
}

impl Belongings {
    /// The engine has said that there is such a container. When it did so first.
    fn meet(&self, id: &ContainerId) -> u64 {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        *met.entry(id.clone()).or_insert_with(|| self.now())
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    async fn with_container(&self, client: &Client, id: &ContainerId) -> Result<Option<Whole>, Error> {
        let met = self.meet(id);
        let Some(container) = client.container(id).await? else { return Ok(None) };
        // One after the other: an inspection is never more than one question at a time.
        let image = match container.image_key() {
            None => None,
            Some(key) => Some(self.images.get(key, 0, self.now(), client.image(&container)).await),
        };
        let mut known = BTreeMap::new();
        for name in volumes(&container) {
            let volume = self.volumes.get(name, met, self.now(), client.volume(name)).await;
            known.extend(volume.map(|volume| (name.clone(), volume)));
        }
        Ok(Some(Whole { container, image, volumes: known }))
    }

    /// Lets go of what no container has any more, there and here, and here of what could not be read: whoever is inspected
    /// next asks for it again.
    pub(super) fn tidy(&self, inventory: &mut Inventory) {
        let Inventory { containers, images, volumes: known, .. } = inventory;
        let used: BTreeSet<&ImageId> = containers.values().filter_map(|it| it.image_key()).collect();
        images.keep(|id, _| used.contains(id));
        self.images.retain(|id, image| used.contains(id) && image.problem.is_none());
        let used: BTreeSet<&String> = containers.values().flat_map(|container| volumes(container)).collect();
        known.keep(|name, _| used.contains(name));
        self.volumes.retain(|name, volume| used.contains(name) && volume.as_ref().is_some_and(Volume::is_read));
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        met.retain(|id, _| containers.contains_key(id));
    }
}

/// Whether all is known that belongs to a container.
pub(super) fn is_whole(container: &Container, inventory: &Inventory) -> bool {
    let has_image =
        container.image_key().is_none() || inventory.image_of(container).is_some_and(|it| it.problem.is_none());
    has_image && volumes(container).all(|name| inventory.volumes.get(name).is_some_and(Volume::is_read))
}

/// The names of a container's volumes.
fn volumes(container: &Container) -> impl Iterator<Item = &String> {
    let volumes = container.mounts.iter().filter(|mount| mount.kind == "volume" && !mount.name.is_empty());
    volumes.map(|mount| &mount.name)
}

/// Values by what they are called, and when each was asked for. A value that is being asked for is waited for by all who
/// want it.
#[derive(Debug)]
struct Kept<K, V>(Mutex<BTreeMap<K, Asked<V>>>);

type Asked<V> = (u64, Arc<OnceCell<V>>);

impl<K: Ord, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Clone, V: Clone> Kept<K, V> {
    /// One that was asked for at `since` or later; else it is asked for `now`.
    async fn get(&self, key: &K, since: u64, now: u64, ask: impl Future<Output = V>) -> V {
        let cell = {
            let mut all = self.lock();
            let anew = || (now, Arc::default());
            let asked = all.entry(key.clone()).or_insert_with(anew);
            if asked.0 < since {
                *asked = anew();
            }
            Arc::clone(&asked.1)
        };
        cell.get_or_init(|| ask).await.clone()
    }

    /// Keeps only these, and what is still being asked for.
    fn retain(&self, is_kept: impl Fn(&K, &V) -> bool) {
        self.lock().retain(|key, (_, cell)| cell.get().is_none_or(|value| is_kept(key, value)));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, Asked<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;
    use crate::docker::{Certificates, Connection, Endpoint};
    use crate::source::facts::Kept as KeptLabels;

    /// An engine with these answers, by path, while `asking` runs.
    async fn with_engine<T>(
        answer: impl Fn(&str) -> (u16, String),
        asking: impl AsyncFnOnce(&mut Inspections<'_>) -> T,
    ) -> T {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let serving = async {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 1024];
                let length = stream.read(&mut head).await.unwrap();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let (status, body) = answer(head.split(' ').nth(1).unwrap());
                let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                drop(stream.write_all(answer.as_bytes()).await);
            }
        };
        let connection = Connection::to(&Endpoint::Unix(socket), &Certificates::default(), 1 << 20).unwrap().unwrap();
        let asking = async {
            let client = Client::connect(connection, KeptLabels::All).await.unwrap();
            asking(&mut Inspections::new(&client, Arc::new(Belongings::default()))).await
        };
        tokio::select! {
            answer = asking => answer,
            () = serving => unreachable!("it serves for ever"),
        }
    }

    /// A container with the volume `data`, or what a client asks first.
    fn with_data(path: &str) -> (u16, String) {
        let body = path.split_once("/containers/").and_then(|(_, id)| id.strip_suffix("/json")).map_or_else(
            || json!({"ApiVersion": "1.44"}),
            |id| json!({"Id": id, "Mounts": [{"Type": "volume", "Name": "data", "Destination": "/d"}]}),
        );
        (200, body.to_string())
    }

    /// Compose does so within 50 ms where a volume's options changed: what was read of the one before counted for the new one,
    /// for as long as anybody had it.
    #[tokio::test]
    async fn a_volume_that_was_made_anew_under_its_name_is_read_anew() {
        let asked = AtomicU64::new(0);
        let answer = |path: &str| {
            if !path.contains("/volumes/") {
                return with_data(path);
            }
            let device = format!("/{}", asked.fetch_add(1, Ordering::Relaxed) + 1);
            let options = json!({"type": "none", "o": "bind", "device": device});
            (200, json!({"Driver": "local", "Options": options}).to_string())
        };
        let devices = with_engine(answer, async |inspections| {
            let mut devices = Vec::new();
            for together in [&["a", "b"][..], &["a"], &["c"], &["b", "c"], &["d", "e"]] {
                for id in together {
                    assert!(inspections.begin(&(*id).into(), None));
                }
                for _ in together {
                    let whole = inspections.next().await.unwrap().result.unwrap().unwrap();
                    devices.push(whole.volumes["data"].device.clone());
                }
            }
            devices
        });
        assert_eq!(devices.await, ["/1", "/1", "/1", "/2", "/2", "/2", "/3", "/3"]);
    }

    /// Whoever makes a volume chooses how long its description is: one that is too long to be read was a volume that nobody
    /// tells of, and its container was routed.
    #[tokio::test]
    async fn a_volume_that_cannot_be_read_is_not_one_that_nobody_tells_of() {
        let long = format!("{{\"Options\":{{\"o\":\"bind{}", ",rw".repeat(500_000));
        let answers = [(200, long), (502, "{}".to_owned()), (403, "{}".to_owned()), (404, "{}".to_owned())];
        let unread = Some(Volume::UNREAD);
        for (index, (answer, wanted)) in answers.into_iter().zip([unread, unread, None, None]).enumerate() {
            let answer = |path: &str| if path.contains("/volumes/") { answer.clone() } else { with_data(path) };
            let seen = with_engine(answer, async |inspections| {
                assert!(inspections.begin(&"a".into(), None));
                inspections.next().await.unwrap().result.unwrap().unwrap()
            });
            let whole = seen.await;
            assert_eq!(whole.volumes.get("data").map(|it| it.kind.as_str()), wanted, "{index}");
        }
    }
}
