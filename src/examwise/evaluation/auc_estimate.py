"""Areas under exams' curves with their intervals.

Bootstrap draws are the same for all that share an archive.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.randomness import generator
from examwise.metrics.auc_variance import auc_estimates, auc_interval
from examwise.metrics.patient_bootstrap import (
    PercentileInterval,
    bootstrap_auc,
    patient_counts,
    percentile_interval,
)
from examwise.metrics.precision_recall import average_precision, average_precision_weighted
from examwise.metrics.roc import roc_auc

_DRAWN_AT_ONCE = 1 << 22
"""Multiplicities drawn at once; they take twice the memory of those kept."""


@lru_cache(maxsize=4)
def drawn_patients(
    seed: int, archive: str, n_patients: int, *, n_replicates: int
) -> npt.NDArray[np.int32]:
    """Return how often each patient of an archive is in each bootstrap sample.

    The draws know the archive and not the run: runs judged by the same patients are judged by the
    same samples of them, so that their intervals can be compared. The last few tables are kept,
    since many runs ask for the same.

    Args:
        seed: Seed of the bootstrap.
        archive: The archive's name.
        n_patients: Its patients, numbered in the order of their keys.
        n_replicates: Bootstrap samples.

    Returns:
        Multiplicities, shape (replicates, patients); not to be written to.

    Example:
        >>> drawn_patients(0, "a", 3, n_replicates=2).sum(axis=1)
        array([3, 3])
    """
    stream = generator(seed, "patient_bootstrap", archive)
    counts = np.empty((n_replicates, n_patients), dtype=np.int32)
    # Row after row from one stream, so that the size of the chunks changes nothing.
    step = max(1, _DRAWN_AT_ONCE // max(1, n_patients))
    for start in range(0, n_replicates, step):
        chunk = counts[start : start + step]
        chunk[:] = patient_counts(n_patients, n_replicates=len(chunk), generator=stream)
    counts.flags.writeable = False
    return counts


def auc_with_interval(
    labelled: pl.DataFrame,
    *,
    label: str,
    score: str,
    archive: str,
    n_replicates: int,
    seed: int,
) -> dict[str, float | None]:
    """Return ``auc``, ``auc_lower`` and ``auc_upper``; missing where they are undefined.

    Args:
        labelled: Rows with a label, and a ``patient_key`` each.
        label: Name of the label's column, 0 or 1.
        score: Name of the score's column.
        archive: Archive that the rows are from.
        n_replicates: Bootstrap samples of patients.
        seed: Seed of the bootstrap.

    Example:
        >>> rows = pl.DataFrame({"patient_key": ["a", "b"], "y": [0, 1], "s": [0.2, 0.4]})
        >>> auc_with_interval(rows, label="y", score="s", archive="x", n_replicates=9, seed=0)
        {'auc': 1.0, 'auc_lower': None, 'auc_upper': None}
    """
    labels = labelled[label].to_numpy()
    scores = labelled[score].to_numpy()
    auc = roc_auc(labels, scores)
    if auc is None:
        return {"auc": None, "auc_lower": None, "auc_upper": None}
    replicates = bootstrap_auc(
        labels,
        scores,
        labelled["patient_key"].to_numpy(),
        draw=partial(drawn_patients, seed, archive, n_replicates=n_replicates),
    )
    interval = percentile_interval(replicates)
    return {"auc": auc, "auc_lower": interval.lower, "auc_upper": interval.upper}


def average_precision_with_interval(
    labelled: pl.DataFrame,
    *,
    label: str,
    score: str,
    archive: str,
    n_replicates: int,
    seed: int,
) -> dict[str, float | None]:
    """Return ``average_precision`` with its limits, by the draws of :func:`auc_with_interval`.

    Missing where a class is absent, and the limits where they are undefined.

    Args:
        labelled: Rows with a label, and a ``patient_key`` each.
        label: Name of the label's column, 0 or 1.
        score: Name of the score's column.
        archive: Archive that the rows are from.
        n_replicates: Bootstrap samples of patients.
        seed: Seed of the bootstrap.

    Example:
        >>> rows = pl.DataFrame({"patient_key": ["a", "b"], "y": [0, 1], "s": [0.2, 0.4]})
        >>> found = average_precision_with_interval(
        ...     rows, label="y", score="s", archive="x", n_replicates=9, seed=0)
        >>> found["average_precision"], found["average_precision_lower"]
        (1.0, None)
    """
    labels = labelled[label].to_numpy()
    scores = labelled[score].to_numpy()
    value = average_precision(labels, scores)
    interval = PercentileInterval(None, None, 0)
    if value is not None:
        names, items = np.unique(labelled["patient_key"].to_numpy(), return_inverse=True)
        drawn = drawn_patients(seed, archive, len(names), n_replicates=n_replicates)
        replicates = average_precision_weighted(labels, scores, drawn, columns=items)
        interval = percentile_interval(replicates)
    return {
        "average_precision": value,
        "average_precision_lower": interval.lower,
        "average_precision_upper": interval.upper,
    }


def analytic_interval(
    labelled: pl.DataFrame, *, label: str, score: str
) -> dict[str, float | str | None]:
    """Return ``analytic_lower``, ``analytic_upper`` and ``variance`` of an AUC.

    The variance is named where one class is absent, too: it is a matter of the patients.

    Args:
        labelled: Rows with a label, and a ``patient_key`` each.
        label: Name of the label's column, 0 or 1.
        score: Name of the score's column.

    Example:
        >>> rows = pl.DataFrame({"patient_key": ["a", "b"], "y": [0, 1], "s": [0.2, 0.4]})
        >>> analytic_interval(rows, label="y", score="s")
        {'analytic_lower': None, 'analytic_upper': None, 'variance': 'delong'}
    """
    patients = labelled["patient_key"]
    estimates = auc_estimates(
        labelled[label].to_numpy(), labelled[score].to_numpy(), patients.to_numpy()
    )
    one_each = patients.n_unique() == len(patients)
    lower, upper = (None, None) if estimates is None else auc_interval(estimates)
    return {
        "analytic_lower": lower,
        "analytic_upper": upper,
        "variance": "delong" if one_each else "obuchowski",
    }
