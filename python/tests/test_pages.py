"""What the pages show can be pasted."""

from __future__ import annotations

import pathlib
import re

import pytest

from conftest import ROOT

PAGES = [ROOT / "docs" / "trl.md", ROOT / "python" / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_piece_of_python_can_be_read(page: pathlib.Path):
    pieces = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert pieces
    for piece in pieces:
        compile(piece, str(page), "exec")


def test_the_script_of_the_page_is_the_one_that_is_run():
    script = (ROOT / "python" / "examples" / "watch_trl.py").read_text(encoding="utf-8")
    assert f"```python\n{script}```" in PAGES[0].read_text(encoding="utf-8")
