"""CPU seconds a step of two commands, run in turn, and the median of their ratios.

Usage: ratio.py OURS PEER [STEPS]. Each command is called with a number of steps; a call with one step is subtracted, so that
starting up does not count.
"""
import resource
import shlex
import statistics
import subprocess
import sys

ROUNDS = 9


def cpu(command, steps):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*shlex.split(command), str(steps)], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(ours, peer, steps=3000):
    steps = int(steps)
    rounds = []
    for _ in range(ROUNDS):
        times = [(cpu(command, steps) - cpu(command, 1)) / (steps - 1) * 1e6 for command in (ours, peer)]
        rounds.append(times)
        print("ours {:.1f} us a step, peer {:.1f} us a step".format(*times), flush=True)
    print("median ratio peer / ours: {:.2f}".format(statistics.median(b / a for a, b in rounds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
