"""What a pretrained encoder alone can do: the point m = 0 of a budget curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from examwise.core.errors import InputError
from examwise.core.progress import Progress
from examwise.imaging.exam_source import ExamSource
from examwise.models.config import ModelConfig
from examwise.prediction.label_free.protocol import Scores

if TYPE_CHECKING:
    from examwise.models.encoder_weights import EncoderWeights

N_HIGHEST = 3
"""Slices whose mean score is their exam's: one alone may be chance."""


class PretextScore:
    """The score of the pretext by which the model's encoder was pretrained.

    An exam's score is the mean of its three highest slices', or of all where it has fewer.
    """

    uses_encoder = True
    middle = 0.5
    scale = 0.1

    def require(self, model: ModelConfig) -> None:
        """Refuse a model whose first weights are no encoder with such a pretext.

        Raises:
            InputError: Says what they are.
        """
        from examwise.training.pretraining.files import load_encoder
        from examwise.training.pretraining.pretexts.protocol import ScoringPretext

        directory = _directory(model)
        loaded = load_encoder(directory)
        if not isinstance(loaded.pretext, ScoringPretext):
            raise InputError(
                where="study.label_free, pretext",
                expected="an encoder whose pretext scores slices",
                got=loaded.description["pretext"],
                remedy="leave that row out, or name another encoder",
            )

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
        """Score slices and exams.

        Raises:
            InputError: As :meth:`require`.
            IntegrityError: If stored pixels or the encoder are damaged.
        """
        from examwise.training.pretraining.scores import pretext_scores

        slices = pretext_scores(
            _directory(model),
            stored,
            exam_ids,
            batch_slices=batch_slices,
            n_threads=n_threads,
            accelerator=accelerator,
            progress=progress,
        )
        highest = pl.col("score").top_k(N_HIGHEST).mean()
        exams = slices.group_by("exam_id", maintain_order=True).agg(highest)
        return Scores(slices=slices, exams=exams)


def _directory(model: ModelConfig) -> str:
    found: EncoderWeights | None = None
    if model.weights:
        from examwise.models.encoder_weights import find_weights

        found = find_weights(model.weights, encoder=model.encoder)
    if found is None or found.kind != "encoder" or not found.directory:
        raise InputError(
            where="study.label_free, pretext",
            expected="the directory of a pretrained encoder as study.model.weights",
            got="none" if found is None else f"weights from: {found.kind}",
            remedy="leave that row out, or name an encoder (examwise pretrain makes one)",
        )
    return found.directory
