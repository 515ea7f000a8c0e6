"""A DICOM image's pixels in HU."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, JPEG2000TransferSyntaxes, RLELossless

from examwise.imaging.bounded_file import unchanged
from examwise.imaging.coded_frames import require_sound_frame
from examwise.imaging.deflated_file import DicomFile
from examwise.imaging.dicom_header import lenient_pydicom, read_header
from examwise.imaging.dicom_rules import MAX_MATRIX
from examwise.imaging.enhanced_ct import EnhancedFrame, enhanced_frames
from examwise.imaging.file_end import require_sound_end
from examwise.imaging.plain_file import (
    PlainElements,
    read_plain_image,
    read_plain_run_lengths,
)
from examwise.imaging.reasons import ImageRefused, reason_of
from examwise.imaging.volume import AIR_HU, to_int16_hu

_Elements: TypeAlias = pydicom.FileDataset | EnhancedFrame | PlainElements

_WRAP = 4096
_WRAP_SHIFT = 1000
# Neither metal nor the densest bone fills so much of an image; air beside a patient does.
_WRAPPED_SHARE = 0.05


class PixelFile:
    """A file that was opened to decode its frames one by one.

    Args:
        path: The file.

    Raises:
        ImageRefused: As :func:`read_hu`, for what needs no decoding to be seen.
    """

    def __init__(self, path: Path) -> None:
        self._frames: tuple[EnhancedFrame, ...] = ()
        with _refusals(), unchanged(path):
            self._plain = read_plain_image(path) or _read_run_lengths(path)
        if self._plain is not None:
            return
        with _refusals(), DicomFile(path) as file, lenient_pydicom():
            self._dataset = pydicom.dcmread(cast("BinaryIO", file))
            if "PixelData" not in self._dataset:
                # pydicom drops coded pixels that the file's end cuts short.
                cut_short = read_header(path).has_pixel_data
                raise ImageRefused("truncated" if cut_short else "no_pixel_data")
            require_sound_end(file, self._dataset)
            self._frames = enhanced_frames(self._dataset)

    @property
    def n_frames(self) -> int:
        """Frames that can be decoded; 1 for what is no enhanced CT object."""
        return max(len(self._frames), 1)

    def hu(self, frame: int = 0) -> npt.NDArray[np.int16]:
        """Decode one frame to HU, as :func:`read_hu` does.

        Args:
            frame: Its place in the file, counted from 0.

        Raises:
            ImageRefused: As :func:`read_hu`.
        """
        if self._plain is not None:
            with _refusals():
                return _to_hu(*self._plain)
        with _refusals(), lenient_pydicom():
            dataset = self._dataset
            elements = self._frames[frame] if self._frames else dataset
            _require_decodable(dataset, elements, frame)
            syntax, shape = dataset.file_meta.TransferSyntaxUID, (dataset.Rows, dataset.Columns)
            index = frame if self._frames else None
            return _to_hu(_decode(dataset, syntax, shape, index=index), elements)


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
    opened = PixelFile(path)
    if opened.n_frames > 1:
        raise ImageRefused("multi_frame")
    return opened.hu()


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Turn whatever a damaged file raises into a refusal that quotes nothing of it."""
    try:
        yield
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


def _require_decodable(dataset: pydicom.FileDataset, elements: _Elements, frame: int) -> None:
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise ImageRefused("colour")
    if int(elements.get("NumberOfFrames") or 1) != 1:
        raise ImageRefused("multi_frame")
    if not (1 <= dataset.Rows <= MAX_MATRIX and 1 <= dataset.Columns <= MAX_MATRIX):
        raise ImageRefused("too_large")
    if elements.get("RescaleSlope") is None or elements.get("RescaleIntercept") is None:
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
        number = int(dataset.get("NumberOfFrames") or 1)
        require_sound_frame(
            get_frame(dataset.PixelData, frame, number_of_frames=number),
            syntax=syntax,
            rows=dataset.Rows,
            columns=dataset.Columns,
            n_bytes=dataset.BitsAllocated // 8,
        )
    elif len(dataset.PixelData) < expected * int(dataset.get("NumberOfFrames") or 1):
        raise ImageRefused("truncated")


def _decode(
    source: pydicom.FileDataset | bytes, syntax: UID, shape: tuple[int, int], **options: Any
) -> npt.NDArray[np.integer]:
    """Return what was stored, unused bits included where the coding has such."""
    options["correct_unused_bits"] = syntax in JPEG2000TransferSyntaxes
    stored, _ = get_decoder(syntax).as_array(source, **options)
    if stored.shape != shape:
        raise ImageRefused("damaged")
    return stored


def _read_run_lengths(path: Path) -> tuple[npt.NDArray[np.integer], PlainElements] | None:
    """Decode a run-length coded image whose header is plain; None where anything is unusual."""
    found = read_plain_run_lengths(path)
    if found is None:
        return None
    coded, header = found
    rows, columns = int(header.get("Rows")), int(header.get("Columns"))
    if not get_decoder(RLELossless).is_available or max(rows, columns) > MAX_MATRIX:
        return None
    try:
        require_sound_frame(
            get_frame(coded, 0, number_of_frames=1),
            syntax=RLELossless,
            rows=rows,
            columns=columns,
            n_bytes=2,
        )
        with lenient_pydicom():
            stored = _decode(
                coded,
                RLELossless,
                (rows, columns),
                rows=rows,
                columns=columns,
                samples_per_pixel=1,
                photometric_interpretation=header.get("PhotometricInterpretation"),
                pixel_representation=header.get("PixelRepresentation"),
                bits_allocated=16,
                bits_stored=int(header.get("BitsStored")),
                number_of_frames=1,
                pixel_keyword="PixelData",
            )
    except MemoryError:
        raise
    except Exception:  # pydicom's own reading says what is wrong
        return None
    return stored, header


def _to_hu(image: npt.NDArray[np.integer], elements: _Elements) -> npt.NDArray[np.int16]:
    slope, intercept = (float(elements.get(f"Rescale{name}")) for name in ("Slope", "Intercept"))
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise ImageRefused("not_finite")
    bits = _Bits.of(elements)
    allocated, places = _values_and_places(image)
    stored = bits.stored(allocated)
    padding = _padding(allocated, stored, elements, bits)
    unsigned_12_bit = bits.stored_bits == 12 and not bits.signed
    if unsigned_12_bit and intercept > -100 and slope == 1 and _went_round(stored, padding, places):
        stored = (stored + _WRAP_SHIFT) % _WRAP
        intercept = float(-_WRAP_SHIFT)
    if slope.is_integer() and intercept.is_integer():
        hu = to_int16_hu(stored * int(slope) + int(intercept))
    else:
        hu = to_int16_hu(stored * slope + intercept)
    hu[padding] = AIR_HU
    return hu.take(places)


def _values_and_places(
    image: npt.NDArray[np.integer],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.integer]]:
    """Return all values that may be in an image, and where among them each pixel's stands.

    An image has far more pixels than different values, so HU are worked out once a value.
    """
    low, high = int(image.min()), int(image.max())
    if high - low >= image.size:
        return image.ravel().astype(np.int64), np.arange(image.size).reshape(image.shape)
    unsigned = np.dtype(f"u{image.dtype.itemsize}")
    # Differences that leave a signed type's range come out right in the unsigned one.
    places = image.astype(unsigned) - np.array(low).astype(unsigned)
    return np.arange(low, high + 1), places


def _went_round(
    stored: npt.NDArray[np.int64],
    padding: npt.NDArray[np.bool_],
    places: npt.NDArray[np.integer],
) -> bool:
    dense = (stored >= _WRAP - _WRAP_SHIFT) & ~padding
    return int(np.count_nonzero(dense.take(places))) > _WRAPPED_SHARE * places.size


def _padding(
    allocated: npt.NDArray[np.int64],
    stored: npt.NDArray[np.int64],
    elements: _Elements,
    bits: _Bits,
) -> npt.NDArray[np.bool_]:
    value = elements.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, bool)
    limit = elements.get("PixelPaddingRangeLimit")
    ends = [bits.padding_value(int(end)) for end in (value, value if limit is None else limit)]
    if not all(map(bits.can_store, ends)):
        # Written over the whole of a pixel's bits, past those that the header calls stored.
        stored = allocated
    return (stored >= min(ends)) & (stored <= max(ends))


@dataclass(frozen=True)
class _Bits:
    """Where a pixel's value lies among the bits that it was given."""

    allocated_bits: int
    stored_bits: int
    unused_low_bits: int
    signed: bool
    values_coded: bool
    """Whether the coding holds numbers with their sign, of its own precision, rather than bits."""

    @staticmethod
    def of(elements: _Elements) -> _Bits:
        allocated, stored = (int(elements.get(f"Bits{name}")) for name in ("Allocated", "Stored"))
        syntax = elements.file_meta.TransferSyntaxUID
        plain = not syntax.is_encapsulated or syntax == RLELossless
        high = elements.get("HighBit")
        # Other codings hold values, not the bits around them.
        low = int(high) + 1 - stored if plain and high is not None else 0
        if not (1 <= stored <= allocated and 0 <= low <= allocated - stored):
            raise ImageRefused("damaged")
        signed = bool(elements.get("PixelRepresentation"))
        return _Bits(allocated, stored, low, signed, syntax in JPEG2000TransferSyntaxes)

    def stored(self, allocated: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Take unused bits away: they may hold anything, old overlays among them."""
        if self.stored_bits == self.allocated_bits or self.values_coded:
            return allocated
        values = (allocated >> self.unused_low_bits) & ((1 << self.stored_bits) - 1)
        if self.signed:
            values = values - ((values >> (self.stored_bits - 1)) << self.stored_bits)
        return values

    def padding_value(self, value: int) -> int:
        """Read a padding value with the sign of the pixels, whatever sign its element was given."""
        unsigned = value % (1 << self.allocated_bits)
        negative = self.signed and unsigned >> (self.allocated_bits - 1)
        return unsigned - (1 << self.allocated_bits) if negative else unsigned

    def can_store(self, value: int) -> bool:
        """Tell whether a value fits into the stored bits."""
        low = -(1 << (self.stored_bits - 1)) if self.signed else 0
        return low <= value < low + (1 << self.stored_bits)
