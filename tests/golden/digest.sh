#!/usr/bin/env bash
# What a binary of tailcatch computes, as one digest a table: equal before and after a change that moves code only.
#
#   tests/golden/digest.sh BINARY FOLDER            writes FOLDER/digests.txt, and beside it the tables
#   diff BEFORE/digests.txt AFTER/digests.txt       empty where the numbers are the same
#
# Identities of runs and judgements are taken out, for they change with the version of the semantics. Numbers depend on the
# processor's features: compare two binaries on one machine. A minute or two on two cores.
set -euo pipefail

[ $# -eq 2 ] || { sed -n '4,5s/^# *//p' "$0" >&2; exit 2; }
binary="$(readlink -f "$1")"
mkdir -p "$2"
out="$(cd "$2" && pwd)"
cd "$(dirname "$0")/../.."
fixtures=tests/suite/fixtures
rm -rf "$out/raw" "$out/tables" "$out/digests.txt"
mkdir -p "$out/raw" "$out/tables"

# experiment NAME SETTING...: the tables of a run folder.
experiment() {
    local name="$1"
    shift
    local sets=()
    for setting in "$@"; do sets+=(--set "$setting"); done
    "$binary" run "experiments/$name.toml" --out "$out/raw/$name" --quiet "${sets[@]}" >/dev/null
    tables "$out/raw/$name" "$name"
}

# Every table of a folder without its identities: 16 hexadecimal digits in a leading cell, and their headers.
tables() {
    local file
    for file in "$1"/*.csv "$1"/figures/*.csv; do
        [ -e "$file" ] || continue
        sed -E -e '1s/^(judge_id,)?(train_id,)?//' -e 's/^([0-9a-f]{16},){1,2}//' "$file" >"$out/tables/$2.$(basename "$file")"
    done
}

# answer NAME ARGUMENT...: the JSON document, or the refusal, of a command.
answer() {
    local name="$1"
    shift
    "$binary" "$@" --json >"$out/tables/$name.json" 2>"$out/tables/$name.err" || echo "exit $?" >>"$out/tables/$name.err"
}

experiment quickstart replicates=4
experiment sightings replicates=2
experiment token_race replicates=1
experiment gridworld_glitch replicates=1
experiment ensembles replicates=1
experiment trainers replicates=1
experiment kl_control replicates=1
experiment shaping replicates=1
experiment token_generalise replicates=1
experiment best_of_n replicates=1
experiment penalties replicates=1
experiment conditioning replicates=1
experiment construction replicates=1
experiment zero_shot_sampling replicates=2
"$binary" bench --quick --out "$out/raw/bench" --quiet >/dev/null
tables "$out/raw/bench" bench

answer detect_verl detect "$fixtures/verl"
answer detect_verl_steps detect "$fixtures/verl" --calibrate-steps 2..11 -d robust_z -d within_prompt -d tail_cusum --budget 2
answer detect_verl_window detect "$fixtures/verl" --calibrate-window 2:1 -d robust_z -d top_reward --alert-rate .05
answer detect_verl_streaming detect "$fixtures/verl" --calibrate-steps 2..16 --streaming spot -d robust_z --alert-rate .01
answer detect_verl_group detect "$fixtures/verl" --group-by step --fdr .1
answer detect_verl_reference detect "$fixtures/verl/15.jsonl" --calibrate "$fixtures/verl/2.jsonl" -d length_residual -d gesd
answer detect_trl detect "$fixtures/trl" --reward rm_reward=1,format_reward=.5
answer detect_log_probs detect "$fixtures/logprobs_n2000.csv" --reward logp_policy -d top_reward
answer detect_features detect "$fixtures/multivariate_n1000_d6.csv" --reward x1 --features 'x*' -d mahalanobis -d isolation_forest -d ecod -d knn -d random
answer spike_verl spike "$fixtures/verl" --mass .02 --size 1 --size 2 --size 4 --size 8 -d robust_z -d random
answer spike_verl_group spike "$fixtures/verl" -d top_reward -d within_prompt
for table in "$fixtures"/*.csv "$fixtures"/*.jsonl; do
    answer "diagnose_$(basename "$table")" diagnose "$table"
    answer "detect_$(basename "$table")" detect "$table"
done
answer diagnose_danish diagnose "$fixtures/danish.csv" --column loss
answer detect_pairs detect "$fixtures/pairs.csv" --reward chosen_reward
answer diagnose_bootstrap diagnose "$fixtures/verl" --double-bootstrap

(cd "$out/tables" && sha256sum -- * | LC_ALL=C sort -k2) >"$out/digests.txt"
echo "$(wc -l <"$out/digests.txt") tables: $out/digests.txt"
