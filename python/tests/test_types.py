"""The types of the package, as mypy reads them."""

from __future__ import annotations

import inspect
import pathlib
import subprocess
import sys

import pytest

import tailcatch


def test_the_types_take_what_is_right_and_nothing_else(tmp_path):
    pytest.importorskip("mypy")
    used = pathlib.Path(__file__).with_name("typed.py")
    asked = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(used)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("of", [tailcatch.detect, tailcatch.diagnose, tailcatch.spike, tailcatch.curve, tailcatch.read_log,
                                tailcatch.verl.follow, tailcatch.verl.watch, tailcatch.trl.watch,
                                *(getattr(tailcatch.theory, name) for name in ("frontier", "power", "records", "window", "zero_shot"))])
def test_every_argument_has_its_words(of):
    said = inspect.getdoc(of).partition("Parameters\n")[2].partition("\nReturns\n")[0]
    heads = {name.strip() for line in said.splitlines() if line and not line.startswith(" ") for name in line.partition(" :")[0].split(",")}
    assert set(inspect.signature(of).parameters) <= heads
