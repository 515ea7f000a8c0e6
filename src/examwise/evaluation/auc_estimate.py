"""An AUC with its patient-bootstrap interval, the same draws for all that share an archive."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.randomness import generator
from examwise.metrics.patient_bootstrap import bootstrap_auc, patient_counts, percentile_interval
from examwise.metrics.roc import roc_auc


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
    counts = patient_counts(n_patients, n_replicates=n_replicates, generator=stream).astype(
        np.int32
    )
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
