from __future__ import annotations

import numpy as np
import pytest
import torch

from examwise.training.augmentations.teneggi2023 import (
    Teneggi2023,
    make_either_way,
    published_parameters,
)


@pytest.fixture(scope="module")
def parameters():
    return published_parameters(np.random.default_rng(0).random((6000, 26)))


def test_every_slice_gets_one_family_and_all_alike_often(parameters):
    p = parameters
    families = np.stack(
        [
            p.noise_std > 0,
            p.bias_coefficients.any(axis=1),
            p.anisotropy_factor > 1,
            p.gamma != 1,
            p.ghost_intensity > 0,
        ]
    )
    assert np.all(families.sum(axis=0) == 1)
    assert np.abs(families.mean(axis=1) - 0.2).max() < 0.02
    assert np.all(p.contrast == (1, 0))


def test_strengths_are_the_published_ones(parameters):
    p = parameters
    reaches = {
        (0, 0.4): p.noise_std,
        (-0.5, 0.5): p.bias_coefficients,
        (4, 7): p.anisotropy_factor[p.anisotropy_factor > 1],
        (-0.12, 0.12): np.log(p.gamma),
        (0, 0.7): p.ghost_intensity,
    }
    for (low, high), values in reaches.items():
        assert low - 1e-9 <= values.min() < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < values.max() <= high + 1e-9
    assert set(p.n_ghosts) == {3, 4, 5}
    assert set(p.axis) == {-2, -1}


def test_maps_flip_turn_and_scale_as_published(parameters):
    maps = parameters.maps
    mirrored = np.linalg.det(maps[:, :2, :2]) < 0
    # At all: a half; then each axis: a half; just one of both is reversed in a quarter.
    assert mirrored.mean() == pytest.approx(0.25, abs=0.02)
    area = np.abs(np.linalg.det(maps[:, :2, :2]))
    assert (0.9 * 0.95) ** 2 <= area.min() < area.max() <= (1.1 * 1.05) ** 2
    upright = ~mirrored & (maps[:, 0, 0] > 0)
    turned = np.degrees(np.arctan2(maps[upright, 1, 0], maps[upright, 0, 0]))
    # Unequal scales tilt what was turned by 20° to 40° a little further.
    assert 15 < turned.min() < 23
    assert 37 < turned.max() < 46
    assert np.linalg.norm(maps[:, :2, 2], axis=1).max() < 6.5 / 512


def test_slices_of_an_exam_are_changed_each_on_its_own(images):
    same = images[:1].expand(6, -1, -1, -1).contiguous()
    changed = Teneggi2023().draw(("a",), torch.tensor([6]), seed=0, step=0)(same, slice(0, 6))
    assert all(not torch.equal(one, changed[0]) for one in changed[1:])


def test_either_way_turns_either_way():
    transform = make_either_way().draw(("a",), torch.tensor([500]), seed=0, step=0)
    maps = transform.parameters.maps
    upright = maps[(np.linalg.det(maps) > 0) & (maps[:, 0, 0] > 0)]
    turned = np.degrees(np.arctan2(upright[:, 1, 0], upright[:, 0, 0]))
    assert turned.min() < -15
    assert turned.max() > 15
