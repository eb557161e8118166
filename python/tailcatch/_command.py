"""The command ``tailcatch``: that of the program, without the laboratory."""

from __future__ import annotations

import signal
import sys

from ._native import execute


def main() -> None:
    """Carries out the command line of this process."""
    # Ctrl-C ends the program, as it would without Python around it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(execute(["tailcatch", *sys.argv[1:]]))
