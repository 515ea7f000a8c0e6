"""A DICOM file's header, without its pixels."""

from __future__ import annotations

import contextlib
import logging
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypedDict, cast

import pydicom
from pydicom.config import disable_value_validation
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.uid import UID

from examwise.imaging.bounded_file import BoundedFile
from examwise.imaging.deflated_file import DicomFile
from examwise.imaging.enhanced_ct import EnhancedFrame, enhanced_frames
from examwise.imaging.plain_file import PlainElements, read_plain_elements
from examwise.imaging.reasons import ImageRefused, reason_of

_PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_UNDEFINED_LENGTH = 0xFFFFFFFF
# Codings that may have lost nothing only if the header says so, or never.
_LOSSY_SYNTAXES = frozenset(
    f"1.2.840.10008.1.2.4.{number}" for number in ("50", "51", "81", "91", "93", "112", "203")
)


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """What this package needs of a DICOM header.

    Values that identify anybody are left out of ``repr``, so that none gets into a log.

    Attributes:
        patient_id: PatientID, empty if missing.
        study_instance_uid: StudyInstanceUID, empty if missing.
        series_instance_uid: SeriesInstanceUID, empty if missing.
        sop_instance_uid: SOPInstanceUID, empty if missing.
        accession_number: AccessionNumber, empty if missing.
        sop_class_uid: SOPClassUID, or the file's if missing.
        transfer_syntax_uid: TransferSyntaxUID.
        modality: Modality.
        image_type: ImageType, in upper case.
        rows: Rows, 0 if missing.
        columns: Columns, 0 if missing.
        samples_per_pixel: SamplesPerPixel.
        number_of_frames: NumberOfFrames, 1 if missing.
        photometric_interpretation: PhotometricInterpretation.
        bits_allocated: BitsAllocated.
        rescale: RescaleSlope and RescaleIntercept, None unless both are numbers.
        rescale_type: RescaleType, empty if missing.
        position_mm: ImagePositionPatient, None unless three finite numbers.
        orientation: ImageOrientationPatient, None unless six finite numbers.
        pixel_spacing_mm: PixelSpacing: between rows, between columns; None unless positive.
        thickness_mm: SliceThickness, None unless positive.
        kernel: ConvolutionKernel.
        manufacturer: Manufacturer.
        model: ManufacturerModelName.
        acquisition_number: AcquisitionNumber.
        lossy: Whether the image may ever have been coded with loss.
        has_pixel_data: Whether the file has a pixel data element.
        truncated: Whether the file is too short for what its header declares.
        series_description: SeriesDescription, empty if missing.
        contrast_agent: ContrastBolusAgent, empty if missing.
        frames: Of an enhanced CT object the header that each frame would have in a file of its
            own; empty for any other.
    """

    patient_id: str = field(repr=False)
    study_instance_uid: str = field(repr=False)
    series_instance_uid: str = field(repr=False)
    sop_instance_uid: str = field(repr=False)
    accession_number: str = field(repr=False)
    sop_class_uid: str
    transfer_syntax_uid: str
    modality: str
    image_type: tuple[str, ...]
    rows: int
    columns: int
    samples_per_pixel: int
    number_of_frames: int
    photometric_interpretation: str
    bits_allocated: int
    rescale: tuple[float, float] | None
    rescale_type: str
    position_mm: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing_mm: tuple[float, ...] | None
    thickness_mm: float | None
    kernel: str
    manufacturer: str
    model: str
    acquisition_number: str
    lossy: bool
    has_pixel_data: bool
    truncated: bool
    series_description: str = field(default="", repr=False)
    contrast_agent: str = field(default="", repr=False)
    frames: tuple[DicomHeader, ...] = field(default=(), repr=False)


@contextlib.contextmanager
def lenient_pydicom() -> Iterator[None]:
    """Read as it comes: identifiers that are no UIDs pass, and nothing is said about values.

    pydicom's warnings and log lines quote header values, which belong in no log.
    """
    logger = logging.getLogger("pydicom")
    disabled = logger.disabled
    with warnings.catch_warnings(), disable_value_validation():
        warnings.simplefilter("ignore")
        logger.disabled = True
        try:
            yield
        finally:
            logger.disabled = disabled


class _ElementWatch:
    """Stops pydicom at the pixel data, and remembers where the last element should end."""

    def __init__(self, file: BoundedFile) -> None:
        self._file = file
        self.pixel_bytes: int | None = None
        self.end = 0
        self._tags: set[int] = set()

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        """Note an element; tell whether to stop."""
        del vr
        if tag in self._tags:
            # Of two values readers take different ones.
            raise ImageRefused("damaged")
        self._tags.add(tag)
        self.end = 0 if length == _UNDEFINED_LENGTH else self._file.tell() + length
        if tag in _PIXEL_TAGS:
            self.pixel_bytes = length
        return self.pixel_bytes is not None


def read_header(path: Path) -> DicomHeader:
    """Read a file's header.

    Raises:
        ImageRefused: ``not_dicom``; ``unreadable``; ``damaged`` or ``truncated`` if the header
            itself cannot be decoded. Whether the image can be a slice is judged by
            :func:`~examwise.imaging.dicom_rules.require_ct_slice`.
    """
    if (plain := read_plain_elements(path)) is not None:
        return _header(plain, has_pixel_data=True, truncated=plain.truncated)
    try:
        with DicomFile(path) as file, lenient_pydicom():
            watch = _ElementWatch(file)
            dataset = read_partial(cast("BinaryIO", file), stop_when=watch)
            if file.deflated:
                dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
            too_short = watch.end > file.size or (
                watch.pixel_bytes is None and watch.end < file.size
            )
            found: _Found = {
                "has_pixel_data": watch.pixel_bytes is not None,
                "truncated": too_short and watch.end > 0,
            }
            frames = tuple(_header(frame, **found) for frame in enhanced_frames(dataset))
            return replace(_header(dataset, **found), frames=frames)
    except ImageRefused:
        raise
    except InvalidDicomError:
        raise ImageRefused("not_dicom") from None
    except MemoryError:  # says nothing about the file
        raise
    except OSError as error:
        raise ImageRefused(reason_of(error)) from None
    except EOFError:
        raise ImageRefused("truncated") from None
    except Exception:  # damaged files raise nearly anything from pydicom, quoting their values
        raise ImageRefused("damaged") from None


class _Found(TypedDict):
    has_pixel_data: bool
    truncated: bool


_Elements: TypeAlias = pydicom.FileDataset | EnhancedFrame | PlainElements


def _header(dataset: _Elements, *, has_pixel_data: bool, truncated: bool) -> DicomHeader:
    syntax = _syntax(dataset)
    slope = _numbers(dataset, "RescaleSlope", 1)
    intercept = _numbers(dataset, "RescaleIntercept", 1)
    spacing = _numbers(dataset, "PixelSpacing", 2)
    thickness = _numbers(dataset, "SliceThickness", 1)
    coded_lossy = _text(dataset, "LossyImageCompression")
    return DicomHeader(
        patient_id=_text(dataset, "PatientID"),
        study_instance_uid=_text(dataset, "StudyInstanceUID"),
        series_instance_uid=_text(dataset, "SeriesInstanceUID"),
        sop_instance_uid=_text(dataset, "SOPInstanceUID"),
        accession_number=_text(dataset, "AccessionNumber"),
        sop_class_uid=_text(dataset, "SOPClassUID")
        or str(dataset.file_meta.get("MediaStorageSOPClassUID", "")),
        transfer_syntax_uid=syntax,
        modality=_text(dataset, "Modality").upper(),
        image_type=tuple(word.strip().upper() for word in _text(dataset, "ImageType").split("\\")),
        rows=_whole(dataset, "Rows", 0),
        columns=_whole(dataset, "Columns", 0),
        samples_per_pixel=_whole(dataset, "SamplesPerPixel", 1),
        number_of_frames=_whole(dataset, "NumberOfFrames", 1),
        photometric_interpretation=_text(dataset, "PhotometricInterpretation").upper(),
        bits_allocated=_whole(dataset, "BitsAllocated", 0),
        rescale=(slope[0], intercept[0]) if slope and intercept else None,
        rescale_type=_text(dataset, "RescaleType").upper(),
        position_mm=_numbers(dataset, "ImagePositionPatient", 3),
        orientation=_numbers(dataset, "ImageOrientationPatient", 6),
        pixel_spacing_mm=spacing if spacing and min(spacing) > 0 else None,
        thickness_mm=thickness[0] if thickness and thickness[0] > 0 else None,
        kernel=_text(dataset, "ConvolutionKernel"),
        manufacturer=_text(dataset, "Manufacturer"),
        model=_text(dataset, "ManufacturerModelName"),
        acquisition_number=_text(dataset, "AcquisitionNumber"),
        lossy=coded_lossy == "01" or (syntax in _LOSSY_SYNTAXES and coded_lossy != "00"),
        has_pixel_data=has_pixel_data,
        truncated=truncated,
        series_description=_text(dataset, "SeriesDescription"),
        contrast_agent=_text(dataset, "ContrastBolusAgent"),
    )


def _syntax(dataset: _Elements) -> UID:
    return UID(str(dataset.file_meta.get("TransferSyntaxUID", "")))


def _text(dataset: _Elements, keyword: str) -> str:
    value = dataset.get(keyword)
    if value is None:
        return ""
    parts = value if isinstance(value, (pydicom.multival.MultiValue, list)) else [value]
    return "\\".join(str(part) for part in parts).strip(" \0")


def _numbers(dataset: _Elements, keyword: str, count: int) -> tuple[float, ...] | None:
    parts = _text(dataset, keyword).split("\\")
    try:
        numbers = tuple(float(part) for part in parts)
    except ValueError:
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def _whole(dataset: _Elements, keyword: str, default: int) -> int:
    numbers = _numbers(dataset, keyword, 1)
    return int(numbers[0]) if numbers else default
