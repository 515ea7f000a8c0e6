"""What an import joined and what it did not: codes of counts, and words for them."""

from __future__ import annotations

from collections.abc import Iterable

JOIN_COUNTS = {
    "studies": "studies of the label file whose images are in the source",
    "studies_without_images": "rows of studies whose images the source does not have",
    "studies_without_row": "studies of the source without a row of the label file",
    "reads_missing": "missing reads of a finding by a reader, in rows of these studies",
    "studies_without_exam": "labelled studies without a series that can be the exam",
    "exam_labels_reconciled": "exams where readers named a kind of haemorrhage but came to no "
    "haemorrhage: taken as haemorrhage",
    "box_rows": "rows of the box file",
    "boxes_of_exams": "boxes on images of series that are exams",
    "boxes_joined": "boxes joined to a stored slice",
    "boxes_clipped": "of these cut at the image's edge",
    "boxes_in_another_series": "boxes on images that are part of no exam",
    "boxes_without_image": "boxes on images that the source does not have",
    "boxes_outside_image": "boxes outside their image, set aside",
    "boxes_malformed": "boxes that are no literal of four numbers with sizes above 0, set aside",
    "boxes_of_unknown_kind": "boxes with an unknown label, set aside",
    "boxes_on_no_image": "boxes that name no image, set aside",
    "boxes_repeated": "rows that repeat a box, passed over",
    "exams_annotated": "exams whose slices are labelled by boxes or their absence",
    "exams_with_boxes_against_label": "exams with a box of what their label denies: the box is "
    "kept, slice labels of that kind are missing",
    "exams_with_kinds_without_box": "exams with boxes, but none of a kind that their label states: "
    "slice labels of that kind are missing",
    "slice_rows": "rows of slice labels",
    "slice_rows_joined": "rows joined to a slice of a volume in the source",
    "slice_rows_beyond": "rows of slices beyond their volume",
    "slice_rows_without_volume": "rows of patients without a volume in the source",
    "slice_rows_repeated": "rows that repeat another, passed over",
    "slices_without_row": "slices of volumes in the source without a row",
    "volumes_along_another_axis": "volumes whose third axis is not that of slices: their slices "
    "have no labels",
    "masks_joined": "masks joined to an exam",
    "masks_of_another_affine": "of these whose header puts voxels elsewhere than the scan's: "
    "matched by their place in the file",
    "masks_refused": "masks that could not be used",
    "slices_masked_against_label": "slices with a mask whose label denies haemorrhage: both kept",
    "slices_positive_without_mask": "slices with haemorrhage by their label and an empty mask",
    "mask_boxes": "boxes around connected parts of masks",
}
"""Code to what it counts."""

SET_ASIDE = frozenset(
    {
        "boxes_malformed",
        "boxes_of_unknown_kind",
        "boxes_on_no_image",
        "boxes_outside_image",
        "masks_refused",
    }
)
"""Codes of what was set aside with something wrong."""

EXAMPLES_WANTED = frozenset(
    {
        "masks_of_another_affine",
        "masks_refused",
        "slices_masked_against_label",
        "slices_positive_without_mask",
        "volumes_along_another_axis",
    }
)
"""Codes whose examples are the exams in which they were counted."""

MOST_EXAMPLES = 5
"""Examples of one code."""


def examples_of(rows: Iterable[int], file: str) -> list[str]:
    """Return a few rows of a user's own file as examples; rows identify nobody.

    Example:
        >>> examples_of([7, 2], "reads.csv")
        ['reads.csv, row 2', 'reads.csv, row 7']
    """
    return [f"{file}, row {row}" for row in sorted(rows)[:MOST_EXAMPLES]]
