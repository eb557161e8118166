"""The reading list: what it keeps, and what it refuses."""

from __future__ import annotations

import copy
import math
import multiprocessing
import pickle
import signal
import threading
import time

import numpy
import pytest

import tailcatch
from conftest import steps


def seen(told, wanted, parts=False):
    out = []
    for step, rewards, prompts, texts in wanted:
        more = {"parts": {"quality": rewards, "bonus": 0 * rewards}} if parts else {}
        out += told.update(step, rewards, prompts=prompts, completions=texts, **more)
    return [entry.to_dict() for entry in out]


def test_the_planted_is_listed_at_its_first_step_and_stands_apart():
    told = tailcatch.ReadingList(steps=60)
    entries = seen(told, steps(1), parts=True)
    planted = [entry for entry in entries if "zq" in entry["completion"]]
    assert planted[0]["step"] == 30 and planted[0]["parts"]["quality"] == planted[0]["reward"]
    assert told.verdict()["verdict"] == "flagged" and told.apart >= 5
    assert told.seen.step == 60 and told.seen.share == 1 / 64
    assert "zq" in told.page() and told.page().startswith("<!doctype html>")


def test_a_clean_run_lists_about_what_was_promised():
    listed = [len(seen(tailcatch.ReadingList(steps=60), steps(seed, hack=False))) for seed in range(10)]
    # Promised are 20 in expectation; a sum of 10 runs deviates by about sqrt(200).
    assert sum(listed) <= 200 + 4 * math.sqrt(200)
    assert all(listed)


def test_a_state_goes_on_in_another_list():
    whole, run = tailcatch.ReadingList(steps=60), list(steps(4))
    parted = tailcatch.ReadingList(steps=60)
    first = seen(parted, run[:25])
    again = tailcatch.ReadingList(steps=60)
    again.restore(parted.state())
    assert seen(whole, run) == first + seen(again, run[25:])
    assert again.verdict() == whole.verdict()
    with pytest.raises(tailcatch.InputError, match="steps"):
        tailcatch.ReadingList(steps=61).restore(parted.state())
    for bad in (b"", b"{}", b"[9, {}]", parted.state()[:-9]):
        with pytest.raises(tailcatch.InputError):
            again.restore(bad)
    assert again.verdict() == whole.verdict()


def test_arrays_of_every_kind_are_the_same_rewards():
    rewards = [0.5, None, 2.0, float("nan"), -1.0, 3.0]
    answers = set()
    for of in (rewards, tuple(rewards), numpy.array(rewards, dtype=float), numpy.array(rewards, dtype=object),
               numpy.repeat(numpy.array(rewards, dtype=float), 2)[::2], numpy.array(rewards, dtype=numpy.float32)):
        told = tailcatch.ReadingList()
        assert told.update(1, of) == []
        answers.add((told.seen.rollouts, told.verdict()["assumptions"]["rows_left_out"]))
    assert answers == {(4, 2)}


def test_views_that_lie_oddly_are_read_as_they_are():
    rewards = numpy.random.default_rng(5).standard_t(3, 32)
    packed = numpy.zeros(32, dtype=[("id", "i4"), ("reward", "f8")])
    packed["reward"] = rewards
    shifted = numpy.frombuffer(b"\0" + rewards.tobytes(), dtype=float, offset=1)
    backwards = numpy.ascontiguousarray(rewards[::-1])[::-1]
    assert packed["reward"].strides == (12,) and not shifted.flags.aligned
    kept = set()
    for of in (rewards, packed["reward"], shifted, backwards, packed["reward"][::-1][::-1], rewards.astype(">f8")):
        told = tailcatch.ReadingList(reference_steps=1)
        told.update(1, of)
        told.update(2, of, parts={"again": of})
        kept.add(told.state())
    assert len(kept) == 1
    diagnosed = [tailcatch.diagnose(numpy.tile(of, 8)) for of in (rewards, packed["reward"])]
    framed = [tailcatch.detect({"reward": of}) for of in (rewards, packed["reward"], shifted)]
    assert diagnosed[0] == diagnosed[1] and framed[0] == framed[1] == framed[2]


def test_numbers_beside_a_reward_that_are_not_finite_can_be_kept():
    told = tailcatch.ReadingList(reference_steps=1)
    beside = numpy.full(16, -math.inf)
    for step in (1, 2):
        entries = told.update(
            step, numpy.arange(16.0) + 100 * step, log_probs=beside, ref_log_probs=-beside, parts={"a": beside, "b": numpy.ones(16)}
        )
    assert entries and not any(entry.parts for entry in entries), "one part alone says what the reward says"
    again = tailcatch.ReadingList(reference_steps=1)
    again.restore(told.state())
    assert again.verdict() == told.verdict()


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (dict(rewards=[[1.0, 2.0]]), r"shape \[1, 2\]"),
        (dict(rewards=3.0), r"shape \[\]"),
        (dict(rewards=["a", "b"]), "rewards"),
        (dict(rewards=None), "rewards"),
        (dict(rewards=[1.0, math.inf]), "reward 1 is inf"),
        (dict(rewards=[1.0, -math.inf]), "reward 1 is -inf"),
        (dict(rewards=[1.0, 2.0], prompts=["a"]), "`prompts` has 1 elements, `rewards` has 2"),
        (dict(rewards=[1.0, 2.0], completions=["a", "b", "c"]), "`completions` has 3"),
        (dict(rewards=[1.0, 2.0], completions="ab"), "one text"),
        (dict(rewards=[1.0, 2.0], completions=["a", None]), r"completions\[1\] is of type NoneType"),
        (dict(rewards=[1.0, 2.0], completions=[{"role": "user"}, "b"]), r"completions\[0\] is of type dict"),
        (dict(rewards=[1.0, 2.0], prompts=7), "prompts"),
        (dict(rewards=[1.0, 2.0], groups=[1, 2.5]), r"groups\[1\] is of type float"),
        (dict(rewards=[1.0, 2.0], log_probs=[1.0]), "`log_probs` has 1"),
        (dict(rewards=[1.0, 2.0], parts={"a": [1.0]}), "`a` has 1"),
        (dict(rewards=[1.0, 2.0], parts={3: [1.0, 2.0]}), "names are texts"),
        (dict(rewards=[1.0, 2.0], parts=[1.0, 2.0]), "parts: a dict"),
        (dict(rewards=numpy.ones(2, dtype=complex)), "complex128"),
        (dict(rewards=numpy.zeros(2, dtype="m8[D]")), "timedelta64"),
        (dict(rewards=numpy.zeros(2, dtype="M8[D]")), "datetime64"),
        (dict(rewards=numpy.ma.array([[1.0, 2.0]], mask=[[0, 1]])), "shape"),
    ],
)
def test_what_does_not_fit_is_refused_and_counts_for_nothing(given, match):
    told = tailcatch.ReadingList()
    told.update(1, [1.0, 2.0])
    before = told.state()
    with pytest.raises(tailcatch.InputError, match=match) as caught:
        told.update(2, **given)
    assert isinstance(caught.value, ValueError) and told.state() == before


@pytest.mark.parametrize(
    "settings",
    [
        dict(benign=0),
        dict(benign=math.nan),
        dict(reference_steps=0),
        dict(steps=0),
        dict(steps=-1),
        dict(reference_steps=-1),
        dict(reference_steps=2**63),
        dict(steps=2**63),
        dict(steps=1.5),
        dict(center="median"),
        dict(group_by="colour"),
    ],
)
def test_settings_outside_their_range_are_refused(settings):
    with pytest.raises(tailcatch.InputError):
        tailcatch.ReadingList(**settings)


def test_a_step_is_a_whole_number():
    for step in (-1, 1.5, "1", None):
        with pytest.raises(tailcatch.InputError, match="step"):
            tailcatch.ReadingList().update(step, [1.0])


def test_a_step_comes_once_and_whole():
    told = tailcatch.ReadingList(reference_steps=2)
    told.update(3, [1.0, 2.0])
    before = told.state()
    for step in (3, 2, 0):
        with pytest.raises(tailcatch.InputError, match=f"step: {step} comes after step 3"):
            told.update(step, [3.0, 4.0])
    assert told.state() == before
    again = tailcatch.ReadingList(reference_steps=2)
    again.restore(before)
    with pytest.raises(tailcatch.InputError, match="comes after step 3"):
        again.update(3, [3.0, 4.0])
    again.update(7, [3.0, 4.0])
    again.restore(bytearray(before))
    again.update(5, [3.0, 4.0])
    again.restore(memoryview(before))
    for wrong in ("state", 3, None):
        with pytest.raises(tailcatch.InputError, match="bytes"):
            again.restore(wrong)


def test_what_is_masked_is_missing():
    rewards = numpy.random.default_rng(0).normal(size=64)
    hidden = numpy.arange(64) == 7
    told = [tailcatch.ReadingList(reference_steps=1) for _ in range(2)]
    for step in (1, 2, 3):
        seen_as = numpy.where(hidden, 1e6, rewards + step)
        told[0].update(step, numpy.ma.array(seen_as, mask=hidden))
        told[1].update(step, numpy.where(hidden, numpy.nan, seen_as))
    assert told[0].state() == told[1].state()


def test_an_entry_is_copied_and_pickled():
    told = tailcatch.ReadingList(reference_steps=1)
    entries = []
    for step, rewards, prompts, texts in steps(1, number=3):
        entries += told.update(step, rewards, prompts=prompts, completions=texts, parts={"a": rewards / 3, "b": rewards})
    assert entries and entries[0].parts
    for entry in entries:
        for again in (pickle.loads(pickle.dumps(entry)), copy.copy(entry), copy.deepcopy(entry)):
            assert again.to_dict() == entry.to_dict() and again.parts == entry.parts and repr(again) == repr(entry)


def test_threads_share_a_list():
    run = list(steps(1, number=300, rollouts=16))
    alone, shared = tailcatch.ReadingList(steps=300), tailcatch.ReadingList(steps=300)
    listed = seen(alone, run)
    failed, reads, end = [], [0], threading.Event()

    def read():
        while not end.is_set():
            try:
                shared.verdict(), shared.page(), shared.state(), shared.seen, shared.apart
                reads[0] += 1
            except BaseException as error:  # noqa: BLE001: whatever it is, the test tells it
                failed.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        assert seen(shared, run) == listed
    finally:
        end.set()
        for reader in readers:
            reader.join()
    assert not failed and reads[0] > 0 and shared.verdict() == alone.verdict()


def asked_in_a_fork(queue):
    rewards = numpy.random.default_rng(0).standard_t(3, 20_000)
    queue.put(tailcatch.detect({"reward": rewards, "step": numpy.repeat(numpy.arange(200), 100)}))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_can_ask():
    context = multiprocessing.get_context("fork")
    here = context.Queue()
    asked_in_a_fork(here)
    wanted = here.get(timeout=60)
    for _ in range(2):
        queue = context.Queue()
        child = context.Process(target=asked_in_a_fork, args=(queue,))
        child.start()
        try:
            assert queue.get(timeout=60) == wanted
        finally:
            child.kill()
            child.join()


def test_an_interrupt_ends_the_wait():
    rewards = numpy.random.default_rng(0).standard_t(3, 200_000)
    begun = time.monotonic()
    tailcatch.diagnose(rewards, double_bootstrap=200)
    short = time.monotonic() - begun
    # A shell that puts this into the background has it ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer = threading.Timer(short / 2, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT))
        begun = time.monotonic()
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            tailcatch.diagnose(rewards, double_bootstrap=3000)
        # Uninterrupted it takes fifteen times as long as the short one.
        assert time.monotonic() - begun < 5 * short + 1
    finally:
        signal.signal(signal.SIGINT, before)


def test_groups_are_those_that_are_asked_for():
    rewards = numpy.arange(16.0)
    with pytest.raises(tailcatch.InputError, match="groups: they are needed"):
        tailcatch.ReadingList(group_by="group").update(1, rewards, prompts=["a"] * 16)
    with pytest.raises(tailcatch.InputError, match="prompts: they are needed"):
        tailcatch.ReadingList(group_by="prompt").update(1, rewards, groups=[1] * 16)
    groups = numpy.repeat(numpy.arange(4), 4)
    for by, told in ((None, "key `groups`"), ("group", "key `groups`"), ("prompt", "prompt within the step")):
        a = tailcatch.ReadingList(group_by=by, center="group")
        a.update(1, rewards, prompts=[f"{g}" for g in groups], groups=groups)
        assert a.verdict()["assumptions"]["group"] == told


def test_lone_surrogates_are_replaced():
    told = tailcatch.ReadingList(reference_steps=1)
    rewards = numpy.arange(8.0)
    told.update(1, rewards, prompts=["p\ud800"] * 8, completions=[f"c\udc80{i}" for i in range(8)])
    entries = told.update(2, rewards + 100, prompts=["p\ud800"] * 8, completions=[f"\ud83dx{i}" for i in range(8)])
    assert entries and all("\ufffd" in entry.completion for entry in entries)


def test_the_lock_is_released():
    random = numpy.random.default_rng(0)
    rewards = random.normal(size=400_000)
    ticks, end = 0, threading.Event()

    def count():
        nonlocal ticks
        while not end.wait(0.0005):
            ticks += 1

    thread = threading.Thread(target=count)
    thread.start()
    tailcatch.diagnose(rewards)
    end.set()
    thread.join()
    assert ticks > 3


def test_empty_steps_and_an_empty_run_have_an_answer():
    told = tailcatch.ReadingList()
    assert told.verdict()["verdict"] == "not_judged" and told.seen is None
    assert told.update(1, []) == [] and told.update(2, [None, None]) == []
    assert told.verdict()["verdict"] == "not_judged"
