"""Where a store says that a finding is: boxes and masks as pixels of slices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.schemas.annotations import finding_bit
from examwise.imaging.stored_annotations import boxes, drawn_slices, mask
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_task import stored_task


@dataclass(frozen=True)
class SliceTruth:
    """Where a finding is in a slice.

    Attributes:
        slice_index: The slice.
        truth: What says so: ``"boxes"`` or ``"masks"``.
        inside: Whether a pixel belongs to it, shape (rows, columns); of several boxes, any.
        kinds: What is there, of the findings that are asked for; a summary finding is left out.
    """

    slice_index: int
    truth: Literal["boxes", "masks"]
    inside: npt.NDArray[np.bool_]
    kinds: tuple[str, ...]


class StoredTruth:
    """A store's boxes and masks of one finding.

    A summary finding is in every box, and in every mask of one of its kinds.

    Args:
        stored: The store.
        finding: The finding; what the store's task does not know is nowhere.

    Raises:
        InputError: If a box lies outside its exam.
        SchemaError: If the table of boxes breaks its schema.
    """

    def __init__(self, stored: StoredExams, finding: str) -> None:
        task = stored_task(stored.manifest)
        self._stored = stored
        self._findings = task.findings
        self._finding = finding
        summed_up = task.kinds if finding == task.summary_finding else ()
        self._kinds = summed_up or tuple(name for name in task.findings if name == finding)
        wanted = [finding, *summed_up] if finding in task.findings else []
        self._boxes = boxes(stored).filter(pl.col("finding").is_in(wanted))

    def annotated(self, exam_ids: Iterable[str]) -> pl.DataFrame:
        """Return the slices of exams on which the finding is marked: exam_id, slice_index.

        Raises:
            IntegrityError: If a mask is damaged.
        """
        wanted = list(exam_ids)
        rows = [(name, index) for name in wanted for index in self._masked(name)]
        masked = pl.DataFrame(
            rows, schema={"exam_id": pl.String, "slice_index": pl.Int32}, orient="row"
        )
        boxed = self._boxes.filter(pl.col("exam_id").is_in(wanted)).select(masked.columns)
        return pl.concat([boxed, masked]).unique().sort("exam_id", "slice_index")

    def of_exam(self, exam_id: str, slice_indices: Iterable[int]) -> list[SliceTruth]:
        """Return what is known of slices of an exam; a slice with boxes and a mask has two.

        Raises:
            IntegrityError: If the mask is damaged.
        """
        indices = list(slice_indices)
        of_exam = self._boxes.filter(pl.col("exam_id") == exam_id)
        shape = self._stored.shape(exam_id)[1:]
        found = []
        for index in indices:
            in_slice = of_exam.filter(pl.col("slice_index") == index)
            if in_slice.height:
                edges = in_slice.select("x", "y", "width", "height").rows()
                named = set(in_slice["finding"])
                found.append(SliceTruth(index, "boxes", box_pixels(edges, shape), self._of(named)))
        masked = self._masked(exam_id)
        for index in indices:
            if index in masked:
                bits = int(np.bitwise_or.reduce(masked[index], axis=None))
                named = {name for name in self._findings if bits & self._bit(name)}
                inside = masked[index] & self._bit(self._finding) != 0
                found.append(SliceTruth(index, "masks", inside, self._of(named)))
        return found

    def _masked(self, exam_id: str) -> dict[int, npt.NDArray[np.uint8]]:
        if self._finding not in self._findings or not (
            drawn := drawn_slices(self._stored, exam_id)
        ):
            return {}
        bits = mask(self._stored, exam_id)
        if bits is None:
            return {}
        bit = self._bit(self._finding)
        return {index: bits[index] for index in drawn if bool((bits[index] & bit).any())}

    def _bit(self, finding: str) -> int:
        return finding_bit(finding, self._findings)

    def _of(self, named: set[str]) -> tuple[str, ...]:
        return tuple(kind for kind in self._kinds if kind in named)


def box_pixels(
    edges: Iterable[tuple[float, float, float, float]], shape: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Return the pixels whose centre is in a box, of a very thin box the ones at its middle.

    Args:
        edges: x, y, width and height of each box, in pixels; pixel (column, row) covers column …
            column + 1.
        shape: Rows and columns.

    Example:
        >>> box_pixels([(0.4, 0.0, 1.2, 1.0)], (1, 3))
        array([[ True,  True, False]])
    """
    inside = np.zeros(shape, np.bool_)
    for x, y, width, height in edges:
        inside[_covered(y, height, shape[0]), _covered(x, width, shape[1])] = True
    return inside


def _covered(start: float, length: float, n_pixels: int) -> slice:
    first, stop = int(np.ceil(start - 0.5)), int(np.ceil(start + length - 0.5))
    if stop <= first:
        first = min(int(start + length / 2), n_pixels - 1)
        stop = first + 1
    return slice(max(0, first), min(stop, n_pixels))
