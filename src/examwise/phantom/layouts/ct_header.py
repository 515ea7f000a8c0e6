"""Headers of a CT series as scanners write them, names and dates blanked."""

from __future__ import annotations

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from examwise.phantom.exam import RenderedSeries
from examwise.phantom.layouts.dicom_bytes import decimals
from examwise.phantom.scanner.parameters import ScanParameters

INTERCEPT_HU = -1024
PADDING = -2000
"""Stored value outside the scanned circle; below any density once the intercept is added."""

_BRAIN_WINDOW, _BONE_WINDOW = (40, 80), (500, 2500)
_BLANK = (
    "StudyDate",
    "SeriesDate",
    "AcquisitionDate",
    "ContentDate",
    "StudyTime",
    "SeriesTime",
    "AcquisitionTime",
    "ContentTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "StudyID",
)


def shared_header(series: RenderedSeries) -> Dataset:
    """Return what all images of a series share, identifiers and description apart."""
    scan, matrix = series.scan, series.pixels_hu.shape[1]
    header = Dataset()
    for keyword in _BLANK:
        setattr(header, keyword, "")
    header.SpecificCharacterSet = "ISO_IR 100"
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.SOPClassUID = CTImageStorage
    header.Modality = "CT"
    header.Manufacturer = scan.scanner.manufacturer
    header.ManufacturerModelName = scan.scanner.model
    header.PatientIdentityRemoved = "YES"
    header.BodyPartExamined = "HEAD"
    header.KVP = str(scan.scanner.kvp)
    header.DataCollectionDiameter = decimals([scan.field_of_view_mm])[0]
    header.ReconstructionDiameter = decimals([scan.field_of_view_mm])[0]
    # Some makers count the tilt the other way round; orientations tell.
    header.GantryDetectorTilt = decimals([-scan.tilt_degree])[0]
    header.XRayTubeCurrent = str(scan.scanner.tube_current_ma)
    header.ConvolutionKernel = scan.kernel
    header.PatientPosition = "HFS"
    header.ImageOrientationPatient = decimals([1.0, 0.0, 0.0, *scan.column_direction.tolist()])
    header.PositionReferenceIndicator = "OM"
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.Rows = matrix
    header.Columns = matrix
    header.PixelSpacing = decimals([scan.pixel_spacing_mm] * 2)
    header.BitsAllocated = 16
    header.BitsStored = 16
    header.HighBit = 15
    header.PixelRepresentation = 1
    header.add(DataElement("PixelPaddingValue", "SS", PADDING))
    center, width = _BONE_WINDOW if scan.purpose == "bone" else _BRAIN_WINDOW
    header.WindowCenter = str(center)
    header.WindowWidth = str(width)
    header.RescaleIntercept = str(INTERCEPT_HU)
    header.RescaleSlope = "1"
    header.RescaleType = "HU"
    return header


def slice_elements(scan: ScanParameters, index: int, matrix: int) -> list[DataElement]:
    """Return what is an image's own: its place and thickness."""
    corner = scan.corner_mm(index, matrix)
    # A table's position, from a start of its own: no distance along the slice normal.
    location = float(scan.slice_center_mm(index)[2] + scan.table_mm[1])
    return [
        DataElement("SliceThickness", "DS", decimals([scan.thickness_mm[index]])[0]),
        DataElement("ImagePositionPatient", "DS", decimals(corner.tolist())),
        DataElement("SliceLocation", "DS", decimals([location])[0]),
    ]


def middle_spacing_mm(scan: ScanParameters) -> float:
    """Return the median distance of neighbouring slices, or the thickness of a lone one."""
    if scan.n_slices == 1:
        return scan.thickness_mm[0]
    return float(np.median(np.diff(scan.offsets_mm)))
