from __future__ import annotations

import struct
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import get_frame

from examwise.imaging.coded_frames import CodedSize, coded_size
from examwise.imaging.dicom_pixels import read_hu
from examwise.imaging.reasons import ImageRefused

JPEG_2000 = b"\xff\x4f\xff\x51"


def jpeg_2000(right: int, bottom: int, *rest: int) -> bytes:
    return JPEG_2000 + struct.pack(">HHIIIIIIIIH", 41, 0, right, bottom, *rest)


def test_jpeg_segments_before_the_frame_are_passed() -> None:
    comment = b"\xff\xfe" + struct.pack(">H", 6) + b"abcd"
    frame = b"\xff\xf7" + struct.pack(">HBHHB", 11, 16, 30, 40, 3)
    assert coded_size(b"\xff\xd8" + comment + b"\xff" + frame) == CodedSize(30, 40, 3)


def test_jpeg_2000() -> None:
    assert coded_size(jpeg_2000(45, 32, 5, 2, 10, 10, 0, 0, 1)) == CodedSize(30, 40, 1, 20)
    inside = b"JP2 boxes" + jpeg_2000(40, 30, 0, 0, 40, 30, 0, 0, 1)
    assert coded_size(inside) == CodedSize(30, 40, 1, 1)


def test_other_codings_say_nothing() -> None:
    assert coded_size(b"") is None
    assert coded_size(bytes(64)) is None


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff\xd8",
        b"\xff\xd8\xff\xfe\xff\xff",
        b"\xff\xd8\x00\x00\x00\x00",
        JPEG_2000,
        jpeg_2000(40, 30, 0, 0, 0, 30, 0, 0, 1),
    ],
)
def test_broken_frames(frame: bytes) -> None:
    with pytest.raises(ValueError, match=r"frame|marker|tiles"):
        coded_size(frame)


@given(st.binary(max_size=80), st.sampled_from([b"\xff\xd8", JPEG_2000]))
@settings(deadline=None, max_examples=50)
def test_any_bytes_come_to_an_end(rest: bytes, start: bytes) -> None:
    try:
        size = coded_size(start + rest)
    except ValueError:
        return
    assert size is not None


@pytest.mark.parametrize("coding", ["JPLL", "JLSL", "JLSN", "J2KR", "J2KI"])
@pytest.mark.filterwarnings("ignore")  # pydicom speaks of these files' values
def test_real_frames(real_data: Path, tmp_path: Path, coding: str) -> None:
    source = real_data / "ct_transfer_syntaxes" / f"CT2_{coding}"
    frame = get_frame(pydicom.dcmread(source).PixelData, 0, number_of_frames=1)
    size = coded_size(frame)
    assert size is not None
    assert (size.rows, size.columns, size.components) == (512, 512, 1)
    # The same frame, asking for a hundred times the rows.
    width = "I" if coding.startswith("J2K") else "H"
    place = frame.index(struct.pack(f">{width}{width}", 512, 512))
    rows_at = place + 4 if width == "I" else place
    many = struct.pack(f">{width}", 51200)
    changed = frame[:rows_at] + many + frame[rows_at + len(many) :]
    path = tmp_path / "a"
    path.write_bytes(source.read_bytes().replace(frame[:4096], changed[:4096]))
    with pytest.raises(ImageRefused, match="cannot be decoded"):
        read_hu(path)
