from __future__ import annotations

import struct
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import get_frame
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from examwise.imaging.coded_frames import CodedSize, coded_size, require_sound_frame
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
    with pytest.raises(ValueError, match=r"frame|transform|marker|tiles"):
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


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def lossless(
    *, tables: bytes = b"\0" + bytes([0, 1, *14 * [0]]) + b"\x05", data: bytes = b"\x12\xff\0\x34"
) -> bytes:
    frame = segment(0xC3, struct.pack(">BHHB", 16, 30, 40, 1) + b"\1\x11\0")
    scan = segment(0xDA, b"\1\1\0\1\0\0")
    return b"\xff\xd8" + frame + segment(0xC4, tables) + scan + data + b"\xff\xd9"


def jpeg_ls(presets: bytes | None = None, data: bytes = b"\x12\xff\x34") -> bytes:
    frame = segment(0xF7, struct.pack(">BHHB", 12, 30, 40, 1) + b"\1\x11\0")
    more = segment(0xF8, presets) if presets is not None else b""
    return b"\xff\xd8" + frame + more + segment(0xDA, b"\1\1\0\0\0\0") + data + b"\xff\xd9"


def presets(highest: int = 4095, *, kind: int = 1, first: int = 18, reset: int = 64) -> bytes:
    return struct.pack(">BHHHHH", kind, highest, first, 67, 276, reset)


def require(frame: bytes, syntax: str = JPEGLosslessSV1, **changes: int) -> None:
    expected = {"rows": 30, "columns": 40, "n_bytes": 2, **changes}
    require_sound_frame(frame, syntax=syntax, **expected)


def test_sound_frames_pass() -> None:
    require(lossless())
    require(lossless() + b"\0")
    require(lossless(data=b"\x12\xff\0\x34\xff\xff"))  # fill before the end
    require(jpeg_ls(), JPEGLSLossless)
    require(jpeg_ls(presets()), JPEGLSLossless)
    require(jpeg_2000(40, 30, 0, 0, 40, 30, 0, 0, 1), JPEG2000Lossless)
    interval = segment(0xDD, b"\0\4")
    restarted = lossless(data=b"\x12\xff\xd0\x34")
    require(restarted[:2] + interval + restarted[2:])


@pytest.mark.parametrize(
    ("frame", "syntax"),
    [
        (lossless()[:-2], JPEGLosslessSV1),
        (lossless().replace(b"\1\1\0\1\0\0\x12", b"\1\1\0\1\0\4\x12"), JPEGLosslessSV1),
        (lossless()[:40], JPEGLosslessSV1),
        (lossless(data=b"\x12\xff\xd0\x34"), JPEGLosslessSV1),
        (lossless(data=b"\x12\xff\xc3\x34"), JPEGLosslessSV1),
        (lossless(data=b"\x12\xff\xff\0\x34"), JPEGLosslessSV1),
        (lossless(tables=b"\0" + bytes([0, 1, *14 * [0]]) + b"\xff"), JPEGLosslessSV1),
        (lossless(tables=b"\0" + bytes([0, 9, *14 * [0]]) + b"\x05"), JPEGLosslessSV1),
        (lossless(), JPEGExtended12Bit),
        (lossless(), JPEGLSLossless),
        (lossless(), JPEG2000Lossless),
        (jpeg_ls(), JPEGLosslessSV1),
        (jpeg_ls(data=b"\x12\xff\x84"), JPEGLSLossless),
        (jpeg_ls(presets(511)), JPEGLSLossless),
        (jpeg_ls(presets(kind=8)), JPEGLSLossless),
        (jpeg_ls(presets(first=0)), JPEGLSLossless),
        (jpeg_ls(presets(first=99)), JPEGLSLossless),
        (jpeg_ls(presets(reset=1)), JPEGLSLossless),
        (jpeg_ls(b"\2\0"), JPEGLSLossless),
        (bytes(64), JPEGLosslessSV1),
    ],
)
def test_unsound_frames_are_refused(frame: bytes, syntax: str) -> None:
    with pytest.raises(ValueError, match=r"frame|transform|marker|fill|table|parameters|coding"):
        require(frame, syntax)


@pytest.mark.parametrize("changes", [{"rows": 31}, {"columns": 39}])
def test_frames_of_another_size_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="another size"):
        require(lossless(), **changes)


def run_lengths(n_segments: int, *offsets: int, length: int = 200) -> bytes:
    header = struct.pack("<16I", n_segments, *offsets, *(15 - len(offsets)) * [0])
    return header.ljust(length, b"\0")


def test_run_length_headers() -> None:
    require(run_lengths(2, 64, 100), RLELossless)
    for wrong in (
        run_lengths(1, 64),
        run_lengths(2, 64, 64),
        run_lengths(2, 60, 100),
        run_lengths(2, 64, 900),
        run_lengths(2, 64, 100)[:50],
    ):
        with pytest.raises(ValueError, match=r"segments|header"):
            require(wrong, RLELossless)
