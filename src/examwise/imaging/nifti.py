"""NIfTI files to volumes."""

from __future__ import annotations

import contextlib
import gzip
import logging
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
from nibabel.arrayproxy import ArrayProxy
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)

from examwise.imaging.bounded_file import unchanged
from examwise.imaging.geometry import (
    gantry_tilt_degree,
    is_plausible,
    slice_spacing_mm,
    standard_orientation,
)
from examwise.imaging.reasons import ImageRefused, reason_of
from examwise.imaging.volume import AIR_HU, Volume, to_int16_hu

NIFTI_SUFFIXES = (".nii", ".nii.gz")
"""File names that are read as NIfTI."""

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_HIGHEST_GZIP_RATIO = 1100
_CHUNK_BYTES = 1 << 20
# Of the parallelepiped of the three unit axes: 1 at right angles, 0.7 at the largest tilt.
_SMALLEST_UNIT_VOLUME = 0.5
_PLAIN_KINDS = "iuf"
_MASK_STEP = 997
_LPS = (("R", "L"), ("A", "P"), ("I", "S"))


def is_nifti_name(path: str) -> bool:
    """Tell whether a file's name is that of a NIfTI volume.

    Example:
        >>> is_nifti_name("scans/049.NII.gz"), is_nifti_name("049.dcm")
        (True, False)
    """
    return path.lower().endswith(NIFTI_SUFFIXES)


@dataclass(frozen=True, eq=False)
class NiftiScan:
    """A volume, and how its file's axes lie in it.

    Attributes:
        volume: The volume.
        change: nibabel's orientation transform from the file's axes to (column, row, slice) of
            the volume, shape (3, 2): for each file axis the volume's axis, and -1 where it is
            turned round.
        shape: Lengths of the file's three axes.
        affine: The file's own affine, RAS+, shape (4, 4).
    """

    volume: Volume
    change: npt.NDArray[np.float64]
    shape: tuple[int, int, int]
    affine: npt.NDArray[np.float64]

    @property
    def places(self) -> tuple[int, ...] | None:
        """For each slice, lowest first, its index along the file's third axis.

        None where the third axis is not the one along which slices lie.
        """
        axis, direction = self.change[2]
        if int(axis) != 2:
            return None
        order = range(self.shape[2])
        return tuple(order if direction > 0 else reversed(order))


def check_nifti(path: Path, *, needs_geometry: bool = True) -> tuple[int, int, int]:
    """Refuse a file whose header alone says that it cannot be read as a CT volume.

    Args:
        path: The file.
        needs_geometry: Whether a file that does not say how its axes lie is refused.

    Returns:
        Lengths of the file's three axes.

    Raises:
        ImageRefused: As :func:`read_nifti`.
    """
    with lenient_nibabel(), unchanged(path):
        return open_nifti(path, needs_geometry=needs_geometry)[1]


def read_nifti(path: Path) -> Volume:
    """Read a NIfTI-1 or NIfTI-2 volume whose values are HU.

    The scale of the header is applied; RAS+ becomes LPS+; flipped or permuted axes are brought
    to standard orientation, so the volume may have been stored in any of the 48.

    Raises:
        ImageRefused: ``not_dicom`` (also not NIfTI), ``unreadable``, ``truncated``, ``damaged``,
            ``colour``, ``multi_frame``, ``too_large``, ``unsupported_coding``, ``no_geometry``
            (neither qform nor sform is set), ``not_axial``, ``not_finite`` (a value is infinite
            or no number), ``not_hu`` (at most two different values: a mask), or
            ``changed_while_read``.
    """
    return read_nifti_scan(path).volume


def read_nifti_scan(path: Path) -> NiftiScan:
    """Read a volume as :func:`read_nifti` does, and keep how its file's axes lie in it."""
    with lenient_nibabel(), unchanged(path):
        image, shape = open_whole_nifti(path)
        values = nifti_values(path, image, shape)
    affine = _RAS_TO_LPS @ np.asarray(image.affine, np.float64)
    # With the affine in LPS+, the orientation of largest coordinates is this package's own.
    change = ornt_transform(io_orientation(affine), axcodes2ornt(("L", "P", "S"), labels=_LPS))
    # Room for a volume costs as much as a pass over it: nearly all are of this type already.
    standard = apply_orientation(values, change).transpose(2, 1, 0)
    if standard.dtype == np.int16:
        pixels = np.maximum(standard, np.int16(AIR_HU), order="C")
    else:
        pixels = np.ascontiguousarray(to_int16_hu(standard))
    if _is_mask(pixels):
        raise ImageRefused("not_hu")
    volume = _volume(pixels, affine @ inv_ornt_aff(change, shape))
    return NiftiScan(volume, change, shape, np.asarray(image.affine, np.float64))


def nifti_values(
    path: Path, image: Any, shape: tuple[int, int, int], *, scaled: bool = True
) -> npt.NDArray[np.generic]:
    """Return all values of an opened file; to be called within :func:`lenient_nibabel`.

    A compressed file is read to its end, where the checksum is; nibabel stops before it.

    Args:
        path: The file.
        image: nibabel's image of it.
        shape: Lengths of its three axes.
        scaled: Whether the header's scale is applied.

    Raises:
        ImageRefused: ``not_finite``.
    """
    found = image.dataobj
    if not _is_compressed(path):
        values = np.asanyarray(found if scaled else found.get_unscaled())
    else:
        with gzip.open(path) as file:
            layout = (found.shape, found.dtype, found.offset, found.slope, found.inter)
            proxy = ArrayProxy(file, layout, mmap=False)
            values = np.asanyarray(proxy if scaled else proxy.get_unscaled())
            _read_to_end(file)
    # Clipped, such voxels would pass for air or for the densest metal.
    if not (np.issubdtype(values.dtype, np.integer) or np.isfinite(values).all()):
        raise ImageRefused("not_finite")
    return values.reshape(shape)


@contextlib.contextmanager
def lenient_nibabel() -> Iterator[None]:
    """Turn whatever a damaged file raises into a refusal that quotes nothing of it."""
    logger = logging.getLogger("nibabel.global")
    disabled = logger.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.disabled = True
        try:
            yield
        except (ImageRefused, MemoryError):
            raise
        except nibabel.filebasedimages.ImageFileError:
            raise ImageRefused("not_dicom") from None
        except EOFError:
            raise ImageRefused("truncated") from None
        except gzip.BadGzipFile:
            raise ImageRefused("damaged") from None
        except OSError as error:
            # nibabel tells of too few bytes by a plain OSError without an error number.
            raise ImageRefused(reason_of(error) if error.errno else "truncated") from None
        except Exception:  # damaged files raise nearly anything
            raise ImageRefused("damaged") from None
        finally:
            logger.disabled = disabled


def _is_compressed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def check_compressed(path: Path) -> None:
    """Read a compressed file to its end, where the checksum is; nibabel stops before it.

    To be called within :func:`lenient_nibabel`; does nothing where the file is not compressed.
    """
    if _is_compressed(path):
        with gzip.open(path) as file:
            _read_to_end(file)


def _read_to_end(file: gzip.GzipFile) -> None:
    while file.read(_CHUNK_BYTES):
        pass


def open_whole_nifti(
    path: Path, *, needs_geometry: bool = True
) -> tuple[Any, tuple[int, int, int]]:
    """Open a file as :func:`open_nifti` does, whose values are wanted, too.

    What is refused for its header is refused as damaged instead where a checksum says so.

    Raises:
        ImageRefused: As :func:`read_nifti`, for what the header says.
    """
    try:
        return open_nifti(path, needs_geometry=needs_geometry)
    except MemoryError:
        raise
    except Exception:  # whatever a damaged file raises from nibabel
        check_compressed(path)
        raise


def open_nifti(path: Path, *, needs_geometry: bool = True) -> tuple[Any, tuple[int, int, int]]:
    """Open a file within :func:`lenient_nibabel`: nibabel's image, and the lengths of three axes.

    Raises:
        ImageRefused: As :func:`read_nifti`, for what the header says.
    """
    size = path.stat().st_size
    _require_sound_extensions(path)
    # Mapped into memory, a file that is cut short meanwhile would end the process.
    image = nibabel.load(path, mmap=False)
    if not isinstance(image, nibabel.Nifti1Image):
        raise ImageRefused("not_dicom")
    shape, header = image.shape, image.header
    dtype = header.get_data_dtype()
    if dtype.kind not in _PLAIN_KINDS or dtype.itemsize > 8:
        raise ImageRefused("colour" if dtype.names else "unsupported_coding")
    if len(shape) < 2 or min(shape) < 1:
        raise ImageRefused("damaged")
    if len(shape) > 3 and any(length != 1 for length in shape[3:]):
        raise ImageRefused("multi_frame")
    needed = float(np.prod(shape, dtype=np.float64)) * dtype.itemsize
    if needed > size * (_HIGHEST_GZIP_RATIO if _is_compressed(path) else 1):
        raise ImageRefused("truncated")
    if needs_geometry and not (
        (header["sform_code"] or header["qform_code"])
        and _is_sane(np.asarray(image.affine, np.float64))
    ):
        raise ImageRefused("no_geometry")
    lengths = (*(int(length) for length in shape[:3]), 1)
    return image, (lengths[0], lengths[1], lengths[2])


def _require_sound_extensions(path: Path) -> None:
    """Refuse header extensions that say they are longer than all there is.

    nibabel makes room for as much as they say.
    """
    limit = path.stat().st_size * (_HIGHEST_GZIP_RATIO if _is_compressed(path) else 1)
    with gzip.open(path) if _is_compressed(path) else path.open("rb") as file:
        start = file.read(4)
        order = next((one for one in "<>" if _header_bytes(start, one)), "")
        header = start + file.read(_header_bytes(start, order) - len(start)) if order else b""
        if len(header) < 348 or not any(file.read(4)[:1]):
            return  # no NIfTI, as nibabel will say, or no extensions
        place, kind = (108, "f") if len(header) == 348 else (168, "q")
        (end,) = struct.unpack_from(order + kind, header, place)
        place = len(header) + 4
        end = end if end >= place else limit  # as nibabel takes it
        while place + 16 <= end and len(length_and_code := file.read(8)) == 8:
            (length,) = struct.unpack_from(f"{order}i", length_and_code)
            place += length
            if length < 8 or place > limit:
                raise ImageRefused("damaged")
            file.seek(place)


def _header_bytes(start: bytes, order: str) -> int:
    """Return the length of the header that a file beginning so has; 0 if it is no NIfTI file."""
    length = struct.unpack(f"{order}i", start)[0] if len(start) == 4 else 0
    return length if length in (348, 540) else 0


def _is_sane(affine: npt.NDArray[np.float64]) -> bool:
    if not np.isfinite(affine).all():
        return False
    spacings = np.linalg.norm(affine[:3, :3], axis=0)
    return is_plausible(
        spacings_mm=spacings.tolist(), coordinates_mm=affine[:3, 3].tolist()
    ) and bool(abs(np.linalg.det(affine[:3, :3] / spacings)) >= _SMALLEST_UNIT_VOLUME)


def _is_mask(pixels: npt.NDArray[np.int16]) -> bool:
    # Nearly every scan shows a third value soon.
    if np.unique(pixels.ravel("K")[::_MASK_STEP]).size > 2:
        return False
    low, high = pixels.min(), pixels.max()
    return bool(np.all((pixels == low) | (pixels == high)))


def _volume(pixels: npt.NDArray[np.int16], affine: npt.NDArray[np.float64]) -> Volume:
    column_spacing, row_spacing = (float(np.linalg.norm(affine[:3, axis])) for axis in (0, 1))
    in_plane = standard_orientation(
        [*(affine[:3, 0] / column_spacing), *(affine[:3, 1] / row_spacing)]
    )
    steps = np.arange(len(pixels))[:, None] * affine[:3, 2]
    first_pixels = affine[:3, 3] + steps
    positions = first_pixels @ in_plane.normal
    distance, regular = slice_spacing_mm(positions)
    return Volume(
        pixels_hu=pixels,
        positions_mm=positions,
        affine=affine,
        row_spacing_mm=row_spacing,
        column_spacing_mm=column_spacing,
        slice_spacing_mm=distance,
        regular=regular,
        gantry_tilt_degree=gantry_tilt_degree(first_pixels, in_plane),
    )
