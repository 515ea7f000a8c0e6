"""What most layouts have in common: every series and volume is an exam, and nothing is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.core.task import Task
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.bhx import BoxFile
from examwise.ingest.config import ALLOW_UNMATCHED, IngestConfig
from examwise.ingest.scan import ScannedFile


class PlainLayout:
    """The simplest answers to what an :class:`~examwise.ingest.importers.Importer` is asked."""

    label_file = ""
    image_folder = ""
    mask_folder = ""
    reads_nifti = False
    selects_series = False
    takes_boxes = False
    takes_masks = False
    has_readers = False

    def require_task(self, task: Task) -> None:
        """Refuse a task that looks for other findings than the layout's own labels know."""
        if task.findings != FINDINGS or not task.summary_finding:
            raise InputError(
                where=f"task {task.name}",
                expected=f"this layout's own findings ({', '.join(FINDINGS)}), {FINDINGS[0]} "
                "summing up the others",
                got=", ".join(task.findings),
                remedy="take the layout folder with a label file of the task's findings",
            )

    def find_labels(self, source: Path, config: IngestConfig) -> Path | None:
        """Return the layout's label file; it may be missing only where labels need not match."""
        if not self.label_file:
            return None
        labels = source / self.label_file
        if labels.is_file():
            return labels
        if config.allow_unmatched_labels:
            return None
        raise InputError(
            where=labels,
            expected="the label file of this layout",
            got="no file",
            remedy=f"give it by --labels, or ingest without labels by {ALLOW_UNMATCHED}",
        )

    def find_boxes(self, source: Path) -> Path | None:
        """Return None: nothing is drawn."""
        del source
        return None

    def patient_of(self, path: str) -> str:
        """Return nothing: the header says whose an image is."""
        del path
        return ""

    def arrange(
        self,
        files: Sequence[ScannedFile],
        labels: ArchiveLabels,
        boxes: BoxFile | None,
        config: IngestConfig,
    ) -> tuple[list[ScannedFile], ArchiveLabels]:
        """Return files and labels as they are."""
        del boxes, config
        return list(files), labels
