"""GPUs of this machine by number, dealt out to processes: each process sees one of them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from examwise.core.errors import ExamwiseError, InputError
from examwise.core.executors.worker_processes import VISIBLE_DEVICES

try:
    import fcntl
except ImportError:  # not a POSIX system, which can_deal_out tells
    fcntl = None  # type: ignore[assignment]  # nothing is dealt out there

# A process that ends gives its place back only when it is quite gone.
_PATIENCE_S = 60.0
_SECONDS_BETWEEN_TRIES = 0.05


@dataclass(frozen=True)
class DeviceList:
    """GPUs, and how many runs each has at a time.

    Attributes:
        devices: Numbers, or names, as ``CUDA_VISIBLE_DEVICES`` takes them.
        runs_per_device: Processes that share a GPU.

    Raises:
        InputError: If there is none, one is named twice, or no run fits on one.

    Example:
        >>> DeviceList(("0", "1"), runs_per_device=2).places
        ('0', '1', '0', '1')
    """

    devices: tuple[str, ...]
    runs_per_device: int = 1

    def __post_init__(self) -> None:
        if not self.devices or len(set(self.devices)) < len(self.devices):
            got = ",".join(self.devices) or "none"
            raise InputError(where="devices", expected="at least one, each once", got=got)
        if self.runs_per_device < 1:
            raise InputError(
                where="runs per device", expected="1 or more", got=self.runs_per_device
            )

    @property
    def places(self) -> tuple[str, ...]:
        """The device of every process, in turns."""
        return self.devices * self.runs_per_device


def take_place(folder: str, places: tuple[str, ...]) -> None:
    """Take a place for this process, and see no other device than its own from here on.

    A place is a lock on a file, which the system takes back when the process ends, however it
    ends. To be called before the process first looks for a GPU.

    Args:
        folder: Where the locks lie, the same for all processes that share the places.
        places: The device of each.

    Raises:
        ExamwiseError: If more processes want a place than there are.
    """
    tries = round(_PATIENCE_S / _SECONDS_BETWEEN_TRIES)
    for _ in range(tries):
        for number, device in enumerate(places):
            if _lock(Path(folder, str(number))):
                os.environ[VISIBLE_DEVICES] = device
                return
        time.sleep(_SECONDS_BETWEEN_TRIES)
    raise ExamwiseError(f"more than {len(places)} processes want one of as many places on devices")


def can_deal_out() -> bool:
    """Tell whether this system has the locks that devices are dealt out by."""
    return fcntl is not None


def _lock(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True  # held, open, until the process ends
