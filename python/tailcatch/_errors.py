"""Exceptions and warnings of the module."""

from __future__ import annotations


class Error(Exception):
    """What could not be done: a file that cannot be read or written, a fault of tailcatch.

    Attributes
    ----------
    message : str
        What is wrong.
    help : str or None
        What to do next.
    exit_code : int
        The code with which the command would have ended.
    """

    def __init__(self, message: str, help: str | None = None, exit_code: int = 1):
        super().__init__(message if help is None else f"{message} ({help})")
        self.message = message
        self.help = help
        self.exit_code = exit_code


class InputError(Error, ValueError):
    """What was given cannot be used: an argument outside its range, arrays that do not fit, a log that is none."""

    def __init__(self, message: str, help: str | None = None, exit_code: int = 2):
        super().__init__(message, help, exit_code)


class LogWarning(UserWarning):
    """Why an answer may mislead: rows without a reward, files that were left out."""
