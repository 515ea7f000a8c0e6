"""Predictions for a terminal, where exams may be called by the files they came from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from examwise.core.identity import Identity
from examwise.core.manifest import read_manifest
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES, THRESHOLDS
from examwise.core.storage import Storage

_MOST_LISTED = 20
_SUSPICIOUS_SLICES = 3

Sources = Mapping[tuple[str, int], str]
"""Exam and slice to the path, within the source, of the file it came from."""


def read_predicted(out: Path) -> list[dict[str, Any]]:
    """Return an entry an exam and finding, the most probable first, with its leading slices."""
    storage = Storage(out)
    thresholds = json.loads(storage.read(THRESHOLDS))
    slices = PREDICTED_SLICES.read(storage).sort("slice_probability", descending=True)
    leading = slices.group_by("exam_id", "finding").agg(
        pl.col("slice_index").head(_SUSPICIOUS_SLICES).alias("slices")
    )
    exams = PREDICTED_EXAMS.read(storage).join(leading, on=["exam_id", "finding"])
    exams = exams.sort(["exam_probability", "exam_id"], descending=[True, False])
    return [
        {
            "exam_id": row["exam_id"],
            "finding": row["finding"],
            "probability": row["exam_probability"],
            "threshold": thresholds[row["finding"]]["threshold"],
            "positive": row["exam_probability"] >= thresholds[row["finding"]]["threshold"],
            "slices": row["slices"],
        }
        for row in exams.to_dicts()
    ]


def read_sources(identity: Identity, store: str) -> dict[tuple[str, int], str]:
    """Return where each slice of a store came from, from the crosswalk beside the key."""
    store_id = read_manifest(store, kind="exam-store").configuration["store_id"]
    crosswalk = identity.read_crosswalk(store_id).drop_nulls("exam_id")
    rows = crosswalk.select("exam_id", pl.col("slice_index").fill_null(-1), "path").iter_rows()
    return {(exam_id, index): path for exam_id, index, path in rows}


def predicted_text(out: Path, exams: Sequence[Mapping[str, Any]], *, sources: Sources) -> str:
    """Lay out predictions in lines; slices count from 0 at the lowest."""
    lines = [f"{out}: {len(exams):,} predictions; slices count from 0 at the lowest"]
    lines += [_line(exam, sources) for exam in exams[:_MOST_LISTED]]
    if len(exams) > _MOST_LISTED:
        lines.append(f"… and {len(exams) - _MOST_LISTED:,} more in {out}/{PREDICTED_EXAMS.file}")
    return "\n".join(lines)


def _line(exam: Mapping[str, Any], sources: Sources) -> str:
    exam_id = exam["exam_id"]
    files = {index: PurePosixPath(path) for (of, index), path in sources.items() if of == exam_id}
    parents = {str(path if index < 0 else path.parent) for index, path in files.items()}
    name = parents.pop() if len(parents) == 1 else ""
    label = f"{exam_id} ({name})" if name not in ("", ".") else exam_id
    verdict = "positive" if exam["positive"] else "negative"
    slices = ", ".join(
        f"{index} ({files[index].name})" if index in files else str(index)
        for index in exam["slices"]
    )
    return (
        f"{label}: {exam['finding']} {exam['probability']:.3f}, {verdict} at "
        f"{exam['threshold']:.3f}; most suspicious slices {slices}"
    )
