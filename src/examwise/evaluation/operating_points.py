"""What runs find, and what their calls are worth, at thresholds chosen by several rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from examwise.core.schemas.evidence import OPERATING_POINTS
from examwise.evaluation.exam_groups import (
    ExamGroup,
    counts,
    exam_groups,
    missing_threshold,
    sensitivity_and_specificity,
    with_limits,
)
from examwise.evaluation.fitted_thresholds import FittedThreshold
from examwise.metrics.clustered_share import clustered_share
from examwise.metrics.predictive_values import predictive_values
from examwise.metrics.thresholds import closest_to_corner_threshold, youden_threshold

PREVALENCES = {"05": 0.05, "10": 0.10}
"""End of the columns' names to the prevalence that predictive values are given for."""

_SENSITIVITY = "sensitivity_"
_ON_TEST = {
    "youden_on_test": youden_threshold,
    "closest_to_corner_on_test": closest_to_corner_threshold,
}


@dataclass(frozen=True)
class _Rule:
    """A threshold, and how it was chosen."""

    name: str
    threshold: float
    fitted_on: str
    wanted_sensitivity: float | None = None


def operating_points(
    exams: pl.DataFrame, fitted: Mapping[str, Mapping[str, FittedThreshold]]
) -> pl.DataFrame:
    """Return sensitivity, specificity and predictive values by run, archive, finding and rule.

    Thresholds come from validation, and stay as they are on every archive. Two rules, named so,
    choose them on the very exams they are judged by, as published: those rows flatter, and are
    there to be compared with what others report. Exams without a label don't count.

    Intervals keep a patient's exams together (:func:`~examwise.metrics.clustered_share.
    clustered_share`, :func:`~examwise.metrics.predictive_values.predictive_values`).

    Args:
        exams: ``PREDICTED_EXAMS`` of one or more runs.
        fitted: Run to finding to its thresholds.

    Returns:
        ``OPERATING_POINTS``.

    Raises:
        InputError: If a run has no threshold for a finding it predicts.
    """
    rows = [_row(group, rule) for group in exam_groups(exams) for rule in _rules(group, fitted)]
    return OPERATING_POINTS.frame(rows)


def _rules(
    group: ExamGroup, fitted: Mapping[str, Mapping[str, FittedThreshold]]
) -> Iterator[_Rule]:
    own = fitted.get(group.run_id, {}).get(group.finding)
    if own is None:
        raise missing_threshold(group.run_id, group.finding)
    yield _Rule("run", own.threshold, own.fitted_on)
    for name in ("youden", "closest_to_corner"):
        if name in own.rules:
            yield _Rule(name, own.rules[name], own.fitted_on)
    wanted = _wanted_sensitivities(own.rules)
    if wanted:
        # The table has one row for this rule: of several shares on record the largest.
        share, threshold = max(wanted.items())
        yield _Rule("sensitivity", threshold, own.fitted_on, share)
    labelled = group.labelled
    labels, probabilities = labelled["exam_label"], labelled["exam_probability"]
    for name, choose in _ON_TEST.items():
        chosen = choose(labels.to_numpy(), probabilities.to_numpy())
        if chosen is not None:
            yield _Rule(name, chosen, "test")


def _wanted_sensitivities(rules: Mapping[str, float]) -> dict[float, float]:
    found = {}
    for name, threshold in rules.items():
        number = name.removeprefix(_SENSITIVITY)
        if number != name and number.replace(".", "", 1).isdecimal() and 0 < float(number) <= 1:
            found[float(number)] = threshold
    return found


def _row(group: ExamGroup, rule: _Rule) -> dict[str, Any]:
    labelled = group.labelled
    positive = labelled["exam_label"].to_numpy() == 1
    called = labelled["exam_probability"].to_numpy() >= rule.threshold
    _, patients = np.unique(labelled["patient_key"].to_numpy(), return_inverse=True)
    row: dict[str, Any] = {
        **group.key,
        "rule": rule.name,
        "wanted_sensitivity": rule.wanted_sensitivity,
        "fitted_on": rule.fitted_on,
        "threshold": rule.threshold,
        **counts(labelled),
        **sensitivity_and_specificity(positive, called, patients),
        **with_limits(
            "positive_predictive_value", clustered_share(positive[called], patients[called])
        ),
        **with_limits(
            "negative_predictive_value", clustered_share(~positive[~called], patients[~called])
        ),
    }
    for end, prevalence in PREVALENCES.items():
        values = predictive_values(positive, called, patients, prevalence=prevalence)
        row |= with_limits(f"ppv_at_{end}", values.positive)
        row |= with_limits(f"npv_at_{end}", values.negative)
    return row
