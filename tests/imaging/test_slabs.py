from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.imaging.annotation_geometry import Box
from examwise.imaging.slabs import (
    Slabs,
    average_slabs,
    plan_slabs,
    slab_thickness_mm,
    union_boxes,
    union_mask,
)
from examwise.imaging.volume import Volume


def thin(n: int, step: float, *, tilt: float = 0.0, seed: int = 0) -> Volume:
    """Slices of noise whose first pixels lie on an oblique line."""
    pixels = np.random.default_rng(seed).integers(-1000, 2000, (n, 4, 5)).astype(np.int16)
    affine = np.array(
        [[0.5, 0, 0, -30.0], [0, 0.6, tilt * step, 12.0], [0, 0, step, 700.0], [0, 0, 0, 1]]
    )
    positions = 700.0 + np.arange(n) * step
    return Volume(pixels, positions, affine, 0.6, 0.5, step if n > 1 else None, True, 0.0)


volumes = st.builds(
    thin,
    st.integers(1, 40),
    st.floats(0.3, 2.4),
    tilt=st.floats(-0.4, 0.4),
    seed=st.integers(0, 9),
)


@settings(deadline=None, max_examples=50)
@given(volumes, st.floats(2.5, 10.0))
def test_slabs_lie_where_their_slices_lie(volume: Volume, wanted: float) -> None:
    slabs = plan_slabs(volume, wanted)
    thick = average_slabs(volume, slabs)
    each = slabs.slices_each
    assert len(thick.pixels_hu) == slabs.n_slabs == len(volume.pixels_hu) // each
    for slab in range(slabs.n_slabs):
        run = slice(slab * each, (slab + 1) * each)
        mean = volume.pixels_hu[run].mean(axis=0)
        assert np.abs(thick.pixels_hu[slab] - mean).max() <= 0.5
        assert thick.positions_mm[slab] == pytest.approx(volume.positions_mm[run].mean())
        # Any pixel of the slab lies in the middle of those of its slices.
        index = np.array([3, 2, slab, 1])
        places = [volume.affine @ [3, 2, one, 1] for one in range(run.start, run.stop)]
        np.testing.assert_allclose(thick.affine @ index, np.mean(places, axis=0), atol=1e-9)
    assert thick.regular
    np.testing.assert_array_equal(thick.affine[:, :2], volume.affine[:, :2])
    if slabs.n_slabs > 1:
        assert thick.slice_spacing_mm == pytest.approx(each * (volume.slice_spacing_mm or 0))
    if volume.slice_spacing_mm and slabs.n_slabs > 1:
        assert abs(thick.slice_spacing_mm - wanted) <= volume.slice_spacing_mm / 2 + 1e-9


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 12))
def test_every_slice_goes_into_one_slab_or_is_left_over(n_slices: int, each: int) -> None:
    slabs = Slabs(each, n_slices // each)
    found = [slabs.of(index) for index in range(n_slices)]
    kept = [slab for slab in found if slab is not None]
    assert sorted(kept) == kept == [index // each for index in range(len(kept))]
    assert n_slices - len(kept) < each
    assert found[len(kept) :] == [None] * (n_slices - len(kept))


def test_thickness() -> None:
    volume = thin(16, 0.625)
    slabs = plan_slabs(volume, 5.0)
    assert slabs == Slabs(8, 2)
    assert slab_thickness_mm(0.625, volume, slabs) == pytest.approx(5.0)
    assert slab_thickness_mm(1.25, volume, slabs) == pytest.approx(5.625)
    assert slab_thickness_mm(None, volume, slabs) == pytest.approx(5.0)
    assert slab_thickness_mm(1.0, thin(1, 1.0), Slabs(1, 1)) == 1.0


def test_slices_far_apart_stay_as_they_are() -> None:
    volume = thin(12, 6.0)
    assert plan_slabs(volume, 5.0) == Slabs(1, 12)
    assert average_slabs(volume, Slabs(1, 12)) is volume


def test_irregular_slices_are_refused_by_name() -> None:
    volume = replace(thin(5, 1.0), positions_mm=np.array([0, 1, 2, 5, 6.0]), regular=False)
    for refused in (
        lambda: plan_slabs(volume, 5.0),
        lambda: average_slabs(volume, Slabs(2, 2)),
    ):
        with pytest.raises(InputError, match="averaging thin slices: expected slices evenly"):
            refused()


def test_masks_are_joined() -> None:
    mask = np.zeros((5, 2, 2), np.uint8)
    mask[0, 0, 0], mask[1, 0, 0], mask[2, 1, 1], mask[4] = 1, 4, 2, 8
    joined = union_mask(mask, Slabs(2, 2))
    assert joined.tolist() == [[[5, 0], [0, 0]], [[0, 0], [0, 2]]]
    assert joined.dtype == np.uint8


boxes = st.lists(
    st.builds(Box, *(st.integers(0, 20) for _ in "xy"), *(st.integers(1, 6) for _ in "wh")),
    max_size=8,
)


def covered(found: list[Box]) -> np.ndarray:
    plane = np.zeros((30, 30), bool)
    for x, y, width, height in found:
        plane[y : y + height, x : x + width] = True
    return plane


@settings(deadline=None, max_examples=50)
@given(boxes)
def test_joined_boxes_cover_all_and_overlap_nowhere(found: list[Box]) -> None:
    joined = union_boxes(found)
    assert (covered(joined) >= covered(found)).all()
    assert covered(joined).sum() == sum(box.width * box.height for box in joined)
    assert union_boxes(joined) == joined
    assert {*union_boxes(found[::-1])} == {*joined}
