"""Shapes of bones, muscles and spaces: each knows its surface, its box and its mirror image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from examwise.phantom.grid import FloatArray, Vector
from examwise.phantom.shapes import Ellipsoid, Points


class Solid(Protocol):
    """A shape in the average head's frame."""

    @property
    def box(self) -> tuple[Vector, Vector]:
        """Middle of a box that holds the shape, and half its edges, in mm."""
        ...

    def distance_mm(self, points: Points) -> FloatArray:
        """Return the signed distance to its surface, negative inside; about exact near it."""
        ...

    def mirrored(self) -> Solid:
        """Return its image on the head's other side."""
        ...


@dataclass(frozen=True)
class Lump:
    """An ellipsoid as a solid.

    Attributes:
        shape: The ellipsoid.
    """

    shape: Ellipsoid

    @cached_property
    def box(self) -> tuple[Vector, Vector]:
        """Middle and half edges of a box that holds it."""
        a, b, c = self.shape.radii_mm
        if self.shape.turn_degree:
            a = b = max(a, b)
        return self.shape.center_mm, (a, b, c)

    def distance_mm(self, points: Points) -> FloatArray:
        """Return the signed distance."""
        return self.shape.distance_mm(points)

    def mirrored(self) -> Lump:
        """Return the mirror image."""
        return Lump(self.shape.mirrored())


def lump(center_mm: Vector, radii_mm: Vector, turn_degree: float = 0.0) -> Lump:
    """Return an ellipsoid as a solid."""
    return Lump(Ellipsoid(center_mm, radii_mm, turn_degree))


@dataclass(frozen=True)
class Tube:
    """A straight tube with round ends, flattened if wanted.

    Attributes:
        start_mm: Middle of one end.
        end_mm: Middle of the other.
        radius_mm: Its radius.
        squeeze: How many times thinner it is from left to right.
    """

    start_mm: Vector
    end_mm: Vector
    radius_mm: float
    squeeze: float = 1.0

    @cached_property
    def box(self) -> tuple[Vector, Vector]:
        """Middle and half edges of a box that holds it."""
        start, end = np.array(self.start_mm), np.array(self.end_mm)
        x, y, z = (0.5 * (start + end)).tolist()
        a, b, c = (0.5 * np.abs(end - start) + self.radius_mm).tolist()
        return (x, y, z), (a, b, c)

    def distance_mm(self, points: Points) -> FloatArray:
        """Return the signed distance."""
        squeeze = np.array([self.squeeze, 1.0, 1.0])
        start = np.array(self.start_mm)
        step = (np.array(self.end_mm) - start) * squeeze
        x = (points.x - np.float32(start[0])) * np.float32(self.squeeze)
        y = points.y - np.float32(start[1])
        z = points.z - np.float32(start[2])
        sx, sy, sz = (np.float32(value) for value in step)
        along = x * sx
        along += y * sy
        along += z * sz
        along *= np.float32(1.0 / max(float(step @ step), 1e-6))
        np.clip(along, 0.0, 1.0, out=along)
        x -= along * sx
        y -= along * sy
        z -= along * sz
        distance = np.sqrt(x * x + y * y + z * z)
        distance -= np.float32(self.radius_mm)
        if self.squeeze != 1.0:
            distance *= np.float32(2.0 / (1.0 + self.squeeze))
        return distance

    def mirrored(self) -> Tube:
        """Return the mirror image."""
        (ax, ay, az), (bx, by, bz) = self.start_mm, self.end_mm
        return replace(self, start_mm=(-ax, ay, az), end_mm=(-bx, by, bz))


@dataclass(frozen=True)
class Block:
    """A box with round edges, turned about the vertical axis.

    Attributes:
        center_mm: Its middle.
        half_mm: Half its edges.
        round_mm: Radius of its edges.
        turn_degree: Turn about z.
    """

    center_mm: Vector
    half_mm: Vector
    round_mm: float = 1.0
    turn_degree: float = 0.0

    @cached_property
    def box(self) -> tuple[Vector, Vector]:
        """Middle and half edges of a box that holds it."""
        a, b, c = self.half_mm
        if self.turn_degree:
            turn = np.radians(self.turn_degree)
            cosine, sine = abs(float(np.cos(turn))), abs(float(np.sin(turn)))
            a, b = cosine * a + sine * b, sine * a + cosine * b
        return self.center_mm, (a, b, c)

    def distance_mm(self, points: Points) -> FloatArray:
        """Return the signed distance."""
        x = points.x - np.float32(self.center_mm[0])
        y = points.y - np.float32(self.center_mm[1])
        z = points.z - np.float32(self.center_mm[2])
        if self.turn_degree:
            turn = np.radians(self.turn_degree)
            cosine, sine = np.float32(np.cos(turn)), np.float32(np.sin(turn))
            x, y = cosine * x + sine * y, cosine * y - sine * x
        outs = []
        for value, half in zip((x, y, z), self.half_mm, strict=True):
            out = np.abs(value, out=value)
            out -= np.float32(half - self.round_mm)
            outs.append(out)
        inner = np.maximum(np.maximum(outs[0], outs[1]), outs[2])
        np.minimum(inner, 0.0, out=inner)
        total = np.zeros_like(inner)
        for out in outs:
            np.maximum(out, 0.0, out=out)
            total += out * out
        inner += np.sqrt(total, out=total)
        inner -= np.float32(self.round_mm)
        return inner

    def mirrored(self) -> Block:
        """Return the mirror image."""
        x, y, z = self.center_mm
        return replace(self, center_mm=(-x, y, z), turn_degree=-self.turn_degree)


@dataclass(frozen=True)
class Cut:
    """What of a solid lies on one side of a plane.

    Attributes:
        solid: The solid.
        normal: Outward normal of the plane, of any length.
        through_mm: A point of the plane.
    """

    solid: Solid
    normal: Vector
    through_mm: Vector

    @cached_property
    def box(self) -> tuple[Vector, Vector]:
        """Middle and half edges of a box that holds it."""
        return self.solid.box

    def distance_mm(self, points: Points) -> FloatArray:
        """Return the signed distance."""
        length = float(np.linalg.norm(self.normal))
        nx, ny, nz = (np.float32(value / length) for value in self.normal)
        offset = sum(n * p for n, p in zip(self.normal, self.through_mm, strict=True)) / length
        plane = points.x * nx
        plane += points.y * ny
        plane += points.z * nz
        plane -= np.float32(offset)
        return np.maximum(self.solid.distance_mm(points), plane, out=plane)

    def mirrored(self) -> Cut:
        """Return the mirror image."""
        (nx, ny, nz), (x, y, z) = self.normal, self.through_mm
        return Cut(self.solid.mirrored(), (-nx, ny, nz), (-x, y, z))


def both_sides(*solids: Solid) -> tuple[Solid, ...]:
    """Return solids and their mirror images."""
    return tuple(one for solid in solids for one in (solid, solid.mirrored()))
