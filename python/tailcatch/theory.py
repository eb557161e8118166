"""The closed forms: how rare, how large, how soon, how many audits. Exact arithmetic; the formulas stand in the library's module
``theory``. Masses and shares are numbers between 0 and 1, sizes are in standard deviations of the benign reward, KL is in nats.
Each function gives the document of ``tailcatch theory NAME --json``: a dict whose ``reasons`` says why a value is None, and whose
``finding`` says in words what it comes to. An argument outside its range is an :class:`tailcatch.InputError`."""

from __future__ import annotations

from typing import Any

from ._ask import ask as _ask
from ._ask import flags as _flags


def _theory(question: str, **given: Any) -> dict[str, Any]:
    return _ask(["theory", question, *_flags(**given)], stacklevel=4)


def frontier(
    *,
    mass: float,
    kl: float,
    beta: float | None = None,
    threshold: float | None = None,
    batch: float | None = None,
    group: float | None = None,
    step_size: float | None = None,
) -> dict[str, Any]:
    """How large an exploit of prior ``mass`` must be to matter under a ``kl`` budget: ``t_star``, ``mass_after``."""
    return _theory(
        "frontier",
        mass=mass,
        kl=kl,
        beta=beta,
        threshold=threshold,
        batch=batch,
        group=group,
        step_size=step_size,
    )


def power(
    *,
    mass: float,
    proxy: float,
    rollouts: float,
    budget: float,
    noise: str | None = None,
    rounds: int | None = None,
    sensitivity: float | None = None,
    specificity: float | None = None,
    cost: float | None = None,
    screen_cost: float | None = None,
    screen_sensitivity: float | None = None,
    screen_specificity: float | None = None,
    target: float | None = None,
) -> dict[str, Any]:
    """Whether an audit of the highest rewards holds the exploit: ``p_seen``, ``p_flag``, ``precision``, ``threshold``."""
    return _theory(
        "power",
        mass=mass,
        proxy=proxy,
        rollouts=rollouts,
        budget=budget,
        noise=noise,
        rounds=rounds,
        sensitivity=sensitivity,
        specificity=specificity,
        cost=cost,
        screen_cost=screen_cost,
        screen_sensitivity=screen_sensitivity,
        screen_specificity=screen_specificity,
        target=target,
    )


def records(
    *,
    rollouts: int,
    reference: int,
    benign_looks: float,
    read_reference: bool = False,
    score_tail: float | None = None,
) -> dict[str, Any]:
    """How many places a reading list has for so many benign looks: ``k``, ``expected_benign_looks``, ``sd``, ``p_looked_at``."""
    return _theory(
        "records",
        rollouts=rollouts,
        reference=reference,
        benign_looks=benign_looks,
        read_reference=read_reference,
        score_tail=score_tail,
    )


def window(
    *,
    mass: float,
    proxy: float,
    batch: float,
    step_size: float,
    trainer: str | None = None,
    group: float | None = None,
    outcomes: float | None = None,
    kl_coefficient: float | None = None,
) -> dict[str, Any]:
    """Steps from the first sighting of an exploit until it holds half of the policy: ``first_sighting``, ``window``."""
    return _theory(
        "window",
        mass=mass,
        proxy=proxy,
        batch=batch,
        step_size=step_size,
        trainer=trainer,
        group=group,
        outcomes=outcomes,
        kl_coefficient=kl_coefficient,
    )


def zero_shot(
    *,
    mass: float,
    mass_after: float,
    training_rollouts: float,
    confidence: float | None = None,
    audit_fraction: float | None = None,
    trigger_frequency: float | None = None,
    outcomes: float | None = None,
    benign_kl: float | None = None,
) -> dict[str, Any]:
    """What a jump that training never sampled shows, and when: ``p_seen``, ``kl``, ``samples_to_first``, ``samples_audited``."""
    return _theory(
        "zero-shot",
        mass=mass,
        mass_after=mass_after,
        training_rollouts=training_rollouts,
        confidence=confidence,
        audit_fraction=audit_fraction,
        trigger_frequency=trigger_frequency,
        outcomes=outcomes,
        benign_kl=benign_kl,
    )
