#!/usr/bin/env bash
# `diagnose` and `detect` on a Parquet log beside pyarrow, one thread each, in turn: CPU seconds, wall seconds and memory.
# Usage: parquet.sh [ROWS [ROUNDS]], with a Python that has pyarrow first in PATH.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
cd "$here/../.."
tailcatch="${TAILCATCH:-}"
if [ -z "$tailcatch" ]; then
    cargo build --release --locked --no-default-features --features parquet
    tailcatch="$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/release/tailcatch"
fi
log="$(mktemp -d)"
trap 'rm -rf "$log"' EXIT
python3 "$here/parquet.py" write "$log/log.parquet" "${1:-10000000}" > "$log/out"
export RAYON_NUM_THREADS=1 OMP_NUM_THREADS=1
for _ in $(seq "${2:-3}"); do
    for job in "$tailcatch diagnose" "$tailcatch detect" "python3 $here/parquet.py read" "python3 $here/parquet.py tail"; do
        # shellcheck disable=SC2086
        /usr/bin/time -f "${job##*/}: %U + %S CPU s, %e s, %M KB" $job "$log/log.parquet" 2>&1 > "$log/out" | tail -1
    done
done
