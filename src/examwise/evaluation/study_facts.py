"""What an answer's cautions need to know about a study beside its tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StudyFacts:
    """Facts about a study.

    Attributes:
        archive: Where the test exams are from; of several archives their joint name.
        n_exams: Labelled test exams.
        n_positive: Positive ones.
        n_patients: Their patients.
        acquisition: How slice labels were drawn, ``spread`` or ``whole_exam``; None without any.
        slices_per_exam: Mean number of slices in a test exam; None where it is not known.
        labels_per_exam: Slice labels for each exam opened, at the largest budget; None without
            any.
        largest_unspent_share: Largest share of a budget that bought no labels, since the next
            exam's labels would have gone beyond it.
        n_runs: Runs of all learners.
        n_constant_runs: Runs that score all test exams alike.
        n_archives: Archives that the test exams are from.
    """

    archive: str
    n_exams: int
    n_positive: int
    n_patients: int
    acquisition: str | None
    slices_per_exam: float | None
    labels_per_exam: float | None
    largest_unspent_share: float
    n_runs: int = 0
    n_constant_runs: int = 0
    n_archives: int = 1
