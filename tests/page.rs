//! What is drawn and written of a host for a browser: well formed, of bounded size, never better than what was decided.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a test may panic")]

#[path = "support/inventory.rs"]
mod inventory;
#[path = "support/town.rs"]
mod town;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use leeward::inventory::Inventory;
use leeward::plan::{Outcome, Plan, compile};
use leeward::report::page::{self, Facts, Filter, Page};
use leeward::report::picture;
use leeward::report::topology::Topology;
use leeward::settings::Settings;
use roxmltree::{Document, Node};

fn svg(inventory: &Inventory, plan: &Plan) -> String {
    let settings = Settings::default();
    let topology = Topology::of(inventory, &settings, plan);
    picture::draw(&topology, &plan.outbound, true, |_| true).svg.into_string()
}

fn drawn(inventory: &Inventory) -> String {
    svg(inventory, &compile(inventory, &Settings::default()))
}

/// The words and the class of each line.
fn lines(svg: &str) -> Vec<(String, String)> {
    let document = Document::parse(svg).unwrap();
    let is_edge = |it: &Node<'_, '_>| it.attribute("class").is_some_and(|class| class.starts_with("edge "));
    let told = |it: Node<'_, '_>| it.first_element_child().and_then(|it| it.text()).unwrap_or_default().to_owned();
    let class = |it: Node<'_, '_>| it.attribute("class").unwrap_or_default().replace("edge ", "");
    document.descendants().filter(is_edge).map(|it| (told(it), class(it))).collect()
}

/// The boxes: what each says, and where it is.
fn boxes(svg: &str) -> Vec<(String, [i64; 4])> {
    let document = Document::parse(svg).unwrap();
    let is_box = |it: &Node<'_, '_>| it.attribute("class").is_some_and(|class| class.starts_with("node "));
    document
        .descendants()
        .filter(is_box)
        .map(|it| {
            let rect = it.children().find(|it| it.has_tag_name(("http://www.w3.org/2000/svg", "rect"))).unwrap();
            let place = ["x", "y", "width", "height"].map(|name| rect.attribute(name).unwrap().parse().unwrap());
            let text = |class: &str| {
                let found = it.children().find(|it| it.attribute("class") == Some(class));
                found.and_then(|it| it.text()).unwrap_or_default().trim().to_owned()
            };
            (format!("{}, {}", text("title"), text("about")), place)
        })
        .collect()
}

fn front(inventory: &Inventory, query: &[(&str, &str)]) -> String {
    let (settings, filter) = (Settings::default(), Filter::read(query.iter().copied()).unwrap());
    let plan = compile(inventory, &settings);
    let facts = Facts { inventory, settings: &settings, plan: &plan, revision: 1, stale: None, signed_in: false };
    page::front(&facts, &filter).html
}

#[test]
fn boxes_do_not_lie_on_each_other_at_any_size() {
    for containers in [0, 3, 40, 200, 1_000] {
        let svg = drawn(&town::town(containers));
        let boxes = boxes(&svg);
        for (number, (one, [x, y, width, height])) in boxes.iter().enumerate() {
            for (other, [left, top, wide, high]) in boxes.iter().skip(number + 1) {
                let apart = x + width <= *left || left + wide <= *x || y + height <= *top || top + high <= *y;
                assert!(apart, "at {containers}: {one} and {other}");
            }
        }
        assert!(boxes.len() <= 90, "{containers}: {}", boxes.len());
        assert_eq!(svg, drawn(&town::town(containers)), "the same host is the same picture");
    }
}

#[test]
fn no_line_to_the_internet_crosses_a_name() {
    let svg = drawn(&town::bad());
    let document = Document::parse(&svg).unwrap();
    let of_class = |class: &'static str| {
        document.descendants().filter(move |it| it.attribute("class").is_some_and(|all| all.starts_with(class)))
    };
    let lanes = of_class("edge").filter_map(|it| it.attribute("d")?.split('V').nth(1)?.split('H').next()?.parse().ok());
    let lanes: Vec<i64> = lanes.collect();
    let names: Vec<i64> = of_class("owner").map(|it| it.attribute("y").unwrap().parse().unwrap()).collect();
    assert!(lanes.len() >= 6 && names.len() >= 8, "{lanes:?} {names:?}");
    // Letters reach 9 above the line that they stand on, and 3 below; a line is 3 wide.
    for name in names {
        assert!(lanes.iter().all(|lane| lane + 2 < name - 9 || lane - 2 > name + 3), "{name} {lanes:?}");
    }
}

#[test]
fn the_way_in_is_seen_without_scrolling_however_much_there_is() {
    for containers in [3, 40, 200] {
        let (_, [_, top, ..]) =
            boxes(&drawn(&town::town(containers))).into_iter().find(|(told, _)| told.contains("the way in")).unwrap();
        assert!(top < 300, "{containers}: {top}");
    }
}

#[test]
fn above_forty_containers_a_project_is_one_box_and_says_what_is_in_it() {
    let told =
        |containers| boxes(&drawn(&town::town(containers))).into_iter().map(|(told, _)| told).collect::<Vec<_>>();
    assert!(told(39).iter().any(|it| it == "gitea-web-1, routed, shut in"), "{:?}", told(39));
    assert!(told(42).iter().any(|it| it == "gitea, 3 containers, shut in"), "{:?}", told(42));
    // Of many projects the last ones share a box.
    assert!(
        told(200).iter().any(|it| it.starts_with("and ") && it.ends_with(" containers, shut in")),
        "{:?}",
        told(200)
    );
}

#[test]
fn what_is_drawn_together_is_as_bad_as_the_worst_of_it() {
    for (containers, project) in [(60, "gitea"), (600, "project150"), (600, "project77")] {
        let mut inventory = town::town(containers);
        town::named(&mut inventory, &format!("{project}-api-1")).confinement.privileged = true;
        let svg = drawn(&inventory);
        let own: Vec<_> = lines(&svg)
            .into_iter()
            .filter(|(told, _)| told.starts_with(&format!("{project} - ")) || told.contains(&format!(" - {project}:")))
            .collect();
        assert!(own.len() >= 3 && own.iter().all(|(_, class)| class == "open"), "{project}: {own:?}");
        let worst = boxes(&svg).into_iter().find(|(told, _)| told.starts_with(project)).unwrap();
        assert!(worst.0.ends_with("1 refused, way out"), "{worst:?}");
    }
}

#[test]
fn what_looks_shut_and_is_not_has_no_green_line() {
    let inventory = town::bad();
    let plan = compile(&inventory, &Settings::default());
    let lines = lines(&svg(&inventory, &plan));
    let names: BTreeSet<&str> = plan
        .decisions
        .values()
        .filter(|it| it.outcome == Outcome::Refused || it.name.starts_with("scanner"))
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names.len(), 6, "{names:?}");
    for name in names {
        let mut own = lines.iter().filter(|(told, _)| told.starts_with(name) || told.contains(&format!(" - {name}:")));
        assert!(own.clone().next().is_some(), "no line of {name}: {lines:?}");
        assert!(own.all(|(_, class)| class == "open"), "{name}: {lines:?}");
    }
    // The allowed one is routed, and is drawn and told as what it is.
    let page = front(&inventory, &[]);
    assert!(page.contains("Not everything is shut in: 1 of 10 applications is routed with a way out."), "{page:.3000}");
    assert!(page.contains("way out, allowed"));
    let todo = page.split("id=\"todo\"").nth(1).unwrap().split("</ul>").next().unwrap();
    let told =
        "scanner-web-1</a> is routed with a way out, which you allowed: <a class=\"rule\" href=\"/rules/PRV-001\">";
    assert!(todo.contains(told), "{todo}");
}

/// Pages of a host, by what they show of it: the front twice, and one network.
fn views(inventory: &Inventory, network: &str) -> Vec<(&'static str, String)> {
    let settings = Settings::default();
    let plan = compile(inventory, &settings);
    let topology = Topology::of(inventory, &settings, &plan);
    let facts = Facts { inventory, settings: &settings, plan: &plan, revision: 1, stale: None, signed_in: false };
    let drawn = picture::draw(&topology, &plan.outbound, true, |_| true);
    let table = front(inventory, &[("view", "matrix")]);
    let table = table.split("<table class=\"matrix").nth(1).unwrap();
    vec![
        ("picture", drawn.svg.into_string()),
        ("list", drawn.list.into_string()),
        ("table", table.split("</table>").next().unwrap().to_owned()),
        ("own page", page::network(&facts, network).html),
        ("Traefik's page", page::container(&facts, "front-traefik-1").html),
        ("Mermaid", topology.mermaid()),
        ("JSON", topology.json()),
    ]
}

/// Whether something is marked as having a way out.
fn is_red(page: &str) -> bool {
    // The legend and the name of a class are no mark.
    let page = page.split("<ul class=\"legend").next().unwrap().replace("classDef open", "");
    [" open\"", "\"open\"", ":::open", "===", "\"way-out\""].iter().any(|it| page.contains(it))
}

#[test]
fn the_way_out_that_traefik_is_there_for_is_red_nowhere() {
    let mut inventory = town::town(3);
    for (view, page) in views(&inventory, "net-exposed") {
        assert!(!is_red(&page), "{view}: {page}");
        assert!(view == "JSON" || page.contains("door") || page.contains("Traefik's own way out"), "{view}: {page}");
    }
    // Somebody else's is red, wherever Traefik's is not.
    inventory.put(town::container("stray", "web", &["net-exposed"], 99));
    for (view, page) in views(&inventory, "net-exposed") {
        assert!(view == "Traefik's page" || is_red(&page), "{view}: {page}");
    }
}

#[test]
fn a_refusal_is_told_with_all_its_reasons_and_one_remedy_for_what_edits_mend() {
    let mut inventory = town::town(3);
    inventory.networks.values_mut().find(|it| it.name == "nextcloud_internal").unwrap().internal = false;
    let web = town::named(&mut inventory, "nextcloud-web-1");
    web.confinement.privileged = true;
    web.labels.insert("traefik.http.routers.web.ruel".into(), "Host(`w`)".into());
    let page = front(&inventory, &[]);
    let article = page.split("<article").skip(1).find(|it| it.contains("nextcloud-web-1")).unwrap();
    let article = article.split("</article>").next().unwrap();
    for words in ["/rules/NET-001", "/rules/PRV-001", "traefik.http.routers.web.ruel"] {
        assert!(article.contains(words), "{words}: {article}");
    }
    assert_eq!(article.matches(">leeward fix nextcloud-web-1<").count(), 1, "{article}");
}

#[test]
fn what_the_list_for_a_phone_says_is_what_the_picture_says() {
    for inventory in [town::town(3), town::bad(), town::town(200)] {
        let settings = Settings::default();
        let plan = compile(&inventory, &settings);
        let topology = Topology::of(&inventory, &settings, &plan);
        let drawn = picture::draw(&topology, &plan.outbound, true, |_| true);
        let list = format!("<ul>{}</ul>", drawn.list.into_string());
        let list = Document::parse(&list).unwrap();
        let has_class = |it: &Node<'_, '_>, class: &str| {
            it.attribute("class").is_some_and(|all| all.split(' ').any(|it| it == class))
        };
        let listed = list.descendants().filter(|it| has_class(it, "box")).count();
        let svg = drawn.svg.into_string();
        assert_eq!(listed, boxes(&svg).len());
        for class in ["shut", "open", "unknown", "door"] {
            let drawn = lines(&svg).iter().any(|(_, it)| it == class);
            assert_eq!(list.descendants().any(|it| has_class(&it, "edge") && has_class(&it, class)), drawn, "{class}");
        }
    }
}

#[test]
fn three_states_are_told_apart_without_colour() {
    let style = page::STYLE;
    let dashes: BTreeSet<&str> = [".edge.shut {", ".edge.open {", ".edge.unknown {"]
        .into_iter()
        .map(|rule| {
            let rule = style.split(rule).nth(1).unwrap().split('}').next().unwrap();
            rule.split("stroke-dasharray:").nth(1).unwrap_or("none").split(';').next().unwrap().trim()
        })
        .collect();
    assert_eq!(dashes.len(), 3, "{dashes:?}");
}

#[test]
fn ten_thousand_hostile_containers_are_a_page_of_bounded_size() {
    let mut inventory = town::town(0);
    let evil = ["\u{202e}", "\u{1b}[2J", "</text></svg><script>alert(1)</script>", "\"'><a href=x>", "שלום", "日本"];
    for at in 0..10_000 {
        let name = format!("{}{at}{}", evil[at % evil.len()], "n".repeat(1_000));
        let mut container = town::container(&name, evil[(at + 1) % evil.len()], &["net-control", "net-exposed"], at);
        town::asks(&mut container, "evil.example.com");
        if at % 2 == 0 {
            container.labels.insert("com.docker.compose.project".into(), format!("{}{}", evil[at % 6], at / 7));
        }
        inventory.put(container);
    }
    let settings = Settings::default();
    let plan = compile(&inventory, &settings);
    let facts =
        Facts { inventory: &inventory, settings: &settings, plan: &plan, revision: 1, stale: None, signed_in: true };
    let begun = Instant::now();
    let svg = svg(&inventory, &plan);
    assert!(!lines(&svg).is_empty() && svg.len() < 200_000, "{}", svg.len());
    let container = plan.decisions.keys().next().unwrap().as_str();
    let pages: Vec<Page> = vec![
        page::front(&facts, &Filter::default()),
        page::front(&facts, &Filter::read([("view", "matrix")]).unwrap()),
        page::container(&facts, container),
        page::network(&facts, "net-exposed"),
        page::host(&facts, "evil.example.com"),
        page::rule(&facts, "NET-001"),
    ];
    assert!(begun.elapsed() < Duration::from_mins(2), "{:?}", begun.elapsed());
    for Page { found, html } in pages {
        assert!(found && html.len() < 1_000_000, "{}: {html:.300}", html.len());
        assert!(!html.contains("<script>") && !html.contains('\u{202e}') && !html.contains('\u{1b}'));
    }
}

#[test]
fn a_filter_shows_what_it_names_and_nothing_else() {
    let mut inventory = town::town(30);
    town::named(&mut inventory, "gitea-web-1").confinement.privileged = true;
    let rows = |query: &[(&str, &str)]| {
        let page = front(&inventory, query);
        let table = page.split("<tbody>").nth(1).unwrap_or_default().split("</tbody>").next().unwrap().to_owned();
        table.matches("<tr ").count()
    };
    assert_eq!(rows(&[]), 20);
    assert_eq!(rows(&[("project", "gitea")]), 2);
    assert_eq!(rows(&[("q", "API.gitea")]), 1, "by host, in any case");
    assert_eq!(rows(&[("q", "net-gitea")]), 2, "by network");
    assert_eq!(rows(&[("state", "refused")]), 1);
    assert_eq!(rows(&[("state", "way-out"), ("project", "immich")]), 0);
    assert_eq!(rows(&[("state", "not-routed")]), 10);
    let page = front(&inventory, &[("q", "nothing like it")]);
    assert!(page.contains("Nothing here fits the filter."));
    assert!(!page.contains(">None.<"), "it may be there, and is not shown: {page}");
}

/// A Traefik whose own route is refused, and a container that asks and has ended.
#[test]
fn the_sentence_and_the_table_count_the_same_applications() {
    let mut inventory = town::town(12);
    let traefik =
        inventory.containers.values().find(|it| it.labels.contains_key("leeward.traefik")).unwrap().name.clone();
    let labels = [("traefik.enable", "true"), ("traefik.http.routers.d.rule", "Host(`d.example`)")];
    let labels = labels.into_iter().chain([("traefik.http.routers.d.service", "api@internal")]);
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    town::named(&mut inventory, &traefik).labels.extend(labels);
    let of_title = |page: &str, before: &str, after: &str| {
        let rest = page.split(before).nth(1).unwrap();
        rest.split(after).next().unwrap().to_owned()
    };
    let numbers = |inventory: &Inventory| {
        let page = front(inventory, &[]);
        assert!(page.contains("api@internal"), "Traefik's own route is refused: {page}");
        let said = page.split(" applications: ").next().unwrap().rsplit(['>', ' ']).next().unwrap().to_owned();
        (said, of_title(&page, "Applications (", ")"))
    };
    let (said, rows) = numbers(&inventory);
    assert_eq!(said, rows);
    town::named(&mut inventory, "nextcloud-web-1").state = "exited".to_owned();
    let (said, fewer) = numbers(&inventory);
    assert!(said == fewer && fewer != rows, "{said} {fewer} {rows}");
}

#[test]
fn each_state_of_the_service_has_its_sentence() {
    let empty = front(&Inventory::default(), &[]);
    assert!(
        empty.contains("No container asks to be routed yet.") && empty.contains("No Traefik is declared."),
        "{empty}"
    );
    assert!(empty.contains("leeward.traefik: &quot;true&quot;"), "{empty}");
    // Nothing is shut in there: no green, and nothing to look through.
    assert!(
        !empty.contains("verdict shut") && !empty.contains('✓') && !empty.contains("<form class=\"filter"),
        "{empty}"
    );
    let ready = front(&town::town(0), &[]);
    assert!(!ready.contains("No Traefik is declared.") && ready.contains("traefik.enable=true"));
    assert!(page::loading().contains("Not ready: nothing is known of the engine yet."));
    let (inventory, settings) = (town::town(3), Settings::default());
    let plan = compile(&inventory, &settings);
    let stale = Some("cut off");
    let facts = Facts { inventory: &inventory, settings: &settings, plan: &plan, revision: 1, stale, signed_in: false };
    let page = page::container(&facts, "nextcloud-web-1").html;
    assert!(page.contains("this is the last that was known.") && page.contains("cut off"), "{page}");
}

/// How light a colour is, 0 to 1. Source: WCAG 2.2, relative luminance.
fn luminance(colour: &str) -> f64 {
    let hex = colour.trim_start_matches('#');
    let hex = if hex.len() == 3 { hex.chars().flat_map(|it| [it, it]).collect() } else { hex.to_owned() };
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
}

/// A browser's test for contrast does not look into pictures.
#[test]
fn every_colour_of_letters_stands_out_from_what_it_is_on_in_both_schemes() {
    let schemes: Vec<&str> = page::STYLE.split(":root {").skip(1).map(|it| it.split('}').next().unwrap()).collect();
    assert_eq!(schemes.len(), 2);
    for scheme in schemes {
        let light = |name: &str| {
            let found = scheme.split([';', '\n']).find_map(|it| it.trim().strip_prefix(&format!("--{name}: ")));
            luminance(found.unwrap())
        };
        for letters in ["text", "quiet", "link", "good", "bad", "unknown", "door"] {
            let own = format!("{letters}-back");
            for ground in ["back", "soft", if scheme.contains(&own) { own.as_str() } else { "back" }] {
                let (one, other) = (light(letters), light(ground));
                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                assert!(contrast >= 4.5, "{letters} on {ground}: {contrast:.2}");
            }
        }
    }
}

#[test]
fn nothing_moves_by_itself() {
    for word in ["transition", "animation", "scroll-behavior", "@keyframes"] {
        assert!(!page::STYLE.contains(word), "{word}: not without prefers-reduced-motion");
    }
}

#[test]
fn the_script_is_small_and_everything_is_asked_of_this_service() {
    assert!(page::SCRIPT.len() < 4096, "{}", page::SCRIPT.len());
    for text in [page::SCRIPT, page::STYLE] {
        assert!(!text.contains("http") && !text.contains("@import") && !text.contains("url("));
    }
    let page = front(&town::bad(), &[]);
    assert!(!page.contains(" style=") && !page.contains(" onclick"), "the policy of the page forbids it");
}

/// The heading counted findings, and the list below it has a line for each rule.
#[test]
fn the_heading_of_the_findings_counts_what_the_list_has() {
    let html = front(&leeward::source::snapshot::demo().unwrap(), &[]);
    let section = html.split("id=\"findings\">").nth(1).unwrap().split("</section>").next().unwrap();
    let heading = section.split("</h2>").next().unwrap();
    let rules = section.matches("<details class=\"finding\"").count();
    let times = section.split("<span class=\"count\">").skip(1);
    let times: usize = times.map(|it| it.split(' ').next().unwrap().parse::<usize>().unwrap()).sum();
    assert!(rules > 1 && times > rules, "{section}");
    assert_eq!(heading, format!("Findings ({times} of {rules} rules)"));
}
