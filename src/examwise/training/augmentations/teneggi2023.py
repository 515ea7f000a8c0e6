"""The published augmentation, batched and on the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from examwise.training.augmentations.affine import flips, rotate_shift_and_scale
from examwise.training.augmentations.anisotropy import COLUMNS, ROWS
from examwise.training.augmentations.bias_field import N_COEFFICIENTS
from examwise.training.augmentations.draws import (
    Numbers,
    between,
    draw_per_slice,
    whole_between,
)
from examwise.training.augmentations.noise import noise_keys
from examwise.training.augmentations.slice_changes import SliceChanges, SliceParameters

FLIP_PROBABILITY = 0.5
"""That a slice is flipped at all, and then again for either axis."""
FIRST_SCALES, SECOND_SCALES = (0.1, 0.05), (0.05, 0.1)
"""Of rows and columns: how far from 1 at most."""
DEGREES = (10.0, 20.0)
SHIFT = (1 / 512, 2 / 512)
"""Of rows and columns, shares of the height: one to two pixels of the published matrix."""
NOISE_STD = (0.0, 0.4)
BIAS_COEFFICIENT = (-0.5, 0.5)
ANISOTROPY_FACTOR = (4.0, 7.0)
LOG_GAMMA = (-0.12, 0.12)
N_GHOSTS = (3, 5)
GHOST_INTENSITY = (0.0, 0.7)

_FIRST_MAP, _SECOND_MAP = 3, 8
_FAMILY, _STRENGTH = 13, 14
_AXIS, _GHOSTS = 15, 16
_KEY, _N_DRAWN = 24, 26


class Teneggi2023:
    """Changes each slice on its own, by the families and strengths of the published pipeline.

    Flips; two affine maps, each with a rotation of 10° to 20° in the image's plane, always the same
    way round, so that every training image stands 20° to 40° askew; then one of noise, bias field,
    anisotropy, gamma and ghosts. The published code gives the bias field no strength and ghosts no
    axes and no share of frequencies to restore: TorchIO's defaults are meant.

    It differs from the pipeline by TorchIO (``torchio:teneggi2023``) in three things. Both maps are
    one, sampled once: the image is blurred once where it was twice, and what the first map would
    have moved out of the image can come back in. Shifts are shares of the height, one to two pixels
    of 512. And a slice gets one exponent and one noise field, where the published code repeated the
    slice in three channels beforehand, so that each got its own. As there, nothing is cut off
    afterwards: noise and fields leave the range of -1 … 1.

    Args:
        degrees: Of each map's rotation.
        shift: Of each map, of rows and columns alike, shares of the height.

    Source: Teneggi, Yi and Sulam (2023), the published code.
    """

    def __init__(
        self, *, degrees: tuple[float, float] = DEGREES, shift: tuple[float, float] = SHIFT
    ) -> None:
        self._degrees = degrees
        self._shift = shift

    def draw(
        self,
        exam_ids: Sequence[str],
        bag_sizes: Tensor,
        *,
        seed: int,
        step: int,
        slice_index: Tensor | None = None,
    ) -> SliceChanges:
        """Draw each slice's parameters, as ``Augmentation`` says."""
        drawn = draw_per_slice(
            exam_ids, bag_sizes, seed=seed, step=step, n=_N_DRAWN, slice_index=slice_index
        )
        parameters = published_parameters(drawn, degrees=self._degrees, shift=self._shift)
        return SliceChanges(parameters, keeps_cut_off=False)


def make_either_way() -> Teneggi2023:
    """Return the published augmentation that turns and shifts either way, not always the same."""
    return Teneggi2023(degrees=(-DEGREES[1], DEGREES[1]), shift=(-SHIFT[1], SHIFT[1]))


def published_parameters(
    drawn: Numbers,
    *,
    degrees: tuple[float, float] = DEGREES,
    shift: tuple[float, float] = SHIFT,
) -> SliceParameters:
    """Turn numbers from 0 to below 1, shape (N, 26), into parameters."""
    flipped = (drawn[:, 0] < FLIP_PROBABILITY)[:, None] & (drawn[:, 1:3] < FLIP_PROBABILITY)
    maps = flips(flipped[:, 0], flipped[:, 1])
    for start, scales in ((_FIRST_MAP, FIRST_SCALES), (_SECOND_MAP, SECOND_SCALES)):
        maps = (
            rotate_shift_and_scale(
                angle=between(drawn[:, start], *degrees),
                shift=between(drawn[:, start + 1 : start + 3], *shift),
                scale=1 + np.array(scales) * between(drawn[:, start + 3 : start + 5], -1.0, 1.0),
            )
            @ maps
        )
    # One of them happens to a slice: they may share its strength.
    noise, bias, anisotropy, gamma, ghosts = (
        whole_between(drawn[:, _FAMILY], 0, 4) == family for family in range(5)
    )
    strength = drawn[:, _STRENGTH]
    coefficients = between(drawn[:, _STRENGTH : _STRENGTH + N_COEFFICIENTS], *BIAS_COEFFICIENT)
    return SliceParameters(
        maps=maps,
        axis=whole_between(drawn[:, _AXIS], ROWS, COLUMNS),
        anisotropy_factor=np.where(anisotropy, between(strength, *ANISOTROPY_FACTOR), 1.0),
        bias_coefficients=coefficients * bias[:, None],
        gamma=np.exp(between(strength, *LOG_GAMMA) * gamma),
        contrast=np.tile([1.0, 0.0], (len(drawn), 1)),
        n_ghosts=whole_between(drawn[:, _GHOSTS], *N_GHOSTS),
        ghost_intensity=between(strength, *GHOST_INTENSITY) * ghosts,
        noise_std=between(strength, *NOISE_STD) * noise,
        noise_key=noise_keys(drawn[:, _KEY:_N_DRAWN]),
    )
