"""How dense the soft tissue is: fresh blood is denser than brain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from examwise.core.progress import Progress
from examwise.imaging.exam_source import ExamSource
from examwise.models.config import ModelConfig
from examwise.prediction.label_free.protocol import Scores

LOWEST_HU, HIGHEST_HU = 0, 100
"""Pixels between these count, both included: brain, liquor, muscle and blood; neither air and fat
nor bone."""


class MeanHu:
    """Mean HU of soft tissue.

    A slice's score is the mean over its pixels within 0 to 100 HU, an exam's the mean over all
    such pixels of all its slices; 0 where there is none. What such a number knows, every learner
    can know as well.
    """

    uses_encoder = False
    middle = 35.0
    scale = 5.0

    def require(self, model: ModelConfig) -> None:
        """Accept every model: none is used."""

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
        """Score slices and exams."""
        del model, batch_slices, n_threads, accelerator
        tables = [_pixel_sums("", np.empty((0, 0, 0), np.int16))]
        with progress.track("Measuring HU", len(exam_ids)) as advance:
            for exam_id in exam_ids:
                tables.append(_pixel_sums(exam_id, stored.read_slices(exam_id)))
                advance()
        sums = pl.concat(tables)
        mean = (
            pl.when(pl.col("n_pixels") > 0)
            .then(pl.col("sum_hu") / pl.col("n_pixels"))
            .otherwise(0.0)
            .alias("score")
        )
        of_exams = sums.group_by("exam_id", maintain_order=True).agg(
            pl.col("sum_hu", "n_pixels").sum()
        )
        return Scores(
            slices=sums.select("exam_id", "slice_index", mean),
            exams=of_exams.select("exam_id", mean),
        )


def _pixel_sums(exam_id: str, pixels_hu: np.ndarray) -> pl.DataFrame:
    counted = (pixels_hu >= LOWEST_HU) & (pixels_hu <= HIGHEST_HU)
    n_slices = len(pixels_hu)
    return pl.DataFrame(
        {
            "exam_id": pl.Series([exam_id] * n_slices, dtype=pl.String),
            "slice_index": pl.Series(range(n_slices), dtype=pl.Int32),
            "sum_hu": np.where(counted, pixels_hu, 0).sum(axis=(1, 2), dtype=np.int64),
            "n_pixels": counted.sum(axis=(1, 2), dtype=np.int64),
        }
    )
