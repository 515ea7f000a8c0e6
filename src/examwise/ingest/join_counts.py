"""What an import joined and what it did not: codes of counts, and words for them."""

from __future__ import annotations

from collections.abc import Iterable

JOIN_COUNTS = {
    "label_file_missing": "label file that the layout has and the source does not: no labels",
    "label_rows": "rows of the label file",
    "label_places_joined": "labelled files and folders that are in the source",
    "label_places_without_file": "labelled files and folders that the source does not have",
    "label_exams_joined": "exams labelled by their pseudonyms",
    "label_exams_without_series": "pseudonyms of exams that the source does not have",
    "studies": "studies of the label file whose images are in the source",
    "studies_without_images": "rows of studies whose images the source does not have",
    "studies_without_row": "studies of the source without a row of the label file",
    "reads_missing": "missing reads of a finding by a reader, in rows of these studies",
    "reads_torn": "readers who named a kind of haemorrhage in a study and denied haemorrhage as a "
    "whole: both reads are kept as they are",
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
    "boxes_naming_another_series": "boxes whose row names another series than their image does: "
    "joined by the image",
    "boxes_of_another_type": "boxes not said to be drawn by hand (labelType): taken as the others",
    "boxes_malformed": "boxes that are no literal of four numbers with sizes above 0, set aside",
    "boxes_of_unknown_kind": "boxes with an unknown label, set aside",
    "boxes_on_no_image": "boxes that name no image, set aside",
    "boxes_repeated": "rows that repeat a box",
    "boxes_on_several_frames": "boxes on files of several frames, which name none of them, set "
    "aside",
    "frames_left_out": "frames of enhanced CT files that became no slice, beside others that did",
    "exams_annotated": "exams whose slices are labelled by boxes or their absence",
    "exams_boxed_thin": "of these exams of thin slices, or of unknown thickness: slices without a "
    "box have no label of the kinds that are boxed",
    "exams_with_boxes_against_label": "exams with a box of what their label denies: the box is "
    "kept, slice labels of that kind are missing",
    "exams_with_kinds_without_box": "exams with boxes, but none of a kind that their label states: "
    "slice labels of that kind are missing",
    "label_images_joined": "labelled images that are in the source",
    "label_images_repeated": "images labelled twice in the file, with the same labels",
    "label_images_without_file": "labelled images that the source does not have",
    "images_without_label": "images of the source without a label",
    "slice_rows": "rows of slice labels",
    "slice_rows_joined": "rows joined to a slice of a volume in the source",
    "slice_rows_beyond": "rows of slices beyond their volume",
    "slice_rows_without_volume": "rows of patients without a volume in the source",
    "slice_rows_repeated": "rows that repeat another",
    "slices_without_row": "slices of volumes in the source without a row",
    "volumes_along_another_axis": "volumes whose third axis is not that of slices: their slices "
    "have no labels",
    "mask_folder_missing": "folder of masks that the layout has and the source does not: no masks",
    "scans_without_mask": "volumes without a mask",
    "masks_joined": "masks joined to an exam",
    "masks_of_another_affine": "of these whose header puts voxels elsewhere than the scan's: "
    "matched by their place in the file",
    "masks_refused": "masks that could not be used",
    "slices_masked_against_label": "slices with a mask of what their label denies: both kept",
    "slices_positive_without_mask": "slices whose label states what their mask does not show",
    "colour_masks": "colour-coded masks",
    "colour_masks_joined": "of these joined to a stored slice",
    "colour_masks_with_other_colours": "of these with a few pixels of unlisted colours: taken as "
    "no finding",
    "colour_masks_without_image": "masks whose image the source does not have",
    "colour_masks_in_another_series": "masks of images that are part of no exam",
    "colour_masks_without_slice": "masks of images that became no slice",
    "colour_masks_of_several_images": "masks named like several images, set aside",
    "colour_masks_of_one_image": "masks of an image that has several, set aside",
    "colour_masks_on_several_frames": "masks of files of several frames, set aside",
    "colour_masks_unreadable": "masks that cannot be read, set aside",
    "colour_masks_of_another_size": "masks whose image is not a whole number of times as large, "
    "set aside (mask_mismatch)",
    "colour_masks_of_other_colours": "masks with too many pixels of unlisted colours, set aside",
    "mask_boxes": "boxes around connected parts of masks",
    "exams_in_store": "exams that are in the store already",
    "exams_withdrawn": "exams that were withdrawn from the store",
    "exams_with_more_images": "exams in the store of which the source has more images than came in "
    "then: not changed",
    "exams_with_fewer_images": "exams in the store of which the source has fewer images than came "
    "in then: only what is positive there speaks for the whole exam",
    "exams_of_another_patient": "exams in the store that the source gives to another patient: not "
    "changed",
    "exams_with_new_annotations": "exams in the store without the boxes or the mask that the "
    "source has: not added",
    "labels_overruled": "labels that contradict what the same source said before: the later word "
    "counts",
}
"""Code to what it counts."""

SET_ASIDE = frozenset(
    {
        "boxes_malformed",
        "boxes_of_unknown_kind",
        "boxes_on_no_image",
        "boxes_on_several_frames",
        "boxes_outside_image",
        *("colour_masks_of_several_images", "colour_masks_of_one_image"),
        *("colour_masks_on_several_frames", "colour_masks_unreadable"),
        *("colour_masks_of_another_size", "colour_masks_of_other_colours"),
        "masks_refused",
    }
)
"""Codes of what was set aside with something wrong."""

_NOT_JOINED = SET_ASIDE | {
    "label_file_missing",
    "label_places_without_file",
    "label_exams_without_series",
    *("studies_without_images", "studies_without_row", "studies_without_exam", "reads_missing"),
    *("boxes_in_another_series", "boxes_without_image"),
    *("label_images_without_file", "images_without_label"),
    *("slice_rows_beyond", "slice_rows_without_volume", "slices_without_row"),
    "volumes_along_another_axis",
    *("mask_folder_missing", "scans_without_mask"),
    *("colour_masks_without_image", "colour_masks_in_another_series"),
    "colour_masks_without_slice",
}
_PASSED_OVER = {
    *("boxes_repeated", "slice_rows_repeated", "label_images_repeated", "frames_left_out"),
    *("exams_in_store", "exams_withdrawn", "exams_with_more_images", "exams_of_another_patient"),
    "exams_with_new_annotations",
}
HEADINGS = {
    code: "Not joined"
    if code in _NOT_JOINED
    else "Passed over"
    if code in _PASSED_OVER
    else "Joined"
    for code in JOIN_COUNTS
}
"""Code to what became of what it counts."""

EXAMPLES_WANTED = frozenset(
    {
        "frames_left_out",
        *("colour_masks_joined", "colour_masks_without_slice", "colour_masks_on_several_frames"),
        *("colour_masks_unreadable", "colour_masks_of_another_size"),
        "colour_masks_of_other_colours",
        "masks_of_another_affine",
        "masks_refused",
        "slices_masked_against_label",
        "slices_positive_without_mask",
        "volumes_along_another_axis",
        *("exams_with_more_images", "exams_with_fewer_images", "exams_of_another_patient"),
        *("exams_with_new_annotations", "labels_overruled"),
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
