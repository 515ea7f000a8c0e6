"""A small DICOM slice, written by pydicom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.config import disable_value_validation
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

WriteSlice = Callable[..., Path]


@pytest.fixture(scope="session")
def write_slice() -> WriteSlice:
    """Return a function that writes one CT slice; an element given as None is left out."""

    def write(
        path: Path, pixels: Any = None, *, syntax: str = ExplicitVRLittleEndian, **elements: Any
    ) -> Path:
        if pixels is None:
            pixels = np.arange(16 * 12, dtype=np.int16).reshape(16, 12)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
        meta.TransferSyntaxUID = syntax
        dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
        values: dict[str, Any] = {
            "SOPClassUID": CTImageStorage,
            "SOPInstanceUID": "1.2.3.4.5",
            "PatientID": "P1",
            "StudyInstanceUID": "1.2.3",
            "SeriesInstanceUID": "1.2.3.4",
            "Modality": "CT",
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "ImagePositionPatient": [0, 0, 0],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [0.5, 0.25],
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "Rows": pixels.shape[0],
            "Columns": pixels.shape[1],
            "BitsAllocated": 16,
            "BitsStored": 16,
            "HighBit": 15,
            "PixelRepresentation": int(pixels.dtype == np.int16),
            "RescaleSlope": 1,
            "RescaleIntercept": 0,
            "PixelData": pixels.tobytes(),
            **elements,
        }
        with disable_value_validation():
            for keyword, value in values.items():
                if value is not None:
                    setattr(dataset, keyword, value)
            dataset["PixelData"].VR = "OW"
            pydicom.dcmwrite(path, dataset)
        return path

    return write
