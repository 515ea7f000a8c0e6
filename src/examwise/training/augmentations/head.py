"""Rich augmentation of head images on the device, alike for all slices of an exam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from examwise.training.augmentations.affine import flips, rotate_shift_and_scale
from examwise.training.augmentations.anisotropy import COLUMNS, ROWS
from examwise.training.augmentations.bias_field import N_COEFFICIENTS
from examwise.training.augmentations.draws import (
    Numbers,
    between,
    draw_per_exam,
    draw_per_slice,
    whole_between,
)
from examwise.training.augmentations.noise import noise_keys
from examwise.training.augmentations.slice_changes import SliceChanges, SliceParameters

_N_DRAWN = 20 + N_COEFFICIENTS


@dataclass(frozen=True, kw_only=True)
class HeadStrengths:
    """How often and how strongly each change is made.

    Intensities are shares of the window's width, on a scale where its lower end is 0.

    Attributes:
        flip_probability: Left to right.
        affine_probability: Rotation, scale and shift in the image's plane.
        degrees: Largest rotation either way.
        scale: How far from 1 rows and columns are scaled at most.
        shift: Largest shift, a share of the image's height.
        anisotropy_probability: Coarse sampling along rows or columns.
        anisotropy_factor: Longest coarse pixel.
        bias_probability: A smooth multiplicative field.
        bias_coefficient: Largest coefficient of its polynomial.
        contrast_probability: Gamma, contrast and brightness together.
        log_gamma: Largest logarithm of the exponent.
        contrast: How far from 1 the contrast is at most.
        brightness: Largest addition.
        ghosting_probability: Three to five ghosts along rows or columns.
        ghost_intensity: Greatest intensity.
        noise_probability: Gaussian noise, different in every slice.
        noise_std: Greatest standard deviation.
    """

    flip_probability: float = 0.5
    affine_probability: float = 0.8
    degrees: float = 15.0
    scale: float = 0.1
    shift: float = 0.06
    anisotropy_probability: float = 0.1
    anisotropy_factor: float = 4.0
    bias_probability: float = 0.2
    bias_coefficient: float = 0.15
    contrast_probability: float = 0.5
    log_gamma: float = 0.15
    contrast: float = 0.15
    brightness: float = 0.05
    ghosting_probability: float = 0.05
    ghost_intensity: float = 0.4
    noise_probability: float = 0.4
    noise_std: float = 0.1


class Head:
    """Changes exams as other patients, positions and scanners would.

    Flip, one affine map in the image's plane, coarse sampling along an axis, a smooth field, gamma
    with contrast and brightness, ghosts, noise: the families of the published pipeline (Teneggi,
    Yi and Sulam, 2023) with strengths of our own. An exam is one patient on one scanner: all its
    slices get the same, but for the noise, which every slice has of its own. What the window cut
    off stays cut off: air remains air and bone white, whatever is added, and nothing leaves the
    range of -1 … 1.

    Args:
        strengths: How often and how strongly.
    """

    def __init__(self, strengths: HeadStrengths | None = None) -> None:
        self.strengths = strengths or HeadStrengths()

    def draw(
        self,
        exam_ids: Sequence[str],
        bag_sizes: Tensor,
        *,
        seed: int,
        step: int,
        slice_index: Tensor | None = None,
    ) -> SliceChanges:
        """Draw each exam's parameters, as ``Augmentation`` says."""
        drawn = draw_per_exam(exam_ids, bag_sizes, seed=seed, step=step, n=_N_DRAWN)
        keys = draw_per_slice(
            exam_ids, bag_sizes, seed=seed, step=step, n=2, slice_index=slice_index
        )
        return SliceChanges(head_parameters(drawn, keys, self.strengths), keeps_cut_off=True)


def head_parameters(drawn: Numbers, keys: Numbers, strengths: HeadStrengths) -> SliceParameters:
    """Turn numbers from 0 to below 1 into parameters.

    Args:
        drawn: Shape (N, 30).
        keys: Shape (N, 2).
        strengths: How often and how strongly.
    """
    s = strengths
    flipped, moved, coarse, biased, contrasted, ghosted, noisy = (
        drawn[:, number] < probability
        for number, probability in enumerate(
            (
                s.flip_probability,
                s.affine_probability,
                s.anisotropy_probability,
                s.bias_probability,
                s.contrast_probability,
                s.ghosting_probability,
                s.noise_probability,
            )
        )
    )
    strength = drawn[:, 7:20]
    signed = between(strength, -1.0, 1.0)
    maps = rotate_shift_and_scale(
        angle=s.degrees * signed[:, 0] * moved,
        shift=s.shift * signed[:, 1:3] * moved[:, None],
        scale=1 + s.scale * signed[:, 3:5] * moved[:, None],
    ) @ flips(np.zeros_like(flipped), flipped)
    coefficients = between(drawn[:, 20:], -1.0, 1.0) * s.bias_coefficient * biased[:, None]
    # The constant would be brightness, which has a strength of its own.
    coefficients[:, 0] = 0
    contrast = signed[:, 6:8] * (s.contrast, s.brightness) * contrasted[:, None]
    return SliceParameters(
        maps=maps,
        axis=whole_between(strength[:, 8], ROWS, COLUMNS),
        anisotropy_factor=1 + strength[:, 9] * (s.anisotropy_factor - 1) * coarse,
        bias_coefficients=coefficients,
        gamma=np.exp(s.log_gamma * signed[:, 5] * contrasted),
        contrast=contrast + np.array([1, 0]),
        n_ghosts=whole_between(strength[:, 10], 3, 5),
        ghost_intensity=s.ghost_intensity * strength[:, 11] * ghosted,
        noise_std=s.noise_std * strength[:, 12] * noisy,
        noise_key=noise_keys(keys),
    )
