"""What a folder has to look at: the exams of a store, or of a study with what its runs say."""

from __future__ import annotations

import json
from collections.abc import Sequence

from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST
from examwise.core.storage import Storage
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import require_finding
from examwise.imaging.stored_task import stored_task
from examwise.reporting.exam_viewer.section import study_shelves
from examwise.reporting.exam_viewer.shelf import ExamShelf, ExamShelves
from examwise.reporting.study_files import read_study

STORE, STUDY = "exam-store", "study"


def open_shelves(
    url: str,
    *,
    finding: str | None = None,
    stores: Sequence[str] = (),
    external: Sequence[str] = (),
) -> ExamShelves:
    """Open a store, or a finished and evaluated study.

    Args:
        url: The directory.
        finding: What a store's exams are looked at for; the task's summary if None. A study has
            its own.
        stores: A study's exam stores, where they are not ``store`` in its directory.
        external: Those of its external archives, likewise.

    Raises:
        InputError: If it is neither, or is not finished.
    """
    if not Storage(url).exists(MANIFEST):
        raise InputError(
            where=url, expected="an exam store, or a finished study", got="none of them"
        )
    kind = str(json.loads(Storage(url).read(MANIFEST)).get("kind"))
    if kind == STUDY:
        return study_shelves(read_study(url, stores=stores, external=external))
    if kind != STORE:
        raise InputError(
            where=url,
            expected="an exam store, or a finished study",
            got=f"a directory of kind {kind}",
            remedy="name the study that it belongs to, or the store of its exams",
        )
    stored = StoredExams(url)
    task = stored_task(stored.manifest)
    if finding is not None:
        require_finding(stored, finding)
    about = finding or task.summary_finding or task.findings[0]
    return ExamShelves((ExamShelf([stored], finding=about),))
