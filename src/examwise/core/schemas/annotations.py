"""Where a finding was seen: boxes and masks of a store's exams, under ``annotations/``."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from examwise.core.schemas.findings import FINDINGS
from examwise.core.tables import Column, TableSchema

MASKS = "annotations/masks.zarr"
"""Zarr v3 group with one uint8 array for each exam that has a mask, in the matrix of its pixels.

A value other than 0 is a finding; its bits say which, see :func:`finding_bit`. Where only some
slices were drawn on, the array's attribute ``drawn_slices`` lists them.
"""

BOXES = TableSchema(
    "annotations/boxes.parquet",
    (
        Column("exam_id", pl.String, "exam"),
        Column("slice_index", pl.Int32, "slice", minimum=0),
        Column("box_index", pl.Int32, "counts the boxes of a slice", minimum=0),
        Column("finding", pl.String, "what the box holds; one of the task's findings"),
        Column(
            "x", pl.Float64, "left edge; pixels of the stored matrix, its corner is 0", minimum=0
        ),
        Column("y", pl.Float64, "upper edge, in the same way", minimum=0),
        Column("width", pl.Float64, "pixels of the stored matrix", minimum=0),
        Column("height", pl.Float64, "pixels of the stored matrix", minimum=0),
        Column("chronic", pl.Boolean, "whether the box was said to hold a chronic bleed"),
        Column("source", pl.String, "where the box came from"),
    ),
    key=("exam_id", "slice_index", "box_index"),
)
"""A store without boxes has no such file. Pixel (column, row) covers column … column + 1."""


def mask_shard_key(exam_id: str) -> str:
    """Return the key of the only shard of an exam's mask.

    Example:
        >>> mask_shard_key("e12")
        'annotations/masks.zarr/e12/c/0/0/0'
    """
    return f"{MASKS}/{exam_id}/c/0/0/0"


MOST_MASK_FINDINGS = 8
"""Findings that a mask can tell apart."""


def finding_bit(finding: str, findings: Sequence[str] = FINDINGS) -> int:
    """Return the bit by which masks name a finding.

    A summary finding, such as ``any``, is set in every pixel of the findings that it sums up.

    Args:
        finding: The finding.
        findings: All findings of the store's task, in their order.

    Example:
        >>> finding_bit("any"), finding_bit("subdural")
        (1, 32)
    """
    return 1 << findings.index(finding)
