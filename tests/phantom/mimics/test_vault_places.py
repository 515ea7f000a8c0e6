from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from examwise.phantom.mimics.vault_places import VaultPlace, signed_root
from examwise.phantom.shapes import FreePoints

azimuths = st.floats(-180, 180)
elevations = st.floats(-60, 85)
turns = st.floats(-180, 180)


def _point(x: float, y: float, z: float) -> FreePoints:
    return FreePoints(*(np.full(1, value, np.float32) for value in (x, y, z)))


@settings(deadline=None, max_examples=50)
@given(azimuths, elevations, turns)
def test_a_place_lies_at_its_own_origin_at_any_depth(a: float, e: float, t: float) -> None:
    place = VaultPlace(a, e, t)
    for depth in (-10.0, 0.0, 25.0):
        sideways, upwards = place.along(_point(*place.point_mm(depth)))
        assert abs(float(sideways[0])) < 0.1
        assert abs(float(upwards[0])) < 0.1


@settings(deadline=None, max_examples=50)
@given(azimuths, elevations, turns, st.floats(-60, 60), st.floats(-60, 60))
def test_points_along_the_skull_come_back(
    a: float, e: float, t: float, sideways_mm: float, upwards_mm: float
) -> None:
    place = VaultPlace(a, e, t)
    sideways, upwards = place.along(_point(*place.point_mm(4.0, sideways_mm, upwards_mm)))
    np.testing.assert_allclose([sideways[0], upwards[0]], [sideways_mm, upwards_mm], atol=0.05)


@settings(deadline=None, max_examples=50)
@given(azimuths, elevations, turns, azimuths, st.floats(-85, 85))
def test_distance_along_the_skull_is_the_chord_of_the_angle(
    a: float, e: float, t: float, to_azimuth: float, to_elevation: float
) -> None:
    place, other = VaultPlace(a, e, t), VaultPlace(to_azimuth, to_elevation)
    outwards, seen = (np.asarray(p.point_mm()) for p in (place, other))
    apart = outwards / np.linalg.norm(outwards) - seen / np.linalg.norm(seen)
    # What keeps the middle of the head from dividing by zero costs 0.03 mm here, more beyond.
    assume(np.linalg.norm(apart) < 1.98)
    chord = place.radius_mm * np.linalg.norm(apart)
    found = np.hypot(*place.along(_point(*seen)))[0]
    np.testing.assert_allclose(found, chord, atol=0.1)
    profile = place.profile(_point(*seen), (60.0, 60.0))[0]
    np.testing.assert_allclose(profile, 1 - (chord / 60) ** 2, atol=0.02)


def test_axes_are_orthonormal_and_known_ones_as_stated() -> None:
    place = VaultPlace(azimuth_degree=90.0, elevation_degree=0.0)
    np.testing.assert_allclose(place.axes @ place.axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(place.point_mm(), (0, 83, 0), atol=1e-6)
    np.testing.assert_allclose(VaultPlace(180.0, 0.0).point_mm(7.0), (-60, 0, 0), atol=1e-6)


def test_signed_root() -> None:
    values = np.array([-4, 0, 9], np.float32)
    np.testing.assert_array_equal(signed_root(values), np.array([-2, 0, 3], np.float32))
