from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from examwise.core.errors import InputError
from examwise.core.schemas.annotations import finding_bit
from examwise.core.task import SeriesRule, Task
from examwise.imaging import stored_annotations
from examwise.imaging.stored_exams import StoredExams

RED, GREEN, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 0)
COLOURS = 'colours: {"#ff0000": any, "#00ff00": ignore, "#000000": background}\n'


def paint(path: Path, *patches: tuple[tuple, slice, slice], size: int = 16) -> None:
    pixels = np.zeros((size, size, 3), np.uint8)
    for colour, rows, columns in patches:
        pixels[rows, columns] = colour
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def source(tmp_path: Path, write_series) -> Path:
    folder = tmp_path / "source"
    for patient in (1, 2):
        for index, path in enumerate(
            write_series(folder / f"p{patient}", 4, patient=f"P{patient}", study=f"1.{patient}",
                         series=f"1.{patient}.1")
        ):  # fmt: skip
            path.rename(path.with_name(f"im{patient}{index}.dcm"))
    return folder


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Path]:
    """Masks of two of the first patient's images, and one of nobody's."""
    (tmp_path / "colours.yaml").write_text(COLOURS + "match: file_name\n")
    masks = tmp_path / "masks"
    paint(masks / "im10.png", (GREEN, slice(0, 9), slice(0, 16)), (RED, slice(2, 5), slice(3, 7)))
    paint(masks / "deeper" / "im12.png", size=8)
    paint(masks / "deeper" / "im99.png")
    (masks / "readme.txt").write_text("masks")
    return {"masks": masks, "mask_colours": tmp_path / "colours.yaml"}


def exam_of(identity, patient: int) -> str:
    return identity.exam_id(f"1.{patient}", f"1.{patient}.1")


def test_masks_lie_on_their_slices(source, tmp_path, run, identity, given) -> None:
    summary = run("folder", source, **given)
    expected = {"colour_masks": 3, "colour_masks_joined": 2, "colour_masks_without_image": 1}
    assert {code: summary.joined[code] for code in expected} == expected
    assert summary.examples["colour_masks_without_image"] == ["mask 2 of 3 by name"]
    assert summary.examples["colour_masks_joined"] == [exam_of(identity, 1)]
    assert not summary.has_set_aside
    stored = StoredExams(tmp_path / "store")
    mask = stored_annotations.mask(stored, exam_of(identity, 1))
    # The series was written from the top: image 0 is slice 3.
    wanted = np.zeros((4, 16, 16), np.uint8)
    wanted[3, 2:5, 3:7] = finding_bit("any")
    np.testing.assert_array_equal(mask, wanted)
    assert stored_annotations.drawn_slices(stored, exam_of(identity, 1)) == [1, 3]
    assert stored_annotations.mask(stored, exam_of(identity, 2)) is None
    assert stored_annotations.drawn_slices(stored, exam_of(identity, 2)) == []
    boxes = stored_annotations.boxes(stored)
    columns = ("slice_index", "box_index", "finding", "x", "y", "width", "height", "source")
    assert boxes.select(columns).rows() == [(3, 0, "any", 3, 2, 4, 3, "colour_mask")]
    # Drawing is no label: what a mask leaves out may have been left out for many reasons.
    assert stored.labels.is_empty()


def test_names_may_be_uids_parts_or_listed(source, tmp_path, run, identity, given) -> None:
    config = given["mask_colours"]
    run("folder", source, **given)
    for path in given["masks"].rglob("*.png"):
        path.rename(path.with_name(f"bleed-{path.name}"))
    config.write_text(COLOURS + 'match: file_name\npattern: "bleed-(.+)"\n')
    run("folder", source, tmp_path / "parts", **given)
    config.write_text(COLOURS + "match: list\nlist: list.csv\n")
    lines = ["mask,path", "bleed-im10.png,p1/im10.dcm", "deeper\\bleed-im12.png,./p1/im12.dcm"]
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
    listed = run("folder", source, tmp_path / "listed", **given)
    assert listed.joined["colour_masks_without_image"] == 1
    walk = pl.read_parquet(next(identity.folder.glob("t*")) / "crosswalk.parquet")
    uids = dict(walk.select("path", "sop_instance_uid").iter_rows())
    for number in (0, 2):
        (path,) = given["masks"].rglob(f"bleed-im1{number}.png")
        path.rename(path.with_name(uids[f"p1/im1{number}.dcm"] + ".png"))
    config.write_text(COLOURS)
    run("folder", source, tmp_path / "uids", **given)
    masks = [
        stored_annotations.mask(StoredExams(tmp_path / name), exam_of(identity, 1))
        for name in ("store", "parts", "listed", "uids")
    ]
    assert masks[0].any()
    assert all((mask == masks[0]).all() for mask in masks)
    # A list names what is there.
    config.write_text(COLOURS + "match: list\nlist: list.csv\n")
    with pytest.raises(InputError, match=r"list\.csv, row 2: .*no such mask"):
        run("folder", source, tmp_path / "wrong", **given)


def test_masks_that_cannot_be_used_are_set_aside(source, tmp_path, run, identity, given) -> None:
    masks = given["masks"]
    paint(masks / "im11.png", size=12)
    paint(masks / "im13.png", ((9, 99, 9), slice(0, 4), slice(0, 4)))
    (masks / "im20.png").write_bytes(b"\x89PNG")
    paint(masks / "im21.png")
    paint(masks / "deeper" / "im21.png")
    summary = run("folder", source, **given)
    expected = {
        "colour_masks": 8,
        "colour_masks_joined": 2,
        "colour_masks_without_image": 1,
        "colour_masks_of_another_size": 1,
        "colour_masks_of_other_colours": 1,
        "colour_masks_unreadable": 1,
        "colour_masks_of_one_image": 2,
    }
    assert {code: summary.joined[code] for code in expected} == expected
    assert summary.has_set_aside
    assert summary.examples["colour_masks_unreadable"] == [exam_of(identity, 2)]
    stored = StoredExams(tmp_path / "store")
    assert not stored_annotations.has_mask(stored, exam_of(identity, 2))


def test_few_pixels_of_other_colours_are_no_finding(source, run, given) -> None:
    given["mask_colours"].write_text(
        COLOURS + "match: file_name\nlargest_unlisted_share: 0.01\ntolerance: 20\n"
    )
    paint(
        given["masks"] / "im10.png",
        ((240, 9, 9), slice(2, 5), slice(3, 7)),
        ((99, 99, 99), slice(0, 1), slice(0, 2)),
    )
    summary = run("folder", source, **given)
    assert summary.joined["colour_masks_with_other_colours"] == 1
    assert summary.joined["colour_masks_joined"] == 2
    assert summary.joined["mask_boxes"] == 1


@pytest.mark.parametrize("orientation", [[-1, 0, 0, 0, -1, 0], [0, 1, 0, 1, 0, 0]])
def test_masks_turn_with_their_image(tmp_path, run, write_slice, given, orientation) -> None:
    pixels = np.zeros((16, 16), "<i2")
    pixels[2:5, 3:7] = 2000
    for index in range(3):
        write_slice(
            tmp_path / "source" / f"im1{index}.dcm",
            height=5.0 * index,
            PixelData=pixels.tobytes(),
            ImageOrientationPatient=orientation,
        )
    run("folder", tmp_path / "source", matrix=8, **given)
    stored = StoredExams(tmp_path / "store")
    (exam_id,) = stored.exams["exam_id"]
    bright = stored.read_slices(exam_id)[0] > 0
    mask = stored_annotations.mask(stored, exam_id)[0] > 0
    assert bright.any()
    assert mask[bright].all()
    run("folder", tmp_path / "source", tmp_path / "full", **given)
    stored = StoredExams(tmp_path / "full")
    np.testing.assert_array_equal(
        stored_annotations.mask(stored, exam_id)[0] > 0, stored.read_slices(exam_id)[0] > 0
    )


def test_masks_of_a_task_of_its_own(source, tmp_path, run, identity, given) -> None:
    task = Task("bones", ("crack", "plate"), 500, 2000, series=SeriesRule("any"))
    given["mask_colours"].write_text(
        'colours: {"#ff0000": plate, "#00ff00": crack, "#000000": background}\nmatch: file_name\n'
    )
    labels = tmp_path / "labels.csv"
    labels.write_text("path,crack,plate\np1/im10.dcm,0,1\np1/im12.dcm,1,\n")
    summary = run("folder", source, task=task, labels=labels, **given)
    assert summary.joined["slices_masked_against_label"] == 1
    assert summary.joined["slices_positive_without_mask"] == 1
    stored = StoredExams(tmp_path / "store")
    mask = stored_annotations.mask(stored, exam_of(identity, 1))
    assert set(np.unique(mask[3]).tolist()) == {0, 1, 2}
    assert (mask[3, 2:5, 3:7] == finding_bit("plate", task.findings)).all()
    found = stored_annotations.boxes(stored)
    assert sorted(found["finding"].to_list()) == ["crack", "plate"]


def test_wrong_options(source, tmp_path, run, given) -> None:
    with pytest.raises(InputError, match="expected both, or neither"):
        run("folder", source, masks=given["masks"])
    with pytest.raises(InputError, match=r"option masks: .*got rsna"):
        run("rsna", source, labels=given["mask_colours"], **given)
    (tmp_path / "none").mkdir()
    for folder, got in (("none", "none"), ("nowhere", "no folder")):
        with pytest.raises(InputError, match=f"a folder with masks .*got {got}"):
            run("folder", source, **{**given, "masks": tmp_path / folder})
    assert not (tmp_path / "store").exists()


def test_masks_within_the_source_are_no_images(source, tmp_path, run, given) -> None:
    inside = source / "masks"
    given["masks"].rename(inside)
    summary = run("folder", source, **{**given, "masks": inside})
    assert summary.left_out == {"not_dicom": 1}  # its readme
    assert summary.joined["colour_masks_joined"] == 2


def test_changed_masks_of_a_finished_store_are_refused(source, run, given) -> None:
    run("folder", source, **given)
    paint(given["masks"] / "im12.png")
    with pytest.raises(InputError, match="the masks and colours of masks with which it was begun"):
        run("folder", source, **given)


def test_beside_boxes_kinds_come_from_slice_labels(
    tmp_path, run, identity, write_reads, write_study, write_boxes, given
) -> None:
    source = tmp_path / "archive"
    source.mkdir()
    paths = write_study(source, 0, "Plain 5mm")
    write_reads(source / "reads.csv", {0: {"ICH": "1", "SDH": "1"}})
    rows = [("1.0.1.4", "Subdural", (1, 2, 3, 4))]
    write_boxes(source / "1_Initial_Manual_Labeling.csv", rows)
    given["mask_colours"].write_text(COLOURS)
    paint(given["masks"] / "1.0.1.4.png", (RED, slice(1, 3), slice(1, 3)))
    run("cq500", source, **given)
    stored = StoredExams(tmp_path / "store")
    (exam_id,) = stored.exams["exam_id"]
    mask = stored_annotations.mask(stored, exam_id)
    assert mask[4].max() == finding_bit("any") | finding_bit("subdural")
    assert stored_annotations.drawn_slices(stored, exam_id) == [4]
    found = stored_annotations.boxes(stored).select("slice_index", "box_index", "source", "finding")
    assert found.rows() == [(4, 0, "bhx", "subdural"), (4, 1, "colour_mask", "subdural")]
    assert len(paths) == len(stored.read_slices(exam_id))


@pytest.fixture
def cq500_slice(real_data: Path, tmp_path: Path, write_slice) -> Path:
    """Return an archive that holds a real CQ500 slice of HU as one DICOM file."""
    (file,) = (real_data / "cq500_slices").glob("*1946656.npy")
    hu = np.load(file)
    write_slice(
        tmp_path / "archive" / "p" / "CT000122.dcm",
        SOPInstanceUID=file.name.removesuffix(".npy"),
        Rows=hu.shape[0],
        Columns=hu.shape[1],
        RescaleIntercept=0,
        PixelData=hu.astype("<i2").tobytes(),
    )
    return tmp_path / "archive"


def test_real_mask_shows_the_real_bleed(cq500_slice, real_data, tmp_path, run) -> None:
    config = tmp_path / "colours.yaml"
    config.write_text(
        'colours: {"#ff0000": any, "#00ff00": ignore, "#0000ff": ignore, "#ffffff": ignore, '
        '"#ffff00": ignore, "#000000": background}\nmatch: list\nlist: list.csv\n'
    )
    (tmp_path / "list.csv").write_text("mask,path\nCT154-122.png,p/CT000122.dcm\n")
    given = {"masks": real_data / "cq500_masks", "mask_colours": config}
    summary = run("folder", cq500_slice, matrix=512, **given)
    assert summary.joined["colour_masks"] == 104
    assert summary.joined["colour_masks_without_image"] == 103
    stored = StoredExams(tmp_path / "store")
    (exam_id,) = stored.exams["exam_id"]
    hu = stored.read_slices(exam_id)[0]
    bleed = stored_annotations.mask(stored, exam_id)[0] > 0
    assert bleed.sum() == 4 * np.count_nonzero(
        (np.asarray(Image.open(real_data / "cq500_masks" / "CT154-122.png")) == RED).all(-1)
    )
    dense = (hu > 45) & (hu < 100)
    inside = dense[bleed].mean()
    # Fresh blood is dense; the mask flipped or turned lies on brain.
    turned = [dense[np.rot90(bleed, turns)].mean() for turns in (1, 2, 3)]
    flipped = [dense[np.flip(bleed, axis)].mean() for axis in (0, 1)]
    assert inside > 0.6
    assert inside > 2 * max(*turned, *flipped)
    assert np.median(hu[bleed]) > np.median(hu[~bleed & (hu > 0) & (hu < 100)]) + 15
