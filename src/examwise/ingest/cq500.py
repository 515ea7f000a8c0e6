"""The CQ500 layout, with the boxes of BHX.

``reads.csv`` with a row for each study and the reads of three readers, and folders
``qctNN/CQ500CT0 CQ500CT0/Unknown Study/CT <series description>/CT000238.dcm``, several series a
study (Chilamkurthy et al., 2018). Boxes on images: ``1_Initial_Manual_Labeling.csv`` (BHX).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.ingest.archive_labels import ArchiveLabels, Reading
from examwise.ingest.bhx import BOX_FILE, BoxFile
from examwise.ingest.boxes_on_images import join_boxes
from examwise.ingest.config import ALLOW_UNMATCHED, IngestConfig
from examwise.ingest.cq500_reads import READERS, consensus, read_reads
from examwise.ingest.exam_label_rule import ExamLabelRule
from examwise.ingest.join_counts import examples_of
from examwise.ingest.plain_layout import PlainLayout
from examwise.ingest.scan import ScannedFile
from examwise.ingest.series_selection import select_series

_LABELS = "reads.csv"
_FOLDER = re.compile(r"CQ500-?CT-?(\d{1,9})(?: CQ500-?CT-?(\d{1,9}))?")


class Cq500Importer(PlainLayout):
    """The CQ500 layout; see :class:`~examwise.ingest.importers.Importer`.

    A study is a patient, and is named by its folder. One series of it is the exam, see
    :func:`~examwise.ingest.series_selection.select_series`.

    Example:
        >>> Cq500Importer().patient_of("qct01/CQ500CT7 CQ500CT7/Unknown Study/CT Plain/1.dcm")
        'CQ500-CT-7'
    """

    archive_name = "cq500"
    data_terms = "CQ500: CC BY-NC-SA 4.0, non-commercial"
    label_file = _LABELS
    selects_series = True
    takes_boxes = True
    takes_masks = True
    has_readers = True

    def find_boxes(self, source: Path) -> Path | None:
        """Return the box file that lies in the source, if one does."""
        boxes = source / BOX_FILE
        return boxes if boxes.is_file() else None

    def patient_of(self, path: str) -> str:
        """Return the study that a path's folders name."""
        folder = _study_folder(path)
        return "" if folder is None else f"CQ500-CT-{folder[1]}"

    def read_labels(
        self, labels: Path, paths: Sequence[str], config: IngestConfig
    ) -> ArchiveLabels:
        """Read the readers' findings; studies are found by their folder's name.

        What the readers come to is the exam's label; each reader's own word is kept beside it.
        """
        rule = ExamLabelRule.parse(config.exam_label)
        rule.require(FINDINGS, len(READERS))
        reads = read_reads(labels)
        folders: dict[str, int] = {}
        loose = 0
        for path in paths:
            if found := _study_folder(path):
                folders[found[0]] = found[1]
            else:
                loose += path.lower().endswith(".dcm")
        studies = {*folders.values()}
        missing_folders, missing_rows = reads.keys() - studies, studies - reads.keys()
        without = sorted(reads[number].row for number in missing_folders)
        if (missing_folders or missing_rows or loose) and not config.allow_unmatched_labels:
            raise InputError(
                where=labels,
                expected="a row for every study's folder and a folder for every row",
                got=f"{len(missing_folders)} rows without a folder"
                + (f" (such as row {without[0]})" if without else "")
                + f", {len(missing_rows)} folders "
                f"without a row and {loose} images outside such folders",
                remedy=f"complete the archive, or go on with what matches by {ALLOW_UNMATCHED}",
            )
        agreed = {
            number: consensus(said.by_reader, rule)
            for number, said in reads.items()
            if number in studies
        }
        torn = [reads[number].row for number, (_, conflict) in agreed.items() if conflict]
        torn_readers = {
            number: n_torn for number in agreed if (n_torn := reads[number].n_torn_readers)
        }
        rows = {number: (reads[number].row,) * len(FINDINGS) for number in agreed}
        known = {folder: number for folder, number in folders.items() if number in agreed}
        readings = {
            number: tuple(
                Reading(self.archive_name, f"{self.archive_name}_{reader.lower()}", values)
                for reader, values in zip(READERS, reads[number].by_reader, strict=True)
            )
            for number in agreed
        }
        counts = {
            "studies": len(agreed),
            "studies_without_images": len(missing_folders),
            "studies_without_row": len(missing_rows),
            "reads_missing": sum(
                values.count(None) for number in agreed for values in reads[number].by_reader
            ),
            "reads_torn": sum(torn_readers.values()),
            "exam_labels_reconciled": len(torn),
        }
        return ArchiveLabels(
            source=f"{self.archive_name}_{rule.name}",
            folders={folder: agreed[number][0] for folder, number in known.items()},
            label_file=str(labels),
            rows={folder: rows[number] for folder, number in known.items()},
            n_labels_without_file=len(missing_folders),
            n_files_without_label=len(missing_rows) + loose,
            readings={folder: readings[number] for folder, number in known.items()},
            slices_speak_for_exams=False,
            counts=counts,
            examples={
                code: examples_of(found, "label file")
                for code, found in (
                    ("studies", [reads[number].row for number in agreed]),
                    ("reads_torn", [reads[number].row for number in torn_readers]),
                    ("exam_labels_reconciled", torn),
                    ("studies_without_images", without),
                )
                if found
            },
        )

    def arrange(
        self,
        files: Sequence[ScannedFile],
        labels: ArchiveLabels,
        boxes: BoxFile | None,
        config: IngestConfig,
    ) -> tuple[list[ScannedFile], ArchiveLabels]:
        """Choose one series of each study; join boxes to images and label their slices.

        The slices of a study's other series that can be the exam are labelled, too: which of them
        is one is settled when they are read.
        """
        chosen = select_series(files, config.series, study_of=self._study, folders_describe=True)
        exams: dict[str, list[ScannedFile]] = defaultdict(list)
        for file in chosen:
            if file.kind == "dicom" and not file.reason:
                exams[self._study(file)].append(file)
        with_exam = {
            folder
            for group in exams.values()
            for file in group
            for folder in labels.above(file.path)
        }
        studies_with = {self.patient_of(f"{folder}/") for folder in with_exam}
        studies = {self.patient_of(f"{folder}/") for folder in labels.folders}
        counts = {**labels.counts, "studies_without_exam": len(studies - studies_with)}
        labels = replace(labels, counts=counts, slices_speak_for_exams=False)
        if boxes is None:
            return chosen, labels
        min_thick_mm = config.series.min_thick_mm
        return chosen, join_boxes(
            chosen, labels, boxes, min_thick_mm=min_thick_mm, study_of=self._study
        )

    def _study(self, file: ScannedFile) -> str:
        return self.patient_of(file.path) or f"\x1f{file.study}"


def _study_folder(path: str) -> tuple[str, int] | None:
    """Return the outermost folder of a path that names a study, and the study's number."""
    parts = path.split("/")[:-1]
    for depth, part in enumerate(parts, 1):
        found = _FOLDER.fullmatch(part)
        if found and (found[2] is None or int(found[1]) == int(found[2])):
            return "/".join(parts[:depth]), int(found[1])
    return None
