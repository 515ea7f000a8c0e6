"""Rows of scores: maps held against what a store says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from examwise.imaging.stored_truth import SliceTruth
from examwise.metrics.saliency import map_scores

Maps = npt.NDArray[np.float32]


def score_rows(
    about: Mapping[str, Any],
    maps: Mapping[int, Maps],
    truths: Iterable[SliceTruth],
    *,
    is_randomised: bool,
) -> list[dict[str, Any]]:
    """Return rows of :data:`~examwise.core.schemas.explanations.SALIENCY_SCORES`.

    Args:
        about: Columns that all slices of an exam share.
        maps: Slice to its map, shape (rows, columns).
        truths: What is known of these slices.
        is_randomised: Whether the maps are a random model's.
    """
    return [
        {
            **about,
            "slice_index": truth.slice_index,
            "truth": truth.truth,
            "kinds": list(truth.kinds),
            "is_randomised": is_randomised,
            "truth_pixels": int(truth.inside.sum()),
            **asdict(map_scores(maps[truth.slice_index], truth.inside)),
        }
        for truth in truths
    ]
