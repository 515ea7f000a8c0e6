"""The parts of several stores together."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from examwise.core.schemas.store import SPLITS
from examwise.data.patient_overlap import require_disjoint_stores
from examwise.data.splits import has_splits, read_splits


def read_joined_splits(urls: Sequence[str], *, split_only: bool = False) -> pl.DataFrame:
    """Read the parts of stores that train and evaluate together.

    Args:
        urls: The stores.
        split_only: Pass over stores that have not been split, and exams without a part.

    Returns:
        A table of :data:`~examwise.core.schemas.store.SPLITS`, sorted by exam.

    Raises:
        InputError: If a store has not been split, or a patient stands in different parts, of one
            store or of several. Says how many do.
    """
    parts = {
        url: read_splits(url, whole=not split_only)
        for url in urls
        if not split_only or has_splits(url)
    }
    require_disjoint_stores(parts)
    if len(parts) == 1:
        return next(iter(parts.values()))
    return pl.concat([SPLITS.frame([]), *parts.values()]).sort("exam_id")
