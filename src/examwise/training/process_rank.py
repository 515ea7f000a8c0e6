"""Which of the processes that train one model together this one is; imports nothing heavy."""

from __future__ import annotations

import os
import time
from pathlib import Path

from examwise.core.errors import InputError
from examwise.core.manifest import BEGUN

_RANK_VARIABLES = ("RANK", "NODE_RANK", "LOCAL_RANK")
"""The first of further nodes has no number but its node's, where Lightning starts the others."""
_PATIENCE_S = 600.0
_POLL_S = 0.1


def process_rank() -> int:
    """Return 0 for a process that trains alone or leads, and more for any other.

    Known before anything is set up, from what torchrun, SLURM and Lightning leave in the
    environment.
    """
    found = [int(os.environ[n]) for n in _RANK_VARIABLES if os.environ.get(n, "").isdigit()]
    if found:
        return max(found)
    # Within an interactive allocation SLURM numbers a lone process too.
    if os.environ.get("SLURM_JOB_NAME") not in ("bash", "interactive"):
        return int(os.environ.get("SLURM_PROCID", 0))
    return 0


def await_beginning(folder: Path) -> None:
    """Wait until the process that leads has begun the run directory.

    Args:
        folder: The run directory, which all processes see.

    Raises:
        InputError: If it has not within ten minutes.
    """
    latest = time.monotonic() + _PATIENCE_S
    while not (folder / BEGUN).is_file():
        if time.monotonic() > latest:
            raise InputError(
                where=folder,
                expected="a run that the first process has begun",
                got="none",
                remedy="use a folder that all nodes share",
            )
        time.sleep(_POLL_S)
