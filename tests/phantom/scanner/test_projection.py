from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from examwise.phantom.scanner.projection import (
    CELLS,
    N_VIEWS,
    SINOGRAM_SHAPE,
    from_cells,
    projector,
    to_cells,
)


def _disc(x: float, y: float, radius: float) -> np.ndarray:
    place = np.arange(CELLS) - (CELLS - 1) / 2
    distance = np.hypot(place - x, place[:, None] - y) - radius
    return np.clip(0.5 - distance, 0.0, 1.0).astype(np.float32)


def test_views_are_spread_evenly_over_half_a_turn() -> None:
    x, y = projector().across
    turned = np.sort(np.mod(np.arctan2(y, x), math.pi).ravel())
    np.testing.assert_allclose(np.diff(turned), math.pi / N_VIEWS, rtol=1e-3)
    np.testing.assert_allclose(np.hypot(x, y), 1.0, rtol=1e-6)


def test_a_disc_casts_the_shadow_of_its_chords_in_every_view() -> None:
    x, y, radius = 8.0, -5.0, 17.0
    found = projector().forward(_disc(x, y, radius)[None])[0]
    across_x, across_y = projector().across
    middle = (across_x * x + across_y * y)[..., None]
    place = np.arange(CELLS) - (CELLS - 1) / 2 - middle
    chords = 2.0 * np.sqrt(np.maximum(radius**2 - place**2, 0.0))
    inner = np.abs(place) < radius - 2
    np.testing.assert_allclose(found[inner], chords[inner], atol=0.6)
    assert np.abs(found[np.abs(place) > radius + 2]).max() == 0.0
    np.testing.assert_allclose(found.sum(axis=-1), _disc(x, y, radius).sum(), rtol=1e-4)


def test_projections_agree_with_rotated_images() -> None:
    random = np.random.default_rng(0)
    image = ndimage.gaussian_filter(random.standard_normal((CELLS, CELLS)), 3.0) * _disc(0, 0, 30)
    found = projector().forward(image[None].astype(np.float32))[0]
    x, y = projector().across
    for view in [(0, 3), (1, 7), (2, 0), (3, SINOGRAM_SHAPE[1] - 1)]:
        angle = math.degrees(math.atan2(y[view], x[view]))
        turned = ndimage.rotate(image, angle, reshape=False, order=3)
        np.testing.assert_allclose(found[view], turned.sum(axis=0), atol=0.12)


def test_filtered_back_projection_gives_the_image_again() -> None:
    images = np.stack([_disc(6, 3, 15), 2 * _disc(-10, 8, 8)])
    found = projector()
    again = found.back(found.filtered(found.forward(images)))
    np.testing.assert_allclose(again[0][_disc(6, 3, 12) > 0], 1.0, atol=0.03)
    np.testing.assert_allclose(again[1][_disc(-10, 8, 5) > 0], 2.0, atol=0.06)
    outside = (_disc(6, 3, 18) == 0) & (_disc(0, 0, CELLS / 2 - 2) > 0)
    assert np.abs(again[0][outside]).max() < 0.03


def test_back_projection_is_the_transpose_of_projection() -> None:
    random = np.random.default_rng(1)
    image = random.standard_normal((1, CELLS, CELLS)).astype(np.float32)
    views = random.standard_normal((1, *SINOGRAM_SHAPE)).astype(np.float32)
    found = projector()
    ahead = float(np.vdot(found.forward(image).astype(np.float64), views))
    behind = float(np.vdot(image.astype(np.float64), found.back(views))) * N_VIEWS
    assert ahead == pytest.approx(behind, rel=1e-3)


def test_images_do_not_depend_on_what_is_projected_with_them() -> None:
    random = np.random.default_rng(2)
    images = random.standard_normal((3, CELLS, CELLS)).astype(np.float32)
    together = projector().forward(images)
    for number in range(3):
        alone = projector().forward(images[number : number + 1])[0]
        np.testing.assert_array_equal(together[number], alone)


@pytest.mark.parametrize("matrix", [16, 50, 80, 100, 512, 1024])
def test_cells_and_matrix_agree_on_means_and_places(matrix: int) -> None:
    down, up = to_cells(matrix), from_cells(matrix)
    assert down.shape == (CELLS, matrix)
    assert up.shape == (matrix, CELLS)
    np.testing.assert_allclose(down.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(up.sum(axis=1), 1.0, rtol=1e-5)
    # Positions from 0 to 1 survive both ways, away from the rim.
    fine = ((np.arange(matrix) + 0.5) / matrix).astype(np.float32)
    coarse = ((np.arange(CELLS) + 0.5) / CELLS).astype(np.float32)
    np.testing.assert_allclose(down @ fine, coarse, atol=0.6 / min(matrix, CELLS))
    inner = slice(matrix // 8, -matrix // 8)
    np.testing.assert_allclose((up @ coarse)[inner], fine[inner], atol=1e-4)
