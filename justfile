# The recipes for those who run Flagstaff and those who change it. `just` alone lists them.

set positional-arguments := true
set dotenv-load := true

# List the recipes
default:
    @just --list

# Serve from a release build, with the log on the terminal and in server.log (`just serve --demo`)
serve *ARGS:
    FLAGSTAFF__LOG__FILE=server.log cargo run --release -- serve "$@"

# Bring the database up to the newest schema (`just migrate --check` only compares)
migrate *ARGS:
    cargo run --release -- migrate "$@"

# Run every Rust test
test:
    cargo test --workspace

# Run the tests on PostgreSQL too, on a server that is started for them (Debian's package postgresql, perl and make)
test-postgres *ARGS:
    tests/postgres/run cargo test -p flagstaff -p flagstaff-infra -p flagstaff-http --features flagstaff/postgres,flagstaff-http/postgres "$@"

# Run several servers on a PostgreSQL that goes away in every way, and restart all of them at random for SECONDS
fleet SECONDS="600":
    FLAGSTAFF_FLEET_SECONDS={{ SECONDS }} cargo test -p flagstaff --features flagstaff/postgres --test fleet -- --nocapture --test-threads 4

# Run everything that must pass before a change is merged
check:
    .ci/run

# Format the Rust sources
fmt:
    cargo fmt --all

# Check formatting, lints and documentation; warnings are errors
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Create an empty migration, up and down, for each backend (`just migration add_key_notes`)
migration NAME:
    #!/usr/bin/env bash
    set -euo pipefail
    if [[ ! $1 =~ ^[a-z][a-z0-9_]*$ ]]; then
        echo "a migration's name is lower-case letters, digits and underscores: add_key_notes" >&2
        exit 2
    fi
    name="$(date -u +%Y-%m-%d-%H%M%S)_$1"
    for backend in sqlite postgres; do
        directory="migrations/$backend/$name"
        mkdir "$directory"
        printf -- '-- %s: what this adds, and why. A released migration is never edited: write another.\n' "$1" > "$directory/up.sql"
        printf -- '-- %s: takes back exactly what up.sql did.\n' "$1" > "$directory/down.sql"
        echo "$directory"
    done

# Read flags through Flagsmith's own Python and Node.js SDKs
sdk:
    cargo build --release --locked
    tests/sdk/run

# Take the database away from a running server: locked, full, moved, damaged
outages:
    cargo build --release --locked
    python3 tests/outages.py target/release/flagstaff

# Run what takes too long for `check`: a quarter of an hour or more
prove:
    cargo build --release --locked -p flagstaff -p flagstaff-bench
    target/release/crash --cycles 10000
    target/release/durability --cuts 5000

# Send random requests, and hold the server to its own description (`just fuzz 1000000` sends more)
fuzz REQUESTS="20000":
    FLAGSTAFF_FUZZ_REQUESTS={{ REQUESTS }} cargo test -p flagstaff --test fuzz
    cargo build --release --locked
    tests/schemathesis/run

# Measure against a bare server of the same library (`just bench list`, `just bench -- --quick`)
bench *ARGS:
    cargo build --release --locked -p flagstaff -p flagstaff-bench
    taskset -c 1 target/release/flagstaff-bench "$@"

# The same on PostgreSQL, on a server of its own that waits for its disk
bench-postgres *ARGS:
    cargo build --release --locked -p flagstaff -p flagstaff-bench --features flagstaff/postgres
    FLAGSTAFF_TEST_POSTGRES_FSYNC=on tests/postgres/run taskset -c 1 target/release/flagstaff-bench postgres "$@"

# Kill the server in the midst of writes and look for what it had acknowledged (`just crash --cycles 1000 --seed 7`)
crash *ARGS:
    cargo build --release --locked -p flagstaff -p flagstaff-bench
    target/release/crash "$@"

# Trace the server: a sync of the log before each answer, and nothing lost by a power cut (`just durability --cuts 1000`)
durability *ARGS:
    cargo build --release --locked -p flagstaff -p flagstaff-bench
    target/release/durability "$@"
