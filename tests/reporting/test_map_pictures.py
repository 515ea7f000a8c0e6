from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from examwise.reporting.map_pictures import (
    colour_bar_picture,
    head_window,
    overlay_picture,
    picture_size,
    slice_picture,
)

SIZE = (64, 64)


def opened(uri: str) -> Image.Image:
    head, _, coded = uri.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(coded)))


def rgba(uri: str) -> np.ndarray:
    return np.asarray(opened(uri).convert("RGBA"), np.int64)


def test_a_slice_is_shown_in_the_brain_window() -> None:
    hu = np.full((32, 32), 40, np.int16)
    hu[:, 16:] = 200
    image = opened(slice_picture(hu, SIZE))
    assert image.mode == "L"
    assert image.size == SIZE
    assert abs(image.getpixel((5, 5)) - 128) <= 4
    assert image.getpixel((60, 5)) == 255


def test_pixels_of_pictures_are_square() -> None:
    assert picture_size(100, 100, row_spacing_mm=1.0, column_spacing_mm=0.5) == (112, 224)
    assert picture_size(512, 512, row_spacing_mm=0.45, column_spacing_mm=0.45) == (224, 224)


def test_a_map_is_clear_at_nothing_and_most_opaque_at_its_end() -> None:
    found = np.tile(np.linspace(0, 3, 64, dtype=np.float32), (64, 1))
    alpha = rgba(overlay_picture(found, None, SIZE))[..., 3]
    assert alpha[:, 0].max() == 0
    assert (np.diff(alpha[10]) >= 0).all()
    # The brain beneath stays readable.
    assert 180 <= alpha[:, -1].max() <= 200


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf, -np.inf])
def test_what_says_nothing_is_clear(value: float) -> None:
    found = np.full((32, 32), value, np.float32)
    assert rgba(overlay_picture(found, None, SIZE))[..., 3].max() == 0


def test_a_few_pixels_alone_are_a_scale_of_their_own() -> None:
    found = np.zeros((64, 64), np.float32)
    found[20, 20] = 1e-7
    alpha = rgba(overlay_picture(found, None, SIZE))[..., 3]
    assert alpha[20, 20] > 180
    assert (alpha > 0).sum() == 1


def test_one_extreme_pixel_does_not_make_the_scale() -> None:
    found = np.ones((64, 64), np.float32)
    found[0, 0] = 1000
    assert rgba(overlay_picture(found, None, SIZE))[32, 32, 3] > 180


def test_the_outline_lies_around_the_truth_and_covers_nothing_of_it() -> None:
    truth = np.zeros((32, 32), bool)
    truth[10:20, 10:20] = True
    found = rgba(overlay_picture(None, truth, SIZE))
    outline = found[..., 3] == 255
    inside = np.kron(truth, np.ones((2, 2), bool))
    assert outline.any()
    assert not (outline & inside).any()
    assert outline[18:20, 20:40].all()
    assert (found[outline][:, :3] == (64, 240, 255)).all()


def test_colours_rise_in_lightness() -> None:
    bar = rgba(colour_bar_picture())[0]
    lightness = bar[:, :3] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) >= -1).all()
    assert (np.diff(bar[:, 3]) >= 0).all()
    assert bar[0, 3] == 0


def test_the_window_keeps_head_and_truth() -> None:
    hu = np.full((64, 64), -1000, np.int16)
    hu[20:40, 24:44] = 30
    # A speck of noise in the air is no head.
    hu[2, 2] = 50
    truth = np.zeros((64, 64), bool)
    truth[50:52, 30:32] = True
    rows, columns = head_window(hu, truth)
    assert (rows.start, rows.stop) == (18, 54)
    assert (columns.start, columns.stop) == (22, 46)


def test_a_slice_of_air_is_kept_whole() -> None:
    hu = np.full((16, 20), -1000, np.int16)
    assert head_window(hu, np.zeros((16, 20), bool)) == (slice(0, 16), slice(0, 20))
