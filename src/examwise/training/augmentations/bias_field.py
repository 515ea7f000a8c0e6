"""Smooth multiplicative fields: exponentials of polynomials of the place."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

ORDER = 3
"""Of the polynomial, as TorchIO has it unless told otherwise."""
N_COEFFICIENTS = (ORDER + 1) * (ORDER + 2) // 2
"""Of a polynomial of two variables; the first is the constant."""


def bias_field(coefficients: Tensor, rows: int, columns: int) -> Tensor:
    """Return fields to multiply images by.

    Rows and columns run from -1 to 1 from the first to the last (Van Leemput et al., 1999, as in
    TorchIO's ``BiasField`` on a single slice, whose terms in the third direction vanish).

    Args:
        coefficients: Of 1, c, c², c³, r, rc, rc², r², r²c, r³ with r the row and c the column,
            float32, shape (n, 10).
        rows: Height of an image.
        columns: Width of an image.

    Returns:
        float32, shape (n, 1, rows, columns).

    Example:
        >>> bias_field(torch.zeros(1, 10), 1, 2)
        tensor([[[[1., 1.]]]])
    """
    powers = [(i, j) for i in range(ORDER + 1) for j in range(ORDER + 1 - i)]
    table = coefficients.new_zeros(len(coefficients), ORDER + 1, ORDER + 1)
    for number, (i, j) in enumerate(powers):
        table[:, i, j] = coefficients[:, number]
    exponent = torch.arange(ORDER + 1, device=coefficients.device)
    by_row = _from_minus_one(rows, coefficients.device)[:, None] ** exponent
    by_column = _from_minus_one(columns, coefficients.device)[:, None] ** exponent
    return torch.exp_(by_row @ table @ by_column.T).unsqueeze(1)


def add_bias(images: Tensor, coefficients: npt.NDArray[np.float64]) -> Tensor:
    """Multiply images, shape (n, channels, rows, columns), by fields in place."""
    on_device = torch.from_numpy(coefficients.astype(np.float32)).to(images.device)
    return images.mul_(bias_field(on_device, *images.shape[-2:]))


def _from_minus_one(side: int, device: torch.device) -> Tensor:
    places = torch.arange(side, device=device) - (side - 1) / 2
    return places / max((side - 1) / 2, 0.5)
