"""Reading an exam store's boxes and masks."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.annotations import BOXES, MASKS, mask_shard_key
from examwise.imaging.shards import decode_mask
from examwise.imaging.stored_exams import StoredExams

_ROUNDING = 1e-6


def boxes(stored: StoredExams) -> pl.DataFrame:
    """Return all boxes of a store, sorted by exam, slice and box; no rows where it has none.

    Raises:
        SchemaError: If the table breaks its schema.
        InputError: If a box lies outside its exam.
    """
    if not stored.storage.exists(BOXES.file):
        return BOXES.frame([])
    table = BOXES.read(stored.storage)
    sizes = stored.exams.select("exam_id", "n_slices", "rows", "columns")
    placed = table.join(sizes, on="exam_id", how="left")
    strange = placed.filter(
        pl.col("n_slices").is_null()
        | (pl.col("slice_index") >= pl.col("n_slices"))
        | (pl.col("x") + pl.col("width") > pl.col("columns") + _ROUNDING)
        | (pl.col("y") + pl.col("height") > pl.col("rows") + _ROUNDING)
    )
    if strange.height:
        raise InputError(
            where=f"{stored.storage.url}/{BOXES.file}, exam {strange['exam_id'][0]}",
            expected="boxes within slices of the store's exams",
            got=f"{strange.height} others",
            remedy="build the store again",
        )
    return table


def has_mask(stored: StoredExams, exam_id: str) -> bool:
    """Tell whether an exam has a mask."""
    return stored.storage.exists(mask_shard_key(exam_id))


def mask(stored: StoredExams, exam_id: str) -> npt.NDArray[np.uint8] | None:
    """Return an exam's mask; None if it has none, which says nothing about bleeds.

    Returns:
        Bits of findings (:func:`~examwise.core.schemas.annotations.finding_bit`), 0 where there is
        none of them on slices that were drawn on (:func:`drawn_slices`); uint8, shape (slices,
        rows, columns) of the exam's pixels.

    Raises:
        InputError: If the store has no such exam.
        IntegrityError: If stored bytes do not match their checksum.
    """
    key = mask_shard_key(exam_id)
    shape = stored.shape(exam_id)
    if not stored.storage.exists(key):
        return None
    where = f"{stored.storage.url}/{key}"
    return decode_mask(stored.storage.read(key), shape=shape, where=where)


def drawn_slices(stored: StoredExams, exam_id: str) -> list[int]:
    """Return the slices that an exam's mask speaks of; of all others it says nothing.

    Raises:
        InputError: If the store has no such exam.
    """
    n_slices = stored.n_slices(exam_id)
    if not has_mask(stored, exam_id):
        return []
    metadata = json.loads(stored.storage.read(f"{MASKS}/{exam_id}/zarr.json"))
    return list(metadata["attributes"].get("drawn_slices", range(n_slices)))
