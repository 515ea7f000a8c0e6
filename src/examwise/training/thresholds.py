"""From which probability on an exam is called positive."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from examwise.metrics.thresholds import youden_threshold

FIXED_THRESHOLD = 0.5


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
    comes from is said beside it.

    Args:
        findings: Columns of the logits.
        exams: On exams; None where no exam's label is known.
        slices: On slices; None where none was bought.
        minimum: Fewest labels to choose by.
    """
    thresholds: dict[str, dict[str, Any]] = {}
    for column, finding in enumerate(findings):
        thresholds[finding] = {"threshold": FIXED_THRESHOLD, "source": "fixed"}
        for judged, source in ((exams, "validation"), (slices, "validation slices")):
            chosen = None if judged is None else _youden(judged, column, minimum=minimum)
            if chosen is not None:
                thresholds[finding] = {"threshold": chosen, "source": source}
                break
    return thresholds


def _youden(judged: Judged, column: int, *, minimum: int) -> float | None:
    labels = judged.labels[:, column]
    present = ~np.isnan(labels)
    if present.sum() < minimum:
        return None
    return youden_threshold(labels[present], expit(judged.logits[present, column]))
