#!/usr/bin/env bash
# The bare learner of a policy that acts step by step beside PyTorch on the same job, one thread each: CPU seconds in turn, and the
# median ratio. Usage: sequence.sh gru|mlp [STEPS [PEER]] — PEER is a command that takes a number of steps; ours if none is given.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
policy="$1" steps="${2:-200}"
case "$policy" in
gru) peer="python3 $here/gru.py" ;;
mlp) peer="python3 $here/mlp.py --steps" ;;
*) echo "no peer for $policy" >&2; exit 2 ;;
esac
cd "$here/../.."
cargo build --release --locked -p tailcatch-benches --features lab --example sequence
target="$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')"
exec env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 RAYON_NUM_THREADS=1 \
    python3 "$here/ratio.py" "$target/release/examples/sequence $policy" "${3:-$peer}" "$steps"
