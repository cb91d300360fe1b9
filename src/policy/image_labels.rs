//! Step 0: which of a container's labels its operator wrote, and which its image brought along.
//!
//! The engine merges an image's labels into its containers', and nothing in the container tells them apart. The image
//! does: a label is *baked in* when the image, found by the container's image id and never by a tag that may have
//! moved, carries the same key with the same value. An operator who writes exactly what the image says cannot be told
//! apart from one who wrote nothing; that case counts as baked in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;

use super::leeward_labels::IMAGE_LABELS;
use super::refusal::{Code, Refusal};
use super::rule_id::RuleId;
use super::rules::image::{Cause, NoImage};
use crate::inventory::{Container, Image, Variant};
use crate::settings::{ImageLabels, Settings};

/// The labels of one container that count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorLabels<'a> {
    /// The container's labels without the discounted ones; borrowed when none is. Labels outside `traefik.*`,
    /// `leeward.*` and `com.docker.compose.*` all stay: see [`Self::own`] for where that is not enough.
    pub labels: Cow<'a, BTreeMap<String, String>>,
    /// The keys that were discounted, in order.
    pub baked: Vec<&'a str>,
    /// The `com.docker.compose.*` labels are the operator's: the container was made by Compose.
    pub compose: bool,
    /// What the image carries counts too.
    pub honor: bool,
    /// Why a container *that asked for a route* is refused here: it would take labels of its image to route it
    /// (IMG-001), or nobody can tell whose its labels are (IMG-003). Says nothing about a container that did not ask;
    /// whether it asked is to be judged on all its labels for IMG-003, and on [`Self::labels`] for IMG-001.
    pub refusal: Option<Refusal>,
}

impl OperatorLabels<'_> {
    /// The value of a label, if it counts and `image`, the container's, does not carry the same, whatever its key.
    ///
    /// For `--constraints` and the default rule, which may ask for any label: an image must neither meet a constraint nor
    /// choose a host by baking in what they ask for.
    pub fn own(&self, key: &str, image: Option<&Image>) -> Option<&str> {
        self.get(key).filter(|value| !self.is_others(key, value, image))
    }

    /// The labels of which [`Self::own`] says nothing; none where the image's count.
    pub fn others<'o>(&'o self, image: Option<&'o Image>) -> impl Iterator<Item = &'o str> {
        let all = self.labels.iter().filter(move |(key, value)| self.is_others(key, value, image));
        all.map(|(key, _)| key.as_str())
    }

    /// Whether a label that counts is of no family whose origin was judged, and the image carries the same.
    fn is_others(&self, key: &str, value: &str, image: Option<&Image>) -> bool {
        !self.honor
            && image.is_some_and(|image| image.labels.get(key).is_some_and(|baked| baked == value))
            && Family::of(key).is_none()
    }

    /// The value of a label, if it counts.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// Whether nobody can tell whose labels these are (IMG-003).
    pub fn unknown(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.rule == Some(RuleId::Img003))
    }
}

/// Tells the operator's labels of `container` from those of `image`, which is the image of its image id.
///
/// - `traefik.*` and `leeward.*`: each label for itself. A lost `traefik.http|tcp|udp|tls` label refuses the container
///   (IMG-001), so that an image cannot take the operator's own middleware out by naming it; so does a lost
///   `traefik.docker|swarm` one, which may have kept it from a network.
/// - `com.docker.compose.*`: as a group, because Compose bakes project and service into every image that it builds.
///   The group counts when the container carries `com.docker.compose.config-hash` and its image does not carry the
///   same value, or `com.docker.compose.hook` likewise; without any such label (Podman's compose), when a project is set
///   and the image says none of it.
/// - `leeward.image-labels=honor` (itself not baked in) and `--image-labels honor` let all but `leeward.*` count.
/// - A Swarm service's labels never hold an image's: they all count.
pub fn operator_labels<'a>(container: &'a Container, image: Option<&Image>, settings: &Settings) -> OperatorLabels<'a> {
    let all = &container.labels;
    if container.swarm.is_some() {
        // What a service says, no image said.
        return OperatorLabels {
            labels: Cow::Borrowed(all),
            baked: Vec::new(),
            compose: false,
            honor: true,
            refusal: None,
        };
    }
    let honor_all = settings.image_labels == ImageLabels::Honor;
    let Some(image) = image.filter(|image| image.problem.is_none()) else {
        return without_image(container, image, honor_all);
    };
    let is_baked = |key: &str, value: &str| image.labels.get(key).is_some_and(|baked| baked == value);

    let honor =
        honor_all || all.get(IMAGE_LABELS).is_some_and(|value| value == "honor" && !is_baked(IMAGE_LABELS, value));
    let compose = all.contains_key(PROJECT) && (honor || compose_made(all, &is_baked));

    let mut baked = Vec::new();
    let mut lost = Vec::new();
    for (key, value) in all {
        let discounted = match Family::of(key) {
            Some(Family::Compose) => !compose,
            Some(Family::Traefik) => !honor && is_baked(key, value),
            Some(Family::Leeward) => is_baked(key, value),
            None => false,
        };
        if discounted {
            baked.push(key.as_str());
            if is_routing(key) {
                lost.push(key.as_str());
            }
        }
    }
    OperatorLabels { labels: without(all, &baked), refusal: img_001(container, &lost), baked, compose, honor }
}

const PROJECT: &str = "com.docker.compose.project";
/// What Compose writes on every container it makes, and no image has by itself: on those of services a hash, the second
/// podman-compose's; on those of `pre_start` hooks, which have no hash, the hook's name.
const MARKS: [&str; 3] = ["com.docker.compose.config-hash", "io.podman.compose.config-hash", HOOK];
/// On a container in which Compose runs a `pre_start` hook of its service: `pre_start`. It has the service's networks and
/// volumes, and none of its labels. Source: Compose 5.3 `pkg/api/labels.go`, `HookLabel`; `pkg/compose/pre_start.go`.
pub const HOOK: &str = "com.docker.compose.hook";

/// The label families whose origin matters.
enum Family {
    Traefik,
    Leeward,
    Compose,
}

impl Family {
    fn of(key: &str) -> Option<Self> {
        // Traefik compares the root of a label without case (Go's `strings.ToLower`, so `K` may be a kelvin sign).
        match key.as_bytes().first()? {
            b't' | b'T' if starts_with(key, "traefik.") => Some(Self::Traefik),
            b'l' | b'L' if starts_with(key, "leeward.") => Some(Self::Leeward),
            b'c' if key.starts_with("com.docker.compose.") => Some(Self::Compose),
            _ => None,
        }
    }
}

/// Whether a label decides how a container is routed. Labels that Traefik 3 gives no meaning (`traefik.port`) do not.
fn is_routing(key: &str) -> bool {
    const ROUTING: [&str; 6] =
        ["traefik.http.", "traefik.tcp.", "traefik.udp.", "traefik.tls.", "traefik.docker.", "traefik.swarm."];
    ROUTING.iter().any(|prefix| starts_with(key, prefix))
}

/// Whether `key` starts with `prefix`, which is in lower case, in any case.
fn starts_with(key: &str, prefix: &str) -> bool {
    if key.starts_with(prefix) {
        return true;
    }
    let mut letters = key.chars();
    prefix.chars().all(|wanted| {
        letters.next().is_some_and(|found| found == wanted || found.to_lowercase().eq(iter::once(wanted)))
    })
}

fn compose_made(all: &BTreeMap<String, String>, is_baked: &dyn Fn(&str, &str) -> bool) -> bool {
    let mut marks = MARKS.iter().filter_map(|key| all.get_key_value(*key)).peekable();
    if marks.peek().is_some() {
        return marks.any(|(key, value)| !is_baked(key, value));
    }
    !all.iter().any(|(key, value)| matches!(Family::of(key), Some(Family::Compose)) && is_baked(key, value))
}

fn without<'a>(all: &'a BTreeMap<String, String>, keys: &[&str]) -> Cow<'a, BTreeMap<String, String>> {
    if keys.is_empty() {
        return Cow::Borrowed(all);
    }
    let mut rest = all.clone();
    for key in keys {
        rest.remove(*key);
    }
    Cow::Owned(rest)
}

/// Nothing is known of the image: no label of the three families can be trusted.
fn without_image<'a>(container: &'a Container, image: Option<&Image>, honor: bool) -> OperatorLabels<'a> {
    let all = &container.labels;
    let baked: Vec<&str> = all
        .keys()
        .map(String::as_str)
        .filter(|key| match Family::of(key) {
            Some(Family::Traefik | Family::Compose) => !honor,
            Some(Family::Leeward) => true,
            None => false,
        })
        .collect();
    let refusal = (!honor && !baked.is_empty()).then(|| img_003(container, image));
    let compose = honor && all.contains_key(PROJECT);
    OperatorLabels { labels: without(all, &baked), baked, compose, honor, refusal }
}

fn img_001(container: &Container, lost: &[&str]) -> Option<Refusal> {
    let first = lost.first()?;
    let labels = lost.iter().map(|&label| label.to_owned()).collect();
    let cause = Cause::Lost { image: container.image.clone(), labels };
    let refusal = Refusal::new(Code::ImageLabels, cause).about(container);
    Some(refusal.by_rule(RuleId::Img001).by_label(*first))
}

fn img_003(container: &Container, image: Option<&Image>) -> Refusal {
    let why = match image.and_then(|image| image.problem.as_deref()) {
        Some(problem) => NoImage::Unreadable(problem.to_owned()),
        None if container.variant == Variant::Unknown => NoImage::NoVariant,
        None if container.image_id.as_str().is_empty() => NoImage::Unnamed,
        None => NoImage::Gone(container.image_id.to_string()),
    };
    let cause = Cause::Unknown { image: container.image.clone(), why };
    Refusal::new(Code::ImageLabels, cause).about(container).by_rule(RuleId::Img003)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn container(pairs: &[(&str, &str)]) -> Container {
        Container { name: "app".into(), image: "app:1".into(), labels: labels(pairs), ..Container::default() }
    }

    fn image(pairs: &[(&str, &str)]) -> Image {
        Image { labels: labels(pairs), problem: None }
    }

    /// Judges a container of `own` labels over an image of `baked` ones, as the engine would merge them.
    #[track_caller]
    fn check(own: &[(&str, &str)], baked: &[(&str, &str)], discounted: &[&str], compose: bool, rule: Option<RuleId>) {
        let mut container = container(baked);
        container.labels.extend(labels(own));
        let image = image(baked);
        let found = operator_labels(&container, Some(&image), &Settings::default());
        assert_eq!(found.baked, discounted);
        assert_eq!(found.compose, compose, "compose");
        assert_eq!(found.refusal.as_ref().and_then(|refusal| refusal.rule), rule);
        for key in container.labels.keys() {
            assert_eq!(found.labels.contains_key(key), !discounted.contains(&key.as_str()), "{key}");
        }
    }

    const RULE: (&str, &str) = ("traefik.http.routers.x.rule", "Host(`a.example`)");
    const MADE: [(&str, &str); 3] = [
        ("com.docker.compose.config-hash", "aaa"),
        ("com.docker.compose.project", "app1"),
        ("com.docker.compose.service", "web"),
    ];

    #[test]
    fn an_operators_labels_count() {
        check(&[("traefik.enable", "true"), RULE], &[("maintainer", "me")], &[], false, None);
    }

    #[test]
    fn an_image_enables_nothing() {
        check(&[], &[("traefik.enable", "true")], &["traefik.enable"], false, None);
        check(&[], &[("traefik.enable", "true"), RULE], &["traefik.enable", RULE.0], false, Some(RuleId::Img001));
    }

    #[test]
    fn an_image_cannot_take_out_the_operators_own_middleware() {
        let auth = ("traefik.http.routers.x.middlewares", "auth");
        check(&[("traefik.enable", "true"), RULE, auth], &[auth], &[auth.0], false, Some(RuleId::Img001));
    }

    #[test]
    fn a_lost_network_refuses_and_a_label_without_meaning_does_not() {
        let network = ("traefik.docker.network", "net-b");
        check(&[("traefik.enable", "true")], &[network], &[network.0], false, Some(RuleId::Img001));
        check(&[("traefik.enable", "true")], &[("traefik.port", "80")], &["traefik.port"], false, None);
    }

    #[test]
    fn another_value_than_the_images_is_the_operators() {
        check(&[("traefik.enable", "false")], &[("traefik.enable", "true")], &[], false, None);
    }

    #[test]
    fn the_root_of_a_label_is_read_in_any_case_as_traefik_does() {
        let odd = "TrAeFi\u{212a}.HTTP.routers.x.rule";
        check(&[], &[(odd, "Host(`a`)")], &[odd], false, Some(RuleId::Img001));
        check(&[], &[("traefikx.http", "1"), ("traefik", "1")], &[], false, None);
    }

    #[test]
    fn compose_labels_count_as_a_group() {
        check(&MADE, &[], &[], true, None);
        // Compose bakes project and service into what it builds, and then writes its own hash on the container.
        check(&MADE, &MADE[1..], &[], true, None);
        // A hash of the image's own is overwritten by Compose.
        check(&MADE, &[("com.docker.compose.config-hash", "bbb")], &[], true, None);
    }

    #[test]
    fn an_image_cannot_put_its_container_into_a_project() {
        check(&[], &MADE, &[MADE[0].0, MADE[1].0, MADE[2].0], false, None);
        check(&[], &MADE[1..], &[MADE[1].0, MADE[2].0], false, None);
        // The operator says the project, the image the service: no group.
        check(&MADE[1..2], &MADE[2..], &[MADE[1].0, MADE[2].0], false, None);
    }

    #[test]
    fn a_project_written_by_hand_counts_without_a_hash() {
        check(&MADE[1..], &[], &[], true, None);
        check(&[("io.podman.compose.config-hash", "x"), MADE[1]], &MADE[1..2], &[], true, None);
        // A hook's container, of an image that Compose built.
        check(&[(HOOK, "pre_start"), MADE[1], MADE[2]], &MADE[1..3], &[], true, None);
        let baked = [(HOOK, "pre_start"), MADE[1]];
        check(&baked, &baked, &[HOOK, MADE[1].0], false, None);
    }

    #[test]
    fn honor_counts_for_traefik_and_only_from_the_operator() {
        let honor = (IMAGE_LABELS, "honor");
        let allow = ("leeward.allow", "PRV-002");
        check(&[honor], &[("traefik.enable", "true"), RULE], &[], false, None);
        check(&[honor], &[RULE, allow], &[allow.0], false, None);
        check(&[], &[honor, RULE], &[IMAGE_LABELS, RULE.0], false, Some(RuleId::Img001));
    }

    #[test]
    fn honor_for_all_is_traefiks_provider() {
        let settings = Settings { image_labels: ImageLabels::Honor, ..Settings::default() };
        let container = container(&[("traefik.enable", "true"), RULE, MADE[1]]);
        let image = image(&[("traefik.enable", "true"), RULE, MADE[1]]);
        for image in [Some(&image), None] {
            let found = operator_labels(&container, image, &settings);
            assert!(matches!(found.labels, Cow::Borrowed(_)));
            assert!(found.compose && found.refusal.is_none());
        }
    }

    #[test]
    fn an_unreadable_image_fails_closed() {
        let unreadable = Image { problem: Some("no such image".into()), ..Image::default() };
        let asks = container(&[("traefik.enable", "true"), ("leeward.image-labels", "honor"), MADE[1], ("other", "1")]);
        for image in [None, Some(&unreadable)] {
            let found = operator_labels(&asks, image, &Settings::default());
            assert!(found.unknown());
            assert_eq!(found.labels.keys().collect::<Vec<_>>(), ["other"]);
        }
        // No label is needed: nothing to tell apart.
        let found = operator_labels(&container(&[("other", "1")]).clone(), None, &Settings::default()).refusal;
        assert_eq!(found, None);
    }

    #[test]
    fn a_swarm_services_labels_are_its_own() {
        let mut service = container(&[RULE]);
        service.swarm = Some(crate::inventory::Swarm::default());
        assert_eq!(operator_labels(&service, None, &Settings::default()).refusal, None);
    }

    #[test]
    fn constraints_see_no_baked_label_of_any_kind() {
        let image = image(&[("tier", "public"), ("zone", "a")]);
        let mut container = container(&[("tier", "public"), ("zone", "b")]);
        let found = operator_labels(&container, Some(&image), &Settings::default());
        assert_eq!((found.own("tier", Some(&image)), found.own("zone", Some(&image))), (None, Some("b")));
        assert_eq!(found.others(Some(&image)).collect::<Vec<_>>(), ["tier"]);
        container.labels.insert(IMAGE_LABELS.into(), "honor".into());
        let found = operator_labels(&container, Some(&image), &Settings::default());
        assert_eq!(found.own("tier", Some(&image)), Some("public"));
    }

    #[test]
    fn what_compose_baked_into_what_it_built_is_the_operators_own() {
        let image = image(&MADE[1..]);
        let container = container(&MADE);
        let found = operator_labels(&container, Some(&image), &Settings::default());
        assert_eq!(found.own(PROJECT, Some(&image)), Some("app1"));
        assert_eq!(found.others(Some(&image)).count(), 0);
    }
}
