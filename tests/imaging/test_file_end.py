from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from examwise.imaging.dicom_pixels import read_hu
from examwise.imaging.reasons import ImageRefused

WriteSlice = Callable[..., Path]


@pytest.fixture
def raw(write_slice: WriteSlice, tmp_path: Path) -> Path:
    return write_slice(tmp_path / "raw.dcm")


@pytest.fixture
def coded(raw: Path) -> Path:
    dataset = pydicom.dcmread(raw)
    dataset.compress(RLELossless)
    dataset.save_as(raw.with_name("coded.dcm"))
    return raw.with_name("coded.dcm")


def change(path: Path, function: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(function(path.read_bytes()))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ImageRefused) as refused:
        read_hu(path)
    return refused.value.reason


@pytest.mark.parametrize("where", [-200, -20, -2])
def test_bytes_put_into_pixels_are_noticed(raw: Path, where: int) -> None:
    assert refusal(change(raw, lambda data: data[:where] + b"put in!!" + data[where:])) == "damaged"


@pytest.mark.parametrize("where", [-200, -20])
def test_bytes_taken_out_of_pixels_are_noticed(raw: Path, where: int) -> None:
    assert refusal(change(raw, lambda data: data[:where] + data[where + 8 :])) == "truncated"


def test_zeros_and_further_elements_may_follow(raw: Path, coded: Path) -> None:
    expected = read_hu(raw)
    padding = b"\xfc\xff\xfc\xffOB\0\0\x04\0\0\0abcd"
    for path in (raw, coded):
        change(path, lambda data: data + padding)
        np.testing.assert_array_equal(read_hu(path), expected)
        change(path, lambda data: data + bytes(512))
        np.testing.assert_array_equal(read_hu(path), expected)


def test_elements_that_do_not_ascend_are_noticed(raw: Path) -> None:
    assert refusal(change(raw, lambda data: data + b"\x08\0\x05\0CS\x02\0ab")) == "damaged"


def test_a_last_element_cut_short_is_noticed(raw: Path) -> None:
    longer = b"\xfc\xff\xfc\xffOB\0\0\x40\0\0\0abcd"
    assert refusal(change(raw, lambda data: data + longer)) == "truncated"


@pytest.mark.parametrize("put", [b"\xfe\xff\x00\xe0\xf0\0\0\0", b"put in"])
def test_fragments_that_do_not_lie_one_after_the_other_are_noticed(coded: Path, put: bytes) -> None:
    end = b"\xfe\xff\xdd\xe0"
    assert refusal(change(coded, lambda data: data.replace(end, put + end))) == "damaged"


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_ways_to_write_elements(write_slice: WriteSlice, tmp_path: Path, syntax: Any) -> None:
    path = write_slice(tmp_path / "a.dcm")
    expected = read_hu(path)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    pydicom.dcmwrite(path, dataset, implicit_vr=implicit, little_endian=little)
    np.testing.assert_array_equal(read_hu(path), expected)
    assert refusal(change(path, lambda data: data[:-9] + b"put in!!" + data[-9:])) == "damaged"
