"""Logs that the tests share."""

from __future__ import annotations

import pathlib

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def fixtures() -> pathlib.Path:
    """The logs of the crate's own tests."""
    return ROOT / "tests" / "suite" / "fixtures"


def steps(seed: int, number: int = 60, rollouts: int = 64, hack: bool = True):
    """Steps of a run: rewards, prompts and completions; from step 30 on every step has one rollout far above the rest."""
    random = numpy.random.default_rng(seed)
    for step in range(1, number + 1):
        rewards = random.standard_t(5, rollouts)
        texts = [f"answer {value}" for value in random.integers(0, 10**9, rollouts)]
        if hack and step >= 30:
            rewards[3] += 40.0
            texts[3] += " zq"
        yield step, rewards, [f"prompt {at % 8}" for at in range(rollouts)], texts
