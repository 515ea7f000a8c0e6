from __future__ import annotations

import io

import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from examwise.phantom.layouts.dicom_bytes import IMPLEMENTATION, SeriesFiles, decimals, unchecked


def _header() -> Dataset:
    header = Dataset()
    header.Modality = "CT"
    header.PatientName = "Nobody"
    header.ImageType = ["ORIGINAL", "PRIMARY"]
    header.Rows = 2
    header.PixelSpacing = ["0.5", "0.5"]
    return header


def test_same_bytes_as_pydicom_writes_for_the_whole_data_set() -> None:
    own = [
        DataElement("SOPInstanceUID", "UI", "1.2.3"),
        DataElement("InstanceNumber", "IS", "7"),
        DataElement("PixelData", "OW", b"\x01\x02\x03\x04"),
    ]
    written = SeriesFiles(_header(), ExplicitVRLittleEndian).file("1.2.3", own)
    whole = _header()
    for element in own:
        whole.add(element)
    whole.preamble = bytes(128)
    whole.file_meta = FileMetaDataset()
    whole.file_meta.FileMetaInformationGroupLength = 0  # worked out on writing
    whole.file_meta.FileMetaInformationVersion = b"\x00\x01"
    whole.file_meta.MediaStorageSOPClassUID = CTImageStorage
    whole.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    whole.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    whole.file_meta.ImplementationClassUID = IMPLEMENTATION
    buffer = io.BytesIO()
    dcmwrite(buffer, whole, enforce_file_format=False)
    assert written == buffer.getvalue()


def test_files_of_a_series_do_not_share_what_is_their_own() -> None:
    files = SeriesFiles(_header(), ExplicitVRLittleEndian)
    first = files.file("1.2.3", [DataElement("InstanceNumber", "IS", "1")])
    second = files.file("1.2.4", [DataElement("SliceLocation", "DS", "2.0")])
    assert pydicom.dcmread(io.BytesIO(first)).InstanceNumber == 1
    header = pydicom.dcmread(io.BytesIO(second))
    assert "InstanceNumber" not in header
    assert header.file_meta.MediaStorageSOPInstanceUID == "1.2.4"


def test_identifiers_that_are_no_uids_are_written_as_they_are(lenient_pydicom: None) -> None:
    own = [unchecked("SOPInstanceUID", "UI", "ID_00000000a")]
    data = SeriesFiles(_header(), ExplicitVRLittleEndian).file("1.2.3", own)
    assert pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID == "ID_00000000a"


@pytest.mark.parametrize("value", [0.0, -1e-12, 123456.1234567, -99999.5, 1 / 3])
def test_decimals_fit_their_type(value: float) -> None:
    (text,) = decimals([value])
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, abs=1e-6)
    assert not text.startswith("-0.000000")
