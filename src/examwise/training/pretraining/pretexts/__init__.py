"""Pretexts by name: what an encoder is to solve on slices without labels."""

from __future__ import annotations

from examwise.core.registry import Registry

PRETEXTS = Registry(
    "pretext",
    {
        "pasted_shapes": "examwise.training.pretraining.pretexts.pasted_shapes:PastedShapes",
        "contrastive": "examwise.training.pretraining.pretexts.contrastive:Contrastive",
    },
)
"""Each entry is called with the pretext's options, by name, and returns a ``Pretext``."""
