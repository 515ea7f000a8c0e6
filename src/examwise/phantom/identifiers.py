"""Identifiers that look random, never collide, and reveal no order.

A number is sent through a keyed permutation of all numbers of the same width (a Feistel network),
so two numbers never share an identifier, however large the archive; truncated hashes would.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from examwise.phantom.config import MOST_SLICES

_ROUNDS = 4
_SLICES_PER_EXAM = MOST_SLICES


def scrambled_hex(seed: int, kind: str, number: int, *, digits: int) -> str:
    """Return a number's identifier of that many hexadecimal digits.

    Distinct numbers of one seed and kind have distinct identifiers.

    Args:
        seed: The archive's seed.
        kind: What is identified; each kind has a permutation of its own.
        number: From 0 to ``16 ** digits - 1``.
        digits: Hexadecimal digits.

    Raises:
        ValueError: If the number does not fit.

    Example:
        >>> names = {scrambled_hex(0, "image", number, digits=2) for number in range(256)}
        >>> len(names)
        256
    """
    if not 0 <= number < 16**digits:
        raise ValueError(f"{number} has more than {digits} hexadecimal digits")
    half = 2 * digits
    mask = (1 << half) - 1
    left, right = number >> half, number & mask
    for turn in range(_ROUNDS):
        digest = hashlib.blake2b(repr((seed, kind, turn, right)).encode(), digest_size=8)
        left, right = right, left ^ (int.from_bytes(digest.digest(), "big") & mask)
    return f"{left << half | right:0{digits}x}"


@dataclass(frozen=True)
class ExamIdentifiers:
    """Identifiers of an exam, in the form of the RSNA 2019 archive: ``ID_`` and hexadecimal digits.

    Attributes:
        patient: Patient; the same in all exams of a patient.
        study: Study.
        series: Series.
        images: One of each slice, lowest first.
    """

    patient: str
    study: str
    series: str
    images: tuple[str, ...]


def exam_identifiers(
    seed: int, *, exam_number: int, patient_number: int, n_slices: int
) -> ExamIdentifiers:
    """Return the identifiers of an exam; two exams of an archive never share a study or image.

    Example:
        >>> found = exam_identifiers(0, exam_number=3, patient_number=2, n_slices=2)
        >>> len(found.patient), len(found.study), len(found.series), len(found.images[0])
        (11, 13, 13, 12)
    """
    first = exam_number * _SLICES_PER_EXAM
    return ExamIdentifiers(
        patient=f"ID_{scrambled_hex(seed, 'patient', patient_number, digits=8)}",
        study=f"ID_{scrambled_hex(seed, 'study', exam_number, digits=10)}",
        series=f"ID_{scrambled_hex(seed, 'series', exam_number, digits=10)}",
        images=tuple(
            f"ID_{scrambled_hex(seed, 'image', first + index, digits=9)}"
            for index in range(n_slices)
        ),
    )
