"""The CT-ICH layout (Hssayeni et al., 2020).

``ct_scans/049.nii``, ``masks/049.nii`` with bleeds drawn in, and
``hemorrhage_diagnosis_raw_ct.csv`` with a row for each patient and slice; ``SliceNumber`` counts
from 1 along the file's third axis, ``No_Hemorrhage`` is the opposite of ``any``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.core.task import default_task
from examwise.imaging.nifti import is_nifti_name
from examwise.ingest.archive_labels import (
    UNKNOWN,
    ArchiveAnnotations,
    ArchiveLabels,
    Values,
    denied_kind,
)
from examwise.ingest.bhx import BoxFile
from examwise.ingest.config import ALLOW_UNMATCHED, IngestConfig
from examwise.ingest.csv_text import ROW, collect_csv_text, scan_csv_text
from examwise.ingest.join_counts import examples_of
from examwise.ingest.plain_layout import PlainLayout
from examwise.ingest.scan import ScannedFile, file_stem

_LABELS = "hemorrhage_diagnosis_raw_ct.csv"
_PATIENT, _SLICE, _ABSENT = "PatientNumber", "SliceNumber", "No_Hemorrhage"
_COLUMNS = {
    "epidural": "Epidural",
    "intraparenchymal": "Intraparenchymal",
    "intraventricular": "Intraventricular",
    "subarachnoid": "Subarachnoid",
    "subdural": "Subdural",
}
_MOST_SLICES = 10_000


class CtIchImporter(PlainLayout):
    """The CT-ICH layout; see :class:`~examwise.ingest.importers.Importer`.

    A file's name is its patient's number. Slices count along the third axis of the file as it is
    stored, which may run up or down the patient. A mask belongs to the scan of its name, voxel by
    voxel.

    Example:
        >>> CtIchImporter().image_folder
        'ct_scans'
    """

    archive_name = "ct_ich"
    data_terms = "CT-ICH (PhysioNet): as its PhysioNet page says"
    label_file = _LABELS
    image_folder = "ct_scans"
    mask_folder = "masks"
    reads_nifti = True

    def read_labels(
        self, labels: Path, paths: Sequence[str], config: IngestConfig
    ) -> ArchiveLabels:
        """Read the rows of slices and find each patient's volume by its name.

        An image whose ``No_Hemorrhage`` is 1 beside a kind that is 1 is refused.
        """
        del config
        numbers = {
            path: int(stem)
            for path in paths
            if path.startswith(f"{self.image_folder}/")
            and is_nifti_name(path)
            and (stem := file_stem(path)).isdecimal()
        }
        _require_one_volume_each(f"folder {self.image_folder}", numbers.values())
        rows = _read_rows(labels)
        volumes = {path: rows.by_patient.get(number, {}) for path, number in numbers.items()}
        there = {*numbers.values()}
        lost = [
            row
            for patient, rows_of in rows.by_patient.items()
            if patient not in there
            for _, row in rows_of.values()
        ]
        return ArchiveLabels(
            source=self.archive_name,
            label_file=str(labels),
            volumes={path: _by_place(slices) for path, slices in volumes.items() if slices},
            volume_rows={
                path: {place: row for place, (_, row) in slices.items()}
                for path, slices in volumes.items()
            },
            n_labels_without_file=len(lost),
            counts={
                "slice_rows": rows.n_rows,
                "slice_rows_repeated": rows.n_repeated,
                "slice_rows_without_volume": len(lost),
            },
            lost_rows=tuple(lost),
            examples={"slice_rows_without_volume": examples_of(lost, "label file")} if lost else {},
        )

    def arrange(
        self,
        files: Sequence[ScannedFile],
        labels: ArchiveLabels,
        boxes: BoxFile | None,
        config: IngestConfig,
    ) -> tuple[list[ScannedFile], ArchiveLabels]:
        """Fit rows to the volumes' lengths, and masks to their scans.

        Two volumes or masks of one patient's number are refused, even where they are the same:
        nobody knows which one the rows describe, and one patient's exam would count twice.
        """
        del boxes
        _require_one_of_each_number(files, self.image_folder, "volume")
        _require_one_of_each_number(files, self.mask_folder, "mask")
        counts = Counter(labels.counts)
        lost = [
            row
            for file in files
            for place, row in labels.volume_rows.get(file.path, {}).items()
            if file.kind == "nifti" and not file.reason and place > file.n_places
        ]
        joined = [
            row
            for file in files
            for place, row in labels.volume_rows.get(file.path, {}).items()
            if file.kind == "nifti" and not file.reason and place <= file.n_places
        ]
        volumes = dict(labels.volumes)
        scans = [file for file in files if file.kind == "nifti" and not file.reason]
        for scan in scans:
            values = volumes.get(scan.path, ())
            within = (*values, *(UNKNOWN,) * scan.n_places)[: scan.n_places]
            beyond = tuple(known for known in values[scan.n_places :] if known != UNKNOWN)
            counts["slices_without_row"] += within.count(UNKNOWN)
            counts["slice_rows_joined"] += scan.n_places - within.count(UNKNOWN)
            counts["slice_rows_beyond"] += len(beyond)
            if values:
                volumes[scan.path] = within + beyond
        n_lost = labels.n_labels_without_file + counts["slice_rows_beyond"]
        has_labels = bool(labels.source)
        if has_labels and (n_lost or counts["slices_without_row"]):
            first = min((*lost, *labels.lost_rows), default=0)
            _require_allowed(labels, n_lost, counts["slices_without_row"], first, config)
        masks, files = _paired_masks(files, scans)
        return files, replace(
            labels,
            volumes=volumes,
            n_labels_without_file=n_lost,
            n_files_without_label=counts["slices_without_row"] if has_labels else 0,
            annotations=ArchiveAnnotations(f"{self.archive_name}_mask", masks=masks),
            counts=_mask_counts(counts, scans, masks, files)
            if has_labels
            else _mask_counts(Counter(labels.counts), scans, masks, files),
            examples={
                **labels.examples,
                **{
                    code: examples_of(rows, "label file")
                    for code, rows in (("slice_rows_joined", joined), ("slice_rows_beyond", lost))
                    if rows
                },
            },
        )


def _mask_counts(
    counts: Counter[str],
    scans: Sequence[ScannedFile],
    masks: Mapping[str, str],
    files: Sequence[ScannedFile],
) -> dict[str, int]:
    if any(file.kind == "mask" for file in files):
        return {**counts, "scans_without_mask": len(scans) - len(masks)}
    return {**counts, "mask_folder_missing": 1}


@dataclass(frozen=True)
class _Rows:
    by_patient: Mapping[int, Mapping[int, tuple[Values, int]]]
    n_rows: int
    n_repeated: int


def _read_rows(path: Path) -> _Rows:
    """Return values and row number by patient and slice number."""
    columns = (_PATIENT, _SLICE, _ABSENT, *_COLUMNS.values())
    table = collect_csv_text(scan_csv_text(path, *columns), path).sort(ROW)
    if table.is_empty():
        raise InputError(
            where=path,
            expected="a row for each slice",
            got="a file that is empty below its header row",
            remedy="save the file again",
        )
    found: dict[int, dict[int, tuple[Values, int]]] = defaultdict(dict)
    n_repeated = 0
    for row in table.iter_rows(named=True):
        number = int(row[ROW])
        slices = found[_whole(path, row, _PATIENT)]
        place = _whole(path, row, _SLICE)
        values = _values(path, row)
        if place in slices:
            earlier, first = slices[place]
            if earlier != values:
                raise InputError(
                    where=f"{path}, row {number}",
                    expected=f"the same labels as in row {first}, which is of the same slice",
                    got="others",
                    remedy="correct one of the rows",
                )
            n_repeated += 1
        else:
            slices[place] = values, number
    return _Rows(found, table.height, n_repeated)


def _whole(path: Path, row: Mapping[str, Any], column: str) -> int:
    text = (row[column] or "").strip()
    if text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= _MOST_SLICES:
        return int(text[:9])
    raise InputError(
        where=f"{path}, row {row[ROW]}, column {column}",
        expected=f"a whole number from 1 to {_MOST_SLICES}",
        got="something else",
        remedy="correct the row",
    )


def _values(path: Path, row: Mapping[str, Any]) -> Values:
    stated = {finding: _value(path, row, column) for finding, column in _COLUMNS.items()}
    stated["any"] = 1 - _value(path, row, _ABSENT)
    values = tuple(stated[finding] for finding in FINDINGS)
    if kind := denied_kind(values, default_task()):
        raise InputError(
            where=f"{path}, row {row[ROW]}, column {_COLUMNS[kind]}",
            expected=f"0 wherever {_ABSENT} is 1",
            got="1",
            remedy="correct the row",
        )
    return values


def _value(path: Path, row: Mapping[str, Any], column: str) -> int:
    text = (row[column] or "").strip()
    if text not in ("0", "1"):
        raise InputError(
            where=f"{path}, row {row[ROW]}, column {column}",
            expected="0 or 1",
            got="something else",
            remedy="correct the row",
        )
    return int(text)


def _by_place(slices: Mapping[int, tuple[Values, int]]) -> tuple[Values, ...]:
    return tuple(
        slices[number][0] if number in slices else UNKNOWN for number in range(1, max(slices) + 1)
    )


def _require_one_volume_each(where: str, numbers: Iterable[int], what: str = "volume") -> None:
    repeated = sum(times > 1 for times in Counter(numbers).values())
    if repeated:
        raise InputError(
            where=where,
            expected=f"one {what} file for each patient's number",
            got=f"several files for {repeated} of the numbers, such as 049.nii beside 49.nii.gz",
            remedy="move all but one of each out of the folder, even if they are the same",
        )


def _require_one_of_each_number(files: Sequence[ScannedFile], folder: str, what: str) -> None:
    numbers = [
        int(stem)
        for file in files
        if file.path.startswith(f"{folder}/")
        and is_nifti_name(file.path)
        and (stem := file_stem(file.path)).isdecimal()
    ]
    _require_one_volume_each(f"folder {folder}", numbers, what)


def _require_allowed(
    labels: ArchiveLabels, n_lost: int, n_bare: int, first: int, config: IngestConfig
) -> None:
    if not config.allow_unmatched_labels:
        such = f" (such as row {first})" if first else ""
        raise InputError(
            where=labels.label_file,
            expected="a row for every slice and a slice for every row",
            got=f"{n_lost} rows without a slice{such} and {n_bare} slices without a row",
            remedy=f"complete the archive, or go on with what matches by {ALLOW_UNMATCHED}",
        )


def _paired_masks(
    files: Sequence[ScannedFile], scans: Sequence[ScannedFile]
) -> tuple[dict[str, str], list[ScannedFile]]:
    """Return scan path to mask path, and the files with a reason for masks without a scan."""
    masks = {_number(file): file.path for file in files if file.kind == "mask"}
    paired = {scan.path: masks[_number(scan)] for scan in scans if _number(scan) in masks}
    used = {*paired.values()}
    return paired, [
        file._replace(reason="mask_without_scan")
        if file.kind == "mask" and not file.reason and file.path not in used
        else file
        for file in files
    ]


def _number(file: ScannedFile) -> str:
    """Return a file's name without suffix, however many zeros its number begins with."""
    return str(int(file.patient_id)) if file.patient_id.isdecimal() else file.patient_id
