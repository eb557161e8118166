"""Breaks the system under the program: kills, failing calls, full disks, limits, signals, damage. See `run` beside this file."""

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import speed

TRIALS = int(os.environ.get("TRIALS", "200"))
# Of the places at which a whole run is hit, each one, or each seventh where few trials are asked for: every one draws the figures anew.
STRIDE = 1 if TRIALS >= 200 else 7
# How a record begins.
MAGIC = b"tailcatch-record 2\n"
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
    """A folder with a config, the program, and the run folder that an undisturbed run leaves: with tables, figures and report, or, of a
    part of the runs, without, which takes a fortieth of the time. A plan of many runs keeps its records in segments."""

    def __init__(self, binary, folder, replicates=2, steps=5, part=None, rollouts=True):
        self.binary, self.folder = binary, Path(folder)
        self.part = ["--shard", part] if part else []
        text = CONFIG.replace("REPLICATES", str(replicates)).replace("STEPS", str(steps))
        (self.folder / "c.toml").write_text(text + ("" if rollouts else '[record]\nobserved = "none"\n'))
        self.out = self.folder / "out"
        start = time.time()
        self.whole = self.undisturbed()
        self.seconds = time.time() - start

    def undisturbed(self):
        done = self.call()
        holds(done.returncode == 0, f"an undisturbed run ends with {done.returncode}: {done.stderr}")
        return tree(self.out)

    def arguments(self):
        return [self.binary, "run", "c.toml", "--out", "out", "-q", "-t", "1", *self.part]

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
        self.is_whole(when)

    def is_whole(self, when):
        now = tree(self.out)
        differing = sorted(name for name in {*now, *self.whole} if now.get(name) != self.whole.get(name))
        holds(not differing, f"{when}: other bytes or files: {differing[:5]}")

    def segments(self):
        return sorted((self.out / "records").glob("*.segment"))


class Used:
    """What a process took."""

    def __init__(self, usage):
        self.seconds, self.megabytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def ended(process):
    """Waits for a process; gives what it took."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Used(usage)


def tree(folder):
    """The digest of every file but the lock, and of every record in a segment, whose place and number are chance."""
    found = {}
    for place, _, files in os.walk(folder):
        for name in files:
            path = Path(place, name)
            if path.suffix == ".segment":
                for own, content in within(path.read_bytes()):
                    found.setdefault(f"records/{own}", set()).add(hashlib.sha256(content).hexdigest())
            elif name != ".lock" and path.suffix != ".index":
                found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def within(segment):
    """The records of a segment that have an end, each with its name."""
    for piece in segment.split(MAGIC)[1:]:
        if re.search(rb"end [0-9a-f]{64}\n\Z", piece):
            yield json.loads(piece[len("of ") : piece.index(b"\n")])["id"], piece


def kept(out):
    """The names of the records in a run folder."""
    records = Path(out, "records")
    alone = {path.stem for path in records.glob("*.record")}
    return alone.union(own for path in records.glob("*.segment") for own, _ in within(path.read_bytes()))


def kills(part, whole, large):
    """Kills at random instants, and at every rename; where there are segments, at every write and sync too."""
    chance = random.Random(1)
    cut = 0
    few = max(5, TRIALS // 10)
    benches = [part] * (TRIALS // 2) + [large] * (TRIALS - TRIALS // 2) + [whole] * few
    for trial, bench in enumerate(benches):
        bench.anew()
        process = bench.start()
        time.sleep(chance.uniform(0, bench.seconds))
        process.kill()
        process.communicate()
        cut += process.returncode != 0
        bench.resumes(f"kill {trial}")
    told = f"{cut} of {TRIALS + few} kills at random instants ({TRIALS // 2} of a part, {TRIALS - TRIALS // 2} of a part in segments, {few} of a whole run) cut a run short, all resumed to the same bytes"
    holds(cut > TRIALS // 2, f"only {cut} kills of {TRIALS + few} came before the end")
    if shutil.which("strace") is None:
        return told + "; strace is not on this machine"
    kill = lambda bench, calls, stride=1: injected(bench, calls, "signal=KILL", lambda done, k: None, stride)
    points = [kill(part, "/rename"), kill(whole, "/rename", STRIDE), kill(large, "/^write"), kill(large, "/sync")]
    return f"{told}; so did kills at each of {points[0]} renames of a part and {points[1]} of a whole run, at each of {points[2]} writes and {points[3]} syncs of a part in segments"


def injected(bench, calls, what, check, stride=1):
    """Lets the k-th of some system calls go wrong, for every k, or every stride-th; gives how many were tried."""
    tool("strace")
    tried = 0
    while True:
        k = 1 + tried * stride
        bench.anew()
        done = bench.call(["strace", "-f", "-qq", "-o", "trace", "-e", f"inject={calls}:{what}:when={k}"])
        if "INJECTED" not in (bench.folder / "trace").read_text(errors="replace") and done.returncode == 0:
            return tried
        tried += 1
        check(done, k)
        bench.resumes(f"{calls} {what} at {k}")


def failing_calls(part, whole, large):
    """Every write, sync, rename, mkdir and open of files, in turn, fails."""

    def told(bench):
        def check(done, k):
            holds("panicked" not in done.stderr, f"call {k} panics: {done.stderr[:300]}")
            # What cannot be said cannot be named.
            is_silent = not done.stderr and "write(2, " in (bench.folder / "trace").read_text(errors="replace")
            if done.returncode == 0:
                holds(tree(bench.out) == bench.whole, f"call {k} fails unheard: exit 0, and other files")
            elif "error while loading" not in done.stderr:
                # The loader, and the system's own files, are not ours to name.
                ours = rf"(c\.toml|\bout\b|{re.escape(str(bench.binary))})\S*.*(error|File|space|many|be read)"
                named = re.search(ours, done.stderr, re.DOTALL)
                is_told = is_silent or (named and "cannot" in done.stderr)
                holds(done.returncode == 1 and is_told, f"call {k} is not named: {done.returncode} {done.stderr[:300]}")

        return check

    reached = []
    for bench, stride, kind in ((part, 1, "a part"), (large, 1, "a part in segments"), (whole, STRIDE, "a whole run")):
        counts = []
        for calls, problems in [
            ("/^write", ["EIO", "ENOSPC", "EINTR"]),
            ("/sync", ["EIO"]),
            ("/rename", ["EIO", "ENOSPC"]),
            ("/mkdir", ["ENOSPC"]),
            ("openat", ["EIO", "EMFILE"]),
        ]:
            for problem in problems[:1] if bench is whole else problems:
                counts.append(f"{calls.strip('/^')} {problem} {injected(bench, calls, f'error={problem}', told(bench), stride)}")
        reached.append(f"points of {kind}: {', '.join(counts)}")
    return "; ".join(reached) + ". Each ends with a code and the file's name, or unharmed with the same bytes, and resumes to them"


def full(whole, large):
    """A small file system without room or names, limits of file size and of open files."""
    reached = []
    # Room for all but half of the records.
    size = lambda paths: sum(path.stat().st_size for path in paths if path.is_file())
    room = (size(large.out.rglob("*")) - size(large.segments()) // 2) // 1024
    for bench, room, what in ((whole, 64, "a file system of 64 kB and 20 files"), (large, room, "one with room for half of the segments")):
        small = bench.folder / "small"
        small.mkdir(exist_ok=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}k,nr_inodes=20", "tmpfs", small], capture_output=True)
        if mounted.returncode != 0:
            reached.append("no tmpfs may be mounted here")
            continue
        try:
            arguments = [word.replace("out", "small/out") if word == "out" else word for word in bench.arguments()]
            done = subprocess.run(arguments, cwd=bench.folder, capture_output=True, text=True)
            holds(done.returncode == 1 and "small/out" in done.stderr, f"full: {done.returncode} {done.stderr[:300]}")
            if bench is large:
                lost = kept(bench.out) - kept(small / "out")
                holds(lost and kept(small / "out"), f"of {len(kept(bench.out))} records {len(lost)} found no room")
                # With room again, the same call makes what is missing.
                subprocess.run(["mount", "-o", f"remount,size={4 * room}k", small], check=True)
                done = subprocess.run(arguments, cwd=bench.folder, capture_output=True, text=True)
                holds(done.returncode == 0 and tree(small / "out") == bench.whole, f"with room again: {done.returncode} {done.stderr[:300]}")
        finally:
            subprocess.run(["umount", small], check=True)
        reached.append(what)
    tool("prlimit")
    for bench in (whole, large):
        for limit in ["--fsize=2000", "--fsize=20000", "--nofile=8", "--nofile=12"]:
            bench.anew()
            done = bench.call(["prlimit", limit])
            holds(done.returncode in (0, 1), f"{limit}: {done.returncode} {done.stderr[:300]}")
            holds(done.returncode == 0 or "cannot" in done.stderr, f"{limit}: {done.stderr[:300]}")
            bench.resumes(limit)
            if bench is whole:
                reached.append(f"`prlimit {limit}`")
    return ", ".join(reached) + ": exit 1 with the file's name, then a resume to the same bytes"


def damage(bench, large):
    """A flipped bit, or a cut, anywhere in a record, or in a segment."""
    chance = random.Random(2)
    in_segments = damaged_segments(large, chance)
    records = sorted((bench.out / "records").iterdir())
    told = 0
    for trial in range(TRIALS):
        path = chance.choice(records)
        own = path.read_bytes()
        at = chance.randrange(len(own))
        bad = own[:at] if trial % 2 else own[:at] + bytes([own[at] ^ (1 << chance.randrange(8))]) + own[at + 1 :]
        path.write_bytes(bad)
        ask = lambda *words: subprocess.run([bench.binary, *words], cwd=bench.folder, capture_output=True, text=True)
        status = ask("status", "out", "--json")
        # The other part is missing all the time.
        holds(status.returncode == 75, f"{path.name} at {at}: status ends with {status.returncode}")
        if any(path.name in name for name in json.loads(status.stdout)["damaged"]):
            told += 1
            merged = ask("merge", "out", "-q")
            holds(merged.returncode == 1 and "damaged" in merged.stderr, f"{path.name} at {at}: {merged.stderr[:300]}")
            bench.resumes(f"{path.name} at {at}")
            holds(path.read_bytes() == own, f"{path.name} at {at} was not made anew")
        else:
            # A twin of a run that is finished: nothing is made of it.
            path.write_bytes(own)
    holds(told > TRIALS // 2, f"only {told} damages of {TRIALS} were told")
    return f"{told} damages of {TRIALS} touched what tables are made of: all were told by `status` and `merge`, and made anew; {in_segments}; every bit and every length of a record in the suite"


def damaged_segments(bench, chance):
    """A flipped bit costs one record, and a cut those after it; a damaged index costs none."""
    ask = lambda *words: subprocess.run([bench.binary, *words], cwd=bench.folder, capture_output=True, text=True)
    finished = lambda: json.loads(ask("status", "out", "--json").stdout)["finished"]
    records, before = bench.out / "records", finished()
    shutil.copytree(records, bench.folder / "kept")
    told = 0
    for trial in range(TRIALS):
        path = chance.choice(sorted(records.iterdir()))
        own = path.read_bytes()
        at = chance.randrange(len(own))
        path.write_bytes(own[:at] if trial % 2 else own[:at] + bytes([own[at] ^ (1 << chance.randrange(8))]) + own[at + 1 :])
        when = f"{path.name} at {at}, {'cut' if trial % 2 else 'flipped'}"
        status = json.loads(ask("status", "out", "--json").stdout)
        if path.suffix == ".index":
            holds(status["finished"] == before and not status["damaged"], f"{when}: a record is lost")
        else:
            told += 1
            holds(any(path.name in name for name in status["damaged"]), f"{when}: not told")
            holds(status["finished"] >= before - 1 or trial % 2, f"{when}: {before - status['finished']} runs are lost")
            holds(status["finished"] < before, f"{when}: it passes")
            # Of the many that are missing it lists the first.
            holds(ask("merge", "out", "-q").returncode == 1, f"{when}: merged")
        done = bench.call()
        holds(done.returncode == 0 and finished() == before, f"{when}: not made anew: {done.returncode} {done.stderr[:300]}")
        now = tree(bench.out)
        holds(all(now[name] == own or (name.startswith("records/") and own <= now[name]) for name, own in bench.whole.items()), f"{when}: other bytes")
        shutil.rmtree(records)
        shutil.copytree(bench.folder / "kept", records)
    holds(told > TRIALS // 4, f"only {told} damages of {TRIALS} hit a segment")
    return f"of {TRIALS} damages of segments and their indices {told} hit records: told, made anew, and a flipped bit cost no other record"


def same_tables(binary, folder):
    """Threads, shards and their order, for records in files and in segments."""
    ways = [orders(binary, folder, replicates, steps) for replicates, steps in ((16, 20), (2100, 2))]
    return f"{ways[0]} ways (threads 1, 2, 8 × shards 1, 4, 16 × both orders), and {ways[1]} with records in segments: one digest of all tables"


def orders(binary, folder, replicates, steps):
    """Every way to make the tables of a config; gives how many there are."""
    Path(folder, "c.toml").write_text(CONFIG.replace("REPLICATES", str(replicates)).replace("STEPS", str(steps)))
    call = lambda *words: subprocess.run([binary, *words, "-q"], cwd=folder, capture_output=True, text=True)
    digests = {}
    for threads in (1, 2, 8):
        for shards in (1, 4, 16):
            for order in (1, -1):
                name = f"t{threads}s{shards}o{order}"
                for shard in list(range(shards))[::order]:
                    done = call("run", "c.toml", "--out", name, "-t", str(threads), *([] if shards == 1 else ["--shard", f"{shard}/{shards}"]))
                    holds(done.returncode == 0, f"{name}: {done.stderr[:300]}")
                holds(call("merge", name).returncode == 0, f"{name}: not merged")
                tables = {path.name: path.read_bytes() for path in Path(folder, name).glob("*.csv")}
                digests[name] = hashlib.sha256(repr(sorted(tables.items())).encode()).hexdigest()
                shutil.rmtree(Path(folder, name))
    holds(len(set(digests.values())) == 1, f"other bytes: {digests}")
    return len(digests)


def large_log(binary, folder):
    """A log that is larger than memory, through a pipe."""
    size = float(os.environ.get("LOG_GB", "10"))
    filler = "x" * 850
    block = "".join(f"%d,p{row % 97},{filler},{(row * 0.618) % 1:.6f}\n" for row in range(1000))
    process = subprocess.Popen([binary, "detect", "-"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    start, sent, step = time.time(), 0, 0
    process.stdin.write(b"step,prompt,completion,reward\n")
    while sent < size * 1e9:
        text = (block % tuple([step] * 1000)).encode()
        process.stdin.write(text)
        sent, step = sent + len(text), step + 1
    process.stdin.close()
    error = process.stderr.read().decode(errors="replace")
    used = ended(process)
    holds(process.returncode == 0, error[:300])
    holds(used.megabytes <= 200, f"{used.megabytes:.0f} MB for {sent / 1e9:.1f} GB")
    return f"{sent / 1e9:.1f} GB of CSV, {step * 1000} rows, through a pipe: {used.megabytes:.0f} MB, {time.time() - start:.0f} s"


def together(part, whole, large):
    """Processes of one experiment in one folder."""
    many, few = max(2, TRIALS // 2), max(2, TRIALS // 40)
    for trial, bench in enumerate([part, large] * (many // 2) + [whole] * few):
        bench.anew()
        processes = [bench.start() for _ in range(3)]
        for process in processes:
            _, told = process.communicate()
            holds(process.returncode == 0, f"{trial}: {process.returncode} {told[:300]}")
        bench.resumes(f"together {trial}")
    return f"three processes at once, {many // 2} times on a part, {many // 2} times on a part in segments and {few} times on a whole run: the same bytes"


def signals(part, large):
    """A request to stop."""
    chance = random.Random(3)
    slowest, stopped = 0.0, 0
    trials = max(2, TRIALS // 2)
    for trial in range(trials):
        bench = large if trial % 2 else part
        bench.anew()
        process = bench.start()
        time.sleep(chance.uniform(0.02, bench.seconds))
        before = kept(bench.out)
        asked = time.time()
        process.send_signal(signal.SIGTERM)
        process.communicate()
        slowest = max(slowest, time.time() - asked)
        # A signal before the handler stands ends the program as the system has it.
        holds(process.returncode in (0, 75, -signal.SIGTERM), f"{trial}: {process.returncode}")
        stopped += process.returncode == 75
        holds(before <= kept(bench.out), f"{trial}: a finished record is lost")
        bench.resumes(f"signal {trial}")
    holds(slowest < 10, f"{slowest:.1f} s until the exit")
    holds(stopped > trials // 4, f"only {stopped} requests of {trials} came before the end")
    return f"{stopped} of {trials} requests came before the end: exit 75, the slowest after {slowest:.2f} s, no finished run lost"


def large_plan(binary, folder):
    """A plan of a million runs: enumerated, and the folder scanned."""
    runs = int(os.environ.get("PLAN", "1000000"))
    text = CONFIG.replace("REPLICATES", str(runs)).replace("STEPS", "5") + '[record]\nobserved = "none"\n'
    Path(folder, "large.toml").write_text(text)
    told = []
    start = lambda *words: subprocess.Popen([binary, *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def measured(what, process, begun, code):
        used = ended(process)
        seconds = time.time() - begun
        holds(process.returncode == code, f"{what}: exit {process.returncode}")
        told.append(f"{what} {seconds:.1f} s ({used.seconds:.1f} s of processor time), {used.megabytes:.0f} MB")
        holds(seconds < 10 and used.megabytes < 500, f"{told[-1]} for {runs} runs")

    measured("`run --dry-run`", start("run", "large.toml", "--out", "large", "--dry-run"), time.time(), 0)
    process = start("run", "large.toml", "--out", "large", "-t", "1")
    while not list(Path(folder, "large", "records").glob("*.segment")):
        time.sleep(0.1)
    asked = time.time()
    process.send_signal(signal.SIGTERM)
    measured("from a request to stop to the exit", process, asked, 75)
    measured("`status`", start("status", "large"), time.time(), 75)
    # A folder that is full: every record is read and verified.
    full = int(os.environ.get("FULL", "20000"))
    Path(folder, "full.toml").write_text(text.replace(f"replicates = {runs}", f"replicates = {full}"))
    done = subprocess.run([binary, "run", "full.toml", "--out", "full", "-q"], cwd=folder, capture_output=True, text=True)
    holds(done.returncode == 0, f"{full} runs: {done.stderr[:300]}")
    measured(f"of {full} runs that are finished `run --dry-run`", start("run", "full.toml", "--out", "full", "--dry-run"), time.time(), 0)
    return f"{runs} runs: {'; '.join(told)}"


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
    """Each row with its promise and its check, which has a folder of its own."""

    def on(check, *kinds):
        def run():
            with contextlib.ExitStack() as stack:
                place = lambda: stack.enter_context(tempfile.TemporaryDirectory())
                return check(*[Bench(binary, place(), **kind) for kind in kinds])

        return run

    whole, part = {}, {"replicates": 4, "part": "0/2"}
    long = {"replicates": 24, "steps": 400, "part": "0/2"}
    # So many records that they are kept in segments.
    large, longer = {"replicates": 2100, "part": "0/700"}, {"replicates": 2100, "steps": 400, "part": "0/175"}
    return {
        "1": ("kill −9, then the same call: the same bytes", on(kills, long, {"replicates": 8, "steps": 400}, longer)),
        "2": ("the same bytes for any threads, shards and order", lambda: same_tables(binary, folder)),
        "3": ("a failing write, sync, rename, mkdir or open is told by the file's name; what was kept stays valid", on(failing_calls, part, whole, large)),
        "4": ("full disk, no file names left, limits of file size and open files", on(full, whole, longer)),
        "6": ("every damaged result is told", on(damage, part, {**large, "part": "0/175", "rollouts": False})),
        "9": ("a log of 10 GB within 200 MB", lambda: large_log(binary, folder)),
        "11": ("no name leads out of the folder, no planted link is followed", on(hostile_names, whole)),
        "12": ("processes of one experiment share a folder", on(together, part, whole, large)),
        "13": ("a request to stop: exit 75 within 10 s, no finished run lost", on(signals, long, longer)),
        "15": ("a plan of a million runs", lambda: large_plan(binary, folder)),
        "16": ("keeping results costs less than 2% of a run of 50 ms", lambda: speed.overhead(binary, folder, CONFIG, ended)),
        "17": ("two threads are 1.9 times as fast as one", lambda: speed.two_threads(binary, folder, CONFIG, ended)),
    }


# What other means show, and where.
ELSEWHERE = {
    "5": ("mutated TOML, CSV, JSONL, Parquet, laws and `--set`: no panic, no hang", "`tests/suite/fuzz.rs` for as long as `FUZZ_SECONDS` says; inputs are not counted and memory is not looked at"),
    "7": ("NaN, ±inf, 1e300, subnormal, no variance, empty, n = 1: a value or a status", "`tests/suite`: properties of metrics, detectors and tails"),
    "8": ("BOM, CRLF, no UTF-8, ragged rows, duplicate ids, missing columns: file, line, column", "`tests/suite/reading.rs`, `readers.rs` and `config.rs`"),
    "10": ("hostile names are inert in the report, which names no address", "`tests/browser/run`, in headless Chromium"),
    "14": ("Slurm: a task, a node and the controller die", "`tests/faults/slurm`"),
}


def main():
    binary, page, *asked = sys.argv[1:]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for number, (promise, check) in rows(binary, folder).items():
            if asked and number not in asked:
                continue
            try:
                reached = check()
            except Absent as absent:
                reached = f"not run: {absent}"
            except (Failed, RuntimeError, subprocess.SubprocessError) as problem:
                reached, failed = f"FAILED: {problem}", True
            print(f"{number}: {promise}: {reached}", flush=True)
            write(page, number, promise, reached)
    for number, (promise, where) in ELSEWHERE.items():
        write(page, number, promise, where, keep=True)
    sys.exit(failed)


def write(page, number, promise, reached, keep=False):
    """Puts a row into the table, in the order of the numbers; `keep` leaves one that is there."""
    text = Path(page).read_text()
    line = f"| {number} | {promise} | {reached.replace('|', '/')} |".replace("\n", " ")
    rows = {int(row[1]): row[0] for row in re.finditer(r"^\| (\d+) \|.*$", text, re.MULTILINE)}
    if keep and int(number) in rows:
        return
    rows[int(number)] = line
    head = "| # | promise | reached |\n|---|---|---|\n"
    before, _, after = text.partition(head)
    after = after[after.index("<!-- faults -->") :]
    Path(page).write_text(before + head + "".join(rows[at] + "\n" for at in sorted(rows)) + after)


if __name__ == "__main__":
    main()
