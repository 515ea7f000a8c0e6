"""Archive layouts by name, and what a layout has to say about itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from examwise.core.registry import Registry
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.config import IngestConfig

IMPORTERS = Registry(
    "archive layout",
    {
        "rsna": "examwise.ingest.rsna:RsnaImporter",
        "folder": "examwise.ingest.folder:FolderImporter",
    },
)
"""Layout to a class with the methods of :class:`Importer`, made without arguments."""


class Importer(Protocol):
    """What differs between archive layouts; everything else is shared.

    Attributes:
        archive_name: Name of the archive where the user gives none.
        data_terms: Terms of use where the user gives none.
        image_folder: Folder within the source that holds all images; empty for the source itself.
        reads_nifti: Whether NIfTI files of this layout are exams.
    """

    archive_name: str
    data_terms: str
    image_folder: str
    reads_nifti: bool

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
