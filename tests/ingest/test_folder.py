from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.core.schemas.store import FILES
from examwise.core.storage import Storage
from examwise.imaging.stored_exams import StoredExams


@pytest.fixture
def source(tmp_path: Path, write_series) -> Path:
    """Two DICOM exams and one NIfTI exam."""
    folder = tmp_path / "source"
    write_series(folder / "a" / "one", patient="PA", series="1.1")
    write_series(folder / "a" / "two", 2, patient="PA", series="1.2")
    values = np.random.default_rng(0).integers(-1000, 1000, (16, 16, 4)).astype(np.int16)
    image = nibabel.Nifti1Image(values, np.diag([0.5, 0.5, 5, 1]))
    (folder / "b").mkdir()
    nibabel.save(image, folder / "b" / "049.nii.gz")
    return folder


def whole_labels(store: Path) -> dict[str, dict[str, int]]:
    labels = StoredExams(store).labels.filter(pl.col("slice_start").is_null())
    found: dict[str, dict[str, int]] = {}
    for row in labels.iter_rows(named=True):
        found.setdefault(row["exam_id"], {})[row["finding"]] = row["value"]
    return found


def test_series_and_volumes_are_exams(source: Path, tmp_path: Path, run, identity) -> None:
    summary = run("folder", source)
    assert (summary.n_exams, summary.n_slices, summary.n_patients) == (3, 9, 2)
    assert summary.n_unlabelled_exams == 3
    exams = StoredExams(tmp_path / "store")
    volume = identity.exam_id("b/049.nii.gz", "b/049.nii.gz")
    assert exams.n_slices(volume) == 4
    keys = dict(exams.exams.select("exam_id", "patient_key").iter_rows())
    assert keys[volume] == identity.patient_key("049")
    assert keys[identity.exam_id("1.2.3", "1.1")] == identity.patient_key("PA")
    expected = np.asarray(nibabel.load(source / "b" / "049.nii.gz").dataobj)
    # RAS to LPS: both in-plane axes turn round.
    np.testing.assert_array_equal(
        exams.read_slices(volume), expected[::-1, ::-1].transpose(2, 1, 0)
    )


def test_slices_go_up(source: Path, tmp_path: Path, run, identity) -> None:
    run("folder", source)
    exams = StoredExams(tmp_path / "store")
    walk = identity.read_crosswalk(exams.manifest.configuration["store_id"])
    order = walk.filter(pl.col("path").str.starts_with("a/one")).sort("slice_index")["path"]
    assert order.to_list() == ["a/one/2.dcm", "a/one/1.dcm", "a/one/0.dcm"]


def test_labels_by_folder_file_and_slice(source: Path, tmp_path: Path, run, identity) -> None:
    labels = source / "labels.csv"
    labels.write_bytes(
        b"\xef\xbb\xbfpath,any,subdural\n./a/one/,1,\nb\\049.nii.gz,0,0\na/two/1.dcm,1,0\n"
    )
    summary = run("folder", source, labels=labels)
    assert summary.n_files == 6
    one, two = (identity.exam_id("1.2.3", series) for series in ("1.1", "1.2"))
    volume = identity.exam_id("b/049.nii.gz", "b/049.nii.gz")
    assert whole_labels(tmp_path / "store") == {
        one: {"any": 1},
        # One slice is positive, so the exam is; the other slice's subdural is unknown.
        two: {"any": 1},
        volume: {"any": 0, "subdural": 0},
    }
    slices = StoredExams(tmp_path / "store").labels.filter(pl.col("slice_start").is_not_null())
    # File 1 of the series lies lower than file 0.
    assert slices.select("exam_id", "slice_start", "finding", "value").rows() == [
        (two, 0, "any", 1),
        (two, 0, "subdural", 0),
    ]
    assert summary.n_unlabelled_exams == 0


def test_whole_source_and_nested_folders(source: Path, tmp_path: Path, run) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("path,any,epidural\n.,1,\na,,0\na/one,1,0\n")
    run("folder", source, labels=labels)
    assert sorted(map(str, whole_labels(tmp_path / "store").values())) == [
        "{'any': 1, 'epidural': 0}",
        "{'any': 1, 'epidural': 0}",
        "{'any': 1}",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,any\nc,1\n", "row 2, column path: expected a file or folder"),
        ("path,any\na,1\n../source/a,1\n", "row 3, column path"),
        ("path,any\n,1\n", "row 2, column path"),
        ("path,any\na,2\n", "row 2, column any: expected 1, 0 or nothing"),
        ("path,any,colour\na,1,1\n", "column colour"),
        ("path\na\n", "a column for a finding"),
        ("file,any\na,1\n", "a column path"),
        ("path,any\n  ,1\n", "row 2, column path: .*got nothing"),
        ('path,any\n"",1\n', "row 2, column path: .*got nothing"),
        ("path,any\nc,1\na,1\nd,0\n", "row 2, column path: .*2 such paths in all.*unmatched"),
        ("path,any\n", "empty below its header row"),
        ("path,any\na,1\na/,0\n", "row 3, column any: expected the same labels"),
        ("path,any\na,1\na/one,0\n", "csv, row 3, column any: .* agree.* row 2 says"),
        ("path,any\na/two,0\na/two/0.dcm,1\n", "row 3, column any: .* agree.* row 2 says"),
        # All of an exam's slices together deny what its folder states.
        (
            "path,subdural,any\na/two/1.dcm,0,\na/two/0.dcm,0,\nb,,1\na/two,1,1\n",
            "row 3, column subdural: .* agree.* row 5 says",
        ),
        ("path,any\na,\na,1\na/one,\na/one,0\n", "row 5, column any: .* row 3 says"),
        # any and its kinds
        (
            "path,any,subdural\na/one,0,\na/two,0,1\nb,0,1\n",
            "csv, row 3, column subdural: .*2 such rows",
        ),
        ("path,any,subdural\na/two/0.dcm,0,1\n", "row 2, column subdural: expected any to be 1"),
        ("path,any,subdural\na/one,0,\na/one,,1\n", "row 3, column subdural: .*1 such rows"),
        ("path,any,subdural\na,0,\na/one,,1\n", "row 3, column subdural: .* row 2 says"),
        ("path,any,subdural\na/two/0.dcm,,1\na,0,\n", "row 2, column subdural: .* row 3 says"),
    ],
)
def test_wrong_label_files(source: Path, tmp_path: Path, run, text: str, message: str) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        run("folder", source, labels=labels)
    assert not (tmp_path / "store").exists()
    assert not any(name in str(caught.value) for name in ("a/", "b/", ".dcm", "049"))


def test_haemorrhage_of_another_kind(source: Path, tmp_path: Path, run) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(f"path,{','.join(FINDINGS)}\na/one,1,0,0,0,0,0\n")
    summary = run("folder", source, labels=labels)
    assert (summary.n_labels, summary.n_unlabelled_exams) == (6, 2)


def test_unmatched_labels_are_counted_where_allowed(source: Path, tmp_path: Path, run) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("path,any\na/one,1\nc,1\na/one/9.dcm,0\nc/,\n../source/a,0\n")
    summary = run("folder", source, labels=labels, allow_unmatched_labels=True)
    assert summary.n_labels_without_file == 3
    assert (summary.n_exams, summary.n_labels, summary.n_unlabelled_exams) == (3, 1, 2)
    labels.write_text("path,any\nc,1\n,1\n")
    with pytest.raises(InputError, match="row 3, column path"):
        run("folder", source, tmp_path / "b", labels=labels, allow_unmatched_labels=True)


def test_volume_with_values_that_are_no_number(source: Path, tmp_path: Path, run) -> None:
    path = source / "b" / "049.nii.gz"
    values = np.asarray(nibabel.load(path).dataobj).astype(np.float32)
    values[0, 0, 0] = np.inf
    nibabel.save(nibabel.Nifti1Image(values, np.diag([0.5, 0.5, 5, 1])), path)
    summary = run("folder", source)
    assert (summary.n_exams, summary.set_aside) == (2, {"not_finite": 1})


def test_links_out_of_the_source_are_set_aside(
    source: Path, tmp_path: Path, run, write_series
) -> None:
    write_series(tmp_path / "elsewhere", series="7")
    (source / "linked").symlink_to(tmp_path / "elsewhere")
    (source / "a" / "one" / "more.dcm").symlink_to(tmp_path / "elsewhere" / "0.dcm")
    summary = run("folder", source)
    assert (summary.n_exams, summary.set_aside) == (3, {"outside_source": 2})
    assert summary.n_files == summary.n_used + 2
    only = tmp_path / "only"
    only.mkdir()
    (only / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"1 outside_source; .*leads out of the source"):
        run("folder", only, tmp_path / "b")


def test_everything_is_accounted_for(source: Path, tmp_path: Path, run, write_slice) -> None:
    extra = source / "extra"
    write_slice(extra / "scout", series="9.1", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_slice(extra / "mr", series="9.2", Modality="MR")
    write_slice(extra / "again.dcm", series="1.1", patient="PA", height=-5)
    write_slice(extra / "x1", series="8", patient="PX")
    write_slice(extra / "x2", series="8", patient="PY", height=5)
    (extra / "text.dcm").write_text("no image")
    (extra / "notes.txt").write_text("notes")
    (extra / "empty.dcm").touch()
    (extra / ".hidden").write_text("not looked at")
    (extra / "bad.nii").write_text("no volume")
    (extra / "gone").symlink_to("nowhere")
    (extra / "round").symlink_to(extra)
    (extra / "itself").symlink_to("itself")
    summary = run("folder", source)
    assert summary.left_out == {"localizer": 1, "not_ct": 1, "not_dicom": 1}
    assert summary.set_aside == {
        "conflicting_identity": 2,
        "not_dicom": 3,
        "repeated_position": 1,
        "unreadable": 2,
    }
    files = FILES.read(Storage(tmp_path / "store"))
    assert files.height == summary.n_files == 6 + 11
    assert summary.n_used == 6


def test_missing_patient_id_gives_one_patient_a_study(tmp_path: Path, run, write_series) -> None:
    for number, (study, patient) in enumerate([("1", ""), ("1", None), ("2", "")]):
        elements = {} if patient is not None else {"PatientID": None}
        write_series(
            tmp_path / "source" / str(number),
            study=study,
            series=f"{study}.{number}",
            patient=patient or "",
            **elements,
        )
    summary = run("folder", tmp_path / "source")
    assert (summary.n_exams, summary.n_patients) == (3, 2)


def test_broken_files_of_an_otherwise_good_exam(
    source: Path, tmp_path: Path, run, identity
) -> None:
    path = source / "a" / "one" / "1.dcm"
    path.write_bytes(path.read_bytes()[:-3])
    broken = source / "b" / "049.nii.gz"
    broken.write_bytes(broken.read_bytes()[:-3])
    summary = run("folder", source)
    assert summary.set_aside == {"truncated": 2}
    assert (summary.n_exams, summary.n_slices) == (2, 4)


def test_all_pixels_unreadable(tmp_path: Path, run, write_series) -> None:
    write_series(tmp_path / "source", 2, PixelData=bytes(2))
    with pytest.raises(InputError, match="2 truncated"):
        run("folder", tmp_path / "source")
    assert not list((tmp_path / "store").rglob("*"))


@pytest.mark.parametrize(
    ("folder", "n_slices"),
    [("ge_head_series", 28), ("philips_tilt_series", 54), ("tilted_four_slices", 4)],
)
def test_real_series(real_data: Path, tmp_path: Path, run, folder: str, n_slices: int) -> None:
    summary = run("folder", real_data / folder, matrix=512)
    assert (summary.n_exams, summary.n_slices, summary.n_used) == (1, n_slices, n_slices)
    exams = StoredExams(tmp_path / "store").exams.row(0, named=True)
    if folder == "ge_head_series":
        assert exams["gantry_tilt_degree"] == pytest.approx(18.5, abs=0.01)
        assert not exams["regular"]
        assert exams["kernel"] == "STD+"
    assert exams["scanner_group"] is not None


def test_real_scouts_and_captures_are_no_exam(real_data: Path, tmp_path: Path, run) -> None:
    with pytest.raises(InputError, match="3 colour, 4 localizer"):
        run("folder", real_data / "philips_mixed_series")


def test_real_odd_files(real_data: Path, tmp_path: Path, run) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("chest_ct_encodings", "multiframe_ct", "philips_mixed_series", "templates"):
        shutil.copytree(real_data / name, source / name)
    summary = run("folder", source, matrix=64)
    assert summary.n_files == 6 + 2 + 7 + 1
    assert (
        summary.n_used + sum(summary.left_out.values()) + sum(summary.set_aside.values())
        == summary.n_files
    )
    assert summary.left_out == {"colour": 3, "localizer": 4, "not_ct": 2, "not_hu": 2}
    # Four codings of one chest slice, and the template.
    assert (summary.n_exams, summary.n_used) == (2, 2)
    assert summary.set_aside == {"repeated_position": 3}


def test_labelled_folder_without_an_exam_is_counted(source: Path, tmp_path: Path, run) -> None:
    (source / "empty").mkdir()
    (source / "empty" / "notes.txt").write_text("notes")
    labels = tmp_path / "labels.csv"
    labels.write_text("path,any\na,1\nempty,1\n")
    assert run("folder", source, labels=labels).n_labels_in_no_exam == 1


def test_nifti_patient_is_the_name_without_suffix_in_any_case(
    source: Path, tmp_path: Path, run, identity
) -> None:
    (source / "c").mkdir()
    (source / "b" / "049.nii.gz").rename(source / "c" / "049.NII.GZ")
    run("folder", source)
    assert identity.patient_key("049") in StoredExams(tmp_path / "store").exams["patient_key"]


def test_one_volume_under_several_names_is_one_exam(source: Path, run) -> None:
    volume = source / "b" / "049.nii.gz"
    (source / "c.nii.gz").write_bytes(volume.read_bytes())
    (source / ".store").mkdir()
    volume.rename(source / ".store" / "1")
    volume.symlink_to("../.store/1")
    summary = run("folder", source)
    assert (summary.n_exams, summary.set_aside, summary.left_out) == (3, {"same_content": 1}, {})


def test_links_to_files_of_the_source_are_left_out(source: Path, run) -> None:
    (source / "a" / "one" / "9.dcm").symlink_to("../../b/049.nii.gz")
    (source / "b" / "050.nii.gz").symlink_to("049.nii.gz")
    summary = run("folder", source)
    assert (summary.n_exams, summary.set_aside, summary.left_out) == (3, {}, {"linked_file": 2})
