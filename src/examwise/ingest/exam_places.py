"""Labels given for exams by their pseudonyms, matched with the exams of the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from examwise.core.errors import InputError
from examwise.core.identity import Identity
from examwise.ingest.archive_labels import ArchiveLabels, exam_place
from examwise.ingest.config import ALLOW_UNMATCHED, IngestConfig
from examwise.ingest.join_counts import examples_of
from examwise.ingest.scan import ScannedFile


def match_exams(
    labels: ArchiveLabels,
    files: Sequence[ScannedFile],
    identity: Identity,
    config: IngestConfig,
) -> ArchiveLabels:
    """Count labels of exams that the source has, and of others.

    Pseudonyms can be told only when all headers have been read, and only with the key.

    Args:
        labels: Labels of the archive.
        files: All files of the source.
        identity: The site's key.
        config: Options.

    Raises:
        InputError: If labels name exams that the source does not have, where all should match.
    """
    if not labels.exams:
        return labels
    series = {(file.study, file.series) for file in files if file.study and file.series}
    known = {exam_place(identity.exam_id(*of)) for of in series}
    missing = [place for place in labels.exams if place not in known]
    rows = {place: min(row for row in labels.rows[place] if row) for place in labels.exams}
    if missing and not config.allow_unmatched_labels:
        raise InputError(
            where=f"{labels.label_file}, row {min(rows[place] for place in missing)}, "
            "column exam_id",
            expected="an exam of the source, by its pseudonym under this identity's key",
            got=f"none of that pseudonym ({len(missing)} such exams in all)",
            remedy="check --identity, correct the rows, or go on with what matches by "
            f"{ALLOW_UNMATCHED}",
        )
    found = [rows[place] for place in labels.exams if place in known]
    lost = [rows[place] for place in missing]
    examples = {
        code: examples_of(of, "label file")
        for code, of in (("label_exams_joined", found), ("label_exams_without_series", lost))
        if of
    }
    counts = {"label_exams_joined": len(found), "label_exams_without_series": len(lost)}
    return replace(
        labels,
        exams={place: values for place, values in labels.exams.items() if place in known},
        n_labels_without_file=labels.n_labels_without_file + len(missing),
        counts={**labels.counts, **counts},
        examples={**labels.examples, **examples},
    )
