"""Draws blood in the ventricles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examwise.phantom.bleeds.in_fluid import VentricleBlood
from examwise.phantom.bleeds.parameters import BleedParameters
from examwise.phantom.bleeds.scene import Scene, sample_density, sample_outline, sample_size
from examwise.phantom.grid import Vector
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

_FRESH_HU = (50.0, 78.0)
_FAINT_HU = 42.0
_SETTLED, _CAST, _CLOT, _MIDLINE = range(4)
_MANNERS = (0.56, 0.16, 0.2, 0.08)
_BOTH_SIDES_FRACTION = 0.55
_FURTHER_PARTS_FRACTION = 0.3
_EVERYWHERE = Ellipsoid((0.0, 0.0, 0.0), (60.0, 85.0, 75.0))


def sample_intraventricular(random: np.random.Generator, scene: Scene) -> list[BleedParameters]:
    """Draw blood in one or several ventricles."""
    manner = int(random.choice(4, p=_MANNERS))
    hu = sample_density(random, scene.cases, fresh=_FRESH_HU, faint=_FAINT_HU)
    both, further = random.uniform(size=2)
    depth = sample_size(random, 23.0 * scene.size, 0.65, (3.5, 70.0))
    other_share = random.uniform(0.4, 1.1)
    clot = sample_size(random, 11.0 * scene.size, 0.55, (4.0, 30.0))
    sides = (scene.side, -scene.side) if both < _BOTH_SIDES_FRACTION else (scene.side,)
    found = []
    if manner == _SETTLED:
        for side in sides:
            own = depth if side == scene.side else depth * other_share
            found.append(_settled(random, scene, side, own, hu))
    elif manner == _CAST:
        found.append(
            _blood(random, (_name(scene.side),), scene.side, hu, None, _EVERYWHERE, widening=1.2)
        )
    elif manner == _CLOT:
        found.append(_clot(random, scene, clot, hu))
    if manner == _MIDLINE or (further < _FURTHER_PARTS_FRACTION and manner == _CAST):
        parts = ("third", "fourth") if further < 0.5 else ("fourth",)
        found.append(_blood(random, parts, 0, hu, None, _EVERYWHERE, widening=0.8))
    return found


def _name(side: int) -> str:
    return "left" if side > 0 else "right"


def _points(scene: Scene, side: int) -> npt.NDArray[np.float64]:
    """Return points of a lateral ventricle that slices show, or nearly."""
    distance = scene.survey.fields.ventricles[_name(side)]
    least = max(0.0, float(distance.min()) + 1.0)
    return scene.survey.points_mm(distance <= least)


def _settled(
    random: np.random.Generator, scene: Scene, side: int, depth_mm: float, hu: float
) -> BleedParameters:
    back = float(_points(scene, side)[:, 1].max())
    return _blood(
        random, (_name(side),), side, hu, back + 2.0 - depth_mm, _EVERYWHERE, widening=0.4
    )


def _clot(random: np.random.Generator, scene: Scene, radius: float, hu: float) -> BleedParameters:
    points = _points(scene, scene.side)
    x, y, z = points[int(random.integers(len(points)))].tolist()
    center: Vector = (x, y, z)
    a, b, c = (radius * np.exp(random.normal(0.0, 0.25, size=3))).tolist()
    region = Ellipsoid(center, (a, b, c))
    return _blood(random, (_name(scene.side),), scene.side, hu, None, region, widening=0.8)


def _blood(
    random: np.random.Generator,
    parts: tuple[str, ...],
    side: int,
    hu: float,
    level_mm: float | None,
    region: Ellipsoid,
    *,
    widening: float,
) -> BleedParameters:
    return BleedParameters(
        kind="intraventricular",
        side=side,
        form=VentricleBlood(
            parts=parts,
            level_mm=level_mm,
            region=region,
            widening_mm=widening,
            outline=sample_outline(random, wavelengths_mm=(24.0, 11.0)),
        ),
        hu=hu,
        texture=SmoothField.sample(random, wavelength_mm=10.0, n_waves=5),
        texture_hu=random.uniform(1.0, 3.0),
        # Cells settle through a zone, not to a line.
        edge_mm=random.uniform(0.3, 1.2) if level_mm is None else random.uniform(0.5, 2.0),
    )
