"""Which GPUs of this machine runs may be dealt out to."""

from __future__ import annotations

import os

from examwise.core.errors import InputError
from examwise.core.executors.device_list import can_deal_out
from examwise.core.executors.worker_processes import VISIBLE_DEVICES


def devices_to_use(asked: str | None) -> tuple[str, ...]:
    """Return GPUs by the names that ``CUDA_VISIBLE_DEVICES`` takes.

    Those that are asked for are all that this process sees from here on: what it computes itself
    is to keep off the others as well.

    Args:
        asked: Numbers, as in ``0,1``, among the GPUs that this process sees; all if None.

    Returns:
        The names; none where PyTorch finds no GPU of this kind and none is asked for.

    Raises:
        InputError: If one that is asked for is not there.
    """
    numbers = None if asked is None else _numbers(asked)
    present = _present()
    if numbers is None:
        return present
    if not present or max(numbers) >= len(present):
        known = ", ".join(str(number) for number in range(len(present)))
        raise InputError(
            where="--devices",
            expected=f"GPUs that PyTorch finds here ({known or 'none'})",
            got=asked,
            remedy="leave it out, to train "
            + ("on all of them" if present else "on the processor's cores (--workers)"),
        )
    chosen = tuple(present[number] for number in numbers)
    os.environ[VISIBLE_DEVICES] = ",".join(chosen)
    return chosen


def _numbers(asked: str) -> list[int]:
    words = [word.strip() for word in asked.split(",")]
    if not all(word.isdecimal() for word in words) or len(set(words)) < len(words):
        raise InputError(
            where="--devices", expected="numbers of GPUs, as in 0,1, each once", got=asked
        )
    return [int(word) for word in words]


def _present() -> tuple[str, ...]:
    if not can_deal_out():
        return ()
    import torch

    # Counted without using them: a process that has used a GPU does not look again.
    n_devices = torch.cuda.device_count()
    named = os.environ.get(VISIBLE_DEVICES)
    names = named.split(",") if named else [str(number) for number in range(n_devices)]
    return tuple(name.strip() for name in names[:n_devices])
