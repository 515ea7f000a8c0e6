"""Any tree of folders with DICOM series and NIfTI volumes.

An optional label file has a column ``path`` (a file or folder within the source) and one column
for each finding it knows (1, 0 or empty): a folder or a NIfTI file labels its exams, a DICOM file
labels its slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.ingest.archive_labels import ArchiveLabels, Values, merge_values
from examwise.ingest.config import IngestConfig
from examwise.ingest.csv_text import ROW, collect_csv_text, scan_csv_text

_PATH = "path"


class FolderImporter:
    """Any folder tree; see :class:`~examwise.ingest.importers.Importer`.

    Every eligible series is an exam, and so is every NIfTI file; a NIfTI file's patient is its
    name without suffix, so that files of one name in several folders stay in one split.

    Example:
        >>> FolderImporter().archive_name
        'folder'
    """

    archive_name = "folder"
    data_terms = "not stated: ask whoever gave the images"
    image_folder = ""
    reads_nifti = True

    def find_labels(self, source: Path, config: IngestConfig) -> Path | None:
        """Return None: a label file of this layout is always named by the user."""
        del source, config
        return None

    def read_labels(
        self, labels: Path, paths: Sequence[str], config: IngestConfig
    ) -> ArchiveLabels:
        """Read the label file; every path in it must be in the source."""
        del config
        table = collect_csv_text(scan_csv_text(labels, _PATH), labels).sort(ROW)
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
        files = set(paths)
        folders = {path[:end] for path in paths for end, mark in enumerate(path) if mark == "/"}
        folders.add("")
        by_file: dict[str, Values] = {}
        by_folder: dict[str, Values] = {}
        for row in table.iter_rows(named=True):
            path = _normalised(row[_PATH])
            if path not in files and path not in folders:
                raise InputError(
                    where=f"{labels}, row {row[ROW]}, column {_PATH}",
                    expected="a file or folder within the source, written relative to it",
                    got="none of that path",
                    remedy="correct the row",
                )
            target = by_file if path in files else by_folder
            values = _values(labels, row)
            merged = merge_values(target.get(path, values), values)
            if merged is None:
                raise InputError(
                    where=f"{labels}, row {row[ROW]}",
                    expected="the same labels as an earlier row of this path",
                    got="others",
                    remedy="correct one of the rows",
                )
            target[path] = merged
        return ArchiveLabels(source="label_file", files=by_file, folders=by_folder)


def _normalised(path: str | None) -> str | None:
    if path is None:
        return None
    parts = [part for part in path.strip().replace("\\", "/").split("/") if part not in ("", ".")]
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
