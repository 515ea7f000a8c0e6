from __future__ import annotations

import contextlib
import logging
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from examwise.imaging.dicom_header import read_header
from examwise.imaging.dicom_pixels import read_hu
from examwise.imaging.dicom_rules import require_ct_slice
from examwise.imaging.reasons import REASONS, ImageRefused


def refusal(path: Path) -> str:
    with pytest.raises(ImageRefused) as caught:
        require_ct_slice(read_header(path))
    return caught.value.reason


def test_reads_what_is_needed(tmp_path: Path, write_slice) -> None:
    header = read_header(
        write_slice(
            tmp_path / "a",
            SliceThickness="5.0",
            ConvolutionKernel=["H30f", "2"],
            Manufacturer="Maker",
            AccessionNumber="A1",
            LossyImageCompression="01",
        )
    )
    require_ct_slice(header)
    assert (header.patient_id, header.accession_number) == ("P1", "A1")
    assert (header.rows, header.columns) == (16, 12)
    assert header.pixel_spacing_mm == (0.5, 0.25)
    assert header.thickness_mm == 5
    assert header.kernel == "H30f\\2"
    assert header.lossy
    assert header.has_pixel_data
    assert not header.truncated
    assert "P1" not in repr(header)
    assert "A1" not in repr(header)


def test_identifiers_that_are_no_uids_pass_silently(tmp_path: Path, write_slice, caplog) -> None:
    path = write_slice(
        tmp_path / "a", StudyInstanceUID="ID_0a", SeriesInstanceUID="ID_0b", PatientID="ID_0c"
    )
    with caplog.at_level(logging.DEBUG):
        header = read_header(path)
    require_ct_slice(header)
    assert header.study_instance_uid == "ID_0a"
    assert not caplog.records


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"Modality": "MR"}, "not_ct"),
        ({"Modality": None}, "damaged"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "colour"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour"),
        ({"ImageType": ["DERIVED", "PRIMARY", "PERFUSION", "RCBF"]}, "not_hu"),
        ({"RescaleType": "ED"}, "not_hu"),
        ({"RescaleSlope": None}, "not_hu"),
        ({"RescaleSlope": 0}, "not_hu"),
        ({"BitsAllocated": 8, "PixelData": bytes(192)}, "not_hu"),
        ({"NumberOfFrames": 2}, "multi_frame"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary_capture"),
        ({"StudyInstanceUID": None}, "no_identity"),
        ({"SeriesInstanceUID": ""}, "no_identity"),
        ({"ImagePositionPatient": None}, "no_geometry"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "no_geometry"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, "no_geometry"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "not_axial"),
        ({"PixelSpacing": [0, 1]}, "no_geometry"),
        ({"PixelSpacing": None}, "no_geometry"),
        ({"PixelSpacing": ["1e9", "1e9"]}, "no_geometry"),
        ({"ImagePositionPatient": [0, 0, "1e300"]}, "no_geometry"),
        ({"Rows": 65535, "Columns": 65535}, "truncated"),
    ],
)
def test_refusals(tmp_path: Path, write_slice, elements: dict, reason: str) -> None:
    path = write_slice(tmp_path / "a", **elements)
    if reason == "truncated":
        # The header alone declares few pixel bytes; decoding must still not trust the matrix.
        with pytest.raises(ImageRefused, match="larger matrix"):
            read_hu(path)
        with pytest.raises(ImageRefused, match="larger matrix"):
            require_ct_slice(read_header(path))
        return
    assert refusal(path) == reason


def test_missing_pixel_data(tmp_path: Path, write_slice) -> None:
    path = write_slice(tmp_path / "a")
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\xe0\x7f\x10\x00")])
    assert refusal(path) == "no_pixel_data"


@pytest.mark.parametrize("keep", [150, 420, -1])
def test_truncated_files(tmp_path: Path, write_slice, keep: int) -> None:
    path = write_slice(tmp_path / "a")
    path.write_bytes(path.read_bytes()[:keep])
    assert refusal(path) in {"truncated", "damaged", "not_ct"}
    if keep == -1:
        assert refusal(path) == "truncated"


@pytest.mark.parametrize("content", [b"", b"ID,Label\n", bytes(4000), b"\x89PNG" * 100])
def test_what_is_not_dicom(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    assert refusal(path) == "not_dicom"
    with pytest.raises(ImageRefused, match="Neither"):
        read_hu(path)


def test_a_file_that_is_gone_has_changed(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.dcm") == "changed_while_read"


def test_deflated_file(tmp_path: Path, write_slice) -> None:
    pixels = np.arange(192, dtype=np.int16).reshape(16, 12)
    path = write_slice(tmp_path / "a", pixels, syntax=DeflatedExplicitVRLittleEndian)
    require_ct_slice(read_header(path))
    np.testing.assert_array_equal(read_hu(path), pixels)
    path.write_bytes(path.read_bytes()[:-20])
    assert refusal(path) in REASONS


@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_damaged_bytes_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, write_slice, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(write_slice(folder / "a").read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "b"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(ImageRefused):  # and no other exception, no warning
        require_ct_slice(read_header(path))
        assert read_hu(path).dtype == np.int16


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("philips_mixed_series/I10", "localizer"),
        ("philips_mixed_series/S4010_I10", "localizer"),
        ("philips_mixed_series/S4010_I40", "colour"),
        ("multiframe_ct/eCT_Supplemental.dcm", "not_hu"),
        ("multiframe_ct/CT0012.fragmented_no_bot_jpeg_baseline.51.dcm", "not_hu"),
        ("chest_ct_encodings/no-pixel-data.dcm", "not_ct"),
        ("chest_ct_encodings/no-pixel-spacing.dcm", "not_ct"),
    ],
)
def test_real_files_refused(real_data: Path, file: str, reason: str) -> None:
    assert refusal(real_data / file) == reason


def test_series_description_and_contrast_are_read_and_never_shown(tmp_path: Path, write_slice):
    path = write_slice(
        tmp_path / "1", SeriesDescription=" 5mm Plain ", ContrastBolusAgent="Omnipaque"
    )
    header = read_header(path)
    assert (header.series_description, header.contrast_agent) == ("5mm Plain", "Omnipaque")
    assert "Plain" not in repr(header)
    assert "Omnipaque" not in repr(header)
    bare = read_header(write_slice(tmp_path / "2"))
    assert (bare.series_description, bare.contrast_agent) == ("", "")


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_an_element_that_stands_twice_is_refused(write_slice, tmp_path: Path, syntax: str) -> None:
    """Of two intercepts one reader takes the first, another the last."""
    path = write_slice(tmp_path / "a.dcm", syntax=ExplicitVRLittleEndian)
    data, intercept = path.read_bytes(), b"\x28\0\x52\x10DS"
    place = data.index(intercept)
    twice = data[:place] + intercept + b"\2\0" + b"7 " + data[place:]
    if syntax == DeflatedExplicitVRLittleEndian:
        start = data.index(b"\x08\0\x08\0CS")
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        head = data[:start].replace(
            b"UI\x14\0" + str(ExplicitVRLittleEndian).encode() + b"\0",
            b"UI\x16\0" + str(syntax).encode(),
        )
        twice = head + packer.compress(twice[start:]) + packer.flush()
    path.write_bytes(twice)
    assert refusal(path) == "damaged"
