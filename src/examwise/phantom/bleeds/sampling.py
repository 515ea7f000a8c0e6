"""Which bleeds an exam has."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from examwise.phantom.bleeds.along_skull import Crescent, Lens
from examwise.phantom.bleeds.blobs import Blobs
from examwise.phantom.bleeds.epidural import sample_epidural
from examwise.phantom.bleeds.intraparenchymal import sample_intraparenchymal
from examwise.phantom.bleeds.intraventricular import sample_intraventricular
from examwise.phantom.bleeds.parameters import KINDS, BleedParameters
from examwise.phantom.bleeds.scene import Scene, Survey
from examwise.phantom.bleeds.subarachnoid import sample_subarachnoid
from examwise.phantom.bleeds.subdural import sample_subdural
from examwise.phantom.grid import Vector
from examwise.phantom.hospitals import CaseMix
from examwise.phantom.patients import Patient

_SAMPLERS: Mapping[str, Callable[[np.random.Generator, Scene], list[BleedParameters]]] = {
    "epidural": sample_epidural,
    "intraparenchymal": sample_intraparenchymal,
    "intraventricular": sample_intraventricular,
    "subarachnoid": sample_subarachnoid,
    "subdural": sample_subdural,
}
# How readily other kinds come with the first one, without and with a blow to the head.
_COMPANIONS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "epidural": {
        "intraparenchymal": (1.0, 1.0),
        "subarachnoid": (1.0, 1.0),
        "subdural": (1.0, 1.0),
    },
    "intraparenchymal": {
        "intraventricular": (1.0, 0.2),
        "subarachnoid": (0.35, 1.0),
        "subdural": (0.1, 0.8),
        "epidural": (0.0, 0.06),
    },
    "intraventricular": {
        "intraparenchymal": (0.6, 0.5),
        "subarachnoid": (0.6, 1.0),
        "subdural": (0.1, 0.5),
    },
    "subarachnoid": {
        "intraventricular": (1.0, 0.25),
        "intraparenchymal": (0.4, 0.9),
        "subdural": (0.15, 1.0),
        "epidural": (0.0, 0.06),
    },
    "subdural": {
        "subarachnoid": (1.0, 1.0),
        "intraparenchymal": (0.4, 0.6),
        "intraventricular": (0.15, 0.15),
        "epidural": (0.02, 0.06),
    },
}
_ANOTHER_SIDE_FRACTION = 0.2
_SEVERITY_OF_ONE, _SEVERITY_A_KIND = -0.05, 0.08


def sample_bleeds(
    random: np.random.Generator,
    cases: CaseMix,
    patient: Patient,
    *,
    prevalence: float,
    scanned_mm: tuple[float, float],
) -> tuple[BleedParameters, ...]:
    """Draw an exam's bleeds: none, or of one or several kinds that belong together.

    Args:
        random: Source of randomness, the exam's own.
        cases: The hospital's mix.
        patient: The patient.
        prevalence: Chance that there is a bleed.
        scanned_mm: Lowest and highest z that slices show, in the head's frame.
    """
    # Streams of their own: what one kind draws changes nothing about another.
    mixing, *own = random.spawn(1 + len(KINDS))
    if mixing.uniform() >= prevalence:
        return ()
    traumatic = bool(mixing.uniform() < cases.trauma_fraction)
    kinds = _sample_kinds(mixing, cases, traumatic=traumatic)
    side = int(mixing.choice((-1, 1)))
    # What is slight is slight all over: few kinds, and little of each.
    severity = math.exp(mixing.normal(_SEVERITY_OF_ONE + _SEVERITY_A_KIND * (len(kinds) - 1), 0.5))
    survey = Survey(patient, scanned_mm)
    scene = Scene(patient, cases, scanned_mm, survey, traumatic, side, severity)
    found: list[BleedParameters] = []
    for kind in kinds:
        stream = own[KINDS.index(kind)]
        elsewhere = bool(found) and stream.uniform() < _ANOTHER_SIDE_FRACTION
        of_kind = replace(scene, side=-side) if elsewhere and traumatic else scene
        found += _SAMPLERS[kind](stream, of_kind)
        if scene.near_mm is None:
            scene = replace(scene, near_mm=_middle(found[0]))
    return tuple(sorted(found, key=lambda bleed: KINDS.index(bleed.kind)))


def _sample_kinds(random: np.random.Generator, cases: CaseMix, *, traumatic: bool) -> list[str]:
    count = 1 + int(random.choice(len(cases.number_of_kinds), p=cases.number_of_kinds))
    weights = np.array([cases.kind_weights[kind] for kind in KINDS])
    if not traumatic:
        # Nothing but a blow tears the arteries of the dura.
        weights[KINDS.index("epidural")] *= 0.1
    first = KINDS[int(random.choice(len(KINDS), p=weights / weights.sum()))]
    companions = _COMPANIONS[first]
    readiness = np.array([companions.get(kind, (0.0, 0.0))[traumatic] for kind in KINDS])
    further = min(count - 1, int(np.count_nonzero(readiness)))
    chosen = random.choice(len(KINDS), size=further, replace=False, p=readiness / readiness.sum())
    return [first, *(KINDS[index] for index in chosen.tolist())]


def _middle(bleed: BleedParameters) -> Vector | None:
    form = bleed.form
    if isinstance(form, Blobs):
        return form.parts[0].center_mm
    if isinstance(form, Crescent | Lens):
        return form.patch.center_mm
    return None
