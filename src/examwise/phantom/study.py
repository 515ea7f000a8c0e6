"""One visit of a patient: what there is to see, and how it is scanned."""

from __future__ import annotations

from dataclasses import dataclass

from examwise.core.randomness import generator
from examwise.phantom.bleeds.mass_effect import pushes_of
from examwise.phantom.bleeds.parameters import BleedParameters
from examwise.phantom.bleeds.sampling import sample_bleeds
from examwise.phantom.config import PhantomConfig
from examwise.phantom.mimics.parameters import MimicParameters, sample_mimics
from examwise.phantom.patients import Patient, sample_patient
from examwise.phantom.pushes import Push
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.scanner.sampling import sample_further_scans, sample_scan


@dataclass(frozen=True)
class Study:
    """Everything about a visit before it is rendered.

    Attributes:
        exam_number: Counts exams of the archive from 0.
        patient_number: Counts patients from 0.
        patient: The patient.
        mimics: What is dense or dark and no bleed.
        bleeds: The bleeds.
        scan: How the exam is scanned.
        further_scans: How other series of the study are scanned.
    """

    exam_number: int
    patient_number: int
    patient: Patient
    mimics: MimicParameters
    bleeds: tuple[BleedParameters, ...]
    scan: ScanParameters
    further_scans: tuple[ScanParameters, ...]

    @property
    def pushes(self) -> tuple[Push, ...]:
        """How bleeds and other masses move the brain."""
        return (*pushes_of(self.bleeds), *self.mimics.pushes)


def sample_study(config: PhantomConfig, exam_number: int, patient_number: int) -> Study:
    """Draw a visit; a function of its arguments alone.

    Example:
        >>> sample_study(PhantomConfig(prevalence=0), 0, 0).bleeds
        ()
    """
    cases = config.at.cases
    patient = sample_patient(config, patient_number)
    scan = sample_scan(config, exam_number)
    mimics = sample_mimics(
        generator(config.seed, "lasting mimics", config.hospital, patient_number),
        generator(config.seed, "mimics", config.hospital, exam_number),
        cases,
        age=patient.age,
    )
    bleeds = sample_bleeds(
        generator(config.seed, "bleeds", config.hospital, exam_number),
        cases,
        patient,
        prevalence=cases.prevalence if config.prevalence is None else config.prevalence,
        scanned_mm=scan.scanned_mm(),
    )
    return Study(
        exam_number=exam_number,
        patient_number=patient_number,
        patient=patient,
        mimics=mimics,
        bleeds=bleeds,
        scan=scan,
        further_scans=sample_further_scans(config, exam_number, scan),
    )
