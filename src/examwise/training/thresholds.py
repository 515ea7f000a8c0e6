"""From which probability on an exam is called positive."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from examwise.metrics.thresholds import (
    closest_to_corner_threshold,
    wanted_sensitivity_threshold,
    youden_threshold,
)

FIXED_THRESHOLD = 0.5
WANTED_SENSITIVITY = 0.9
"""Of the rule that gives up specificity for it."""


class Judged(Protocol):
    """What a model says of labelled exams, or slices."""

    @property
    def logits(self) -> npt.NDArray[np.float64]:
        """Shape (labels, findings)."""
        ...

    @property
    def labels(self) -> npt.NDArray[np.float32]:
        """1, 0 or NaN: missing, shape (labels, findings)."""
        ...


def fit_thresholds(
    findings: tuple[str, ...], *, exams: Judged | None, slices: Judged | None, minimum: int
) -> dict[str, dict[str, Any]]:
    """Choose a threshold for each finding by Youden's index on the validation labels.

    Exams whose label the bought labels tell come first; with fewer than ``minimum`` of them, or
    one class only, slices serve; with too few of these the threshold is fixed at 0.5. Where it
    comes from is said beside it, as are the thresholds that other rules give on the same labels
    (``rules``: none where it is fixed), and Youden's on slice probabilities
    (``slice_threshold``) where slices' labels allow it.

    Args:
        findings: Columns of the logits.
        exams: On exams; None where no exam's label is known.
        slices: On slices; None where none was bought.
        minimum: Fewest labels to choose by.
    """
    thresholds: dict[str, dict[str, Any]] = {}
    for column, finding in enumerate(findings):
        by_exams = _rules(exams, column, minimum=minimum)
        by_slices = _rules(slices, column, minimum=minimum)
        chosen: dict[str, Any] = {"threshold": FIXED_THRESHOLD, "source": "fixed"}
        for rules, source in ((by_exams, "validation"), (by_slices, "validation slices")):
            if rules:
                chosen = {"threshold": rules["youden"], "source": source, "rules": rules}
                break
        if by_slices:
            chosen["slice_threshold"] = by_slices["youden"]
        thresholds[finding] = chosen
    return thresholds


def _rules(judged: Judged | None, column: int, *, minimum: int) -> dict[str, float]:
    """Return rule to threshold; nothing where there are too few labels, or one class only."""
    if judged is None:
        return {}
    present = ~np.isnan(judged.labels[:, column])
    if present.sum() < minimum:
        return {}
    labels, probabilities = judged.labels[present, column], expit(judged.logits[present, column])
    found = {
        "youden": youden_threshold(labels, probabilities),
        "closest_to_corner": closest_to_corner_threshold(labels, probabilities),
        f"sensitivity_{WANTED_SENSITIVITY:g}": wanted_sensitivity_threshold(
            labels, probabilities, sensitivity=WANTED_SENSITIVITY
        ),
    }
    return {rule: threshold for rule, threshold in found.items() if threshold is not None}
