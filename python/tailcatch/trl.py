"""TRL: GRPO and RLOO are watched through their reward functions, which see every rollout before the update.

Written against TRL 1.16: ``trainer_state`` and ``log_metric`` are handed to every reward function, None means no reward.
"""

from __future__ import annotations

import functools
import inspect
import math
import os
from collections.abc import Callable
from typing import Any, TypeVar

from ._errors import InputError
from ._native import Entry
from ._watcher import Watcher, numbers, text_of

__all__ = ["watch"]

_Functions = TypeVar("_Functions")


def watch(
    reward_funcs: _Functions,
    *,
    reward_weights: Any = None,
    on_entry: Callable[[Entry], Any] | None = None,
    stop_share: float | None = None,
    directory: Any = None,
    **settings: Any,
) -> tuple[_Functions, Any]:
    """Watches a run of GRPOTrainer or RLOOTrainer.

    ::

        reward_funcs, callback = tailcatch.trl.watch(reward_funcs)
        trainer = GRPOTrainer(..., reward_funcs=reward_funcs, callbacks=[callback])

    Each rollout's rewards are summed with their weights, None left out, as the trainer does; the list gets all rollouts of a
    step at once, before their update. ``tailcatch/listed``, ``tailcatch/apart`` and ``tailcatch/share`` are logged with the
    trainer's metrics to wherever it reports. Checkpoints hold the list's state, and a resumed run goes on from it. Whatever
    fails in here is a RuntimeWarning, once; training goes on, and where the watch does not, the verdict says after which step. No
    random number is drawn, so training is the same as without.

    Of several processes (``accelerate launch``, ``torchrun``) each gives the rollouts that it scored before each step of the
    optimizer, with the trainer's own ``gather_object``. The first one judges, calls ``on_entry``, writes and logs; what it says of
    stopping is done by all. Its callback has the verdict.

    Parameters
    ----------
    reward_funcs : callable, reward model, or list of them
        As for the trainer. A model that is only named is loaded here, as the trainer would without ``model_init_kwargs``.
    reward_weights : list of float, optional
        As in the trainer's config, from which they are taken if None.
    on_entry : callable, optional
        Called with each :class:`tailcatch.Entry`, before the update that it belongs to.
    stop_share : float, optional
        Training ends after a step of whose rollouts this share or more reach the lowest reward that stands apart.
    directory : path, optional
        Folder of ``entries.jsonl``, ``evidence.html`` and ``verdict.json``. Without it ``tailcatch/`` in the output folder.
    settings
        ``reference_steps``, ``benign``, ``group_by`` (None or "prompt"), ``center``, ``steps`` of :class:`tailcatch.ReadingList`;
        ``steps`` follows from the trainer's ``max_steps`` and ``num_iterations`` if it is not given.

    Returns
    -------
    (reward_funcs, callback)
        To be given to the trainer, both. The callback's ``list`` is the :class:`tailcatch.ReadingList`, its ``seconds`` the time
        that watching took.

    Raises
    ------
    InputError
        A setting outside its range, a reward model that cannot be loaded, or groups, which TRL does not name.
    """
    alone = not isinstance(reward_funcs, (list, tuple))
    given: list[Any] = [reward_funcs] if alone else list(reward_funcs)  # type: ignore[call-overload]
    if not given:
        raise InputError("reward_funcs: none is there")
    try:
        weights = None if reward_weights is None else [float(weight) for weight in reward_weights]
    except (TypeError, ValueError) as error:
        raise InputError(f"reward_weights: a list of numbers, one a reward function, is needed: {error}") from None
    if weights is not None and len(weights) != len(given):
        raise InputError(f"reward_weights: {len(weights)} for {len(given)} reward functions")
    if settings.get("group_by") == "group":
        raise InputError("group_by: TRL names no groups; \"prompt\" compares the completions of a prompt")
    if settings.get("group_by") == "prompt" and all(isinstance(of, str) or hasattr(of, "register_forward_hook") for of in given):
        raise InputError("group_by: reward models are told no prompts; a reward function beside them is")
    watcher = Watcher(on_entry=on_entry, stop_share=stop_share, directory=directory, **settings)
    given = [_loaded(at, of) if isinstance(of, str) else of for at, of in enumerate(given)]
    run = _Run([_name(of) for of in given], weights, watcher)
    watched = [run.wrapped(at, of) for at, of in enumerate(given)]
    both: Any = watched[0] if alone else watched
    return both, _callback(run)


def _loaded(at: int, name: str) -> Any:
    from transformers import AutoModelForSequenceClassification

    try:
        return AutoModelForSequenceClassification.from_pretrained(name, num_labels=1)
    except Exception as error:  # noqa: BLE001: whatever it is, it names what cannot be loaded
        raise InputError(f"reward_funcs[{at}]: the model {name!r} cannot be loaded: {error}") from error


def _name(of: Any) -> str:
    while isinstance(of, functools.partial):
        of = of.func
    return getattr(of, "__name__", type(of).__name__)


def _is_async(of: Any) -> bool:
    while isinstance(of, functools.partial):
        of = of.func
    return inspect.iscoroutinefunction(of) or inspect.iscoroutinefunction(getattr(of, "__call__", None))


class _Run:
    """What the reward functions of a run bring, put together step by step."""

    def __init__(self, names: list[str], weights: list[float] | None, watcher: Watcher):
        self.names = [name if names.count(name) == 1 else f"{name}_{at}" for at, name in enumerate(names)]
        self.given_weights = self.weights = weights
        self.watcher = watcher
        self.given_directory = watcher.directory
        self.state: Any = None
        self.model: Any = None
        self.at_once = False
        self.begun = False
        self.processes = 1
        #: Whether the processes still meet: all of them stop that at the same step.
        self.meets = False
        self.columns: dict[int, list[float]] = {}
        self.told: dict[str, Any] = {}
        self.step: int | None = None
        self.pending: dict[str, Any] = {}

    def wrapped(self, at: int, of: Any) -> Any:
        """The reward function, seen from outside as before."""
        if hasattr(of, "register_forward_hook"):
            def hook(module: Any, inputs: Any, output: Any) -> None:
                self.take(at, lambda: output.logits[:, 0].detach().float().cpu().tolist(), {})

            of.register_forward_hook(hook)
            return of
        if not callable(of):
            raise InputError(f"reward_funcs[{at}] is of type {type(of).__name__}: a function or a model is needed")
        async def seen_later(*args: Any, **kwargs: Any) -> Any:
            return self.told_to(at, await of(*args, **kwargs), kwargs)

        def seen_now(*args: Any, **kwargs: Any) -> Any:
            return self.told_to(at, of(*args, **kwargs), kwargs)

        seen: Any = seen_later if _is_async(of) else seen_now
        functools.update_wrapper(seen, of)
        seen.__name__ = _name(of)
        return seen

    def told_to(self, at: int, values: Any, kwargs: dict[str, Any]) -> Any:
        """What a reward function answered, which the trainer gets."""
        values = values if hasattr(values, "__len__") else list(values)
        self.take(at, lambda: values, kwargs)
        return values

    def take(self, at: int, values: Callable[[], Any], kwargs: dict[str, Any]) -> None:
        """The rewards of one function. When all are there, the batch is."""
        if self.begun and not (self.model is not None and not self.model.training):
            self.watcher.guard("rewards could not be read", lambda: self._take(at, values, kwargs), fatal=True)

    def _take(self, at: int, values: Callable[[], Any], kwargs: dict[str, Any]) -> None:
        if at in self.columns:
            self.columns, self.told = {}, {}
        self.columns[at] = numbers(values())
        self.told.update({key: of for key, of in kwargs.items() if key in ("prompts", "completions", "log_metric")})
        if len(self.columns) < len(self.names):
            return
        columns = [self.columns[at] for at in range(len(self.names))]
        told, self.columns, self.told = self.told, {}, {}
        rows: dict[str, list[str]] = {name: [text_of(of) for of in told[name]] for name in ("prompts", "completions") if name in told}
        self._batch(columns, rows)
        if "log_metric" in told and self.watcher.writes:
            for name, value in self.watcher.scalars().items():
                told["log_metric"](name, value)

    def _batch(self, columns: list[list[float]], rows: dict[str, list[str]]) -> None:
        step = self.state.global_step + 1
        if self.step != step and self.processes == 1:
            self.flush()
        self.step = step
        weights = self.weights or [1.0] * len(columns)
        rewards = []
        for row in zip(*columns):
            there = [weight * value for weight, value in zip(weights, row) if not math.isnan(value)]
            rewards.append(sum(there) if there else math.nan)
        parts = dict(zip(self.names, columns))
        if not self.pending:
            self.pending = {"rewards": [], "parts": {name: [] for name in self.names}, **{name: [] for name in rows}}
        self.pending["rewards"] += rewards
        for name in self.names:
            self.pending["parts"][name] += parts[name]
        for name, texts in rows.items():
            if name in self.pending:
                self.pending[name] += texts
        if self.at_once:
            self.flush()

    def flush(self) -> None:
        """Judges the step that is complete."""
        pending, self.pending = self.pending, {}
        if pending and self.step is not None:
            self.watcher.see(self.step, pending.pop("rewards"), **pending)

    def exchange(self) -> None:
        """Of several processes: what all of them scored for this step comes together, at the same place in each; the first has it."""
        if not self.meets:
            return
        mine = None if self.watcher.is_off else self.pending
        self.pending = {}
        try:
            from accelerate.utils import gather_object

            told = gather_object([mine])
            if len(told) != self.processes:
                raise RuntimeError(f"{len(told)} of {self.processes} answered")
        except Exception:
            self.meets = False
            raise
        if any(part is None for part in told):
            self.meets = False
            self.watcher.off(f"a process of it failed in step {self.state.global_step + 1}", tell=self.watcher.writes)
            return
        parts = [part for part in told if part]
        if not parts or not self.watcher.writes:
            return
        names = set.intersection(*(set(part) for part in parts)) - {"parts"}
        self.pending = {name: [of for part in parts for of in part[name]] for name in names}
        self.pending["parts"] = {name: [of for part in parts for of in part["parts"][name]] for name in self.names}
        self.step = self.state.global_step + 1

    def agree(self) -> None:
        """What the first process says of stopping is done by all."""
        if self.meets and self.watcher.stop_share is not None:
            from accelerate.utils import broadcast_object_list

            self.watcher.stops = broadcast_object_list([self.watcher.stops])[0]

    def begin(self, args: Any, state: Any, model: Any) -> None:
        """Training begins, or goes on from a checkpoint."""
        self.state, self.model, self.begun = state, model, True
        self.columns, self.told, self.pending, self.step = {}, {}, {}, None
        self.weights = self.given_weights or getattr(args, "reward_weights", None)
        once, each = getattr(args, "steps_per_generation", None), getattr(args, "gradient_accumulation_steps", None)
        self.processes = getattr(args, "world_size", 1)
        self.meets = self.processes > 1
        # Several processes meet before the optimizer's step, and not where each of them scores.
        self.at_once = not self.meets and once is not None and each is not None and once >= each
        # A generation is trained on `num_iterations` times: the list sees fewer steps than the optimizer makes.
        updates = (once or 1) * (getattr(args, "num_iterations", None) or 1)
        watcher = self.watcher
        if self.given_directory is None:
            watcher.directory = os.path.join(args.output_dir, "tailcatch")
        watcher.writes = state.is_world_process_zero
        steps = state.max_steps if state.max_steps > 0 else None
        if steps is not None and each is not None and updates > each:
            steps = math.ceil(steps * each / updates)
        watcher.guard("the list could not begin", lambda: watcher.restart(steps), fatal=True)
        if state.global_step > 0 and watcher.writes:
            resumed = [os.path.join(args.output_dir, f"checkpoint-{state.global_step}")]
            if isinstance(getattr(args, "resume_from_checkpoint", None), str):
                resumed.insert(0, args.resume_from_checkpoint)
            watcher.guard("the state of a checkpoint could not be read", lambda: watcher.load(resumed))
        watcher.guard("earlier entries could not be read", watcher.forget_later)


def _callback(run: _Run) -> Any:
    from transformers import TrainerCallback

    class WatchCallback(TrainerCallback):
        """Tells the watch where training stands, keeps its state in checkpoints, and ends training where it says so."""

        @property
        def list(self) -> Any:
            """The reading list."""
            return run.watcher.list

        @property
        def seconds(self) -> float:
            """Time that watching took."""
            return run.watcher.seconds

        def verdict(self) -> dict[str, Any]:
            """The verdict on all that was seen; where watching ended before the run, it says after which step."""
            return run.watcher.verdict()

        def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
            run.begin(args, state, model)

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            run.watcher.guard("the processes could not exchange rollouts", run.exchange, fatal=True, always=True)
            run.watcher.guard("a step could not be judged", run.flush, fatal=True)
            run.watcher.guard("the processes could not agree", run.agree, fatal=True, always=True)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if run.watcher.stops:
                control.should_training_stop = True

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            folder = os.path.join(args.output_dir, f"checkpoint-{state.global_step}")
            if os.path.isdir(folder):
                run.watcher.guard("the state could not be saved", lambda: run.watcher.save(folder))

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if run.processes > 1:
                # What no step of the optimizer followed is not of all processes.
                run.pending = {}
            run.watcher.guard("a step could not be judged", run.flush, fatal=True)
            run.watcher.guard("the end could not be written", run.watcher.finish, always=True)
            run.begun = False

    return WatchCallback()
