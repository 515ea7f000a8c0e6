"""NIfTI masks that belong to a NIfTI scan, voxel by voxel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from nibabel.orientations import apply_orientation

from examwise.imaging.nifti import (
    NiftiScan,
    check_compressed,
    lenient_nibabel,
    nifti_values,
    open_nifti,
)
from examwise.imaging.reasons import ImageRefused

_AFFINE_TOLERANCE = 0.01


def read_nifti_mask(path: Path, scan: NiftiScan) -> tuple[npt.NDArray[np.bool_], bool]:
    """Read a mask drawn on a scan; any value other than 0 belongs to it.

    Voxels are matched by their place in the file, whatever the mask's header says of geometry:
    drawing programs often write one of their own, or none.

    Args:
        path: The mask.
        scan: The scan it was drawn on.

    Returns:
        The mask in the orientation of the scan's volume, shape (slices, rows, columns); and
        whether its header gives voxels the places that the scan's does.

    Raises:
        ImageRefused: ``mask_mismatch`` if it has another matrix, ``not_finite``, or whatever
            makes a NIfTI file unreadable.
    """
    with lenient_nibabel():
        check_compressed(path)
        image, shape = open_nifti(path, needs_geometry=False)
        if shape != scan.shape:
            raise ImageRefused("mask_mismatch")
        values = nifti_values(image, shape)
        same_place = np.allclose(np.asarray(image.affine), scan.affine, atol=_AFFINE_TOLERANCE)
    standard = apply_orientation(values != 0, scan.change)
    return np.ascontiguousarray(standard.transpose(2, 1, 0)), bool(same_place)
