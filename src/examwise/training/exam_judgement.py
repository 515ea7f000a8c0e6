"""A trained model on the validation exams whose label the bought labels tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch import LightningModule

from examwise.data.loading import BagReader, read_in_batches
from examwise.data.targets import Targets
from examwise.metrics.roc import roc_auc
from examwise.models.exam_classifier import ExamClassifier
from examwise.models.exam_rules import exam_logits
from examwise.training.exam_learner import ExamLearner, output_of
from examwise.training.lightning_module import LearningModule


@dataclass(frozen=True)
class JudgedExams:
    """What a model says of exams, and what they are.

    Attributes:
        logits: Shape (exams, findings).
        labels: 1, 0 or NaN: not known, shape (exams, findings).
        complete: Whether these are all exams that validation labels were bought of; those that
            a few slices tell of are mostly positive ones.
    """

    logits: npt.NDArray[np.float64]
    labels: npt.NDArray[np.float32]
    complete: bool


def known_exams(validation: Targets, n_slices: dict[str, int]) -> Targets:
    """Return the exams whose label slice labels tell.

    One positive slice makes an exam positive; it takes all of its slices to make it negative.

    Args:
        validation: Labels of slices.
        n_slices: Slices of each exam.

    Example:
        >>> labels = Targets("slice", ("any",), ("e1", "e2", "e2"), np.array([0, 0, 1]),
        ...                  np.array([[0.0], [0.0], [0.0]], np.float32))
        >>> known = known_exams(labels, {"e1": 9, "e2": 2})
        >>> known.exam_ids, known.values.tolist()
        (('e2',), [[0.0]])
    """
    rows: dict[str, list[int]] = {}
    for row, exam_id in enumerate(validation.exam_ids):
        rows.setdefault(exam_id, []).append(row)
    told = {}
    for exam_id, members in rows.items():
        values = validation.values[members]
        all_negative = (values == 0).sum(0) == n_slices[exam_id]
        label = np.where((values == 1).any(0), 1.0, np.where(all_negative, 0.0, np.nan))
        if not np.isnan(label).all():
            told[exam_id] = label.astype(np.float32)
    n_findings = len(validation.findings)
    return Targets(
        kind="exam",
        findings=validation.findings,
        exam_ids=tuple(sorted(told)),
        slice_index=np.zeros(len(told), np.int64),
        values=np.stack([told[name] for name in sorted(told)])
        if told
        else np.empty((0, n_findings), np.float32),
    )


def judge_exams(
    module: LightningModule,
    validation: Targets,
    reader: BagReader,
    *,
    rules: tuple[str, ...],
    batch_slices: int,
    minimum: int,
) -> JudgedExams | None:
    """Run a model over whole exams; of several exam rules, give it the best one.

    A rule is chosen by the mean of the findings' AUC; of equal ones the first. With fewer than
    ``minimum`` exams, or one class only, the first rule stays.

    Args:
        module: The model; its exam rule may change.
        validation: Labels of slices.
        reader: Reads the exams that :func:`known_exams` returned.
        rules: Exam rules that the model may have.
        batch_slices: Slices at a time.
        minimum: Fewest exams to choose by.

    Returns:
        None if no exam's label is known.
    """
    known = reader.targets
    if not len(known) or not isinstance(module, ExamLearner):
        return None
    was_training = module.training
    module.eval()
    exams, slices, sizes = [], [], []
    with torch.inference_mode():
        for batch in read_in_batches(reader, slices_per_batch=batch_slices):
            moved = batch.to(module.device)
            output = output_of(module, moved, n_findings=len(known.findings))
            exams.append(output.exam_logits.cpu().double())
            slices.append(output.slice_logits.cpu().double())
            sizes.append(batch.bag_sizes)
    module.train(was_training)
    logits = torch.cat(exams).numpy()
    if isinstance(module, LearningModule) and len(rules) > 1:
        of_rules = {
            rule: exam_logits(rule, torch.cat(slices), torch.cat(sizes)).numpy() for rule in rules
        }
        chosen = _best_rule(of_rules, known.values, minimum=minimum)
        cast("ExamClassifier", module.classifier).exam_rule = chosen
        logits = of_rules[chosen]
    complete = len(known) == len(set(validation.exam_ids))
    return JudgedExams(logits, known.values, complete)


def _best_rule(
    of_rules: dict[str, npt.NDArray[np.float64]], labels: npt.NDArray[np.float32], *, minimum: int
) -> str:
    means = {}
    for rule, logits in of_rules.items():
        areas = []
        for column in range(labels.shape[1]):
            present = ~np.isnan(labels[:, column])
            if present.sum() < minimum:
                continue
            area = roc_auc(labels[present, column], logits[present, column])
            if area is not None:
                areas.append(area)
        means[rule] = float(np.mean(areas)) if areas else 0.0
    return max(means, key=lambda rule: means[rule])
