import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.core.randomness import generator
from examwise.training.pretraining.pretexts.shapes import (
    ShapeConfig,
    draw_shapes,
    paste_shapes,
    tissue,
)

ALWAYS = ShapeConfig(share=1.0)


def streams(n_slices, seed=0):
    return [generator(seed, "slice", number) for number in range(n_slices)]


def heads(n_slices, side=64, columns=None):
    """Discs of 30 HU in air."""
    columns = columns or side
    down, right = np.mgrid[:side, :columns]
    disc = (down - side / 2) ** 2 + (right - columns / 2) ** 2 < (0.4 * min(side, columns)) ** 2
    pixels = np.where(disc, 30, -1000).astype(np.int16)
    return torch.from_numpy(np.stack([pixels] * n_slices))


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    n_slices=st.integers(1, 4),
    side=st.integers(24, 72),
    columns=st.integers(24, 72),
)
def test_shapes_lie_in_tissue_and_change_densities_within_limits(seed, n_slices, side, columns):
    before = heads(n_slices, side, columns)
    after, is_shape = paste_shapes(before, draw_shapes(streams(n_slices, seed)), ALWAYS)
    change = after - before
    low, high = ALWAYS.density_hu
    assert after.dtype == torch.float32
    assert change.max() <= high
    assert change.min() >= -high * ALWAYS.darker_factor
    inside = tissue(before.float(), ALWAYS)
    assert not change[~inside].any()
    assert not (is_shape & ~inside).any()
    # Where a shape is said to be, at least half of the least density stands.
    assert (change[is_shape].abs() > low * ALWAYS.darker_factor / 2).all()
    for one in change:
        assert (one >= 0).all() or (one <= 0).all()


def test_a_slice_is_treated_the_same_beside_any_other():
    drawn = draw_shapes(streams(6))
    together, masks = paste_shapes(heads(6), drawn, ALWAYS)
    for place in (0, 4):
        one = {name: value[place : place + 1] for name, value in drawn.items()}
        alone, mask = paste_shapes(heads(1), one, ALWAYS)
        assert torch.equal(alone[0], together[place])
        assert torch.equal(mask[0], masks[place])


def test_shares_are_kept():
    n_slices = 600
    after, is_shape = paste_shapes(
        heads(n_slices, 48), draw_shapes(streams(n_slices)), ShapeConfig()
    )
    change = (after - heads(n_slices, 48)).flatten(1)
    touched = change.abs().amax(1) > 0
    denser = change.amax(1) > 0
    assert touched.float().mean() == pytest.approx(0.6, abs=0.06)
    assert (denser & touched).sum() / touched.sum() == pytest.approx(0.65, abs=0.07)
    assert not is_shape.flatten(1).any(1)[~touched].any()


def test_sizes_and_elongations_differ():
    _, is_shape = paste_shapes(heads(300, 96), draw_shapes(streams(300)), ALWAYS)
    areas = is_shape.flatten(1).sum(1).float()
    assert areas.quantile(0.1) < 40
    assert areas.quantile(0.9) > 150
    assert areas.max() < 0.5 * tissue(heads(1, 96).float(), ALWAYS).sum()


def test_what_is_not_tissue_stays_as_it_is():
    for hu in (-1000, 300):
        pixels = torch.full((3, 32, 32), hu, dtype=torch.int16)
        after, is_shape = paste_shapes(pixels, draw_shapes(streams(3)), ALWAYS)
        assert torch.equal(after, pixels.float())
        assert not is_shape.any()
    pixels = heads(3)
    after, is_shape = paste_shapes(pixels, draw_shapes(streams(3)), ShapeConfig(share=0.0))
    assert torch.equal(after, pixels.float())
    assert not is_shape.any()


def test_centers_are_spread_over_all_tissue():
    small = ShapeConfig(share=1.0, radius=(0.02, 0.021))
    _, is_shape = paste_shapes(heads(400), draw_shapes(streams(400)), small)
    covered = is_shape.any(0)
    quarters = [covered[rows, columns] for rows in HALVES for columns in HALVES]
    counts = [int(quarter.sum()) for quarter in quarters]
    assert min(counts) > 0.6 * max(counts)
    assert covered.sum() > 0.6 * tissue(heads(1).float(), small).sum()


HALVES = (slice(0, 32), slice(32, 64))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"share": 1.5}, "share: expected a share"),
        ({"darker_factor": -0.1}, "darker_factor: expected a share"),
        ({"density_hu": (0, 10)}, "density_hu: expected numbers above 0"),
        ({"radius": (0.2, 0.1)}, "radius: expected two numbers"),
        ({"tissue_hu": (0.0, float("nan"))}, "tissue_hu: expected two numbers"),
        ({"tissue_hu": (1.0, 2.0, 3.0)}, "tissue_hu: expected two numbers"),
    ],
)
def test_wrong_options_are_refused(options, part):
    with pytest.raises(InputError, match=part):
        ShapeConfig(**options)
