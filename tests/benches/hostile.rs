//! What one container, written to cost as much as it can within the budgets, costs beside a hundred others.
//!
//! `cargo bench --bench hostile` prints a table: the processor's time for a compilation from scratch, for one after its own
//! labels changed, and for one after another container's changed, each with encoding, the least of three; and what the first
//! allocates. `cargo bench --bench hostile -- NAME` measures one of them, `-- NAME once` compiles once, for a profiler.

#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement for people")]

mod worlds;

use std::hint::black_box;
use std::time::Duration;

use allocation_counter::measure;
use leeward::budgets::Budgets;
use leeward::inventory::{Attachment, Container, Image, Inventory, Mount};
use leeward::plan::{Memory, Plan, compile, compile_next};
use leeward::settings::Settings;
use leeward::traefik::document;

/// How many others there are.
const OTHERS: usize = 100;

type World = (&'static str, fn(&mut Inventory));

const WORLDS: &[World] = &[
    ("nothing", |_| {}),
    ("regexes of hosts", |inventory| label(inventory, "svc0.rule", regexes(1_300))),
    ("regexes, refused", |inventory| {
        (0..16).for_each(|at| label(inventory, &format!("r{at}.rule"), regexes(1_300)));
    }),
    ("regexes, not asked for", |inventory| {
        (0..16).for_each(|at| label(inventory, &format!("r{at}.rule"), regexes(1_300)));
        evil(inventory, |it| drop(it.labels.remove("traefik.enable")));
    }),
    ("regexes of large classes", |inventory| {
        label(inventory, "svc0.rule", any_of(60, |at| format!("HostRegexp(`(?i)^\\pL\\pN\\pL{at}\\.example$`)")));
    }),
    ("classes, refused", |inventory| {
        (0..16).for_each(|at| {
            label(inventory, &format!("r{at}.rule"), format!("PathRegexp(`{}`)", "\\pL".repeat(20_000)));
        });
    }),
    ("classes one by one, refused", |inventory| {
        (0..16).for_each(|at| {
            label(inventory, &format!("r{at}.rule"), any_of(2_500, |_| "PathRegexp(`\\pL`)".to_owned()));
        });
    }),
    ("classes, most", |inventory| {
        label(inventory, "svc0.rule", any_of(300, |_| "HostRegexp(`(?i)\\pL$`)".to_owned()));
    }),
    ("a regex of groups", |inventory| {
        label(
            inventory,
            "svc0.rule",
            format!("HostRegexp(`^{}[ab][ab][ab][ab][ab][ab]{}$`)", "(a)".repeat(9_000), "(a)".repeat(9_000)),
        );
    }),
    ("a regex of alternatives", |inventory| {
        label(inventory, "svc0.rule", format!("HostRegexp(`^{}({}a$)`)", "(a)".repeat(8_000), "a$|".repeat(8_000)));
    }),
    ("hosts", |inventory| label(inventory, "svc0.rule", any_of(3_000, |at| format!("Host(`h{at}.x`)")))),
    ("hosts, deep", |inventory| {
        let all = (0..2_500).fold("Host(`x`)".to_owned(), |rule, at| {
            if at % 5 == 0 { format!("({rule} || Host(`h{at}.x`))") } else { format!("{rule} || Host(`h{at}.x`)") }
        });
        label(inventory, "svc0.rule", all);
    }),
    ("hosts, both", |inventory| {
        let half = |add| any_of(1_500, |at| format!("Host(`h{}.x`)", at + add));
        label(inventory, "svc0.rule", format!("({}) && ({})", half(0), half(700)));
    }),
    ("parentheses", |inventory| {
        label(inventory, "svc0.rule", format!("{}Host(`a.x`){}", "(!".repeat(499), ")".repeat(499)));
    }),
    ("parentheses, too many", |inventory| {
        label(inventory, "svc0.rule", format!("{}Host(`a.x`){}", "(".repeat(32_000), ")".repeat(32_000)));
    }),
    ("labels that nobody knows", |inventory| {
        evil(inventory, |it| it.labels.extend((0..9_900).map(|at| (format!("x{at}"), "y".to_owned()))));
    }),
    ("labels misspelt", |inventory| {
        evil(inventory, |it| {
            it.labels.extend((0..9_900).map(|at| (format!("traefik.htp.routers{at}.x"), "y".to_owned())));
        });
    }),
    ("labels of leeward misspelt", |inventory| {
        evil(inventory, |it| it.labels.extend((0..9_900).map(|at| (format!("leeward.alow{at}"), "y".to_owned()))));
    }),
    ("labels of one router", |inventory| {
        evil(inventory, |it| {
            it.labels.extend(
                (0..9_900).map(|at| {
                    (format!("traefik.http.middlewares.m{at}.headers.customrequestheaders.x"), "y".to_owned())
                }),
            );
        });
    }),
    ("labels of the image", |inventory| {
        let labels = || (0..9_900).map(|at| (format!("x{at:05}"), "y".to_owned()));
        evil(inventory, |it| {
            it.labels.extend(labels());
            it.labels.retain(|key, _| !key.contains("routers."));
            it.image_id = "sha256:evil".into();
        });
        let image = Image { labels: labels().collect(), problem: None };
        inventory.images.insert("sha256:evil".into(), image);
    }),
    ("middlewares of forward auth", |inventory| {
        for at in 0..9_900 {
            let key = format!("traefik.http.middlewares.m{at}.forwardauth.address");
            evil(inventory, |it| drop(it.labels.insert(key, "http://svc1/".to_owned())));
        }
        for container in inventory.containers.values_mut() {
            let container = std::sync::Arc::make_mut(container);
            container.attachments.values_mut().for_each(|it| it.aliases.extend(["svc1".to_owned()]));
        }
    }),
    ("middlewares of redis", |inventory| {
        for at in 0..4_000 {
            let key = format!("traefik.http.middlewares.m{at}.ratelimit.redis.endpoints");
            evil(inventory, |it| drop(it.labels.insert(key, "svc1:6379".to_owned())));
        }
    }),
    ("references", |inventory| {
        let all = vec!["nobodys"; 100_000].join(",");
        evil(inventory, |it| drop(it.labels.insert("traefik.http.routers.svc0.middlewares".to_owned(), all)));
    }),
    ("routers and services", |inventory| {
        for at in 0..490 {
            evil(inventory, |it| {
                it.labels.insert(format!("traefik.http.services.s{at}.loadbalancer.server.port"), "80".to_owned());
            });
            label(inventory, &format!("r{at}.rule"), format!("Host(`r{at}.x`)"));
        }
    }),
    ("routers of priority", |inventory| {
        for at in 0..490 {
            label(inventory, &format!("r{at}.rule"), format!("Host(`r{at}.x`)"));
            label(inventory, &format!("r{at}.priority"), "7".to_owned());
        }
    }),
    ("routers of everything", |inventory| {
        for at in 0..490 {
            label(inventory, &format!("r{at}.rule"), "PathPrefix(`/`)".to_owned());
            label(inventory, &format!("r{at}.entrypoints"), vec!["e"; 400].join(","));
        }
    }),
    ("domains", |inventory| {
        let all: Vec<String> = (0..60_000).map(|at| format!("d{at}.example")).collect();
        label(inventory, "svc0.tls.domains[0].sans", all.join(","));
    }),
    ("many domains", |inventory| {
        for at in 0..9_000 {
            label(inventory, &format!("svc0.tls.domains[{at}].main"), format!("d{at}.example"));
        }
    }),
    ("a long name", |inventory| label(inventory, &format!("{}.rule", "n".repeat(500_000)), "Host(`n.x`)".to_owned())),
    ("long names", |inventory| {
        for at in 0..490 {
            label(inventory, &format!("{}{at}.rule", "n".repeat(1_000)), format!("Host(`n{at}.x`)"));
        }
    }),
    ("a long label that nobody knows", |inventory| {
        evil(inventory, |it| drop(it.labels.insert(format!("traefik.{}", "x.".repeat(250_000)), "y".to_owned())));
    }),
    ("aliases", |inventory| {
        evil(inventory, |it| {
            for attachment in it.attachments.values_mut() {
                attachment.aliases.extend((0..5_000).map(|at| format!("alias{at}")));
            }
        });
    }),
    ("ports exposed", |inventory| {
        evil(inventory, |it| it.exposed_ports.extend((1..=65_000).map(|at| format!("{at}/tcp"))));
    }),
    ("ports published", |inventory| {
        evil(inventory, |it| {
            it.ports.extend((1..=20_000).map(|at| {
                (
                    format!("{at}/tcp"),
                    vec![leeward::inventory::Binding { host_ip: "127.0.0.1".into(), host_port: at.to_string() }],
                )
            }));
            it.port_bindings = it.ports.clone();
        });
    }),
    ("mounts", |inventory| evil(inventory, |it| it.mounts = mounts(8_000, 0))),
    ("mounts of many", |inventory| {
        for (number, container) in inventory.containers.values_mut().enumerate() {
            std::sync::Arc::make_mut(container).mounts = mounts(200, number * 200);
        }
    }),
    ("volumes", |inventory| {
        evil(inventory, |it| {
            it.mounts = mounts(8_000, 0);
            for mount in &mut it.mounts {
                mount.kind = "volume".into();
                mount.name = mount.source.replace('/', "_");
            }
        });
        for at in 0..8_000 {
            let volume = leeward::inventory::Volume {
                driver: "local".into(),
                bind: true,
                device: format!("/srv/v{at}/x"),
                ..Default::default()
            };
            inventory.volumes.insert(format!("_srv_data{at}_of_app"), volume);
        }
    }),
    ("volumes from", |inventory| evil(inventory, |it| it.volumes_from = vec!["nobody:ro".to_owned(); 20_000])),
    ("a long path", |inventory| {
        evil(inventory, |it| {
            it.mounts = mounts(1, 0);
            it.mounts[0].source = "/a".repeat(500_000);
        });
    }),
    ("networks of many", |inventory| on_networks(inventory, 200, usize::MAX)),
    ("networks", |inventory| on_networks(inventory, 1_000, 1)),
    ("networks and hosts file", |inventory| {
        on_networks(inventory, 300, 1);
        evil(inventory, |it| it.confinement.extra_hosts = (0..20_000).map(|at| format!("h{at}:10.0.0.1")).collect());
    }),
    ("sysctls", |inventory| {
        evil(inventory, |it| {
            it.confinement.sysctls.extend((0..20_000).map(|at| (format!("net.ipv4.conf.e{at}.mtu"), "1".to_owned())));
        });
    }),
    ("devices", |inventory| {
        evil(inventory, |it| it.confinement.devices = (0..20_000).map(|at| format!("/dev/snd/x{at}")).collect());
    }),
    ("capabilities", |inventory| {
        evil(inventory, |it| it.confinement.cap_add = (0..20_000).map(|at| format!("cap_x{at}")).collect());
    }),
    ("security options", |inventory| {
        evil(inventory, |it| it.confinement.security_opt.extend((0..20_000).map(|at| format!("label=x{at}"))));
    }),
    ("outbound", |inventory| {
        let all: Vec<String> = (0..490).map(|at| format!("h{at}.example.com:443")).collect();
        evil(inventory, |it| drop(it.labels.insert("leeward.outbound".to_owned(), all.join(","))));
    }),
    ("outbound, nonsense", |inventory| {
        evil(inventory, |it| drop(it.labels.insert("leeward.outbound".to_owned(), "x ".repeat(500_000))));
    }),
    ("allowed rules, nonsense", |inventory| {
        evil(inventory, |it| drop(it.labels.insert("leeward.allow".to_owned(), "NET-1,".repeat(170_000))));
    }),
    ("routers of a scaled service", |inventory| {
        for (number, container) in
            inventory.containers.values_mut().filter(|it| it.labels.contains_key("traefik.enable")).enumerate()
        {
            let container = std::sync::Arc::make_mut(container);
            container.labels.retain(|key, _| !key.contains("traefik.http"));
            container.labels.insert("com.docker.compose.project".into(), "one".into());
            container.labels.insert("traefik.http.services.s.loadbalancer.server.port".into(), "80".into());
            if number < 4 {
                container.labels.extend((0..490).map(|at| {
                    (format!("traefik.http.routers.r{number}x{at}.rule"), format!("Host(`r{number}x{at}.x`)"))
                }));
            } else {
                container.labels.insert("traefik.http.routers.r0x0.rule".into(), "Host(`r0x0.x`)".into());
            }
        }
    }),
    ("one network of all", |inventory| {
        let first = inventory.containers.values().find(|it| it.name.ends_with("svc0-1")).unwrap().id.clone();
        for container in inventory.containers.values_mut().filter(|it| it.id != first && it.name != "traefik") {
            let container = std::sync::Arc::make_mut(container);
            container.network_mode = format!("container:{first}");
            container.attachments.clear();
        }
    }),
];

/// One of the routed ones.
fn evil(inventory: &mut Inventory, change: impl FnOnce(&mut Container)) {
    let id = inventory.containers.values().find(|it| it.name.ends_with("svc0-1")).unwrap().id.clone();
    change(inventory.container_mut(id.as_str()).unwrap());
}

fn label(inventory: &mut Inventory, key: &str, value: String) {
    evil(inventory, |it| drop(it.labels.insert(format!("traefik.http.routers.{key}"), value)));
}

fn any_of(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(" || ")
}

fn regexes(count: usize) -> String {
    any_of(count, |at| format!("HostRegexp(`^[a-z]+{at}\\.app\\.example\\.com$`)"))
}

fn mounts(count: usize, first: usize) -> Vec<Mount> {
    let mount = |at| Mount {
        kind: "bind".into(),
        source: format!("/srv/data{at}/of/app"),
        destination: format!("/data{at}"),
        writable: true,
        ..Mount::default()
    };
    (first..first + count).map(mount).collect()
}

/// The first few containers are on so many networks more.
fn on_networks(inventory: &mut Inventory, count: usize, containers: usize) {
    let Inventory { networks, containers: all, .. } = inventory;
    let template = networks.values().next().unwrap().clone();
    for number in 0..count {
        let network = leeward::inventory::Network {
            id: format!("{number:064x}").into(),
            name: format!("more{number}"),
            ..template.clone()
        };
        networks.insert(network.id.clone(), network);
    }
    let on = |number: usize| {
        let attachment = Attachment {
            network: format!("more{number}"),
            network_id: format!("{number:064x}").into(),
            ..Attachment::default()
        };
        (format!("more{number}"), attachment.into())
    };
    for container in all.values_mut().filter(|it| it.name.contains("svc0-1")).take(containers) {
        std::sync::Arc::make_mut(container).attachments.extend((0..count).map(on));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    // As many names as labels, for what is measured is what they would cost.
    let settings = Settings { budgets: Budgets { routers: 10_000, ..Budgets::default() }, ..Settings::default() };
    println!("| of | from scratch | it changed | another changed | KiB allocated | routes | refused |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | --- |");
    for (name, make) in WORLDS.iter().filter(|(name, _)| arguments.first().is_none_or(|wanted| wanted == name)) {
        let mut inventory = worlds::inventory(OTHERS);
        make(&mut inventory);
        if arguments.get(1).is_some_and(|it| it == "once") {
            drop(black_box(compile(&inventory, &settings)));
            return;
        }
        let mut times = [Duration::MAX; 3];
        let mut plan = None;
        let cost = measure(|| plan = Some(compile(&inventory, &settings)));
        let plan = plan.unwrap();
        let others = inventory.containers.values().rfind(|it| it.name.ends_with("svc1-1")).unwrap().id.clone();
        for turn in 0..3_u16 {
            let mut memory = Memory::default();
            let mut take = |at: usize, inventory: &Inventory| {
                let begun = spent();
                let plan = compile_next(inventory, &settings, &mut memory);
                let bytes = document::write(&plan.documents[Plan::EVERYONE]);
                times[at] = spent().saturating_sub(begun).min(times[at]);
                drop(black_box((plan, bytes)));
            };
            take(0, &inventory);
            let key = "traefik.http.services.svc0.loadbalancer.server.port";
            evil(&mut inventory, |it| drop(it.labels.insert(key.to_owned(), turn.to_string())));
            take(1, &inventory);
            inventory
                .container_mut(others.as_str())
                .unwrap()
                .labels
                .insert("traefik.http.services.svc1.loadbalancer.server.port".into(), turn.to_string());
            take(2, &inventory);
        }
        let mut refused: Vec<String> =
            plan.decided().filter_map(|it| it.refusal.as_ref()).map(|it| format!("{:?}", it.code)).collect();
        refused.sort();
        refused.dedup();
        let [scratch, own, other] = times.map(|it| format!("{:.1} ms", it.as_secs_f64() * 1000.0));
        println!(
            "| {name} | {scratch} | {own} | {other} | {} | {} | {} |",
            cost.bytes_total >> 10,
            plan.routes.len(),
            refused.join(", ")
        );
    }
}

/// What this thread has had of the processor. Source: `Documentation/scheduler/sched-stats.rst`, `/proc/<pid>/schedstat`.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
