"""Ways of changing images at random while learning, by name."""

from __future__ import annotations

from examwise.core.registry import Registry

ON_HOST = "torchio:"
"""How the names of those begin that are done on the host."""

AUGMENTATIONS = Registry(
    "augmentation",
    {
        "none": "examwise.training.augmentations.no_augmentation:NoAugmentation",
        "flip_and_shift": "examwise.training.augmentations.flip_and_shift:FlipAndShift",
        "head": "examwise.training.augmentations.head:Head",
        "teneggi2023": "examwise.training.augmentations.teneggi2023:Teneggi2023",
        "teneggi2023-corrected": "examwise.training.augmentations.teneggi2023:make_either_way",
    },
)
"""On the device, batched; called without arguments, each entry returns an ``Augmentation``."""

HOST_AUGMENTATIONS = Registry(
    "augmentation on the host",
    {
        "torchio:teneggi2023": (
            "examwise.training.augmentations.torchio_teneggi2023:make_published_pipeline"
        ),
    },
)
"""In the loader, by TorchIO; called without arguments, each entry returns a ``HostAugmentation``.

Beside these, ``torchio:FILE.yaml`` names a pipeline of one's own.
"""
