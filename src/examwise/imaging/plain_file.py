"""CT files as nearly all are, read in one pass: headers, and pixels that no coding hides.

pydicom makes objects of every element, which takes about as long as decoding an uncompressed
image, and an import reads every header twice. Here only those elements are looked at that
:class:`~examwise.imaging.dicom_header.DicomHeader` keeps, and only where nothing about the file is
out of the ordinary. Anything else is left to pydicom; where both can read a header, they say the
same.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.uid import (
    RE_VALID_UID,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

from examwise.imaging.enhanced_ct import ENHANCED_CT_CLASSES

_BLOCK_BYTES = 32 * 1024
_PREAMBLE_BYTES = 128
_MAGIC = b"DICM"
_PIXEL_DATA = 0x7FE00010
_PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, _PIXEL_DATA})
_UNDEFINED_LENGTH = 0xFFFFFFFF
_META_GROUP = 0x0002
_ELEMENT = Struct("<HH2sH")
_LONG_LENGTH = Struct("<L")
_SHORT_VRS = frozenset(vr.value.encode() for vr in EXPLICIT_VR_LENGTH_16)
_LONG_VRS = frozenset(vr.value.encode() for vr in EXPLICIT_VR_LENGTH_32)
_META_KEYWORDS: tuple[str, ...] = ("MediaStorageSOPClassUID", "TransferSyntaxUID")
_KEYWORDS = (
    *("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"),
    *("AccessionNumber", "Modality", "ImageType", "Rows", "Columns", "SamplesPerPixel"),
    *("NumberOfFrames", "PhotometricInterpretation", "BitsAllocated", "RescaleSlope"),
    *("RescaleIntercept", "RescaleType", "ImagePositionPatient", "ImageOrientationPatient"),
    *("PixelSpacing", "SliceThickness", "ConvolutionKernel", "Manufacturer"),
    *("ManufacturerModelName", "AcquisitionNumber", "LossyImageCompression"),
    *("SeriesDescription", "ContrastBolusAgent", "SpecificCharacterSet", "BitsStored", "HighBit"),
    *("PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *_META_KEYWORDS,
)
_WANTED = {
    int(tag_for_keyword(keyword) or 0): (
        keyword,
        frozenset(dictionary_VR(tag_for_keyword(keyword) or 0).encode().split(b" or ")),
    )
    for keyword in _KEYWORDS
}
# In these the bytes of ASCII mean what they mean in ASCII.
_CHARACTER_SETS = frozenset({"", "ISO_IR 6", "ISO_IR 100", "ISO_IR 192"})
_OTHER_SYNTAXES = frozenset(
    {"", ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian}
)
_IMAGE = {"SamplesPerPixel": 1, "BitsAllocated": 16}
_LARGEST_MATRIX = 4096
_PIXEL_DATA_TAG = b"\xe0\x7f\x10\x00"
_ITEM = b"\xfe\xff\x00\xe0"
_DELIMITER = b"\xfe\xff\xdd\xe0" + bytes(4)
# Empty, or of one frame at the beginning.
_OFFSET_TABLES = (_ITEM + bytes(4) + _ITEM, _ITEM + b"\x04" + bytes(7) + _ITEM)
_PLAIN_TEXT = re.compile(rb"[\x20-\x7e]*")


class PlainMeta(dict[str, str | int]):
    """File meta information by keyword."""

    @property
    def TransferSyntaxUID(self) -> UID:  # noqa: N802 - as pydicom names it
        """The transfer syntax."""
        return UID(str(self["TransferSyntaxUID"]))


@dataclass(frozen=True)
class PlainElements:
    """Elements of a header by keyword, as text or whole numbers.

    Attributes:
        values: Elements of the dataset.
        file_meta: Elements of the file meta information.
        pixels_start: First byte of the pixel data.
        pixels_end: Byte after the last of the pixel data; 0 if the header does not say.
        pixels_are_words: Whether the pixel data are in words of 16 bits.
        file_bytes: Size of the file.
    """

    values: dict[str, str | int]
    file_meta: PlainMeta
    pixels_start: int
    pixels_end: int
    pixels_are_words: bool
    file_bytes: int

    @property
    def truncated(self) -> bool:
        """Whether the file is too short for its pixel data."""
        return self.pixels_end > self.file_bytes

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return an element's value; several stand in one text, with backslashes between.

        Raises:
            KeyError: If this is an element that is not looked at.
        """
        if keyword not in _KEYWORDS:
            raise KeyError(keyword)
        return self.values.get(keyword, default)


def read_plain_elements(path: Path) -> PlainElements | None:
    """Read a header where it is plain; None where it is for pydicom to read or to refuse.

    Plain is explicit VR little endian, the pixel data within the first 32 KiB, no element of
    undefined length before them, every element of interest with its standard VR, in ASCII.
    """
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            block = file.read(_BLOCK_BYTES)
    except OSError:
        return None
    if block[_PREAMBLE_BYTES : _PREAMBLE_BYTES + len(_MAGIC)] != _MAGIC:
        return None
    values: dict[str, str | int] = {}
    pixels = _walk(block, values)
    if pixels is None:
        return None
    found = {keyword: values.pop(keyword) for keyword in _META_KEYWORDS if keyword in values}
    meta = PlainMeta(found)
    sop_class = values.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID", "")
    syntax = str(meta.get("TransferSyntaxUID", ""))
    if (
        syntax in _OTHER_SYNTAXES
        or not re.fullmatch(RE_VALID_UID, syntax)
        or values.get("SpecificCharacterSet", "") not in _CHARACTER_SETS
        or sop_class in ENHANCED_CT_CLASSES
    ):
        return None
    return PlainElements(values, meta, *pixels, size)


def read_plain_image(path: Path) -> tuple[npt.NDArray[np.integer], PlainElements] | None:
    """Read a single 16-bit image that is not compressed; None where pydicom has to see to it.

    Returns:
        Stored values, unused bits included, shape (rows, columns); and the header.
    """
    header = read_plain_elements(path)
    if header is None or header.file_meta["TransferSyntaxUID"] != ExplicitVRLittleEndian:
        return None
    rows, columns = (int(header.get(keyword) or 0) for keyword in ("Rows", "Columns"))
    size = 2 * rows * columns
    if not (
        header.pixels_are_words
        and _is_plain_image(header)
        and header.pixels_start + size == header.pixels_end == header.file_bytes
    ):
        return None
    try:
        dtype = "<i2" if header.get("PixelRepresentation") else "<u2"
        image = np.fromfile(path, dtype, rows * columns, offset=header.pixels_start)
    except OSError:
        return None
    return (image.reshape(rows, columns), header) if len(image) == rows * columns else None


def read_plain_run_lengths(path: Path) -> tuple[bytes, PlainElements] | None:
    """Read a single 16-bit image that is run-length coded; None where pydicom has to see to it.

    Returns:
        The value of the pixel data, one fragment that ends with the file; and the header.
    """
    header = read_plain_elements(path)
    if (
        header is None
        or header.file_meta["TransferSyntaxUID"] != RLELossless
        or header.pixels_end
        or not _is_plain_image(header)
    ):
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    start, end = header.pixels_start, len(content) - len(_DELIMITER)
    offsets = next((one for one in _OFFSET_TABLES if content.startswith(one, start)), None)
    if offsets is None or end != header.file_bytes - len(_DELIMITER):
        return None
    fragment = start + len(offsets) - len(_ITEM)
    if not (
        content.startswith(_PIXEL_DATA_TAG, start - 12)
        and content.endswith(_DELIMITER)
        and fragment + 8 + int.from_bytes(content[fragment + 4 : fragment + 8], "little") == end
    ):
        return None
    return content[start:end], header


def _is_plain_image(header: PlainElements) -> bool:
    rows, columns = (int(header.get(keyword) or 0) for keyword in ("Rows", "Columns"))
    return (
        _IMAGE.items() <= header.values.items()
        and header.get("NumberOfFrames", "1") in ("", "1")
        and header.get("PhotometricInterpretation") in ("MONOCHROME1", "MONOCHROME2")
        and header.get("PixelRepresentation") in (0, 1)
        and all(header.get(keyword) for keyword in ("RescaleSlope", "RescaleIntercept"))
        and all(keyword in header.values for keyword in ("BitsStored", "HighBit"))
        and 1 <= min(rows, columns) <= max(rows, columns) <= _LARGEST_MATRIX
    )


def _walk(block: bytes, values: dict[str, str | int]) -> tuple[int, int, bool] | None:
    """Collect wanted elements; return what :class:`PlainElements` keeps of the pixel data."""
    place = _PREAMBLE_BYTES + len(_MAGIC)
    past_meta = False
    while place + 12 <= len(block):
        group, number, vr, length = _ELEMENT.unpack_from(block, place)
        start = place + 8
        if vr in _LONG_VRS:
            (length,) = _LONG_LENGTH.unpack_from(block, start)
            start += 4
        elif vr not in _SHORT_VRS:
            return None
        tag = group << 16 | number
        if tag in _PIXEL_TAGS:
            end = 0 if length == _UNDEFINED_LENGTH else start + length
            return start, end, tag == _PIXEL_DATA and vr == b"OW"
        place = start + length
        past_meta |= group > _META_GROUP
        # Not after the pixel data either: they end the walk.
        if place > len(block) or group in (0, 0xFFFE) or (past_meta and group == _META_GROUP):
            return None
        if (wanted := _WANTED.get(tag)) is not None:
            keyword, standard_vrs = wanted
            value = _value(block[start:place], vr) if vr in standard_vrs else None
            if value is None or keyword in values:
                return None
            values[keyword] = value
    return None


def _value(data: bytes, vr: bytes) -> str | int | None:
    """Return a value as pydicom would, once made text; None where that needs more thought."""
    if vr in (b"US", b"SS"):
        return int.from_bytes(data, "little", signed=vr == b"SS") if len(data) == 2 else None
    data = data.rstrip(b" \0")
    if not _PLAIN_TEXT.fullmatch(data):
        return None
    text = data.decode("ascii")
    if vr == b"DS":
        return text if all(map(_is_number, text.split("\\"))) else None
    if vr == b"IS":
        return text if not text or (text.isdigit() and text == str(int(text))) else None
    if vr == b"UI":
        return None if "\\" in text else text
    return None if " \\" in text else text


def _is_number(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True
