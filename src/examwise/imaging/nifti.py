"""NIfTI files to volumes."""

from __future__ import annotations

import contextlib
import gzip
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)

from examwise.imaging.geometry import (
    gantry_tilt_degree,
    is_plausible,
    slice_spacing_mm,
    standard_orientation,
)
from examwise.imaging.reasons import ImageRefused, reason_of
from examwise.imaging.volume import Volume, to_int16_hu

NIFTI_SUFFIXES = (".nii", ".nii.gz")
"""File names that are read as NIfTI."""

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_HIGHEST_GZIP_RATIO = 1100
_CHUNK_BYTES = 1 << 20
# Of the parallelepiped of the three unit axes: 1 at right angles, 0.7 at the largest tilt.
_SMALLEST_UNIT_VOLUME = 0.5
_PLAIN_KINDS = "iuf"
_LPS = (("R", "L"), ("A", "P"), ("I", "S"))


def is_nifti_name(path: str) -> bool:
    """Tell whether a file's name is that of a NIfTI volume.

    Example:
        >>> is_nifti_name("scans/049.NII.gz"), is_nifti_name("049.dcm")
        (True, False)
    """
    return path.lower().endswith(NIFTI_SUFFIXES)


def check_nifti(path: Path) -> None:
    """Refuse a file whose header alone says that it cannot be read as a CT volume.

    Raises:
        ImageRefused: As :func:`read_nifti`.
    """
    with _lenient_nibabel():
        _open(path)


def read_nifti(path: Path) -> Volume:
    """Read a NIfTI-1 or NIfTI-2 volume whose values are HU.

    The scale of the header is applied; RAS+ becomes LPS+; flipped or permuted axes are brought
    to standard orientation, so the volume may have been stored in any of the 48.

    Raises:
        ImageRefused: ``not_dicom`` (also not NIfTI), ``unreadable``, ``truncated``, ``damaged``,
            ``colour``, ``multi_frame``, ``too_large``, ``unsupported_coding``, ``no_geometry``
            (neither qform nor sform is set), ``not_axial``, ``not_finite`` (a value is infinite
            or no number), or ``not_hu`` (at most two different values: a mask).
    """
    with _lenient_nibabel():
        if _is_compressed(path):
            _check_compressed(path)
        image = _open(path)
        shape = (*image.shape, 1)[:3]
        values = np.asanyarray(image.dataobj).reshape(shape)
    # Clipped, such voxels would pass for air or for the densest metal.
    if not np.isfinite(values).all():
        raise ImageRefused("not_finite")
    pixels = to_int16_hu(values)
    if _is_mask(pixels):
        raise ImageRefused("not_hu")
    affine = _RAS_TO_LPS @ np.asarray(image.affine, np.float64)
    # With the affine in LPS+, the orientation of largest coordinates is this package's own.
    change = ornt_transform(io_orientation(affine), axcodes2ornt(("L", "P", "S"), labels=_LPS))
    standard = apply_orientation(pixels, change)
    return _volume(standard, affine @ inv_ornt_aff(change, shape))


@contextlib.contextmanager
def _lenient_nibabel() -> Iterator[None]:
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


def _check_compressed(path: Path) -> None:
    """Read to the end, where the checksum is; nibabel stops at the last value it needs."""
    with gzip.open(path) as file:
        while file.read(_CHUNK_BYTES):
            pass


def _open(path: Path) -> Any:
    size = path.stat().st_size
    image = nibabel.load(path)
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
    if not (header["sform_code"] or header["qform_code"]):
        raise ImageRefused("no_geometry")
    if not _is_sane(np.asarray(image.affine, np.float64)):
        raise ImageRefused("no_geometry")
    return image


def _is_sane(affine: npt.NDArray[np.float64]) -> bool:
    if not np.isfinite(affine).all():
        return False
    spacings = np.linalg.norm(affine[:3, :3], axis=0)
    return is_plausible(
        spacings_mm=spacings.tolist(), coordinates_mm=affine[:3, 3].tolist()
    ) and bool(abs(np.linalg.det(affine[:3, :3] / spacings)) >= _SMALLEST_UNIT_VOLUME)


def _is_mask(pixels: npt.NDArray[np.int16]) -> bool:
    low, high = pixels.min(), pixels.max()
    return bool(np.all((pixels == low) | (pixels == high)))


def _volume(standard: npt.NDArray[np.int16], affine: npt.NDArray[np.float64]) -> Volume:
    column_spacing, row_spacing = (float(np.linalg.norm(affine[:3, axis])) for axis in (0, 1))
    in_plane = standard_orientation(
        [*(affine[:3, 0] / column_spacing), *(affine[:3, 1] / row_spacing)]
    )
    steps = np.arange(standard.shape[2])[:, None] * affine[:3, 2]
    first_pixels = affine[:3, 3] + steps
    positions = first_pixels @ in_plane.normal
    distance, regular = slice_spacing_mm(positions)
    return Volume(
        pixels_hu=np.ascontiguousarray(standard.transpose(2, 1, 0)),
        positions_mm=positions,
        affine=affine,
        row_spacing_mm=row_spacing,
        column_spacing_mm=column_spacing,
        slice_spacing_mm=distance,
        regular=regular,
        gantry_tilt_degree=gantry_tilt_degree(first_pixels, in_plane),
    )
