"""What a model says, brought to the host and checked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from examwise.core.errors import InputError


def checked_scores(scores: Tensor, *, expected: int) -> npt.NDArray[np.float64]:
    """Return scores as they are, in double precision, shape (expected,).

    Raises:
        InputError: If they are not so many, or one is not finite.

    Example:
        >>> import torch
        >>> checked_scores(torch.tensor([0.5]), expected=1)
        array([0.5])
    """
    if scores.shape != (expected,):
        raise InputError(
            where="scores of the model",
            expected=f"one for each of {expected}",
            got=f"shape {tuple(scores.shape)}",
        )
    found: npt.NDArray[np.float64] = scores.detach().cpu().double().numpy()
    if not np.isfinite(found).all():
        raise InputError(
            where="scores of the model",
            expected="finite numbers",
            got=f"{int((~np.isfinite(found)).sum())} others",
            remedy="see that its weights are finite",
        )
    return found
