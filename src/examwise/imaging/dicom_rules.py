"""What makes a DICOM image a CT slice in HU, and what does not."""

from __future__ import annotations

from examwise.imaging.dicom_header import DicomHeader
from examwise.imaging.geometry import is_plausible, standard_orientation
from examwise.imaging.reasons import ImageRefused

MAX_MATRIX = 4096
"""Rows or columns beyond this are refused before anything is allocated; CT has 256 to 2048."""

_LOCALIZER_TYPES = frozenset({"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW", "REF_SURVIEW"})
_NOT_HU_TYPES = frozenset(
    {
        *("PERFUSION", "CBF", "CBV", "MTT", "TTP", "TMAX", "RCBF", "RCBV", "PERMEABILITY"),
        *("VELOCITY", "EFF_ATOMIC_NUM", "ELECTRON_DENSITY", "DENSITY_MAP", "FAT_MAP"),
        *("MAT_SPECIFIC", "MAT_FRACTIONAL", "MAT_REMOVED", "MAT_VALUE_BASED", "Z_EFF"),
    }
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
