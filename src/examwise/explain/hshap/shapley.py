"""Exact Shapley values of games with few players."""

from __future__ import annotations

from functools import cache
from math import factorial

import numpy as np
import numpy.typing as npt


def shapley_values(worth: npt.NDArray[np.float64], *, n_players: int) -> npt.NDArray[np.float64]:
    """Share out what the players reach together (Shapley, 1953).

    Taken from differences, so that who never adds anything gets 0 to the last bit.

    Args:
        worth: What every coalition reaches, shape (n, 2 ** n_players); player ``i`` is in
            coalition ``c`` where bit ``i`` of ``c`` is set.
        n_players: How many take part.

    Returns:
        Shape (n, n_players).

    Example:
        >>> shapley_values(np.array([[0.0, 1.0, 2.0, 9.0]]), n_players=2)
        array([[4., 5.]])
    """
    without, weights = _marginals(n_players)
    added = worth[:, without | (1 << np.arange(n_players))[:, None]] - worth[:, without]
    return np.asarray(added @ weights)


@cache
def _marginals(n_players: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the coalitions without each player, and what joining one of such a size weighs.

    A player's coalitions come by the same pattern of the others, so that the weights are shared.
    """
    others = np.arange(2 ** (n_players - 1))
    players = np.arange(n_players)[:, None]
    low = others & ((1 << players) - 1)
    without = low | ((others ^ low) << 1)
    sizes = [int(coalition).bit_count() for coalition in others]
    weights = [factorial(size) * factorial(n_players - size - 1) for size in sizes]
    return without, np.array(weights) / factorial(n_players)
