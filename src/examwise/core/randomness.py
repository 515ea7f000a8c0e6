"""Random streams that are functions of what they are for, never of what ran before.

A stream is named by a seed and any number of words and numbers (epoch, step, exam_id …), so that
resuming, packing and worker counts change nothing.
"""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(seed: int, *names: str | int) -> int:
    """Return a 63-bit seed that depends on ``seed`` and every name, and on nothing else.

    Args:
        seed: The user's seed.
        names: What the stream is for, for example ``"batch", step``.

    Example:
        >>> derive_seed(0, "batch", 1) == derive_seed(0, "batch", 1)
        True
        >>> derive_seed(0, "batch", 1) == derive_seed(0, "batch", "1")
        False
    """
    # NumPy's scalars print unlike Python's: the same number must name the same stream.
    plain = [int(name) if isinstance(name, int | np.integer) else str(name) for name in names]
    digest = hashlib.blake2b(repr((int(seed), *plain)).encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return a NumPy generator for the named stream.

    Example:
        >>> int(generator(0, "split").integers(10)) == int(generator(0, "split").integers(10))
        True
    """
    return np.random.default_rng(derive_seed(seed, *names))
