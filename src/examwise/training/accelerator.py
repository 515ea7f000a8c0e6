"""Whether this machine has the accelerator that training asks for."""

from __future__ import annotations

from examwise.core.errors import InputError


def require_accelerator(name: str) -> None:
    """Refuse an accelerator that is not there; PyTorch is imported only to look for one.

    Args:
        name: As :class:`~examwise.training.trainer_config.TrainerConfig` takes it.

    Raises:
        InputError: If PyTorch finds no such accelerator.

    Example:
        >>> require_accelerator("cpu")
    """
    if name in ("auto", "cpu"):
        return
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    present["gpu"] = any(present.values())
    if not present[name]:
        raise InputError(
            where="trainer option accelerator",
            expected=f"{name} only where PyTorch finds one",
            got="none on this machine",
            remedy="leave the option out, or use cpu",
        )
