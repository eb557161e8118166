"""A run that is watched from within its trainer: rollouts in, entries, files and a word to stop out. It never breaks the run."""

from __future__ import annotations

import functools
import html
import json
import logging
import math
import os
import re
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ._errors import Error, InputError
from ._native import Entry, ReadingList

log = logging.getLogger("tailcatch")

#: Seconds from one writing of the evidence page to the next while a run goes on.
PAGE_EVERY = 60.0
STATE = "tailcatch.state"
PAGE = "evidence.html"
ENTRIES = "entries.jsonl"
VERDICT = "verdict.json"


def text_of(value: Any) -> str:
    """A prompt or completion as text: messages are joined, whatever is not text is written out."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return text_of(value["content"]) if "content" in value else str(value.get("text", value))
    if isinstance(value, Sequence):
        return "\n".join(text_of(each) for each in value)
    return "" if value is None else str(value)


def numbers(values: Any) -> list[float]:
    """Rewards as numbers, NaN where there is none."""
    return [math.nan if value is None else float(value) for value in values]


def write(path: str, data: bytes) -> None:
    """Writes a file whole or not at all."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    part = f"{path}.{os.getpid()}.part"
    with open(part, "wb") as file:
        file.write(data)
    os.replace(part, path)


class Watcher:
    """The reading list of a run, with what is done about its entries.

    Parameters
    ----------
    on_entry : callable, optional
        Called with each :class:`Entry`.
    stop_share : float, optional
        Share of a step's rollouts that reach the lowest reward that stands apart, from which on ``stops`` is true.
    directory : path, optional
        Folder for ``entries.jsonl``, ``evidence.html`` and ``verdict.json``; None writes nothing.
    settings
        As for :class:`ReadingList`.
    """

    def __init__(
        self,
        *,
        on_entry: Callable[[Entry], Any] | None = None,
        stop_share: float | None = None,
        directory: Any = None,
        **settings: Any,
    ):
        if stop_share is not None and not 0.0 < float(stop_share) <= 1.0:
            raise InputError(f"stop_share: {stop_share} is no share above 0 and up to 1")
        if on_entry is not None and not callable(on_entry):
            raise InputError("on_entry: a function of one entry is needed")
        self.settings = settings
        self.list = ReadingList(**settings)
        self.on_entry = on_entry
        self.stop_share = stop_share
        self.directory = None if directory is None else os.fspath(directory)
        self.writes = True
        self.stops = False
        self.listed = 0
        self.seconds = 0.0
        self.steps: int | None = settings.get("steps")
        self.last = 0
        self._off = False
        self._depth = 0
        self._warned: set[str] = set()
        self._paged = -math.inf

    @property
    def is_off(self) -> bool:
        """Whether nothing is watched any more."""
        return self._off

    def guard(self, what: str, work: Callable[[], Any], *, fatal: bool = False, always: bool = False) -> Any:
        """Does the work; a failure of it is a warning, once, and never one of the run. ``fatal``: then nothing more is watched.
        ``always``: also where nothing is watched any more."""
        if self._off and not always:
            return None
        begun = time.perf_counter()
        self._depth += 1
        try:
            return work()
        except Exception as error:  # noqa: BLE001: whatever it is, the run goes on
            self._off |= fatal
            end = "; this run is not watched any more" if fatal else ""
            self.warn(what, f"tailcatch: {what}: {type(error).__name__}: {error}{end}")
            return None
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.seconds += time.perf_counter() - begun

    def warn(self, what: str, text: str) -> None:
        """A warning, once; also where warnings are errors, it is none of the run."""
        if what not in self._warned:
            self._warned.add(what)
            try:
                warnings.warn(text, RuntimeWarning, stacklevel=4)
            except Warning:
                log.warning("%s", text)

    def off(self, why: str, *, tell: bool = True) -> None:
        """Nothing is watched from here on."""
        self._off = True
        if tell:
            self.warn("off", f"tailcatch: this run is not watched: {why}")

    def verdict(self) -> dict[str, Any]:
        """The verdict on what was seen. After a failure it says up to where: no later step can be called quiet."""
        found = self.list.verdict()
        if not self.writes:
            found["verdict_text"] = "the first process of the run judges: ask for the verdict there"
        elif self._off:
            said = f"not watched after step {self.last}"
            found["not_watched_after"] = self.last
            if found["verdict"] in ("flagged", "shifted"):
                said = f"{said}; until then: {found['verdict_text']}"
            else:
                found["verdict"] = "not_judged"
            found["verdict_text"] = said
        return found

    def page(self) -> str:
        """The evidence page, with the same words where watching ended."""
        page = self.list.page()
        if self._off:
            plain = self.list.verdict()
            if plain["verdict"] not in ("flagged", "shifted"):
                page = page.replace(html.escape(plain["verdict_text"]), f"not watched after step {self.last}")
            said = f"<p role=alert><strong>Not watched after step {self.last}.</strong> What follows is of the steps until then.</p>"
            page = re.sub(r"<body[^>]*>", lambda body: body.group() + said, page, count=1)
        return page

    def restart(self, steps: int | None, state: bytes | None = None, listed: int = 0) -> None:
        """A new list for a run of so many steps, from a state where there is one."""
        settings = {"steps": steps, **self.settings}
        fresh = ReadingList(**settings)
        if state is not None:
            fresh.restore(state)
        self.list, self.steps, self.listed, self.stops, self.last = fresh, settings["steps"], listed, False, 0

    def see(self, step: int, rewards: Sequence[float], **texts: Any) -> list[Entry]:
        """Sees a step."""
        return self.guard("a step could not be judged", lambda: self._see(step, rewards, texts), fatal=True) or []

    def _see(self, step: int, rewards: Sequence[float], texts: dict[str, Any]) -> list[Entry]:
        if step <= self.last and (self.last > 0 or self.list.seen is not None):
            self.warn("again", f"tailcatch: step {step} came again after step {self.last}: what comes of a step later is not watched")
            return []
        # Infinite rewards break training by themselves; the list leaves them out.
        finite = [math.nan if math.isinf(reward) else reward for reward in rewards]
        entries = self.list.update(step, finite, **texts)
        seen = self.list.seen
        self.last = step
        self.listed += len(entries)
        if seen is not None and self.stop_share is not None and not seen.reference and seen.share >= self.stop_share:
            if not self.stops:
                log.warning("%.0f%% of step %d reach the lowest reward that stands apart: stop", 100 * seen.share, step)
            self.stops = True
        if entries:
            self.guard("entries could not be written", lambda: self._write(entries))
            if self.on_entry is not None:
                for entry in entries:
                    self.guard("on_entry failed", functools.partial(self.on_entry, entry))
        return entries

    def _write(self, entries: list[Entry]) -> None:
        if self.directory is None or not self.writes:
            return
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, ENTRIES), "a", encoding="utf-8") as file:
            for entry in entries:
                file.write(json.dumps(entry.to_dict(), ensure_ascii=False) + "\n")
        if time.monotonic() - self._paged > PAGE_EVERY:
            self.write_page()

    def write_page(self) -> None:
        """Writes the evidence page as it is now."""
        if self.directory is not None and self.writes:
            self._paged = time.monotonic()
            write(os.path.join(self.directory, PAGE), self.page().encode())

    def scalars(self) -> dict[str, float]:
        """Numbers for a tracker."""
        seen = self.list.seen
        return {
            "tailcatch/listed": float(self.listed),
            "tailcatch/apart": float(self.list.apart),
            "tailcatch/share": 0.0 if seen is None else seen.share,
        }

    def forget_later(self) -> None:
        """Leaves the entries that the list has told in ``entries.jsonl``: later ones come again. Another run's file is put aside."""
        path = None if self.directory is None or not self.writes else os.path.join(self.directory, ENTRIES)
        if path is None or not os.path.exists(path):
            return
        if self.listed == 0 and self.last == 0:
            number = 1
            while os.path.exists(f"{path}.{number}"):
                number += 1
            os.replace(path, f"{path}.{number}")
            log.info("the entries of an earlier run are in %s.%d", path, number)
            return
        with open(path, encoding="utf-8") as file:
            kept = [line for line in file if line.endswith("\n")][: self.listed]
        write(path, "".join(kept).encode())

    def save(self, folder: str) -> None:
        """Writes the state into a checkpoint's folder: a line about the run, then the list's own."""
        if self.writes:
            head = {"steps": self.steps, "listed": self.listed, "last": self.last}
            write(os.path.join(folder, STATE), json.dumps(head).encode() + b"\n" + self.list.state())

    def load(self, folders: Sequence[str]) -> None:
        """Goes on from the first of these folders that holds a state."""
        for folder in folders:
            path = os.path.join(folder, STATE)
            if os.path.exists(path):
                with open(path, "rb") as file:
                    head = json.loads(file.readline())
                    state = file.read()
                self.restart(head["steps"], state, head["listed"])
                self.last = head["last"]
                return
        raise Error(f"no {STATE} in {', '.join(folders)}: the list begins anew")

    def finish(self) -> None:
        """The run has ended: page and verdict are written, also where watching ended before."""
        if not self.writes:
            return
        found = self.verdict()
        log.info("%s: %s", found["verdict"], found["verdict_text"])
        if self.directory is not None:
            self.write_page()
            text = json.dumps(found, ensure_ascii=False, indent=1)
            write(os.path.join(self.directory, VERDICT), text.encode())
