"""What a header says of the series that an image belongs to."""

from __future__ import annotations

from typing import NamedTuple

from examwise.imaging.dicom_header import DicomHeader


class ImageTraits(NamedTuple):
    """What a header says of the series that an image belongs to; equal for most of its images.

    Attributes:
        description: SeriesDescription.
        kernel: ConvolutionKernel.
        contrast_agent: ContrastBolusAgent.
        image_type: ImageType, in upper case.
        thickness_mm: SliceThickness.
        rows: Rows.
        columns: Columns.
        manufacturer: Manufacturer: kernels are named by maker.
    """

    description: str = ""
    kernel: str = ""
    contrast_agent: str = ""
    image_type: tuple[str, ...] = ()
    thickness_mm: float | None = None
    rows: int = 0
    columns: int = 0
    manufacturer: str = ""


def traits_of(header: DicomHeader) -> ImageTraits:
    """Return the traits that a header states."""
    return ImageTraits(
        header.series_description,
        header.kernel,
        header.contrast_agent,
        header.image_type,
        header.thickness_mm,
        header.rows,
        header.columns,
        header.manufacturer,
    )
