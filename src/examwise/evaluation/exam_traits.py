"""What exams are like, as far as their stores know: kinds and size of bleeds, slices, scanner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from examwise.core.schemas.annotations import MASKS, finding_bit
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_annotations import drawn_slices, mask
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels
from examwise.imaging.stored_task import stored_task

_MM3_IN_ML = 1000.0

TRAITS: dict[str, pl.DataType | type[pl.DataType]] = {
    "exam_id": pl.String,
    "kinds": pl.List(pl.String),
    "extent_mm": pl.Float64,
    "volume_ml": pl.Float64,
    "thickness_mm": pl.Float64,
    "scanner": pl.String,
}
"""Columns of :func:`exam_traits`."""


def exam_traits(stores: Sequence[str], *, finding: str) -> pl.DataFrame:
    """Return what every exam of some stores is like.

    Args:
        stores: The stores, of one key.
        finding: What extent and volume are measured of.

    Returns:
        A row for each exam, sorted by ``exam_id``, with columns :data:`TRAITS`: ``kinds``, the
        positive findings that the task's summary finding sums up, in the task's order;
        ``extent_mm``, slices positive for the finding times the distance of slices (their
        thickness where it was not measured), missing where not every slice has a label or none is
        positive; ``volume_ml`` of the finding in the exam's mask, missing without a mask, where
        only some slices were drawn on, and where it is 0; ``thickness_mm``; ``scanner``, a keyed
        digest of make and model.

    Raises:
        InputError: If the stores cannot be joined.
    """
    joined = JoinedStores(stores)
    spacing = pl.coalesce("slice_spacing_mm", "thickness_mm")
    exams = joined.exams.select(
        "exam_id",
        "n_slices",
        spacing.alias("spacing_mm"),
        "thickness_mm",
        pl.col("scanner_group").alias("scanner"),
    )
    positive = (
        slice_labels(joined, finding)
        .group_by("exam_id")
        .agg(
            pl.col("slice_label").cast(pl.Int64).sum().alias("n_positive"),
            pl.len().alias("n_labels"),
        )
    )
    is_known = (pl.col("n_labels") == pl.col("n_slices")) & (pl.col("n_positive") > 0)
    return (
        exams.join(_kinds(joined), on="exam_id", how="left")
        .join(positive, on="exam_id", how="left")
        .join(_volumes(joined, finding), on="exam_id", how="left")
        .with_columns(
            pl.col("kinds").fill_null([]),
            pl.when(is_known).then(pl.col("n_positive") * pl.col("spacing_mm")).alias("extent_mm"),
        )
        .select(pl.col(name).cast(kind) for name, kind in TRAITS.items())
        .sort("exam_id")
    )


def _kinds(joined: JoinedStores) -> pl.DataFrame:
    names = list(
        dict.fromkeys(kind for store in joined.stores for kind in stored_task(store.manifest).kinds)
    )
    found = [
        exam_labels(joined, kind)
        .filter(pl.col("exam_label") == 1)
        .select("exam_id", pl.lit(kind).alias("kinds"))
        for kind in names
    ]
    empty = pl.DataFrame(schema={"exam_id": pl.String, "kinds": pl.String})
    return pl.concat([empty, *found]).group_by("exam_id", maintain_order=True).agg("kinds")


def _volumes(joined: JoinedStores, finding: str) -> pl.DataFrame:
    rows = [
        (exam_id, volume)
        for store in joined.stores
        if store.storage.exists(f"{MASKS}/zarr.json")
        for exam_id, volume in _volumes_of(store, finding)
    ]
    return pl.DataFrame(rows, {"exam_id": pl.String, "volume_ml": pl.Float64}, orient="row")


def _volumes_of(store: StoredExams, finding: str) -> list[tuple[str, float]]:
    findings = stored_task(store.manifest).findings
    if finding not in findings:
        return []
    bit = np.uint8(finding_bit(finding, findings))
    labels = exam_labels(store, finding).filter(pl.col("exam_label") == 1)
    voxel_mm3 = (
        pl.col("row_spacing_mm")
        * pl.col("column_spacing_mm")
        * pl.coalesce("slice_spacing_mm", "thickness_mm")
    )
    sizes = labels.join(store.exams, on="exam_id", maintain_order="left").select(
        "exam_id", "n_slices", voxel_mm3.alias("voxel_mm3")
    )
    volumes = []
    for exam_id, n_slices, voxel in sizes.iter_rows():
        drawn = mask(store, exam_id) if voxel is not None else None
        # Slices that nobody drew on may hold more of it.
        if drawn is None or len(drawn_slices(store, exam_id)) < n_slices:
            continue
        volume = np.count_nonzero(drawn & bit) * voxel / _MM3_IN_ML
        if volume > 0:
            volumes.append((exam_id, volume))
    return volumes
