"""A row for every series of a source: which became an exam, and why the others did not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from examwise.core.identity import Identity
from examwise.imaging.dicom_series import ReadSeries
from examwise.imaging.geometry import group_by_position
from examwise.imaging.reasons import status_of
from examwise.ingest.exam_items import ExamItem
from examwise.ingest.image_traits import ImageTraits
from examwise.ingest.kernel_names import kernel_name
from examwise.ingest.scan import ScannedFile


def read_series_row(item: ExamItem, series: ReadSeries | None, reason: str) -> dict[str, Any]:
    """Return the row of a series that was read.

    Args:
        item: The series.
        series: What was read; None where nothing of it could be.
        reason: Why it is no exam; empty if it is one.
    """
    positions = None if series is None else series.volume.positions_mm
    return {
        "series_id": item.exam_id,
        "study_id": item.study_id,
        "exam_id": None if reason else item.exam_id,
        "status": status_of(reason, item.paths[0]) if reason else "used",
        "reason": reason,
        "n_files": len(item.paths) + len(item.beside),
        "n_positions": None if positions is None else len(positions),
        "extent_mm": None if positions is None else float(np.ptp(positions)),
        "thickness_mm": None if series is None else series.thickness_mm,
        "kernel": None if series is None else kernel_name(series.kernel),
    }


def other_series_rows(
    files: Sequence[ScannedFile],
    reasons: Mapping[str, str],
    identity: Identity,
    *,
    known: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Return rows of the series that were not read, sorted by pseudonym.

    Args:
        files: All files of the source.
        reasons: Path within the source to why that file is part of no exam.
        identity: The site's key.
        known: Pseudonyms of series that have their row.
    """
    groups: dict[tuple[str, str], list[ScannedFile]] = defaultdict(list)
    for file in files:
        if file.kind in ("dicom", "nifti") and file.study and file.series:
            groups[file.study, file.series].append(file)
    rows = []
    for (study, series), group in groups.items():
        series_id = identity.exam_id(study, series)
        found = [reasons[file.path] for file in group if file.path in reasons]
        if series_id not in known and found:
            study_id = identity.study_id(study)
            rows.append({"series_id": series_id, "study_id": study_id, **_described(group, found)})
    return sorted(rows, key=lambda row: str(row["series_id"]))


def commonest_reason(reasons: Collection[str]) -> str:
    """Return the reason that most files have; of equally many the first by name.

    Example:
        >>> commonest_reason(["truncated", "damaged", "truncated"])
        'truncated'
    """
    counted = Counter(reasons)
    return min(counted, key=lambda reason: (-counted[reason], reason))


def _described(group: Sequence[ScannedFile], reasons: Sequence[str]) -> dict[str, Any]:
    reason = commonest_reason(reasons)
    traits = Counter(file.traits for file in group if file.traits).most_common(1)
    said = traits[0][0] if traits else ImageTraits()
    positions = [
        position
        for file in group
        for position in file.frame_positions_mm or (file.position_mm,)
        if position is not None
    ]
    return {
        "exam_id": None,
        "status": status_of(reason, group[0].path),
        "reason": reason,
        "n_files": len(group),
        "n_positions": len(group_by_position(positions)) if positions else None,
        "extent_mm": max(positions) - min(positions) if positions else None,
        "thickness_mm": said.thickness_mm,
        "kernel": kernel_name(said.kernel),
    }
