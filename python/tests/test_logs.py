"""Logs and frames that do not fit, and files that grow."""

from __future__ import annotations

import json

import numpy
import pytest

import tailcatch
from conftest import steps


@pytest.mark.parametrize(
    ("log", "match"),
    [
        ({}, "no column"),
        ({"reward": []}, "^<frame>: the file is empty"),
        ({"reward": [[1.0, 2.0], [3.0, 4.0]]}, "shape"),
        ({"reward": [1.0, 2.0], "step": [1]}, "rows"),
        ({"reward": [1.0, numpy.inf, 2.0]}, "inf"),
        ({"reward": [{"a": 1}, {"a": 2}]}, "type dict"),
        ({"reward": [1j, 2j]}, "complex"),
        ({"text": ["a", "b"]}, "reward"),
        ("no/such/folder", "no/such/folder"),
        (3, "path"),
        ([3], "path"),
        (numpy.arange(5.0), '{"reward": array}'),
        ([1.0, 2.0], '{"reward": array}'),
        ({"reward": numpy.arange(5).astype("M8[D]")}, "datetime64"),
        ({"re\ud800ward": [1.0, 2.0]}, "surrogates"),
        ("rollouts\ud800.csv", "surrogates"),
        (["no/such/a.csv", "no/such/b.csv"], "no/such"),
    ],
)
def test_what_is_no_log_is_refused(log, match):
    with pytest.raises(tailcatch.Error, match=match):
        tailcatch.detect(log)


def test_what_is_asked_wrongly_is_refused():
    rewards = numpy.arange(100.0)
    for asked in (
        lambda: tailcatch.detect({"reward": rewards}, alert_rate=0.1, fdr=0.1),
        lambda: tailcatch.detect({"reward": rewards}, detectors="robust_x"),
        lambda: tailcatch.theory.frontier(mass=2, kl=1),
        lambda: tailcatch.theory.power(mass=1e-4, proxy=20, rollouts=100, budget=1, noise="cauchy?"),
        lambda: tailcatch.diagnose(rewards, threshold=float("nan")),
        lambda: tailcatch.diagnose({"reward": rewards}, steps=[1]),
        lambda: tailcatch.diagnose({1.0, 2.0}),
        lambda: tailcatch.spike({"reward": rewards}, onset=99),
    ):
        with pytest.raises(tailcatch.InputError) as caught:
            asked()
        assert caught.value.exit_code == 2
    with pytest.raises(tailcatch.InputError) as caught:
        tailcatch.detect({"reward": rewards}, detectors="robust_x")
    assert "robust_z" in caught.value.help


def test_errors_name_keywords_and_no_flags():
    rewards = numpy.arange(100.0)
    for asked, wanted in (
        (lambda: tailcatch.detect({"a": rewards, "b": rewards}), 'name one with `reward="a"`'),
        (lambda: tailcatch.detect({"reward": rewards}, alert_rate=0.1, fdr=0.1), "'alert_rate=<R>' cannot be used with 'fdr=<Q>'"),
        (lambda: tailcatch.diagnose(rewards, only_steps=(5, 2)), "for 'only_steps=<A..B>'"),
        (lambda: tailcatch.detect({"reward": rewards}, group_by="colour"), "for 'group_by=<KEY>'"),
        (lambda: tailcatch.detect({"reward": rewards}, calibrate_steps=(5,)), "calibrate_steps: a pair"),
        (lambda: tailcatch.detect({"reward": rewards}, detectors=[None]), "detectors: a value of type NoneType"),
        (lambda: tailcatch.detect({"reward": rewards}, reward="\ud800"), "surrogates"),
        (lambda: tailcatch.detect({"reward": rewards}, reward={"reward": "much"}), "reward="),
    ):
        with pytest.raises(tailcatch.InputError) as caught:
            asked()
        said = str(caught.value)
        assert wanted in said and "--" not in said and not said.startswith("error") and "Usage" not in said, said


def test_what_is_masked_is_missing():
    rewards = numpy.append(numpy.random.default_rng(0).normal(size=300), 1e6)
    masked = numpy.ma.array(rewards, mask=rewards > 1e5)
    plain = numpy.where(rewards > 1e5, numpy.nan, rewards)
    with pytest.warns(tailcatch.LogWarning):
        assert tailcatch.diagnose(masked) == tailcatch.diagnose(plain)
        assert tailcatch.detect({"reward": masked}) == tailcatch.detect({"reward": plain})
        texts = numpy.ma.array(["a"] * 301, mask=rewards > 1e5)
        whole = tailcatch.read_log({"reward": rewards, "completion": texts})
    assert len(set(whole["outcome"][:300].tolist())) == 1 != len(set(whole["outcome"].tolist()))


def test_a_frame_is_read_into_arrays():
    found = tailcatch.read_log({"reward": [1.0, 2.0], "step": [1, 2], "prompt": ["p", "p"]})
    assert found["reward"].tolist() == [1.0, 2.0] and found["files"] == ["<frame>"]
    with pytest.raises(tailcatch.InputError, match="^<frame>"):
        tailcatch.read_log({"reward": [1.0, 2.0]}, step="when")


def test_a_lazy_frame_is_refused():
    polars = pytest.importorskip("polars")
    with pytest.raises(tailcatch.InputError, match="collect"):
        tailcatch.detect(polars.LazyFrame({"reward": [1.0, 2.0]}))


def test_a_sample_that_cannot_answer_has_a_status():
    with pytest.warns(tailcatch.LogWarning, match="1 row"):
        found = tailcatch.diagnose([1.0, 2.0, None])
    assert found["verdict"] == "not_identifiable" and found["hill"]["xi"] is None
    assert tailcatch.diagnose(numpy.zeros(1000))["verdict"] == "not_identifiable"


def test_missing_values_of_every_kind_are_left_out():
    pandas = pytest.importorskip("pandas")
    rewards = numpy.random.default_rng(0).normal(size=50)
    plain = [None if at % 7 == 0 else value for at, value in enumerate(rewards)]
    kinds = [
        pandas.DataFrame({"reward": plain}),
        pandas.DataFrame({"reward": pandas.array(plain, dtype="Float64")}),
        {"reward": numpy.array(plain, dtype=object)},
        {"reward": numpy.array(plain, dtype=float)},
    ]
    answers = []
    for kind in kinds:
        with pytest.warns(tailcatch.LogWarning):
            answers.append(tailcatch.detect(kind))
    assert all(answer == answers[0] for answer in answers) and answers[0]["assumptions"]["rows_left_out"] == 8


def test_a_folder_is_followed_and_gone_on_with(tmp_path):
    log, state = tmp_path / "rollouts", tmp_path / "state.json"
    log.mkdir()

    def write(step, rewards, prompts, texts):
        rows = zip(rewards.tolist(), prompts, texts)
        lines = [json.dumps(dict(step=step, input=p, output=t, score=r)) for r, p, t in rows]
        (log / f"{step}.jsonl").write_text("\n".join(lines) + "\n")

    run = list(steps(5))
    found = []
    watching = tailcatch.Watching(log, steps=60, state=state)
    for of in run[:40]:
        write(*of)
        found += watching.turn()
    watching.save()
    watching = tailcatch.Watching(log, steps=60, state=state)
    for of in run[40:]:
        write(*of)
        found += watching.turn()
    found += watching.turn(last=True)
    planted = [entry for entry in found if "zq" in entry.completion]
    assert planted[0].step == 30 and planted[0].file.name == "30.jsonl" and planted[0].line == 4
    verdict = watching.verdict()
    assert verdict["verdict"] == "flagged"
    assert [entry.to_dict() for entry in found] == [
        {**entry, "apart": found[at].apart} for at, entry in enumerate(verdict["reading_list"])
    ]
    with pytest.raises(tailcatch.InputError, match="state"):
        tailcatch.Watching(log, steps=61, state=state)
    weighed = tailcatch.Watching(log, steps=60, reward={"score": 0.5})
    assert [entry.reward for entry in weighed.turn(last=True)] == [entry.reward / 2 for entry in found]
    with pytest.raises(tailcatch.InputError, match="path"):
        tailcatch.Watching(3)
