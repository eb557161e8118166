"""A command of tailcatch asked from Python: arguments become flags, the answer is the document of ``--json``."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from typing import Any

from . import _native
from ._errors import Error, InputError, LogWarning
from ._frame import handed, word

#: Keywords that are not named as the command's flags are.
_KEYWORDS = {"detector": "detectors", "column": "reward"}


def _word(name: str, value: Any) -> str:
    """A value as the command line reads it, to the last bit."""
    if isinstance(value, (str, bytes, os.PathLike)):
        return word(os.fspath(value))
    if isinstance(value, tuple):
        if len(value) != 2:
            raise InputError(f"{name}: a pair (from, to) is needed, this has {len(value)} elements")
        return f"{_word(name, value[0])}..{_word(name, value[1])}"
    try:
        return str(value.__index__()) if hasattr(value, "__index__") else repr(float(value))
    except (TypeError, ValueError):
        raise InputError(f"{name}: a value of type {type(value).__name__} is neither text nor a number") from None


def flags(**given: Any) -> list[str]:
    """Flags of what is not None; True is a flag alone, a list the flag for each."""
    out: list[str] = []
    for name, value in given.items():
        flag, name = "--" + name.replace("_", "-"), _KEYWORDS.get(name, name)
        if value is None or value is False:
            continue
        if value is True:
            out.append(flag)
        elif isinstance(value, list):
            out.extend(f"{flag}={_word(name, each)}" for each in value)
        else:
            out.append(f"{flag}={_word(name, value)}")
    return out


def listed(values: Any) -> list[Any]:
    """One value, or several, as a list."""
    if values is None:
        return []
    if isinstance(values, (str, bytes, os.PathLike)) or not hasattr(values, "__iter__"):
        return [values]
    return list(values)


def weights(reward: Any) -> Any:
    """``{"a": 1, "b": .5}`` as ``a=1,b=.5``."""
    if isinstance(reward, Mapping):
        return ",".join(f"{name}={_word('reward', weight)}" for name, weight in reward.items())
    return reward if reward is None else _word("reward", reward)


def ask(command: list[str], log: Any = None, *, calibrate: Any = None, stacklevel: int = 3) -> dict[str, Any]:
    """Carries out a command on a log (paths or a frame); what it warns of is a LogWarning."""
    with handed(log) as (paths, names), handed(calibrate) as (references, more):
        given = [*command, *flags(calibrate=references)]
        if paths:
            given += ["--", *paths]
        names = {**names, **more}
        try:
            answer, said = _native.ask(given)
        except Error as error:
            help = error.help and _keyworded(_named(error.help, names), given)
            raise type(error)(_keyworded(_named(error.message, names), given), help, error.exit_code) from None
        for warning in said:
            warnings.warn(_named(warning, names), LogWarning, stacklevel=stacklevel)
        return _named(answer, names) if names else answer


def read(log: Any, **options: Any) -> dict[str, Any]:
    """The arrays of a log (paths or a frame)."""
    with handed(log) as (paths, names):
        try:
            answer = _native.read_log(paths, **options)
        except Error as error:
            raise type(error)(_named(error.message, names), _named(error.help, names), error.exit_code) from None
        answer["files"] = [names.get(str(path), path) for path in answer["files"]]
        answer["notes"] = _named(answer["notes"], names)
        return answer


def _keyworded(text: str, given: list[str]) -> str:
    """What the command says of its flags, for who wrote keywords."""

    def keyword(flag: re.Match[str]) -> str:
        name = flag.group(1).replace("-", "_")
        if name == "steps" and given[0] == "diagnose":
            name = "only_steps"
        return _KEYWORDS.get(name, name) + ("=" if flag.group(2) else "")

    # Of a command line that cannot be read, how to call the command is left out.
    text = re.sub(r"\n+(?:Usage:|For more information).*", "", text.removeprefix("error: "), flags=re.DOTALL)
    text = re.sub(r"`(--[a-z-]+) ([^`\s]+)`", r'`\1="\2"`', text)
    # A value after the flag is a number or a place holder.
    return re.sub(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)(=| (?=[A-Z0-9<.]))?", keyword, text)


def _named(value: Any, names: dict[str, str]) -> Any:
    """The value with the names of frames in the place of the files that they were handed over in."""
    if isinstance(value, str):
        for path, name in names.items():
            value = value.replace(path, name)
        return value
    if isinstance(value, dict):
        return {key: _named(of, names) for key, of in value.items()}
    if isinstance(value, list):
        return [_named(of, names) for of in value]
    return value
