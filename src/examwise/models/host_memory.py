"""Memory of the host that is free within the process, given back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


def give_back_free_memory() -> None:
    """Give freed blocks back to the system, where the C library can: glibc's does.

    Between two chunks of images glibc puts small things that live on into the places of large
    blocks just freed, which the next chunk then no longer fits into: without this, every chunk
    adds the size of its images to what the process holds. It takes milliseconds.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    except (OSError, TypeError):  # Windows has no library of that kind.
        return None
    return found
