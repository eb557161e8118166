"""A command of tailcatch asked from Python: arguments become flags, the answer is the document of ``--json``."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

from . import _native
from ._errors import Error, LogWarning
from ._frame import handed


def _word(value: Any) -> str:
    """A value as the command line reads it, to the last bit."""
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, tuple) and len(value) == 2:
        return f"{_word(value[0])}..{_word(value[1])}"
    if hasattr(value, "__index__"):
        return str(value.__index__())
    return repr(float(value))


def flags(**given: Any) -> list[str]:
    """Flags of what is not None; True is a flag alone, a list the flag for each."""
    out: list[str] = []
    for name, value in given.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            out.append(flag)
        elif isinstance(value, list):
            out.extend(f"{flag}={_word(each)}" for each in value)
        else:
            out.append(f"{flag}={_word(value)}")
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
        return ",".join(f"{name}={_word(weight)}" for name, weight in reward.items())
    return reward


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
            if not names:
                raise
            raise type(error)(_named(error.message, names), _named(error.help, names), error.exit_code) from None
        for warning in said:
            warnings.warn(_named(warning, names), LogWarning, stacklevel=stacklevel)
        return _named(answer, names) if names else answer


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
