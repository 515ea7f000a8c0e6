"""Reading pixels from an exam store: a slice is one ranged read and one codec call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.manifest import Manifest, read_manifest
from examwise.core.schemas.store import EXAMS, LABELS, SLICES, shard_key
from examwise.core.storage import Storage
from examwise.imaging.shards import decode_slice_into

# Reading what lies between costs less than asking twice, on a disk and more so over a network.
_LARGEST_GAP_BYTES = 256 * 1024


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

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.storage.url

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
        self,
        exam_id: str,
        slice_indices: npt.ArrayLike | None = None,
        *,
        out: npt.NDArray[np.int16] | None = None,
    ) -> npt.NDArray[np.int16]:
        """Read slices of one exam.

        Args:
            exam_id: The exam.
            slice_indices: Which slices, in this order; all if None.
            out: Where HU go, int16, contiguous, of the shape returned; made if None.

        Returns:
            HU, int16, shape (slices, rows, columns); ``out`` if given.

        Raises:
            InputError: If the store has no such exam.
            IntegrityError: If stored bytes do not match their checksum.
        """
        row = self._find(exam_id)
        n_slices, rows, columns = (int(number) for number in self._shape[row])
        wanted = np.arange(n_slices) if slice_indices is None else np.asarray(slice_indices, int)
        if not np.all((wanted >= 0) & (wanted < n_slices)):
            raise IndexError(f"exam {exam_id} has slices 0 to {n_slices - 1}")
        pixels = np.empty((len(wanted), rows, columns), np.int16) if out is None else out
        if pixels.shape != (len(wanted), rows, columns) or pixels.dtype != np.int16:
            raise ValueError(f"expected int16 {(len(wanted), rows, columns)}, got {pixels.shape}")
        places = self._first[row] + wanted
        offsets, lengths = self._offset[places], self._length[places]
        checksums = self._crc32c[places].tolist()
        key = shard_key(exam_id)
        for members, start, stop in _spans(offsets, offsets + lengths):
            data = self.storage.read(key, offset=start, length=stop - start)
            for place in members:
                offset = int(offsets[place]) - start
                decode_slice_into(
                    pixels[place],
                    data[offset : offset + int(lengths[place])],
                    checksum=checksums[place],
                    where=f"{self.storage.url}/{key}, slice {wanted[place]}",
                )
        return pixels

    def _find(self, exam_id: str) -> int:
        try:
            return self._row[exam_id]
        except KeyError:
            raise InputError(
                where=self.storage.url, expected="an exam of this store", got=exam_id
            ) from None


def _spans(
    starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64]
) -> Iterator[tuple[list[int], int, int]]:
    """Group ranges of bytes into reads: places of the ranges, first byte, byte after the last."""
    members: list[int] = []
    start = stop = 0
    for place in np.argsort(starts, kind="stable").tolist():
        if members and starts[place] - stop > _LARGEST_GAP_BYTES:
            yield members, start, stop
            members = []
        if not members:
            start = stop = int(starts[place])
        members.append(place)
        stop = max(stop, int(stops[place]))
    if members:
        yield members, start, stop
