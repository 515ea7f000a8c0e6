"""What a model says of the validation labels that were bought: its loss, and its thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit

from examwise.data.loading import BagReader, read_in_batches
from examwise.metrics.thresholds import youden_threshold
from examwise.models.exam_classifier import ExamClassifier
from examwise.training.learners.protocol import ExamLearner

FIXED_THRESHOLD = 0.5


@dataclass(frozen=True)
class ValidationResult:
    """A model on all validation labels.

    Attributes:
        loss: Mean over labels, every label counting once.
        probabilities: Shape (labels, findings).
        labels: 1, 0 or NaN, shape (labels, findings).
    """

    loss: float
    probabilities: npt.NDArray[np.float64]
    labels: npt.NDArray[np.float32]


def validate(
    classifier: ExamClassifier,
    learner: ExamLearner,
    reader: BagReader,
    *,
    batch_slices: int,
    device: torch.device,
) -> ValidationResult:
    """Run a model over validation labels; its mode is left as it was."""
    was_training = classifier.training
    classifier.eval()
    total, n_labels = 0.0, 0
    logits, labels = [], []
    try:
        with torch.inference_mode():
            for batch in read_in_batches(reader, slices_per_batch=batch_slices):
                moved = batch.to(device)
                output = classifier(moved.pixels_hu, moved.bag_sizes)
                loss = learner.loss(output, moved, positive_weight=None)
                total += float(loss.total)
                n_labels += int(loss.n_labels)
                scores = learner.scores(output, moved)
                logits.append(scores[0].double().cpu().numpy())
                labels.append(scores[1].cpu().numpy())
    finally:
        classifier.train(was_training)
    probabilities = expit(np.concatenate(logits))
    return ValidationResult(total / max(n_labels, 1), probabilities, np.concatenate(labels))


def fit_thresholds(
    findings: tuple[str, ...], result: ValidationResult | None, *, minimum: int
) -> dict[str, dict[str, Any]]:
    """Choose a threshold for each finding by Youden's index on the validation labels.

    With fewer than ``minimum`` labels, or one class only, it is fixed at 0.5.

    Args:
        findings: Columns of the result.
        result: From :func:`validate`; None where no validation label was bought.
        minimum: Fewest labels to choose by.
    """
    thresholds: dict[str, dict[str, Any]] = {}
    for column, finding in enumerate(findings):
        chosen = None
        if result is not None:
            present = ~np.isnan(result.labels[:, column])
            if present.sum() >= minimum:
                chosen = youden_threshold(
                    result.labels[present, column], result.probabilities[present, column]
                )
        thresholds[finding] = (
            {"threshold": FIXED_THRESHOLD, "source": "fixed"}
            if chosen is None
            else {"threshold": chosen, "source": "validation"}
        )
    return thresholds
