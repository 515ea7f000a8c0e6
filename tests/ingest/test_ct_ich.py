from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.schemas.annotations import finding_bit
from examwise.core.schemas.findings import FINDINGS
from examwise.core.schemas.store import FILES
from examwise.core.storage import Storage
from examwise.imaging.stored_annotations import boxes as stored_boxes
from examwise.imaging.stored_annotations import has_mask
from examwise.imaging.stored_annotations import mask as stored_mask
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels

LABELS = "hemorrhage_diagnosis_raw_ct.csv"
HEADER = (
    "PatientNumber,SliceNumber,Intraventricular,Intraparenchymal,Subarachnoid,Epidural,Subdural,"
    "No_Hemorrhage,Fracture_Yes_No"
)
KINDS = ("intraventricular", "intraparenchymal", "subarachnoid", "epidural", "subdural")
SHAPE = (16, 16, 5)
UP = np.diag([0.5, 0.5, 5, 1.0])
DOWN = np.diag([0.5, 0.5, -5, 1.0])
SIDEWAYS = np.array([[0, 0, 0.5, 0], [0, 0.5, 0, 0], [5.0, 0, 0, 0], [0, 0, 0, 1]])


def row(patient: object, number: object, *positive: str) -> str:
    values = [int(kind in positive) for kind in KINDS]
    return ",".join(map(str, [patient, number, *values, int(not positive), 0]))


def write_labels(source: Path, *rows: str, before: bytes = b"") -> None:
    (source / LABELS).write_bytes(before + "\n".join([HEADER, *rows, ""]).encode())


def write_volume(source: Path, name: str, affine: np.ndarray, shape=SHAPE) -> None:
    """Slice k along the third axis of the file has HU around 100 k."""
    (source / "ct_scans").mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 20, shape)
    values = (noise + 100 * np.arange(shape[2])).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(values, affine), source / "ct_scans" / name)


def write_mask(source: Path, name: str, affine: np.ndarray | None, *, at=(), shape=SHAPE) -> None:
    (source / "masks").mkdir(parents=True, exist_ok=True)
    values = np.zeros(shape, np.uint8)
    for x, y, k in at:
        values[x, y, k] = 255
    nibabel.save(nibabel.Nifti1Image(values, affine), source / "masks" / name)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """049 runs up, 050 down, 066 has no mask and no haemorrhage."""
    folder = tmp_path / "source"
    square = [(x, y, 1) for x in (2, 3, 4) for y in (5, 6)]
    for name, affine in (("049.nii", UP), ("050.nii", DOWN)):
        write_volume(folder, name, affine)
        write_mask(folder, name, affine, at=[*square, (12, 12, 1), (12, 12, 2)])
    write_volume(folder, "066.nii", UP)
    rows = [
        *(row(66, number) for number in range(1, 6)),
        # Not in the files' order.
        *(row(50, number) for number in (5, 4, 1)),
        *(row(patient, 2, "subdural") for patient in (49, 50)),
        *(row(patient, 3, "subdural", "epidural") for patient in (50, 49)),
        *(row("049", number) for number in (1, 4, 5)),
    ]
    write_labels(folder, *rows, before=b"\xef\xbb\xbf")
    return folder


@pytest.fixture
def exam_of(identity):
    return lambda name: identity.exam_id(f"ct_scans/{name}", f"ct_scans/{name}")


def slices_of(stored: StoredExams, exam_id: str, finding: str = "any") -> dict[int, int]:
    table = slice_labels(stored, finding).filter(pl.col("exam_id") == exam_id)
    return dict(table.select("slice_index", "slice_label").iter_rows())


def exams_of(stored: StoredExams, finding: str = "any") -> dict[str, int | None]:
    return dict(exam_labels(stored, finding).iter_rows())


def test_archive(source: Path, tmp_path: Path, run, identity, exam_of) -> None:
    summary = run("ct-ich", source)
    assert (summary.n_exams, summary.n_slices, summary.n_patients) == (3, 15, 3)
    assert (summary.n_files, summary.n_used, summary.left_out, summary.set_aside) == (5, 5, {}, {})
    assert (summary.n_labels_without_file, summary.n_files_without_label) == (0, 0)
    first = [f"label file, row {row}" for row in range(2, 7)]
    assert summary.examples == {"slice_rows_joined": first}
    assert summary.joined == {
        "slice_rows": 15,
        "slice_rows_joined": 15,
        "scans_without_mask": 1,
        "masks_joined": 2,
        "mask_boxes": 6,
    }
    stored = StoredExams(tmp_path / "store")
    keys = dict(stored.exams.select("exam_id", "patient_key").iter_rows())
    assert keys[exam_of("049.nii")] == identity.patient_key("049")
    assert exams_of(stored) == {
        exam_of("049.nii"): 1,
        exam_of("050.nii"): 1,
        exam_of("066.nii"): 0,
    }
    files = FILES.read(Storage(tmp_path / "store"))
    own = files.filter(pl.col("path_digest") == identity.path_digest("masks/049.nii"))
    assert own.select("status", "exam_id", "slice_index").rows() == [
        ("used", exam_of("049.nii"), None)
    ]
    walk = identity.read_crosswalk(stored.manifest.configuration["store_id"])
    assert walk.height == 5


def test_slice_numbers_follow_the_files_axis(source: Path, tmp_path: Path, run, exam_of) -> None:
    run("ct-ich", source)
    stored = StoredExams(tmp_path / "store")
    for name in ("049.nii", "050.nii"):
        pixels = stored.read_slices(exam_of(name)).mean((1, 2))
        # The slice of SliceNumber n is the one whose values are around 100 (n - 1).
        place = {round(value / 100): index for index, value in enumerate(pixels)}
        subdural = slices_of(stored, exam_of(name), "subdural")
        assert {index for index, value in subdural.items() if value} == {place[1], place[2]}
        epidural = slices_of(stored, exam_of(name), "epidural")
        assert {index for index, value in epidural.items() if value} == {place[2]}
        assert len(subdural) == 5
    assert list(place) == [4, 3, 2, 1, 0]


def test_masks_and_boxes(source: Path, tmp_path: Path, run, exam_of) -> None:
    run("ct-ich", source)
    stored = StoredExams(tmp_path / "store")
    one, two = finding_bit("any") | finding_bit("subdural"), finding_bit("any")
    for name, order in (("049.nii", (1, 2)), ("050.nii", (3, 2))):
        found = stored_mask(stored, exam_of(name))
        assert found is not None
        expected = np.zeros((5, 16, 16), np.uint8)
        # RAS to LPS turns both in-plane axes; a slice of two kinds says only that it bleeds.
        expected[order[0], 15 - 6 : 15 - 4, 15 - 4 : 15 - 1] = one
        expected[order[0], 15 - 12, 15 - 12] = one
        expected[order[1], 15 - 12, 15 - 12] = two
        np.testing.assert_array_equal(found, expected)
        boxes = stored_boxes(stored).filter(pl.col("exam_id") == exam_of(name))
        columns = ("slice_index", "finding", "x", "y", "width", "height", "chronic", "source")
        rest = (False, "ct_ich_mask")
        assert sorted(boxes.select(columns).rows()) == sorted(
            [
                (order[0], "subdural", 11, 9, 3, 2, *rest),
                (order[0], "subdural", 3, 3, 1, 1, *rest),
                (order[1], "any", 3, 3, 1, 1, *rest),
            ]
        )
    assert not has_mask(stored, exam_of("066.nii"))


def test_resampled_masks_keep_specks(source: Path, tmp_path: Path, run, exam_of) -> None:
    run("ct-ich", source, matrix=8)
    stored = StoredExams(tmp_path / "store")
    found = stored_mask(stored, exam_of("049.nii"))
    assert found is not None
    assert found.any((1, 2)).tolist() == [False, True, True, False, False]
    # In the other slice the speck is a quarter of a pixel, and nothing is more.
    assert (found[2] > 0).sum() == 1
    boxes = stored_boxes(stored).filter(pl.col("exam_id") == exam_of("049.nii"))
    assert boxes.filter(pl.col("slice_index") == 2).select("x", "width").rows() == [(1.5, 0.5)]


def test_mask_against_its_row_is_kept_and_counted(source, tmp_path, run, exam_of) -> None:
    rows = [row(49, n) for n in (1, 2, 4, 5)] + [row(49, 3, "epidural")]
    rows += [row(50, n, *(("subdural",) if n in (1, 2, 3) else ())) for n in range(1, 6)]
    write_labels(source, *rows, *(row(66, n) for n in range(1, 6)))
    summary = run("ct-ich", source)
    assert summary.joined["slices_masked_against_label"] == 1
    assert summary.joined["slices_positive_without_mask"] == 1
    assert summary.examples["slices_masked_against_label"] == [exam_of("049.nii")]
    stored = StoredExams(tmp_path / "store")
    found = stored_mask(stored, exam_of("049.nii"))
    assert found is not None
    assert slices_of(stored, exam_of("049.nii"))[1] == 0
    assert found[1].max() == finding_bit("any")
    assert found[2].max() == finding_bit("any") | finding_bit("epidural")


def test_rows_and_slices_must_match(source: Path, tmp_path: Path, run, exam_of) -> None:
    rows = [row(49, n, *(("epidural",) if n == 9 else ())) for n in (1, 2, 3, 4, 5, 6, 9)]
    rows += [row(50, n) for n in (1, 2, 5)] + [row(77, 1)] + [row(66, n) for n in range(1, 6)]
    write_labels(source, *rows)
    with pytest.raises(InputError, match=r"3 rows without a slice \(such as row 7\) and 2 slices"):
        run("ct-ich", source)
    assert not (tmp_path / "store").exists()
    summary = run("ct-ich", source, allow_unmatched_labels=True)
    assert (summary.n_labels_without_file, summary.n_files_without_label) == (3, 2)
    expected = {
        "slice_rows": 16,
        "slice_rows_joined": 13,
        "slice_rows_beyond": 2,
        "slice_rows_without_volume": 1,
        "slices_without_row": 2,
    }
    assert {code: summary.joined[code] for code in expected} == expected
    assert summary.examples["slice_rows_without_volume"] == ["label file, row 12"]
    assert summary.examples["slice_rows_beyond"] == ["label file, row 7", "label file, row 8"]
    stored = StoredExams(tmp_path / "store")
    # The row beyond the volume is positive; an unlabelled slice leaves an exam unknown.
    assert exams_of(stored)[exam_of("049.nii")] == 1
    assert exams_of(stored)[exam_of("050.nii")] is None
    assert slices_of(stored, exam_of("050.nii")) == {4: 0, 3: 0, 0: 0}


def test_a_volume_without_any_row(source: Path, tmp_path: Path, run, exam_of) -> None:
    write_labels(source, *(row(patient, n) for patient in (49, 50) for n in range(1, 6)))
    with pytest.raises(InputError, match="0 rows without a slice and 5 slices without a row"):
        run("ct-ich", source)
    summary = run("ct-ich", source, allow_unmatched_labels=True)
    assert summary.n_unlabelled_exams == 1


def test_repeated_rows(source: Path, tmp_path: Path, run) -> None:
    text = (source / LABELS).read_text(encoding="utf-8-sig")
    rows = text.splitlines()[1:]
    write_labels(source, *rows, rows[0])
    summary = run("ct-ich", source)
    assert summary.joined["slice_rows_repeated"] == 1
    write_labels(source, *rows, row(66, 1, "subdural"))
    with pytest.raises(InputError, match=r"row 17: .* row 2, which is of the same slice"):
        run("ct-ich", source, tmp_path / "b")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (row("x", 1), "column PatientNumber: expected a whole number"),
        (row(49, 0), "column SliceNumber"),
        (row(49, -1), "column SliceNumber"),
        (row(49, "1.5"), "column SliceNumber"),
        (row(49, 999999), "column SliceNumber"),
        (row(49, ""), "column SliceNumber"),
        ("49,1,0,0,0,0,2,0,0", "column Subdural: expected 0 or 1"),
        ("49,1,0,0,0,0,1,1,0", "column Subdural: expected 0 wherever No_Hemorrhage is 1"),
        ("49,1,0,0,0,0,1,no,0", "column No_Hemorrhage"),
        ("49,1,0,0", "row 2, column Epidural: expected 0 or 1"),
    ],
)
def test_wrong_rows(source: Path, tmp_path: Path, run, line: str, message: str) -> None:
    write_labels(source, line)
    with pytest.raises(InputError, match=message):
        run("ct-ich", source)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("name", ["49.nii", "049.nii.gz"])
def test_two_volumes_of_one_patient(source: Path, tmp_path: Path, run, name: str) -> None:
    write_volume(source, name, UP)
    with pytest.raises(InputError, match=r"ct_scans: .*for 1 of the numbers.*all but one"):
        run("ct-ich", source, allow_unmatched_labels=True)
    assert not (tmp_path / "store").exists()


def test_two_volumes_or_masks_of_one_number_even_without_labels(source, tmp_path, run) -> None:
    (source / LABELS).unlink()
    shutil.copy(source / "masks" / "049.nii", source / "masks" / "49.nii")
    with pytest.raises(InputError, match=r"folder masks: expected one mask file .*same"):
        run("ct-ich", source, allow_unmatched_labels=True)
    (source / "masks" / "049.nii").unlink()
    shutil.copy(source / "ct_scans" / "066.nii", source / "ct_scans" / "66.nii")
    with pytest.raises(InputError, match=r"folder ct_scans: expected one volume file"):
        run("ct-ich", source, allow_unmatched_labels=True)
    (source / "ct_scans" / "66.nii").unlink()
    # A mask belongs to the scan of its number, however that is written.
    assert run("ct-ich", source, allow_unmatched_labels=True).joined["masks_joined"] == 2


def test_archive_without_masks_says_so(source: Path, run) -> None:
    shutil.rmtree(source / "masks")
    summary = run("ct-ich", source)
    assert summary.joined["mask_folder_missing"] == 1
    assert "scans_without_mask" not in summary.joined


def test_scan_among_the_masks_is_refused(source: Path, tmp_path: Path, run, exam_of) -> None:
    shutil.copy(source / "ct_scans" / "049.nii", source / "masks" / "049.nii")
    summary = run("ct-ich", source)
    assert (summary.n_exams, summary.joined["masks_refused"]) == (3, 1)
    assert not has_mask(StoredExams(tmp_path / "store"), exam_of("049.nii"))


def test_wrong_files(source: Path, tmp_path: Path, run) -> None:
    write_labels(source)
    with pytest.raises(InputError, match="empty below its header row"):
        run("ct-ich", source)
    (source / LABELS).write_text(HEADER.replace("No_", "Yes_") + "\n")
    with pytest.raises(InputError, match="a column No_Hemorrhage"):
        run("ct-ich", source)
    (source / LABELS).unlink()
    with pytest.raises(InputError, match="--labels"):
        run("ct-ich", source)
    summary = run("ct-ich", source, allow_unmatched_labels=True)
    assert (summary.n_exams, summary.n_labels) == (3, 0)
    assert summary.joined == {
        "label_file_missing": 1,
        "scans_without_mask": 1,
        "masks_joined": 2,
        "mask_boxes": 6,
    }


def test_haemorrhage_of_no_kind_stays_one(source: Path, tmp_path: Path, run, exam_of) -> None:
    text = (source / LABELS).read_text(encoding="utf-8-sig").splitlines()[1:]
    text[0] = "66,1,0,0,0,0,0,0,0"
    write_labels(source, *text)
    run("ct-ich", source)
    stored = StoredExams(tmp_path / "store")
    assert slices_of(stored, exam_of("066.nii"))[0] == 1
    assert exams_of(stored)[exam_of("066.nii")] == 1
    assert exams_of(stored, "subdural")[exam_of("066.nii")] == 0


def test_masks_that_cannot_be_used(source: Path, tmp_path: Path, run, exam_of, identity) -> None:
    write_mask(source, "049.nii", UP, shape=(16, 16, 4))
    write_mask(source, "099.nii", UP)
    write_mask(source, "066.nii", None, at=[(1, 1, 1)])
    (source / "masks" / "050.nii").write_text("no mask")
    (source / "masks" / "notes.txt").write_text("notes")
    summary = run("ct-ich", source)
    assert summary.n_exams == 3
    assert summary.set_aside == {"mask_mismatch": 1, "mask_without_scan": 1, "not_dicom": 1}
    assert summary.left_out == {"not_dicom": 1}
    assert summary.joined["masks_refused"] == 1
    assert summary.joined["masks_joined"] == 1
    assert summary.joined["masks_of_another_affine"] == 1
    stored = StoredExams(tmp_path / "store")
    assert [has_mask(stored, exam_of(f"{name}.nii")) for name in ("049", "050", "066")] == [
        *(False, False, True)
    ]
    files = FILES.read(Storage(tmp_path / "store"))
    assert files.height == summary.n_files == 3 + 5
    own = files.filter(pl.col("reason") == "mask_mismatch").row(0, named=True)
    assert own["path_digest"] == identity.path_digest("masks/049.nii")
    assert own["exam_id"] == exam_of("049.nii")


def test_mask_of_a_scan_that_cannot_be_read(source: Path, tmp_path: Path, run, identity) -> None:
    path = source / "ct_scans" / "049.nii"
    values = np.full(SHAPE, 7, np.int16)  # passes the first look, is no CT
    nibabel.save(nibabel.Nifti1Image(values, UP), path)
    summary = run("ct-ich", source)
    assert summary.n_exams == 2
    assert summary.left_out == {"not_hu": 1}
    assert summary.set_aside == {"mask_without_scan": 1}
    assert summary.n_labels_in_no_exam == 1
    path.write_text("no volume")
    summary = run("ct-ich", source, tmp_path / "b")
    assert summary.set_aside == {"mask_without_scan": 1, "not_dicom": 1}
    assert FILES.read(Storage(tmp_path / "b")).height == summary.n_files == 5


def test_scan_stored_sideways_has_no_slice_labels(source, tmp_path, run, exam_of) -> None:
    write_volume(source, "066.nii", SIDEWAYS)
    summary = run("ct-ich", source)
    assert summary.joined["volumes_along_another_axis"] == 1
    stored = StoredExams(tmp_path / "store")
    assert stored.n_slices(exam_of("066.nii")) == 16
    assert slices_of(stored, exam_of("066.nii")) == {}
    assert exams_of(stored)[exam_of("066.nii")] == 0


def test_compressed_files(source: Path, tmp_path: Path, run, exam_of) -> None:
    for folder in ("ct_scans", "masks"):
        path = source / folder / "050.nii"
        nibabel.save(nibabel.load(path), path.with_name("050.nii.gz"))
        path.unlink()
    assert run("ct-ich", source).joined["masks_joined"] == 2
    assert has_mask(StoredExams(tmp_path / "store"), exam_of("050.nii.gz"))


def test_bytes_depend_on_neither_workers_nor_interruption(source, tmp_path, run, tree) -> None:
    one = run("ct-ich", source, tmp_path / "one")
    two = run("ct-ich", source, tmp_path / "two", executor=make_executor(2))
    assert one == two
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    store = tmp_path / "two"
    (store / "manifest.json").unlink()
    sorted((store / "commits" / "exams").iterdir())[0].unlink()
    (store / "annotations" / "masks.zarr" / "zarr.json").unlink()
    assert run("ct-ich", source, store) == one
    assert tree(tmp_path / "one") == tree(store)


def test_changed_mask_is_another_source(source: Path, run) -> None:
    run("ct-ich", source)
    write_mask(source, "066.nii", UP)
    with pytest.raises(InputError, match="the files of the source"):
        run("ct-ich", source)


def test_findings_are_all_labelled(source: Path, tmp_path: Path, run) -> None:
    run("ct-ich", source)
    events = StoredExams(tmp_path / "store").labels
    assert set(events["finding"]) == set(FINDINGS)
    assert events.height == 3 * 6 * (1 + 5)


def test_mask_of_a_real_volume_lies_on_its_bone(
    real_data: Path, tmp_path: Path, run, exam_of
) -> None:
    source = tmp_path / "source"
    for folder in ("ct_scans", "masks"):
        (source / folder).mkdir(parents=True)
    shutil.copy(real_data / "templates" / "scct.nii", source / "ct_scans" / "049.nii")
    scan = nibabel.load(source / "ct_scans" / "049.nii")
    bone = (np.asarray(scan.dataobj) > 400).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(bone, None), source / "masks" / "049.nii")
    write_labels(source, *(row(49, n) for n in range(1, scan.shape[2] + 1)))
    run("ct-ich", source, matrix=max(scan.shape[:2]))
    stored = StoredExams(tmp_path / "store")
    found = stored_mask(stored, exam_of("049.nii"))
    assert found is not None
    assert found.any()
    np.testing.assert_array_equal(found > 0, stored.read_slices(exam_of("049.nii")) > 400)
