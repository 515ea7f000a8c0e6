from __future__ import annotations

import numpy as np
import pytest

from examwise.phantom.head.parameters import HeadParameters, sample_head


def drawn(count: int, age: float) -> list[HeadParameters]:
    return [sample_head(np.random.default_rng(seed), age=age, size=1.0) for seed in range(count)]


def test_the_same_generator_draws_the_same_head() -> None:
    first, again = (sample_head(np.random.default_rng(7), age=40, size=1.1) for _ in range(2))
    assert first == again


def test_age_and_size_shift_no_other_draw() -> None:
    """The same person, older: the same skull, thinner muscles, less dense bone."""
    young, old = (sample_head(np.random.default_rng(7), age=age, size=1.0) for age in (25, 85))
    assert young.vault == old.vault
    assert young.warp == old.warp
    assert young.air.mastoid_cells == old.air.mastoid_cells
    assert young.bone.compact_hu > old.bone.compact_hu
    assert young.soft.temporalis_mm > old.soft.temporalis_mm


def test_parameters_are_plausible() -> None:
    heads = drawn(80, 60.0)
    thickness = np.array([head.skull_mm for head in heads])
    assert thickness.min() > 4.0
    assert thickness.max() < 10.0
    assert thickness.std() > 0.4
    compact = np.array([head.skull_hu for head in heads])
    assert compact.min() >= 1_100.0
    assert compact.max() <= 1_500.0
    assert all(480.0 < head.bone.spongy_hu < 800.0 for head in heads)
    scalp = np.array([head.scalp_mm for head in heads])
    assert scalp.min() > 3.0
    assert scalp.max() < 11.0


@pytest.mark.parametrize("axis", range(3))
def test_size_scales_the_skull(axis: int) -> None:
    small, large = (sample_head(np.random.default_rng(1), age=50, size=size) for size in (0.9, 1.1))
    assert large.radii_mm[axis] / small.radii_mm[axis] == pytest.approx(1.1 / 0.9)


def test_only_the_old_have_thick_foreheads_inside_and_artificial_lenses() -> None:
    young, old = drawn(60, 20.0), drawn(60, 88.0)
    assert not any(head.ridges.hyperostosis_mm for head in young)
    assert not any(head.orbits.lenses_replaced for head in young)
    assert any(head.ridges.hyperostosis_mm for head in old)
    assert any(head.orbits.lenses_replaced for head in old)
    assert not all(head.orbits.lenses_replaced for head in old)


def test_some_sinuses_hold_fluid() -> None:
    heads = drawn(120, 50.0)
    shares = np.array([head.air.fluid for head in heads])
    assert 0.02 < (shares > 0).mean() < 0.2
    assert shares.max() <= 1.0
    assert shares.min() >= 0.0
