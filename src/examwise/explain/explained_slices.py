"""Which slices are explained."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import polars as pl
import torch

from examwise.core.errors import InputError
from examwise.core.randomness import generator
from examwise.explain.config import SliceChoice
from examwise.explain.explained_model import ExplainedModel
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import slice_labels
from examwise.imaging.stored_truth import StoredTruth

_OWNER = ["exam_id", "slice_index"]


def annotated_slices_or_positive(
    choice: SliceChoice,
    stored: StoredExams,
    truth: StoredTruth,
    exam_ids: Sequence[str],
    *,
    finding: str,
) -> pl.DataFrame:
    """Return slices that annotations or labels choose: exam_id, slice_index, sorted.

    Args:
        choice: ``"annotated"`` or ``"positive"``.
        stored: The store.
        truth: Its annotations.
        exam_ids: Exams to choose from.
        finding: The finding.
    """
    if choice == "annotated":
        return truth.annotated(exam_ids)
    labels = slice_labels(stored, finding)
    is_chosen = (pl.col("slice_label") == 1) & pl.col("exam_id").is_in(list(exam_ids))
    return labels.filter(is_chosen).select(_OWNER)


def called_slices(
    model: ExplainedModel,
    stored: StoredExams,
    exam_ids: Sequence[str],
    *,
    threshold: float,
) -> pl.DataFrame:
    """Return slices whose probability is at least a threshold: exam_id, slice_index, sorted."""
    rows = []
    for exam_id in sorted(exam_ids):
        pixels = torch.from_numpy(stored.read_slices(exam_id)).to(model.device)
        with torch.no_grad():
            said = model.slice_probabilities(pixels).cpu().numpy()
        rows += [(exam_id, int(index)) for index in np.flatnonzero(said >= threshold)]
    return pl.DataFrame(rows, schema={"exam_id": pl.String, "slice_index": pl.Int32}, orient="row")


def slice_threshold(thresholds: bytes, finding: str, *, where: str) -> float:
    """Return from which probability on a run calls a slice positive.

    That is the threshold fitted on slices where the run had slice labels for validation, or else
    its exams' threshold.

    Args:
        thresholds: ``thresholds.json`` of the run.
        finding: The finding.
        where: How to name the file in messages.

    Raises:
        InputError: If it has none for the finding.

    Example:
        >>> slice_threshold(b'{"any": {"threshold": 0.4, "source": "fixed"}}', "any", where="run")
        0.4
    """
    entry = json.loads(thresholds).get(finding) or {}
    value = entry.get("slice_threshold", entry.get("threshold"))
    if value is None:
        raise InputError(where=where, expected=f"a threshold of {finding}", got="none")
    return float(value)


def spread_over_exams(
    candidates: pl.DataFrame, *, max_slices: int | None, seed: int
) -> pl.DataFrame:
    """Return at most so many slices, of as many exams as possible.

    Exams give one slice each in turn, in an order of their own, until there are enough: no exam
    gives two more than another that has as many. What is drawn depends on seed and slices only.

    Args:
        candidates: exam_id, slice_index.
        max_slices: The most; all if None.
        seed: Seed of the drawing.

    Example:
        >>> two = pl.DataFrame({"exam_id": ["a", "a", "b"], "slice_index": [1, 2, 5]})
        >>> spread_over_exams(two, max_slices=2, seed=0)["exam_id"].to_list()
        ['a', 'b']
    """
    ordered = candidates.sort(_OWNER)
    if max_slices is None or ordered.height <= max_slices:
        return ordered
    turns, places = np.empty(ordered.height, np.int64), np.empty(ordered.height)
    row = 0
    for exam_id, size in ordered.group_by("exam_id", maintain_order=True).len().iter_rows():
        stream = generator(seed, "explained_slices", exam_id)
        places[row : row + size] = stream.random()
        turns[row : row + size] = stream.permutation(size)
        row += size
    kept = np.lexsort((places, turns))[:max_slices]
    return ordered[np.sort(kept)]
