from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydicom.uid import RLELossless

from examwise.imaging.dicom_pixels import _values_and_places, read_hu
from examwise.imaging.plain_file import read_plain_run_lengths
from examwise.imaging.reasons import ImageRefused


def refusal(path: Path) -> str:
    with pytest.raises(ImageRefused) as caught:
        read_hu(path)
    return caught.value.reason


def test_rescale_and_clipping(tmp_path: Path, write_slice) -> None:
    stored = np.array([[0, 24, 1064], [2000, 65535, 1]], np.uint16)
    path = write_slice(tmp_path / "a", stored, RescaleIntercept=-2000)
    expected = [[-1024, -1024, -936], [0, 32767, -1024]]
    assert read_hu(path).tolist() == expected


def test_fractional_slope_is_rounded(tmp_path: Path, write_slice) -> None:
    stored = np.array([[0, 1, 3]], np.uint16)
    path = write_slice(tmp_path / "a", stored, RescaleSlope="2.25", RescaleIntercept="-0.5")
    assert read_hu(path).tolist() == [[0, 2, 6]]  # -0.5, 1.75, 6.25, to the nearest even


def test_padding_becomes_air(tmp_path: Path, write_slice) -> None:
    stored = np.array([[-2000, 5, 300]], np.int16)
    path = write_slice(tmp_path / "a", stored, PixelPaddingValue=300)
    assert read_hu(path).tolist() == [[-1024, 5, -1024]]


def test_padding_with_the_other_sign(tmp_path: Path, write_slice) -> None:
    path = write_slice(tmp_path / "a", np.array([[-30, 5]], np.int16), PixelPaddingValue=-30)
    # The same two bytes written as an unsigned element, as some makers do.
    content = path.read_bytes().replace(b"\x28\x00\x20\x01SS", b"\x28\x00\x20\x01US")
    path.write_bytes(content)
    assert read_hu(path).tolist() == [[-1024, 5]]


def test_padding_range(tmp_path: Path, write_slice) -> None:
    stored = np.array([[-40, -35, -30, -29]], np.int16)
    path = write_slice(tmp_path / "a", stored, PixelPaddingValue=-40, PixelPaddingRangeLimit=-30)
    assert read_hu(path).tolist() == [[-1024, -1024, -1024, -29]]


def test_wrapped_12_bit_values(tmp_path: Path, write_slice) -> None:
    hu = np.array([[-1000, -1, 0, 40, 3000]])
    path = write_slice(tmp_path / "a", (hu % 4096).astype(np.uint16), BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(read_hu(path), hu)


@pytest.mark.parametrize("intercept", [0, -50])
def test_12_bit_metal_in_an_image_without_air_is_left_alone(
    tmp_path: Path, write_slice, intercept: int
) -> None:
    stored = np.full((20, 20), 40, np.uint16)
    stored[0, :8] = 3500
    stored[10:] = 4095  # outside the scanned circle
    path = write_slice(
        tmp_path / "a",
        stored,
        BitsStored=12,
        HighBit=11,
        RescaleIntercept=intercept,
        PixelPaddingValue=4095,
    )
    hu = read_hu(path)
    assert hu[0, [0, 19]].tolist() == [3500 + intercept, 40 + intercept]
    assert (hu[10:] == -1024).all()


def test_plain_12_bit_values(tmp_path: Path, write_slice) -> None:
    stored = np.array([[0, 1024, 4095]], np.uint16)
    path = write_slice(tmp_path / "a", stored, BitsStored=12, HighBit=11, RescaleIntercept=-1024)
    assert read_hu(path).tolist() == [[-1024, 0, 3071]]


def test_monochrome1_does_not_change_hu(tmp_path: Path, write_slice) -> None:
    pixels = np.array([[5, 60]], np.int16)
    path = write_slice(tmp_path / "a", pixels, PhotometricInterpretation="MONOCHROME1")
    assert read_hu(path).tolist() == [[5, 60]]


def test_short_pixel_data(tmp_path: Path, write_slice) -> None:
    path = write_slice(tmp_path / "a", PixelData=bytes(100))
    assert refusal(path) == "truncated"


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"SamplesPerPixel": 3}, "colour"),
        ({"NumberOfFrames": 3}, "multi_frame"),
        ({"Rows": 5000}, "too_large"),
        ({"RescaleIntercept": None}, "not_hu"),
        ({"RescaleIntercept": "inf"}, "not_finite"),
        ({"RescaleSlope": "nan"}, "not_finite"),
        ({"BitsStored": None}, "damaged"),
    ],
)
def test_refusals(tmp_path: Path, write_slice, elements: dict, reason: str) -> None:
    assert refusal(write_slice(tmp_path / "a", **elements)) == reason


def test_coding_without_decoder(tmp_path: Path, write_slice) -> None:
    path = write_slice(tmp_path / "a")
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.3.4.5.6.7.8.9.1\0")
    path.write_bytes(content)
    assert refusal(path) == "unsupported_coding"


class PanicException(BaseException):
    """What a decoder written in Rust raises where it panics."""

    __module__ = "pyo3_runtime"


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (PanicException, ImageRefused),
        (ValueError, ImageRefused),
        (KeyboardInterrupt, KeyboardInterrupt),
        (MemoryError, MemoryError),
    ],
)
def test_what_decoders_raise(
    tmp_path: Path, write_slice, monkeypatch, raised: type, seen: type
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise raised

    monkeypatch.setattr("examwise.imaging.dicom_pixels._decode", fail)
    path = write_slice(tmp_path / "a")
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(path)
    with pytest.raises(seen):
        read_hu(path)


def independent_hu(path: Path) -> np.ndarray:
    dataset = pydicom.dcmread(path)
    raw = dataset.pixel_array.astype(float)
    hu = raw * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    if "PixelPaddingValue" in dataset:
        hu[raw == dataset.PixelPaddingValue] = -1024
    return np.rint(np.maximum(hu, -1024))


CODINGS = ("UNC", "RLE", "JPLL", "JLSL", "J2KR", "JLSN", "J2KI")


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.filterwarnings("ignore")  # pydicom speaks of these files' values
def test_real_codings(real_data: Path, coding: str) -> None:
    folder = real_data / "ct_transfer_syntaxes"
    hu = read_hu(folder / f"CT2_{coding}")
    np.testing.assert_array_equal(hu, independent_hu(folder / f"CT2_{coding}"))
    plain = read_hu(folder / "CT2_UNC")
    if coding in ("JLSN", "J2KI"):
        error = np.abs(hu.astype(int) - plain)
        assert error.max() > 0
        assert error.mean() < 20
    else:
        np.testing.assert_array_equal(hu, plain)


@pytest.mark.parametrize("coding", ["RLE", "JPLL", "JLSL", "J2KR"])
@pytest.mark.parametrize("share", [0.3, 0.98])
def test_real_coded_files_cut_short(
    real_data: Path, tmp_path: Path, coding: str, share: float
) -> None:
    content = (real_data / "ct_transfer_syntaxes" / f"CT2_{coding}").read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(content[: int(len(content) * share)])
    assert refusal(path) == "truncated"


@pytest.mark.filterwarnings("ignore")  # pydicom speaks of these files' values
def test_real_chest_codings(real_data: Path) -> None:
    files = sorted((real_data / "chest_ct_encodings").glob("CTImage*"))
    assert len(files) == 4
    plain = read_hu(next(file for file in files if "BigEndian" in file.name))
    for file in files:
        hu = read_hu(file)
        np.testing.assert_array_equal(hu, independent_hu(file))
        if "JPEGProcess2_4" not in file.name:
            np.testing.assert_array_equal(hu, plain)


def test_run_lengths_may_hold_the_first_bytes_of_another_coding(
    tmp_path: Path, write_slice
) -> None:
    # High bytes ff and low bytes that read "ff 4f ff 51" where segments of one row meet.
    low = np.frombuffer(bytes.fromhex("ff4fff51") * 8, np.uint8).astype(np.int16)
    stored = np.broadcast_to(low, (32, 32)).copy()
    path = write_slice(tmp_path / "a", stored)
    header = pydicom.dcmread(path, force=True)
    header.compress(RLELossless)
    assert bytes.fromhex("ff4fff51") in header.PixelData
    header.save_as(path)
    np.testing.assert_array_equal(read_hu(path), stored)


@given(
    st.sampled_from(
        [np.dtype(name) for name in ("u1", "i1", "<u2", ">u2", "<i2", ">i2", "<i4")]
    ).flatmap(lambda dtype: hnp.arrays(dtype, st.tuples(st.integers(1, 9), st.integers(1, 9))))
)
@settings(deadline=None, max_examples=50)
def test_values_and_places_give_the_image_again(image: np.ndarray) -> None:
    for one in (image, image // 9, image % 7):
        values, places = _values_and_places(one)
        assert values.dtype == np.int64
        assert len(values) <= max(one.size, int(one.max()) - int(one.min()) + 1)
        np.testing.assert_array_equal(values.take(places), one)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_values_and_places_over_the_whole_range(dtype: type) -> None:
    image = np.arange(2**16).astype(np.uint16).view(dtype).reshape(256, 256)
    for one in (image, np.vstack([image, image])):  # as many values as pixels, and fewer
        values, places = _values_and_places(one)
        np.testing.assert_array_equal(values.take(places), one)


def test_plain_run_lengths_are_read_as_by_pydicom(tmp_path: Path, write_slice, monkeypatch) -> None:
    path = write_slice(tmp_path / "a")
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(path)
    tail = tmp_path / "tail"
    tail.write_bytes(path.read_bytes() + bytes(8))
    assert read_plain_run_lengths(path) is not None
    assert read_plain_run_lengths(tail) is None  # unusual, though sound
    found = read_hu(path)
    np.testing.assert_array_equal(found, read_hu(tail))
    for cut in (1, 9, 40):
        short = tmp_path / f"short{cut}"
        short.write_bytes(path.read_bytes()[:-cut])
        assert read_plain_run_lengths(short) is None
    monkeypatch.setattr("examwise.imaging.dicom_pixels.read_plain_run_lengths", lambda path: None)
    np.testing.assert_array_equal(found, read_hu(path))
