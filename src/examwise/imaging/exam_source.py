"""What learning and evaluation need of exams, whether they lie in one store or in several."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl


class ExamSource(Protocol):
    """Tables and pixels of stored exams."""

    @property
    def name(self) -> str:
        """How messages call it."""
        ...

    @property
    def exams(self) -> pl.DataFrame:
        """Table of exams, sorted by ``exam_id``."""
        ...

    @property
    def slices(self) -> pl.DataFrame:
        """Table of slices, sorted by ``exam_id`` and ``slice_index``."""
        ...

    @property
    def labels(self) -> pl.DataFrame:
        """Table of label events; the later of two for one target stands below the earlier."""
        ...

    def n_slices(self, exam_id: str) -> int:
        """Return an exam's number of slices."""
        ...

    def shape(self, exam_id: str) -> tuple[int, int, int]:
        """Return an exam's numbers of slices, rows and columns."""
        ...

    def read_slices(
        self,
        exam_id: str,
        slice_indices: npt.ArrayLike | None = None,
        *,
        out: npt.NDArray[np.int16] | None = None,
    ) -> npt.NDArray[np.int16]:
        """Read slices of one exam into ``out``: HU, int16, shape (slices, rows, columns)."""
        ...
