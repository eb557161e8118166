#!/usr/bin/env bash
# The bare learner of a table beside numpy on the same job, one thread each: CPU seconds in turn, and the median ratio.
# Usage: bandit.sh [PEER] — a Python script that takes a number of steps; ours beside this file if none is given.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
peer="$(realpath "${1:-$here/bandit.py}")"
cd "$here/../.."
cargo build --release --locked -p tailcatch-benches --features lab --example bandit
target="$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')"
exec env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 RAYON_NUM_THREADS=1 \
    python3 "$here/ratio.py" "$target/release/examples/bandit" "python3 $peer"
