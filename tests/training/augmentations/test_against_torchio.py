from __future__ import annotations

import numpy as np
import pytest
import torch
import torchio

from examwise.training.augmentations.affine import resample, rotate_shift_and_scale
from examwise.training.augmentations.anisotropy import coarsen
from examwise.training.augmentations.bias_field import ORDER, add_bias
from examwise.training.augmentations.contrast import raise_to
from examwise.training.augmentations.ghosting import add_ghosts

SIDES = [(64, 60), (61, 48)]


def noise(rows, columns):
    return torch.from_numpy(np.random.default_rng(rows).random((1, 1, rows, columns), np.float32))


def by_torchio(transform, image):
    return transform(image[0, 0][None, :, :, None])[None, :, :, :, 0]


def close(found, expected):
    torch.testing.assert_close(found, expected, atol=3e-6, rtol=0)


@pytest.mark.parametrize(("rows", "columns"), SIDES)
@pytest.mark.parametrize("degrees", [-33.0, 0.0, 17.0])
def test_affine(rows, columns, degrees):
    image = torch.zeros(1, 1, rows, columns)
    image[:, :, 20:40, 16:36] = noise(20, 20)
    transform = torchio.Affine(
        scales=(1.08, 0.96, 1), degrees=(0, 0, degrees), translation=(1.5, -2, 0)
    )
    maps = rotate_shift_and_scale(
        np.array([degrees]), np.array([[1.5, -2]]) / rows, np.array([[1.08, 0.96]])
    )
    torch.testing.assert_close(
        resample(image, maps), by_torchio(transform, image), atol=2e-5, rtol=0
    )


@pytest.mark.parametrize(("rows", "columns"), SIDES)
def test_bias_field(rows, columns):
    powers = [
        (i, j, k)
        for i in range(ORDER + 1)
        for j in range(ORDER + 1 - i)
        for k in range(ORDER + 1 - i - j)
    ]
    drawn = np.random.default_rng(1).uniform(-0.5, 0.5, len(powers))
    # A single slice has no third direction.
    own = [value for value, (_, _, k) in zip(drawn, powers, strict=True) if k == 0]
    image = noise(rows, columns)
    expected = by_torchio(torchio.BiasField(drawn.tolist(), ORDER), image)
    close(add_bias(image.clone(), np.array([own])), expected)


@pytest.mark.parametrize("axis", [-2, -1])
@pytest.mark.parametrize(("rows", "columns"), SIDES)
@pytest.mark.parametrize("factor", [1.5321, 4.0, 5.1234, 6.8765])
def test_anisotropy(rows, columns, factor, axis):
    image = noise(rows, columns)
    transform = torchio.RandomAnisotropy(axes=(axis + 2,), downsampling=(factor, factor))
    close(coarsen(image, np.array([factor]), axis=axis), by_torchio(transform, image))


@pytest.mark.parametrize("axis", [-2, -1])
@pytest.mark.parametrize(("rows", "columns"), SIDES)
@pytest.mark.parametrize("n_ghosts", [3, 4, 5])
def test_ghosting(rows, columns, n_ghosts, axis):
    image = noise(rows, columns)
    transform = torchio.Ghosting(num_ghosts=n_ghosts, axis=axis + 2, intensity=0.6, restore=None)
    found = add_ghosts(image, np.array([n_ghosts]), np.array([0.6]), axis=axis)
    close(found, by_torchio(transform, image))


def test_gamma():
    image = noise(20, 20)
    close(raise_to(image.clone(), np.array([1.1])), by_torchio(torchio.Gamma(1.1), image))
