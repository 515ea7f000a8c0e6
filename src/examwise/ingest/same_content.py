"""Volumes that are in a source twice: the same head may not be two exams of two patients."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from examwise.core.digests import sha256_hex
from examwise.ingest.listing import Listing

_GLANCE_BYTES = 1 << 16


def copies(source: Path, listing: Listing, places: Sequence[int]) -> list[int]:
    """Return which files hold the same bytes as an earlier one.

    Only files of one size are opened, and only those that agree in their middle, where a head
    lies, are read whole: volumes of one matrix are often of one size.

    Args:
        source: The source.
        listing: Its files.
        places: Places in the listing of the files to compare.

    Returns:
        Places of the copies, in no order; the first file by path is never one of them.
    """
    found: list[int] = []
    for of_one_size in _alike([*places], lambda place: str(listing.sizes[place])):
        for similar in _alike(of_one_size, lambda place: _glance(source, listing, place)):
            for same in _alike(similar, lambda place: _digest(source / listing.paths[place])):
                found += same[1:]
    return found


def _alike(places: Sequence[int], key: Callable[[int], str]) -> list[list[int]]:
    """Return the groups of several places with one key; what has an empty key is in none."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place in sorted(places):
        groups[key(place)].append(place)
    return [group for value, group in groups.items() if value and len(group) > 1]


def _glance(source: Path, listing: Listing, place: int) -> str:
    try:
        with (source / listing.paths[place]).open("rb") as file:
            file.seek(max(0, listing.sizes[place] - _GLANCE_BYTES) // 2)
            return sha256_hex(file.read(_GLANCE_BYTES))
    except OSError:  # gone since: reading it as an exam will say so
        return ""


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
