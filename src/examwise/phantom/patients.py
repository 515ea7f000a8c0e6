"""Who the patients are, and which exam is of which patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.core.randomness import generator
from examwise.phantom.brain.parameters import BrainParameters, sample_brain
from examwise.phantom.config import PhantomConfig
from examwise.phantom.head.parameters import HeadParameters, sample_head

_YOUNGEST, _OLDEST = 18.0, 95.0


@dataclass(frozen=True)
class Patient:
    """What all exams of a patient share.

    Attributes:
        age: Age in years.
        head: The head around the brain.
        brain: The brain.
    """

    age: float
    head: HeadParameters
    brain: BrainParameters


def sample_patient(config: PhantomConfig, patient_number: int) -> Patient:
    """Draw a patient; a function of seed, hospital and patient number alone.

    Example:
        >>> sample_patient(PhantomConfig(), 3) == sample_patient(PhantomConfig(), 3)
        True
    """
    names = ("patient", config.hospital, patient_number)
    random = generator(config.seed, *names)
    mix = config.at.patients
    age = float(np.clip(random.normal(mix.mean_age, mix.age_spread), _YOUNGEST, _OLDEST))
    size = random.normal(1.0, 0.03)
    return Patient(
        age=age,
        head=sample_head(generator(config.seed, "head", *names), age=age, size=size),
        brain=sample_brain(generator(config.seed, "brain", *names), age=age, size=size),
    )


def patient_numbers(config: PhantomConfig) -> npt.NDArray[np.int64]:
    """Return each exam's patient number, counting patients from 0.

    A patient has one exam and a Poisson-distributed number of further ones.

    Returns:
        int64, shape (n_exams,). Fewer exams give the beginning of what more exams give.

    Example:
        >>> patient_numbers(PhantomConfig(n_exams=3, exams_per_patient=1)).tolist()
        [0, 1, 2]
    """
    random = generator(config.seed, "exams of patients", config.hospital)
    mean = config.exams_per_patient
    if mean is None:
        mean = config.at.patients.exams_per_patient
    counts = 1 + random.poisson(mean - 1.0, size=config.n_exams)
    return np.repeat(np.arange(config.n_exams, dtype=np.int64), counts)[: config.n_exams]
