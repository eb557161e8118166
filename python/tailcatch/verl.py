"""verl: the folder of rollouts is followed, or a reward manager is wrapped.

``trainer.rollout_data_dir=DIR`` makes verl write ``DIR/{step}.jsonl`` (``input``, ``output``, ``gts``, ``score``, ``step``, since
0.10 ``uid``) in the background; :func:`follow` reads it as it grows, from the trainer's process or any other: all rollouts of
training, whoever scored them, with their step. :func:`watch` wraps a reward manager: one that is called with single rollouts (the
reward loop, with one worker), or with a batch (verl before it). Written against verl 0.9.1.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from typing import Any

from ._errors import InputError
from ._native import Entry, Watching
from ._watcher import Watcher, log, numbers, text_of

__all__ = ["Follower", "follow", "watch"]


class Follower:
    """A folder that is followed by a thread of its own, until :meth:`stop`.

    Attributes
    ----------
    entries : list of Entry
        All so far.
    error : Exception or None
        What the last look failed with, as while the folder is not there; the next look tries again.
    """

    def __init__(self, watching: Watching, every: float, on_entry: Callable[[Entry], Any] | None):
        self.watching = watching
        self.entries: list[Entry] = []
        self.error: Exception | None = None
        self._every = every
        self._on_entry = on_entry
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tailcatch", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._end.wait(self._every):
            self._turn(last=False)

    def _turn(self, last: bool) -> None:
        try:
            with self._lock:
                entries = self.watching.turn(last)
                self.entries += entries
            self.error = None
            for entry in entries:
                if self._on_entry is not None:
                    self._on_entry(entry)
        except Exception as error:  # noqa: BLE001: whatever it is, the trainer goes on
            if self.error is None:
                log.warning("rollouts cannot be followed: %s", error)
            self.error = error

    def verdict(self) -> dict[str, Any]:
        """The verdict on what was read so far."""
        with self._lock:
            return self.watching.verdict()

    def stop(self) -> dict[str, Any]:
        """Reads what is there, ends the thread, and gives the verdict."""
        self._end.set()
        self._thread.join()
        self._turn(last=True)
        return self.verdict()


def follow(
    directory: Any,
    *,
    every: float = 2.0,
    on_entry: Callable[[Entry], Any] | None = None,
    **settings: Any,
) -> Follower:
    """Follows ``trainer.rollout_data_dir``, or any folder that ``tailcatch watch`` can follow.

    Parameters
    ----------
    directory : path
        The folder. Where it is not there yet it is waited for: verl makes it with the first step.
    every : float
        Seconds from one look at it to the next.
    on_entry : callable, optional
        Called with each :class:`tailcatch.Entry`, in the follower's thread.
    settings
        As for :class:`tailcatch.Watching`: ``reward`` (a column, or columns with weights), ``step``, ``group``, ``steps``, ``benign``, ``reference_steps``, ``state``.

    Raises
    ------
    InputError
        A setting outside its range.
    """
    if not (math.isfinite(every) and every > 0):
        raise InputError(f"every: {every} is no number of seconds above 0")
    return Follower(Watching(directory, **settings), every, on_entry)


def watch(
    manager: Any,
    *,
    rollouts: int | None = None,
    on_entry: Callable[[Entry], Any] | None = None,
    directory: Any = None,
    **settings: Any,
) -> Any:
    """Watches the rewards of a reward manager.

    Parameters
    ----------
    manager
        A reward manager. Where it has ``run_single``, rollouts come one by one: those of a ``global_steps`` are a step, which is
        judged when ``rollouts`` of them came or a later step begins. Step 0 and what comes of a step after its last rollout are
        validation and left out. Without ``global_steps``, each ``rollouts`` of them are a step, and validation cannot be told.
        Called with a batch (``manager(data, return_dict=...)``), each call is a step: ``global_steps`` of the batch's
        ``meta_info``, else the number of the call; a second batch of a step is left out.
    rollouts : int, optional
        Rollouts of a step, ``data.train_batch_size`` times ``actor_rollout_ref.rollout.n``; needed for ``run_single``. verl deals
        them out among ``reward.num_workers`` by chance, so that has to be 1 (its default is 8).
    directory : path, optional
        Folder of ``entries.jsonl`` and the evidence page; of single rollouts, each worker has the folder ``worker-PID`` in it.
    on_entry, settings
        As for :func:`tailcatch.trl.watch`, without ``stop_share``: a reward manager cannot end training.

    Returns
    -------
    object
        The manager, which does what it did; its ``tailcatch`` is the watch with ``list``, ``seconds``, ``verdict()``, and
        ``finish()``, which writes page and verdict: verl does not say when a run ends. Batches whose ``meta_info`` has
        ``validate`` are not watched, and nothing is seen where verl asks a reward model and no manager.

    Raises
    ------
    InputError
        A setting outside its range, what is no reward manager, or one that scores single rollouts without ``rollouts``.
    """
    if "stop_share" in settings:
        raise InputError("stop_share: a reward manager cannot end training; `tailcatch watch --stop-share` says when to")
    if not (hasattr(manager, "run_single") or callable(manager)):
        raise InputError(f"manager: a reward manager is needed, and not a value of type {type(manager).__name__}")
    if directory is not None and hasattr(manager, "run_single"):
        directory = os.path.join(os.fspath(directory), f"worker-{os.getpid()}")
    watcher = Watcher(on_entry=on_entry, directory=directory, **settings)
    if hasattr(manager, "run_single"):
        if rollouts is None or rollouts < 2:
            raise InputError("rollouts: this manager scores single rollouts; say how many of them are a step, 2 or more")
        return _single(manager, watcher, rollouts)
    return _batched(manager, watcher)


def _validates(data: Any) -> bool:
    return bool((getattr(data, "meta_info", None) or {}).get("validate"))


def _of(data: Any, name: str) -> Any:
    of = getattr(data, "non_tensor_batch", {}).get(name)
    return None if of is None else [text_of(value) for value in of]


def _decoded(manager: Any, batch: Any) -> dict[str, Any]:
    """Prompts and completions as text, where the batch holds their tokens."""
    tokens = getattr(manager, "tokenizer", None)
    out = {}
    for name, key in (("prompts", "prompts"), ("completions", "responses")):
        if tokens is not None and key in batch:
            out[name] = tokens.batch_decode(batch[key], skip_special_tokens=True)
    return out


def _batched(manager: Any, watcher: Watcher) -> Any:
    calls = 0

    class Watched:
        """The manager, watched."""

        tailcatch = watcher

        def __getattr__(self, name: str) -> Any:
            return getattr(manager, name)

        def __call__(self, data: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            answer = manager(data, *args, **kwargs)
            if _validates(data):
                return answer
            calls += 1
            number = calls

            def see() -> None:
                scores = answer["reward_tensor"] if isinstance(answer, dict) else answer
                rewards = numbers(scores.sum(-1).tolist())
                step = getattr(data, "meta_info", {}).get("global_steps", number)
                watcher.see(int(step), rewards, groups=_of(data, "uid"), **_decoded(manager, data.batch))

            watcher.guard("a batch could not be read", see, fatal=True)
            return answer

    return Watched()


def _single(manager: Any, watcher: Watcher, rollouts: int) -> Any:
    plain = manager.run_single
    waiting: list[tuple[float, dict[str, Any]]] = []
    now = 0
    judged = True

    def judge() -> None:
        nonlocal judged
        whole, waiting[:] = list(waiting), []
        judged = True
        names = set.intersection(*(set(of) for _, of in whole))
        watcher.see(now, [reward for reward, _ in whole], **{n: [of[n] for _, of in whole] for n in names})

    async def run_single(data: Any, *args: Any, **kwargs: Any) -> Any:
        answer = await plain(data, *args, **kwargs)
        if _validates(data):
            return answer

        def see() -> None:
            nonlocal now, judged
            told = getattr(data, "non_tensor_batch", {}).get("global_steps")
            step = now + judged if told is None else int(told[-1])
            if step < max(now, 1) or (step == now and judged):
                return
            if step > now:
                if waiting:
                    watcher.warn("part", (
                        f"tailcatch: step {now} came with {len(waiting)} rollouts of {rollouts}: with several reward workers "
                        "each sees a part; set reward.num_workers=1, or follow trainer.rollout_data_dir"
                    ))
                    judge()
                now, judged = step, False
            texts = {name: of[-1] for name, of in _decoded(manager, data.batch).items()}
            uid = _of(data, "uid")
            waiting.append((numbers([answer["reward_score"]])[0], {**texts, **({"groups": uid[-1]} if uid else {})}))
            if len(waiting) >= rollouts:
                judge()

        watcher.guard("a rollout could not be read", see, fatal=True)
        return answer

    manager.run_single = run_single
    manager.tailcatch = watcher
    return manager
