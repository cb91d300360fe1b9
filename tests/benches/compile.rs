//! How long from an inventory to the bytes that Traefik reads, at 100, 1,000 and 10,000 containers.
//!
//! `cargo bench --bench compile`

#![expect(clippy::indexing_slicing, reason = "a plan without its document is a bug that the benchmark may stop at")]

mod worlds;

use leeward::plan::{Memory, Plan, compile, compile_next};
use leeward::settings::Settings;
use leeward::traefik::document;

fn main() {
    divan::main();
}

#[divan::bench(args = [100, 1_000, 10_000])]
fn compile_and_encode(bencher: divan::Bencher<'_, '_>, containers: usize) {
    let (inventory, settings) = (worlds::inventory(containers), Settings::default());
    let plan = compile(&inventory, &settings);
    assert_eq!(plan.routes.len(), containers * 3 / 4, "all that should be routed is");
    bencher.bench(|| document::write(&compile(&inventory, &settings).documents[Plan::EVERYONE]));
}

#[divan::bench(args = [100, 1_000, 10_000])]
fn compile_only(bencher: divan::Bencher<'_, '_>, containers: usize) {
    let (inventory, settings) = (worlds::inventory(containers), Settings::default());
    bencher.bench(|| compile(&inventory, &settings));
}

/// One container starts on a host where all others stay as they are.
#[divan::bench(args = [100, 1_000, 10_000])]
fn one_change(bencher: divan::Bencher<'_, '_>, containers: usize) {
    let (mut inventory, settings) = (worlds::inventory(containers), Settings::default());
    let mut memory = Memory::default();
    compile_next(&inventory, &settings, &mut memory);
    let mut port = 0_u16;
    bencher.bench_local(|| {
        port = port.wrapping_add(1);
        worlds::change(&mut inventory, port);
        document::write(&compile_next(&inventory, &settings, &mut memory).documents[Plan::EVERYONE])
    });
}

#[divan::bench(args = [100, 1_000, 10_000])]
fn encode_only(bencher: divan::Bencher<'_, '_>, containers: usize) {
    let plan = compile(&worlds::inventory(containers), &Settings::default());
    bencher.bench(|| document::write(&plan.documents[Plan::EVERYONE]));
}
