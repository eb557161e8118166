"""Frames in memory, handed to the readers of logs as a file for the time of a call."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from . import _native
from ._errors import InputError

#: What stands for a frame where a file would be named.
FRAME = "<frame>"


def is_frame(log: Any) -> bool:
    """Whether columns by name are given: a dict of arrays, or a frame of pandas, polars or pyarrow."""
    return isinstance(log, Mapping) or hasattr(log, "column_names") or hasattr(log, "columns")


@contextmanager
def handed(log: Any) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Paths that hold the log, and the names that stand for those that exist for this call alone."""
    if log is None:
        yield [], {}
    elif is_frame(log):
        if hasattr(log, "collect") and not hasattr(log, "to_numpy"):
            raise InputError("the frame is lazy: give log.collect()")
        columns = [(word(str(name)), _column(str(name), values)) for name, values in _items(log)]
        if not columns:
            raise InputError("the frame has no column")
        with tempfile.TemporaryDirectory(prefix="tailcatch-") as folder:
            path = os.path.join(folder, "frame.parquet")
            _native.write_columns(path, columns)
            yield [path], {path: FRAME}
    elif isinstance(log, (str, os.PathLike)):
        yield [word(os.fspath(log))], {}
    else:
        hint = "for an array of rewards write {\"reward\": array}"
        if hasattr(log, "dtype") or hasattr(log, "__array__"):
            raise InputError(f"a log is a path, a list of paths, or columns by name: {hint}")
        try:
            paths = [word(os.fspath(path)) for path in log]
        except TypeError as error:
            raise InputError(f"a log is a path, a list of paths, or columns by name: {error}; {hint}") from None
        yield paths, {}


def word(text: str | bytes) -> str:
    """A text as the command line can have it."""
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise InputError(f"{text!r} holds half of a pair of surrogates: such a name cannot be written") from None
    return text


def _items(frame: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(frame, Mapping):
        yield from frame.items()
    elif hasattr(frame, "column_names"):
        for name in frame.column_names:
            yield name, frame.column(name)
    else:
        for name in frame.columns:
            yield name, frame[name]


def _column(name: str, values: Any) -> Any:
    import numpy

    if isinstance(values, (list, tuple)) and _is_text(values):
        return values
    try:
        if isinstance(values, numpy.ma.MaskedArray):
            # What is masked is missing.
            values = values.astype(object if values.dtype.kind in "OUS" else numpy.float64)
            values = values.filled(None if values.dtype == object else numpy.nan)
        array = numpy.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    except (TypeError, ValueError) as error:
        raise InputError(f"column `{name}` is no row of values: {error}") from None
    if array.ndim != 1:
        raise InputError(f"column `{name}` has shape {array.shape}: one value a row is needed")
    if array.dtype.kind == "f":
        return numpy.require(array, numpy.float64, ["C", "A"])
    if array.dtype.kind == "b":
        return array.astype(numpy.float64)
    if array.dtype.kind in "iu" and array.dtype != numpy.uint64:
        return numpy.require(array, numpy.int64, ["C", "A"])
    if array.dtype == numpy.uint64:
        if array.size and array.max() > 2**63 - 1:
            raise InputError(f"column `{name}` holds {array.max()}: whole numbers go up to 2**63 - 1")
        return array.astype(numpy.int64)
    if array.dtype.kind in "OU":
        return _mixed(name, array.tolist())
    raise InputError(f"column `{name}` is of type {array.dtype}: numbers or text are needed")


def _is_text(values: Any) -> bool:
    """Whether all are texts or None, one text at least."""
    return str in (kinds := set(map(type, values))) and kinds <= {str, type(None)}


def _mixed(name: str, values: list[Any]) -> Any:
    """Texts, or numbers that lie as objects; what is missing is None."""
    import numpy

    if _is_text(values):
        return values
    try:
        missing = [value is None or _is_na(value) or bool(value != value) for value in values]
    except (TypeError, ValueError) as error:
        raise InputError(f"column `{name}` holds values that are neither numbers nor text: {error}") from None
    kept = [None if gone else value for value, gone in zip(values, missing)]
    there = [value for value in kept if value is not None]
    if all(isinstance(value, str) for value in there):
        return kept
    try:
        numbers = [float("nan") if value is None else float(value) for value in kept]
    except (TypeError, ValueError, OverflowError):
        kinds = " and ".join(sorted({type(value).__name__ for value in there}))
        raise InputError(
            f"column `{name}` holds values of type {kinds}: write such a log to a file and give its path"
        ) from None
    return numpy.asarray(numbers, dtype=numpy.float64)


def _is_na(value: Any) -> bool:
    return type(value).__name__ in ("NAType", "NaTType")
