"""Which dense or dark things, that are no acute bleeds, a patient or an exam has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.core.randomness import generator
from examwise.phantom.hospitals import CaseMix
from examwise.phantom.mimics.mimic import Circumstances, Mimic
from examwise.phantom.mimics.registry import SAMPLERS
from examwise.phantom.pushes import Push


@dataclass(frozen=True)
class MimicParameters:
    """Everything dense or dark that is no acute bleed.

    Attributes:
        found: Each finding, first drawn first.
    """

    found: tuple[Mimic, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What there is."""
        return tuple(mimic.name for mimic in self.found)

    @property
    def pushes(self) -> tuple[Push, ...]:
        """How these things push the brain."""
        return tuple(push for mimic in self.found for push in mimic.pushes)


def sample_mimics(
    of_patient: np.random.Generator, of_exam: np.random.Generator, cases: CaseMix, *, age: float
) -> MimicParameters:
    """Draw what an exam shows beside bleeds.

        Whether there is a bleed plays no part: such things are as frequent in exams without one.

    Args:
            of_patient: Source of what all exams of the patient share.
            of_exam: Source of what this exam alone shows.
            cases: The hospital's mix.
            age: Age in years.

    Example:
            >>> from examwise.phantom.hospitals import HOSPITALS
            >>> patient, exam = np.random.default_rng(0), np.random.default_rng(1)
            >>> mimics = sample_mimics(patient, exam, HOSPITALS["a"].cases, age=80)
            >>> len(mimics.names) == len(mimics.found)
            True
    """
    who = Circumstances(age, cases)
    lasting, passing = (int(random.integers(2**62)) for random in (of_patient, of_exam))
    found: list[Mimic] = []
    for name, sampler in SAMPLERS.items():
        found += sampler(generator(lasting, name), generator(passing, name), who)
    return MimicParameters(tuple(found))
