from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from examwise.imaging.dicom_series import read_series
from examwise.imaging.head_check import head_facts, head_refusal
from examwise.imaging.nifti import read_nifti
from examwise.imaging.volume import AIR_HU, Volume
from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import RenderedSeries, render_exam
from examwise.phantom.study import sample_study

PIXEL_MM = 2.0
SIDE = 128
STEP_MM = 5.0


def volume(pixels: np.ndarray, *, pixel_mm: float = PIXEL_MM, step_mm: float = STEP_MM) -> Volume:
    positions = np.arange(len(pixels)) * step_mm
    spacing = step_mm if len(pixels) > 1 else None
    pixels = np.asarray(pixels, np.int16)
    return Volume(pixels, positions, np.eye(4), pixel_mm, pixel_mm, spacing, True, 0.0)


def ellipse(half_rows_mm: float, half_columns_mm: float, *, row=0.0, column=0.0) -> np.ndarray:
    """Squared distance from the centre, 1 on the surface."""
    axis = (np.arange(SIDE) - SIDE / 2) * PIXEL_MM
    return ((axis - row) / half_rows_mm)[:, None] ** 2 + ((axis - column) / half_columns_mm) ** 2


def body(*parts: tuple[np.ndarray, float]) -> np.ndarray:
    plane = np.full((SIDE, SIDE), AIR_HU)
    for where, hu in parts:
        plane[where] = hu
    return plane


def skull(inside_hu: float = 32, *, scale: float = 1.0) -> np.ndarray:
    return body(
        (ellipse(95 * scale, 78 * scale) < 1, 30),
        (ellipse(90 * scale, 73 * scale) < 1, 900),
        (ellipse(83 * scale, 66 * scale) < 1, inside_hu),
    )


def stacked(plane: np.ndarray, n: int = 24) -> Volume:
    return volume(np.repeat(plane[None], n, axis=0))


HEAD = stacked(skull())

NO_HEADS = {
    "empty table": stacked(body((ellipse(4, 120, row=100) < 1, 150))),
    "water phantom": stacked(body((ellipse(100, 100) < 1, 0))),
    "skull without brain": stacked(skull(AIR_HU)),
    "plastic in a skull": stacked(skull(95)),
    "chest": stacked(
        body(
            (ellipse(110, 126) < 1, -100),
            (ellipse(100, 118) < 1, 50),
            *((ellipse(70, 45, column=side * 60) < 1, -850) for side in (-1, 1)),
            (ellipse(15, 15, row=80) < 1, 500),
            *(
                (ellipse(4, 9, row=90 * np.sin(angle), column=105 * np.cos(angle)) < 1, 500)
                for angle in np.arange(0, 6.2, 0.7)
            ),
        )
    ),
    "abdomen": stacked(
        body(
            (ellipse(105, 126) < 1, -100),
            (ellipse(85, 110) < 1, 55),
            (ellipse(30, 40, column=30) < 1, -110),
            (ellipse(20, 20, row=60) < 1, 400),
        )
    ),
    "neck": stacked(
        body(
            (ellipse(62, 60) < 1, 50),
            (ellipse(15, 15, row=10) < 1, 500),
            (ellipse(8, 10, row=-25) < 1, -900),
        )
    ),
    "a tenth of a whole body": volume(
        np.concatenate([np.repeat(skull()[None], 12, 0), np.zeros((108, SIDE, SIDE))])
    ),
    "four slices of a head": stacked(skull(), 4),
    "a toy's head": stacked(skull(scale=0.35)),
}


@pytest.mark.parametrize("name", NO_HEADS)
def test_what_is_no_head(name: str) -> None:
    assert head_refusal(NO_HEADS[name]) == "not_head"


def test_head() -> None:
    facts = head_facts(HEAD)
    assert facts is not None
    assert head_refusal(HEAD) == ""
    assert facts.cranial_mm == facts.closed_mm == pytest.approx(24 * STEP_MM)
    assert (facts.cranial_share, facts.enhanced_ml, facts.enhanced_mm2) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("scale", [0.65, 0.8, 1.1])
def test_heads_of_all_ages(scale: float) -> None:
    assert head_refusal(stacked(skull(scale=scale))) == ""


def test_flap_of_skull_taken_out() -> None:
    pixels = HEAD.pixels_hu.copy()
    on_the_left = np.broadcast_to(np.arange(SIDE) > 0.7 * SIDE, (SIDE, SIDE))
    pixels[6:18, on_the_left & (skull() == 900)] = 30
    facts = head_facts(replace(HEAD, pixels_hu=pixels))
    assert facts is not None
    assert head_refusal(replace(HEAD, pixels_hu=pixels)) == ""
    assert facts.closed_mm == pytest.approx(60)


def test_large_bleeds_and_air_are_no_reason() -> None:
    plane = skull()
    plane[ellipse(40, 25, column=-35) < 1] = 85
    plane[ellipse(12, 25, row=-60) < 1] = AIR_HU
    plane[(ellipse(82, 65) < 1) & (ellipse(74, 57) > 1)] = 80  # all around, thin, beside bone
    assert head_refusal(stacked(plane)) == ""


def with_spots(hu: float, every: int) -> Volume:
    pixels = HEAD.pixels_hu.copy()
    for row, column in ((-40, 0), (0, -25), (0, 25), (30, 0), (45, 10)):
        pixels[::every, ellipse(5, 5, row=row, column=column) < 1] = hu
    return replace(HEAD, pixels_hu=pixels)


def test_vessels_in_all_slices_are_contrast() -> None:
    assert head_refusal(with_spots(150, every=1)) == "contrast"


def test_calcifications_in_some_slices_are_not() -> None:
    facts = head_facts(with_spots(200, every=3))
    assert facts is not None
    assert facts.enhanced_mm2 == 0
    assert head_refusal(with_spots(200, every=3)) == ""


def test_dense_blood_in_all_slices_is_not() -> None:
    assert head_refusal(with_spots(90, every=1)) == ""


def test_noise_of_thin_slices() -> None:
    noise = np.random.default_rng(0).normal(0, 25, (192, SIDE, SIDE))
    thin = volume(np.clip(skull() + noise, AIR_HU, 3000), step_mm=0.625)
    assert head_refusal(thin) == ""


def test_pixels_too_wide_to_tell() -> None:
    coarse = volume(np.zeros((12, 16, 16)), pixel_mm=14.0)
    assert head_facts(coarse) is None
    assert head_refusal(coarse) == ""
    # A skull can still be told, vessels no more.
    wide = replace(with_spots(150, 1), pixels_hu=with_spots(150, 1).pixels_hu[:, ::3, ::3])
    facts = head_facts(replace(wide, row_spacing_mm=6.0, column_spacing_mm=6.0))
    assert facts is not None
    assert facts.enhanced_ml is None
    assert facts.cranial_share == 1.0


def test_one_slice() -> None:
    assert head_refusal(stacked(skull(), 1)) == "not_head"


def of_series(series: RenderedSeries) -> Volume:
    scan = series.scan
    heights = np.array(scan.offsets_mm)
    spacing = float(np.median(np.diff(heights)))
    sizes = (scan.pixel_spacing_mm, scan.pixel_spacing_mm)
    return Volume(series.pixels_hu, heights, np.eye(4), *sizes, spacing, False, 0.0)


@pytest.mark.parametrize("hospital", ["a", "b", "c"])
def test_synthetic_heads(hospital: str) -> None:
    config = PhantomConfig(matrix=64, hospital=hospital, prevalence=1.0, seed=4)
    for number in range(2):
        assert head_refusal(of_series(render_exam(config, number, number).series)) == ""


def test_synthetic_contrast_is_seen() -> None:
    config = PhantomConfig(matrix=128, hospital="b", further_series=1.0, seed=4)
    number = next(
        number
        for number in range(50)
        if [scan.purpose for scan in sample_study(config, number, number).further_scans]
        == ["contrast"]
    )
    exam = render_exam(config, number, number, further_series=True)
    assert head_refusal(of_series(exam.series)) == ""
    assert head_refusal(of_series(exam.further[0])) == "contrast"


def test_real_head_and_real_phantom(real_data: Path) -> None:
    for folder, refusal in (("ge_head_series", ""), ("philips_tilt_series", "not_head")):
        series, _ = read_series(sorted((real_data / folder).iterdir()))
        assert series is not None
        assert head_refusal(series.volume) == refusal


def test_real_chest(real_data: Path) -> None:
    path = next((real_data / "chest_ct_encodings").glob("*.1.2.1.99.dcm"))
    series, _ = read_series([path])
    assert series is not None
    one = series.volume
    many = replace(
        one, pixels_hu=np.repeat(one.pixels_hu, 30, axis=0), positions_mm=np.arange(30) * 5.0
    )
    assert head_refusal(many) == "not_head"


def test_real_slices_with_bleeds(real_data: Path) -> None:
    for path in (real_data / "cq500_slices").glob("*.npy"):
        plane = np.clip(np.load(path), AIR_HU, None)
        assert head_refusal(volume(np.repeat(plane[None], 24, axis=0), pixel_mm=0.45)) == ""


def test_average_head_is_a_head_only_in_hu(real_data: Path) -> None:
    """The template stores soft tissue stretched elevenfold, air as 0."""
    template = read_nifti(real_data / "templates" / "scct.nii")
    assert head_refusal(template) == "not_head"
    stored = template.pixels_hu.astype(float)
    hu = np.where(
        stored > 3100,
        stored - 3000,
        np.where(stored > 900, (stored - 900) / 11 - 100, stored - 1000),
    )
    assert head_refusal(replace(template, pixels_hu=hu.astype(np.int16))) == ""
