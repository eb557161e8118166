"""What keeping results costs, and what a second thread brings. Rows of `faults.py`, which says how a process is measured."""

import shutil
import statistics
import subprocess
import time
from pathlib import Path

ROUNDS = 5


def timed(call, folder, ended):
    """Seconds on the clock, and of processor time."""
    begun = time.time()
    process = subprocess.Popen(call, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    error = process.stderr.read()
    used = ended(process)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, call))}: {process.returncode} {error[:300]}")
    return time.time() - begun, used.seconds


class Runs:
    """Runs of about 50 ms each, on one thread, of a plan that keeps its records in segments, or of one that does not."""

    def __init__(self, binary, folder, config, ended):
        self.binary, self.folder, self.config, self.ended = binary, Path(folder), config, ended
        self.steps = 500
        few, many = (self.of(replicates=n, steps=self.steps, out="calibrated")[1] for n in (20, 60))
        self.steps = max(1, round(self.steps * 0.05 / ((many - few) / 20)))

    def of(self, replicates, steps, out, threads=1, shard="0/2"):
        """A part, of which no tables are made."""
        text = self.config.replace("REPLICATES", str(replicates)).replace("STEPS", str(steps))
        Path(self.folder, "speed.toml").write_text(text + '[record]\nobserved = "none"\n')
        shutil.rmtree(Path(self.folder, out), ignore_errors=True)
        call = [self.binary, "run", "speed.toml", "--out", out, "-q", "-t", str(threads), "--shard", shard]
        return timed(call, self.folder, self.ended)


def overhead(binary, folder, config, ended):
    """The same runs on the disk and in memory, in turn."""
    runs = Runs(binary, folder, config, ended)
    memory = Path(folder, "memory")
    memory.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", memory], capture_output=True).returncode != 0:
        return "not run: no tmpfs may be mounted here"
    told = []
    try:
        for kind, replicates, shard in (("segments", 2100, "0/14"), ("files", 300, "0/2")):
            pairs = []
            for _ in range(ROUNDS):
                pairs.append([runs.of(replicates, runs.steps, out, shard=shard) for out in ("disk", "memory/out")])
            ratio = lambda at: statistics.median(disk[at] / memory[at] for disk, memory in pairs)
            told.append(f"in {kind} {(ratio(0) - 1) * 100:.1f}% on the clock, {(ratio(1) - 1) * 100:.1f}% of processor time")
    finally:
        subprocess.run(["umount", memory], check=True)
    return f"150 runs of 50 ms on one thread, on the disk against in memory, median of {ROUNDS}: {'; '.join(told)}"


def two_threads(binary, folder, config, ended):
    """The same runs on one thread and on two, in turn."""
    runs = Runs(binary, folder, config, ended)
    pairs = [[runs.of(400, runs.steps, "out", threads) for threads in (1, 2)] for _ in range(ROUNDS)]
    ratio = statistics.median(one[0] / two[0] for one, two in pairs)
    more = statistics.median(two[1] / one[1] for one, two in pairs)
    reached = f"200 runs of 50 ms, median of {ROUNDS}: {ratio:.2f} times as fast on two threads, for {more:.2f} times the processor time"
    if ratio < 1.9:
        raise RuntimeError(reached)
    return reached
