"""Draws the head's surroundings in the gantry: holder, straps, sheets, tubes, wires."""

from __future__ import annotations

import numpy as np

from examwise.phantom.scanner.holder import Band, HolderShape, Rod, Surroundings

_BACK_OF_HEAD_MM = 99.0
_SIDE_OF_HEAD_MM = 81.0
_FRONT_OF_HEAD_MM = 104.0


def sample_surroundings(
    random: np.random.Generator, shape: HolderShape, head_mm: tuple[float, float]
) -> Surroundings:
    """Draw what is beside a head.

    Args:
        random: Source of randomness.
        shape: The scanner's head holder.
        head_mm: Middle of the head (x, y).
    """
    x, y = head_mm
    # The holder stands in the middle of the gantry; the head lies in it as it comes.
    gap = random.uniform(*shape.gap_mm)
    bottom = (float(np.clip(0.3 * x, -3.0, 3.0)), y + _BACK_OF_HEAD_MM + gap)
    chances = random.uniform(size=5).tolist()
    bands, rods = [], []
    sheet = _sheet(random, x, y)
    if chances[0] < 0.45:
        bands.append(sheet)
    strap = _strap(random, x, y)
    if chances[1] < 0.25:
        bands.append(strap)
    pillow = _pillow(random, x, y)
    if chances[2] < 0.12:
        bands.append(pillow)
    tube = _tube(random, x, y)
    if chances[3] < 0.10:
        rods.append(tube)
    wire = _wire(random, x, y)
    if chances[4] < 0.08:
        rods.append(wire)
    return Surroundings(shape, bottom, tuple(bands), tuple(rods))


def _sheet(random: np.random.Generator, x: float, y: float) -> Band:
    return Band(
        center_mm=(x, y),
        radii_mm=(
            _SIDE_OF_HEAD_MM + random.uniform(4.0, 14.0),
            _BACK_OF_HEAD_MM + random.uniform(2.0, 9.0),
        ),
        front=False,
        from_mm=random.uniform(-25.0, 30.0),
        thick_mm=random.uniform(0.8, 1.8),
        hu=random.uniform(-700.0, 40.0),
        ripple_mm=random.uniform(0.0, 2.5),
        ripples=int(random.integers(5, 10)),
    )


def _strap(random: np.random.Generator, x: float, y: float) -> Band:
    return Band(
        center_mm=(x, y),
        radii_mm=(
            _SIDE_OF_HEAD_MM + random.uniform(16.0, 30.0),
            _FRONT_OF_HEAD_MM + random.uniform(-2.0, 6.0),
        ),
        front=True,
        from_mm=random.uniform(-40.0, 30.0),
        thick_mm=random.uniform(1.0, 2.2),
        hu=random.uniform(-600.0, -100.0),
        ripple_mm=random.uniform(0.0, 2.0),
        ripples=int(random.integers(3, 6)),
    )


def _pillow(random: np.random.Generator, x: float, y: float) -> Band:
    return Band(
        center_mm=(x + random.normal(0.0, 6.0), y + random.uniform(0.0, 15.0)),
        radii_mm=(
            _SIDE_OF_HEAD_MM + random.uniform(10.0, 24.0),
            _BACK_OF_HEAD_MM + random.uniform(0.0, 8.0),
        ),
        front=False,
        from_mm=random.uniform(-20.0, 50.0),
        thick_mm=random.uniform(10.0, 22.0),
        hu=random.uniform(-960.0, -900.0),
        ripple_mm=random.uniform(1.0, 4.0),
        ripples=int(random.integers(5, 9)),
    )


def _tube(random: np.random.Generator, x: float, y: float) -> Rod:
    side = float(random.choice([-1.0, 1.0]))
    radius = random.uniform(4.0, 7.5)
    return Rod(
        center_mm=(
            x + side * (_SIDE_OF_HEAD_MM + random.uniform(12.0, 22.0)),
            y + random.uniform(-50.0, 20.0),
        ),
        radius_mm=radius,
        hollow_mm=radius - random.uniform(1.0, 1.6),
        hu=random.uniform(0.0, 150.0),
        lean=random.uniform(-0.2, 0.2),
    )


def _wire(random: np.random.Generator, x: float, y: float) -> Rod:
    side = float(random.choice([-1.0, 1.0]))
    return Rod(
        center_mm=(
            x + side * (_SIDE_OF_HEAD_MM + random.uniform(6.0, 16.0)),
            y + random.uniform(-20.0, 50.0),
        ),
        radius_mm=random.uniform(0.8, 1.8),
        hollow_mm=0.0,
        hu=random.uniform(800.0, 6000.0),
        lean=random.uniform(-0.3, 0.3),
    )
