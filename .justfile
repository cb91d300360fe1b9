# `just` alone lists these.
default:
    @just --list

# Format, lints and tests, as far as this machine can run them.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo test

# Everything, on a Debian or Ubuntu machine as root: installs what is missing.
ci:
    bash .ci/run

# The demo, on http://localhost:9000/
demo:
    cargo run -- serve --engine demo

# Leeward beside Traefik's own provider, at three sizes. Needs root, Docker's programs and LEEWARD_TRAEFIK_DIR.
bench:
    cargo bench --bench side_by_side

# The image, under the name that compose/ uses.
image:
    docker build --tag leeward/leeward:0.1.0 .

# The end-to-end tests, with their log. Needs root, Docker's programs and LEEWARD_TRAEFIK_DIR.
e2e *ARGS:
    cargo test --test e2e -- --nocapture {{ARGS}}
