"""Whether each run's probabilities mean what they say, inside and outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import logit

from examwise.core.schemas.evidence import CALIBRATION, CALIBRATION_POINTS
from examwise.evaluation.auc_estimate import drawn_patients
from examwise.evaluation.exam_groups import ExamGroup, counts, exam_groups, with_limits
from examwise.metrics.calibration import Coefficient, brier_score, logit_calibration
from examwise.metrics.clustered_share import Share, clustered_share
from examwise.metrics.patient_bootstrap import percentile_interval
from examwise.metrics.reliability import reliability_bins, reliability_curve

N_BINS = 10
"""Equal bins of probability."""

_COLUMNS = {"raw": "exam_probability", "calibrated": "calibrated_probability"}
_SMALLEST_PROBABILITY = 1e-12
"""Below it, and as near to 1, all probabilities count alike on the logit scale: at 0 it is
infinite."""

_REPLICATES_AT_ONCE = 64


def calibration(exams: pl.DataFrame, *, n_replicates: int, seed: int) -> pl.DataFrame:
    """Return Brier score, calibration error, slope and intercept by run, archive and finding.

    Of probabilities as the model gives them (``raw``), and of those calibrated on validation where
    there are some. The intervals of slope and intercept are analytic
    (:func:`~examwise.metrics.calibration.logit_calibration`), those of score and error by patient
    bootstrap. The calibration error is biased upwards with few exams, and its replicates more so:
    both its limits lie rather high.

    Exams without a label don't count; where a run calibrated some exams only, those.

    Args:
        exams: ``PREDICTED_EXAMS`` of one or more runs.
        n_replicates: Bootstrap samples of patients.
        seed: Seed of the bootstrap.

    Returns:
        ``CALIBRATION``; no rows without a labelled exam.
    """
    return CALIBRATION.frame(
        [
            {
                **group.key,
                "probability": name,
                **counts(labelled),
                **_scores(
                    labelled,
                    column,
                    archive=group.archive,
                    n_replicates=n_replicates,
                    seed=seed,
                ),
            }
            for group, name, column, labelled in _parts(exams)
        ]
    )


def calibration_points(exams: pl.DataFrame) -> pl.DataFrame:
    """Return the points of calibration curves: the share of positives in each bin of probability.

    Args:
        exams: ``PREDICTED_EXAMS`` of one or more runs.

    Returns:
        ``CALIBRATION_POINTS``; bins without an exam have no row.
    """
    rows: list[dict[str, Any]] = []
    for group, name, column, labelled in _parts(exams):
        probabilities = labelled[column].to_numpy()
        positive = labelled["exam_label"].to_numpy() == 1
        patients = labelled["patient_key"].to_numpy()
        bins = reliability_bins(probabilities, n_bins=N_BINS)
        rows += [
            {
                **group.key,
                "probability": name,
                "bin": int(number),
                "n_exams": int(inside.sum()),
                "mean_probability": float(np.clip(probabilities[inside].mean(), 0, 1)),
                **with_limits(
                    "positive_fraction", clustered_share(positive[inside], patients[inside])
                ),
            }
            for number in np.unique(bins)
            for inside in (bins == number,)
        ]
    return CALIBRATION_POINTS.frame(rows)


def _parts(exams: pl.DataFrame) -> Iterator[tuple[ExamGroup, str, str, pl.DataFrame]]:
    for group in exam_groups(exams):
        for name, column in _COLUMNS.items():
            labelled = group.labelled.drop_nulls(column)
            if not labelled.is_empty():
                yield group, name, column, labelled


def _scores(
    labelled: pl.DataFrame, column: str, *, archive: str, n_replicates: int, seed: int
) -> dict[str, float | None]:
    labels = labelled["exam_label"].to_numpy()
    probabilities = labelled[column].to_numpy()
    patients = labelled["patient_key"].to_numpy()
    names, groups = np.unique(patients, return_inverse=True)
    draws = drawn_patients(seed, archive, len(names), n_replicates=n_replicates)
    briers, errors = _replicates(labels, probabilities, groups, draws)
    curve = reliability_curve(labels, probabilities, n_bins=N_BINS)
    prevalence = float(labels.mean())
    edge = _SMALLEST_PROBABILITY
    logits = logit(np.clip(probabilities, edge, 1 - edge))
    found = logit_calibration(labels, logits, groups)
    return {
        **with_limits("brier", _with_interval(brier_score(labels, probabilities), briers)),
        "brier_of_prevalence": prevalence * (1 - prevalence),
        **with_limits(
            "expected_calibration_error",
            _with_interval(curve.expected_calibration_error if curve else None, errors),
        ),
        **_coefficient("slope", found.slope),
        **_coefficient("intercept", found.intercept),
    }


def _replicates(
    labels: npt.NDArray[np.integer],
    probabilities: npt.NDArray[np.float64],
    groups: npt.NDArray[np.intp],
    draws: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return Brier score and calibration error of every bootstrap sample of patients."""
    n_patients = draws.shape[1]
    difference = probabilities - labels
    bins = reliability_bins(probabilities, n_bins=N_BINS)
    # What a patient adds: exams, squared differences, and differences bin by bin.
    of_patients = np.zeros((n_patients, 2 + N_BINS))
    of_patients[:, 0] = np.bincount(groups, minlength=n_patients)
    of_patients[:, 1] = np.bincount(groups, difference**2, minlength=n_patients)
    np.add.at(of_patients, (groups, 2 + bins), difference)
    sums = np.concatenate(
        [
            draws[start : start + _REPLICATES_AT_ONCE].astype(np.float64) @ of_patients
            for start in range(0, len(draws), _REPLICATES_AT_ONCE)
        ]
    )
    n_exams = sums[:, 0]
    return sums[:, 1] / n_exams, np.abs(sums[:, 2:]).sum(axis=1) / n_exams


def _with_interval(value: float | None, replicates: npt.NDArray[np.float64]) -> Share:
    interval = percentile_interval(replicates)
    if value is None or interval.lower is None or interval.upper is None:
        return Share(value, None, None)
    return Share(value, max(0.0, interval.lower), min(1.0, interval.upper))


def _coefficient(name: str, found: Coefficient) -> dict[str, float | None]:
    return {name: found.value, f"{name}_lower": found.lower, f"{name}_upper": found.upper}
