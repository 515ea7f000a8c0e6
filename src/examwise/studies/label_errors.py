"""Exam labels as wrong as report labels are, simulated.

Reports overlook what is small. How faint a finding is, no label says: its extent stands for that
too. A positive exam is called negative with a chance that falls
with the rank of the finding's extent among all positive exams, so that the sensitivity over all of
them is the one asked for; a negative exam is called positive with one chance for all. An exam's
error depends on the seed and the exam alone: all runs, arms and repeats meet the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.randomness import generator
from examwise.studies.label_errors_config import LabelErrorsConfig

Floats = npt.NDArray[np.float64]

_STEEPEST = 200.0
"""Beyond this power chances of all but the smallest would vanish in rounding."""


def seen_labels(
    exams: pl.DataFrame, extent: pl.DataFrame, config: LabelErrorsConfig, *, seed: int
) -> pl.DataFrame:
    """Return exam labels as a report would have them.

    Args:
        exams: ``exam_id`` and ``label``, the truth, of all exams of an archive: ranks are among
            all positive ones.
        extent: ``exam_id`` and ``extent``, how much of the finding a positive exam shows, in any
            unit; exams that are missing there rank in the middle.
        config: How often labels are wrong.
        seed: The study's seed.

    Returns:
        ``exam_id`` and ``seen_label``.
    """
    ordered = exams.join(extent, on="exam_id", how="left").sort("exam_id")
    is_positive = ordered["label"].to_numpy() == 1
    chance = np.full(ordered.height, 1 - config.specificity)
    chance[is_positive] = miss_chances(
        ordered["extent"].cast(pl.Float64).fill_null(float("nan")).to_numpy()[is_positive], config
    )
    drawn = np.array(
        [generator(seed, "label errors", exam_id).random() for exam_id in ordered["exam_id"]]
    )
    seen = np.where(drawn < chance, 1 - ordered["label"].to_numpy(), ordered["label"].to_numpy())
    return ordered.select("exam_id").with_columns(
        pl.Series("seen_label", seen.astype(np.int8), dtype=pl.Int8)
    )


def miss_chances(extent: Floats, config: LabelErrorsConfig) -> Floats:
    """Return the chance of each positive exam to be called negative.

    With rank u of its extent, from 0 (smallest) to 1, it is proportional to ``(1 - u) ** k``: all
    alike for a concentration of 0; for 1 the smallest is missed for certain.

    Args:
        extent: Of each positive exam, NaN where not known, shape (exams,).
        config: How often, and how much more often the small ones.

    Example:
        >>> found = miss_chances(np.array([1.0, 5.0, 9.0]), LabelErrorsConfig(0.9, 1.0))
        >>> bool(found[0] > found[1] > found[2]), round(float(found.mean()), 6)
        (True, 0.1)
    """
    n = len(extent)
    missed = 1 - config.sensitivity
    if not n or missed <= 0:
        return np.zeros(n)
    known = ~np.isnan(extent)
    rank = np.full(n, 0.5)
    ordered = np.sort(extent[known])
    below = np.searchsorted(ordered, extent[known], side="left")
    alike = np.searchsorted(ordered, extent[known], side="right") - below
    rank[known] = (below + alike / 2) / max(1, int(known.sum()))
    power = min(config.concentration * (1 / missed - 1), _STEEPEST)
    return _with_mean((1 - rank) ** power, missed)


def _with_mean(shape: Floats, mean: float) -> Floats:
    """Scale chances to a mean; those that would exceed 1 are 1, and the others make up for it."""
    chances = np.zeros_like(shape)
    certain = np.zeros(len(shape), bool)
    while True:
        rest = mean * len(shape) - certain.sum()
        chances[~certain] = shape[~certain] * rest / shape[~certain].sum()
        chances[certain] = 1.0
        beyond = (chances > 1) & ~certain
        if not beyond.any():
            return chances
        certain |= beyond
