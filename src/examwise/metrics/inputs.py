"""Checks that every metric makes of its arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError

Floats = npt.NDArray[np.float64]
Positives = npt.NDArray[np.bool_]


def checked_scores(scores: npt.ArrayLike, *, name: str = "scores") -> Floats:
    """Return scores as float64, shape (n,).

    Raises:
        InputError: If they are not one-dimensional numbers, or one is NaN.

    Example:
        >>> checked_scores([1, 2])
        array([1., 2.])
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1:
        raise InputError(where=name, expected="one dimension", got=f"shape {values.shape}")
    if n_missing := int(np.isnan(values).sum()):
        raise InputError(
            where=name,
            expected="numbers",
            got=f"{n_missing} NaN among {len(values)}",
            remedy="leave items without a score out, and say so",
        )
    return values


def checked_labels(labels: npt.ArrayLike, n: int) -> Positives:
    """Return labels as booleans, shape (n,).

    Raises:
        InputError: If a label is neither 0 nor 1, or there are not ``n`` of them.

    Example:
        >>> checked_labels([0, 1], 2)
        array([False,  True])
    """
    values = np.asarray(labels)
    if values.shape != (n,):
        raise InputError(where="labels", expected=f"shape ({n},)", got=f"shape {values.shape}")
    positive = values == 1
    if n and not bool(np.all(positive | (values == 0))):
        raise InputError(
            where="labels",
            expected="0 or 1",
            got="another value",
            remedy="leave items without a label out",
        )
    return np.asarray(positive, dtype=np.bool_)


def checked_weights(
    weights: npt.ArrayLike, columns: npt.ArrayLike | None, n: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return a table of weights, and the column that holds each item's.

    Args:
        weights: Not negative, shape (replicates, n), or (replicates, groups) with ``columns``.
        columns: Each item's column, shape (n,); item i has column i if None.
        n: Items.

    Raises:
        InputError: On a negative or NaN weight, or shapes that don't fit.

    Example:
        >>> checked_weights([[1, 2]], [0, 0, 1], 3)
        (array([[1, 2]]), array([0, 0, 1]))
    """
    table = np.asarray(weights)
    if table.ndim != 2 or not bool(np.all((table >= 0) & np.isfinite(table))):
        raise InputError(
            where="weights",
            expected="numbers >= 0, shape (replicates, n)",
            got=f"shape {table.shape}, smallest {table.min() if table.size else 'none'}",
        )
    column = np.arange(n) if columns is None else np.asarray(columns, dtype=np.intp)
    n_columns = n if columns is None else table.shape[1]
    if column.shape != (n,) or table.shape[1] != n_columns:
        raise InputError(
            where="weights",
            expected=f"a column for each of {n} items",
            got=f"shape {table.shape}",
        )
    return table, column
