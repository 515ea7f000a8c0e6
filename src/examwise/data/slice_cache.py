"""Decoded slices kept in memory up to a limit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from examwise.imaging.stored_exams import StoredExams


class SliceCache:
    """Reads slices of a store, and keeps what it has read while there is room.

    Nothing is thrown out to make room: training passes through its exams in ever new orders, in
    which what was not read for longest is as likely to be next as anything else.

    Args:
        stored: The exam store.
        limit_bytes: Room for pixels, int16.
    """

    def __init__(self, stored: StoredExams, *, limit_bytes: int) -> None:
        self.stored = stored
        self._room_bytes = limit_bytes
        self._slices: dict[tuple[str, int], npt.NDArray[np.int16]] = {}

    @property
    def n_kept(self) -> int:
        """Number of slices in memory."""
        return len(self._slices)

    def read(self, exam_id: str, slice_indices: Sequence[int]) -> npt.NDArray[np.int16]:
        """Return slices of one exam in the order asked for, HU, shape (slices, rows, columns).

        Raises:
            InputError: If the store has no such exam.
            IntegrityError: If stored bytes do not match their checksum.
        """
        missing = [index for index in slice_indices if (exam_id, index) not in self._slices]
        if not missing:
            return np.stack([self._slices[exam_id, index] for index in slice_indices])
        # A whole exam is one read where its slices are many.
        n_slices = self.stored.n_slices(exam_id)
        wanted = missing if 2 * len(missing) < n_slices else list(range(n_slices))
        found = dict(zip(wanted, self.stored.read_slices(exam_id, wanted), strict=True))
        pixels = np.stack(
            [
                found[index] if index in found else self._slices[exam_id, index]
                for index in slice_indices
            ]
        )
        for index in missing:
            if (exam_id, index) not in self._slices and found[index].nbytes <= self._room_bytes:
                self._slices[exam_id, index] = found[index].copy()
                self._room_bytes -= found[index].nbytes
        return pixels
