#!/usr/bin/env bash
# Fit and score of a detector of feature columns beside PyOD, one thread each: CPU seconds in turn, and the median ratio.
# Usage: detectors.sh ecod|isolation_forest|knn|mcd [TIMES], with a Python that has pyod first in PATH.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
cd "$here/../.."
cargo build --release --locked -p tailcatch-benches --example detectors
target="$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')"
exec env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 RAYON_NUM_THREADS=1 \
    python3 "$here/ratio.py" "$target/release/examples/detectors $1" "python3 $here/detectors.py $1" "${2:-2}"
