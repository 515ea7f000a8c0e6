"""Images of which a coalition of quadrants is kept, made as they are needed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from examwise.explain.hshap.quadrants import Boxes


class MaskedImages:
    """Puts the background in place of all pixels but those that are kept, batch by batch.

    Args:
        images: Shape (n, …, rows, columns).
        background: Shape (…, rows, columns).
    """

    def __init__(self, images: Tensor, background: Tensor) -> None:
        self._images = images
        self._background = background
        device = images.device
        self._rows = torch.arange(images.shape[-2], device=device)
        self._columns = torch.arange(images.shape[-1], device=device)

    def batches(
        self,
        boxes: Boxes,
        shifts: npt.NDArray[np.int64],
        images: npt.NDArray[np.int64],
        coalitions: npt.NDArray[np.int64],
        *,
        size: int,
    ) -> Iterator[Tensor]:
        """Yield masked images in batches, shape (b, …, rows, columns).

        Args:
            boxes: Rectangles in the shifted grid, shape (n, 4).
            shifts: Row and column of the image where the grid begins, shape (n, 2).
            images: Shape (n,).
            coalitions: Of the rectangle's quadrants, shape (n,).
            size: Images in a batch.
        """
        table = np.column_stack([boxes, shifts, images, coalitions])
        for rows in torch.from_numpy(table).to(self._images.device).split(size):
            yield self._masked(*rows.unbind(1))

    def _masked(
        self,
        top: Tensor,
        bottom: Tensor,
        left: Tensor,
        right: Tensor,
        row_shift: Tensor,
        column_shift: Tensor,
        image: Tensor,
        coalition: Tensor,
    ) -> Tensor:
        upper, lower = _halves(self._rows, row_shift, top, bottom)
        west, east = _halves(self._columns, column_shift, left, right)
        of_upper, of_lower = (
            (west & ((coalition >> bit) & 1).bool()[:, None])
            | (east & ((coalition >> (bit + 1)) & 1).bool()[:, None])
            for bit in (0, 2)
        )
        # A row of the image is one of three: outside, of the upper half, of the lower half.
        of_rows = torch.stack([torch.zeros_like(of_upper), of_upper, of_lower], 1).flatten(0, 1)
        which = upper + 2 * lower.long() + 3 * torch.arange(len(upper), device=top.device)[:, None]
        kept = of_rows.index_select(0, which.flatten()).view(*which.shape, -1)
        between = (1,) * (self._images.dim() - 3)
        kept = kept.view(len(kept), *between, *kept.shape[1:])
        return torch.where(kept, self._images[image], self._background)


def _halves(places: Tensor, shift: Tensor, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """Tell which places of a side lie in either half of an interval of the shifted grid."""
    of_grid = (places - shift[:, None]) % len(places)
    middle = ((start + end) // 2)[:, None]
    first = (of_grid >= start[:, None]) & (of_grid < middle)
    return first, (of_grid >= middle) & (of_grid < end[:, None])
