"""What is to be imported: the files of one archive in one layout, with its label and box file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examwise.core.digests import file_digest
from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor
from examwise.core.identity import Identity
from examwise.core.progress import Progress
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.bhx import read_box_file
from examwise.ingest.config import IngestConfig, SeriesSelectionConfig
from examwise.ingest.exam_places import match_exams
from examwise.ingest.image_masks import ImageMasks, join_image_masks, open_image_masks
from examwise.ingest.importers import IMPORTERS, Importer
from examwise.ingest.listing import Listing, list_files
from examwise.ingest.numbering import numbered_within, numbering_of
from examwise.ingest.scan import ScannedFile, ScanRules, header_index, scan_files


@dataclass(frozen=True)
class Delivery:
    """An archive as the user gave it, listed but not read.

    Attributes:
        layout: A key of :data:`~examwise.ingest.importers.IMPORTERS`.
        importer: What it does.
        source: The archive's folder.
        listing: Its files, label and box file apart.
        label_file: Its label file, if it has one.
        box_file: Its box file, if it has one.
        config: Options.
        masks: Colour-coded masks of its images, if there are any.
    """

    layout: str
    importer: Importer
    source: Path = field(repr=False)
    listing: Listing
    label_file: Path | None = field(repr=False)
    box_file: Path | None = field(repr=False)
    config: IngestConfig
    masks: ImageMasks | None = None

    @property
    def archive_name(self) -> str:
        """Name of the archive in all tables."""
        return self.config.archive_name or self.importer.archive_name

    @property
    def data_terms(self) -> str:
        """Terms of use."""
        return self.config.data_terms or self.importer.data_terms

    def configuration(self, identity: Identity, *, store_id: str) -> dict[str, Any]:
        """Return everything that determines what comes into a store, the files apart.

        Args:
            identity: The site's key.
            store_id: Name of the import's crosswalk.
        """
        return {
            "layout": self.layout,
            **dataclasses.asdict(self.config),
            "archive_name": self.archive_name,
            "data_terms": self.data_terms,
            "key_id": identity.key_id,
            "store_id": store_id,
        }

    def inputs(self, identity: Identity) -> dict[str, str]:
        """Return role to digest of what goes in.

        Digests are keyed: names of few files, or a short label file, could be guessed from plain
        ones.
        """
        inputs = {"files": identity.path_digest(self.listing.digest)}
        for role, path in (("labels", self.label_file), ("boxes", self.box_file)):
            if path is not None and path.is_file():
                inputs[role] = identity.path_digest(file_digest(path))
        if self.masks:
            inputs["masks"] = identity.path_digest(self.masks.digest)
        return inputs

    def read(
        self, identity: Identity, executor: Executor, progress: Progress
    ) -> tuple[list[ScannedFile], ArchiveLabels]:
        """Take a first look at every file, and settle which are exams and what labels they have.

        Raises:
            InputError: If a row of the label file is wrong, or labels and files do not match.
        """
        importer, config = self.importer, self.config
        if self.label_file:
            known = importer.read_labels(self.label_file, self.listing.paths, config)
        else:
            counts = {"label_file_missing": 1} if importer.label_file else {}
            known = ArchiveLabels(task=config.task, counts=counts)
        drawn = read_box_file(self.box_file) if self.box_file else None
        rules = ScanRules(importer.reads_nifti, importer.mask_folder, importer.selects_series)
        scanned = scan_files(
            self.source,
            self.listing,
            rules=rules,
            patient_of=importer.patient_of,
            executor=executor,
            progress=progress,
            index=header_index(identity, self.source, rules),
        )
        files, known = importer.arrange(scanned, known, drawn, config)
        files = numbered_within(files, numbering_of(self.source), importer.patient_of)
        if self.masks:
            known = join_image_masks(files, known, self.masks)
        return files, match_exams(known, files, identity, config)


def open_delivery(
    layout: str,
    source: Path,
    config: IngestConfig,
    *,
    labels: Path | None = None,
    boxes: Path | None = None,
    masks: Path | None = None,
    mask_colours: Path | None = None,
) -> Delivery:
    """List an archive's files and find its label and box file.

    Args:
        layout: A key of :data:`~examwise.ingest.importers.IMPORTERS`.
        source: The archive's folder; nothing in it is changed.
        config: Options.
        labels: Label file, if not the layout's own.
        boxes: Box file, if not the layout's own.
        masks: Folder of colour-coded masks.
        mask_colours: What their colours mean.

    Raises:
        InputError: If there is no such layout, its labels are of other findings than the
            task's, it lacks its label file, takes no boxes or no masks, or has no use for an
            option.
    """
    importer: Importer = IMPORTERS.load(layout)()
    importer.require_task(config.task)
    _require_used(layout, importer, config)
    label_file = labels or importer.find_labels(source, config)
    box_file = _box_file(layout, importer, source, boxes)
    drawn = _masks(layout, importer, config, masks, mask_colours)
    # The layout's own files are no images where others are given in their place, either.
    usual = source / importer.label_file if importer.label_file else None
    own = (usual, importer.find_boxes(source))
    more = (mask_colours, *drawn.paths, drawn.colours.list_file) if drawn else ()
    listing = list_files(
        source,
        folder=importer.image_folder,
        also=(importer.mask_folder,) if importer.mask_folder else (),
        without=tuple(_given((label_file, box_file, *own, *more))),
    )
    return Delivery(layout, importer, source, listing, label_file, box_file, config, drawn)


def _require_used(layout: str, importer: Importer, config: IngestConfig) -> None:
    """Refuse options that this layout would pass over in silence."""
    wrong, wanted = "", "several series a study to choose from"
    if not importer.has_readers and config.exam_label != IngestConfig.exam_label:
        wrong, wanted = "exam_label", "labels of several readers"
    elif not importer.selects_series:
        wrong = next(_unused_of_series(config), "")
    if wrong:
        raise InputError(
            where=f"option {wrong}",
            expected=f"a layout with {wanted}",
            got=layout,
            remedy="leave the option out; in the task, too",
        )


def _unused_of_series(config: IngestConfig) -> Iterator[str]:
    """Yield options that mean nothing where every series is an exam, whatever its kernel."""
    usual, series, task = SeriesSelectionConfig(), config.series, config.task.series
    if series.kernel not in ("any", usual.kernel):
        yield "series.kernel"
    # A task may say what other layouts need: all stores of a study have the same one.
    for name in ("min_slices", "wanted_thickness_mm", "min_thick_mm"):
        used = name == "min_thick_mm" and series.average_thin_to_mm is not None
        known = (getattr(usual, name), getattr(task, name))
        if not used and getattr(series, name) not in known:
            yield f"series.{name}"


def _given(paths: Iterable[Path | None]) -> Iterable[Path]:
    return (path for path in paths if path is not None)


def _masks(
    layout: str,
    importer: Importer,
    config: IngestConfig,
    masks: Path | None,
    mask_colours: Path | None,
) -> ImageMasks | None:
    if masks is None and mask_colours is None:
        return None
    if not importer.takes_masks:
        raise InputError(
            where="option masks",
            expected="a layout whose images can have colour-coded masks",
            got=layout,
            remedy="leave the option out",
        )
    if masks is None or mask_colours is None:
        raise InputError(
            where="options masks and mask_colours",
            expected="both, or neither",
            got="one of them",
            remedy="give the folder of masks and the file that says what their colours mean",
        )
    return open_image_masks(masks, mask_colours, config.task)


def _box_file(layout: str, importer: Importer, source: Path, boxes: Path | None) -> Path | None:
    if boxes is not None and not importer.takes_boxes:
        raise InputError(
            where="option boxes",
            expected="a layout whose images can have boxes",
            got=layout,
            remedy="leave the option out",
        )
    return boxes or importer.find_boxes(source)
