"""What a mimic is: a named finding made of parts that draw themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from examwise.phantom.hospitals import CaseMix
from examwise.phantom.mimics.scene import InsideScene, OutsideScene
from examwise.phantom.pushes import Push


class InsidePart(Protocol):
    """Something within the cranial cavity."""

    def draw(self, scene: InsideScene) -> None:
        """Change the scene's densities, in place."""
        ...


class OutsidePart(Protocol):
    """Something in or on skull and scalp."""

    def draw(self, scene: OutsideScene) -> None:
        """Change the scene's densities, in place."""
        ...


@dataclass(frozen=True)
class Mimic:
    """One finding that is dense or dark and no acute bleed.

    Attributes:
        name: What it is.
        inside: Its parts within the cranial cavity, first drawn first.
        outside: Its parts in or on skull and scalp.
        pushes: How it pushes the brain.
    """

    name: str
    inside: tuple[InsidePart, ...] = ()
    outside: tuple[OutsidePart, ...] = ()
    pushes: tuple[Push, ...] = ()


@dataclass(frozen=True)
class Circumstances:
    """What decides how likely a mimic is; whether there is a bleed does not.

    Attributes:
        age: Age in years.
        cases: The hospital's mix.
    """

    age: float
    cases: CaseMix


Sampler = Callable[[np.random.Generator, np.random.Generator, Circumstances], tuple[Mimic, ...]]
"""Draws mimics of one sort from the patient's source, the exam's source and circumstances.

What lasts is drawn from the patient's source, so that all the patient's exams share it.
"""


def happens(random: np.random.Generator, chance: float) -> bool:
    """Draw whether something of this chance is so."""
    return bool(random.uniform() < chance)


def chance_at(age: float, ages: Sequence[float], chances: Sequence[float]) -> float:
    """Return the chance at an age, between those stated for some ages.

    Example:
        >>> chance_at(50.0, (40.0, 60.0), (0.0, 0.5))
        0.25
    """
    return float(np.interp(age, ages, chances))


def some_side(random: np.random.Generator) -> int:
    """Draw a side: 1 left, -1 right."""
    return 1 if random.uniform() < 0.5 else -1
