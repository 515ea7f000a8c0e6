from __future__ import annotations

import numpy as np
import pytest

from examwise.phantom.head.face_bones import FaceBones
from examwise.phantom.head.skin import Nose
from examwise.phantom.head.solids import Block, Cut, Solid, Tube, both_sides, lump
from examwise.phantom.shapes import FreePoints

SOLIDS: dict[str, Solid] = {
    "ellipsoid": lump((20.0, -5.0, 3.0), (9.0, 14.0, 6.0), 25.0),
    "tube": Tube((5.0, -20.0, 0.0), (15.0, 10.0, 12.0), 4.0),
    "flat tube": Tube((5.0, -20.0, 0.0), (15.0, 10.0, 12.0), 4.0, 1.8),
    "block": Block((12.0, 4.0, -3.0), (6.0, 12.0, 9.0), 2.0, 30.0),
    "cut": Cut(lump((12.0, 4.0, -3.0), (9.0, 12.0, 9.0)), (1.0, 1.0, 0.0), (14.0, 4.0, 0.0)),
    "nose": Nose(18.0),
}


def cloud(solid: Solid, count: int = 4_000) -> FreePoints:
    center, reach = solid.box
    spread = np.random.default_rng(0).uniform(-1.8, 1.8, size=(3, count))
    x, y, z = (np.array(center)[:, None] + spread * (np.array(reach)[:, None] + 3.0)).astype(
        np.float32
    )
    return FreePoints(x, y, z)


@pytest.mark.parametrize("name", SOLIDS)
def test_nothing_of_a_solid_lies_outside_its_box(name: str) -> None:
    solid = SOLIDS[name]
    points = cloud(solid)
    inside = solid.distance_mm(points) < 0
    assert inside.any()
    center, reach = solid.box
    for values, middle, half in zip((points.x, points.y, points.z), center, reach, strict=True):
        assert np.abs(values[inside] - middle).max() <= half + 1e-3


@pytest.mark.parametrize("name", SOLIDS)
def test_a_mirror_image_is_one(name: str) -> None:
    solid = SOLIDS[name]
    points = cloud(solid)
    flipped = FreePoints(-points.x, points.y, points.z)
    np.testing.assert_allclose(
        solid.mirrored().distance_mm(flipped), solid.distance_mm(points), atol=1e-3
    )


@pytest.mark.parametrize("name", ["tube", "block"])
def test_distances_are_exact_for_round_tubes_and_blocks(name: str) -> None:
    solid = SOLIDS[name]
    points = cloud(solid)
    step = np.float32(0.05)
    slopes = []
    for axis in ("x", "y", "z"):
        moved = {key: getattr(points, key) for key in ("x", "y", "z")}
        moved[axis] = moved[axis] + step
        slopes.append((solid.distance_mm(FreePoints(**moved)) - solid.distance_mm(points)) / step)
    slope = np.sqrt(sum(value * value for value in slopes))
    outside = solid.distance_mm(points) > 0.2
    assert np.median(slope[outside]) == pytest.approx(1.0, abs=0.01)
    assert slope[outside].max() < 1.05


def test_both_sides_come_in_pairs() -> None:
    left, right = both_sides(SOLIDS["tube"])
    assert left.box[0][0] == -right.box[0][0]


def test_bones_of_a_face_are_paired_or_in_the_middle() -> None:
    bones = FaceBones(dense_hu=0.0, teeth=True, mastoid_size=1.0)
    centers = [solid.box[0] for solid in (*bones.strong, *bones.thin)]
    for x, y, z in centers:
        assert x == 0.0 or any(np.allclose((-x, y, z), other) for other in centers)
