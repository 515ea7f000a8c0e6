"""The way back from a store to the hospital's files; kept beside the key, never in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Any

import polars as pl

from examwise.core.commits import CommitRecord
from examwise.core.identity import Identity
from examwise.core.schemas.store import CROSSWALK
from examwise.ingest.scan import ScannedFile

_KEY = "path_digest"
_RECORDS_A_PART = 500


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
    places = _places(records)
    walk = CROSSWALK.frame(_columns(files, identity)).drop("exam_id", "slice_index")
    return walk.join(places, on="path_digest", how="left").select(CROSSWALK.names).sort(_KEY)


def _places(records: Iterable[CommitRecord]) -> pl.DataFrame:
    """Return what became of each file that a record names; the last word counts."""
    columns = ("path_digest", "exam_id", "slice_index")
    schema = {name: CROSSWALK.dtypes[name] for name in columns}
    parts = [pl.DataFrame(schema=schema)]
    rows = (record.payload["files"] for record in records)
    # A frame of its own for every record would take several times the room of its rows.
    while batch := list(islice(rows, _RECORDS_A_PART)):
        found = {name: list(chain(*(part[name] for part in batch))) for name in columns}
        parts.append(pl.DataFrame(found, schema=schema))
    return pl.concat(parts).unique(_KEY, keep="last")


def without_exams(crosswalk: pl.DataFrame, withdrawn: pl.Series) -> pl.DataFrame:
    """Return a crosswalk without withdrawn exams.

    With the files of an exam go all others of its study and of its patient, such as those that
    were left out, unless another exam of that study or patient stays.

    Args:
        crosswalk: A table of :data:`~examwise.core.schemas.store.CROSSWALK`.
        withdrawn: Digests of the paths of the exams' files.
    """
    gone = pl.col("path_digest").is_in(withdrawn.implode())
    staying = crosswalk.filter(~gone & pl.col("exam_id").is_not_null())
    leaving = crosswalk.filter(gone)
    for name in ("study_instance_uid", "patient_id"):
        lost = leaving[name].drop_nulls().unique()
        lost = lost.filter(~lost.is_in(staying[name].implode()))
        gone |= pl.col(name).is_in(lost.implode()).fill_null(value=False)
    return crosswalk.filter(~gone)


def _columns(files: Sequence[ScannedFile], identity: Identity) -> dict[str, list[Any]]:
    dicom = [file.kind not in ("nifti", "mask") for file in files]
    nothing = [None] * len(files)
    return {
        _KEY: [identity.path_digest(file.path) for file in files],
        "path": [_printable(file.path) for file in files],
        "exam_id": nothing,
        "slice_index": nothing,
        "patient_id": [_printable(file.patient_id) or None for file in files],
        "study_instance_uid": [
            _printable(file.study) or None if has_uid else None
            for file, has_uid in zip(files, dicom, strict=True)
        ],
        "series_instance_uid": [
            _printable(file.series) or None if has_uid else None
            for file, has_uid in zip(files, dicom, strict=True)
        ],
        "sop_instance_uid": [_printable(file.sop_instance_uid) or None for file in files],
        "accession_number": [_printable(file.accession_number) or None for file in files],
    }


def _printable(text: str) -> str:
    """Return text that can be stored: file names may hold bytes that are no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
