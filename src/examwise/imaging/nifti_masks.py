"""NIfTI masks that belong to a NIfTI scan, voxel by voxel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from nibabel.orientations import apply_orientation

from examwise.imaging.bounded_file import unchanged
from examwise.imaging.nifti import (
    NiftiScan,
    check_compressed,
    lenient_nibabel,
    nifti_values,
    open_whole_nifti,
)
from examwise.imaging.reasons import ImageRefused

_AFFINE_TOLERANCE = 0.01
# More are no labels but measurements: a scan that lies among the masks.
_MOST_VALUES = 32


def read_nifti_mask(path: Path, scan: NiftiScan) -> tuple[npt.NDArray[np.bool_], bool]:
    """Read a mask drawn on a scan; any stored value other than 0 belongs to it.

    Voxels are matched by their place in the file, whatever the mask's header says of geometry:
    drawing programs often write one of their own, or none. A scale in the header, often left over
    from the scan, is not applied.

    Args:
        path: The mask.
        scan: The scan it was drawn on.

    Returns:
        The mask in the orientation of the scan's volume, shape (slices, rows, columns); and
        whether its header gives voxels the places that the scan's does.

    Raises:
        ImageRefused: ``mask_mismatch`` if it has another matrix or more than 32 different values,
            ``not_finite``, or whatever makes a NIfTI file unreadable.
    """
    with lenient_nibabel(), unchanged(path):
        image, shape = open_whole_nifti(path, needs_geometry=False)
        if shape != scan.shape:
            check_compressed(path)
            raise ImageRefused("mask_mismatch")
        raw = nifti_values(path, image, shape, scaled=False)
        drawn = raw != 0
        # In the file's own order of axes, and without the many zeros, this takes no time.
        if np.unique(raw.T[drawn.T]).size + (not drawn.all()) > _MOST_VALUES:
            raise ImageRefused("mask_mismatch")
        same_place = np.allclose(np.asarray(image.affine), scan.affine, atol=_AFFINE_TOLERANCE)
    standard = apply_orientation(drawn, scan.change)
    return np.ascontiguousarray(standard.transpose(2, 1, 0)), bool(same_place)
