"""Three readers of one exam, who mostly agree.

How many of three readers saw a haemorrhage in the 491 exams of CQ500: none 245, one 41, two 37, all
168 (Chilamkurthy et al., 2018). Here two of three always say of bleeds what the labels say, so that
label noise alone decides whether the majority errs. The third dissents, more often the harder the
exam: overlooks what is small and faint, or takes something bright for blood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.core.randomness import generator
from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.layouts.mistakable import mistakable
from examwise.phantom.layouts.other_findings import (
    has_hidden_fracture,
    has_mass_effect,
    has_midline_shift,
    has_old_blood,
    has_vault_fracture,
)
from examwise.phantom.layouts.protocol import LabelledExam
from examwise.phantom.layouts.visibility import difficulty, visibility

N_READERS = 3

_LEAST_OVERLOOKED, _MOST_OVERLOOKED = 0.07, 0.7
_PLAIN_MISTAKEN, _BRIGHT_MISTAKEN = 0.06, 0.22
_KIND_OVERLOOKED = 0.5
_KIND_ADDED = 0.05
_OTHER_OVERLOOKED = 0.25
_OTHER_ADDED = 0.03
_SIDES = {1: "left", -1: "right"}
_OTHERS = ("chronic", "vault_fracture", "other_fracture", "mass_effect", "midline_shift")


@dataclass(frozen=True)
class Read:
    """What one reader says of an exam.

    Attributes:
        kinds: Kinds of bleeds.
        sides: Sides with a bleed: ``left``, ``right``.
        others: Other findings: ``chronic`` bleed, ``vault_fracture``, ``other_fracture``,
            ``mass_effect``, ``midline_shift``.
    """

    kinds: frozenset[str]
    sides: frozenset[str]
    others: frozenset[str]


def sample_reads(item: LabelledExam) -> tuple[Read, Read, Read]:
    """Draw three readers' opinions of an exam; a function of the exam and its labels."""
    kinds = _kinds(item)
    others = _others(item)
    sides = [_sides(item, of) for of in kinds]
    first, second, third = (
        Read(frozenset(of), frozenset(where), frozenset(also))
        for of, where, also in zip(kinds, sides, others, strict=True)
    )
    return first, second, third


def _kinds(item: LabelledExam) -> list[set[str]]:
    random = generator(item.seed, "readers", "kinds")
    dissent, added = random.uniform(size=2).tolist()
    reader = int(random.integers(N_READERS))
    by_kind = random.uniform(size=len(KINDS))
    readers = random.integers(N_READERS, size=len(KINDS))
    other = KINDS[int(random.integers(len(KINDS)))]
    which = random.uniform()
    labelled = {KINDS[bit] for bit in np.flatnonzero(item.labels.any(axis=0)).tolist()}
    reads = [set(labelled) for _ in range(N_READERS)]
    if not labelled:
        things = mistakable(item.exam.study)
        if dissent < (_BRIGHT_MISTAKEN if things else _PLAIN_MISTAKEN):
            reads[reader].add(things[int(which * len(things))].kind if things else other)
        return reads
    hard = difficulty(visibility(item.exam.series).max(axis=0))
    easiest = min(float(hard[KINDS.index(kind)]) for kind in labelled)
    if dissent < _LEAST_OVERLOOKED + (_MOST_OVERLOOKED - _LEAST_OVERLOOKED) * easiest:
        reads[reader].clear()
        return reads
    if added < _KIND_ADDED:
        reads[reader].add(other)
    for bit, kind in enumerate(KINDS):
        mind = reads[int(readers[bit])]
        overlooked = by_kind[bit] < _KIND_OVERLOOKED * hard[bit]
        # A reader who saw a haemorrhage names at least one kind that is there.
        if overlooked and kind in mind and len(mind & labelled) > 1:
            mind.remove(kind)
    return reads


def _sides(item: LabelledExam, kinds: set[str]) -> set[str]:
    random = generator(item.seed, "readers", "sides")
    guessed = _SIDES[int(random.choice((-1, 1)))]
    found = set()
    for kind in kinds:
        of_kind = {bleed.side for bleed in item.exam.study.bleeds if bleed.kind == kind}
        found |= {side for sign, side in _SIDES.items() if sign in of_kind or 0 in of_kind}
    return found or ({guessed} if kinds else set())


def _others(item: LabelledExam) -> list[set[str]]:
    random = generator(item.seed, "readers", "others")
    study = item.exam.study
    present = {
        "chronic": has_old_blood(study),
        "vault_fracture": has_vault_fracture(study),
        "other_fracture": has_hidden_fracture(random),
        "mass_effect": has_mass_effect(study),
        "midline_shift": has_midline_shift(study),
    }
    dissent = random.uniform(size=len(_OTHERS)).tolist()
    readers = random.integers(N_READERS, size=len(_OTHERS)).tolist()
    reads: list[set[str]] = [{name for name in _OTHERS if present[name]} for _ in range(N_READERS)]
    for name, chance, reader in zip(_OTHERS, dissent, readers, strict=True):
        if chance < (_OTHER_OVERLOOKED if present[name] else _OTHER_ADDED):
            reads[reader] ^= {name}
    return reads
