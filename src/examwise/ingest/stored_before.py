"""What earlier imports brought into a store that is being added to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from examwise.core.identity import Identity
from examwise.core.schemas.annotations import BOXES, mask_shard_key
from examwise.core.schemas.store import EXAMS, FILES, LABELS, SERIES
from examwise.core.storage import Storage
from examwise.ingest.exam_items import ExamItem


class StoredSlice(NamedTuple):
    """A slice in the store, and what of it the source has now.

    Attributes:
        slice_index: Which slice of the exam.
        places: Files of the exam, or places along a NIfTI file's third axis, that went into it:
            one, or several that were averaged.
        whole: Whether these are all that went into it.
    """

    slice_index: int
    places: tuple[int, ...]
    whole: bool = True


class StoredBefore:
    """Exams, files and labels of a store's imports before one of them.

    Tables are asked, and of them only rows of earlier imports, so that the answer is the same
    while they are being built anew.

    Args:
        storage: The store.
        import_index: Which import is under way.
        identity: The site's key, as for the first import.
        store_ids: Names of the crosswalks of the earlier imports, the first one first.
    """

    def __init__(
        self, storage: Storage, import_index: int, identity: Identity, store_ids: list[str]
    ) -> None:
        self._storage, self._identity, self._store_ids = storage, identity, store_ids
        files = FILES.read(storage).filter(pl.col("import_index") < import_index)
        brought = files.filter(pl.col("status") == "used").group_by("exam_id")
        own = brought.agg(pl.col("import_index").min())
        self.exams: Mapping[str, int] = dict(own.iter_rows())
        """Exam to the import that brought it."""
        came = files.join(own, on=["exam_id", "import_index"], nulls_equal=False)
        self.n_files: Mapping[str, int] = dict(came.group_by("exam_id").len().iter_rows())
        """Exam to the number of files of it that were there then, unusable ones included."""
        places = came.drop_nulls("slice_index").sort("exam_id", "slice_index")
        self._places = _Runs(places.select("exam_id", "path_digest", "slice_index"))
        several = came.filter((pl.col("status") == "used") & pl.col("slice_index").is_null())
        self._with_unplaced = frozenset(several["exam_id"].to_list())
        exams = EXAMS.read(storage)
        self.patients: Mapping[str, str] = dict(exams.select("exam_id", "patient_key").iter_rows())
        """Exam to its patient."""
        self.thickness: Mapping[str, tuple[int, float | None]] = {
            exam_id: (n_slices, thickness_mm)
            for exam_id, n_slices, thickness_mm in exams.select(
                "exam_id", "n_slices", "thickness_mm"
            ).iter_rows()
        }
        """Exam to its number of slices, and their nominal thickness."""
        self._labels: _Runs | None = None
        series = SERIES.read(storage).filter(pl.col("import_index") < import_index)
        self.series = frozenset(series["series_id"].to_list())
        """Series that are on record."""
        used = series.drop_nulls(["exam_id", "study_id"])
        self.exam_of_study: dict[str, str] = dict(used.select("study_id", "exam_id").iter_rows())
        """Study to an exam of it, where that is on record."""
        if series["study_id"].null_count():
            self.exam_of_study |= self._studies_of_crosswalk()
        self._boxed: frozenset[str] | None = None
        self._walks: dict[int, dict[str, str]] = {}

    def labels(self, exam_id: str) -> list[tuple[Any, ...]]:
        """Return the label events of an exam, in their order, each with the table's columns."""
        if self._labels is None:
            self._labels = _Runs(LABELS.read(self._storage).sort("exam_id", maintain_order=True))
        return [(exam_id, *row) for row in self._labels.rows(exam_id)]

    def slices(self, item: ExamItem, images: Mapping[str, str]) -> list[StoredSlice]:
        """Return which files of a DICOM exam went into which slice, by slice.

        A file is known by its path where it came with the same folder; else by its
        SOPInstanceUID, if the crosswalk of the import that brought it is kept.

        Args:
            item: The exam, as the source has it now.
            images: Path within the source to SOPInstanceUID.
        """
        index = self.exams[item.exam_id]
        known = self._identity.for_import(index)
        rows = self._places.rows(item.exam_id)
        of_digest: dict[str, int] = dict(rows)
        walk = self._walk(index) if rows else {}
        of_image = {walk[digest]: place for digest, place in of_digest.items() if digest in walk}
        found: dict[int, dict[str, int]] = defaultdict(dict)
        for number, path in enumerate(item.paths):
            # By its image where that is known: another folder may have other files of one name.
            name = images.get(path, "") if of_image else known.path_digest(path)
            place = (of_image or of_digest).get(name)
            if place is not None:
                found[place].setdefault(name, number)
        n_files = Counter(of_digest.values())
        # Beside averaged files, one of several frames has no slice of its own to be known by.
        unsure = item.exam_id in self._with_unplaced and max(n_files.values(), default=0) > 1
        return [
            StoredSlice(place, (*of.values(),), len(of) == n_files[place] and not unsure)
            for place, of in sorted(found.items())
        ]

    def has_annotations(self, exam_id: str, *, mask: bool) -> bool:
        """Tell whether an exam has a mask, or boxes."""
        if mask:
            return self._storage.exists(mask_shard_key(exam_id))
        if self._boxed is None:
            has_table = self._storage.exists(BOXES.file)
            boxed = BOXES.read(self._storage)["exam_id"].unique().to_list() if has_table else []
            self._boxed = frozenset(boxed)
        return exam_id in self._boxed

    def _studies_of_crosswalk(self) -> dict[str, str]:
        """Return study to exam, of the first import of a store that was of an older schema."""
        if not self._identity.has_crosswalk(self._store_ids[0]):
            return {}
        walk = self._identity.read_crosswalk(self._store_ids[0])
        rows = walk.drop_nulls(["study_instance_uid", "slice_index"])
        found = rows.select("study_instance_uid", "exam_id").unique(maintain_order=True)
        return {self._identity.study_id(study): exam_id for study, exam_id in found.iter_rows()}

    def _walk(self, index: int) -> dict[str, str]:
        if index not in self._walks:
            store_id = self._store_ids[index]
            if self._identity.has_crosswalk(store_id):
                walk = self._identity.read_crosswalk(store_id).drop_nulls("sop_instance_uid")
                rows = walk.select("path_digest", "sop_instance_uid").iter_rows()
                self._walks[index] = dict(rows)
            else:
                self._walks[index] = {}
        return self._walks[index]


class _Runs:
    """Rows of a table that is sorted by exam, found by exam."""

    def __init__(self, frame: pl.DataFrame) -> None:
        runs = frame.group_by("exam_id", maintain_order=True).len()
        ends = runs["len"].cum_sum()
        self._frame = frame.drop("exam_id")
        self._places = {
            exam_id: (end - length, length)
            for exam_id, length, end in zip(runs["exam_id"], runs["len"], ends, strict=True)
        }

    def rows(self, exam_id: str) -> list[tuple[Any, ...]]:
        return self._frame.slice(*self._places.get(exam_id, (0, 0))).rows()
