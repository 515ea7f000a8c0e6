"""Draws how an exam is scanned."""

from __future__ import annotations

import numpy as np

from examwise.core.randomness import generator
from examwise.phantom.config import PhantomConfig
from examwise.phantom.grid import Vector
from examwise.phantom.scanner.beside import sample_surroundings
from examwise.phantom.scanner.further import sample_further_scans
from examwise.phantom.scanner.models import ScannerModel
from examwise.phantom.scanner.motion import Motion
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.scanner.stacks import sample_coverage, sample_stack

__all__ = ["sample_further_scans", "sample_scan"]

_PLAIN_NAMES = ("CT PLAIN", "CT Plain", "CT 5mm", "CT HEAD", "CT BRAIN PLAIN", "CT I To S")
_THIN_NAMES = ("CT PLAIN THIN", "CT Thin Plain", "CT 0.625mm", "CT THIN", "CT 1.25mm")
_RESTLESS_FRACTION = 0.07
_MOVED_SLICES_FRACTION = 0.25
_STEEP_DEGREE = 12.0
_STEEP_FIELD_MM = 225.0
_HEAD_BACK_MM = 3.0
_DECIMALS = 6
_DRIFT_HU = 1.8
# Slices mostly follow the line from eye to ear, which runs up to the front in the head's frame.
_PITCH_DEGREE = 8.0


def sample_scan(config: PhantomConfig, exam_number: int) -> ScanParameters:
    """Draw how an exam is scanned; a function of seed, hospital and exam number for an archive.

    Example:
        >>> scan = sample_scan(PhantomConfig(), 0)
        >>> 24 <= scan.n_slices <= 60
        True
    """
    names = (config.hospital, exam_number)
    random = generator(config.seed, "scan", *names)
    weights, scanners = zip(*config.at.scanners, strict=True)
    scanner: ScannerModel = scanners[int(random.choice(len(scanners), p=weights))]
    thin = bool(random.uniform() < scanner.thin_only_fraction)
    pose, tilt = _sample_pose(random, scanner)
    field_of_view = float(round(random.uniform(*scanner.field_of_view_mm)))
    if abs(tilt) > _STEEP_DEGREE:
        # The head runs across the field of view as the table moves.
        field_of_view = max(field_of_view, _STEEP_FIELD_MM)
    noise_hu = float(random.uniform(*scanner.noise_hu))
    hardening_hu = scanner.hardening_hu * float(random.uniform(0.7, 1.3))
    drift = generator(config.seed, "calibration", *names).normal(0.0, _DRIFT_HU)
    x, y, z = random.normal(0.0, (4.0, 4.0, 3.0)).tolist()
    table = (random.uniform(-5, 5), random.uniform(-30, 30), random.uniform(-200, 600))
    names_of = _THIN_NAMES if thin else _PLAIN_NAMES
    description = str(random.choice(names_of))
    stack = sample_stack(
        generator(config.seed, "stack", *names),
        scanner,
        sample_coverage(generator(config.seed, "coverage", *names)),
        fewest=config.min_slices,
        most=config.max_slices,
        thin=thin,
    )
    head_mm = (x, y + _HEAD_BACK_MM, z - stack.middle_mm)
    return ScanParameters(
        scanner=scanner,
        purpose="thin" if thin else "plain",
        description=description,
        convolution=scanner.soft_kernel,
        contrast=False,
        offsets_mm=stack.offsets_mm,
        thickness_mm=stack.thickness_mm,
        tilt_degree=tilt,
        field_of_view_mm=field_of_view,
        pixel_spacing_mm=round(field_of_view / config.matrix, _DECIMALS),
        pose_degree=pose,
        head_mm=head_mm,
        table_mm=(round(table[0], 1), round(table[1], 1), round(table[2], 1)),
        noise_hu=noise_hu,
        hardening_hu=hardening_hu,
        water_hu=scanner.water_hu + float(np.clip(drift, -2.0 * _DRIFT_HU, 2.0 * _DRIFT_HU)),
        around=sample_surroundings(
            generator(config.seed, "surroundings", *names), scanner.holder, head_mm[:2]
        ),
        motions=_sample_motions(generator(config.seed, "motion", *names), stack.offsets_mm),
    )


def _sample_pose(random: np.random.Generator, scanner: ScannerModel) -> tuple[Vector, float]:
    """Draw the head's pose and the gantry's tilt, in degrees."""
    tilted = random.uniform() < scanner.tilted_fraction
    sign = 1.0 if random.uniform() < 0.15 else -1.0
    angle = round(random.uniform(5.0, 22.0), 1)
    tilt = sign * angle if tilted else 0.0
    pitch, roll, yaw = random.normal((_PITCH_DEGREE, 0.0, 0.0), (5.0, 2.5, 5.0)).tolist()
    # A gantry is tilted to follow the head.
    return (tilt + pitch, roll, yaw), tilt


def _sample_motions(
    random: np.random.Generator, offsets_mm: tuple[float, ...]
) -> tuple[Motion, ...]:
    restless = random.uniform() < _RESTLESS_FRACTION
    share_of_slices = _MOVED_SLICES_FRACTION * random.uniform(0.3, 1.7)
    found = []
    for index in range(len(offsets_mm)):
        moved = random.uniform() < share_of_slices
        x, y = random.normal(0.0, (1.7, 1.0)).tolist()
        share = random.uniform(0.2, 0.6)
        if restless and moved:
            found.append(Motion(index, (x, y), share))
    return tuple(found)
