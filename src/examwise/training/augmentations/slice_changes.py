"""What can happen to slices, with parameters of each one's own, batched and on the device."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from examwise.training.augmentations.affine import flip, only_flips, resample
from examwise.training.augmentations.anisotropy import COLUMNS, ROWS, coarsen
from examwise.training.augmentations.bias_field import add_bias
from examwise.training.augmentations.contrast import change_contrast, keep_cut_off, raise_to
from examwise.training.augmentations.draws import Numbers
from examwise.training.augmentations.ghosting import add_ghosts
from examwise.training.augmentations.noise import add_noise
from examwise.training.augmentations.unit_range import (
    change_some,
    from_unit,
    in_cached_parts,
    to_unit,
)

_Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SliceParameters:
    """What is to happen to each of N slices, in this order; on the host.

    Intensities are shares of the window's width, on a scale where its lower end is 0.

    Attributes:
        maps: Where points go (:mod:`~examwise.training.augmentations.affine`), shape (N, 3, 3).
        axis: -2 rows or -1 columns, for anisotropy and ghosts, shape (N,).
        anisotropy_factor: Length of a coarse pixel; 1: none; shape (N,).
        bias_coefficients: Of a smooth field's logarithm; all 0: none; shape (N, 10).
        gamma: Exponent; 1: none; shape (N,).
        contrast: Factor about the window's center and addition; 1 and 0: none; shape (N, 2).
        n_ghosts: Shape (N,).
        ghost_intensity: 0: none; shape (N,).
        noise_std: 0: none; shape (N,).
        noise_key: Shape (N, 2).
    """

    maps: Numbers
    axis: npt.NDArray[np.int64]
    anisotropy_factor: Numbers
    bias_coefficients: Numbers
    gamma: Numbers
    contrast: Numbers
    n_ghosts: npt.NDArray[np.int64]
    ghost_intensity: Numbers
    noise_std: Numbers
    noise_key: npt.NDArray[np.int32]

    def __getitem__(self, rows: slice | _Chosen) -> SliceParameters:
        """Return the parameters of some slices."""
        return SliceParameters(*(getattr(self, each.name)[rows] for each in fields(self)))

    @property
    def changes_intensities(self) -> _Chosen:
        """Whether anything happens after maps and anisotropy, shape (N,)."""
        return (
            self.bias_coefficients.any(axis=1)
            | (self.gamma != 1)
            | (self.contrast != (1, 0)).any(axis=1)
            | (self.ghost_intensity > 0)
            | (self.noise_std > 0)
        )


class SliceChanges:
    """Changes slices by parameters that have been drawn; what has no strength is not done at all.

    Args:
        parameters: Of all slices of a batch.
        keeps_cut_off: Whether values at either end of the window, which it cut off, stay as they
            are when intensities change, and all others stay within it. Air remains air then.
    """

    def __init__(self, parameters: SliceParameters, *, keeps_cut_off: bool) -> None:
        self.parameters = parameters
        self.keeps_cut_off = keeps_cut_off

    def __call__(self, images: Tensor, rows: slice) -> Tensor:
        """Transform windowed images, -1 … 1, shape (n, channels, rows, columns)."""
        return in_cached_parts(images, self._change, of=rows)

    def _change(self, images: Tensor, rows: slice) -> Tensor:
        p = self.parameters[rows]
        flipped = only_flips(p.maps)
        exact = flipped & (p.anisotropy_factor == 1) & ~p.changes_intensities
        if exact.all():
            return flip(images, p.maps)
        # Half precision would place samples pixels away.
        with torch.autocast(images.device.type, enabled=False):
            unit = to_unit(images)
            unit = change_some(unit, np.logical_not(flipped), resample, p.maps)
            unit = change_some(unit, flipped, flip, p.maps)
            for axis in (ROWS, COLUMNS):
                chosen = (p.anisotropy_factor > 1) & (p.axis == axis)
                unit = change_some(unit, chosen, partial(coarsen, axis=axis), p.anisotropy_factor)
            if p.changes_intensities.any():
                unit = self._change_intensities(unit, p)
            changed = from_unit(unit, images.dtype)
        if exact.any():
            # There and back again is not exact.
            index = torch.from_numpy(np.flatnonzero(exact)).to(images.device)
            changed.index_copy_(0, index, flip(images[index], p.maps[exact]))
        return changed

    def _change_intensities(self, unit: Tensor, p: SliceParameters) -> Tensor:
        original = unit.clone() if self.keeps_cut_off else unit
        biased = np.count_nonzero(p.bias_coefficients, axis=1) > 0
        unit = change_some(unit, biased, add_bias, p.bias_coefficients)
        unit = change_some(unit, p.gamma != 1, raise_to, p.gamma)
        contrasted = (p.contrast[:, 0] != 1) | (p.contrast[:, 1] != 0)
        unit = change_some(unit, contrasted, change_contrast, p.contrast)
        for axis in (ROWS, COLUMNS):
            unit = change_some(
                unit,
                (p.ghost_intensity > 0) & (p.axis == axis),
                partial(add_ghosts, axis=axis),
                p.n_ghosts,
                p.ghost_intensity,
            )
        unit = change_some(unit, p.noise_std > 0, add_noise, p.noise_key, p.noise_std)
        return keep_cut_off(unit, original) if self.keeps_cut_off else unit
