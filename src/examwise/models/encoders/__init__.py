"""Encoders by name: slices, (N, channels, rows, columns), to features, (N, n_features)."""

from __future__ import annotations

from examwise.core.registry import Registry

ENCODERS = Registry(
    "encoder",
    {
        "resnet10": "examwise.models.encoders.resnet:resnet10",
        "resnet18": "examwise.models.encoders.resnet:resnet18",
    },
)
"""Each entry is called with ``width`` and ``in_channels`` and returns an ``Encoder``."""
