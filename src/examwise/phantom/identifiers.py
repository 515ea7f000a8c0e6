"""Identifiers that look random, never collide, and reveal no order.

A number is sent through a keyed permutation of all numbers of the same width (a Feistel network),
so two numbers never share an identifier, however large the archive; truncated hashes would.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

_ROUNDS = 4


@dataclass(frozen=True)
class SeriesIdentifiers:
    """Identifiers of a series.

    Attributes:
        series: The series.
        images: One of each slice, lowest first.
    """

    series: str
    images: tuple[str, ...]


@dataclass(frozen=True)
class ExamIdentifiers:
    """Identifiers of an exam, in the form of its layout.

    Attributes:
        patient: Patient; the same in all exams of a patient.
        study: Study.
        own: The exam's own series.
        further: Other series of the study.
    """

    patient: str
    study: str
    own: SeriesIdentifiers
    further: tuple[SeriesIdentifiers, ...] = ()


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


def valid_uid(seed: int, *names: str | int) -> str:
    """Return a valid UID (2.25 and a number of 128 bits) for whatever is so named.

    Example:
        >>> valid_uid(0, "series", 1) == valid_uid(0, "series", 1)
        True
        >>> valid_uid(0, "series", 1)[:5]
        '2.25.'
    """
    digest = hashlib.blake2b(repr((seed, *names)).encode(), digest_size=16)
    return f"2.25.{int.from_bytes(digest.digest(), 'big')}"
