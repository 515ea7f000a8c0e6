"""h-Shap of bags: which half of an exam speaks for a finding, and which half of that."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from examwise.core.errors import InputError
from examwise.explain.hshap.checked_scores import checked_scores
from examwise.explain.hshap.importance import Importance, ThresholdMode
from examwise.explain.hshap.shapley import shapley_values

Intervals = npt.NDArray[np.int64]
"""Start and end of runs of rows, the end excluded, shape (n, 2)."""
_ONE_GROUP = np.zeros(1, np.int64)


def bag_hshap(
    score: Callable[[Tensor, Tensor], Tensor],
    rows: Tensor,
    *,
    min_size: int = 1,
    threshold: float = 0.0,
    threshold_mode: ThresholdMode = "absolute",
) -> npt.NDArray[np.float64]:
    """Explain a bag by the Shapley values of its halves, and of halves' halves.

    A node is a run of rows as a bag of its own, all others being left out, and a game of its two
    halves, the first of which is the shorter one; an empty bag scores 0. Values multiply on the
    way down as in :func:`~examwise.explain.hshap.image.image_hshap`. Each row gets the value of
    its leaf, 0 if none that matters holds it. A single row is its own second half: where its
    neighbours are split once more, its value is multiplied by its own score.

    Every run of rows is scored once: two evaluations for each node that can be split, one for
    the whole bag, all of one level in one call.

    Source: Teneggi, Yi and Sulam (2023). A bag of ``min_size`` rows or fewer is one leaf here,
    and its value its score.

    Args:
        score: Of packed bags, rows (N, …) and sizes (B,), int64, to finite scores, shape (B,).
        rows: The bag, shape (n, …), n at least 1, on any device.
        min_size: A bag of n rows is split ceil(log2(n / min_size)) times.
        threshold: See :class:`~examwise.explain.hshap.importance.Importance`.
        threshold_mode: ``absolute`` or ``relative``.

    Returns:
        A value for each row, shape (n,).

    Raises:
        InputError: If the bag is empty, an option is out of range or a score is not finite.

    Example:
        >>> def largest(rows, sizes):
        ...     return torch.stack([bag.max() for bag in rows.split(sizes.tolist())])
        >>> bag_hshap(largest, torch.tensor([0.0, 0.0, 1.0, 0.0]))
        array([0., 0., 1., 0.])
    """
    importance = Importance(threshold, threshold_mode)
    n_rows = len(rows)
    if n_rows < 1:
        raise InputError(where="bag", expected="one row or more", got=n_rows)
    if min_size < 1:
        raise InputError(where="min_size", expected="1 or more", got=min_size)
    nodes: Intervals = np.array([[0, n_rows]])
    scores = _scores(score, rows, nodes)
    n_levels = (-(-n_rows // min_size) - 1).bit_length()
    # Without a split, the bag is the only player.
    values = np.ones(1) if n_levels else scores[importance.matters(scores[None], _ONE_GROUP)[0]]
    nodes = nodes[: len(values)]
    for _ in range(n_levels):
        halves = _halves(nodes)
        of_halves = np.where(_sizes(halves) > 0, scores[:, None], 0.0)
        of_halves[_is_split(nodes)] = _scores(
            score, rows, halves[_is_split(nodes)].reshape(-1, 2)
        ).reshape(-1, 2)
        worth = np.column_stack([np.zeros(len(nodes)), of_halves, scores])
        of_parts = values[:, None] * shapley_values(worth, n_players=2)
        groups = np.zeros(len(nodes), np.int64)
        kept = importance.matters(of_parts, groups) & (_sizes(halves) > 0)
        nodes, scores, values = halves[kept], of_halves[kept], of_parts[kept]
    found = np.zeros(n_rows)
    for (start, end), value in zip(nodes, values, strict=True):
        found[start:end] = value
    return found


def _sizes(intervals: Intervals) -> npt.NDArray[np.int64]:
    return np.asarray(intervals[..., 1] - intervals[..., 0])


def _is_split(nodes: Intervals) -> npt.NDArray[np.bool_]:
    """Tell which nodes have rows in both halves."""
    return _sizes(nodes) > 1


def _halves(nodes: Intervals) -> Intervals:
    """Return the halves of nodes, shape (n, 2, 2)."""
    start, end = nodes.T
    middle = (start + end) // 2
    return np.stack([np.stack([start, middle], 1), np.stack([middle, end], 1)], 1)


def _scores(
    score: Callable[[Tensor, Tensor], Tensor], rows: Tensor, intervals: Intervals
) -> npt.NDArray[np.float64]:
    """Score runs of rows as bags of their own, all at once."""
    if not len(intervals):
        return np.empty(0)
    members = np.concatenate([np.arange(start, end) for start, end in intervals])
    sizes = torch.from_numpy(_sizes(intervals)).to(rows.device)
    with torch.no_grad():
        scores = score(rows[torch.from_numpy(members).to(rows.device)], sizes)
    return checked_scores(scores, expected=len(intervals))
