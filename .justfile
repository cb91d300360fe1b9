# `just` alone lists these.
default:
    @just --list

# Before each commit: format, lints and the tests of two minutes, as far as this machine can run them.
check: lint test

# Format and lints of everything.
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo clippy --test bombs --test traefik --test e2e -- -D warnings

# The tests of two minutes, or those of them that are named: `just test --test laws`, `just test --lib policy::`.
test *ARGS:
    cargo test {{ARGS}}

# What a bare `cargo test` leaves to others. Needs root, Docker's programs and LEEWARD_TRAEFIK_DIR; about half an hour.
test-long:
    cargo test --test bombs --test traefik --test e2e

# Documents before real Traefiks. Needs LEEWARD_TRAEFIK_DIR.
traefik *ARGS:
    cargo test --test traefik {{ARGS}}

# Everything, on a Debian or Ubuntu machine as root: installs what is missing.
ci:
    bash .ci/run

# The demo, on http://localhost:9000/
demo:
    cargo run -- serve --engine demo

# Leeward beside Traefik's own provider, at 100 and 1,000. Needs root, Docker's programs and LEEWARD_TRAEFIK_DIR.
bench:
    cargo bench --bench side_by_side

# What a compilation costs, and how that grows.
bench-growth *ARGS:
    cargo bench --bench growth {{ARGS}}

# The image, under the name that compose/ uses.
image:
    docker build --tag leeward/leeward:0.1.0 .

# The end-to-end tests, with their log. Needs root, Docker's programs and LEEWARD_TRAEFIK_DIR.
e2e *ARGS:
    cargo test --test e2e -- --nocapture {{ARGS}}
