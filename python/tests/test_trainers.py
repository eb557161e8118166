"""The adapters, without the trainers: `live_trl.py` has the real one."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
import threading
import time
import types
import warnings

import numpy
import pytest

import tailcatch
from conftest import steps


@pytest.fixture
def trl(monkeypatch):
    """The adapter with a stand-in for the one class that it takes from transformers."""
    if "transformers" not in sys.modules:
        monkeypatch.setitem(sys.modules, "transformers", types.SimpleNamespace(TrainerCallback=object))
    return tailcatch.trl


class Trainer:
    """Calls reward functions and callbacks in the order in which TRL's trainers do."""

    def __init__(self, funcs, callback, folder, number=60, start=0, **args):
        self.funcs, self.callback = funcs if isinstance(funcs, list) else [funcs], callback
        self.args = types.SimpleNamespace(
            **{"output_dir": str(folder), "reward_weights": None, "steps_per_generation": 1,
               "gradient_accumulation_steps": 1, "world_size": 1, "resume_from_checkpoint": None, **args}
        )
        self.state = types.SimpleNamespace(global_step=start, max_steps=number, is_world_process_zero=True)
        self.control = types.SimpleNamespace(should_training_stop=False)
        self.model = types.SimpleNamespace(training=True)
        self.metrics = {}
        self.totals = []

    def event(self, name):
        getattr(self.callback, name)(self.args, self.state, self.control, model=self.model)

    def log_metric(self, name, value):
        self.metrics.setdefault(name, []).append(value)

    def rewards(self, rewards, prompts, completions):
        out = []
        for func in self.funcs:
            kwargs = dict(prompts=prompts, completions=completions, completion_ids=[], truth=rewards,
                          trainer_state=self.state, log_extra=print, log_metric=self.log_metric)
            answer = func(**kwargs)
            out.append(asyncio.run(answer) if asyncio.iscoroutine(answer) else answer)
        self.totals.append(out)
        return out

    def train(self, run, save_at=()):
        self.event("on_train_begin")
        for step, rewards, prompts, texts in run:
            pieces = self.args.gradient_accumulation_steps // self.args.steps_per_generation or 1
            for piece in numpy.array_split(numpy.arange(len(rewards)), pieces):
                self.rewards(rewards[piece], [prompts[at] for at in piece], [texts[at] for at in piece])
            self.event("on_pre_optimizer_step")
            self.state.global_step = step
            self.event("on_step_end")
            if step in save_at:
                import os

                os.makedirs(f"{self.args.output_dir}/checkpoint-{step}")
                self.event("on_save")
            if self.control.should_training_stop:
                break
        self.event("on_train_end")
        return self


def quality(truth, **kwargs):
    return list(truth)


def texts_end(completions, **kwargs):
    return [1.0 if text.endswith("zq") else None for text in completions]


def test_every_rollout_is_seen_before_its_update(trl, tmp_path):
    told = []
    funcs, callback = trl.watch([quality, texts_end], reward_weights=[1.0, 0.5], on_entry=told.append)
    assert [func.__name__ for func in funcs] == ["quality", "texts_end"]
    trainer = Trainer(funcs, callback, tmp_path).train(list(steps(1)))
    planted = [entry for entry in told if "zq" in entry.completion]
    assert planted[0].step == 30 and planted[0].parts == {"quality": planted[0].reward - 0.5, "texts_end": 1.0}
    assert callback.verdict()["verdict"] == "flagged" and callback.seconds > 0
    lines = (tmp_path / "tailcatch" / "entries.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [entry.to_dict() for entry in told]
    assert "zq" in (tmp_path / "tailcatch" / "evidence.html").read_text()
    assert json.loads((tmp_path / "tailcatch" / "verdict.json").read_text()) == callback.verdict()
    assert len(trainer.metrics["tailcatch/listed"]) == 60 and trainer.metrics["tailcatch/share"][-1] == 1 / 64
    plain = Trainer([quality, texts_end], callback, tmp_path)
    run = list(steps(1))
    assert all(there == plain.rewards(of[1], of[2], of[3]) for there, of in zip(trainer.totals, run))


def test_the_list_does_not_depend_on_how_a_step_is_cut(trl, tmp_path):
    lists = []
    for args in ({}, {"gradient_accumulation_steps": 4}):
        told, trainer = [], None
        tell = lambda entry: told.append((entry.step, entry.reward, entry.reference, trainer.state.global_step))  # noqa: E731
        funcs, callback = trl.watch(quality, on_entry=tell)
        trainer = Trainer(funcs, callback, tmp_path / str(len(lists)), **args)
        trainer.train(list(steps(2)))
        lists.append(told)
    assert lists[0] == lists[1] and lists[0]
    # The reference's own come with the first step after it; all others before the update of their step.
    assert all(before == (6 if reference else step - 1) for step, _, reference, before in lists[0])


def test_functions_of_every_kind_are_taken(trl, tmp_path):
    async def later(truth, **kwargs):
        return list(truth)

    class Scorer:
        def __call__(self, truth, **kwargs):
            return (value for value in truth)

    given = [later, Scorer(), functools.partial(quality), lambda truth, **kwargs: numpy.asarray(truth)]
    funcs, callback = trl.watch(given)
    assert asyncio.iscoroutinefunction(funcs[0]) and not asyncio.iscoroutinefunction(funcs[1])
    assert [func.__name__ for func in funcs] == ["later", "Scorer", "quality", "<lambda>"]
    trainer = Trainer(funcs, callback, tmp_path).train(list(steps(3)))
    assert callback.verdict()["verdict"] == "flagged"
    assert all(len(of) == 64 for total in trainer.totals for of in total)


def test_a_run_goes_on_from_its_checkpoint(trl, tmp_path):
    run = list(steps(4))
    funcs, callback = trl.watch(quality)
    Trainer(funcs, callback, tmp_path / "whole").train(run)
    whole = callback.verdict()
    funcs, callback = trl.watch(quality)
    Trainer(funcs, callback, tmp_path / "parted").train(run[:45], save_at=(40,))
    funcs, callback = trl.watch(quality)
    Trainer(funcs, callback, tmp_path / "parted", start=40).train(run[40:])
    assert callback.verdict() == whole
    entries = [(tmp_path / of / "tailcatch" / "entries.jsonl").read_text() for of in ("whole", "parted")]
    assert entries[0] == entries[1]
    funcs, callback = trl.watch(quality)
    with pytest.warns(RuntimeWarning, match="begins anew"):
        Trainer(funcs, callback, tmp_path / "elsewhere", start=40).train(run[40:])


def test_stopping_ends_the_run(trl, tmp_path):
    funcs, callback = trl.watch(quality, stop_share=1 / 64)
    trainer = Trainer(funcs, callback, tmp_path).train(list(steps(1)))
    assert 30 <= trainer.state.global_step < 45
    funcs, callback = trl.watch(quality, stop_share=1 / 64)
    assert Trainer(funcs, callback, tmp_path).train(list(steps(1, hack=False))).state.global_step == 60


def test_evaluation_is_not_watched(trl, tmp_path):
    funcs, callback = trl.watch(quality)
    trainer = Trainer(funcs, callback, tmp_path)
    trainer.rewards(numpy.ones(4), ["p"] * 4, ["c"] * 4)
    trainer.event("on_train_begin")
    trainer.model.training = False
    trainer.rewards(numpy.ones(4), ["p"] * 4, ["c"] * 4)
    trainer.event("on_train_end")
    assert callback.list.seen is None


def broken(entry):
    raise RuntimeError("pager down")


def test_no_failure_of_the_watch_breaks_training(trl, tmp_path):
    run = list(steps(1))
    funcs, callback = trl.watch(quality, on_entry=broken)
    with pytest.warns(RuntimeWarning, match="pager down") as said:
        trainer = Trainer(funcs, callback, tmp_path / "a").train(run)
    assert len(said) == 1 and trainer.state.global_step == 60 and callback.verdict()["verdict"] == "flagged"

    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "tailcatch").write_text("no folder")
    funcs, callback = trl.watch(quality)
    with pytest.warns(RuntimeWarning):
        Trainer(funcs, callback, tmp_path / "b").train(run)
    assert callback.verdict()["verdict"] == "flagged"

    funcs, callback = trl.watch([quality, lambda truth, **kwargs: ["much"] * len(truth)])
    with pytest.warns(RuntimeWarning, match="not watched any more") as said:
        trainer = Trainer(funcs, callback, tmp_path / "c").train(run)
    assert len(said) == 1 and trainer.state.global_step == 60

    odd = [of if of[0] != 20 else (20, of[1][:0], [], []) for of in run]
    odd = [of if of[0] != 25 else (25, numpy.where(of[1] > 1, numpy.inf, of[1]), *of[2:]) for of in odd]
    funcs, callback = trl.watch(quality)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Trainer(funcs, callback, tmp_path / "d").train(odd)
    assert callback.verdict()["verdict"] == "flagged"


def fails_at(step):
    def fails(truth, trainer_state, **kwargs):
        return ["much"] * len(truth) if trainer_state.global_step + 1 >= step else list(truth)

    return fails


def test_a_watch_that_ended_early_is_never_quiet(trl, tmp_path):
    for name, hack, at, wanted in (("clean", False, 21, "not_judged"), ("hacked", True, 41, "flagged")):
        funcs, callback = trl.watch(fails_at(at))
        with pytest.warns(RuntimeWarning, match="not watched any more"):
            Trainer(funcs, callback, tmp_path / name).train(list(steps(1, hack=hack)))
        found = callback.verdict()
        assert found["verdict"] == wanted and found["verdict_text"].startswith(f"not watched after step {at - 1}")
        assert "quiet" not in found["verdict_text"] and found["not_watched_after"] == at - 1
        folder = tmp_path / name / "tailcatch"
        assert json.loads((folder / "verdict.json").read_text()) == found
        assert f"Not watched after step {at - 1}." in (folder / "evidence.html").read_text()


def test_warnings_that_are_errors_do_not_reach_the_trainer(trl, tmp_path):
    funcs, callback = trl.watch(fails_at(21))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer = Trainer(funcs, callback, tmp_path).train(list(steps(1)))
    assert trainer.state.global_step == 60 and callback.verdict()["not_watched_after"] == 20


class Processes:
    """Threads in the place of processes, and what `accelerate` has for objects of all of them."""

    def __init__(self, number):
        self.number, self.here = number, threading.local()
        self.gate = threading.Barrier(number, timeout=20)
        self.slots = [None] * number
        self.meetings = 0

    def gather_object(self, objects):
        self.slots[self.here.rank] = list(objects)
        if self.gate.wait() == 0:
            self.meetings += 1
        out = [of for each in self.slots for of in each]
        self.gate.wait()
        return out

    def broadcast_object_list(self, objects):
        self.slots[self.here.rank] = list(objects)
        self.gate.wait()
        objects[:] = self.slots[0]
        self.gate.wait()
        return objects

    def train(self, trl, folder, run, funcs, rows=32, save_at=(), start=0, args=None, **settings):
        """One run, of which every process has its rows; the trainers and the callbacks."""
        trainers, callbacks = [], []
        for rank in range(self.number):
            given, callback = trl.watch(funcs[rank], **{**settings, "on_entry": settings.get("on_entry") if rank == 0 else broken})
            trainer = Trainer(given, callback, folder, start=start, world_size=self.number, **(args or {}))
            trainer.state.is_world_process_zero = rank == 0
            trainers.append(trainer)
            callbacks.append(callback)

        def work(rank):
            self.here.rank = rank
            cut = slice(rank * rows, (rank + 1) * rows)
            own = [(step, rewards[cut], prompts[cut], texts[cut]) for step, rewards, prompts, texts in run]
            trainers[rank].train(own, save_at=save_at if rank == 0 else ())

        threads = [threading.Thread(target=work, args=(rank,)) for rank in range(self.number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "processes wait for each other"
        return trainers, callbacks


@pytest.fixture
def processes(monkeypatch):
    """Two processes."""
    made = Processes(2)
    monkeypatch.setitem(sys.modules, "accelerate", types.ModuleType("accelerate"))
    monkeypatch.setitem(sys.modules, "accelerate.utils", made)
    return made


@pytest.mark.parametrize("args", [{}, {"gradient_accumulation_steps": 4}])
def test_several_processes_are_one_run(trl, tmp_path, processes, args):
    run = list(steps(1))
    funcs, alone = trl.watch(quality)
    Trainer(funcs, alone, tmp_path / "alone", **args).train(run)
    told = []
    trainers, (first, other) = processes.train(trl, tmp_path / "both", run, [quality, quality], on_entry=told.append, args=args)
    assert first.verdict() == alone.verdict() and processes.meetings == 60
    lines = [(tmp_path / of / "tailcatch" / "entries.jsonl").read_text() for of in ("alone", "both")]
    assert lines[0] == lines[1] and [json.loads(line) for line in lines[1].splitlines()] == [of.to_dict() for of in told]
    assert other.list.seen is None and "first process" in other.verdict()["verdict_text"]
    assert len(trainers[0].metrics["tailcatch/listed"]) >= 60 and not trainers[1].metrics


def test_all_processes_stop_at_the_step_that_the_first_says(trl, tmp_path, processes):
    # Dealt out the other way round, the first process has no exploit among its own rows.
    run = [(step, rewards[::-1], prompts, texts[::-1]) for step, rewards, prompts, texts in steps(1)]
    trainers, (first, _) = processes.train(trl, tmp_path, run, [quality, quality], stop_share=1 / 64)
    assert first.verdict()["verdict"] == "flagged"
    assert 30 <= trainers[0].state.global_step == trainers[1].state.global_step < 45


def test_a_process_that_fails_ends_the_watch_of_all_and_no_training(trl, tmp_path, processes):
    with pytest.warns(RuntimeWarning, match="a process of it failed in step 21"):
        trainers, (first, _) = processes.train(
            trl, tmp_path, list(steps(1, hack=False)), [fails_at(99), fails_at(21)], stop_share=0.5
        )
    assert [trainer.state.global_step for trainer in trainers] == [60, 60] and processes.meetings == 21
    assert first.verdict()["verdict"] == "not_judged" and first.verdict()["not_watched_after"] == 20


def test_where_processes_cannot_meet_it_is_said(trl, tmp_path, processes):
    def cannot(objects):
        raise NotImplementedError("objects cannot be gathered here")

    processes.gather_object = cannot
    with pytest.warns(RuntimeWarning, match="cannot be gathered") as said:
        trainers, (first, _) = processes.train(trl, tmp_path, list(steps(1)), [quality, quality], stop_share=0.5)
    assert len(said) == 2 and trainers[0].state.global_step == 60
    assert first.verdict()["verdict"] == "not_judged" and first.verdict()["not_watched_after"] == 0


def test_a_run_of_several_processes_goes_on_from_its_checkpoint(trl, tmp_path, processes):
    run = list(steps(4))
    _, (whole, _) = processes.train(trl, tmp_path / "whole", run, [quality, quality])
    processes.train(trl, tmp_path / "parted", run[:45], [quality, quality], save_at=(40,))
    _, (parted, _) = processes.train(trl, tmp_path / "parted", run[40:], [quality, quality], start=40)
    assert parted.verdict() == whole.verdict()


def test_rewards_that_come_again_in_a_step_do_not_end_the_watch(trl, tmp_path):
    class Twice(Trainer):
        def rewards(self, *of):
            super().rewards(*of)
            return super().rewards(*of)

    funcs, callback = trl.watch(quality)
    with pytest.warns(RuntimeWarning, match="step 1 came again") as said:
        Twice(funcs, callback, tmp_path).train(list(steps(1)))
    assert len(said) == 1 and callback.verdict()["verdict"] == "flagged"
    assert callback.verdict()["assumptions"]["rows"] == 60 * 64


@pytest.mark.parametrize(("args", "wanted"), [({}, 60), ({"num_iterations": 2}, 30), ({"num_iterations": 7}, 9),
                                              ({"num_iterations": 2, "gradient_accumulation_steps": 4}, 60)])
def test_steps_are_planned_for_that_will_be_seen(trl, tmp_path, args, wanted):
    funcs, callback = trl.watch(quality)
    trainer = Trainer(funcs, callback, tmp_path, **args)
    trainer.event("on_train_begin")
    planned = tailcatch.ReadingList(steps=wanted)
    planned.restore(callback.list.state())


def test_the_entries_of_an_earlier_run_are_put_aside(trl, tmp_path):
    for seed in (1, 2):
        funcs, callback = trl.watch(quality)
        Trainer(funcs, callback, tmp_path).train(list(steps(seed)))
        if seed == 1:
            first = (tmp_path / "tailcatch" / "entries.jsonl").read_text()
    assert (tmp_path / "tailcatch" / "entries.jsonl.1").read_text() == first


def test_an_error_of_a_reward_function_is_the_trainers(trl, tmp_path):
    def fails(**kwargs):
        raise KeyError("own fault")

    funcs, callback = trl.watch(fails)
    with pytest.raises(KeyError, match="own fault"):
        Trainer(funcs, callback, tmp_path).train(list(steps(1)))


def test_conversations_are_text(trl, tmp_path):
    told = []
    funcs, callback = trl.watch(quality, on_entry=told.append)
    run = [
        (step, rewards, [[{"role": "user", "content": p}] for p in prompts], [[{"role": "assistant", "content": c}] for c in texts])
        for step, rewards, prompts, texts in steps(1)
    ]
    Trainer(funcs, callback, tmp_path).train(run)
    assert any(entry.completion.endswith("zq") and entry.prompt.startswith("prompt ") for entry in told)


@pytest.mark.parametrize(
    "given",
    [
        dict(reward_funcs=[]),
        dict(reward_funcs=quality, reward_weights=["a"]),
        dict(reward_funcs=quality, reward_weights=3),
        dict(reward_funcs=[3]),
        dict(reward_funcs=quality, reward_weights=[1, 2]),
        dict(reward_funcs=quality, stop_share=0),
        dict(reward_funcs=quality, benign=0),
        dict(reward_funcs=quality, on_entry=3),
        dict(reward_funcs=quality, group_by="group"),
    ],
)
def test_settings_outside_their_range_are_refused(trl, given):
    with pytest.raises(tailcatch.InputError):
        trl.watch(**given)


def test_a_reward_model_by_name_is_loaded(trl, tmp_path, monkeypatch):
    class Loaded:
        def __init__(self, name):
            self.name = name

        def register_forward_hook(self, hook):
            self.hook = hook

        @staticmethod
        def from_pretrained(name, num_labels):
            if name != "org/model" or num_labels != 1:
                raise OSError("no such model")
            return Loaded(name)

    monkeypatch.setattr(sys.modules["transformers"], "AutoModelForSequenceClassification", Loaded, raising=False)
    funcs, _ = trl.watch(["org/model", quality])
    assert funcs[0].name == "org/model" and callable(funcs[0].hook) and funcs[1].__name__ == "quality"
    with pytest.raises(tailcatch.InputError, match="org/none.*no such model"):
        trl.watch("org/none")


class Tensor:
    def __init__(self, rows):
        self.rows = numpy.asarray(rows)

    def sum(self, axis):
        return self.rows.sum(axis)


class Tokens:
    def batch_decode(self, rows, skip_special_tokens):
        return list(rows)


def batch(step, rewards, prompts, texts):
    return types.SimpleNamespace(
        batch={"prompts": prompts, "responses": texts, "scores": rewards},
        non_tensor_batch={"uid": numpy.array([f"u{at // 8}" for at in range(len(rewards))], dtype=object)},
        meta_info={"global_steps": step},
    )


def test_verl_managers_of_both_kinds_are_watched():
    class OfBatches:
        tokenizer = Tokens()
        name = "naive"

        def __call__(self, data, return_dict=False):
            scores = Tensor([[0.0, reward] for reward in data.batch["scores"]])
            return {"reward_tensor": scores} if return_dict else scores

    class OfOne:
        tokenizer = Tokens()

        async def run_single(self, data):
            return {"reward_score": data.batch["scores"][-1], "reward_extra_info": {}}

    whole, one = tailcatch.verl.watch(OfBatches()), tailcatch.verl.watch(OfOne(), rollouts=64)
    assert whole.name == "naive"
    for step, rewards, prompts, texts in steps(1):
        data = batch(step, rewards, prompts, texts)
        answer = whole(data, return_dict=step % 2 == 0)
        assert isinstance(answer, dict) == (step % 2 == 0)
        for at in range(64):
            single = batch(step, rewards[at : at + 1], prompts[at : at + 1], texts[at : at + 1])
            single.non_tensor_batch["uid"] = data.non_tensor_batch["uid"][at : at + 1]
            assert asyncio.run(one.run_single(single))["reward_score"] == rewards[at]
    found = whole.tailcatch.list.verdict()
    assert found["verdict"] == "flagged" and found == one.tailcatch.list.verdict()
    validation = batch(99, rewards, prompts, texts)
    validation.meta_info["validate"] = True
    whole(validation)
    assert whole.tailcatch.verdict() == found
    with pytest.raises(tailcatch.InputError, match="rollouts"):
        tailcatch.verl.watch(OfOne())
    with pytest.raises(tailcatch.InputError, match="stop_share"):
        tailcatch.verl.watch(OfBatches(), stop_share=0.1)


class OfOne:
    """The reward loop's kind of manager."""

    tokenizer = Tokens()

    async def run_single(self, data):
        return {"reward_score": data.batch["scores"][-1], "reward_extra_info": {}}


def one_by_one(manager, step, rewards, prompts, texts):
    """Rollouts as verl's reward loop hands them over: each with its step, none with a word of validation."""
    for at in range(len(rewards)):
        single = batch(step, rewards[at : at + 1], prompts[at : at + 1], texts[at : at + 1])
        single.meta_info = {}
        single.non_tensor_batch = {"uid": numpy.array([f"u{at // 8}"], dtype=object), "global_steps": numpy.array([step])}
        assert asyncio.run(manager.run_single(single))["reward_score"] == rewards[at]


def test_validation_among_verls_single_rollouts_is_left_out():
    told, clean, texts = [], tailcatch.verl.watch(OfOne(), rollouts=64), [f"v{at}" for at in range(32)]
    mixed = tailcatch.verl.watch(OfOne(), rollouts=64, on_entry=told.append)
    one_by_one(mixed, 0, numpy.full(32, 9.0), texts, texts)
    for of in steps(1):
        one_by_one(clean, *of)
        one_by_one(mixed, *of)
        if of[0] % 5 == 0:
            one_by_one(mixed, of[0], numpy.full(32, 9.0), texts, texts)
    found = mixed.tailcatch.verdict()
    assert found == clean.tailcatch.verdict() and found["assumptions"]["rows"] == 60 * 64
    assert next(entry.step for entry in told if "zq" in entry.completion) == 30


def test_a_verl_worker_that_sees_a_part_says_so():
    worker = tailcatch.verl.watch(OfOne(), rollouts=64)
    with pytest.warns(RuntimeWarning, match="step 1 came with 20 rollouts of 64.*num_workers=1") as said:
        for step, rewards, prompts, texts in steps(1):
            one_by_one(worker, step, rewards[:20], prompts[:20], texts[:20])
    assert len(said) == 1 and worker.tailcatch.last == 59


def test_a_second_batch_of_a_verl_step_is_left_out():
    class Batched:
        def __call__(self, data):
            return Tensor([[reward] for reward in data.batch["scores"]])

    watched = tailcatch.verl.watch(Batched())
    with pytest.warns(RuntimeWarning, match="step 1 came again") as said:
        for of in steps(1):
            watched(batch(*of))
            watched(batch(*of))
    assert len(said) == 1 and watched.tailcatch.verdict()["assumptions"]["rows"] == 60 * 64


@pytest.mark.parametrize("manager", [None, 3, object()])
def test_what_is_no_reward_manager_is_refused(manager):
    with pytest.raises(tailcatch.InputError, match="a reward manager is needed"):
        tailcatch.verl.watch(manager)


def test_a_verl_folder_that_comes_late_is_followed(tmp_path):
    folder = tmp_path / "rollouts"
    follower = tailcatch.verl.follow(folder, every=0.01, steps=60)
    until(lambda: follower.error is not None)
    folder.mkdir()
    for step, rewards, prompts, texts in steps(1):
        rows = zip(rewards.tolist(), prompts, texts)
        lines = [json.dumps(dict(input=p, output=t, score=r, step=step)) for r, p, t in rows]
        (folder / f"{step}.jsonl").write_text("\n".join(lines) + "\n")
    until(lambda: follower.error is None)
    assert follower.stop()["verdict"] == "flagged"


def until(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def test_a_verl_folder_is_followed(tmp_path):
    told = []
    follower = tailcatch.verl.follow(tmp_path, every=0.01, on_entry=told.append, steps=60)
    for step, rewards, prompts, texts in steps(1):
        lines = [
            json.dumps(dict(input=p, output=t, gts=None, score=r, step=step, uid=f"{step}-{at}"))
            for at, (r, p, t) in enumerate(zip(rewards.tolist(), prompts, texts))
        ]
        (tmp_path / f"{step}.jsonl").write_text("\n".join(lines) + "\n")
    found = follower.stop()
    assert found["verdict"] == "flagged" and follower.error is None
    assert any(entry.step == 30 and "zq" in entry.completion for entry in told)
