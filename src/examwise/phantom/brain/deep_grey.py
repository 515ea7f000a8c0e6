"""Deep grey matter: thalamus, lentiform nucleus, caudate nucleus.

Places are those of an average brain (see :mod:`examwise.phantom.brain.frame`).
"""

from __future__ import annotations

from examwise.phantom.shapes import Ellipsoid


def deep_grey(*, third_mm: float, caudates: tuple[Ellipsoid, ...]) -> tuple[Ellipsoid, ...]:
    """Return the deep nuclei of both sides.

    Args:
        third_mm: Half width of the third ventricle, beside which the thalami lie.
        caudates: Heads of the caudate nuclei.
    """
    one = (
        Ellipsoid((third_mm + 8.0, 6.0, 1.0), (7.5, 14.0, 9.0), 24.0),
        Ellipsoid((25.5, -13.0, 0.0), (4.8, 15.0, 10.0), -9.0),
        Ellipsoid((20.0, -9.0, -2.0), (4.2, 8.0, 6.0), -26.0),
    )
    return (*one, *(shape.mirrored() for shape in one), *caudates)
