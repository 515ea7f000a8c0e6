"""Any tree of folders with DICOM series and NIfTI volumes.

An optional label file has a column ``path`` (a file or folder within the source) and one column
for each finding it knows (1, 0 or empty): a folder or a NIfTI file labels its exams, a DICOM file
labels its slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.ingest.archive_labels import (
    UNKNOWN,
    ArchiveLabels,
    Values,
    denied_kind,
    first_difference,
    merge_values,
)
from examwise.ingest.config import ALLOW_UNMATCHED, IngestConfig
from examwise.ingest.csv_text import ROW, collect_csv_text, scan_csv_text
from examwise.ingest.plain_layout import PlainLayout

_PATH = "path"


class FolderImporter(PlainLayout):
    """Any folder tree; see :class:`~examwise.ingest.importers.Importer`.

    Every eligible series is an exam, and so is every NIfTI file; a NIfTI file's patient is its
    name without suffix, so that files of one name in several folders stay in one split.

    Example:
        >>> FolderImporter().archive_name
        'folder'
    """

    archive_name = "folder"
    data_terms = "not stated: ask whoever gave the images"
    reads_nifti = True

    def read_labels(
        self, labels: Path, paths: Sequence[str], config: IngestConfig
    ) -> ArchiveLabels:
        """Read the label file; every path in it should be in the source.

        Rows whose path is not there are refused, or counted where labels need not match. Files
        without a row are fine in this layout. ``any`` may be 1 while all five kinds are 0 (a
        haemorrhage of another kind), but never 0 while one of them is 1.
        """
        table = collect_csv_text(scan_csv_text(labels, _PATH), labels).sort(ROW)
        _require_columns(labels, table)
        files = set(paths)
        folders = {path[:end] for path in paths for end, mark in enumerate(path) if mark == "/"}
        folders.add("")
        stated = _statements(labels, table)
        _require_any_with_kinds(labels, stated.values())
        missing = [path for path in stated if path not in files and path not in folders]
        if missing and not config.allow_unmatched_labels:
            raise InputError(
                where=f"{labels}, row {stated[missing[0]].first_row}, column {_PATH}",
                expected="a file or folder within the source, written relative to it",
                got=f"none of that path ({len(missing)} such paths in all)",
                remedy=f"correct the rows, or go on with what matches by {ALLOW_UNMATCHED}",
            )
        return ArchiveLabels(
            source="label_file",
            files={path: said.values for path, said in stated.items() if path in files},
            folders={path: said.values for path, said in stated.items() if path in folders},
            label_file=str(labels),
            rows={path: said.rows for path, said in stated.items()},
            n_labels_without_file=len(missing),
        )


class _Statement(NamedTuple):
    """What all rows of one path say, and the row that says it for each finding."""

    values: Values
    rows: tuple[int, ...]
    first_row: int


def _statements(labels: Path, table: pl.DataFrame) -> dict[str, _Statement]:
    stated: dict[str, _Statement] = {}
    for row in table.iter_rows(named=True):
        number = int(row[ROW])
        path, values = _normalised(labels, row), _values(labels, row)
        earlier = stated.get(path) or _Statement(UNKNOWN, (0,) * len(FINDINGS), number)
        merged = merge_values(earlier.values, values)
        if merged is None:
            column = FINDINGS[first_difference(earlier.values, values)]
            raise InputError(
                where=f"{labels}, row {number}, column {column}",
                expected="the same labels as an earlier row of this path",
                got="others",
                remedy="correct one of the rows",
            )
        rows = tuple(
            row or (0 if value is None else number)
            for row, value in zip(earlier.rows, values, strict=True)
        )
        stated[path] = _Statement(merged, rows, earlier.first_row)
    return stated


def _require_columns(labels: Path, table: pl.DataFrame) -> None:
    columns = [name for name in table.columns if name not in (ROW, _PATH)]
    if strange := [name for name in columns if name not in FINDINGS]:
        raise InputError(
            where=f"{labels}, column {strange[0]}",
            expected=f"only {_PATH} and columns among {', '.join(FINDINGS)}",
            got=f"{len(strange)} others",
            remedy="rename or remove them",
        )
    if not columns:
        raise InputError(
            where=labels, expected=f"a column for a finding ({', '.join(FINDINGS)})", got="none"
        )
    if table.is_empty():
        raise InputError(
            where=labels,
            expected="rows of labels",
            got="a file that is empty below its header row",
            remedy="add rows, or ingest without --labels",
        )


def _require_any_with_kinds(labels: Path, stated: Iterable[_Statement]) -> None:
    denied = [
        (said.rows[FINDINGS.index(kind)], kind)
        for said in stated
        if (kind := denied_kind(said.values))
    ]
    if denied:
        row, kind = min(denied)
        raise InputError(
            where=f"{labels}, row {row}, column {kind}",
            expected="any to be 1 (or empty) wherever one of its kinds is 1",
            got=f"any = 0 beside a kind that is 1 ({len(denied)} such rows in all)",
            remedy="correct the file",
        )


def _normalised(labels: Path, row: Mapping[str, str | None]) -> str:
    text = (row[_PATH] or "").strip()
    if not text:  # never the whole source, which is "."
        raise InputError(
            where=f"{labels}, row {row[ROW]}, column {_PATH}",
            expected="a file or folder within the source, written relative to it",
            got="nothing",
            remedy="correct the row",
        )
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    return "/".join(parts)


def _values(labels: Path, row: dict[str, str | None]) -> Values:
    values: list[int | None] = []
    for finding in FINDINGS:
        value = (row.get(finding) or "").strip()
        if value not in ("0", "1", ""):
            raise InputError(
                where=f"{labels}, row {row[ROW]}, column {finding}",
                expected="1, 0 or nothing",
                got="something else",
                remedy="correct the row",
            )
        values.append(int(value) if value else None)
    return tuple(values)
