//! What is shipped beside the program. Every project that `docs/hard-cases.md` shows is routed as it stands there, and would
//! not be without the rules that it allows; Traefik's two static files differ in HTTPS alone.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use leeward::inventory::Inventory;
use leeward::plan::{Outcome, Plan, compile};
use leeward::settings::Settings;
use leeward::source::compose;

const PAGE: &str = include_str!("../docs/hard-cases.md");
/// Traefik's project, as in `compose/compose.yaml`, as far as it matters.
const FRONT: &str = "
name: front
services:
  traefik:
    image: traefik:v3.7.15
    networks: [net-exposed, net-home]
    labels: { leeward.traefik: 'true' }
networks:
  net-exposed: {}
  net-home: { name: net-home, internal: true }
";

/// The projects on the page.
fn projects() -> Vec<&'static str> {
    let blocks = PAGE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| block.starts_with("name: ")).collect()
}

fn plan(project: &str) -> Plan {
    let projects = [FRONT, project].map(|text| compose::read(text, "unnamed").unwrap());
    compile(&compose::deploy(&projects, Inventory::default()), &Settings::default())
}

/// How many containers are routed, and the rules that refuse.
fn verdict(project: &str) -> (usize, Vec<String>) {
    let plan = plan(project);
    let routed = plan.decided().filter(|it| it.outcome == Outcome::Routed).count();
    let refusals = plan.decided().filter_map(|it| it.refusal.as_ref());
    (routed, refusals.filter_map(|it| it.rule).map(|rule| rule.to_string()).collect())
}

#[test]
fn the_projects_on_the_page_are_routed_and_each_allowed_rule_is_needed() {
    let projects = projects();
    assert_eq!(projects.len(), 3);
    for project in projects {
        assert_eq!(verdict(project), (1, vec![]), "{project}");
        let labels = project.lines().filter(|line| line.trim().starts_with("leeward.allow: "));
        for line in labels {
            let (_, rules) = line.split_once("leeward.allow: ").unwrap();
            for rule in rules.split(',') {
                // One rule less: that one refuses.
                let less = project.replace(line, &line.replace(rule, "NET-000"));
                assert_eq!(verdict(&less), (0, vec![rule.to_owned()]), "{rule}");
            }
        }
        // And nothing of high severity is left unsaid.
        let open: Vec<_> = plan(project)
            .findings
            .into_iter()
            .filter(|it| it.severity >= leeward::policy::finding::Severity::High && !it.allowed && !it.not_verifiable)
            .map(|it| (it.rule.to_string(), format!("{:?}", it.subject)))
            .filter(|(_, subject)| !subject.contains("front-traefik"))
            .collect();
        assert_eq!(open, vec![], "{project}");
    }
}

#[test]
fn a_container_on_the_hosts_network_is_routed_by_no_label() {
    let host = "
name: home
services:
  app:
    image: home:1
    network_mode: host
    labels: { traefik.enable: 'true', traefik.http.routers.a.rule: 'Host(`a.b`)', leeward.allow: 'NET-002,NET-009' }
";
    assert_eq!(verdict(host), (0, vec!["NET-009".to_owned()]));
}

#[test]
fn traefiks_two_files_differ_in_https_alone() {
    let lines = |text: &'static str| {
        text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')).collect::<Vec<_>>()
    };
    let plain = lines(include_str!("../traefik/traefik.yml"));
    let mut rest = plain.iter().peekable();
    let more: Vec<&str> = lines(include_str!("../traefik/https.yml"))
        .into_iter()
        .filter(|line| rest.next_if(|wanted| *wanted == line).is_none())
        .map(str::trim)
        .collect();
    assert_eq!(rest.next(), None, "each line of traefik.yml is in https.yml, in its order");
    let wanted = [
        &["redirections:", "entryPoint:", "to: websecure", "scheme: https"][..],
        &["websecure:", "address: \":443\""],
        &["http:", "aliasHeadersStrategy: delete", "tls:", "certResolver: letsencrypt"],
        &["certificatesResolvers:", "letsencrypt:", "acme:", "email: \"\"", "storage: /certificates/acme.json"],
        &["httpChallenge:", "entryPoint: web"],
    ];
    let mut all: Vec<&str> = wanted.concat();
    let mut found = more;
    all.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, all);
}
