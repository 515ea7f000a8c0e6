"""Three hospitals that differ in patients, cases and scanners, as real archives do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from examwise.phantom.scanner.models import (
    FAST_TRAUMA,
    OLD_SEQUENTIAL,
    PREMIUM_SPIRAL,
    SMALL_SPIRAL,
    ScannerModel,
)


@dataclass(frozen=True)
class PatientMix:
    """Who comes.

    Attributes:
        mean_age: Mean age in years.
        age_spread: Standard deviation of age in years.
        exams_per_patient: Mean number of exams of a patient, at least 1.
    """

    mean_age: float
    age_spread: float
    exams_per_patient: float


@dataclass(frozen=True)
class CaseMix:
    """What they come with.

    Attributes:
        prevalence: Fraction of exams with a bleed.
        kind_weights: Relative frequency of each kind of bleed.
        number_of_kinds: Chances of one, two, … kinds in an exam with a bleed.
        size: Typical size of bleeds, 1 as in the first hospital.
        isodense_fraction: Fraction of bleeds hardly denser than brain.
        infarct_fraction: Fraction of exams with an infarct, old or fresh.
        postoperative_fraction: Fraction of exams after an operation on the head.
        trauma_fraction: Fraction of exams after a blow to the head.
    """

    prevalence: float
    kind_weights: Mapping[str, float]
    number_of_kinds: tuple[float, ...]
    size: float
    isodense_fraction: float
    infarct_fraction: float
    postoperative_fraction: float
    trauma_fraction: float


@dataclass(frozen=True)
class Hospital:
    """A hospital.

    Attributes:
        patients: Who comes.
        cases: What they come with.
        scanners: How often each scanner is used, and what it is.
    """

    patients: PatientMix
    cases: CaseMix
    scanners: tuple[tuple[float, ScannerModel], ...]


HOSPITALS = {
    # Many institutions, as in the RSNA 2019 archive.
    "a": Hospital(
        PatientMix(mean_age=62.0, age_spread=19.0, exams_per_patient=1.15),
        CaseMix(
            prevalence=0.41,
            kind_weights={
                "epidural": 0.17,
                "intraparenchymal": 0.56,
                "intraventricular": 0.22,
                "subarachnoid": 0.26,
                "subdural": 0.4,
            },
            number_of_kinds=(0.4, 0.37, 0.23),
            size=1.0,
            isodense_fraction=0.3,
            infarct_fraction=0.15,
            postoperative_fraction=0.05,
            trauma_fraction=0.3,
        ),
        ((0.4, PREMIUM_SPIRAL), (0.35, FAST_TRAUMA), (0.25, OLD_SEQUENTIAL)),
    ),
    # A trauma centre with younger patients, as in CQ500.
    "b": Hospital(
        PatientMix(mean_age=48.0, age_spread=20.0, exams_per_patient=1.0),
        CaseMix(
            prevalence=0.42,
            kind_weights={
                "epidural": 0.15,
                "intraparenchymal": 0.5,
                "intraventricular": 0.04,
                "subarachnoid": 0.17,
                "subdural": 0.23,
            },
            number_of_kinds=(0.64, 0.27, 0.09),
            size=1.15,
            isodense_fraction=0.1,
            infarct_fraction=0.2,
            postoperative_fraction=0.06,
            trauma_fraction=0.5,
        ),
        ((0.7, FAST_TRAUMA), (0.3, SMALL_SPIRAL)),
    ),
    # One scanner, young patients with head injuries, as in CT-ICH.
    "c": Hospital(
        PatientMix(mean_age=30.0, age_spread=18.0, exams_per_patient=1.0),
        CaseMix(
            prevalence=0.46,
            kind_weights={
                "epidural": 0.5,
                "intraparenchymal": 0.24,
                "intraventricular": 0.05,
                "subarachnoid": 0.07,
                "subdural": 0.14,
            },
            number_of_kinds=(0.72, 0.21, 0.07),
            size=0.9,
            isodense_fraction=0.05,
            infarct_fraction=0.05,
            postoperative_fraction=0.02,
            trauma_fraction=0.9,
        ),
        ((1.0, SMALL_SPIRAL),),
    ),
}
