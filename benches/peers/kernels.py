"""A row of `results.csv` for each network: CPU milliseconds a step with native kernels and with burn's, and their median ratio.

Usage: kernels.py SEQUENCE MACHINE STEPS, where SEQUENCE is the example's binary. Steps of product and mlp are so
short that they take ten times as many.
"""
import csv
import datetime
import pathlib
import statistics
import sys

import ratio

ROUNDS = 5
TOKENS = {"product": 16, "mlp": 1, "gru": 16, "transformer": 16}


def measured(sequence, network, steps):
    def once(kernels):
        command = f"{sequence} {network} reinforce {kernels}"
        return (ratio.cpu(command, steps) - ratio.cpu(command, 1)) / (steps - 1) * 1e3

    rounds = [(once("native"), once("burn")) for _ in range(ROUNDS)]
    native, burn = (statistics.median(column) for column in zip(*rounds))
    return native, burn, statistics.median(native / burn for native, burn in rounds)


def main(sequence, machine, steps):
    today = datetime.date.today().isoformat()
    rows = []
    for network, tokens in TOKENS.items():
        own = int(steps) * (10 if network in ("product", "mlp") else 1)
        native, burn, times = measured(sequence, network, own)
        rows.append([network, tokens, 32, 256, f"{native:.2f}", f"{burn:.2f}", f"{times:.3f}", ROUNDS, machine, today])
        print(*rows[-1], flush=True)
    with open(pathlib.Path(__file__).with_name("results.csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["network", "length", "vocabulary", "batch", "native_ms", "burn_ms", "native_over_burn", "rounds", "machine", "date"])
        writer.writerows(rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
