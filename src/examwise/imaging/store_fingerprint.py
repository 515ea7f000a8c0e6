"""What a store holds, in numbers: enough to tell two stores apart, and to see a strange one."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import polars as pl

from examwise.core.schemas.store import FILES, SPLITS
from examwise.imaging.hu_check import BIN_WIDTH_HU, FIRST_EDGE_HU
from examwise.imaging.store_check import StoreCheck
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels

WHOLE = "all"
"""Stands for all parts of a store together."""

_ROWS_A_PIECE = 200_000
_TILTED_DEGREE = 1.0
_QUANTILES = {"minimum": 0.0, "p5": 0.05, "median": 0.5, "p95": 0.95, "maximum": 1.0}


def fingerprint(url: str, check: StoreCheck) -> dict[str, Any]:
    """Describe a store whose tables are whole.

    Args:
        url: The store.
        check: What became of re-reading it.

    Returns:
        Plain values, ready for JSON:

        - ``content``: SHA-256 of all tables but ``splits.parquet``, by their values; two stores
          with the same are the same.
        - ``exams``, ``patients``, ``slices``, ``label_events``, ``shard_bytes``: how many.
        - ``parts``: part to its numbers of exams, patients and slices; empty if not split.
        - ``prevalence``: a row for each finding and part (``all`` comes first).
        - ``slices_per_exam``, ``slice_spacing_mm``, ``thickness_mm``, ``gantry_tilt_degree``:
          distributions over exams.
        - ``archives``, ``data_terms``, ``matrices``, ``kernels``, ``scanner_groups``: value to
          number of exams, the commonest first; ``none`` where it is not known.
        - ``irregular``, ``tilted``, ``lossy``: how many exams are.
        - ``files``: numbers by status and reason.
        - ``hu``: histogram of all pixels; null where they were not decoded.
    """
    stored = StoredExams(url)
    exams = stored.exams
    splits = SPLITS.read(stored.storage) if stored.storage.exists(SPLITS.file) else None
    parts = {} if splits is None else _parts(stored, splits)
    files = FILES.read(stored.storage)
    return {
        "content": _content(stored, files),
        "exams": exams.height,
        "patients": exams["patient_key"].n_unique(),
        "slices": stored.slices.height,
        "label_events": stored.labels.height,
        "shard_bytes": check.n_bytes,
        "parts": parts,
        "prevalence": _prevalence(stored, splits, [WHOLE, *parts]),
        "slices_per_exam": _distribution(exams["n_slices"]),
        "slice_spacing_mm": _distribution(exams["slice_spacing_mm"]),
        "thickness_mm": _distribution(exams["thickness_mm"]),
        "gantry_tilt_degree": _distribution(exams["gantry_tilt_degree"]),
        "archives": _counts(exams["archive"]),
        "data_terms": _counts(exams["data_terms"]),
        "matrices": _counts(
            exams.select(pl.format("{} × {}", "rows", "columns").alias("matrix"))["matrix"]
        ),
        "kernels": _counts(exams["kernel"]),
        "scanner_groups": _counts(exams["scanner_group"]),
        "irregular": exams.filter(~pl.col("regular")).height,
        "tilted": exams.filter(pl.col("gantry_tilt_degree").abs() > _TILTED_DEGREE).height,
        "lossy": exams.filter(pl.col("lossy")).height,
        "files": files.group_by("status", "reason")
        .len("files")
        .sort("status", "reason")
        .to_dicts(),
        "hu": _hu(check),
    }


def _content(stored: StoredExams, files: pl.DataFrame) -> str:
    digest = hashlib.sha256()
    exams = stored.exams.with_columns(
        pl.col("affine").cast(pl.List(pl.String)).list.join(" ", ignore_nulls=False)
    )
    for table in (exams, stored.slices, stored.labels, files):
        for piece in table.iter_slices(_ROWS_A_PIECE):
            digest.update(piece.write_csv().encode())
    return digest.hexdigest()


def _parts(stored: StoredExams, splits: pl.DataFrame) -> dict[str, dict[str, int]]:
    joined = stored.exams.select("exam_id", "patient_key", "n_slices").join(
        splits.select("exam_id", "split"), on="exam_id"
    )
    return {
        part: {
            "exams": own.height,
            "patients": own["patient_key"].n_unique(),
            "slices": int(own["n_slices"].sum()),
        }
        for part in ("train", "validation", "test")
        for own in [joined.filter(pl.col("split") == part)]
    }


def _prevalence(
    stored: StoredExams, splits: pl.DataFrame | None, parts: list[str]
) -> list[dict[str, Any]]:
    rows = []
    for finding in stored.labels["finding"].unique().sort().to_list():
        exams = exam_labels(stored, finding).rename({"exam_label": "value"})
        slices = slice_labels(stored, finding).rename({"slice_label": "value"})
        for part in parts:
            row: dict[str, Any] = {"finding": finding, "part": part}
            for name, labels in (("exams", exams), ("slices", slices)):
                if part != WHOLE and splits is not None:
                    own = splits.filter(pl.col("split") == part)
                    labels = labels.join(own, on="exam_id", how="semi")
                row[f"{name}_labelled"] = labels["value"].drop_nulls().len()
                row[f"{name}_positive"] = int((labels["value"] == 1).sum())
            rows.append(row)
    return rows


def _distribution(values: pl.Series) -> dict[str, Any]:
    known = values.drop_nulls().cast(pl.Float64)
    counted = known.round(1).value_counts(sort=False, name="n").sort(values.name)
    return {
        "known": known.len(),
        "missing": values.null_count(),
        **{
            name: None if known.is_empty() else round(float(np.quantile(known, share)), 4)
            for name, share in _QUANTILES.items()
        },
        "counts": [list(row) for row in counted.iter_rows()],
    }


def _counts(values: pl.Series) -> dict[str, int]:
    counted = values.fill_null("none").value_counts(name="n")
    return dict(counted.sort(["n", values.name], descending=[True, False]).iter_rows())


def _hu(check: StoreCheck) -> dict[str, Any] | None:
    if check.pixels is None:
        return None
    return {
        "first_edge_hu": FIRST_EDGE_HU,
        "bin_width_hu": BIN_WIDTH_HU,
        "counts": check.pixels.counts.tolist(),
        "lowest_hu": check.pixels.lowest_hu,
        "highest_hu": check.pixels.highest_hu,
    }
