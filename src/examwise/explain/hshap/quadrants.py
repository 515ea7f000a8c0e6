"""Quadrants of rectangles, and keys by which equal sets of pixels are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examwise.core.randomness import generator

N_QUADRANTS = 4
"""Top left, top right, bottom left, bottom right: players 0 to 3."""
N_COALITIONS = 2**N_QUADRANTS
"""Quadrant ``q`` is kept in coalition ``c`` where bit ``q`` of ``c`` is set."""

_KEPT = (np.arange(N_COALITIONS) >> np.arange(N_QUADRANTS)[:, None] & 1).astype(np.uint64)

Boxes = npt.NDArray[np.int64]


def quadrants(boxes: Boxes) -> Boxes:
    """Halve rectangles in both directions; of an odd side the first half is the shorter one.

    Args:
        boxes: Top, bottom, left and right, the ends excluded, shape (n, 4).

    Returns:
        Shape (n, 4, 4); a side of one pixel has an empty first half.

    Example:
        >>> quadrants(np.array([[0, 5, 0, 2]]))[0].tolist()
        [[0, 2, 0, 1], [0, 2, 1, 2], [2, 5, 0, 1], [2, 5, 1, 2]]
    """
    top, bottom, left, right = boxes.T
    row, column = (top + bottom) // 2, (left + right) // 2
    parts = [
        (top, row, left, column),
        (top, row, column, right),
        (row, bottom, left, column),
        (row, bottom, column, right),
    ]
    return np.stack([np.stack(part, 1) for part in parts], 1)


def areas(boxes: Boxes) -> npt.NDArray[np.int64]:
    """Return the pixels of rectangles, shape (…,) of boxes of shape (…, 4)."""
    return np.asarray((boxes[..., 1] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 2]))


class PixelSetKeys:
    """Names sets of pixels by a number: the sum of a random one for every pixel, modulo 2⁶⁴.

    Sums over rectangles come from one summed-area table, whatever the shift of the grid. Two
    different sets have the same name with a chance of 2⁻⁶⁴: below one in 10⁸ for a million sets.

    Args:
        rows: Of the images.
        columns: Of the images.
        n_images: The same set of another image has another name, but for the empty set, 0.
    """

    def __init__(self, *, rows: int, columns: int, n_images: int) -> None:
        numbers = generator(0, "names of pixel sets", rows, columns)
        of_pixels = numbers.integers(2**64, size=(rows, columns), dtype=np.uint64)
        self._of_images = numbers.integers(2**64, size=n_images, dtype=np.uint64)
        # Rectangles of a shifted grid go beyond the edge and come in on the other side.
        table = np.tile(of_pixels, (2, 2)).cumsum(0).cumsum(1)
        self._table = np.pad(table, ((1, 0), (1, 0)))

    def of_coalitions(
        self, boxes: Boxes, shifts: npt.NDArray[np.int64], images: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.uint64]:
        """Name what is kept of images by each coalition of their rectangles' quadrants.

        Args:
            boxes: In the shifted grid, shape (n, 4).
            shifts: Row and column of the image where the grid begins, not negative and below the
                image's sides, shape (n, 2).
            images: Shape (n,).

        Returns:
            Shape (n, 16).
        """
        parts = quadrants(boxes)
        top, bottom = (parts[..., side] + shifts[:, :1] for side in (0, 1))
        left, right = (parts[..., side] + shifts[:, 1:] for side in (2, 3))
        sums = (
            self._table[bottom, right]
            - self._table[top, right]
            - self._table[bottom, left]
            + self._table[top, left]
        )
        kept = sums @ _KEPT
        return np.where(kept == 0, kept, kept + self._of_images[images][:, None])
