"""Air in the head: sinuses, nose, pharynx, ears."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from examwise.phantom.grid import FloatArray, Vector
from examwise.phantom.head.painter import Painter
from examwise.phantom.head.skin import Nose
from examwise.phantom.head.solids import Block, Cut, Solid, Tube, both_sides, lump
from examwise.phantom.waves import SmoothField

AIR_HU = -1000.0
MUCOSA_HU = 38.0
FLUID_HU = 14.0
_WALL_HU = 620.0
_CELL_WALL_HU = 480.0
_SEPTUM_HU = 150.0
_FORAMEN_HU = 42.0
_NASAL_BONE_HU = 330.0
_TURBINATE_BONE_HU = 420.0


@dataclass(frozen=True)
class AirSpaces:
    """Sizes of air spaces; 1 on average where nothing else is said.

    Attributes:
        frontal: Size of the frontal sinus on the right and left; hardly any below 0.3.
        ethmoid: Size of the ethmoid cells.
        sphenoid: Size of the sphenoid sinus.
        maxillary: Size of the maxillary sinuses on the right and left.
        mastoid: Size of the mastoid cells on the right and left.
        nose_mm: How far the nose stands out.
        septum_mm: Deviation of the nasal septum.
        turbinate: Size of the turbinates on the right and left: they swell in turn.
        fluid: How far the sphenoid and the right and left maxillary sinus are full of fluid, from
            their back, 0 to 1.
        full_mastoid: How far the right and left mastoid cells are full of fluid, 0 to 1.
        ethmoid_cells: Field whose zero level is the walls of the ethmoid cells.
        mastoid_cells: Field whose zero level is the walls of the mastoid cells.
    """

    frontal: tuple[float, float]
    ethmoid: float
    sphenoid: float
    maxillary: tuple[float, float]
    mastoid: tuple[float, float]
    nose_mm: float
    septum_mm: float
    turbinate: tuple[float, float]
    fluid: tuple[float, float, float]
    full_mastoid: tuple[float, float]
    ethmoid_cells: SmoothField
    mastoid_cells: SmoothField

    @cached_property
    def maxillary_sinuses(self) -> tuple[Solid, Solid]:
        """The maxillary sinuses: three-cornered seen from above, on the right and left."""
        found = []
        for side, size in zip((-1, 1), self.maxillary, strict=True):
            whole: Solid = lump((30.0, -62.0, -70.0), (17.5 * size, 22.0 * size, 16.5 * size))
            whole = Cut(whole, (-1.0, 0.12, 0.0), (15.5, -62.0, -66.0))
            whole = Cut(whole, (0.75, 1.0, 0.0), (36.0, -48.0, -66.0))
            whole = Cut(whole, (0.55, -1.0, -0.15), (31.0, -80.0, -66.0))
            found.append(whole if side > 0 else whole.mirrored())
        return found[0], found[1]

    @cached_property
    def sphenoid_sinus(self) -> tuple[Solid, Solid]:
        """The sphenoid sinus's two halves, seldom alike."""
        size, bend = self.sphenoid, self.septum_mm
        radii = (9.0 * size, 13.0 * size, 8.5 * size)
        right = Cut(
            lump((-7.0, -30.5 - 0.4 * bend, -44.0), radii),
            (1.0, 0.0, 0.0),
            (0.8 * bend - 0.7, -30.0, -44.0),
        )
        left = Cut(
            lump((7.0, -30.5 + 0.4 * bend, -44.0), radii),
            (-1.0, 0.0, 0.0),
            (0.8 * bend + 0.7, -30.0, -44.0),
        )
        return right, left

    @cached_property
    def ethmoid_block(self) -> Solid:
        """What holds the ethmoid cells, between the orbits."""
        return Block((0.0, -59.0, -46.0), (11.5 * self.ethmoid, 20.0, 10.5), 5.0)

    @cached_property
    def mastoids(self) -> tuple[tuple[Solid, ...], tuple[Solid, ...]]:
        """What holds the mastoid and petrous cells on the right and left."""
        found = []
        for side, size in zip((-1, 1), self.mastoid, strict=True):
            solids: tuple[Solid, ...] = (
                lump((56.0, 25.0, -49.0), (9.0 * size, 14.0 * size, 16.0 * size), -15.0),
                lump((48.0, 18.0, -38.0), (12.0 * size, 6.0 * size, 6.0 * size), 35.0),
            )
            found.append(solids if side > 0 else tuple(one.mirrored() for one in solids))
        return found[0], found[1]

    @cached_property
    def turbinates(self) -> tuple[Solid, ...]:
        """The lower and middle turbinates."""
        found: list[Solid] = []
        for side, size in zip((-1, 1), self.turbinate, strict=True):
            for one in (
                Tube((8.4, -80.0, -75.0), (8.2, -46.0, -74.0), 5.0 * size, 1.6),
                Tube((7.0, -74.0, -63.0), (6.8, -46.0, -61.0), 4.4 * size, 1.9),
            ):
                found += [one if side > 0 else one.mirrored()]
        return tuple(found)

    @cached_property
    def nose(self) -> Solid:
        """The inside of the nose."""
        whole = Nose(self.nose_mm, inset_mm=4.6)
        return Cut(Cut(whole, (0.0, 0.0, 1.0), (0.0, 0.0, -44.0)), (0.0, 1.0, 0.0), (0.0, -84.0, 0))

    @cached_property
    def septum(self) -> tuple[Solid, ...]:
        """The nasal septum, bent to one side."""
        bend = self.septum_mm
        return (
            Block((0.5 * bend, -78.0, -65.0), (1.2, 12.0, 17.0), 0.8, 2.0 * bend),
            Block((0.5 * bend, -50.0, -66.0), (1.1, 17.0, 16.0), 0.8, -2.0 * bend),
            Block((0.0, -94.0, -64.0), (1.3, 8.0, 14.0), 0.8),
        )


_NASAL_CAVITY: tuple[Solid, ...] = (Block((0.0, -62.0, -66.0), (12.5, 26.0, 17.0), 6.0),)
_PHARYNX: tuple[Solid, ...] = (
    lump((0.0, -26.0, -72.0), (11.0, 11.0, 12.0)),
    Tube((0.0, -22.0, -78.0), (0.0, -20.0, -125.0), 8.0, 0.6),
)
_EAR_CANALS = both_sides(
    Tube((74.0, 9.0, -50.0), (49.0, 8.0, -48.0), 3.6),
    Tube((49.0, 8.0, -48.0), (43.0, 7.0, -46.0), 3.2),
    lump((43.0, 8.0, -43.0), (3.5, 5.5, 6.0)),
)
_TURBINATE_BONES = both_sides(
    Tube((8.6, -78.0, -74.0), (8.4, -48.0, -73.0), 0.9, 1.6),
    Tube((7.0, -72.0, -62.0), (6.8, -48.0, -60.0), 0.7, 1.4),
)
_CRISTA: tuple[Solid, ...] = (Block((0.0, -60.0, -47.0), (0.8, 20.0, 10.0), 0.5),)
_FORAMINA = both_sides(
    Tube((23.0, -10.0, -40.0), (25.0, -10.0, -62.0), 2.4),
    Tube((24.0, 2.0, -62.0), (24.0, -1.0, -53.0), 2.8),
    Tube((24.0, -1.0, -53.0), (13.0, -9.0, -50.0), 2.8),
    Tube((25.0, 13.0, -56.0), (29.0, 10.0, -68.0), 4.2),
    Tube((18.0, -46.0, -52.0), (20.0, -36.0, -56.0), 2.2),
)
_CONCHA = both_sides(lump((75.0, 12.0, -49.0), (5.0, 6.0, 7.0)))


def frontal_sinus_box(spaces: AirSpaces) -> tuple[Vector, Vector]:
    """Return where the frontal sinus can be: middle and half edges of a box."""
    reach = 12.0 + 18.0 * max(spaces.frontal)
    return (0.0, -82.0, -14.0), (reach, 24.0, 26.0)


def paint_air_spaces(painter: Painter, spaces: AirSpaces) -> None:
    """Lay out all air spaces but the frontal sinus, with walls, mucosa and fluid.

    Args:
        painter: Densities of the planes.
        spaces: The patient's air spaces.
    """
    for sinus, share in zip(spaces.maxillary_sinuses, spaces.fluid[1:], strict=True):
        painter.shell((sinus,), AIR_HU, wall_hu=_WALL_HU, wall_mm=1.1)
        _fill(painter, sinus, share)
    painter.shell(_NASAL_CAVITY, AIR_HU, wall_hu=_WALL_HU, wall_mm=0.9)
    painter.shell((spaces.nose,), AIR_HU, wall_hu=_NASAL_BONE_HU, wall_mm=1.3)
    painter.paint(_PHARYNX, AIR_HU)
    painter.paint(spaces.turbinates, MUCOSA_HU)
    painter.paint(_TURBINATE_BONES, _TURBINATE_BONE_HU)
    painter.paint(spaces.septum, _SEPTUM_HU)
    painter.shell((spaces.ethmoid_block,), AIR_HU, wall_hu=_WALL_HU, wall_mm=0.9)
    painter.cells(
        (spaces.ethmoid_block,),
        spaces.ethmoid_cells,
        inside_hu=AIR_HU,
        wall_hu=_CELL_WALL_HU,
        wall_mm=1.1,
    )
    painter.paint(_CRISTA, _WALL_HU)
    for half in spaces.sphenoid_sinus:
        painter.shell((half,), AIR_HU, wall_hu=_WALL_HU, wall_mm=1.0)
        _fill(painter, half, spaces.fluid[0])
    painter.paint(_FORAMINA, _FORAMEN_HU)
    for solids, full in zip(spaces.mastoids, spaces.full_mastoid, strict=True):
        air = AIR_HU + full * (30.0 - AIR_HU)
        painter.cells(solids, spaces.mastoid_cells, inside_hu=air, wall_hu=700.0, wall_mm=1.3)
    painter.paint((*_EAR_CANALS, *_CONCHA), AIR_HU)


def _fill(painter: Painter, sinus: Solid, share: float) -> None:
    """Let fluid collect in the back of a sinus: patients lie on their backs."""
    if share > 0.0:
        (x, y, z), (_, half, _) = sinus.box
        level = y + half - 2.0 * half * share
        painter.paint((Cut(sinus, (0.0, -1.0, 0.0), (x, level, z)),), FLUID_HU)


def paint_frontal_sinus(
    painter: Painter, spaces: AirSpaces, outer_mm: FloatArray, depth_mm: FloatArray
) -> None:
    """Open the frontal sinus between the tables of the forehead.

    Args:
        painter: Densities of the planes.
        spaces: The patient's air spaces.
        outer_mm: Distance to the outer table, negative below it.
        depth_mm: Distance beyond the inner table, positive in bone.
    """
    center, reach = frontal_sinus_box(spaces)
    window = painter.grid.window(center, reach)
    if window is None:
        return
    part = painter.grid.crop(window)
    size = np.where(part.x > 0, np.float32(spaces.frontal[1]), np.float32(spaces.frontal[0]))
    wide = np.abs(part.x) - np.float32(18.0) * size
    high = part.z + np.float32(22.0) - np.float32(24.0) * size
    high += np.float32(0.02) * part.x * part.x
    bend = spaces.ethmoid_cells.on(part)
    rim = np.maximum(wide, high)
    rim += np.float32(3.0) * bend
    np.maximum(rim, np.float32(-31.0) - part.z, out=rim)
    np.maximum(rim, part.y + np.float32(67.0), out=rim)
    np.maximum(rim, np.float32(0.6) - np.abs(part.x - np.float32(spaces.septum_mm)), out=rim)
    np.maximum(rim, outer_mm[window] + np.float32(1.8), out=rim)
    np.maximum(rim, np.float32(1.8) - depth_mm[window], out=rim)
    hu = painter.hu[window]
    fraction = np.clip(np.float32(0.5) - rim / np.float32(painter.edge_mm), 0.0, 1.0)
    hu += fraction * (np.float32(AIR_HU) - hu)
