"""HU against independent decoders: dcmtk's, and Pillow's for JPEG 2000, which dcmtk lacks."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEG2000TransferSyntaxes,
    JPEGExtended12Bit,
    JPEGLSTransferSyntaxes,
    RLELossless,
)

from examwise.imaging.dicom_header import read_header
from examwise.imaging.dicom_pixels import read_hu
from examwise.imaging.dicom_rules import require_ct_slice
from examwise.imaging.dicom_series import read_series
from examwise.imaging.reasons import ImageRefused

# What pydicom says of odd values in real files, and of codings it cannot write itself.
pytestmark = pytest.mark.filterwarnings("ignore")


def dcmtk(tool: str, *arguments: str, source: Path, target: Path) -> Path:
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"dcmtk's {tool} is not installed")
    subprocess.run([found, *arguments, str(source), str(target)], check=True, capture_output=True)
    return target


def raw_pixels(path: Path, scratch: Path) -> np.ndarray:
    """Stored values as allocated, by a decoder that is not ours."""
    dataset = pydicom.dcmread(path)
    syntax = dataset.file_meta.TransferSyntaxUID
    shape = dataset.Rows, dataset.Columns
    signed = dataset.PixelRepresentation == 1
    if syntax in JPEG2000TransferSyntaxes:
        coded = get_frame(dataset.PixelData, 0, number_of_frames=1)
        values = np.asarray(Image.open(io.BytesIO(coded))).astype(int)
        return values - 32768 if signed else values
    if syntax == RLELossless:
        tool = "dcmdrle"
    elif syntax in JPEGLSTransferSyntaxes:
        tool = "dcmdjpls"
    else:
        tool = "dcmdjpeg" if syntax.is_encapsulated else "dcmconv"
    plain = dcmtk(tool, "+te", source=path, target=scratch / "plain.dcm")
    content = pydicom.dcmread(plain).PixelData  # bytes as they lie in the file
    dtype = "<i2" if signed else "<u2"
    return np.frombuffer(content[: 2 * shape[0] * shape[1]], dtype).reshape(shape).astype(int)


def independent_hu(path: Path, scratch: Path) -> np.ndarray:
    header = pydicom.dcmread(path, stop_before_pixels=True)
    raw = raw_pixels(path, scratch)
    bits = header.BitsStored
    values = raw & ((1 << bits) - 1)
    if header.PixelRepresentation == 1:
        values = np.where(values >= 1 << (bits - 1), values - (1 << bits), values)
    hu = values * float(header.RescaleSlope) + float(header.RescaleIntercept)
    if "PixelPaddingValue" in header:
        hu[values == header.PixelPaddingValue] = -1024
    return np.clip(np.rint(hu), -1024, 32767)


def readable(folder: Path) -> list[Path]:
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            header = read_header(path)
            require_ct_slice(header)
        except ImageRefused as refusal:
            if refusal.reason in ("truncated", "damaged", "unreadable"):
                raise
        else:
            found.append(path)
    return found


def test_every_real_slice(real_data: Path, tmp_path: Path) -> None:
    folders = [folder for folder in real_data.iterdir() if folder.is_dir()]
    paths = [path for folder in sorted(folders) for path in readable(folder)]
    assert len(paths) >= 97
    syntaxes = {read_header(path).transfer_syntax_uid for path in paths}
    assert len(syntaxes) >= 10
    for path in paths:
        hu, expected = read_hu(path).astype(int), independent_hu(path, tmp_path)
        if read_header(path).transfer_syntax_uid == JPEGExtended12Bit:
            # Two inverse cosine transforms may round one step apart; a step is 2 HU here.
            assert np.abs(hu - expected).max() <= 3
            assert np.abs(hu - expected).mean() < 0.2
        else:
            np.testing.assert_array_equal(hu, expected, path.name)


LOSSY = {JPEGExtended12Bit, "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91"}


def test_lossy_images_are_taken_and_marked(real_data: Path) -> None:
    for folder in ("ct_transfer_syntaxes", "chest_ct_encodings"):
        for path in readable(real_data / folder):
            header = read_header(path)
            assert header.lossy == (header.transfer_syntax_uid in LOSSY)


def test_lossless_codings_agree(real_data: Path) -> None:
    for folder in ("ct_transfer_syntaxes", "chest_ct_encodings"):
        paths = [path for path in readable(real_data / folder) if not read_header(path).lossy]
        assert len(paths) >= 3
        first = read_hu(paths[0])
        for path in paths[1:]:
            np.testing.assert_array_equal(read_hu(path), first)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Smooth values with noise and edges in -1000 to 3000, shape (64, 48)."""
    generator = np.random.default_rng(0)
    y, x = np.mgrid[:64, :48]
    values = 40 + 30 * np.sin(x / 7) + generator.normal(0, 8, (64, 48))
    values[(x - 24) ** 2 + (y - 32) ** 2 > 500] = -1000
    values[30:34, 20:28] = 2900
    return np.rint(values).astype(int)


DCMTK_CODINGS = {
    "1.2.840.10008.1.2.2": ("dcmconv", "+tb"),
    "1.2.840.10008.1.2.1.99": ("dcmconv", "+td"),
    "1.2.840.10008.1.2": ("dcmconv", "+ti"),
    "1.2.840.10008.1.2.4.57": ("dcmcjpeg", "+el"),
    "1.2.840.10008.1.2.4.70": ("dcmcjpeg", "+e1"),
    "1.2.840.10008.1.2.4.80": ("dcmcjpls", "+el"),
    "1.2.840.10008.1.2.5": ("dcmcrle",),
}


@pytest.mark.parametrize("syntax", DCMTK_CODINGS)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [12, 13, 14, 16])
def test_what_dcmtk_codes(
    tmp_path: Path, write_slice, picture: np.ndarray, syntax: str, *, signed: bool, bits: int
) -> None:
    intercept = 0 if signed else -1024
    stored = (np.minimum(picture, 2000) - intercept).astype(np.int16 if signed else np.uint16)
    plain = write_slice(
        tmp_path / "plain",
        stored,
        BitsStored=bits,
        HighBit=bits - 1,
        RescaleIntercept=intercept,
        PixelPaddingValue=-1000 - intercept,
    )
    coded = dcmtk(*DCMTK_CODINGS[syntax], source=plain, target=tmp_path / "coded")
    header = read_header(coded)
    assert header.transfer_syntax_uid == syntax
    assert not header.lossy
    expected = np.where(picture == -1000, -1024, np.minimum(picture, 2000))
    np.testing.assert_array_equal(read_hu(coded), expected)
    np.testing.assert_array_equal(independent_hu(coded, tmp_path), expected)


def test_lossy_jpeg_of_12_bits(tmp_path: Path, write_slice, picture: np.ndarray) -> None:
    stored = (np.minimum(picture, 2000) + 1024).astype(np.uint16)
    plain = write_slice(
        tmp_path / "plain", stored, BitsStored=12, HighBit=11, RescaleIntercept=-1024
    )
    coded = dcmtk("dcmcjpeg", "+ee", "+q", "98", source=plain, target=tmp_path / "coded")
    header = read_header(coded)
    assert header.transfer_syntax_uid == JPEGExtended12Bit
    assert header.lossy
    hu = read_hu(coded).astype(int)
    assert np.abs(hu - independent_hu(coded, tmp_path)).max() <= 1  # two inverse transforms
    assert np.abs(hu - np.minimum(picture, 2000)).mean() < 20


SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEG2000Lossless,
)


@given(
    syntax=st.sampled_from(SYNTAXES),
    signed=st.booleans(),
    bits=st.integers(12, 16),
    seed=st.integers(0, 99),
    monochrome=st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
)
@settings(deadline=None, max_examples=50)
def test_every_value_survives_every_coding(
    tmp_path_factory: pytest.TempPathFactory,
    write_slice,
    syntax: str,
    signed: bool,
    bits: int,
    seed: int,
    monochrome: str,
) -> None:
    low = -(1 << (bits - 1)) if signed else 0
    values = np.random.default_rng(seed).integers(low, low + (1 << bits), (64, 48))
    values[0, :2] = low, low + (1 << bits) - 1
    path = write_slice(
        tmp_path_factory.mktemp("a") / "a",
        values.astype(np.int16 if signed else np.uint16),
        BitsStored=bits,
        HighBit=bits - 1,
        RescaleSlope=2,
        RescaleIntercept=-1024,
        PhotometricInterpretation=monochrome,
    )
    change_coding(path, syntax)
    np.testing.assert_array_equal(read_hu(path), np.clip(2 * values - 1024, -1024, 32767))


def change_coding(path: Path, syntax: str) -> None:
    dataset = pydicom.dcmread(path)
    if syntax in (RLELossless, JPEG2000Lossless):
        dataset.compress(syntax)
        dataset.save_as(path)
        return
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    pydicom.dcmwrite(path, dataset, implicit_vr=implicit, little_endian=little, force_encoding=True)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [13, 16])
def test_sign_that_the_jpeg_2000_frame_gets_wrong(
    tmp_path: Path, write_slice, picture: np.ndarray, *, signed: bool, bits: int
) -> None:
    right, wrong = (np.int16, np.uint16) if signed else (np.uint16, np.int16)
    intercept = 0 if signed else -(1 << (bits - 1))
    stored = picture - intercept
    elements = {"BitsStored": bits, "HighBit": bits - 1, "RescaleIntercept": intercept}
    path = write_slice(tmp_path / "a", stored.astype(right), **elements)
    # The same bits, coded as numbers of the other sign.
    masked = stored & ((1 << bits) - 1)
    if wrong == np.int16:
        masked = np.where(masked >> (bits - 1), masked - (1 << bits), masked)
    other = pydicom.dcmread(write_slice(tmp_path / "b", masked.astype(wrong), **elements))
    other.compress(JPEG2000Lossless)
    frame = get_frame(other.PixelData, 0, number_of_frames=1)
    sign_and_precision = frame[frame.index(bytes.fromhex("ff51")) + 40]
    assert sign_and_precision == (bits - 1) | (0 if signed else 0x80)
    dataset = pydicom.dcmread(path)
    dataset.compress(JPEG2000Lossless)
    dataset.PixelData = other.PixelData
    dataset.save_as(path)
    np.testing.assert_array_equal(read_hu(path), np.maximum(picture, -1024))


def test_jpeg_2000_of_more_bits_than_the_header_says(
    tmp_path: Path, write_slice, picture: np.ndarray
) -> None:
    stored = np.where(picture == -1000, -3024, picture).astype(np.int16)
    path = write_slice(tmp_path / "a", stored)
    change_coding(path, JPEG2000Lossless)
    dataset = pydicom.dcmread(path)
    dataset.BitsStored, dataset.HighBit = 12, 11
    dataset.save_as(path)
    np.testing.assert_array_equal(read_hu(path), np.maximum(stored, -1024))


@pytest.mark.parametrize("value", [-1500, -2000, -3024])
@pytest.mark.parametrize("unsigned_element", [False, True])
@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("intercept", [0, 3000])
def test_padding_is_air_whatever_its_element_says(
    tmp_path: Path, write_slice, value: int, *, unsigned_element: bool, bits: int, intercept: int
) -> None:
    stored = np.full((8, 8), 40, np.int16)
    stored[:2] = value
    path = write_slice(
        tmp_path / "a",
        stored,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelPaddingValue=value,
        RescaleIntercept=intercept,
    )
    if unsigned_element:  # -2000 reads 63536
        content = path.read_bytes()
        path.write_bytes(content.replace(b"\x28\x00\x20\x01SS", b"\x28\x00\x20\x01US"))
        assert pydicom.dcmread(path).PixelPaddingValue == value % 65536
    hu = read_hu(path)
    assert (hu[:2] == -1024).all()
    assert (hu[2:] == 40 + intercept).all()


@pytest.mark.parametrize("coding", [None, RLELossless])
@pytest.mark.parametrize("signed", [False, True])
def test_bits_around_the_stored_ones_are_taken_away(
    tmp_path: Path, write_slice, coding: str | None, *, signed: bool
) -> None:
    values = np.array([[-40 if signed else 4000, 0, 5, 2000]] * 4)
    for high_bit in (11, 13, 15):
        low = high_bit - 11
        noise = np.random.default_rng(high_bit).integers(0, 1 << 16, values.shape)
        mask = 0xFFF << low
        allocated = ((values << low) & mask) | (noise & ~mask & 0xFFFF)
        path = write_slice(
            tmp_path / "a",
            allocated.astype(np.uint16),
            BitsStored=12,
            HighBit=high_bit,
            PixelRepresentation=int(signed),
            RescaleIntercept=-1024 if not signed else 0,
        )
        if coding:
            change_coding(path, coding)
        np.testing.assert_array_equal(read_hu(path), values if signed else values - 1024)


@pytest.mark.parametrize("high_bit", [10, 16])
def test_bits_that_cannot_be(tmp_path: Path, write_slice, high_bit: int) -> None:
    path = write_slice(tmp_path / "a", BitsStored=12, HighBit=high_bit)
    with pytest.raises(ImageRefused, match="decoded"):
        read_hu(path)


ENHANCED_CODINGS = [
    ("dcmcrle",),
    ("dcmcjpls", "+el"),
    ("dcmcjpeg", "+e1"),
    ("dcmcjpeg", "+e1", "+fs", "2"),  # fragments of 2 kB, with an offset table
    ("dcmcjpeg", "+e1", "+fs", "2", "-ot"),  # and without one
]


@pytest.mark.parametrize("coding", ENHANCED_CODINGS, ids=" ".join)
@pytest.mark.parametrize("signed", [False, True])
def test_frames_that_dcmtk_codes(
    tmp_path: Path, write_enhanced, picture: np.ndarray, coding: tuple[str, ...], *, signed: bool
) -> None:
    intercept = 0 if signed else -1024
    noise = np.random.default_rng(0).integers(0, 200, (4, *picture.shape))
    hu = np.minimum(picture, 1500) + noise
    stored = (hu - intercept).astype(np.int16 if signed else np.uint16)
    plain = write_enhanced(tmp_path / "plain", stored, [9, 6, 3, 0], rescale=(1, intercept))
    coded = dcmtk(*coding, source=plain, target=tmp_path / "coded")
    assert pydicom.dcmread(coded, stop_before_pixels=True).file_meta.TransferSyntaxUID.is_compressed
    series, refused = read_series([coded])
    assert series is not None
    assert not refused
    np.testing.assert_array_equal(series.volume.pixels_hu, hu[::-1])
