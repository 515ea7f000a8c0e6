"""What a model says of the validation labels that were bought: its loss, and its scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch import LightningModule

from examwise.data.loading import BagReader, read_in_batches
from examwise.models.own_module import own_code
from examwise.training.exam_learner import ExamLearner, class_path, output_of
from examwise.training.learners.protocol import Learner
from examwise.training.losses import LossFunction, weighing
from examwise.training.processes import gathered, n_together


@dataclass(frozen=True)
class ValidationResult:
    """A model on all validation labels.

    Attributes:
        loss: Mean over labels, each counting by its weight, once where it has none.
        logits: Of what the labels judge, shape (labels, findings).
        labels: 1, 0 or NaN, shape (labels, findings).
    """

    loss: float
    logits: npt.NDArray[np.float64]
    labels: npt.NDArray[np.float32]


def validate(
    module: LightningModule,
    learner: Learner,
    reader: BagReader,
    *,
    loss: LossFunction,
    batch_slices: int,
) -> ValidationResult | None:
    """Run a model over validation labels; its mode is left as it was.

    Processes that train together divide the labels among them, and all come to the same result.

    Args:
        module: The model. One that is no :class:`~examwise.training.exam_learner.ExamLearner` is
            asked for its ``validation_step``'s loss.
        learner: What judges its output.
        reader: The labels.
        loss: The loss.
        batch_slices: Slices at a time.

    Returns:
        None if the module has neither.
    """
    if not isinstance(module, ExamLearner):
        return _validate_plain(module, reader, batch_slices=batch_slices)
    total, n_labels = 0.0, 0.0
    rows: list[tuple[npt.NDArray, npt.NDArray]] = []
    share = _share(len(reader.targets))
    with _evaluating(module):
        for batch in read_in_batches(reader, slices_per_batch=batch_slices, labels=share):
            moved = batch.to(module.device)
            output = output_of(module, moved, n_findings=len(reader.targets.findings))
            found = learner.loss(output, moved, loss=weighing(loss, moved), positive_weight=None)
            total += float(found.total)
            n_labels += float(found.n_labels)
            logits, labels = learner.scores(output, moved)
            rows.append((logits.cpu().double().numpy(), labels.cpu().numpy()))
    parts = gathered((total, n_labels, rows))
    rows = [row for part in parts for row in part[2]]
    return ValidationResult(
        sum(part[0] for part in parts) / (sum(part[1] for part in parts) or 1),
        np.concatenate([logits for logits, _ in rows]),
        np.concatenate([labels for _, labels in rows]),
    )


def _validate_plain(
    module: LightningModule, reader: BagReader, *, batch_slices: int
) -> ValidationResult | None:
    own = getattr(type(module), "validation_step", None)
    if own is None or own is LightningModule.validation_step:
        return None
    total, n_bags = 0.0, 0
    share = _share(len(reader.targets))
    with _evaluating(module), _unlogged(module):
        batches = read_in_batches(reader, slices_per_batch=batch_slices, labels=share)
        for number, batch in enumerate(batches):
            with own_code(class_path(module)):
                found: Any = module.validation_step(batch.to(module.device), number)
                value = found["loss"] if isinstance(found, dict) else found
            if value is None:
                return None
            total += float(value) * len(batch.exam_ids)
            n_bags += len(batch.exam_ids)
    parts = gathered((total, n_bags))
    nothing = np.empty((0, len(reader.targets.findings)))
    mean = sum(part[0] for part in parts) / max(sum(part[1] for part in parts), 1)
    return ValidationResult(mean, nothing, nothing.astype(np.float32))


def _share(n_labels: int) -> list[int]:
    """Return the labels that this process takes, in a run of its own."""
    rank = torch.distributed.get_rank() if n_together() > 1 else 0
    return list(np.array_split(np.arange(n_labels), n_together())[rank])


@contextmanager
def _unlogged(module: LightningModule) -> Iterator[None]:
    """Let a module log to nobody: Lightning refuses it outside of its own loops."""

    def log(*_arguments: Any, **_options: Any) -> None:
        pass

    vars(module)["log"] = log
    try:
        yield
    finally:
        del vars(module)["log"]


@contextmanager
def _evaluating(module: LightningModule) -> Iterator[None]:
    was_training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        module.train(was_training)
