"""Which exam is of which patient."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examwise.core.randomness import generator


def patient_numbers(n_exams: int, *, exams_per_patient: float, seed: int) -> npt.NDArray[np.int64]:
    """Return each exam's patient number, counting patients from 0.

    A patient has one exam and a Poisson-distributed number of further ones.

    Args:
        n_exams: Number of exams.
        exams_per_patient: Mean number of exams of a patient, at least 1.
        seed: The archive's seed.

    Returns:
        int64, shape (n_exams,). Fewer exams give the beginning of what more exams give.

    Example:
        >>> patient_numbers(3, exams_per_patient=1, seed=0).tolist()
        [0, 1, 2]
    """
    random = generator(seed, "exams of patients")
    counts = 1 + random.poisson(exams_per_patient - 1.0, size=n_exams)
    return np.repeat(np.arange(n_exams, dtype=np.int64), counts)[:n_exams]
