"""Draws the further series of an exam's study: of the same head, at the same visit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from examwise.core.randomness import generator
from examwise.phantom.config import PhantomConfig
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.scanner.stacks import even_stack

MOST_THIN_SLICES = 120
"""Most slices of a thin series: real ones have 150 to 250; they would take most of an archive."""

_BONE_NAMES = ("CT BONE", "CT Bone", "CT BONE THIN", "CT 5mm BONE")
_THIN_NAMES = ("CT PLAIN THIN", "CT Thin Plain", "CT 0.625mm", "CT 4cc sec 150cc D3D on")
_CONTRAST_NAMES = ("CT POST CONTRAST", "CT POST CONTRAST THIN", "CT I To S")
_BONE_FRACTION, _THIN_FRACTION, _CONTRAST_FRACTION = 0.6, 0.5, 0.25
_LEAST_SPACING_MM = 1.25
_DECIMALS = 6


def sample_further_scans(
    config: PhantomConfig, exam_number: int, scan: ScanParameters
) -> tuple[ScanParameters, ...]:
    """Draw the other series of a study; a function of its arguments alone.

    A study that has any has at least one of three: with a bone kernel, thin, with contrast medium.

    Args:
        config: The archive.
        exam_number: Which exam.
        scan: How the exam itself is scanned.

    Example:
        >>> from examwise.phantom.scanner.sampling import sample_scan
        >>> config = PhantomConfig(further_series=1)
        >>> len(sample_further_scans(config, 0, sample_scan(config, 0))) >= 1
        True
    """
    random = generator(config.seed, "further scans", config.hospital, exam_number)
    chosen, bone, thin, contrast = random.uniform(size=4).tolist()
    closer = float(random.uniform(0.85, 1.0)) if random.uniform() < 0.3 else 1.0
    thickness = float(random.choice(scan.scanner.thin_mm))
    moved = random.normal(0.0, 0.7, size=3).tolist()
    bone_name, thin_name, contrast_name = (
        str(random.choice(names)) for names in (_BONE_NAMES, _THIN_NAMES, _CONTRAST_NAMES)
    )
    if chosen >= config.further_series:
        return ()
    found = []
    with_contrast = contrast < _CONTRAST_FRACTION
    with_thin = thin < _THIN_FRACTION and scan.purpose != "thin"
    if bone < _BONE_FRACTION or not (with_thin or with_contrast):
        found.append(_bone(scan, bone_name))
    if with_thin:
        found.append(_closer(_thin(scan, thickness, thin_name), closer, config.matrix))
    if with_contrast:
        found.append(_contrast(scan, moved, contrast_name))
    return tuple(found)


def _bone(scan: ScanParameters, description: str) -> ScanParameters:
    # The same projections, convolved anew: the noise follows from the kernel.
    kernel = scan.scanner.sharp_kernel
    return replace(
        scan,
        purpose="bone",
        description=description,
        convolution=kernel,
        noise_hu=scan.noise_hu * kernel.noise_against(scan.convolution),
    )


def _thin(scan: ScanParameters, thickness: float, description: str) -> ScanParameters:
    if thickness >= min(scan.thickness_mm):
        thickness = min(scan.scanner.thin_mm)
    half = scan.offsets_mm[-1]
    spacing = max(thickness, _LEAST_SPACING_MM)
    stack = even_stack((-half, half), thickness, spacing, fewest=2, most=MOST_THIN_SLICES)
    return replace(
        scan,
        purpose="thin",
        description=description,
        offsets_mm=stack.offsets_mm,
        # At this many slices they lie a little apart; they are no thicker for it.
        thickness_mm=(thickness,) * len(stack.offsets_mm),
        motions=(),
    )


def _closer(scan: ScanParameters, factor: float, matrix: int) -> ScanParameters:
    field_of_view = float(round(scan.field_of_view_mm * factor))
    return replace(
        scan,
        field_of_view_mm=field_of_view,
        pixel_spacing_mm=round(field_of_view / matrix, _DECIMALS),
    )


def _contrast(scan: ScanParameters, moved: list[float], description: str) -> ScanParameters:
    # Scanned minutes later: the head is not quite where it was.
    head = np.array(scan.head_mm) + np.array(moved)
    x, y, z = head.tolist()
    return replace(
        scan,
        purpose="contrast",
        description=description,
        contrast=True,
        head_mm=(x, y, z),
        motions=(),
    )
