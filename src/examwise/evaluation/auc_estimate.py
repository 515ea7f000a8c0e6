"""An AUC with its patient-bootstrap interval, the same draws for all that share an archive."""

from __future__ import annotations

import numpy as np
import polars as pl

from examwise.core.randomness import generator
from examwise.metrics.patient_bootstrap import bootstrap_auc, percentile_interval
from examwise.metrics.roc import roc_auc


def patient_stream(seed: int, archive: str) -> np.random.Generator:
    """Return the stream that patients of an archive are drawn from.

    It knows the archive and not the run: runs judged by the same patients are judged by the same
    samples of them, so that their intervals can be compared.

    Example:
        >>> int(patient_stream(0, "a").integers(99)) == int(patient_stream(0, "a").integers(99))
        True
    """
    return generator(seed, "patient_bootstrap", archive)


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
        n_replicates=n_replicates,
        generator=patient_stream(seed, archive),
    )
    interval = percentile_interval(replicates)
    return {"auc": auc, "auc_lower": interval.lower, "auc_upper": interval.upper}
