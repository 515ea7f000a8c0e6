from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.training.augmentations.head import Head, HeadStrengths, head_parameters

ALWAYS = HeadStrengths(
    **{each.name: 1.0 for each in fields(HeadStrengths) if each.name.endswith("probability")}
)
NO_STRENGTH = HeadStrengths(
    **{
        each.name: 1.0 if each.name == "anisotropy_factor" else 0.0
        for each in fields(HeadStrengths)
        if not each.name.endswith("probability")
    }
)


def parameters(strengths, seed=0, n=400):
    rng = np.random.default_rng(seed)
    return head_parameters(rng.random((n, 30)), rng.random((n, 2)), strengths)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32))
def test_parameters_are_in_range(seed):
    p, s = parameters(ALWAYS, seed), ALWAYS
    linear = p.maps[:, :2, :2]
    scale = np.linalg.norm(linear, axis=2)
    assert np.all(np.abs(scale - 1) <= s.scale + 1e-9)
    angle = np.degrees(np.arctan2(linear[:, 1, 0] * np.sign(linear[:, 0, 0]), scale[:, 1]))
    assert np.all(np.abs(angle) <= s.degrees + 1e-9)
    assert np.all(linear[:, 0, 0] > 0)
    assert np.all(np.abs(p.maps[:, :2, 2] / scale) <= s.shift + 1e-9)
    assert 1 <= p.anisotropy_factor.min() <= p.anisotropy_factor.max() <= s.anisotropy_factor
    assert np.abs(p.bias_coefficients).max() <= s.bias_coefficient
    assert np.abs(np.log(p.gamma)).max() <= s.log_gamma + 1e-9
    assert np.all(np.abs(p.contrast - (1, 0)) <= (s.contrast + 1e-9, s.brightness + 1e-9))
    assert set(p.n_ghosts) <= {3, 4, 5}
    assert 0 <= p.ghost_intensity.min() <= p.ghost_intensity.max() <= s.ghost_intensity
    assert 0 <= p.noise_std.min() <= p.noise_std.max() <= s.noise_std
    assert set(p.axis) <= {-2, -1}


def test_each_change_happens_as_often_as_it_says():
    s, p = HeadStrengths(), parameters(HeadStrengths(), n=4000)
    shares = {
        s.flip_probability: np.linalg.det(p.maps) < 0,
        s.affine_probability: np.abs(p.maps[:, 0, 1]) > 0,
        s.anisotropy_probability: p.anisotropy_factor > 1,
        s.bias_probability: p.bias_coefficients.any(axis=1),
        s.noise_probability: p.noise_std > 0,
        s.ghosting_probability: p.ghost_intensity > 0,
    }
    for probability, happened in shares.items():
        assert abs(happened.mean() - probability) < 0.03
    assert abs((p.gamma != 1).mean() - s.contrast_probability) < 0.03


def draw(strengths, images, step=0):
    transform = Head(strengths).draw(("a",), torch.tensor([len(images)]), seed=0, step=step)
    return transform(images, slice(0, len(images)))


def test_without_strength_images_are_flipped_at_most_and_exactly(images):
    outcomes = set()
    for step in range(20):
        after = draw(NO_STRENGTH, images, step)
        same, mirrored = torch.equal(after, images), torch.equal(after, images.flip(-1))
        assert same or mirrored
        outcomes.add(same)
    assert outcomes == {True, False}
    assert torch.equal(draw(replace(NO_STRENGTH, flip_probability=0.0), images), images)


def test_without_probability_images_stay_as_they_are(images):
    never = HeadStrengths(**dict.fromkeys((f.name for f in fields(ALWAYS) if "prob" in f.name), 0))
    for step in range(5):
        assert torch.equal(draw(never, images, step), images)


def test_an_exams_slices_are_changed_alike_but_for_noise(images):
    same = images[:1].expand(4, -1, -1, -1).contiguous()
    for step in range(10):
        quiet = draw(replace(ALWAYS, noise_probability=0.0), same, step)
        assert all(torch.equal(one, quiet[0]) for one in quiet)
    noisy = draw(ALWAYS, same)
    assert not torch.equal(noisy[0], noisy[1])


def test_air_and_bone_stay_when_intensities_change(images):
    still = replace(ALWAYS, flip_probability=0.0, affine_probability=0.0, anisotropy_probability=0)
    for step in range(10):
        after = draw(still, images, step)
        for end in (-1, 1):
            assert torch.equal(after[images == end], images[images == end])
        assert not torch.equal(after, images)
