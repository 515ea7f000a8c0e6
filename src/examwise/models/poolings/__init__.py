"""Poolings by name: slices' embeddings, packed, to one embedding a bag."""

from __future__ import annotations

from examwise.core.registry import Registry

POOLINGS = Registry(
    "pooling",
    {
        "attention": "examwise.models.poolings.attention:AttentionPooling",
        "mean": "examwise.models.poolings.mean:MeanPooling",
        "max": "examwise.models.poolings.maximum:MaximumPooling",
    },
)
"""Each entry is called with ``embedding`` and ``hidden`` and returns a ``Pooling``."""
