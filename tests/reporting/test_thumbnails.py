from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from examwise.reporting.thumbnails import LARGEST_SIDE, thumbnail


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_thumbnails_have_square_pixels_and_a_largest_side() -> None:
    slice_hu = np.full((300, 200), 40, np.int16)
    wide = decoded(thumbnail(slice_hu, row_spacing_mm=0.5, column_spacing_mm=1.5))
    assert wide.shape == (56, LARGEST_SIDE)
    small = decoded(thumbnail(slice_hu[:20, :10], row_spacing_mm=1, column_spacing_mm=1))
    assert small.shape == (20, 10)
    assert abs(int(small.mean()) - 128) <= 1
