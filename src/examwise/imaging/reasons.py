"""Why an image or a file is refused: one code and one sentence for each reason."""

from __future__ import annotations

import errno

REASONS = {
    "not_dicom": "Neither a DICOM file nor a NIfTI volume.",
    "unreadable": "The file cannot be opened, or is no regular file.",
    "changed_while_read": "The file vanished, changed or failed while it was read.",
    "outside_source": "A link that leads out of the source; such links are not followed.",
    "linked_file": "A link to a file that is in the source under its own name, too.",
    "same_content": "A copy, byte for byte, of a volume that is in the source already.",
    "truncated": "The file ends before its content does.",
    "damaged": "The header or the coded pixels cannot be decoded.",
    "no_pixel_data": "A CT image object without pixel data.",
    "no_identity": "The header names no study or no series, so it cannot be put into an exam.",
    "conflicting_identity": "One series names several patients.",
    "not_ct": "Not a CT image: another modality, a report, a presentation state.",
    "localizer": "A scout view (localizer), not a slice.",
    "colour": "A colour image, such as a screen capture.",
    "secondary_capture": "A screen capture or scanned film, not an acquired slice.",
    "not_hu": "Derived values that are not HU (perfusion or material map, mask, 8-bit copy).",
    "multi_frame": "Several frames or volumes in one file.",
    "no_geometry": "Position, orientation or pixel spacing is missing or impossible.",
    "not_axial": "More than 45 degrees from axial.",
    "not_finite": "Infinite values, or values that are no number, where HU should be.",
    "too_large": "A larger matrix than any CT scanner makes.",
    "unsupported_coding": "The pixel coding (transfer syntax or data type) cannot be decoded here.",
    "inconsistent_size": "Another matrix size than most of its series.",
    "inconsistent_geometry": "Another orientation or pixel spacing than most of its series.",
    "another_series_of_the_study": "A plain series of a study of which another is the exam.",
    "soft_kernel": "A series not for bone, where one with a bone kernel is wanted.",
    "not_head": "Pixels that show no whole head: no skull around brain over enough of the series.",
    "irregular_spacing": "Thin slices that are not evenly spaced, and so cannot be averaged.",
    "beyond_slabs": "A thin slice above the last whole slab that slices were averaged to.",
    "bone_kernel": "A series for bone: a sharp kernel, or so described.",
    "contrast": "A series with contrast medium, by its header, description or pixels.",
    "projection": "Projections or renderings of a volume (MIP, VRT), not slices.",
    "too_few_slices": "A series of too few positions, or too short, to be a whole head.",
    "mask_without_scan": "A mask whose scan is not in the source, or cannot be used.",
    "mask_mismatch": "A mask of another size than its scan, or of too many values to be one.",
    "already_in_store": "An image of an exam that an earlier import brought into the store.",
    "withdrawn": "An image of an exam that was withdrawn from the store.",
    "repeated_position": "Another image of the series, already used, lies at the same position.",
}
"""Code to one sentence for people. Codes are what stores and summaries hold."""

_LOST = frozenset(
    {
        *(errno.ENOENT, errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN),
        *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.ENOTDIR),
    }
)
"""Errors of a file that was there when its folder was listed."""

LEFT_OUT = frozenset(
    {
        *("already_in_store", "withdrawn", "linked_file"),
        *("not_dicom", "not_ct", "localizer", "colour", "secondary_capture", "not_hu"),
        *("multi_frame", "another_series_of_the_study", "bone_kernel", "contrast"),
        *("projection", "too_few_slices", "soft_kernel", "not_head", "beyond_slabs"),
    }
)
"""Codes of what is no part of an exam by its nature; all others say that something is wrong."""

IMAGE_SUFFIXES = (".dcm", ".dicom", ".ima", ".nii", ".nii.gz")
"""File names that promise an image."""


class ImageRefused(Exception):  # noqa: N818  # an outcome on record, rarely an error of a caller
    """An image that cannot become a slice.

    The message is the reason's sentence and nothing from the file.

    Args:
        reason: A key of :data:`REASONS`.

    Example:
        >>> print(ImageRefused("localizer"))
        A scout view (localizer), not a slice.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(REASONS[reason])

    def __reduce__(self) -> tuple[type[ImageRefused], tuple[str]]:
        return type(self), (self.reason,)


def reason_of(error: OSError) -> str:
    """Return the reason that an error of reading stands for.

    A header that sends the reader to a place that cannot be gives an error of the file system
    too, or one without a number.

    Example:
        >>> reason_of(OSError(errno.EACCES, "Permission denied"))
        'unreadable'
    """
    if error.errno in (None, errno.EINVAL):
        return "damaged"
    return "changed_while_read" if error.errno in _LOST else "unreadable"


def status_of(reason: str, path: str) -> str:
    """Return what a refused file counts as: ``left_out`` or ``set_aside``.

    A file that is named like an image but is none was set aside; any other was left out.

    Args:
        reason: A key of :data:`REASONS`.
        path: The file's name or path.

    Example:
        >>> status_of("not_dicom", "readme.txt"), status_of("not_dicom", "1.dcm")
        ('left_out', 'set_aside')
    """
    if reason == "not_dicom" and path.lower().endswith(IMAGE_SUFFIXES):
        return "set_aside"
    return "left_out" if reason in LEFT_OUT else "set_aside"
