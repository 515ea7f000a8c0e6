from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.phantom.scanner.kernel import (
    REFERENCE_PIXEL_MM,
    Kernel,
    image_transfer,
    noise_amplitude,
)
from examwise.phantom.scanner.models import FAST_TRAUMA, PREMIUM_SPIRAL

SOFT = Kernel("soft", 0.45)


def _noise(kernel: Kernel, pixel_mm: float, matrix: int, seed: int = 0) -> np.ndarray:
    white = np.random.default_rng(seed).standard_normal((matrix, matrix))
    spectrum = np.fft.rfft2(white) * noise_amplitude(kernel, pixel_mm, matrix)
    return np.fft.irfft2(spectrum, s=(matrix, matrix))


def test_the_transfer_is_that_of_a_gaussian_and_keeps_densities() -> None:
    at = np.array([0.0, 0.3, 1.0])
    by_hand = np.exp(-2 * np.pi**2 * 0.45**2 * at**2)
    np.testing.assert_allclose(SOFT.transfer(at), by_hand)
    for model in (PREMIUM_SPIRAL, FAST_TRAUMA):
        for kernel in (model.soft_kernel, model.sharp_kernel):
            assert image_transfer(kernel, 0.7, 32)[0, 0] == 1.0


def test_an_enhancing_kernel_overshoots_at_edges_and_a_plain_one_does_not() -> None:
    step = np.zeros((4, 256))
    step[:, 64:192] = 100.0
    for kernel, overshoots in ((SOFT, False), (Kernel("bone", 0.25, 1.0), True)):
        spectrum = (
            np.fft.rfft2(step)
            * image_transfer(kernel, 0.45, 256)[np.round(np.fft.fftfreq(4) * 256).astype(int)]
        )
        found = np.fft.irfft2(spectrum, s=step.shape)
        assert (found.max() > 105.0) == overshoots


@settings(deadline=None, max_examples=20)
@given(st.floats(0.3, 0.8), st.floats(0.0, 1.0), st.sampled_from([0.45, 0.9, 1.8]), st.integers())
def test_noise_has_the_variance_that_is_said(
    blur_mm: float, enhancement: float, pixel_mm: float, seed: int
) -> None:
    kernel = Kernel("any", blur_mm, enhancement)
    amplitude = noise_amplitude(kernel, pixel_mm, 128).astype(np.float64)
    twice = np.full(65, 2.0)
    twice[[0, -1]] = 1.0
    variance = (amplitude**2 @ twice).sum() / 128**2
    assert variance == pytest.approx(kernel.noise_std(pixel_mm) ** 2, rel=0.02)
    measured = _noise(kernel, pixel_mm, 256, abs(seed)).std()
    assert measured == pytest.approx(kernel.noise_std(pixel_mm), rel=0.1)


def test_the_reference_pixel_has_unit_noise() -> None:
    assert SOFT.noise_std(REFERENCE_PIXEL_MM) == 1.0


def test_low_frequencies_are_suppressed_like_a_ramp() -> None:
    """Radial power at a pixel of 0.5 mm: rises with frequency, peaks near 0.3 / mm, vanishes."""
    power = np.mean(
        [np.abs(np.fft.fft2(_noise(SOFT, 0.5, 128, seed))) ** 2 for seed in range(30)], axis=0
    )
    frequency = np.fft.fftfreq(128, 0.5)
    radial = np.hypot(frequency[:, None], frequency)
    means = [
        power[(radial > low) & (radial <= low + 0.05)].mean() for low in np.arange(0.0, 0.9, 0.05)
    ]
    assert 0.2 <= 0.05 * int(np.argmax(means)) <= 0.4
    # A ramp: twice the frequency, twice the power, but for the blur.
    expected = 2.0 * np.exp(-4 * np.pi**2 * 0.45**2 * (0.1**2 - 0.05**2))
    at = [power[np.abs(radial - f) < 0.012].mean() for f in (0.05, 0.1)]
    assert at[1] / at[0] == pytest.approx(expected, rel=0.15)
    assert means[-1] < 0.02 * max(means)


def test_finer_slices_averaged_have_the_noise_of_coarser_ones() -> None:
    """512 × 512 pixels of 0.45 mm, averaged four by four, against 128 × 128 of 1.8 mm."""

    def spectrum(images: list[np.ndarray]) -> np.ndarray:
        frequency = np.fft.fftfreq(128, 1.8)
        radial = np.hypot(frequency[:, None], frequency)
        power = np.mean([np.abs(np.fft.fft2(image)) ** 2 for image in images], axis=0)
        edges = np.linspace(0, 0.28, 8)
        return np.array([power[(radial >= a) & (radial < b)].mean() for a, b in pairwise(edges)])

    fine = [_noise(SOFT, 0.45, 512, seed) for seed in range(6)]
    averaged = [image.reshape(128, 4, 128, 4).mean(axis=(1, 3)) for image in fine]
    coarse = [_noise(SOFT, 1.8, 128, seed) for seed in range(6, 18)]
    assert np.std(averaged) == pytest.approx(np.std(coarse), rel=0.02)
    np.testing.assert_allclose(spectrum(averaged), spectrum(coarse), rtol=0.15)


def test_a_sharp_kernel_makes_much_more_noise_of_the_same_projections() -> None:
    bone = FAST_TRAUMA.sharp_kernel.noise_against(FAST_TRAUMA.soft_kernel)
    assert 2.0 < bone < 6.0
    assert SOFT.noise_against(SOFT) == 1.0


@pytest.mark.parametrize("matrix", [16, 17, 128])
def test_odd_and_small_matrices_have_their_half_spectrum(matrix: int) -> None:
    shape = (matrix, matrix // 2 + 1)
    assert noise_amplitude(SOFT, 230 / matrix, matrix).shape == shape
    assert image_transfer(SOFT, 230 / matrix, matrix).shape == shape
    assert image_transfer(SOFT, 230 / matrix, matrix).dtype == np.float32


@settings(deadline=None, max_examples=15)
@given(st.floats(0.25, 0.6), st.floats(0.0, 1.0), st.floats(0.3, 15.0))
def test_the_noise_of_pixels_is_an_integral_over_all_frequencies(
    blur_mm: float, enhancement: float, pixel_mm: float
) -> None:
    """Against a plain sum over a fine grid of frequencies, for the pixel and for the reference."""
    kernel = Kernel("any", blur_mm, enhancement)
    frequency = np.linspace(-2.4, 2.4, 1601)
    power = kernel.noise_power(np.hypot(frequency[:, None], frequency))

    def variance(size_mm: float) -> float:
        aperture = np.sinc(frequency * size_mm) ** 2
        return float(aperture @ power @ aperture)

    expected = np.sqrt(variance(pixel_mm) / variance(REFERENCE_PIXEL_MM))
    assert kernel.noise_std(pixel_mm) == pytest.approx(expected, rel=0.03)
