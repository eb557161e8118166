"""The module says what the command says, to the last bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy
import pytest

import tailcatch
from conftest import steps

#: The program built by cargo where it is named, else the command of this package.
PROGRAM = [os.environ["TAILCATCH_PROGRAM"]] if os.environ.get("TAILCATCH_PROGRAM") else [sys.executable, "-m", "tailcatch"]


def command(*words, **kwargs):
    done = subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, text=True, check=True, **kwargs)
    return done.stdout


def document(*words):
    return json.loads(command("--json", *words))


@pytest.mark.parametrize(
    ("folder", "reward", "flag"),
    [
        ("verl", None, []),
        ("transcripts/trl", {"quality_reward": 1, "format_reward": 0.5}, ["--reward=quality_reward=1,format_reward=.5"]),
    ],
)
def test_detect(fixtures, folder, reward, flag):
    with _any_warning():
        found = tailcatch.detect(fixtures / folder, reward=reward)
    assert found == document("detect", *flag, fixtures / folder)
    assert found["reading_list"]


class _any_warning:
    """Warnings are not what is tested here."""

    def __enter__(self):
        import warnings

        self.caught = warnings.catch_warnings()
        self.caught.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, *of):
        self.caught.__exit__(*of)


def test_settings_reach_the_command(fixtures):
    with _any_warning():
        found = tailcatch.detect(
            fixtures / "verl", calibrate_steps=(2, 11), detectors=["robust_z"], alert_rate=0.01, group_by="step"
        )
    flags = ["--calibrate-steps=2..11", "-d", "robust_z", "--alert-rate", "0.01", "--group-by", "step"]
    assert found == document("detect", *flags, fixtures / "verl")


def frame(seed=1):
    columns = {"step": [], "reward": [], "prompt": [], "completion": []}
    for step, rewards, prompts, texts in steps(seed):
        columns["step"] += [step] * len(rewards)
        columns["reward"] += rewards.tolist()
        columns["prompt"] += prompts
        columns["completion"] += texts
    columns["reward"][7] = None
    return columns


def test_a_frame_is_read_as_its_file(tmp_path):
    columns = frame()
    path = tmp_path / "log.jsonl"
    names = list(columns)
    with open(path, "w") as file:
        for row in zip(*columns.values()):
            file.write(json.dumps(dict(zip(names, row))) + "\n")
    with pytest.warns(tailcatch.LogWarning, match="1 row"):
        found = tailcatch.detect(columns)
    there = document("detect", path)
    for entry in there["reading_list"]:
        entry["file"] = "<frame>"
        del entry["line"]
    for flag in there["flags"]:
        flag["file"] = "<frame>"
        flag.pop("line", None)
    for flag in found["flags"]:
        flag.pop("line", None)
    for place in there["evidence"]["apart"]["places"]:
        place["file"] = "<frame>"
        del place["line"]
    assert found["reading_list"] == there["reading_list"]
    assert found["flags"] == there["flags"]
    assert found["verdict"] == "flagged" and found["evidence"] == there["evidence"]


def test_frames_of_other_libraries_are_the_same():
    columns = frame()
    with _any_warning():
        plain = tailcatch.detect(columns)
        for library, made in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "table")):
            try:
                module = __import__(library)
            except ImportError:
                continue
            assert tailcatch.detect(getattr(module, made)(columns)) == plain, library


def test_diagnose_of_an_array_is_that_of_a_file(tmp_path):
    rewards = numpy.random.default_rng(3).standard_t(2, 5000)
    path = tmp_path / "rewards.csv"
    path.write_text("reward\n" + "".join(f"{value!r}\n" for value in rewards.tolist()))
    found, there = tailcatch.diagnose(rewards), document("diagnose", path)
    assert found.pop("files") == ["<frame>"] and there.pop("files")
    assert found == there and found["verdict"] == "heavy"
    assert tailcatch.diagnose(rewards.tolist())["hill"] == found["hill"]
    assert tailcatch.diagnose(rewards[::2])["n"] == 2500
    with_steps = tailcatch.diagnose(rewards, steps=numpy.repeat(numpy.arange(50), 100))
    assert len(with_steps["steps"]) > 1


def test_spike_and_curve(fixtures, tmp_path):
    with _any_warning():
        found = tailcatch.spike(fixtures / "verl", size=[4, 8], mass=0.01, repeats=20)
        assert found == document("spike", "--size=4", "--size=8", "--mass=.01", "--repeats=20", fixtures / "verl")
        means = {"step": numpy.arange(50), "reward": numpy.linspace(0, 1, 50) + numpy.sin(numpy.arange(50.0))}
        assert "<frame>" in json.dumps(tailcatch.curve(means))


def test_theory():
    asked = {
        "frontier": (dict(mass=1e-4, kl=1), ["--mass=1e-4", "--kl=1"]),
        "power": (
            dict(mass=1e-4, proxy=20, rollouts=20000, budget=0.001, noise="student_t:df=3"),
            ["--mass=1e-4", "--proxy=20", "--rollouts=20000", "--budget=.001", "--noise=student_t:df=3"],
        ),
        "records": (
            dict(rollouts=20000, reference=640, benign_looks=20, read_reference=True),
            ["--rollouts=20000", "--reference=640", "--benign-looks=20", "--read-reference"],
        ),
        "window": (
            dict(mass=1 / 2000, proxy=20, batch=64, step_size=0.05, trainer="grpo"),
            ["--mass=1/2000", "--proxy=20", "--batch=64", "--step-size=.05", "--trainer=grpo"],
        ),
        "zero_shot": (
            dict(mass=1e-9, mass_after=0.01, training_rollouts=1e7),
            ["--mass=1e-9", "--mass-after=.01", "--training-rollouts=1e7"],
        ),
    }
    for name, (given, words) in asked.items():
        found = getattr(tailcatch.theory, name)(**given)
        assert found == document("theory", name.replace("_", "-"), *words), name


def test_a_list_is_that_of_watch(tmp_path):
    lines, listed = [], []
    told = tailcatch.ReadingList(center="auto")
    for step, rewards, prompts, texts in steps(2):
        rewards = rewards.tolist()
        rewards[5] = None
        lines.append(json.dumps(dict(step=step, rewards=rewards, prompts=prompts, completions=texts)))
        listed += [entry.to_dict() for entry in told.update(step, rewards, prompts=prompts, completions=texts)]
    answers = [json.loads(line) for line in command("watch", "-", input="\n".join(lines) + "\n").splitlines()]
    assert listed == [answer for answer in answers if "score" in answer]
    verdict = told.verdict()
    assert len(verdict.pop("reading_list")) == len(listed)
    # What the lines themselves were is the program's alone.
    assert (answers[-1].pop("lines_left_out"), answers[-1].pop("first_lines_left_out")) == (0, [])
    assert verdict == answers[-1] and verdict["verdict"] == "flagged"


def test_read_log_is_what_the_reader_read(fixtures):
    log = tailcatch.read_log(fixtures / "verl")
    rewards = log["reward"]
    assert rewards.dtype == numpy.float64 and log["step"].dtype == numpy.uint64 and len(log["row"]) == len(rewards)
    with _any_warning():
        found = tailcatch.detect(fixtures / "verl")
    for entry in found["reading_list"]:
        here = [str(log["files"][at]) == entry["file"] for at in log["file"]]
        at = numpy.flatnonzero(here & (log["row"] == entry["row"]))
        assert rewards[at].tolist() == [entry["reward"]] and log["step"][at].tolist() == [entry["step"]]


def test_the_command_is_there():
    assert "tailcatch" in command("--version")
    refused = subprocess.run([*PROGRAM, "detect", "no/such/file"], capture_output=True, text=True)
    assert refused.returncode == 2 and "no/such/file" in refused.stderr
