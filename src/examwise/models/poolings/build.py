"""Poolings made by name and options."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

from examwise.core.errors import InputError
from examwise.models.poolings import NORMALIZERS, POOLINGS

_COMMON = ("embedding", "hidden", "normalizer", "dropout")


def build_pooling(
    name: str,
    *,
    embedding: int,
    hidden: int,
    normalizer: str = "softmax",
    dropout: float = 0.0,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Make a pooling.

    Args:
        name: One of :data:`examwise.models.poolings.POOLINGS`.
        embedding: Features of a slice.
        hidden: Hidden units of its attention network, where it has one.
        normalizer: One of :data:`examwise.models.poolings.NORMALIZERS`.
        dropout: Probability with which a unit of its own is dropped in training.
        options: What this pooling alone takes.

    Returns:
        A :class:`~examwise.models.poolings.protocol.Pooling`.

    Raises:
        InputError: If pooling, normalizer or an option have no such name, or a value is out of
            range.

    Example:
        >>> build_pooling("top_k", embedding=8, hidden=4, options={"k": 5}).k
        5
        >>> build_pooling("top_k", embedding=8, hidden=4, options={"n": 5})
        Traceback (most recent call last):
        examwise.core.errors.InputError: pooling options of top_k: expected k, got n
    """
    pooling, options = POOLINGS.load(name), dict(options or {})
    NORMALIZERS[normalizer]
    known = [key for key in inspect.signature(pooling).parameters if key not in _COMMON]
    for key in options:
        if key not in known:
            expected = " or ".join(known) or "none"
            raise InputError(where=f"pooling options of {name}", expected=expected, got=key)
    return pooling(
        embedding=embedding, hidden=hidden, normalizer=normalizer, dropout=dropout, **options
    )
