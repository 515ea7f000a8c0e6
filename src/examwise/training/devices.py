"""Where training computes, and in what arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from examwise.training.accelerator import require_accelerator


def choose_device(accelerator: str) -> torch.device:
    """Return the device that an accelerator's name stands for; ``"auto"`` takes a GPU if any.

    Raises:
        InputError: If there is no such accelerator on this machine.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    require_accelerator(accelerator)
    wanted = ("cuda", "mps") if accelerator in ("auto", "gpu") else (accelerator,)
    for name, is_there in (
        ("cuda", torch.cuda.is_available()),
        ("mps", torch.backends.mps.is_available()),
    ):
        if name in wanted and is_there:
            return torch.device(name)
    return torch.device("cpu")


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return ``"bf16-mixed"`` or ``"32-true"``: for ``"auto"`` the former where hardware has it.

    Example:
        >>> resolve_precision("32-true", torch.device("cpu"))
        '32-true'
    """
    if precision != "auto":
        return precision
    return "bf16-mixed" if has_bfloat16(device) else "32-true"


def has_bfloat16(device: torch.device) -> bool:
    """Tell whether a device computes with bfloat16; others emulate it, at a fraction of the speed.

    Example:
        >>> has_bfloat16(torch.device("mps"))
        False
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    find: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    capable = find() if device.type == "cpu" else {}
    return any(capable.get(name) for name in ("avx512_bf16", "amx_bf16"))


def arithmetic(precision: str, device: torch.device) -> torch.autocast:
    """Return the context in which a resolved precision is computed with."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16-mixed")


def fastest_layout(precision: str, device: torch.device) -> torch.memory_format:
    """Return the memory format in which a resolved precision is fastest.

    On CPUs group norms cost more by pixels than bfloat16 convolutions gain by it.
    """
    if device.type == "cpu" and precision == "bf16-mixed":
        return torch.contiguous_format
    return torch.channels_last
