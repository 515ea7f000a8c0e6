"""What a score without labels is: a number for every slice, and one for every exam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from examwise.core.progress import Progress
from examwise.imaging.exam_source import ExamSource
from examwise.models.config import ModelConfig


@dataclass(frozen=True)
class Scores:
    """What a score says of exams.

    Attributes:
        slices: ``exam_id``, ``slice_index`` (Int32) and ``score`` (Float64, finite): every slice
            of every exam, exam after exam as they were given, lowest slice first.
        exams: ``exam_id`` and ``score``, a row an exam, in the same order.
    """

    slices: pl.DataFrame
    exams: pl.DataFrame


class LabelFreeScore(Protocol):
    """A way to score exams that reads no label.

    Attributes:
        uses_encoder: Whether the model's pretrained encoder takes part, so that its patients and
            terms of use do as well.
        middle: The score whose logit is 0.
        scale: The score's distance for which the logit rises by 1. Logits are
            ``(score - middle) / scale``: they rank as scores do, and the probabilities that
            follow from them mean nothing beyond that.
    """

    uses_encoder: bool
    middle: float
    scale: float

    def require(self, model: ModelConfig) -> None:
        """Refuse a model that it cannot work with, before anything is computed.

        Raises:
            InputError: Says what is missing.
        """
        ...

    def score(
        self,
        stored: ExamSource,
        exam_ids: Sequence[str],
        *,
        model: ModelConfig,
        batch_slices: int,
        n_threads: int,
        accelerator: str,
        progress: Progress,
    ) -> Scores:
        """Score every slice of some exams, and the exams.

        Args:
            stored: The exam store, or several together; its labels are not read.
            exam_ids: Which exams.
            model: The study's model.
            batch_slices: Slices at a time.
            n_threads: Threads of PyTorch on the CPU.
            accelerator: Where to compute, as
                :class:`~examwise.training.trainer_config.TrainerConfig` names it.
            progress: Where to report to.
        """
        ...
