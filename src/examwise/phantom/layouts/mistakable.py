"""Bright things that are no blood, and the kind of bleed that each is taken for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.phantom.grid import Vector
from examwise.phantom.mimics.dural_plaques import DuralPlaque
from examwise.phantom.mimics.lumps import BrainLump, Lump
from examwise.phantom.mimics.masses import DuralMass
from examwise.phantom.mimics.mimic import InsidePart, Mimic
from examwise.phantom.mimics.tubes import Tube
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.study import Study

TAKEN_FOR = {
    "calcified choroid plexus": "intraventricular",
    "calcified basal ganglia": "intraparenchymal",
    "calcified dentate nuclei": "intraparenchymal",
    "calcified falx": "subdural",
    "calcified tentorium": "subdural",
    "cavernoma": "intraparenchymal",
    "dense middle cerebral artery": "subarachnoid",
    "meningioma": "epidural",
}
"""Name of a mimic to the kind of bleed that a reader may take it for."""


@dataclass(frozen=True)
class Extent:
    """About where something is, in the head's frame.

    Attributes:
        center_mm: Its middle.
        reach_mm: How far it reaches from there.
    """

    center_mm: Vector
    reach_mm: float

    def shown_in(self, scan: ScanParameters) -> npt.NDArray[np.bool_]:
        """Return which slices it is in; bool, shape (slices,)."""
        axes = scan.head_axes()
        middles = np.array([scan.slice_center_mm(index) for index in range(scan.n_slices)])
        middles = (middles - np.array(scan.head_mm)) @ axes.T
        away = np.abs((middles - np.array(self.center_mm)) @ (axes @ scan.normal))
        return np.asarray(away <= self.reach_mm + 0.5 * np.array(scan.thickness_mm))


@dataclass(frozen=True)
class Mistakable:
    """Something bright.

    Attributes:
        kind: What it is taken for.
        extents: Where its parts are.
    """

    kind: str
    extents: tuple[Extent, ...]

    def shown_in(self, scan: ScanParameters) -> npt.NDArray[np.bool_]:
        """Return which slices any of it is in; bool, shape (slices,)."""
        return np.asarray(np.any([extent.shown_in(scan) for extent in self.extents], axis=0))


def mistakable(study: Study) -> tuple[Mistakable, ...]:
    """Return what a visit shows that could be taken for blood, each kind at most once."""
    found: dict[str, Mistakable] = {}
    for mimic in study.mimics.found:
        kind = TAKEN_FOR.get(mimic.name)
        extents = tuple(_extents(mimic)) if kind else ()
        if kind and extents:
            found.setdefault(kind, Mistakable(kind, extents))
    return tuple(found.values())


def _extents(mimic: Mimic) -> Iterator[Extent]:
    for part in mimic.inside:
        extent = _extent(part)
        if extent is not None:
            yield extent


def _extent(part: InsidePart) -> Extent | None:
    if isinstance(part, BrainLump):
        part = part.lump
    if isinstance(part, DuralMass):
        return Extent(part.place.point_mm(depth_mm=0.5 * part.radius_mm), part.radius_mm)
    if isinstance(part, Lump | DuralPlaque):
        return Extent(part.shape.center_mm, part.shape.radii_mm[2])
    if isinstance(part, Tube):
        low, high = np.min(part.path_mm, axis=0), np.max(part.path_mm, axis=0)
        x, y, z = (0.5 * (low + high)).tolist()
        return Extent((x, y, z), part.radius_mm + 0.5 * float(high[2] - low[2]))
    return None
