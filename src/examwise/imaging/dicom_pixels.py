"""A DICOM image's pixels in HU."""

from __future__ import annotations

import math
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import RLELossless

from examwise.imaging.bounded_file import BoundedFile
from examwise.imaging.coded_frames import coded_size
from examwise.imaging.dicom_header import lenient_pydicom, read_header
from examwise.imaging.dicom_rules import MAX_MATRIX
from examwise.imaging.reasons import ImageRefused, reason_of
from examwise.imaging.volume import AIR_HU, to_int16_hu

_WRAP = 4096
_WRAP_SHIFT = 1000
# Neither metal nor the densest bone fills so much of an image; air beside a patient does.
_WRAPPED_SHARE = 0.05
_MOST_TILES = 4096


def read_hu(path: Path) -> npt.NDArray[np.int16]:
    """Decode a single-frame image to HU, as it lies in the file (no reorientation).

    Stored values go through RescaleSlope and RescaleIntercept. Padding (PixelPaddingValue, or the
    range up to PixelPaddingRangeLimit) and everything below -1024 HU become -1024. Images of 12
    unsigned bits with an intercept above -100 cannot hold air unless their values went round
    (some of the RSNA 2019 archive's did): where more than a twentieth of the pixels would lie
    above 3000 HU, which nothing but air gone round does, all are unwrapped.

    Returns:
        HU, int16, shape (rows, columns).

    Raises:
        ImageRefused: ``not_dicom``, ``unreadable``, ``too_large``, ``no_pixel_data``, ``colour``,
            ``multi_frame``, ``not_hu``, ``truncated``, ``unsupported_coding``, ``not_finite`` or
            ``damaged``.
    """
    try:
        with BoundedFile(path) as file, lenient_pydicom():
            dataset = pydicom.dcmread(cast("BinaryIO", file))
            if "PixelData" not in dataset:
                # pydicom drops coded pixels that the file's end cuts short.
                cut_short = read_header(path).has_pixel_data
                raise ImageRefused("truncated" if cut_short else "no_pixel_data")
            _require_decodable(dataset)
            stored = _decode(dataset)
            return _to_hu(stored, dataset)
    except (ImageRefused, MemoryError):
        raise
    except InvalidDicomError:
        raise ImageRefused("not_dicom") from None
    except EOFError:
        raise ImageRefused("truncated") from None
    except OSError as error:
        raise ImageRefused(reason_of(error)) from None
    except Exception:  # damaged files raise nearly anything from pydicom, quoting their values
        raise ImageRefused("damaged") from None
    except BaseException as error:
        # A decoder written in Rust that panics raises past Exception.
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise ImageRefused("damaged") from None


def _require_decodable(dataset: pydicom.FileDataset) -> None:
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise ImageRefused("colour")
    if int(dataset.get("NumberOfFrames") or 1) != 1:
        raise ImageRefused("multi_frame")
    if not (1 <= dataset.Rows <= MAX_MATRIX and 1 <= dataset.Columns <= MAX_MATRIX):
        raise ImageRefused("too_large")
    if dataset.get("RescaleSlope") is None or dataset.get("RescaleIntercept") is None:
        raise ImageRefused("not_hu")
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        raise ImageRefused("unsupported_coding")
    expected = dataset.Rows * dataset.Columns * dataset.BitsAllocated // 8
    if syntax.is_encapsulated:
        # Run-length frames state no size, and hold any bytes, another coding's first ones too.
        if syntax != RLELossless:
            _require_coded_size(dataset)
    elif len(dataset.PixelData) < expected:
        raise ImageRefused("truncated")


def _require_coded_size(dataset: pydicom.FileDataset) -> None:
    size = coded_size(get_frame(dataset.PixelData, 0, number_of_frames=1))
    if size is None:
        return
    same = (size.rows, size.columns, size.components) == (dataset.Rows, dataset.Columns, 1)
    if not same or size.tiles > _MOST_TILES:
        raise ImageRefused("damaged")


def _decode(dataset: pydicom.FileDataset) -> npt.NDArray[np.int64]:
    stored = np.asarray(dataset.pixel_array)
    if stored.shape != (dataset.Rows, dataset.Columns):
        raise ImageRefused("damaged")
    return stored.astype(np.int64)


def _to_hu(stored: npt.NDArray[np.int64], dataset: pydicom.FileDataset) -> npt.NDArray[np.int16]:
    slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise ImageRefused("not_finite")
    padding = _padding(stored, dataset)
    unsigned_12_bit = dataset.BitsStored == 12 and dataset.PixelRepresentation == 0
    if unsigned_12_bit and intercept > -100 and slope == 1 and _went_round(stored, padding):
        stored = (stored + _WRAP_SHIFT) % _WRAP
        intercept = float(-_WRAP_SHIFT)
    if slope.is_integer() and intercept.is_integer():
        hu = to_int16_hu(stored * int(slope) + int(intercept))
    else:
        hu = to_int16_hu(stored * slope + intercept)
    hu[padding] = AIR_HU
    return hu


def _went_round(stored: npt.NDArray[np.int64], padding: npt.NDArray[np.bool_]) -> bool:
    dense = (stored >= _WRAP - _WRAP_SHIFT) & ~padding
    return int(np.count_nonzero(dense)) > _WRAPPED_SHARE * stored.size


def _padding(stored: npt.NDArray[np.int64], dataset: pydicom.FileDataset) -> npt.NDArray[np.bool_]:
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = [_as_stored(value, dataset), _as_stored(value if limit is None else limit, dataset)]
    return (stored >= min(ends)) & (stored <= max(ends))


def _as_stored(value: int, dataset: pydicom.FileDataset) -> int:
    """Read a padding value with the sign of the pixels, whatever sign its element was given."""
    modulus = 1 << int(dataset.BitsAllocated)
    unsigned = int(value) % modulus
    signed = dataset.PixelRepresentation == 1 and unsigned >= modulus // 2
    return unsigned - modulus if signed else unsigned
