"""Decoded slices kept in memory up to a limit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from examwise.imaging.exam_source import ExamSource


class SliceCache:
    """Reads slices of a store, and keeps what it has read while there is room.

    Nothing is thrown out to make room: training passes through its exams in ever new orders, in
    which what was not read for longest is as likely to be next as anything else.

    Args:
        stored: The exam store, or several together.
        limit_bytes: Room for pixels, int16.
    """

    def __init__(self, stored: ExamSource, *, limit_bytes: int) -> None:
        self.stored = stored
        self._room_bytes = limit_bytes
        self._slices: dict[tuple[str, int], npt.NDArray[np.int16]] = {}

    @property
    def n_kept(self) -> int:
        """Number of slices in memory."""
        return len(self._slices)

    def read(
        self,
        exam_id: str,
        slice_indices: Sequence[int],
        *,
        out: npt.NDArray[np.int16] | None = None,
    ) -> npt.NDArray[np.int16]:
        """Return slices of one exam in the order asked for, HU, shape (slices, rows, columns).

        Args:
            exam_id: The exam.
            slice_indices: Which slices.
            out: Where they go, int16, contiguous; made if None.

        Raises:
            InputError: If the store has no such exam.
            IntegrityError: If stored bytes do not match their checksum.
        """
        pixels = out
        if pixels is None:
            _, rows, columns = self.stored.shape(exam_id)
            pixels = np.empty((len(slice_indices), rows, columns), np.int16)
        missing: list[int] = []
        for place, index in enumerate(slice_indices):
            if (kept := self._slices.get((exam_id, index))) is None:
                missing.append(place)
            else:
                pixels[place] = kept
        if len(missing) == len(slice_indices):
            self.stored.read_slices(exam_id, slice_indices, out=pixels)
        elif missing:
            wanted = [slice_indices[place] for place in missing]
            pixels[missing] = self.stored.read_slices(exam_id, wanted)
        for place in missing:
            self._keep((exam_id, slice_indices[place]), pixels[place])
        return pixels

    def _keep(self, key: tuple[str, int], pixels: npt.NDArray[np.int16]) -> None:
        if key not in self._slices and pixels.nbytes <= self._room_bytes:
            self._slices[key] = pixels.copy()
            self._room_bytes -= pixels.nbytes
