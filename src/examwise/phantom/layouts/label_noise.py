"""Label files that are wrong now and then, mostly where a bleed is hard to see.

Two things go wrong. A bleed is missed: with half of the chance in one slice, with half of it in all
slices, each the more likely the smaller and fainter it is there (in all slices: where it is seen
best). Or something else that is bright is taken for a bleed, less often, in the slices that show
it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.exam import RenderedExam
from examwise.phantom.layouts.mistakable import mistakable
from examwise.phantom.layouts.visibility import difficulty, visibility

_MISTAKEN = 0.25
"""How often a bright thing is taken for blood, against how often an invisible bleed is missed."""


def noisy_labels(
    exam: RenderedExam, label_noise: float, random: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Return the labels of an exam's slices as its label file has them.

    Args:
        exam: The exam.
        label_noise: Chance that a label is wrong about a bleed that can hardly be seen; 0 gives
            the truth.
        random: Source of randomness, the exam's own.

    Returns:
        bool, shape (slices, 5).
    """
    truth = exam.series.positive
    # Drawn whether needed or not, so that a change in one bleed leaves the others' errors alone.
    of_exam = random.uniform(size=len(KINDS))
    of_slices = random.uniform(size=truth.shape)
    taken = random.uniform(size=len(KINDS))
    if label_noise == 0:
        return truth.copy()
    seen = visibility(exam.series)
    chance = 0.5 * label_noise
    missed = of_slices < chance * difficulty(seen)
    missed |= of_exam < chance * difficulty(seen.max(axis=0))
    labels = truth & ~missed
    for thing in mistakable(exam.study):
        kind = KINDS.index(thing.kind)
        if taken[kind] < _MISTAKEN * label_noise:
            labels[thing.shown_in(exam.series.scan), kind] = True
    return labels
