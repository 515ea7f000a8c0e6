from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from examwise.phantom.grid import PlaneGrid, plane_grid
from examwise.phantom.head.fields import HeadFields, head_fields
from examwise.phantom.head.parameters import HeadParameters, sample_head


def head_grid(spacing_mm: float, lowest_mm: float, highest_mm: float) -> PlaneGrid:
    """Return an upright grid around a whole head."""
    heights = np.arange(lowest_mm, highest_mm, spacing_mm)
    count = round(220.0 / spacing_mm)
    first = np.full_like(heights, -0.5 * (count - 1) * spacing_mm)
    return plane_grid(
        np.stack([first, first, heights], axis=1),
        spacing_mm=spacing_mm,
        rows=count,
        columns=count,
    )


@cache
def sampled(seed: int, size: float = 1.0, age: float = 55.0) -> HeadParameters:
    return sample_head(np.random.default_rng(seed), age=age, size=size)


@cache
def whole(seed: int, spacing_mm: float = 2.5) -> HeadFields:
    return head_fields(sampled(seed), head_grid(spacing_mm, -85.0, 100.0))


@pytest.fixture
def head_of() -> Callable[..., HeadParameters]:
    """Draw a head; the same for the same arguments."""
    return sampled


@pytest.fixture
def fields_of() -> Callable[..., HeadFields]:
    """Sample all of a drawn head."""
    return whole


@pytest.fixture
def grid_of() -> Callable[[float, float, float], PlaneGrid]:
    """Make a grid around a head."""
    return head_grid


@pytest.fixture
def symmetric() -> HeadParameters:
    """Draw a head and take out of it all that differs between its sides."""
    head = sampled(3)
    return replace(
        head,
        vault=replace(
            head.vault,
            skewed=0.0,
            outline_mm=0.0,
            uneven=replace(head.vault.uneven, waves=((0.0, 0.1, 0.0, 0.0),)),
        ),
        base=replace(head.base, impressions_mm=0.0),
        bone=replace(head.bone, grain_hu=0.0, wiggle_mm=0.0),
        tissue=replace(
            head.tissue,
            strands=replace(head.tissue.strands, waves=((0.0, 0.2, 0.0, 0.0),)),
            septa=replace(head.tissue.septa, waves=((0.0, 0.3, 0.0, 1.0),)),
            crumbs=replace(head.tissue.crumbs, waves=((0.0, 0.4, 0.0, 2.0),)),
        ),
        air=replace(
            head.air,
            frontal=(0.9, 0.9),
            maxillary=(1.0, 1.0),
            mastoid=(0.9, 0.9),
            turbinate=(1.0, 1.0),
            full_mastoid=(0.0, 0.0),
            fluid=(0.0, 0.0, 0.0),
            septum_mm=0.0,
            ethmoid_cells=replace(head.air.ethmoid_cells, waves=((0.0, 0.5, 0.0, 0.0),)),
            mastoid_cells=replace(head.air.mastoid_cells, waves=((0.0, 0.9, 0.0, 0.0),)),
        ),
        warp=replace(head.warp, shift_mm=0.0),
    )
