from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from examwise.imaging import dicom_header, dicom_pixels
from examwise.imaging.dicom_header import read_header
from examwise.imaging.dicom_pixels import read_hu
from examwise.imaging.plain_file import read_plain_elements, read_plain_image
from examwise.imaging.reasons import ImageRefused

MUTANTS = 300


def outcome(read: Callable[[Path], Any], path: Path) -> Any:
    try:
        return read(path)
    except ImageRefused as refusal:
        return refusal.reason


def by_pydicom(read: Callable[[Path], Any], path: Path) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dicom_header, "read_plain_elements", lambda path: None)
        patch.setattr(dicom_pixels, "read_plain_image", lambda path: None)
        return outcome(read, path)


def assert_as_pydicom_reads(path: Path) -> None:
    assert outcome(read_header, path) == by_pydicom(read_header, path)
    found, expected = outcome(read_hu, path), by_pydicom(read_hu, path)
    np.testing.assert_array_equal(found, expected)
    assert type(found) is type(expected)


def mutants(content: bytes, generator: random.Random) -> Iterator[bytes]:
    while True:
        data = bytearray(content)
        for _ in range(generator.choice([1, 1, 2, 4])):
            place = generator.randrange(128, len(data) - 20)
            kind = generator.randrange(6)
            if kind < 2:
                data[place] = generator.randrange(256)
            elif kind == 2:
                data[place] = generator.choice(b" \\\0.-+0129eE_nif\x1b\xe9")
            elif kind == 3:
                del data[place : place + generator.choice([1, 2, 4, 8])]
            elif kind == 4:
                data[place:place] = generator.randbytes(generator.choice([1, 2, 8]))
            else:
                other = generator.randrange(128, len(data) - 20)
                data[place : place + 12] = data[other : other + 12]
        yield bytes(data[: generator.choice([len(data), len(data), place + 10])])


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"PixelPaddingValue": -2000, "SeriesDescription": "HEAD  5.0", "ConvolutionKernel": "H31s"},
        {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "AcquisitionNumber": 3},
        {"RescaleSlope": "1.5", "RescaleIntercept": "-1024.25", "SliceThickness": "5.0 "},
    ],
)
def test_plain_files_are_read_as_pydicom_reads_them(
    tmp_path: Path, write_slice, elements: dict[str, Any]
) -> None:
    stored = np.random.default_rng(0).integers(-2000, 3000, (12, 10)).astype(np.int16)
    path = write_slice(tmp_path / "a", stored, **elements)
    assert read_plain_elements(path) is not None
    assert read_plain_image(path) is not None
    assert_as_pydicom_reads(path)


def test_damaged_files_are_read_as_pydicom_reads_them(tmp_path: Path, write_slice) -> None:
    stored = np.arange(-60, 60, dtype=np.int16).reshape(12, 10)
    path = write_slice(tmp_path / "a", stored, PixelPaddingValue=-60, SeriesDescription="HEAD")
    made = mutants(path.read_bytes(), random.Random(0))
    n_plain = 0
    for _, content in zip(range(MUTANTS), made, strict=False):
        path.write_bytes(content)
        n_plain += read_plain_elements(path) is not None
        assert_as_pydicom_reads(path)
    assert MUTANTS * 0.1 < n_plain < MUTANTS * 0.9


def test_what_is_out_of_the_ordinary_is_left_to_pydicom(tmp_path: Path, write_slice) -> None:
    stored = np.zeros((4, 4), np.int16)
    for elements in (
        {"PatientID": "Müller", "SpecificCharacterSet": "ISO_IR 100"},
        {"SpecificCharacterSet": "ISO_IR 13"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2.1"},
        {"ImageComments": "x" * 40_000},
    ):
        assert read_plain_elements(write_slice(tmp_path / "a", stored, **elements)) is None
    path = write_slice(tmp_path / "a", stored)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(path)
    assert read_plain_elements(path) is not None
    assert read_plain_image(path) is None
    dataset.decompress()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.save_as(path, implicit_vr=True)
    assert read_plain_elements(path) is None
    for missing in (tmp_path, tmp_path / "none"):
        assert read_plain_elements(missing) is None


def test_every_real_file(real_data: Path) -> None:
    folders = ("ge_head_series", "philips_tilt_series", "philips_mixed_series")
    more = ("chest_ct_encodings", "ct_transfer_syntaxes", "tilted_four_slices", "multiframe_ct")
    paths = [path for name in folders + more for path in sorted((real_data / name).iterdir())]
    assert sum(read_plain_elements(path) is not None for path in paths) > 50
    for path in paths[::3]:
        assert_as_pydicom_reads(path)


def test_only_elements_that_are_looked_at_can_be_asked_for(tmp_path: Path, write_slice) -> None:
    found = read_plain_elements(write_slice(tmp_path / "a", np.zeros((4, 4), np.int16)))
    assert found is not None
    assert found.get("SeriesDescription") is None
    with pytest.raises(KeyError):
        found.get("PatientName")
