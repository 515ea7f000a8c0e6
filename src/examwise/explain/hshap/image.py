"""h-Shap of images: which quadrants speak for a finding, and which quadrants of those."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from examwise.core.errors import InputError
from examwise.explain.hshap.checked_scores import checked_scores
from examwise.explain.hshap.importance import Importance, ThresholdMode
from examwise.explain.hshap.masked_images import MaskedImages
from examwise.explain.hshap.quadrants import (
    N_COALITIONS,
    N_QUADRANTS,
    Boxes,
    PixelSetKeys,
    areas,
    quadrants,
)
from examwise.explain.hshap.scored_sets import ScoredSets
from examwise.explain.hshap.shapley import shapley_values
from examwise.explain.hshap.shifts import grid_shifts

Score = Callable[[Tensor], Tensor]

_NO_SHIFT = np.zeros((1, 2), np.int64)


@dataclass(frozen=True)
class HShapMaps:
    """Maps of images, on the CPU.

    Attributes:
        maps: The product of the Shapley values on the way to each leaf, 0 outside of those that
            matter; NaN throughout where nothing did; float32, shape (n, rows, columns).
        n_evaluations: Masked images that were scored for each, int64, shape (n,). The image that
            is all background is scored once and counts with the first.
    """

    maps: Tensor
    n_evaluations: Tensor


def image_hshap(
    score: Score,
    images: Tensor,
    background: Tensor,
    *,
    min_size: int,
    threshold: float = 0.0,
    threshold_mode: ThresholdMode = "absolute",
    batch_images: int = 64,
) -> HShapMaps:
    """Explain images by the Shapley values of their quadrants, and of quadrants' quadrants.

    Every node is a game of its four quadrants, all around it being background. A quadrant's
    value is its Shapley value times its parent's value; quadrants that matter are nodes of the
    next level. An image of which at some level no quadrant matters has a map of NaN, as
    published, and so does one whose root has none.

    No coalition is scored twice: a node's full coalition is its parent's coalition of it alone,
    and all images share the empty one. All images go down together, so that batches are full.

    Source: Teneggi, Luster and Sulam (2022). Unlike their program's, values of quadrants that
    add nothing are 0 to the last bit, and no such quadrant is looked into at a threshold of 0.

    Args:
        score: Of masked images, shape (b, …, rows, columns), to finite scores, shape (b,).
        images: Shape (n, …, rows, columns), on any device.
        background: What stands for "nothing here", shape (…, rows, columns).
        min_size: Nodes are split down to this length of the image's shorter side, in pixels:
            leaves are about half as long.
        threshold: See :class:`~examwise.explain.hshap.importance.Importance`.
        threshold_mode: ``absolute`` or ``relative``.
        batch_images: Masked images that exist at a time.

    Raises:
        InputError: If shapes do not fit, an option is out of range or a score is not finite.

    Example:
        >>> image = torch.zeros(1, 4, 4)
        >>> image[0, 0, 3] = 1.0
        >>> found = image_hshap(
        ...     lambda masked: masked.amax((1, 2)), image, torch.zeros(4, 4), min_size=2
        ... )
        >>> found.maps[0, 0], int(found.n_evaluations)
        (tensor([0., 0., 0., 1.]), 30)
    """
    return _explain(
        score,
        images,
        background,
        shifts=_NO_SHIFT,
        counts=np.ones(1),
        min_size=min_size,
        importance=Importance(threshold, threshold_mode),
        batch_images=batch_images,
    )


def cycle_image_hshap(
    score: Score,
    images: Tensor,
    background: Tensor,
    *,
    min_size: int,
    radii: Sequence[float],
    angles: Sequence[float],
    threshold: float = 0.0,
    threshold_mode: ThresholdMode = "absolute",
    batch_images: int = 64,
) -> HShapMaps:
    """Average maps over shifts of the grid, so that quadrants' edges lie everywhere.

    The grid goes round the image's edges. Coalitions that several shifts have in common (whole
    halves, the whole image, the empty one) are scored once.

    Source: cycle spinning as in Teneggi, Luster and Sulam (2022), shifts cut off to whole pixels
    as theirs. Unlike theirs, masked pixels take the background of their own place rather than
    of the shifted one (the same where it is constant), and a shift under which nothing matters
    counts as a map of zeros: only where nothing does under any is the map NaN.

    Args:
        score: As in :func:`image_hshap`, and so are all that are not named here.
        images: Shape (n, …, rows, columns).
        background: Shape (…, rows, columns).
        min_size: In pixels.
        radii: Lengths of shifts, in pixels; 0 is one shift, whatever the angles.
        angles: Directions, in radians, from the columns' axis upwards.
        threshold: What matters, shift by shift.
        threshold_mode: ``absolute`` or ``relative``.
        batch_images: Masked images that exist at a time.

    Raises:
        InputError: As in :func:`image_hshap`, or if there is no shift.
    """
    shifts, counts = grid_shifts(radii, angles, rows=images.shape[-2], columns=images.shape[-1])
    return _explain(
        score,
        images,
        background,
        shifts=shifts,
        counts=counts,
        min_size=min_size,
        importance=Importance(threshold, threshold_mode),
        batch_images=batch_images,
    )


@dataclass(frozen=True)
class _Nodes:
    """Nodes of one level; a tree is an image under a shift, and trees ascend.

    Attributes:
        trees: Shape (n,).
        boxes: In the tree's shifted grid, shape (n, 4).
        values: Shape (n,).
    """

    trees: npt.NDArray[np.int64]
    boxes: Boxes
    values: npt.NDArray[np.float64]


def _explain(
    score: Score,
    images: Tensor,
    background: Tensor,
    *,
    shifts: npt.NDArray[np.int64],
    counts: npt.NDArray[np.float64],
    min_size: int,
    importance: Importance,
    batch_images: int,
) -> HShapMaps:
    n_levels = _levels(images, background, min_size=min_size, batch_images=batch_images)
    n_images, (n_rows, n_columns) = len(images), images.shape[-2:]
    scorer = _Scorer(score, images, background, batch_images=batch_images)
    n_trees = n_images * len(shifts)
    nodes = _Nodes(
        np.arange(n_trees),
        np.tile(np.array([[0, n_rows, 0, n_columns]]), (n_trees, 1)),
        np.ones(n_trees),
    )
    for _ in range(n_levels):
        image, shift = np.divmod(nodes.trees, len(shifts))
        worth = scorer.worth(nodes.boxes, shifts[shift], image)
        values = nodes.values[:, None] * shapley_values(worth, n_players=N_QUADRANTS)
        boxes = quadrants(nodes.boxes)
        parent, part = np.nonzero(importance.matters(values, nodes.trees) & (areas(boxes) > 0))
        nodes = _Nodes(nodes.trees[parent], boxes[parent, part], values[parent, part])
    maps = _painted(nodes, shifts, counts, shape=(n_images, n_rows, n_columns))
    return HShapMaps(torch.from_numpy(maps), torch.from_numpy(scorer.n_evaluations))


def _levels(images: Tensor, background: Tensor, *, min_size: int, batch_images: int) -> int:
    """Return how often an image is split, or refuse what does not fit."""
    if images.dim() < 3 or background.shape != images.shape[1:]:
        raise InputError(
            where="background",
            expected="the shape of one image, with rows and columns last",
            got=f"{tuple(background.shape)} for images {tuple(images.shape)}",
        )
    side = min(images.shape[-2:])
    if not 1 <= min_size <= side:
        raise InputError(
            where="min_size", expected=f"1 to {side}, the image's shorter side", got=min_size
        )
    if batch_images < 1:
        raise InputError(where="batch_images", expected="1 or more", got=batch_images)
    return (side // min_size).bit_length()


class _Scorer:
    """Scores coalitions that have not been scored yet."""

    def __init__(
        self, score: Score, images: Tensor, background: Tensor, *, batch_images: int
    ) -> None:
        n_images, (n_rows, n_columns) = len(images), images.shape[-2:]
        self._score = score
        self._batch_images = batch_images
        self._masked = MaskedImages(images, background)
        self._keys = PixelSetKeys(rows=n_rows, columns=n_columns, n_images=n_images)
        self._scored = ScoredSets()
        self.n_evaluations = np.zeros(n_images, np.int64)

    def worth(
        self, boxes: Boxes, shifts: npt.NDArray[np.int64], images: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return the scores of all coalitions of nodes, shape (n, 16)."""
        keys = self._keys.of_coalitions(boxes, shifts, images)
        new = self._scored.new_among(keys)
        node, coalition = np.divmod(new, N_COALITIONS)
        self._scored.add(
            keys.reshape(-1)[new],
            self._scores_of(boxes[node], shifts[node], images[node], coalition),
        )
        self.n_evaluations += np.bincount(images[node], minlength=len(self.n_evaluations))
        return self._scored.of(keys)

    def _scores_of(
        self,
        boxes: Boxes,
        shifts: npt.NDArray[np.int64],
        images: npt.NDArray[np.int64],
        coalitions: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float64]:
        if not len(coalitions):
            return np.empty(0)
        batches = self._masked.batches(boxes, shifts, images, coalitions, size=self._batch_images)
        with torch.no_grad():
            # Scores stay on their device to the level's end: fetching them waits for it.
            scores = torch.cat([self._score(batch) for batch in batches])
        return checked_scores(scores, expected=len(coalitions))


def _painted(
    leaves: _Nodes,
    shifts: npt.NDArray[np.int64],
    counts: npt.NDArray[np.float64],
    *,
    shape: tuple[int, int, int],
) -> npt.NDArray[np.float32]:
    """Average the maps of each image's shifts; NaN for an image without a leaf."""
    maps = np.full(shape, np.nan)
    weights = counts / counts.sum()
    starts = np.flatnonzero(np.diff(leaves.trees, prepend=-1))
    for own in np.split(np.arange(len(leaves.trees)), starts)[1:]:
        image, shift = divmod(int(leaves.trees[own[0]]), len(shifts))
        of_grid = np.zeros(shape[1:])
        for (top, bottom, left, right), value in zip(
            leaves.boxes[own], leaves.values[own], strict=True
        ):
            of_grid[top:bottom, left:right] = value
        of_shift = weights[shift] * np.roll(of_grid, tuple(shifts[shift]), (0, 1))
        maps[image] = np.nan_to_num(maps[image]) + of_shift
    return maps.astype(np.float32)
