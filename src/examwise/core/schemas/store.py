"""Tables and keys of an exam store."""

from __future__ import annotations

import polars as pl

from examwise.core.tables import Column, TableSchema

PIXELS = "pixels.zarr"
"""Zarr v3 group with one int16 HU array an exam; chunk = one slice, shard = the exam."""


def shard_key(exam_id: str) -> str:
    """Return the key of an exam's only shard.

    Example:
        >>> shard_key("e12")
        'pixels.zarr/e12/c/0/0/0'
    """
    return f"{PIXELS}/{exam_id}/c/0/0/0"


EXAMS = TableSchema(
    "exams.parquet",
    (
        Column("exam_id", pl.String, "keyed digest of study and series"),
        Column("patient_key", pl.String, "keyed digest of the patient"),
        Column("archive", pl.String, "name of the archive it came from"),
        Column("n_slices", pl.Int32, "slices in the exam", minimum=1),
        Column("rows", pl.Int32, "rows of the stored matrix", minimum=1),
        Column("columns", pl.Int32, "columns of the stored matrix", minimum=1),
        Column("source_rows", pl.Int32, "rows as acquired", minimum=1),
        Column("source_columns", pl.Int32, "columns as acquired", minimum=1),
        Column("row_spacing_mm", pl.Float64, "between rows of the stored matrix", minimum=0),
        Column("column_spacing_mm", pl.Float64, "between columns of the stored matrix", minimum=0),
        Column(
            "slice_spacing_mm",
            pl.Float64,
            "median measured distance of neighbours along the normal",
            nullable=True,
            minimum=0,
        ),
        Column("regular", pl.Boolean, "whether all measured distances agree"),
        Column("gantry_tilt_degree", pl.Float64, "slice normal against the axis of shift"),
        Column("affine", pl.List(pl.Float64), "16 numbers, (column, row, slice, 1) to LPS mm"),
        Column("thickness_mm", pl.Float64, "nominal slice thickness", nullable=True, minimum=0),
        Column("kernel", pl.String, "convolution kernel", nullable=True),
        Column("scanner_group", pl.String, "keyed digest of make and model", nullable=True),
        Column("lossy", pl.Boolean, "whether an image was ever coded with loss"),
        Column("data_terms", pl.String, "terms of use, carried on to models"),
    ),
    key=("exam_id",),
)

SLICES = TableSchema(
    "slices.parquet",
    (
        Column("exam_id", pl.String, "exam"),
        Column("slice_index", pl.Int32, "0 is the lowest along the normal", minimum=0),
        Column("position_mm", pl.Float64, "along the slice normal, measured"),
        Column("relative_position", pl.Float64, "0 lowest to 1 highest", minimum=0, maximum=1),
        Column("offset", pl.Int64, "first byte in the shard", minimum=0),
        Column("length", pl.Int64, "bytes, checksum included", minimum=1),
        Column("crc32c", pl.UInt32, "CRC-32C of the coded slice without its checksum"),
    ),
    key=("exam_id", "slice_index"),
)

LABELS = TableSchema(
    "labels.parquet",
    (
        Column("exam_id", pl.String, "exam"),
        Column("slice_start", pl.Int32, "first slice; missing: whole exam", True, minimum=0),
        Column("slice_stop", pl.Int32, "one past the last slice", True, minimum=1),
        Column("finding", pl.String, "finding"),
        Column("value", pl.Int8, "1, 0, or missing: withdrawn or unsure", True, allowed=(0, 1)),
        Column("source", pl.String, "where the label came from"),
        Column("reader", pl.String, "pseudonym of the reader", nullable=True),
        Column("seconds", pl.Float64, "reading time", nullable=True, minimum=0),
        Column("round", pl.Int32, "round of labelling; later ones overrule", minimum=0),
    ),
)

FILE_STATUS = ("used", "left_out", "set_aside")
"""Used; left out because it is no part of an exam; set aside because it cannot be read."""

FILES = TableSchema(
    "files.parquet",
    (
        Column("path_digest", pl.String, "keyed digest of the path within the source"),
        Column("status", pl.String, "what became of it", allowed=FILE_STATUS),
        Column("reason", pl.String, "code of the reason; empty when used"),
        Column("exam_id", pl.String, "exam it belongs to", nullable=True),
        Column("slice_index", pl.Int32, "slice it became", nullable=True, minimum=0),
        Column("import_index", pl.Int32, "which import brought it; 0 is the first", minimum=0),
    ),
    key=("path_digest",),
)

SERIES = TableSchema(
    "series.parquet",
    (
        Column("series_id", pl.String, "keyed digest of study and series"),
        Column("study_id", pl.String, "keyed digest of the study; missing if not known", True),
        Column("exam_id", pl.String, "exam that it became", nullable=True),
        Column("status", pl.String, "what became of it", allowed=FILE_STATUS),
        Column("reason", pl.String, "code of the reason; empty when used"),
        Column("n_files", pl.Int32, "files of it in the source", minimum=1),
        Column("n_positions", pl.Int32, "different positions", nullable=True, minimum=1),
        Column("extent_mm", pl.Float64, "first to last position", nullable=True, minimum=0),
        Column("thickness_mm", pl.Float64, "nominal slice thickness", nullable=True, minimum=0),
        Column("kernel", pl.String, "convolution kernel", nullable=True),
        Column("import_index", pl.Int32, "which import brought it; 0 is the first", minimum=0),
    ),
    key=("series_id",),
)

INGEST_SUMMARY = "ingest.json"
"""The counts that an import ended with."""

SPLITS = TableSchema(
    "splits.parquet",
    (
        Column("exam_id", pl.String, "exam"),
        Column("patient_key", pl.String, "patient; never in two splits"),
        Column("split", pl.String, "which part", allowed=("train", "validation", "test")),
    ),
    key=("exam_id",),
)

SPLITS_OPTIONS = "splits.json"
"""How the parts were drawn, and the digest of their table."""

CROSSWALK = TableSchema(
    "crosswalk.parquet",
    (
        Column("path_digest", pl.String, "keyed digest of the path within the source"),
        Column("path", pl.String, "path within the source"),
        Column("exam_id", pl.String, "exam", nullable=True),
        Column("slice_index", pl.Int32, "slice", nullable=True, minimum=0),
        Column("patient_id", pl.String, "PatientID", nullable=True),
        Column("study_instance_uid", pl.String, "StudyInstanceUID", nullable=True),
        Column("series_instance_uid", pl.String, "SeriesInstanceUID", nullable=True),
        Column("sop_instance_uid", pl.String, "SOPInstanceUID", nullable=True),
        Column("accession_number", pl.String, "AccessionNumber", nullable=True),
    ),
    key=("path_digest",),
)
"""Lives beside the key, never in a store."""
