"""The published augmentation by TorchIO's own transforms."""

from __future__ import annotations

import torchio

from examwise.training.augmentations.torchio_slices import TorchioSlices


def make_published_pipeline() -> TorchioSlices:
    """Return the published pipeline, per slice.

    All arguments that the published code gives stand here; the others are the defaults of TorchIO
    1.2, whatever the published code ran on. That code applied it to three equal channels, each of
    which got an exponent and a noise field of its own: a slice has one channel here. Translations
    are of 1 to 2 pixels, at every matrix.

    Source: Teneggi, Yi and Sulam (2023), the published code.
    """
    return TorchioSlices(published_transform(), source="torchio:teneggi2023")


def published_transform() -> torchio.Transform:
    """Return the published transform of an image with two sides and a third of one."""
    shift, rotation = (1, 2, 1, 2, 0, 0), (0, 0, 0, 0, 10, 20)
    return torchio.Compose(
        [
            torchio.RandomFlip(axes=(0, 1), p=0.5),
            torchio.RandomAffine(scales=(0.1, 0.05, 0.0), translation=shift, degrees=rotation),
            torchio.RandomAffine(scales=(0.05, 0.1, 0.0), translation=shift, degrees=rotation),
            torchio.OneOf(
                [
                    torchio.RandomNoise(mean=0, std=0.4),
                    torchio.RandomBiasField(),
                    torchio.RandomAnisotropy(axes=(0, 1), downsampling=(4, 7)),
                    torchio.RandomGamma(log_gamma=0.12),
                    torchio.RandomGhosting(num_ghosts=(3, 5), intensity=0.7),
                ]
            ),
        ]
    )
