from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from examwise.imaging import deflated_file
from examwise.imaging.deflated_file import DicomFile
from examwise.imaging.dicom_header import read_header
from examwise.imaging.dicom_pixels import read_hu
from examwise.imaging.reasons import ImageRefused

WriteSlice = Callable[..., Path]


@pytest.fixture
def deflated(write_slice: WriteSlice, tmp_path: Path) -> Path:
    return write_slice(tmp_path / "a.dcm", syntax=DeflatedExplicitVRLittleEndian)


def content_start(path: Path) -> int:
    data = path.read_bytes()
    return data.index(DeflatedExplicitVRLittleEndian.encode()) + len(DeflatedExplicitVRLittleEndian)


def refusal(path: Path) -> str:
    with pytest.raises(ImageRefused) as refused:
        read_hu(path)
    return refused.value.reason


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the inflated content."""
    data, start = path.read_bytes(), content_start(path)
    content = change(zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:]))
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    path.write_bytes(data[:start] + packer.compress(content) + packer.flush())


def test_it_reads_as_if_it_were_not_deflated(
    deflated: Path, write_slice: WriteSlice, tmp_path: Path
) -> None:
    plain = write_slice(tmp_path / "plain.dcm")
    np.testing.assert_array_equal(read_hu(deflated), read_hu(plain))
    assert read_header(deflated).transfer_syntax_uid == DeflatedExplicitVRLittleEndian
    for path, is_deflated in ((deflated, True), (plain, False)):
        with DicomFile(path) as file:
            assert file.deflated == is_deflated
            assert len(file.read()) == file.size


def test_what_is_no_deflated_stream(deflated: Path) -> None:
    whole, start = deflated.read_bytes(), content_start(deflated)
    deflated.write_bytes(whole[: (start + len(whole)) // 2])
    assert refusal(deflated) == "truncated"
    deflated.write_bytes(whole[:start] + b"\xff" * 40)
    assert refusal(deflated) == "damaged"
    deflated.write_bytes(whole + b"more")
    assert refusal(deflated) == "damaged"
    deflated.write_bytes(whole + b"\0")
    assert read_hu(deflated).shape == (16, 12)


def test_content_is_looked_at_as_elsewhere(deflated: Path) -> None:
    rewrite(deflated, lambda content: content[:-20] + b"put in!!" + content[-20:])
    assert refusal(deflated) == "damaged"
    rewrite(deflated, lambda content: content[:-100])
    assert refusal(deflated) == "truncated"
    assert read_header(deflated).truncated


def test_content_that_would_fill_the_memory(
    deflated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deflated_file, "_MOST_CONTENT_BYTES", 1 << 16)
    rewrite(deflated, lambda content: content + bytes(1 << 17))
    assert refusal(deflated) == "too_large"


def test_other_files(tmp_path: Path) -> None:
    for content in (b"", b"\2", bytes(128) + b"DICM", bytes(1000)):
        (tmp_path / "a").write_bytes(content)
        with DicomFile(tmp_path / "a") as file:
            assert file.read() == content
            assert not file.deflated
