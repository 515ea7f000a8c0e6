from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from examwise.imaging.colour_masks import enlarge, read_picture, which_colour
from examwise.imaging.reasons import ImageRefused

COLOURS = [(0, 0, 0), (255, 0, 0), (0, 255, 0), (255, 255, 0)]


@settings(deadline=None, max_examples=50)
@given(
    npst.arrays(np.int16, (5, 7), elements=st.integers(0, 3)),
    st.integers(0, 60),
    st.integers(0, 2**32 - 1),
)
def test_what_is_painted_is_found_through_noise(which, tolerance: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(-tolerance, tolerance + 1, (5, 7, 3))
    painted = np.clip(np.array(COLOURS)[which] + noise, 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(which_colour(painted, COLOURS, tolerance=tolerance), which)


@settings(deadline=None, max_examples=30)
@given(npst.arrays(np.int16, (3, 4), elements=st.integers(-1, 3)), st.integers(1, 4))
def test_enlarging_repeats_every_pixel(which, times: int) -> None:
    large = enlarge(which, rows=3 * times, columns=4 * times)
    for offset in range(times):
        np.testing.assert_array_equal(large[offset::times, offset::times], which)


@pytest.mark.parametrize(("rows", "columns"), [(7, 8), (6, 12), (1, 2), (6, 9)])
def test_sizes_that_do_not_fit(rows: int, columns: int) -> None:
    with pytest.raises(ImageRefused) as caught:
        enlarge(np.zeros((3, 4), np.int16), rows=rows, columns=columns)
    assert caught.value.reason == "mask_mismatch"


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif"])
def test_lossless_pictures_round_trip(tmp_path: Path, suffix: str) -> None:
    pixels = np.array([[COLOURS[0], COLOURS[1]], [COLOURS[2], COLOURS[3]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"mask.{suffix}")
    np.testing.assert_array_equal(read_picture(tmp_path / f"mask.{suffix}"), pixels)


def test_palettes_greys_and_transparency(tmp_path: Path) -> None:
    pixels = np.array([[COLOURS[1], COLOURS[2]]], np.uint8)
    Image.fromarray(pixels).convert("P").save(tmp_path / "palette.png")
    assert read_picture(tmp_path / "palette.png").shape == (1, 2, 3)
    Image.fromarray(np.array([[0, 9]], np.uint8)).save(tmp_path / "grey.png")
    assert read_picture(tmp_path / "grey.png").tolist() == [[[0, 0, 0], [9, 9, 9]]]
    clear = np.array([[[255, 0, 0, 0], [255, 0, 0, 255]]], np.uint8)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert read_picture(tmp_path / "clear.png").tolist() == [[[0, 0, 0], [255, 0, 0]]]


def test_files_that_are_no_masks(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    for content, reason in ((None, "unreadable"), (b"", "damaged"), (b"\x89PNG", "damaged")):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ImageRefused) as caught:
            read_picture(path)
        assert caught.value.reason == reason
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ImageRefused, match=r"damaged|cannot be decoded"):
        read_picture(path)
    Image.new("RGB", (5000, 2)).save(path)
    with pytest.raises(ImageRefused) as caught:
        read_picture(path)
    assert caught.value.reason == "too_large"
    pages = [Image.new("RGB", (4, 4)), Image.new("RGB", (4, 4), (9, 9, 9))]
    pages[0].save(tmp_path / "two.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ImageRefused) as caught:
        read_picture(tmp_path / "two.tif")
    assert caught.value.reason == "multi_frame"
