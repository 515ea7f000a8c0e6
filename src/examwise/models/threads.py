"""The number of threads that PyTorch computes with on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def cpu_threads(n_threads: int) -> Iterator[None]:
    """Compute with so many threads, then with as many as before.

    Sums are split over threads, so that their number is part of what makes results repeatable
    to the bit. Small networks gain nothing from several; beside other busy processes they can
    be many times slower with them, waiting for each other.

    Example:
        >>> with cpu_threads(1):
        ...     torch.get_num_threads()
        1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
