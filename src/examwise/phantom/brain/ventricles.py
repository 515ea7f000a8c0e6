"""The ventricles: curved chambers of fluid within the brain.

Places are those of an average brain (see :mod:`examwise.phantom.brain.frame`), approximate and
judged by eye against CT; widths are those of a brain of middle age.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from examwise.phantom.brain.frame import FAR_MM, BrainPoints, far
from examwise.phantom.brain.tubes import Tube
from examwise.phantom.grid import FloatArray
from examwise.phantom.shapes import Ellipsoid

VENTRICLES = ("left", "right", "third", "fourth")
_SEPTUM_MM = 0.7
_CAVUM_FRACTION = 0.06
# y; inner wall's x; z; half width; half height.
_BODY = (
    (-42.0, 12.0, 2.0, 1.2, 4.0),
    (-37.0, 9.5, 3.0, 2.8, 8.0),
    (-30.0, 6.0, 5.0, 4.0, 12.0),
    (-20.0, 2.2, 7.5, 4.4, 13.0),
    (-11.0, 1.2, 10.0, 4.2, 11.0),
    (0.0, 2.6, 15.0, 5.0, 7.0),
    (10.0, 5.5, 16.0, 5.4, 7.0),
    (19.0, 10.5, 13.0, 5.8, 9.0),
    (26.0, 15.0, 8.0, 6.2, 13.0),
    (32.0, 18.5, 4.0, 5.2, 11.0),
    (40.0, 21.5, 1.0, 3.4, 7.0),
    (50.0, 22.0, 0.0, 2.2, 4.5),
    (58.0, 20.0, 0.0, 0.8, 2.0),
)
_TEMPORAL = (
    (-14.0, 27.0, -25.0, 0.8, 2.0),
    (-8.0, 28.0, -24.0, 1.8, 3.2),
    (0.0, 31.0, -21.0, 1.7, 3.0),
    (10.0, 32.0, -16.0, 2.0, 3.2),
    (19.0, 28.5, -8.0, 3.0, 5.0),
    (26.0, 23.0, 1.0, 3.6, 7.0),
)
_BOX = ((18.0, 8.0, -2.0), (33.0, 66.0, 42.0))
_AQUEDUCT_BOX = ((0.0, 17.0, -15.0), (14.0, 20.0, 22.0))
_AQUEDUCT = Tube(
    (
        (-24.0, 0.0, 22.5, 0.9, 1.2),
        (-16.0, 0.0, 20.0, 0.8, 0.8),
        (-9.0, 0.0, 15.5, 0.8, 0.8),
        (-5.0, 0.0, 12.0, 1.4, 1.6),
    )
)
_NODULUS = Ellipsoid((0.0, 33.5, -38.0), (6.0, 6.5, 10.0))


@dataclass(frozen=True)
class LateralVentricle:
    """The ventricle of one hemisphere.

    Attributes:
        side: 1 left, -1 right.
        body: Frontal horn, body, atrium, occipital horn.
        temporal: Temporal horn.
        caudate: Head of the caudate nucleus, which dents the frontal horn.
        septum_mm: Distance from the midline, where the septum begins.
    """

    side: int
    body: Tube
    temporal: Tube
    caudate: Ellipsoid
    septum_mm: float = 0.7

    def distance_mm(self, points: BrainPoints) -> FloatArray:
        """Return the signed distance, at most ``FAR_MM``."""
        distance = far(points)
        (x, y, z), reach = _BOX
        center = (self.side * x, y, z)
        window = points.window(center, reach)
        if window is None:
            return distance
        near = points.crop(window)
        across = np.float32(self.side) * near.x
        found = self.body.distance_mm(near.y, across, near.z)
        np.minimum(found, self.temporal.distance_mm(near.y, across, near.z), out=found)
        np.maximum(found, -self.caudate.distance_mm(near), out=found)
        np.maximum(found, np.float32(self.septum_mm) - across, out=found)
        points.lower_within(distance, window, found, center, reach)
        return distance


@dataclass(frozen=True)
class MidlineVentricle:
    """The third or the fourth ventricle, and what leads to it.

    Attributes:
        parts: Ellipsoids of it.
        aqueduct: Whether the aqueduct is drawn with it.
        dent: What dents it.
    """

    parts: tuple[Ellipsoid, ...]
    aqueduct: bool = False
    dent: Ellipsoid | None = None

    def distance_mm(self, points: BrainPoints) -> FloatArray:
        """Return the signed distance, at most ``FAR_MM``."""
        distance = far(points)
        for part in self.parts:
            points.lower(distance, part, margin_mm=FAR_MM)
        if self.dent is not None:
            a, b, c = self.dent.radii_mm
            if window := points.window(self.dent.center_mm, (a, b, c)):
                part_of = distance[window]
                dent = self.dent.distance_mm(points.crop(window))
                np.maximum(part_of, np.negative(dent, out=dent), out=part_of)
        if self.aqueduct and (window := points.window(*_AQUEDUCT_BOX)):
            near = points.crop(window)
            found = _AQUEDUCT.distance_mm(near.z, near.x, near.y)
            points.lower_within(distance, window, found, *_AQUEDUCT_BOX)
        return distance


Ventricle = LateralVentricle | MidlineVentricle


def sample_ventricles(random: np.random.Generator, *, width: float) -> dict[str, Ventricle]:
    """Draw a patient's ventricles.

    Args:
        random: Source of randomness.
        width: Their width, 1 at middle age.
    """
    uneven = float(random.normal(0.0, 0.06))
    length, frontal, occipital_left, occipital_right = random.normal(0.0, 1.0, size=4).tolist()
    third = 0.9 + 1.5 * width * float(random.uniform(0.85, 1.2))
    # A cavum septi pellucidi: fluid between the two leaves of the septum.
    cavum = float(random.uniform(1.2, 3.5)) if random.uniform() < _CAVUM_FRACTION else 0.0
    between = (Ellipsoid((0.0, -20.0, 8.0), (cavum, 12.0, 8.0)),) if cavum else ()
    septum = _SEPTUM_MM + (cavum + _SEPTUM_MM if cavum else 0.0)
    left = _lateral(1, width * (1.0 + uneven), (length, frontal, occipital_left))
    right = _lateral(-1, width * (1.0 - uneven), (length, frontal, occipital_right))
    return {
        "left": replace(left, septum_mm=septum),
        "right": replace(right, septum_mm=septum),
        "third": MidlineVentricle(
            (
                *between,
                Ellipsoid((0.0, -2.0, -5.0), (third, 14.0, 9.0)),
                Ellipsoid((0.0, -13.0, -13.0), (0.7 * third, 4.5, 7.0)),
            )
        ),
        "fourth": MidlineVentricle(
            (
                Ellipsoid((0.0, 26.5, -35.0), (7.0 + width, 4.0 + 1.6 * width, 9.0)),
                Ellipsoid((0.0, 24.5, -37.0), (12.5, 1.4 + 0.4 * width, 3.0)),
            ),
            aqueduct=True,
            dent=_NODULUS,
        ),
    }


def _lateral(side: int, width: float, lengths: tuple[float, float, float]) -> LateralVentricle:
    length, frontal, occipital = lengths
    high = 0.75 + 0.25 * width
    body = []
    for y, inner, z, half, height in _BODY:
        at = y
        if y > 32.0:
            at = 32.0 + (y - 32.0) * max(0.3, 0.8 + 0.12 * length + 0.25 * occipital)
        if y < -30.0:
            at = -30.0 + (y + 30.0) * max(0.5, 0.9 + 0.12 * frontal)
        body.append((at, inner + half * width, z + 0.3 * height * (high - 1.0), half * width, 0.0))
        body[-1] = (*body[-1][:4], height * high)
    temporal = [
        (y, x + 2.0, z, half * (0.35 + 0.65 * width), height * (0.5 + 0.5 * width))
        for y, x, z, half, height in _TEMPORAL
    ]
    caudate = Ellipsoid((side * (7.6 + 7.0 * width), -22.0, 4.0), (6.5, 13.0, 11.0), side * -14.0)
    return LateralVentricle(side, Tube(tuple(body)), Tube(tuple(temporal)), caudate)
