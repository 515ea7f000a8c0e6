"""The way back from a store to the hospital's files; kept beside the key, never in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from examwise.core.commits import CommitRecord
from examwise.core.identity import Identity
from examwise.core.schemas.store import CROSSWALK
from examwise.ingest.scan import ScannedFile


def make_crosswalk(
    files: Sequence[ScannedFile], records: Iterable[CommitRecord], identity: Identity
) -> pl.DataFrame:
    """Join what the headers said with what became of each file.

    Args:
        files: All files of the source.
        records: The store's commit records.
        identity: The site's key.

    Returns:
        A table with the columns of :data:`~examwise.core.schemas.store.CROSSWALK`.
    """
    places: dict[str, tuple[str | None, int | None]] = {}
    for record in records:
        rows = record.payload["files"]
        places.update(
            zip(
                rows["path_digest"],
                zip(rows["exam_id"], rows["slice_index"], strict=True),
                strict=True,
            )
        )
    rows = [_row(file, identity.path_digest(file.path), places) for file in files]
    return CROSSWALK.frame(rows).sort("path_digest")


def _row(
    file: ScannedFile, digest: str, places: Mapping[str, tuple[str | None, int | None]]
) -> dict[str, Any]:
    exam_id, slice_index = places.get(digest, (None, None))
    nifti = file.kind in ("nifti", "mask")
    return {
        "path_digest": digest,
        "path": _printable(file.path),
        "exam_id": exam_id,
        "slice_index": slice_index,
        "patient_id": _printable(file.patient_id) or None,
        "study_instance_uid": None if nifti else _printable(file.study) or None,
        "series_instance_uid": None if nifti else _printable(file.series) or None,
        "sop_instance_uid": _printable(file.sop_instance_uid) or None,
        "accession_number": _printable(file.accession_number) or None,
    }


def _printable(text: str) -> str:
    """Return text that can be stored: file names may hold bytes that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()
