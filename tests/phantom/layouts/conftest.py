from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import RenderedExam, RenderedSeries
from examwise.phantom.layouts.protocol import LabelledExam, Layout
from examwise.phantom.mimics.parameters import MimicParameters
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.study import Study, sample_study

STUDY = sample_study(PhantomConfig(hospital="b", prevalence=0, min_slices=2, max_slices=2), 0, 0)
"""Any patient; what it is scanned like and what it shows is replaced below."""

Bleeding = Mapping[tuple[str, int], Sequence[tuple[slice, slice]]]
"""Kind of bleed and slice to the rectangles of blood there."""


def scan(n_slices: int = 3, matrix: int = 16, *, spacing_mm: float = 5.0, **changes: Any):
    offsets = (np.arange(n_slices) - (n_slices - 1) / 2) * spacing_mm
    return replace(
        STUDY.scan,
        **{
            "purpose": "plain",
            "description": "CT HEAD PLAIN",
            "convolution": STUDY.scan.scanner.soft_kernel,
            "contrast": False,
            "offsets_mm": tuple(offsets.tolist()),
            "thickness_mm": (spacing_mm,) * n_slices,
            "tilt_degree": 0.0,
            "field_of_view_mm": 16.0 * matrix,
            "pixel_spacing_mm": 16.0,
            "pose_degree": (0.0, 0.0, 0.0),
            "head_mm": (0.0, 0.0, 0.0),
            "table_mm": (1.0, -2.0, 300.0),
            **changes,
        },
    )


def rendered(of: ScanParameters, matrix: int = 16, bleeding: Bleeding | None = None, seed: int = 0):
    """A series of noise around 30 HU, with rectangles of blood at 70 HU."""
    shape = (of.n_slices, matrix, matrix)
    pixels = np.random.default_rng(seed).normal(30, 3, shape).astype(np.int16)
    masks = np.zeros(shape, np.uint8)
    for (kind, index), rectangles in (bleeding or {}).items():
        for rectangle in rectangles:
            masks[index][rectangle] |= np.uint8(1 << KINDS.index(kind))
            pixels[index][rectangle] += 40
    bits = np.arange(len(KINDS))
    seen = (masks[..., None] >> bits & 1).sum(axis=(1, 2))
    corners = np.zeros((matrix, matrix), bool)
    corners[0, 0] = corners[0, -1] = corners[-1, 0] = corners[-1, -1] = True
    return RenderedSeries(of, pixels, corners, masks, seen > 0, seen.astype(float))


def bleed(kind: str, side: int, *, old: bool = False) -> SimpleNamespace:
    """As much of a bleed as label files tell of."""
    return SimpleNamespace(kind=kind, side=side, has_old_part=old, form=None, hu=65.0)


def exam(
    series: RenderedSeries,
    *,
    further: Sequence[RenderedSeries] = (),
    bleeds: Sequence[Any] = (),
    mimics: MimicParameters | None = None,
    number: int = 0,
) -> RenderedExam:
    study: Study = replace(
        STUDY,
        exam_number=number,
        patient_number=number,
        bleeds=tuple(bleeds),
        mimics=mimics or MimicParameters(),
        scan=series.scan,
        further_scans=tuple(of.scan for of in further),
    )
    return RenderedExam(study, series, tuple(further))


def labelled(
    layout: Layout, of: RenderedExam, *, labels: np.ndarray | None = None, seed: int = 0
) -> LabelledExam:
    return LabelledExam(
        of,
        layout.identifiers(7, of),
        of.series.positive.copy() if labels is None else labels,
        seed,
    )


@pytest.fixture
def build() -> SimpleNamespace:
    """Functions that build exams by hand, so that no test depends on anatomy."""
    return SimpleNamespace(scan=scan, rendered=rendered, bleed=bleed, exam=exam, labelled=labelled)


@pytest.fixture
def two_slices(build) -> Callable[..., RenderedExam]:
    """An exam of two slices, tilted, with a subdural bleed in the upper one."""

    def make(**changes: Any) -> RenderedExam:
        of = build.scan(2, tilt_degree=-18.5, spacing_mm=5.0)
        blood = {("subdural", 1): [(slice(3, 6), slice(10, 12))]}
        series = build.rendered(of, bleeding=blood)
        return build.exam(series, bleeds=[build.bleed("subdural", 1)], **changes)

    return make
