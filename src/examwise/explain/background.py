"""What stands for "nothing here" in a slice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.randomness import generator
from examwise.explain.config import MEAN, Background
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig

_SLICES = 256


def background_hu(
    background: Background,
    stored: StoredExams,
    config: ModelConfig,
    *,
    matrix: tuple[int, int],
    seed: int,
) -> npt.NDArray[np.float32]:
    """Return a background for the slices of a store.

    The published background is the mean of all training images as the model sees them. Here it
    is the mean of 256 slices of the store that is explained, one an exam as far as that goes,
    drawn without looking at labels; HU are cut off at the edges of the model's first window
    before, which comes to the same for a model of one window. With all windows of a model that
    sees bone as well, what is bone in some slices would make the mean brain as dense as blood.

    Args:
        background: ``"mean"``, or HU everywhere.
        stored: The store.
        config: The model's architecture.
        matrix: Rows and columns; exams of another matrix are left out of the mean.
        seed: Seed of the drawing.

    Returns:
        HU, shape (rows, columns).

    Raises:
        IntegrityError: If stored pixels are damaged.
    """
    if background != MEAN:
        return np.full(matrix, background, np.float32)
    lowest = config.window_center_hu - config.window_width_hu / 2
    highest = config.window_center_hu + config.window_width_hu / 2
    stream = generator(seed, "background")
    has_matrix = (pl.col("rows") == matrix[0]) & (pl.col("columns") == matrix[1])
    exams = stored.exams.filter(has_matrix)["exam_id"].sort().to_list()
    drawn = [exams[place] for place in stream.permutation(len(exams))[:_SLICES]]
    each = -(-_SLICES // len(drawn))
    total, n_slices = np.zeros(matrix), 0
    for exam_id in drawn:
        number = stored.n_slices(exam_id)
        chosen = np.sort(stream.permutation(number)[:each])
        pixels = stored.read_slices(exam_id, chosen)
        total += np.clip(pixels, lowest, highest).sum(axis=0, dtype=np.float64)
        n_slices += len(pixels)
    return (total / n_slices).astype(np.float32)
