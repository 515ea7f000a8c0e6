"""Flips, rotations, scales and shifts of slices, by one bilinear sampling of the image.

A map is a homogeneous matrix that says where a point of the image goes: its row and column from the
center, in units of the image's height, so that a map is the same whatever the matrix of pixels. A
map after another is the product of the two, the later one on the left.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

Numbers = npt.NDArray[np.float64]


def rotate_shift_and_scale(angle: Numbers, shift: Numbers, scale: Numbers) -> Numbers:
    """Return maps that rotate, then shift, then scale about the center, like TorchIO's ``Affine``.

    Args:
        angle: Degrees, from rows towards columns, shape (N,).
        shift: Of rows and columns, shares of the height, shape (N, 2).
        scale: Of rows and columns; above 1 things look larger; shape (N, 2).

    Returns:
        Shape (N, 3, 3).

    Example:
        >>> quarter = rotate_shift_and_scale(np.array([90.0]), np.zeros((1, 2)), np.ones((1, 2)))
        >>> (quarter[0] @ [1.0, 0.0, 1.0]).round(6).tolist()
        [0.0, 1.0, 1.0]
    """
    radians = np.radians(angle)
    matrix = np.zeros((len(angle), 3, 3))
    matrix[:, 0, 0] = matrix[:, 1, 1] = np.cos(radians)
    matrix[:, 1, 0] = np.sin(radians)
    matrix[:, 0, 1] = -matrix[:, 1, 0]
    matrix[:, :2, 2] = shift
    matrix[:, :2] *= scale[:, :, None]
    matrix[:, 2, 2] = 1
    return matrix


def flips(rows: npt.NDArray[np.bool_], columns: npt.NDArray[np.bool_]) -> Numbers:
    """Return maps that reverse rows, columns, both or neither; of shape (N,), to (N, 3, 3)."""
    matrix = np.zeros((len(rows), 3, 3))
    matrix[:, 0, 0] = np.where(rows, -1, 1)
    matrix[:, 1, 1] = np.where(columns, -1, 1)
    matrix[:, 2, 2] = 1
    return matrix


def only_flips(maps: Numbers) -> npt.NDArray[np.bool_]:
    """Return of each map whether it does no more than a flip, if any."""
    same: npt.NDArray[np.bool_] = np.all(np.abs(maps) == np.eye(3), axis=(1, 2))
    return same


def flip(images: Tensor, maps: Numbers) -> Tensor:
    """Flip images, exactly, as maps say that do no more."""
    for axis, of_map in ((-2, 0), (-1, 1)):
        reversed_ = maps[:, of_map, of_map] < 0
        if reversed_.any():
            which = torch.from_numpy(reversed_).to(images.device).view(-1, 1, 1, 1)
            images = torch.where(which, images.flip(axis), images)
    return images


def resample(images: Tensor, maps: Numbers) -> Tensor:
    """Move images by maps; what comes in from outside is 0.

    Bilinear. A point less than a pixel outside is a mixture of the border and 0, as in
    ``scipy.ndimage.affine_transform`` with ``mode="grid-constant"``.

    Args:
        images: float32, shape (n, channels, rows, columns).
        maps: Shape (n, 3, 3).
    """
    rows, columns = images.shape[-2:]
    back = np.linalg.inv(maps)[:, :2]
    # grid_sample counts from -1 to 1 along either side.
    back[:, :, :2] *= 2 / rows
    back[:, :, 2] *= 2
    back[:, 1] *= rows / columns
    map_ = torch.from_numpy(back.astype(np.float32)).to(images.device)
    row = torch.arange(rows, device=images.device) - (rows - 1) / 2
    column = torch.arange(columns, device=images.device) - (columns - 1) / 2
    # Outer sums into one plane each: affine_grid's matrix products take twenty times as long.
    grid = torch.empty(len(images), 2, rows, columns, device=images.device)
    for target, source in ((1, 0), (0, 1)):
        torch.add(
            (map_[:, source, 0, None] * row + map_[:, source, 2, None])[:, :, None],
            (map_[:, source, 1, None] * column)[:, None, :],
            out=grid[:, target],
        )
    return F.grid_sample(images, grid.permute(0, 2, 3, 1), align_corners=False)
