//! What a compilation costs, and how that grows: one axis after the other, each at three sizes, each twice the one before.
//!
//! `cargo bench --bench growth` prints a table. The exponent is of the number of allocations and of the time, from the
//! smallest size to the largest: 1 is linear. The time is what the processor spent, the least of several turns: what else
//! runs on the machine counts little.
//! `cargo bench --bench growth -- NAME SIZE` compiles once, for a profiler
//! (`valgrind --tool=callgrind --toggle-collect='*plan*compile_next*'`; with `one-change`, `'*growth*again*'` is the second
//! compilation alone).

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a measurement for people"
)]

mod worlds;

use std::hint::black_box;
use std::time::Duration;

use allocation_counter::measure;
use leeward::budgets::Budgets;
use leeward::inventory::Inventory;
use leeward::plan::{Memory, Plan, compile, compile_next};
use leeward::settings::{Isolation, Settings};
use leeward::traefik::document;

/// One way in which a world can grow.
struct Axis {
    name: &'static str,
    /// The smallest size.
    size: usize,
    world: fn(usize) -> Inventory,
    /// What must come of it, so that nothing is measured that was refused: routes, or findings.
    wanted: fn(&Plan, usize) -> bool,
}

const AXES: [Axis; 7] = [
    Axis {
        name: "containers",
        size: 2_500,
        world: worlds::inventory,
        wanted: |plan, size| plan.routes.len() == size * 3 / 4,
    },
    Axis { name: "routers", size: 5_000, world: worlds::routers, wanted: |plan, size| plan.routes.len() == size },
    Axis { name: "networks", size: 2_500, world: worlds::networks, wanted: |plan, _| plan.routes.len() == 3 },
    Axis { name: "attachments", size: 2_500, world: worlds::attachments, wanted: |plan, _| plan.routes.len() == 3 },
    Axis { name: "hosts", size: 5_000, world: worlds::hosts, wanted: |plan, _| plan.routes.len() == 3 },
    Axis { name: "findings", size: 2_500, world: worlds::findings, wanted: |plan, size| plan.findings.len() >= size },
    Axis { name: "neighbours", size: 2_500, world: worlds::neighbours, wanted: |plan, size| plan.routes.len() == size },
];

/// Nothing is refused for its size here, and what is found refuses nobody.
fn settings() -> Settings {
    let most = u64::MAX / 8;
    let budgets =
        Budgets { labels: most, label_bytes: most, routers: most, rule_bytes: most, regex_size: most, per_owner: 8 };
    Settings { budgets, isolation: Isolation::Warn, ..Settings::default() }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    match arguments.as_slice() {
        [name, size] => once(name, size.parse().unwrap()),
        names => table(names),
    }
}

/// `one-change` is the axis of containers, with one that changed since the last compilation.
fn once(name: &str, size: usize) {
    let settings = settings();
    if name == "one-change" {
        let mut inventory = worlds::inventory(size);
        let mut memory = Memory::default();
        drop(compile_next(&inventory, &settings, &mut memory));
        worlds::change(&mut inventory, 1);
        drop(black_box(again(&inventory, &settings, &mut memory)));
        return;
    }
    let axis = AXES.iter().find(|axis| axis.name == name).unwrap_or_else(|| panic!("no such axis: {name}"));
    drop(black_box(compile(&(axis.world)(size), &settings)));
}

/// By a name of its own, so that a profiler can leave the first compilation out.
#[inline(never)]
fn again(inventory: &Inventory, settings: &Settings, memory: &mut Memory) -> Plan {
    compile_next(inventory, settings, memory)
}

/// What this thread has had of the processor. Source: `Documentation/scheduler/sched-stats.rst`, `/proc/<pid>/schedstat`.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn table(names: &[String]) {
    println!(
        "| of | size | allocations | KiB allocated | KiB of the inventory | of the plan | time | exponents: allocations, time |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let settings = settings();
    for axis in AXES.iter().filter(|axis| names.is_empty() || names.iter().any(|name| name == axis.name)) {
        let sizes = [axis.size, axis.size * 2, axis.size * 4];
        let (mut worlds, mut held) = (Vec::new(), Vec::new());
        for size in sizes {
            held.push(measure(|| worlds.push((axis.world)(size))).bytes_current);
        }
        let mut times = [Duration::MAX; 3];
        for _ in 0..7 {
            for (time, inventory) in times.iter_mut().zip(&worlds) {
                let begun = spent();
                let plan = compile(inventory, &settings);
                let bytes = document::write(&plan.documents[Plan::EVERYONE]);
                *time = spent().saturating_sub(begun).min(*time);
                drop(black_box((plan, bytes)));
            }
        }
        let mut counts = Vec::new();
        for (at, inventory) in worlds.iter().enumerate() {
            let mut plan = None;
            let cost = measure(|| plan = Some(compile(inventory, &settings)));
            assert!(
                (axis.wanted)(plan.as_ref().unwrap(), sizes[at]),
                "{} of {} are not all there",
                sizes[at],
                axis.name
            );
            counts.push(cost.count_total as f64);
            let exponent = |large: f64, small: f64| (large / small).log2() / 2.0;
            let exponents = if at == 2 {
                let time = exponent(times[2].as_secs_f64(), times[0].as_secs_f64());
                format!("{:.2}, {time:.2}", exponent(counts[2], counts[0]))
            } else {
                String::new()
            };
            println!(
                "| {} | {} | {} | {} | {} | {} | {:.1} ms | {exponents} |",
                axis.name,
                sizes[at],
                cost.count_total,
                cost.bytes_total >> 10,
                held[at] >> 10,
                cost.bytes_current >> 10,
                times[at].as_secs_f64() * 1000.0,
            );
        }
    }
}
