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
    """How large an exploit of prior ``mass`` must be to matter under a ``kl`` budget: ``t_star``, ``mass_after``.

    Parameters
    ----------
    mass : float
        Prior mass of the exploit under the reference policy.
    kl : float
        KL budget, in nats.
    beta : float, optional
        Also at a fixed KL coefficient, in standard deviations: the size that takes the policy over, and a safe clip.
    threshold : float, optional
        Also the KL up to which a flag above this reward, in standard deviations, keeps exploits from supplying half.
    batch, group : float, optional
        Rollouts a step (256 if not given), and of a prompt, for GRPO (8).
    step_size : float, optional
        Step of the logits a sample, learning rate over batch (.05).
    """
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
    """Whether an audit of the highest rewards holds the exploit: ``p_seen``, ``p_flag``, ``precision``, ``threshold``.

    Parameters
    ----------
    mass : float
        Prior mass of the exploit under the policy that is sampled.
    proxy : float
        Its proxy reward, in standard deviations of the benign reward without noise.
    rollouts : float
        Rollouts in all.
    budget : float
        Audits in all: a share of the rollouts below 1, or a count.
    noise : str, optional
        Noise of every reward, such as ``"student_t:df=3,scale=1"``.
    rounds : int, optional
        Steps over which rollouts and audits are spread evenly (1); each audits the highest of its own.
    sensitivity, specificity : float, optional
        Probability that an audited exploit is confirmed, and that an audited benign rollout is not (1, 1).
    cost : float, optional
        What a look of this auditor costs (1).
    screen_cost, screen_sensitivity, screen_specificity : float, optional
        The same of a cheap auditor who reads first (none; .9, .9).
    target : float, optional
        The probability of a flag that the smallest budget, mass and size are to reach (.9).
    """
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
    """How many places a reading list has for so many benign looks: ``k``, ``expected_benign_looks``, ``sd``, ``p_looked_at``.

    Parameters
    ----------
    rollouts, reference : int
        Rollouts in all, and how many of them, the first, are the reference's.
    benign_looks : float
        Benign rollouts that may be looked at, in expectation.
    read_reference : bool
        Also read the k highest of the reference first, from the same budget.
    score_tail : float, optional
        Probability that a benign score is above the hack's: also the probability that the hack is looked at.
    """
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
    """Steps from the first sighting of an exploit until it holds half of the policy: ``first_sighting``, ``window``.

    Parameters
    ----------
    mass : float
        Prior mass of the exploit under the reference policy.
    proxy : float
        Its proxy reward above the mean of the rest, in standard deviations of the rest.
    batch : float
        Rollouts a step.
    step_size : float
        Step of the logits a sample, learning rate over batch.
    trainer : "reinforce", "normalised", "ppo" or "grpo", optional
        How rewards become updates ("reinforce").
    group : float, optional
        Rollouts of a prompt, for "grpo" (8).
    outcomes : float, optional
        Outcomes that the policy chooses from, the others of equal mass (1 / ``mass``).
    kl_coefficient : float, optional
        Weight of the KL penalty in the reward, in standard deviations of the rest (.5).
    """
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
    """What a jump that training never sampled shows, and when: ``p_seen``, ``kl``, ``samples_to_first``, ``samples_audited``.

    Parameters
    ----------
    mass, mass_after : float
        Mass of the exploit under the policy that training sampled, and under the deployed one where the trigger is present.
    training_rollouts : float
        Rollouts of training.
    confidence : float, optional
        Probability with which each answer holds (.95); the rest is the level of each test.
    audit_fraction, trigger_frequency : float, optional
        Shares of the deployment samples: of those audited, at random (.01), and of those with the trigger (1).
    outcomes : float, optional
        Also the samples until one of so many unknown outcomes was seen twice.
    benign_kl : float, optional
        KL of the deployed policy to the reference without the jump, in nats (0).
    """
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
