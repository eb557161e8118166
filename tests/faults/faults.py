"""Breaks the system under the program: kills, failing calls, full disks, limits, signals, damage. See `run` beside this file."""

import hashlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRIALS = int(os.environ.get("TRIALS", "200"))
CONFIG = """
question   = "Is it kept?"
seed       = 7
replicates = REPLICATES
environment = { bandit = { outcomes = 200 } }
reward = { error = { student_t = { df = 3 } } }
trainer = { reinforce = { batch = 16, steps = STEPS, optimizer = { sgd = { learning_rate = 1.0 } } } }
calibration = { rollouts = 200 }
[[detectors]]
robust_z = {}
"""


class Failed(Exception):
    """A promise that was not kept."""


class Absent(Exception):
    """A tool that is not on this machine."""


def holds(kept, what):
    if not kept:
        raise Failed(what)


def tool(name):
    if shutil.which(name) is None:
        raise Absent(f"{name} is not on this machine")


class Bench:
    """A folder with a config, the program, and the run folder that an undisturbed run leaves."""

    def __init__(self, binary, folder, replicates=2, steps=5):
        self.binary, self.folder = binary, Path(folder)
        text = CONFIG.replace("REPLICATES", str(replicates)).replace("STEPS", str(steps))
        (self.folder / "c.toml").write_text(text)
        self.out = self.folder / "out"
        start = time.time()
        self.whole = self.undisturbed()
        self.seconds = time.time() - start

    def undisturbed(self):
        done = self.call()
        holds(done.returncode == 0, f"an undisturbed run ends with {done.returncode}: {done.stderr}")
        return tree(self.out)

    def arguments(self):
        return [self.binary, "run", "c.toml", "--out", "out", "-q", "-t", "1"]

    def call(self, before=(), **more):
        return subprocess.run(
            [*before, *self.arguments()], cwd=self.folder, capture_output=True, text=True, errors="replace", timeout=300, **more
        )

    def anew(self):
        shutil.rmtree(self.out, ignore_errors=True)

    def start(self):
        return subprocess.Popen(
            self.arguments(), cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def resumes(self, when):
        """The same call again ends in the bytes of an undisturbed run, with nothing left over."""
        done = self.call()
        holds(done.returncode == 0, f"{when}: resumed with {done.returncode}: {done.stderr[:300]}")
        now = tree(self.out)
        differing = sorted(name for name in {*now, *self.whole} if now.get(name) != self.whole.get(name))
        holds(not differing, f"{when}: other bytes or files: {differing[:5]}")


def tree(folder):
    """The digest of every file but the lock."""
    found = {}
    for place, _, files in os.walk(folder):
        for name in files:
            path = Path(place, name)
            if name != ".lock":
                found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def kills(bench):
    """Kills at random instants, and at every rename."""
    chance = random.Random(1)
    cut = 0
    for trial in range(TRIALS):
        bench.anew()
        process = bench.start()
        time.sleep(chance.uniform(0, bench.seconds))
        process.kill()
        process.communicate()
        cut += process.returncode != 0
        bench.resumes(f"kill {trial}")
    told = f"{cut} of {TRIALS} kills at random instants cut a run short, all resumed to the same bytes"
    if shutil.which("strace") is None:
        return told + "; strace is not on this machine"
    points = injected(bench, "/rename", "signal=KILL", lambda done, k: None)
    return f"{told}; so did kills at each of {points} renames"


def injected(bench, calls, what, check):
    """Lets the k-th of some system calls go wrong, for every k; gives how many there are."""
    tool("strace")
    k = 0
    while True:
        k += 1
        bench.anew()
        done = bench.call(["strace", "-f", "-qq", "-o", "trace", "-e", f"inject={calls}:{what}:when={k}"])
        if "INJECTED" not in (bench.folder / "trace").read_text(errors="replace") and done.returncode == 0:
            return k - 1
        check(done, k)
        bench.resumes(f"{calls} {what} at {k}")


def failing_calls(bench):
    """Every write, sync, rename and open of files, in turn, fails."""

    def told(done, k):
        if done.returncode == 0:
            holds(tree(bench.out) == bench.whole, f"call {k} fails unheard: exit 0, and other files")
            return
        # The loader, and the system's own files, are not ours to name.
        ours = re.search(r"out|panicked", done.stderr)
        holds("panicked" not in done.stderr, f"call {k} panics: {done.stderr[:300]}")
        if done.returncode == 1:
            holds(ours and "cannot" in done.stderr, f"call {k} is not named: {done.stderr[:300]}")

    reached = []
    for calls, problems in [("/^write", ["EIO", "ENOSPC", "EINTR"]), ("/sync", ["EIO"]), ("/rename", ["EIO", "ENOSPC"]), ("/mkdir", ["ENOSPC"])]:
        for problem in problems:
            reached.append((calls.strip("/^"), problem, injected(bench, calls, f"error={problem}", told)))
    return "; ".join(f"{name} {problem} at each of {points} points" for name, problem, points in reached) + ": an exit code, the file's name, and a resume to the same bytes"


def full(bench):
    """A small file system without room or names, limits of file size and of open files."""
    reached = []
    small = bench.folder / "small"
    small.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=20", "tmpfs", small], capture_output=True)
    if mounted.returncode == 0:
        try:
            done = subprocess.run(
                [bench.binary, "run", "c.toml", "--out", "small/out", "-q", "-t", "1"], cwd=bench.folder, capture_output=True, text=True
            )
            holds(done.returncode == 1 and "small/out" in done.stderr, f"full: {done.returncode} {done.stderr[:300]}")
        finally:
            subprocess.run(["umount", small], check=True)
        reached.append("a file system of 64 kB and 20 files")
    else:
        reached.append("no tmpfs may be mounted here")
    tool("prlimit")
    for limit in ["--fsize=2000", "--fsize=20000", "--nofile=8", "--nofile=12"]:
        bench.anew()
        done = bench.call(["prlimit", limit])
        holds(done.returncode in (0, 1), f"{limit}: {done.returncode} {done.stderr[:300]}")
        holds(done.returncode == 0 or "cannot" in done.stderr, f"{limit}: {done.stderr[:300]}")
        bench.resumes(limit)
        reached.append(f"`prlimit {limit}`")
    return ", ".join(reached) + ": exit 1 with the file's name, then a resume to the same bytes"


def damage(bench):
    """A flipped bit, or a cut, anywhere in a record that the tables are made of."""
    chance = random.Random(2)
    records = sorted((bench.out / "records").iterdir())
    told = 0
    for trial in range(TRIALS):
        path = chance.choice(records)
        own = path.read_bytes()
        at = chance.randrange(len(own))
        bad = own[:at] if trial % 2 else own[:at] + bytes([own[at] ^ (1 << chance.randrange(8))]) + own[at + 1 :]
        path.write_bytes(bad)
        status = subprocess.run([bench.binary, "status", "out", "--json"], cwd=bench.folder, capture_output=True, text=True)
        if status.returncode == 75:
            told += 1
            merged = subprocess.run([bench.binary, "merge", "out", "-q"], cwd=bench.folder, capture_output=True, text=True)
            holds(merged.returncode == 1 and path.name in merged.stderr, f"{path.name} at {at}: {merged.stderr[:300]}")
            bench.resumes(f"{path.name} at {at}")
            holds(path.read_bytes() == own, f"{path.name} at {at} was not made anew")
        else:
            # A twin, which no table is made of.
            holds(status.returncode == 0, f"{path.name} at {at}: {status.stdout[:300]}")
            path.write_bytes(own)
    return f"{told} damages of {TRIALS} touched what tables are made of: all were told by `status` and `merge`, and made anew; every bit and every length of a record in the suite"


def together(bench):
    """Processes of one experiment in one folder."""
    for trial in range(max(2, TRIALS // 10)):
        bench.anew()
        processes = [bench.start() for _ in range(3)]
        for process in processes:
            _, told = process.communicate()
            holds(process.returncode == 0, f"{trial}: {process.returncode} {told[:300]}")
        bench.resumes(f"together {trial}")
    return f"{max(2, TRIALS // 10)} times three processes at once: the same bytes"


def signals(bench):
    """A request to stop."""
    chance = random.Random(3)
    slowest, stopped = 0.0, 0
    trials = max(2, TRIALS // 2)
    for trial in range(trials):
        bench.anew()
        process = bench.start()
        time.sleep(chance.uniform(0.02, bench.seconds))
        before = {path.name for path in (bench.out / "records").glob("*.record")} if (bench.out / "records").exists() else set()
        asked = time.time()
        process.send_signal(signal.SIGTERM)
        process.communicate()
        slowest = max(slowest, time.time() - asked)
        # A signal before the handler stands ends the program as the system has it.
        holds(process.returncode in (0, 75, -signal.SIGTERM), f"{trial}: {process.returncode}")
        stopped += process.returncode == 75
        after = {path.name for path in (bench.out / "records").glob("*.record")} if (bench.out / "records").exists() else set()
        holds(before <= after, f"{trial}: a finished record is lost")
        bench.resumes(f"signal {trial}")
    holds(slowest < 10, f"{slowest:.1f} s until the exit")
    return f"{stopped} of {trials} requests came before the end: exit 75, the slowest after {slowest:.2f} s, no finished run lost"


def large_plan(binary, folder):
    """A plan of a million runs: enumerated, and the folder scanned."""
    runs = int(os.environ.get("PLAN", "1000000"))
    text = CONFIG.replace("REPLICATES", str(runs)).replace("STEPS", "5")
    Path(folder, "large.toml").write_text(text)
    start = time.time()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([binary, "run", "large.toml", "--out", "large", "--dry-run"], cwd=folder, capture_output=True, text=True)
    seconds = time.time() - start
    holds(done.returncode == 0, done.stderr[:300])
    holds(seconds < 10, f"{seconds:.1f} s for {runs} runs")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    holds(after.ru_maxrss < 500 * 1024, f"{after.ru_maxrss / 1024:.0f} MB for {runs} runs")
    return f"{runs} runs planned and looked for in an empty folder in {seconds:.1f} s ({used:.1f} s of processor time), at most {after.ru_maxrss / 1024:.0f} MB; a full folder is read whole, which takes longer"


def hostile_names(bench):
    """Names that lead elsewhere, and planted links."""
    victim = bench.folder / "victim"
    victim.write_text("precious")
    for name in ["report.html", "summary.csv", "plan.json", "figures/figures.json"]:
        (bench.out / name).unlink()
        (bench.out / name).symlink_to(victim)
    bench.resumes("links")
    shutil.copy(bench.folder / "c.toml", bench.folder / "...toml")
    done = subprocess.run([bench.binary, "run", "...toml"], cwd=bench.folder, capture_output=True, text=True)
    holds(done.returncode == 2, f"...toml: {done.returncode}")
    holds(victim.read_text() == "precious", "a link was followed")
    return "four planted links replaced, not followed; `...toml` refused"


def rows(binary, folder):
    bench = Bench(binary, folder)

    def on(check):
        def run():
            bench.anew()
            bench.whole = bench.undisturbed()
            return check(bench)

        return run

    def long(check):
        def run():
            with tempfile.TemporaryDirectory() as place:
                return check(Bench(binary, place, replicates=8, steps=400))

        return run

    return {
        "1": ("kill −9, then the same call: the same bytes", long(kills)),
        "3": ("a failing write, sync, rename or mkdir is told by the file's name; what was kept stays valid", on(failing_calls)),
        "4": ("full disk, no file names left, limits of file size and open files", on(full)),
        "6": ("every damaged result is told", on(damage)),
        "11": ("no name leads out of the folder, no planted link is followed", on(hostile_names)),
        "12": ("processes of one experiment share a folder", on(together)),
        "13": ("a request to stop: exit 75 within 10 s, no finished run lost", long(signals)),
        "15": ("a plan of a million runs", lambda: large_plan(binary, folder)),
    }


def main():
    binary, page, *asked = sys.argv[1:]
    text = Path(page).read_text()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for number, (promise, check) in rows(binary, folder).items():
            if asked and number not in asked:
                continue
            try:
                reached = check()
            except Absent as absent:
                reached = f"not run: {absent}"
            except Failed as problem:
                reached, failed = f"FAILED: {problem}", True
            print(f"{number}: {promise}: {reached}", flush=True)
            line = f"| {number} | {promise} | {reached.replace('|', '/')} |".replace("\n", " ")
            old = re.compile(rf"^\| {number} \|.*$", re.MULTILINE)
            text = old.sub(lambda _: line, text) if old.search(text) else text.replace("<!-- faults -->", f"{line}\n<!-- faults -->")
            Path(page).write_text(text)
    sys.exit(failed)


main()
