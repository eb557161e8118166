#!/usr/bin/env bash
# Kernels written by hand beside burn's automatic differentiation of the same module, one thread each, on the job of `sequence.sh`:
# CPU seconds in turn, median of several rounds, a row a network, written to `results.csv` beside this file.
# Usage: kernels.sh MACHINE [STEPS] — MACHINE in words, such as "x86-64, 2 cores".
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
machine="$1" steps="${2:-40}"
cd "$here/../.."
cargo build --release --locked -p tailcatch-benches --features lab --example sequence
target="$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')"
exec env RAYON_NUM_THREADS=1 python3 "$here/kernels.py" "$target/release/examples/sequence" "$machine" "$steps"
