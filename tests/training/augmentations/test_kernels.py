from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from examwise.training.augmentations.anisotropy import coarsen
from examwise.training.augmentations.bias_field import add_bias, bias_field
from examwise.training.augmentations.contrast import change_contrast, keep_cut_off, raise_to
from examwise.training.augmentations.ghosting import add_ghosts
from examwise.training.augmentations.noise import add_noise, noise_keys, normal_fields

IMAGES = np.random.default_rng(0).random((3, 2, 17, 20), np.float32)


def images():
    return torch.from_numpy(IMAGES.copy())


def test_gamma_and_contrast_agree_with_numpy():
    gamma, contrast = np.array([0.5, 1.0, 2.0]), np.array([[1.2, 0.1], [1.0, 0.0], [0.7, -0.2]])
    expected = IMAGES ** gamma[:, None, None, None]
    np.testing.assert_allclose(raise_to(images(), gamma), expected, rtol=1e-5)
    factor, addition = contrast.T[:, :, None, None, None]
    expected = (IMAGES - 0.5) * factor + 0.5 + addition
    np.testing.assert_allclose(change_contrast(images(), contrast), expected, atol=1e-6)


def test_bias_field_agrees_with_numpy():
    coefficients = np.random.default_rng(1).uniform(-1, 1, (3, 10))
    row, column = np.linspace(-1, 1, 17)[:, None], np.linspace(-1, 1, 20)[None]
    terms = [row**i * column**j for i in range(4) for j in range(4 - i)]
    for number, one in enumerate(coefficients):
        field = np.exp(sum(c * term for c, term in zip(one, terms, strict=True)))
        found = add_bias(images(), coefficients)[number]
        np.testing.assert_allclose(found, IMAGES[number] * field, rtol=2e-5)


def test_bias_field_of_one_pixel():
    assert bias_field(torch.ones(1, 10), 1, 1).item() == pytest.approx(np.e)


@pytest.mark.parametrize("axis", [-2, -1])
def test_anisotropy_agrees_with_interpolation_by_numpy(axis):
    side, factor = IMAGES.shape[axis], 3.0
    n_coarse = int(side / factor)
    coarse = (side - 1) / 2 + (np.arange(n_coarse) - (n_coarse - 1) / 2) * factor
    nearest = np.take(IMAGES, np.floor(coarse + 0.5).astype(int), axis=axis)
    places = np.arange(side)
    expected = np.apply_along_axis(lambda line: np.interp(places, coarse, line), axis, nearest)
    margin = [np.abs(places - end) > factor / 2 for end in (coarse[0], coarse[-1])]
    outside = (margin[0] & (places < coarse[0])) | (margin[1] & (places > coarse[-1]))
    expected = np.moveaxis(expected, axis, -1)
    expected[..., outside] = 0
    found = coarsen(images(), np.full(3, factor), axis=axis)
    np.testing.assert_allclose(found, np.moveaxis(expected, -1, axis), atol=1e-6)


@pytest.mark.parametrize("axis", [-2, -1])
def test_each_slice_has_its_own_factor_and_a_factor_of_one_changes_nothing(axis):
    found = coarsen(images(), np.array([1.0, 2.5, 100.0]), axis=axis)
    assert torch.equal(found[0], images()[0])
    alone = coarsen(images()[1:2], np.array([2.5]), axis=axis)
    assert torch.equal(found[1:2], alone)
    assert found[2].isfinite().all()


@pytest.mark.parametrize("axis", [-2, -1])
def test_ghosts_keep_the_mean_of_every_line_and_vanish_without_intensity(axis):
    ghosts, intensity = np.array([3, 4, 5]), np.array([0.0, 0.5, 1.0])
    found = add_ghosts(images(), ghosts, intensity, axis=axis)
    torch.testing.assert_close(found.mean(axis), images().mean(axis))
    torch.testing.assert_close(found[0], images()[0])
    assert float((found[1:] - images()[1:]).abs().max()) > 0.05


@pytest.mark.parametrize("axis", [-2, -1])
def test_ghosts_agree_with_a_whole_fourier_transform_by_numpy(axis):
    side = IMAGES.shape[axis]
    spectrum = np.fft.fftshift(np.fft.fft(IMAGES[0], axis=axis), axes=axis)
    weight = np.ones(side)
    weight[::4] = 0.3
    weight[side // 2] = 1
    spectrum *= weight[:, None] if axis == -2 else weight
    expected = np.fft.ifft(np.fft.ifftshift(spectrum, axes=axis), axis=axis).real
    found = add_ghosts(images()[:1], np.array([4]), np.array([0.7]), axis=axis)[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_noise_is_normal_and_its_pixels_know_nothing_of_each_other():
    keys = torch.from_numpy(noise_keys(np.random.default_rng(0).random((4, 2))))
    fields = normal_fields(keys, 256, 256)[:, 0].double().numpy()
    assert kstest(fields.ravel()[::5], "norm").pvalue > 0.01
    assert abs(fields.mean()) < 0.01
    assert fields.std() == pytest.approx(1, abs=0.01)
    assert np.abs(fields).max() < 4.5
    flat = fields.reshape(4, -1)
    pairs = np.corrcoef(flat)[np.triu_indices(4, 1)]
    shifted = [np.corrcoef(flat[0], np.roll(flat[0], by))[0, 1] for by in (1, 2, 256, 32768)]
    assert np.abs([*pairs, *shifted]).max() < 0.02


@pytest.mark.parametrize("key", [(0, 0), (0, 1), (1, 0), (-1, -1)])
def test_plain_keys_give_noise_as_good(key):
    field = normal_fields(torch.tensor([key], dtype=torch.int32), 128, 128).flatten().double()
    assert kstest(field.numpy(), "norm").pvalue > 0.001


def test_noise_stays_the_same_from_version_to_version():
    field = normal_fields(torch.tensor([[3, 4]], dtype=torch.int32), 1, 5).flatten()
    first = [-0.4271978, 1.0613554, -0.4425430, -0.5287194, -1.5294843]
    assert field.tolist() == pytest.approx(first, abs=1e-6)


def test_noise_has_its_strength_and_is_alike_in_all_channels():
    keys, std = noise_keys(np.random.default_rng(0).random((3, 2))), np.array([0.0, 0.1, 0.4])
    added = add_noise(torch.zeros(3, 2, 64, 64), keys, std)
    assert torch.equal(added[:, 0], added[:, 1])
    np.testing.assert_allclose(added.std((1, 2, 3)), std, rtol=0.05)


def test_what_the_window_cut_off_stays():
    original = torch.tensor([0.0, 1.0, 0.3, 0.3, 0.3])
    changed = torch.tensor([0.4, 0.4, 0.4, -0.4, 1.4])
    assert keep_cut_off(changed, original).tolist() == pytest.approx([0, 1, 0.4, 0, 1])
