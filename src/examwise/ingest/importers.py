"""Archive layouts by name, and what a layout has to say about itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from examwise.core.registry import Registry
from examwise.core.task import Task
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.bhx import BoxFile
from examwise.ingest.config import IngestConfig
from examwise.ingest.scan import ScannedFile

IMPORTERS = Registry(
    "archive layout",
    {
        "rsna": "examwise.ingest.rsna:RsnaImporter",
        "cq500": "examwise.ingest.cq500:Cq500Importer",
        "ct-ich": "examwise.ingest.ct_ich:CtIchImporter",
        "folder": "examwise.ingest.folder:FolderImporter",
    },
)
"""Layout to a class with the methods of :class:`Importer`, made without arguments."""


class Importer(Protocol):
    """What differs between archive layouts; everything else is shared.

    Attributes:
        archive_name: Name of the archive where the user gives none.
        data_terms: Terms of use where the user gives none.
        label_file: The layout's label file within the source; empty if it has none of its own.
        image_folder: Folder within the source that holds all images; empty for the source itself.
        mask_folder: Folder within the source whose NIfTI files are masks; empty if there is none.
        reads_nifti: Whether NIfTI files of this layout are exams.
        selects_series: Whether :meth:`arrange` wants what headers say of the series.
        takes_boxes: Whether boxes can be joined to images of this layout.
        takes_masks: Whether colour-coded masks can be joined to images of this layout.
        has_readers: Whether its labels are those of several readers.
    """

    archive_name: str
    data_terms: str
    label_file: str
    image_folder: str
    mask_folder: str
    reads_nifti: bool
    selects_series: bool
    takes_boxes: bool
    takes_masks: bool
    has_readers: bool

    def require_task(self, task: Task) -> None:
        """Refuse a task whose findings this layout's labels do not know.

        Raises:
            InputError: If it is such.
        """
        ...

    def find_labels(self, source: Path, config: IngestConfig) -> Path | None:
        """Return the label file that this layout has in ``source``, or None if there is none.

        Raises:
            InputError: If the layout cannot do without one.
        """
        ...

    def read_labels(
        self, labels: Path, paths: Sequence[str], config: IngestConfig
    ) -> ArchiveLabels:
        """Read the label file and check it against the files of the source.

        Args:
            labels: The label file.
            paths: Sorted paths of all files within the source, with forward slashes.
            config: Options.

        Raises:
            InputError: If a row is wrong, or labels and files do not match.
        """
        ...

    def find_boxes(self, source: Path) -> Path | None:
        """Return the box file that this layout has in ``source``, or None if there is none."""
        ...

    def patient_of(self, path: str) -> str:
        """Return the patient that a path within the source names; empty if the header says it."""
        ...

    def arrange(
        self,
        files: Sequence[ScannedFile],
        labels: ArchiveLabels,
        boxes: BoxFile | None,
        config: IngestConfig,
    ) -> tuple[list[ScannedFile], ArchiveLabels]:
        """Settle what can be told only when all headers are known.

        Which series are exams (files of the others get their reason), which boxes and masks
        belong to which image, and what was joined.

        Raises:
            InputError: If labels and files do not match.
        """
        ...
