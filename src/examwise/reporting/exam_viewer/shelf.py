"""The exams that a viewer can open: their pixels, what is known of them, and what runs say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.explanations import EXPLAINED_SLICES
from examwise.imaging.stored_annotations import boxes, has_mask
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels
from examwise.imaging.stored_task import stored_task
from examwise.imaging.stored_truth import StoredTruth
from examwise.reporting.exam_viewer.choice import by_interest, interest, kind_words, kinds_of
from examwise.reporting.exam_viewer.payload import ExamEntry, ExamList, LearnerEntry
from examwise.reporting.explained_runs import ExplainedRun
from examwise.reporting.map_pictures import map_colours


@dataclass(frozen=True)
class ViewedRun:
    """A run, and what it predicted of one finding.

    Attributes:
        run_id: The run.
        name: How it is called.
        series: Number that picks its colour.
        threshold: At or above it an exam is called positive.
        exams: Rows of :data:`~examwise.core.schemas.predictions.PREDICTED_EXAMS`.
        slices: Rows of :data:`~examwise.core.schemas.predictions.PREDICTED_SLICES`.
    """

    run_id: str
    name: str
    series: int
    threshold: float
    exams: pl.DataFrame
    slices: pl.DataFrame


class ExamShelf:
    """Exams of one archive, with the predictions and the maps of some runs.

    Args:
        stores: Where the exams are, none of them in two.
        runs: Whose predictions are shown.
        explained: Maps of slices.
        finding: What everything is about.
        number: Of the archive, which tells apart exams of two archives that share a pseudonym.

    Raises:
        InputError: If a store's labels or boxes lie outside its exams.
        SchemaError: If a table breaks its schema.
    """

    def __init__(
        self,
        stores: Sequence[StoredExams],
        *,
        finding: str,
        runs: Sequence[ViewedRun] = (),
        explained: Sequence[ExplainedRun] = (),
        number: int = 0,
    ) -> None:
        self.finding = finding
        self._number = number
        self.runs = tuple(runs)
        self._store_of = {
            exam_id: store for store in stores for exam_id in store.exams["exam_id"].to_list()
        }
        self._exams = {
            row["exam_id"]: row for store in stores for row in store.exams.iter_rows(named=True)
        }
        self._truths = {id(store): StoredTruth(store, finding) for store in stores}
        self._boxes = pl.concat([_boxes_of(store, finding) for store in stores])
        labels = pl.concat([exam_labels(store, finding) for store in stores])
        self._exam_labels: dict[str, int | None] = dict(labels.rows())
        self._slice_labels = pl.concat([slice_labels(store, finding) for store in stores])
        self._explained = [(one, one.tables.read(EXPLAINED_SLICES)) for one in explained]

    def key_of(self, exam_id: str) -> str:
        """Return how the viewer calls an exam, unlike any of another archive."""
        return f"{self._number}-{exam_id}"

    def __contains__(self, exam_id: object) -> bool:
        return exam_id in self._store_of

    def exam(self, exam_id: str) -> Mapping[str, object]:
        """Return an exam's row of :data:`~examwise.core.schemas.store.EXAMS`.

        Raises:
            InputError: If there is no such exam.
        """
        self.store_of(exam_id)
        return self._exams[exam_id]

    def store_of(self, exam_id: str) -> StoredExams:
        """Return the store that an exam lies in.

        Raises:
            InputError: If there is no such exam.
        """
        try:
            return self._store_of[exam_id]
        except KeyError:
            raise _no_exam() from None

    def truth_of(self, exam_id: str) -> StoredTruth:
        """Return what boxes and masks say, of the store that an exam lies in."""
        return self._truths[id(self.store_of(exam_id))]

    def boxes_of(self, exam_id: str) -> pl.DataFrame:
        """Return the boxes of an exam that hold the finding."""
        return self._boxes.filter(exam_id=exam_id)

    def slice_truth(self, exam_id: str) -> list[int | None]:
        """Return the label of each slice: that of the predictions, else that of the store."""
        for run in self.runs:
            own = run.slices.filter(exam_id=exam_id)
            if own.height:
                return own["slice_label"].to_list()
        own = self._slice_labels.filter(exam_id=exam_id)
        known = dict(own.select("slice_index", "slice_label").rows())
        return [known.get(index) for index in range(self.store_of(exam_id).n_slices(exam_id))]

    def maps_of(self, exam_id: str) -> list[tuple[ExplainedRun, list[int]]]:
        """Return the runs and methods that explained slices of an exam, and those slices."""
        found = []
        for one, table in self._explained:
            indices = table.filter(exam_id=exam_id)["slice_index"].sort().to_list()
            if indices:
                found.append((one, indices))
        return found

    def learner_of(self, run_id: str) -> int | None:
        """Return the place of a run among the learners; None if it is none of them."""
        return next((place for place, run in enumerate(self.runs) if run.run_id == run_id), None)

    def entries(self, *, predicted_only: bool) -> list[ExamEntry]:
        """List the exams.

        Args:
            predicted_only: Whether to leave out exams that no run predicted.
        """
        probabilities = [
            dict(run.exams.select("exam_id", "exam_probability").rows()) for run in self.runs
        ]
        labels = dict(self._exam_labels)
        for run in self.runs:
            labels |= dict(run.exams.select("exam_id", "exam_label").rows())
        boxed = set(self._boxes["exam_id"].to_list())
        mapped = {name for _, table in self._explained for name in table["exam_id"].to_list()}
        thresholds = [run.threshold for run in self.runs]
        found = []
        for exam_id, store in self._store_of.items():
            said = [of_run.get(exam_id) for of_run in probabilities]
            if predicted_only and not any(value is not None for value in said):
                continue
            overlays = {
                "boxes": exam_id in boxed,
                "masks": has_mask(store, exam_id),
                "maps": exam_id in mapped,
            }
            found.append(
                ExamEntry(
                    id=self.key_of(exam_id),
                    exam_id=exam_id,
                    archive=str(self._exams[exam_id]["archive"]),
                    truth=labels[exam_id],
                    n_slices=store.n_slices(exam_id),
                    probabilities=[None if value is None else round(value, 4) for value in said],
                    kinds=kinds_of(labels[exam_id], said, thresholds),
                    interest=round(interest(labels[exam_id], said, thresholds), 4),
                    overlays=[name for name, is_there in overlays.items() if is_there],
                )
            )
        return found

    def pixels_hu(self, exam_id: str, slice_indices: Sequence[int]) -> npt.NDArray[np.int16]:
        """Read slices of an exam, HU, int16, shape (slices, rows, columns)."""
        return self.store_of(exam_id).read_slices(exam_id, slice_indices)


@dataclass(frozen=True)
class ExamShelves:
    """Exams of several archives, all with the predictions of the same runs."""

    shelves: tuple[ExamShelf, ...]

    def exam_list(self, *, predicted_only: bool) -> ExamList:
        """List the exams, the most interesting first.

        Args:
            predicted_only: Whether to leave out exams that no run predicted.
        """
        learners = [
            LearnerEntry(
                name=run.name, run_id=run.run_id, series=run.series, threshold=run.threshold
            )
            for run in self.shelves[0].runs
        ]
        entries = [
            entry
            for shelf in self.shelves
            for entry in shelf.entries(predicted_only=predicted_only)
        ]
        return ExamList(
            finding=self.shelves[0].finding,
            learners=learners,
            kinds=kind_words(learners),
            colours=map_colours(),
            exams=by_interest(entries),
        )

    def find(self, key: str) -> tuple[ExamShelf, str]:
        """Return the archive of an exam and its pseudonym.

        Args:
            key: From :meth:`ExamShelf.key_of`.

        Raises:
            InputError: If there is no such exam.
        """
        number, _, exam_id = key.partition("-")
        if number in map(str, range(len(self.shelves))):
            shelf = self.shelves[int(number)]
            if exam_id in shelf:
                return shelf, exam_id
        raise _no_exam()


def _no_exam() -> InputError:
    return InputError(where="exam viewer", expected="an exam of its stores", got="another")


def _boxes_of(store: StoredExams, finding: str) -> pl.DataFrame:
    found = boxes(store)
    summary = stored_task(store.manifest).summary_finding
    return found if finding == summary else found.filter(finding=finding)
