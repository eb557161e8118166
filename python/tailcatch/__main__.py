"""``python -m tailcatch``: the command."""

from ._command import main

main()
