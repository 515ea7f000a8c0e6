"""Columns of shares, alone or with their 95% limits."""

from __future__ import annotations

import polars as pl

from examwise.core.tables import Column


def share(name: str, meaning: str) -> Column:
    """Return a column from 0 to 1 that may be missing."""
    return Column(name, pl.Float64, meaning, nullable=True, minimum=0, maximum=1)


def share_with_limits(name: str, meaning: str) -> tuple[Column, ...]:
    """Return a column from 0 to 1 with its lower and its upper limit.

    Example:
        >>> [column.name for column in share_with_limits("auc", "area")]
        ['auc', 'auc_lower', 'auc_upper']
    """
    return (
        share(name, meaning),
        share(f"{name}_lower", "lower 95% limit"),
        share(f"{name}_upper", "upper 95% limit"),
    )
