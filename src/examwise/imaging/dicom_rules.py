"""What makes a DICOM image a CT slice in HU, and what does not."""

from __future__ import annotations

from collections import Counter, defaultdict

from examwise.imaging.dicom_header import DicomHeader
from examwise.imaging.geometry import group_by_position, is_plausible, standard_orientation
from examwise.imaging.reasons import ImageRefused

MAX_MATRIX = 4096
"""Rows or columns beyond this are refused before anything is allocated; CT has 256 to 2048."""

MAX_FILE_PIXELS = 1 << 31
"""Pixels of all frames of a file beyond which it is refused; 8,192 frames of 512 × 512."""

_LOCALIZER_TYPES = frozenset({"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW", "REF_SURVIEW"})
_NOT_HU_TYPES = frozenset(
    {
        *("PERFUSION", "CBF", "CBV", "MTT", "TTP", "TMAX", "RCBF", "RCBV", "PERMEABILITY"),
        *("VELOCITY", "EFF_ATOMIC_NUM", "ELECTRON_DENSITY", "DENSITY_MAP", "FAT_MAP"),
        *("MAT_SPECIFIC", "MAT_FRACTIONAL", "MAT_REMOVED", "MAT_VALUE_BASED", "Z_EFF"),
        *("ADDITION", "SUBTRACTION", "MULTIPLICATION", "DIVISION", "STD_DEVIATION"),
        "COLOR",  # how frames of functional maps are to be shown
    }
)
_PROJECTION_TYPES = frozenset(
    {"MAXIMUM", "MINIMUM", "MAX_IP", "MIN_IP", "VOLUME_RENDER", "SURFACE_RENDER", "DISTORTED"}
)
_HU_RESCALE_TYPES = frozenset({"", "HU", "US"})
# CT Image Storage; enhanced and converted ones begin with it and a dot.
_CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_MONOCHROME = frozenset({"MONOCHROME1", "MONOCHROME2"})


def require_ct_slice(header: DicomHeader) -> None:
    """Refuse what cannot become a slice of an exam, for the first reason that applies.

    MONOCHROME1 is accepted: it says how grey values are shown, and HU come before that. An image
    that was coded with loss is accepted and marked.

    Raises:
        ImageRefused: With its reason.
    """
    reason = _kind_refusal(header) or _content_refusal(header)
    if reason:
        raise ImageRefused(reason)
    if header.orientation is not None:
        standard_orientation(header.orientation)


def ct_slices(header: DicomHeader) -> dict[int, DicomHeader]:
    """Return what of a file can become slices of an exam.

    Args:
        header: The file's.

    Returns:
        Place in the file to the header of each frame that can; the header itself at 0 where the
        file is a single-frame image.

    Raises:
        ImageRefused: If nothing can, with the commonest of the frames' reasons; ``multi_frame``
            if frames lie at one position, as those of several points in time or of several
            volumes do, or if the file does not say where each of its frames lies.
    """
    if not header.frames:
        require_ct_slice(header)
        return {0: header}
    kept: dict[int, DicomHeader] = {}
    reasons: Counter[str] = Counter()
    for place, frame in enumerate(header.frames):
        try:
            require_ct_slice(frame)
        except ImageRefused as refusal:
            reasons[refusal.reason] += 1
        else:
            kept[place] = frame
    if not kept:
        raise ImageRefused(reasons.most_common(1)[0][0])
    if header.rows * header.columns * len(header.frames) > MAX_FILE_PIXELS:
        raise ImageRefused("too_large")
    planes = defaultdict(list)
    for frame in kept.values():
        planes[frame.orientation].append(slice_position_mm(frame))
    if any(len(group_by_position(plane)) < len(plane) for plane in planes.values()):
        raise ImageRefused("multi_frame")
    return kept


def slice_position_mm(header: DicomHeader) -> float:
    """Return where a slice lies along its normal, by the header of what can become one."""
    first = header.position_mm or (0.0, 0.0, 0.0)
    normal = standard_orientation(header.orientation or ()).normal
    return float(sum(a * b for a, b in zip(normal, first, strict=True)))


def _kind_refusal(header: DicomHeader) -> str | None:
    types = frozenset(header.image_type)
    if header.modality != "CT":
        of_ct = f"{header.sop_class_uid}.".startswith(f"{_CT_CLASS}.")
        return "damaged" if of_ct and not header.modality else "not_ct"
    if header.truncated and not header.has_pixel_data:
        return "truncated"  # whatever stands last may be half a value
    if types & _LOCALIZER_TYPES:
        return "localizer"
    if header.samples_per_pixel != 1 or (
        header.photometric_interpretation and header.photometric_interpretation not in _MONOCHROME
    ):
        return "colour"
    if types & _NOT_HU_TYPES or header.rescale_type not in _HU_RESCALE_TYPES:
        return "not_hu"
    if types & _PROJECTION_TYPES:
        return "projection"
    if header.number_of_frames != 1:
        return "multi_frame"
    uid = header.sop_class_uid
    if uid == _SECONDARY_CAPTURE or uid.startswith(f"{_SECONDARY_CAPTURE}."):
        return "secondary_capture"
    return None


def _content_refusal(header: DicomHeader) -> str | None:
    if header.truncated:
        return "truncated"
    if not header.has_pixel_data:
        return "no_pixel_data"
    if not (header.study_instance_uid and header.series_instance_uid):
        return "no_identity"
    if header.rescale is None or header.rescale[0] == 0 or header.bits_allocated <= 8:
        return "not_hu"
    if max(header.rows, header.columns) > MAX_MATRIX:
        return "too_large"
    if min(header.rows, header.columns) < 1:
        return "damaged"
    if not (header.position_mm and header.orientation and header.pixel_spacing_mm):
        return "no_geometry"
    plausible = is_plausible(spacings_mm=header.pixel_spacing_mm, coordinates_mm=header.position_mm)
    return None if plausible else "no_geometry"
