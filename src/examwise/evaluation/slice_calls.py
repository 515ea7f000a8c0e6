"""Which slices a run calls positive, by what scores them and how its threshold was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.core.schemas.predictions import THRESHOLDS
from examwise.evaluation.fitted_thresholds import FittedThreshold
from examwise.evaluation.scored_slices import ScoredSlices
from examwise.metrics.inputs import Floats
from examwise.metrics.sequence_detection import is_above_even_share, shares_of_exam
from examwise.metrics.thresholds import closest_to_corner_threshold, youden_threshold

Fitted = Mapping[str, Mapping[str, FittedThreshold]]
"""Run to finding to what its ``thresholds.json`` says."""

SHORTEST_RUNS = {
    "slice_probability": 4,
    "attention_weight": 2,
    "hshap": 3,
    "position_only": 2,
}
"""Shortest predicted run that counts, by what scores slices: as published (Teneggi, Yi and Sulam,
2023), h-Shap with the 3 that was set for it; position only as attention, by whose rule it calls."""

_SLICES_TELL = "slice_probability"

_ON_TEST = {
    "youden_on_test": youden_threshold,
    "closest_to_corner_on_test": closest_to_corner_threshold,
}


@dataclass(frozen=True)
class SliceCalls:
    """What is called positive.

    Attributes:
        rule: How the threshold was chosen.
        threshold: On slice probabilities, or, of estimators that tell where and not whether, on
            exam probabilities.
        is_called: Which slices are called positive, shape (n,).
    """

    rule: str
    threshold: float
    is_called: npt.NDArray[np.bool_]


def own_calls(group: ScoredSlices, estimator: str, fitted: Fitted) -> SliceCalls:
    """Return what is called by thresholds that saw no label of these exams.

    Slices are called by probability from the threshold that the run fitted on validation slices,
    or, without one, from its exam threshold on. Attention, h-Shap and position tell where in an
    exam, not whether there is anything: they call, in exams that the run calls positive, slices
    that have at least the even share 1/n of their exam's total; values below 0 count as 0.
    Position only is thus held against where a run looks, in the very exams that it calls.

    Args:
        group: Slices of one run, archive and finding.
        estimator: What scores them.
        fitted: The run's thresholds.

    Raises:
        InputError: If the run has no threshold for the finding.
    """
    found = fitted.get(group.run_id, {}).get(group.finding)
    if found is None:
        raise InputError(
            where=f"{THRESHOLDS} of run {group.run_id}",
            expected=f"a threshold for {group.finding}",
            got="none",
            remedy="add one fitted on validation exams, or a fixed one",
        )
    if estimator != _SLICES_TELL:
        return _called(group, estimator, "even", found.threshold)
    on_slices = found.slice_threshold
    threshold = found.threshold if on_slices is None else on_slices
    return _called(group, estimator, "validation", threshold)


def calls_fitted_on_test(group: ScoredSlices, estimator: str) -> Iterator[SliceCalls]:
    """Yield what is called by thresholds fitted on the very labels that judge them, by name.

    As published; it flatters. Rules without a threshold, for want of one class, are left out.

    Args:
        group: Slices of one run, archive and finding.
        estimator: What scores them.
    """
    if estimator == _SLICES_TELL:
        counted = group.counted(estimator)
        labels, probabilities = group.label[counted], group.slice_probability[counted]
    else:
        known = group.exam_label >= 0
        labels, probabilities = group.exam_label[known], group.exam_probability[known]
    for rule, fit in _ON_TEST.items():
        threshold = fit(labels, probabilities)
        if threshold is not None:
            yield _called(group, estimator, rule, threshold)


def comparable_ratings(group: ScoredSlices, estimator: str) -> Floats:
    """Return ratings of slices that can be held against each other over exams, shape (n,).

    Slice logits are. Of attention, h-Shap and position it is the exam's probability times the
    slice's value over the exam's highest: an exam's top slice is rated as the exam is. Values of 0
    and below are rated 0.

    Args:
        group: Slices of one run, archive and finding.
        estimator: What scores them.
    """
    scores = group.scores[estimator]
    if estimator == _SLICES_TELL:
        return scores
    highest = np.zeros(group.n_exams)
    np.maximum.at(highest, group.exam, scores)
    relative = np.maximum(scores, 0.0) / np.where(highest > 0, highest, 1.0)[group.exam]
    return np.asarray(relative * group.exam_probability[group.exam])


def _called(group: ScoredSlices, estimator: str, rule: str, threshold: float) -> SliceCalls:
    if estimator == _SLICES_TELL:
        return SliceCalls(rule, threshold, group.slice_probability >= threshold)
    shares = shares_of_exam(group.scores[estimator], group.exam)
    is_called = is_above_even_share(shares, group.exam)
    return SliceCalls(
        rule, threshold, is_called & (group.exam_probability >= threshold)[group.exam]
    )
