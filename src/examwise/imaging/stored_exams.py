"""Reading pixels from an exam store: a slice is one ranged read and one codec call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.manifest import Manifest, read_manifest
from examwise.core.schemas.store import EXAMS, LABELS, SLICES, shard_key
from examwise.core.storage import Storage
from examwise.imaging.shards import decode_slice


class StoredExams:
    """The tables and pixels of a finished exam store.

    Args:
        url: The store.

    Attributes:
        manifest: The store's manifest.
        exams: Table of exams, sorted by ``exam_id``.
        slices: Table of slices, sorted by ``exam_id`` and ``slice_index``.
        labels: Table of label events.

    Raises:
        InputError: If there is no finished exam store at ``url``.
        SchemaError: If a table breaks its schema.
    """

    def __init__(self, url: str | Path) -> None:
        self.manifest: Manifest = read_manifest(url, kind="exam-store")
        self.storage = Storage(url)
        self.exams: pl.DataFrame = EXAMS.read(self.storage)
        self.slices: pl.DataFrame = SLICES.read(self.storage)
        self.labels: pl.DataFrame = LABELS.read(self.storage)
        exam_ids = self.exams["exam_id"].to_list()
        self._row = {exam_id: row for row, exam_id in enumerate(exam_ids)}
        self._shape = self.exams.select("n_slices", "rows", "columns").to_numpy()
        self._first = np.concatenate([[0], np.cumsum(self._shape[:, 0])])
        self._offset = self.slices["offset"].to_numpy()
        self._length = self.slices["length"].to_numpy()
        self._crc32c = self.slices["crc32c"].to_numpy()

    def __len__(self) -> int:
        return len(self._row)

    def n_slices(self, exam_id: str) -> int:
        """Return an exam's number of slices."""
        return int(self._shape[self._find(exam_id), 0])

    def shape(self, exam_id: str) -> tuple[int, int, int]:
        """Return an exam's numbers of slices, rows and columns.

        Raises:
            InputError: If the store has no such exam.
        """
        n_slices, rows, columns = self._shape[self._find(exam_id)].tolist()
        return n_slices, rows, columns

    def read_slices(
        self, exam_id: str, slice_indices: npt.ArrayLike | None = None
    ) -> npt.NDArray[np.int16]:
        """Read slices of one exam.

        Args:
            exam_id: The exam.
            slice_indices: Which slices, in this order; all if None.

        Returns:
            HU, int16, shape (slices, rows, columns).

        Raises:
            InputError: If the store has no such exam.
            IntegrityError: If stored bytes do not match their checksum.
        """
        row = self._find(exam_id)
        n_slices, rows, columns = (int(number) for number in self._shape[row])
        wanted = np.arange(n_slices) if slice_indices is None else np.asarray(slice_indices)
        places = self._first[row] + wanted
        key = shard_key(exam_id)
        whole = len(wanted) == n_slices
        shard = self.storage.read(key) if whole else b""
        pixels = np.empty((len(wanted), rows, columns), np.int16)
        for target, place in enumerate(places):
            offset, length = int(self._offset[place]), int(self._length[place])
            data = (
                shard[offset : offset + length]
                if whole
                else self.storage.read(key, offset=offset, length=length)
            )
            pixels[target] = decode_slice(
                data,
                rows=rows,
                columns=columns,
                checksum=int(self._crc32c[place]),
                where=f"{self.storage.url}/{key}, slice {int(wanted[target])}",
            )
        return pixels

    def _find(self, exam_id: str) -> int:
        try:
            return self._row[exam_id]
        except KeyError:
            raise InputError(
                where=self.storage.url, expected="an exam of this store", got=exam_id
            ) from None
