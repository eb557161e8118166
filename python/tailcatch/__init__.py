"""Would reward hacking under heavy-tailed reward error be seen, caught, and caught in time?

The judge of tailcatch. Every function gives the document that the command of its name prints with ``--json``: the same
numbers, to the last bit. Logs are paths (files, folders, patterns, as trainers write them) or columns in memory: a dict of
arrays, or a frame of pandas, polars or pyarrow. What is wrong with an argument or a log is an :class:`InputError`, what the
system refuses an :class:`Error`; both say what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from . import theory
from ._ask import ask as _ask
from ._ask import flags as _flags
from ._ask import listed as _listed
from ._ask import read as _read
from ._ask import weights as _weights
from ._errors import Error, InputError, LogWarning
from ._frame import is_frame as _is_frame
from ._native import Entry, ReadingList, Seen, Watching, __version__

if TYPE_CHECKING:
    from . import trl, verl

__all__ = [
    "Entry",
    "Error",
    "InputError",
    "LogWarning",
    "ReadingList",
    "Seen",
    "Watching",
    "__version__",
    "curve",
    "detect",
    "diagnose",
    "read_log",
    "spike",
    "theory",
]


def detect(
    log: Any,
    *,
    reward: Any = None,
    step: str | None = None,
    group: str | None = None,
    rows: Literal["rollouts", "means"] | None = None,
    group_by: Literal["step", "group", "prompt"] | None = None,
    calibrate: Any = None,
    calibrate_steps: tuple[int, int] | None = None,
    calibrate_window: str | None = None,
    detectors: Any = (),
    features: Any = (),
    alert_rate: float | None = None,
    fdr: float | None = None,
    budget: float | None = None,
    streaming: str | None = None,
    html: Any = None,
    csv: Any = None,
) -> dict[str, Any]:
    """A verdict on a reward log, and the twenty rollouts of it that are worth reading.

    Parameters
    ----------
    log : path, list of paths, or columns by name
        One row a rollout. Columns go by their usual names (``reward``, ``step``, ``prompt``, ``completion``, …); NaN and None are
        rows without a value.
    reward : str or dict, optional
        The reward's column, or columns with weights: ``{"quality": 1, "format": .5}``.
    step, group, rows : str, optional
        Column of the training step, of the group; what a row is, ``"rollouts"`` or ``"means"``.
    group_by : "step", "group" or "prompt", optional
        Rollouts whose median each reward is judged relative to.
    calibrate, calibrate_steps, calibrate_window : optional
        What is normal: another log; steps ``(from, to)`` without ``to``; ``"W:LAG"`` steps before each.
    detectors : list of str, optional
        Detectors with settings, ``"gpd_tail:tail_fraction=0.05"``. Without any, robust_z and gpd_tail.
    features : list of str, optional
        Further columns for the detectors that look at features.
    alert_rate, fdr, budget, streaming : optional
        Who is flagged: at most one of a nominal rate, a share of false flags, a count (or share below 1) of rollouts; how a
        threshold follows the scores.
    html, csv : path, optional
        Also write the evidence page, or the list as a sheet.

    Returns
    -------
    dict
        ``verdict`` ("flagged", "quiet", "shifted" or "not_judged"), ``verdict_text``, ``cautions``, ``assumptions``,
        ``reading_list``, ``shared``, ``evidence``, ``flags``, ``statuses`` …: the document of ``tailcatch detect --json``.

    Raises
    ------
    InputError, Error
        A log that cannot be read, an argument outside its range.
    """
    given = _flags(
        reward=_weights(reward),
        step=step,
        group=group,
        rows=rows,
        group_by=group_by,
        calibrate_steps=calibrate_steps,
        calibrate_window=calibrate_window,
        detector=_listed(detectors),
        features=",".join(_listed(features)) or None,
        alert_rate=alert_rate,
        fdr=fdr,
        budget=budget,
        streaming=streaming,
        html=html,
        csv=csv,
    )
    return _ask(["detect", *given], log, calibrate=calibrate)


def diagnose(
    rewards: Any,
    *,
    steps: Any = None,
    reward: Any = None,
    step: str | None = None,
    group: str | None = None,
    rows: Literal["rollouts", "means"] | None = None,
    threshold: float | None = None,
    only_steps: tuple[int, int] | None = None,
    double_bootstrap: int | None = None,
    seed: int | None = None,
    plot: Any = None,
) -> dict[str, Any]:
    """Is this reward heavy-tailed? Five estimators of the extreme-value index ξ = 1/α side by side, with 95% intervals.

    Parameters
    ----------
    rewards : array of n numbers, path, list of paths, or columns by name
        One reward a rollout; NaN and None are left out. Of a log, the column that ``reward`` names.
    steps : array of n whole numbers, optional
        The training step of each of an array of rewards.
    reward, step, group, rows : str, optional
        As for :func:`detect`, for logs.
    threshold : float, optional
        Where the tail begins, in the reward's unit. Without it, the top 5%.
    only_steps : (int, int), optional
        Diagnose these steps alone, from the first up to and without the second.
    double_bootstrap, seed : int, optional
        Let the estimators choose their own k from so many resamples, and the seed of those.
    plot : path, optional
        Also draw the tail into this .svg or .png file.

    Returns
    -------
    dict
        ``n``, ``threshold``, ``verdict``, and ``hill``, ``moment``, ``pickands``, ``kernel``, ``gpd`` each with ``xi``,
        ``ci_low``, ``ci_high``, ``k``, ``status``. What the sample cannot carry is a status, and its numbers are None.
        Hill (1975), Dekkers–Einmahl–de Haan (1989), Pickands (1975), Groeneboom–Lopuhaä–de Wolf (2003), Smith (1987).
    """
    is_array = not _is_frame(rewards) and (hasattr(rewards, "__array__") or _is_numbers(rewards))
    if is_array:
        frame = {"reward": rewards}
        if steps is not None:
            frame["step"] = steps
        rewards, reward = frame, reward or "reward"
    elif steps is not None:
        raise InputError("steps: they belong to an array of rewards; of a log, name the column with step=")
    given = _flags(
        reward=_weights(reward),
        step=step,
        group=group,
        rows=rows,
        threshold=threshold,
        steps=only_steps,
        double_bootstrap=double_bootstrap,
        seed=seed,
        plot=plot,
    )
    return _ask(["diagnose", *given], rewards)


def _is_numbers(rewards: Any) -> bool:
    if isinstance(rewards, (str, bytes)) or not hasattr(rewards, "__len__"):
        return False
    first = next(iter(rewards), None)
    return first is None or hasattr(first, "__float__")


def spike(
    log: Any,
    *,
    reward: Any = None,
    step: str | None = None,
    group: str | None = None,
    rows: Literal["rollouts", "means"] | None = None,
    size: Any = (),
    mass: Any = (),
    onset: int | None = None,
    budget: float | None = None,
    group_by: Literal["step", "group", "prompt"] | None = None,
    detectors: Any = (),
    calibrate: Any = None,
    calibrate_steps: tuple[int, int] | None = None,
    repeats: int | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Plants exploits in a log and says how large they must be to be caught.

    Parameters
    ----------
    log, reward, step, group, rows, group_by, detectors, calibrate, calibrate_steps
        As for :func:`detect`.
    size : list of float, optional
        Sizes of the exploit, in standard deviations of the reward within groups.
    mass : list of float, optional
        Shares of the rollouts that it takes from ``onset`` on.
    onset : int, optional
        The step from which on it is planted.
    budget : float, optional
        Audits: a count, or a share of the rollouts below 1. Without it 20.
    repeats, seed : int, optional
        How often each exploit is planted anew, and the seed of that.

    Returns
    -------
    dict
        ``rows`` (``detector``, ``size``, ``mass``, ``p_caught`` with ``ci_low`` and ``ci_high``, ``audits``,
        ``benign_flags``) and ``minimum_detectable`` by detector.
    """
    given = _flags(
        reward=_weights(reward),
        step=step,
        group=group,
        rows=rows,
        size=_listed(size),
        mass=_listed(mass),
        onset=onset,
        budget=budget,
        group_by=group_by,
        detector=_listed(detectors),
        calibrate_steps=calibrate_steps,
        repeats=repeats,
        seed=seed,
    )
    return _ask(["spike", *given], log, calibrate=calibrate)


def curve(log: Any, *, reward: Any = None, step: str | None = None) -> dict[str, Any]:
    """What step means can tell: trend, spread, reward against an evaluation column.

    Parameters
    ----------
    log : path, list of paths, or columns by name
        One row a step.
    reward, step : str, optional
        The columns.
    """
    return _ask(["curve", *_flags(reward=_weights(reward), step=step)], log)


def read_log(
    paths: Any,
    *,
    reward: Any = None,
    step: str | None = None,
    group: str | None = None,
    rows: Literal["rollouts", "means"] | None = None,
    features: Any = (),
) -> dict[str, Any]:
    """The rollouts of a log as arrays, in step order, as every command reads them. After Ctrl-C the reading goes on unseen until its
    end, as that of every function here.

    Parameters
    ----------
    paths, reward, step, group, rows, features
        As for :func:`detect`.

    Returns
    -------
    dict
        Arrays of n: ``reward`` (float64), ``step``, ``group``, ``prompt``, ``outcome`` (uint64; equal numbers mean the same),
        ``file`` (index into ``files``), ``row`` (in its file, from 0). ``length``, ``advantage``, ``log_prob`` and
        ``ref_log_prob`` (nats) are arrays or None; ``parts`` and ``features`` dicts of arrays. With them ``files``, ``notes``,
        ``reward_source``, ``step_source``, ``group_source``, ``aggregate`` (each row is a mean), ``rows_left_out``,
        ``duplicates``.
    """
    options = {"step": step, "group": group, "rows": rows, "features": _listed(features) or None}
    return _read(paths, reward=_weights(reward), **options)


def __getattr__(name: str) -> Any:
    # They need what not every user has.
    if name in ("trl", "verl"):
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
