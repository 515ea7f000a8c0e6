"""Any tree of folders with DICOM series and NIfTI volumes.

An optional label file has a column ``path`` (a file or folder within the source) or ``exam_id`` (an
exam's pseudonym under the same key), and one column for each of the task's findings that it knows
(1, 0 or empty): a folder or a NIfTI file labels its exams, a DICOM file labels its slice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from examwise.core.errors import InputError
from examwise.core.task import Task
from examwise.ingest.archive_labels import (
    ArchiveLabels,
    Values,
    denied_kind,
    exam_place,
    first_difference,
    merge_values,
)
from examwise.ingest.bhx import BoxFile
from examwise.ingest.config import ALLOW_UNMATCHED, IngestConfig
from examwise.ingest.csv_text import ROW, collect_csv_text, scan_csv_text
from examwise.ingest.join_counts import examples_of
from examwise.ingest.plain_layout import PlainLayout
from examwise.ingest.scan import ScannedFile
from examwise.ingest.series_selection import SeriesKey, named_series, select_series

_PATH, _EXAM = "path", "exam_id"
_EXAM_ID = re.compile(r"e[0-9a-f]{20}")


class FolderImporter(PlainLayout):
    """Any folder tree; see :class:`~examwise.ingest.importers.Importer`.

    One series of a study is the exam, see
    :func:`~examwise.ingest.series_selection.select_series`, or those that the label file names,
    or every eligible one where the options say so; every NIfTI file is one. A NIfTI file's patient
    is its name without suffix, so that files of one name in several folders stay in one split.

    Example:
        >>> FolderImporter().archive_name
        'folder'
    """

    archive_name = "folder"
    data_terms = "not stated: ask whoever gave the images"
    reads_nifti = True
    selects_series = True
    takes_masks = True

    def require_task(self, task: Task) -> None:
        """Accept every task: the label file follows it."""
        del task

    def arrange(
        self,
        files: Sequence[ScannedFile],
        labels: ArchiveLabels,
        boxes: BoxFile | None,
        config: IngestConfig,
    ) -> tuple[list[ScannedFile], ArchiveLabels]:
        """Choose one series of each study; those that the label file names are chosen already."""
        del boxes
        if config.series.select == "every":
            return list(files), labels
        named = named_series(files, labels)
        chosen = select_series(files, config.series, study_of=_study, named=named)
        return [_weighed(file, named) for file in chosen], labels

    def read_labels(
        self, labels: Path, paths: Sequence[str], config: IngestConfig
    ) -> ArchiveLabels:
        """Read the label file; every path in it should be in the source.

        Rows whose path is not there are refused, or counted where labels need not match. Files
        without a row are fine in this layout. A summary finding such as ``any`` may be 1 while all
        that it sums up are 0 (a haemorrhage of another kind), but never 0 while one of them is 1.
        """
        task = config.task
        table = collect_csv_text(scan_csv_text(labels), labels).sort(ROW)
        _require_columns(labels, table, task)
        files = set(paths)
        folders = {path[:end] for path in paths for end, mark in enumerate(path) if mark == "/"}
        folders.add("")
        stated = _statements(labels, table, task)
        _require_sum_with_kinds(labels, stated.values(), task)
        exams = {place: said.values for place, said in stated.items() if said.of_exam}
        missing = [
            path
            for path in stated
            if path not in files and path not in folders and path not in exams
        ]
        if missing and not config.allow_unmatched_labels:
            raise InputError(
                where=f"{labels}, row {stated[missing[0]].first_row}, column {_PATH}",
                expected="a file or folder within the source, written relative to it",
                got=f"none of that path ({len(missing)} such paths in all)",
                remedy=f"correct the rows, or go on with what matches by {ALLOW_UNMATCHED}",
            )
        return ArchiveLabels(
            task=task,
            source="label_file",
            files={path: said.values for path, said in stated.items() if path in files},
            folders={path: said.values for path, said in stated.items() if path in folders},
            exams=exams,
            label_file=str(labels),
            rows={path: said.rows for path, said in stated.items()},
            n_labels_without_file=len(missing),
            counts={
                "label_rows": table.height,
                "label_places_joined": len(stated) - len(missing) - len(exams),
                "label_places_without_file": len(missing),
            },
            examples=_examples(
                stated,
                label_places_joined=[path for path in stated if path in files or path in folders],
                label_places_without_file=missing,
            ),
        )


def _study(file: ScannedFile) -> str:
    # Badly anonymised archives have one study of all patients.
    return f"{file.patient_id}\x1f{file.study}"


def _weighed(file: ScannedFile, named: Collection[SeriesKey]) -> ScannedFile:
    """Let a NIfTI file's pixels say whether it is a head, unless the user has chosen it."""
    if file.kind != "nifti" or file.reason or (file.study, file.series) in named:
        return file
    return file._replace(choice=file.path)


class _Statement(NamedTuple):
    """What all rows of one path or exam say, and the row that says it for each finding."""

    values: Values
    rows: tuple[int, ...]
    first_row: int
    of_exam: bool


def _examples(stated: Mapping[str, _Statement], **places: Sequence[str]) -> dict[str, list[str]]:
    return {
        code: examples_of((stated[place].first_row for place in found), "label file")
        for code, found in places.items()
        if found
    }


def _statements(labels: Path, table: pl.DataFrame, task: Task) -> dict[str, _Statement]:
    stated: dict[str, _Statement] = {}
    for row in table.iter_rows(named=True):
        number = int(row[ROW])
        place, of_exam = _place(labels, row)
        values = _values(labels, row, task)
        nothing = _Statement(task.unknown, (0,) * len(task.findings), number, of_exam)
        earlier = stated.get(place, nothing)
        merged = merge_values(earlier.values, values)
        if merged is None:
            column = task.findings[first_difference(earlier.values, values)]
            raise InputError(
                where=f"{labels}, row {number}, column {column}",
                expected="the same labels as an earlier row of this "
                + ("exam" if of_exam else "path"),
                got="others",
                remedy="correct one of the rows",
            )
        rows = tuple(
            row or (0 if value is None else number)
            for row, value in zip(earlier.rows, values, strict=True)
        )
        stated[place] = _Statement(merged, rows, earlier.first_row, of_exam)
    return stated


def _require_columns(labels: Path, table: pl.DataFrame, task: Task) -> None:
    if not {_PATH, _EXAM} & {*table.columns}:
        raise InputError(
            where=labels,
            expected=f"a column {_PATH} or {_EXAM}",
            got=f"{len(table.columns) - 1} columns, none of these names",
            remedy="check the header row; columns are separated by commas",
        )
    findings = ", ".join(task.findings)
    columns = [name for name in table.columns if name not in (ROW, _PATH, _EXAM)]
    if strange := [name for name in columns if name not in task.findings]:
        raise InputError(
            where=f"{labels}, column {strange[0]}",
            expected=f"only {_PATH}, {_EXAM} and columns among {findings}",
            got=f"{len(strange)} others",
            remedy="rename or remove them, or name the task that has them by --task",
        )
    if not columns:
        raise InputError(where=labels, expected=f"a column for a finding ({findings})", got="none")
    if table.is_empty():
        raise InputError(
            where=labels,
            expected="rows of labels",
            got="a file that is empty below its header row",
            remedy="add rows, or ingest without --labels",
        )


def _require_sum_with_kinds(labels: Path, stated: Iterable[_Statement], task: Task) -> None:
    denied = [
        (said.rows[task.findings.index(kind)], kind)
        for said in stated
        if (kind := denied_kind(said.values, task))
    ]
    if denied:
        row, kind = min(denied)
        name = task.summary_finding
        raise InputError(
            where=f"{labels}, row {row}, column {kind}",
            expected=f"{name} to be 1 (or empty) wherever one of its kinds is 1",
            got=f"{name} = 0 beside a kind that is 1 ({len(denied)} such rows in all)",
            remedy="correct the file",
        )


def _place(labels: Path, row: Mapping[str, str | None]) -> tuple[str, bool]:
    """Return what a row speaks of, and whether that is an exam by its pseudonym."""
    path, exam_id = ((row.get(column) or "").strip() for column in (_PATH, _EXAM))
    if path and exam_id:
        raise InputError(
            where=f"{labels}, row {row[ROW]}",
            expected=f"a {_PATH} or an {_EXAM}",
            got="both",
            remedy="correct the row",
        )
    if exam_id:
        if not _EXAM_ID.fullmatch(exam_id):
            raise InputError(
                where=f"{labels}, row {row[ROW]}, column {_EXAM}",
                expected="an exam's pseudonym (e and 20 hexadecimal digits)",
                got="something else",
                remedy=f"correct the row, or name a file or folder in a column {_PATH}",
            )
        return exam_place(exam_id), True
    if not path:  # never the whole source, which is "."
        raise InputError(
            where=f"{labels}, row {row[ROW]}, column {_PATH if _PATH in row else _EXAM}",
            expected="a file or folder within the source, written relative to it"
            if _PATH in row
            else "an exam's pseudonym",
            got="nothing",
            remedy="correct the row",
        )
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    return "/".join(parts), False


def _values(labels: Path, row: dict[str, str | None], task: Task) -> Values:
    values: list[int | None] = []
    for finding in task.findings:
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
