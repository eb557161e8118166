"""Everything of the package in use, for `mypy --strict`. What is wrong is marked as ignored: a mark that nothing needs is an error too."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt

import tailcatch
import tailcatch.trl
import tailcatch.verl
from tailcatch import Entry, Error, InputError, LogWarning, ReadingList, Seen, Watching, theory


def tell(entry: Entry) -> None:
    """Reads all of an entry."""
    numbers: list[float] = [entry.reward, entry.centre, entry.score, entry.expected_benign, *entry.parts.values()]
    counts: list[int] = [entry.step, entry.row, entry.rank, entry.of]
    texts: list[str | None] = [entry.prompt, entry.completion, entry.reason]
    print(numbers, counts, texts, entry.file, entry.line, entry.reference or entry.apart, entry.to_dict())


def quality(prompts: list[str], completions: list[str], **kwargs: Any) -> list[float | None]:
    """A reward function."""
    return [None for _ in completions]


def lists() -> None:
    """The reading list."""
    told = ReadingList(10, 20, None, "step", steps=300)
    entries: list[Entry] = told.update(
        1, np.ones(4), prompts=["a"] * 4, completions=["b"] * 4, groups=[1, 2, 3, 4],
        log_probs=np.zeros(4), ref_log_probs=[0.0, None, 1, 2], parts={"a": np.ones(4), "b": [1.0, None, 2.0, 3.0]},
    )
    told.update(2, [1.0, None], groups=["a", "b"])
    told.update(3, np.ones(3, dtype=np.float32), groups=np.array([1, 2, 3]), prompts=np.array(["a", "b", "c"]))
    told.update(np.int64(4), [1.0], parts={"x": np.ones(3)})
    lists_by_name: dict[str, list[float]] = {"a": [1.0]}
    told.update(5, [1.0], parts=lists_by_name)
    arrays_by_name: dict[str, npt.NDArray[np.float64]] = {"a": np.ones(1)}
    told.update(6, [1.0], parts=arrays_by_name)
    seen: Seen | None = told.seen
    if seen is not None:
        print(seen.step, seen.rollouts, seen.reference, seen.share)
    told.restore(told.state())
    told.restore(bytearray(told.state()))
    verdict: dict[str, Any] = told.verdict()
    print(told.is_learning, told.entries, told.apart, verdict, len(told.page()), entries)
    watching = Watching(
        [pathlib.Path("a"), "b"], reward={"x": 1, "y": 0.5}, step="s", group="g", rows="rollouts", steps=np.int64(3), state="s.json"
    )
    for entry in watching.turn(last=True):
        tell(entry)
    watching.save()
    print(watching.seen, watching.verdict(), watching.page())


def logs() -> None:
    """Logs and theory."""
    tailcatch.detect("x", reward={"a": 1, "b": 0.5}, detectors=["robust_z"], calibrate_steps=(0, 5), html=pathlib.Path("x.html"))
    tailcatch.diagnose(np.ones(3), steps=np.arange(3), plot="x.svg")
    tailcatch.spike("x", size=[1, 2], mass=0.1)
    tailcatch.curve("x")
    tailcatch.read_log(pathlib.Path("x"), features=["a"])
    tailcatch.read_log(["x", pathlib.Path("y")], reward={"a": 1})
    theory.frontier(mass=0.1, kl=1)
    theory.power(mass=0.1, proxy=2, rollouts=3, budget=1)
    theory.records(rollouts=1, reference=0, benign_looks=2)
    theory.window(mass=0.1, proxy=2, batch=3, step_size=0.1)
    theory.zero_shot(mass=0.1, mass_after=0.2, training_rollouts=1e6)


def trainers() -> None:
    """TRL and verl."""
    functions, callback = tailcatch.trl.watch([quality], reward_weights=[1.0], on_entry=tell, stop_share=0.1, benign=20)
    print(functions[0], callback.verdict(), callback.seconds, callback.list)
    follower = tailcatch.verl.follow("x", every=1.0, on_entry=tell, steps=300)
    print(follower.stop()["verdict_text"], follower.entries, follower.error, follower.verdict())
    tailcatch.verl.watch(object(), rollouts=4)
    try:
        lists()
    except InputError as error:
        print(error.message, error.help, error.exit_code)
    except Error:
        print(LogWarning, tailcatch.__version__)


def wrong() -> None:
    """What does not fit."""
    ReadingList(center="median")  # type: ignore[arg-type]
    ReadingList().update("1", [1.0])  # type: ignore[arg-type]
    ReadingList().update(1, [1.0], groups=[1.5])  # type: ignore[list-item]
    Watching("x", rows="x")  # type: ignore[arg-type]
    tailcatch.detect("x", nonsense=1)  # type: ignore[call-arg]
    tailcatch.detect("x", group_by="colour")  # type: ignore[arg-type]
    tailcatch.detect("x", rows="x")  # type: ignore[arg-type]
    tailcatch.trl.watch([quality], on_entry=quality)  # type: ignore[arg-type]
    number: int = theory.frontier(mass=1, kl=2)  # type: ignore[assignment]
    theory.frontier(mass="a", kl=number)  # type: ignore[arg-type]
