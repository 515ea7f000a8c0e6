from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pydicom
import pytest
from pydicom.uid import generate_uid

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.schemas.findings import FINDINGS
from examwise.core.schemas.store import FILES
from examwise.core.storage import Storage
from examwise.imaging.stored_annotations import boxes as stored_boxes
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels
from examwise.ingest.config import SeriesSelectionConfig

N_SLICES = 12
BOX_FILE = "1_Initial_Manual_Labeling.csv"
SUBDURAL = {"ICH": "1", "SDH": "1"}


@pytest.fixture
def source(cq500_source: Path) -> Path:
    return cq500_source


@pytest.fixture
def exam_of(identity):
    def find(number: int, series: int = 1) -> str:
        return identity.exam_id(f"1.{number}", f"1.{number}.{series}")

    return find


def labels_of(stored: StoredExams, exam_id: str) -> dict[str, int | None]:
    found = {}
    for finding in FINDINGS:
        table = exam_labels(stored, finding).filter(pl.col("exam_id") == exam_id)
        found[finding] = table["exam_label"].item()
    return found


def slices_of(stored: StoredExams, exam_id: str, finding: str) -> dict[int, int]:
    table = slice_labels(stored, finding).filter(pl.col("exam_id") == exam_id)
    return dict(table.select("slice_index", "slice_label").iter_rows())


def labels(*positive: str) -> dict[str, int]:
    return {finding: int(finding in positive) for finding in FINDINGS}


def test_one_series_of_each_study(source: Path, tmp_path: Path, run, identity, exam_of) -> None:
    summary = run("cq500", source)
    assert (summary.n_exams, summary.n_patients, summary.n_slices) == (4, 4, 4 * N_SLICES)
    assert summary.left_out == {
        "another_series_of_the_study": 13,
        "bone_kernel": N_SLICES,
        "contrast": N_SLICES,
    }
    assert summary.set_aside == {}
    assert summary.n_used + sum(summary.left_out.values()) == summary.n_files
    stored = StoredExams(tmp_path / "store")
    assert set(stored.exams["exam_id"]) == {exam_of(number) for number in range(4)}
    keys = dict(stored.exams.select("exam_id", "patient_key").iter_rows())
    assert keys[exam_of(2)] == identity.patient_key("CQ500-CT-2")
    assert FILES.read(Storage(tmp_path / "store")).height == summary.n_files
    assert stored.exams["archive"].unique().to_list() == ["cq500"]


def test_study_is_named_by_its_folder(source: Path, tmp_path: Path, run, write_study, identity):
    for number in (0, 1, 2, 3):
        for path in (source / "qct01" / f"CQ500CT{number} CQ500CT{number}").rglob("*.dcm"):
            path.unlink()
    for number in (0, 1, 2, 3):
        write_study(source, number, "5mm", PatientID="anonymous")
    run("cq500", source)
    keys = set(StoredExams(tmp_path / "store").exams["patient_key"])
    assert keys == {identity.patient_key(f"CQ500-CT-{number}") for number in range(4)}


@pytest.mark.parametrize(
    ("rule", "positive"),
    [
        ("majority", {0: ("any", "subdural"), 1: (), 2: ("any", "subarachnoid"), 3: ()}),
        (
            "any",
            {
                0: ("any", "subdural"),
                1: (),
                2: ("any", "subarachnoid"),
                3: ("any", "intraparenchymal"),
            },
        ),
        ("all", {0: ("any", "subdural"), 1: (), 2: (), 3: ()}),
    ],
)
def test_exam_labels(source: Path, tmp_path: Path, run, exam_of, rule, positive) -> None:
    run("cq500", source, exam_label=rule)
    stored = StoredExams(tmp_path / "store")
    for number, kinds in positive.items():
        assert labels_of(stored, exam_of(number)) == labels(*kinds)
    assert stored.manifest.configuration["exam_label"] == rule
    whole = stored.labels.filter(pl.col("slice_start").is_null())
    assert whole.filter(pl.col("reader").is_null())["source"].unique().to_list() == [
        f"cq500_{rule}"
    ]


def test_each_readers_word_is_kept(source: Path, tmp_path: Path, run, exam_of) -> None:
    run("cq500", source)
    stored = StoredExams(tmp_path / "store")
    said = stored.labels.filter(
        (pl.col("exam_id") == exam_of(2))
        & pl.col("reader").is_not_null()
        & (pl.col("finding") == "subarachnoid")
    )
    assert said.select("reader", "value", "source").rows() == [
        ("cq500_r1", 1, "cq500"),
        ("cq500_r2", 0, "cq500"),
        ("cq500_r3", 1, "cq500"),
    ]


def test_missing_reads_stay_missing(source: Path, tmp_path: Path, run, exam_of, write_reads):
    reads = {
        0: {**SUBDURAL, "R1:SDH": ""},
        1: {"R1:ICH": "", "R2:ICH": "1"},
        2: {"ICH": "", "IPH": "", "IVH": "", "SDH": "", "EDH": "", "SAH": ""},
        3: {},
    }
    write_reads(source / "reads.csv", reads)
    (source / BOX_FILE).unlink()
    summary = run("cq500", source)
    stored = StoredExams(tmp_path / "store")
    assert labels_of(stored, exam_of(0)) == labels("any", "subdural")
    # One read of haemorrhage, one of none, one missing: no reader's word counts alone.
    assert labels_of(stored, exam_of(1)) == {**labels(), "any": None}
    assert labels_of(stored, exam_of(2)) == dict.fromkeys(FINDINGS)
    assert summary.n_unlabelled_exams == 1
    assert summary.joined["reads_missing"] == 1 + 1 + 18


def test_kind_without_haemorrhage_is_reconciled_and_counted(
    source: Path, tmp_path: Path, run, exam_of, write_reads
) -> None:
    write_reads(source / "reads.csv", {0: SUBDURAL, 1: {"SDH": "1"}, 2: {}, 3: {}})
    summary = run("cq500", source)
    assert summary.joined["exam_labels_reconciled"] == 1
    assert summary.examples["exam_labels_reconciled"] == ["label file, row 3"]
    stored = StoredExams(tmp_path / "store")
    assert labels_of(stored, exam_of(1)) == labels("any", "subdural")


def test_boxes_lie_on_their_slices(source: Path, tmp_path: Path, run, exam_of) -> None:
    summary = run("cq500", source, matrix=8)
    found = stored_boxes(StoredExams(tmp_path / "store"))
    assert set(found["exam_id"]) == {exam_of(0)}
    assert set(found["source"]) == {"bhx"}
    columns = ("slice_index", "box_index", "finding", "chronic", "x", "y", "width", "height")
    assert found.select(columns).rows() == [
        (4, 0, "subdural", False, 0.5, 1, 1.5, 2),
        (4, 1, "subdural", True, 4.25, 4, 1, 1),
        (5, 0, "subdural", False, 5, 5, 3, 1.5),
    ]
    assert summary.joined == {
        "studies": 4,
        "reads_torn": 1,
        "box_rows": 5,
        "boxes_of_exams": 3,
        "boxes_joined": 3,
        "boxes_clipped": 1,
        "boxes_in_another_series": 1,
        "boxes_without_image": 1,
        "exams_annotated": 2,
    }
    assert summary.examples == {
        "studies": [f"label file, row {row}" for row in (2, 3, 4, 5)],
        "reads_torn": ["label file, row 4"],
        "boxes_of_exams": [f"box file, row {row}" for row in (2, 3, 4)],
        "boxes_in_another_series": ["box file, row 5"],
        "boxes_without_image": ["box file, row 6"],
    }


@pytest.mark.parametrize("orientation", [[-1, 0, 0, 0, -1, 0], [0, 1, 0, 1, 0, 0]])
def test_boxes_turn_with_their_image(
    source: Path, tmp_path: Path, run, write_study, exam_of, orientation
) -> None:
    """The box frames the only bright pixels, in the file as in the store."""
    pixels = np.zeros((16, 16), "<i2")
    pixels[2:6, 1:4] = 2000
    write_study(
        source,
        0,
        "Plain 5mm",
        PixelData=pixels.tobytes(),
        ImageOrientationPatient=orientation,
    )
    run("cq500", source)
    stored = StoredExams(tmp_path / "store")
    for row in stored_boxes(stored).filter(pl.col("height") * pl.col("width") == 12).to_dicts():
        image = stored.read_slices(exam_of(0), [row["slice_index"]])[0]
        x, y, width, height = (int(row[name]) for name in ("x", "y", "width", "height"))
        framed = image[y : y + height, x : x + width]
        assert framed.size == 12
        assert (framed > 900).all()
        assert (image > 900).sum() == 12


def test_slice_labels_follow_boxes(source: Path, tmp_path: Path, run, exam_of) -> None:
    run("cq500", source)
    stored = StoredExams(tmp_path / "store")
    clear = dict.fromkeys(range(N_SLICES), 0)
    # Subdural is boxed in another series of the study too: its absence here says nothing.
    for finding in ("any", "subdural"):
        assert slices_of(stored, exam_of(0), finding) == {4: 1, 5: 1}
    assert slices_of(stored, exam_of(0), "epidural") == clear
    assert slices_of(stored, exam_of(1), "any") == clear
    # Positive without a box, and negative but not for all readers: nobody knows of slices.
    assert slices_of(stored, exam_of(2), "any") == {}
    assert slices_of(stored, exam_of(3), "any") == {}
    events = stored.labels.filter(pl.col("slice_start").is_not_null())
    assert events["source"].unique().to_list() == ["bhx"]


def test_kind_that_is_stated_but_not_boxed(source, tmp_path, run, exam_of, write_reads) -> None:
    reads = {0: {"ICH": "1", "IPH": "1"}, 1: {}, 2: {}, 3: {}}
    write_reads(source / "reads.csv", reads)
    summary = run("cq500", source)
    assert summary.joined["exams_with_boxes_against_label"] == 1
    assert summary.joined["exams_with_kinds_without_box"] == 1
    stored = StoredExams(tmp_path / "store")
    assert slices_of(stored, exam_of(0), "intraparenchymal") == {}
    # Boxes say subdural, readers do not: nobody knows.
    assert slices_of(stored, exam_of(0), "any") == {}
    assert labels_of(stored, exam_of(0))["subdural"] == 0
    assert slices_of(stored, exam_of(0), "subdural") == {}
    assert stored_boxes(stored).height == 3


def test_box_elsewhere_in_a_study_denies_the_denial(
    source: Path, tmp_path: Path, run, exam_of, write_study, write_boxes
) -> None:
    write_study(source, 1, "Plain Thin", series=2, SliceThickness=1)
    write_boxes(source / BOX_FILE, [("1.1.2.3", "Subdural", (1, 2, 3, 4))])
    summary = run("cq500", source)
    assert "exams_annotated" not in summary.joined
    assert summary.joined["boxes_in_another_series"] == 1
    assert slices_of(StoredExams(tmp_path / "store"), exam_of(1), "any") == {}


def test_box_on_an_image_that_is_not_there_denies_the_denial(
    source: Path, tmp_path: Path, run, exam_of, write_boxes
) -> None:
    """The boxed thick series was never copied; the row still names its study."""
    write_boxes(source / BOX_FILE, [("1.1.7.3", "Subdural", (1, 2, 3, 4))])
    summary = run("cq500", source)
    assert summary.joined["boxes_without_image"] == 1
    assert "exams_annotated" not in summary.joined
    assert slices_of(StoredExams(tmp_path / "store"), exam_of(1), "any") == {}


@pytest.mark.parametrize("thickness", [0.6, None])
def test_absence_says_nothing_on_thin_slices(
    source: Path, tmp_path: Path, run, exam_of, write_boxes, write_study, thickness
) -> None:
    write_study(source, 2, "Plain Thin", SliceThickness=thickness)
    write_boxes(source / BOX_FILE, [("1.2.1.3", "Subarachnoid", (1, 2, 3, 4))])
    summary = run("cq500", source)
    assert summary.joined["exams_boxed_thin"] == 1
    stored = StoredExams(tmp_path / "store")
    for finding in ("any", "subarachnoid"):
        assert slices_of(stored, exam_of(2), finding) == {3: 1}
    # What most readers deny of the exam is not on any of its slices.
    assert set(slices_of(stored, exam_of(2), "epidural").values()) == {0}


def test_rows_that_contradict_their_image_or_are_of_another_type(
    source: Path, run, write_boxes
) -> None:
    write_boxes(source / BOX_FILE, [("1.0.1.4", "Subdural", (n, 2, 3, 4)) for n in range(3)])
    text = (source / BOX_FILE).read_text().splitlines()
    text[2] = text[2].replace(",1.0.1,", ",1.0.4,")
    text[3] = text[3].replace("handDrawn", "interpolated")
    (source / BOX_FILE).write_text("\n".join(text) + "\n")
    summary = run("cq500", source)
    assert summary.joined["boxes_joined"] == 3
    assert summary.joined["boxes_naming_another_series"] == 1
    assert summary.joined["boxes_of_another_type"] == 1
    assert summary.examples["boxes_naming_another_series"] == ["box file, row 3"]
    assert summary.examples["boxes_of_another_type"] == ["box file, row 4"]


def test_rule_of_one_kind(source: Path, tmp_path: Path, run, exam_of) -> None:
    run("cq500", source, exam_label="majority,intraparenchymal=any")
    stored = StoredExams(tmp_path / "store")
    assert labels_of(stored, exam_of(3)) == labels("any", "intraparenchymal")
    own = stored.labels.filter(pl.col("reader").is_null() & pl.col("slice_start").is_null())
    assert own["source"].unique().to_list() == ["cq500_majority_intraparenchymal_any"]


@pytest.mark.parametrize("rule", ["4", "majority,fracture=any"])
def test_rule_that_does_not_fit(source: Path, tmp_path: Path, run, rule: str) -> None:
    with pytest.raises(InputError, match="option exam_label"):
        run("cq500", source, exam_label=rule)
    assert not (tmp_path / "store").exists()


def test_without_a_box_file_slices_have_no_labels(source: Path, tmp_path: Path, run) -> None:
    boxes = (source / BOX_FILE).rename(tmp_path / "elsewhere.csv")
    run("cq500", source)
    stored = StoredExams(tmp_path / "store")
    assert stored.labels["slice_start"].null_count() == stored.labels.height
    assert stored_boxes(stored).is_empty()
    with pytest.raises(InputError, match=r"\(boxes\)|boxes"):
        run("cq500", source, boxes=boxes)
    assert run("cq500", source, tmp_path / "b", boxes=boxes).joined["boxes_joined"] == 3
    with pytest.raises(InputError, match=r"option boxes: .*got folder"):
        run("folder", source, tmp_path / "c", boxes=boxes)


def test_strange_boxes_are_set_aside(
    source: Path, tmp_path: Path, run, exam_of, write_boxes
) -> None:
    rows = [
        ("1.0.1.4", "Subdural", (1, 2, 3, 4)),
        ("1.0.1.4", "Subdural", (1, 2, 3, 4)),
        ("1.0.1.6", "Subdural", "dict(x=1)"),
        ("1.0.1.7", "Subdural", (1, 2, -3, 4)),
        ("1.0.1.8", "Subdural", (16, 2, 3, 4)),
        ("1.0.1.9", "Fracture", (1, 2, 3, 4)),
    ]
    write_boxes(source / BOX_FILE, rows)
    summary = run("cq500", source)
    assert summary.has_set_aside
    expected = {
        "boxes_repeated": 1,
        "boxes_malformed": 2,
        "boxes_outside_image": 1,
        "boxes_of_unknown_kind": 1,
        "boxes_of_exams": 1,
        "boxes_joined": 1,
    }
    assert {code: summary.joined[code] for code in expected} == expected
    assert summary.examples["boxes_malformed"] == ["box file, row 4", "box file, row 5"]
    found = slices_of(StoredExams(tmp_path / "store"), exam_of(0), "any")
    # Where a row of the study could not be understood the absence of a box says nothing.
    assert found == {4: 1}


def test_box_on_an_image_that_cannot_be_read(source: Path, run) -> None:
    image = source / "qct01" / "CQ500CT0 CQ500CT0" / "Unknown Study" / "CT Plain 5mm"
    path = image / f"CT{N_SLICES - 4:06d}.dcm"
    path.write_bytes(path.read_bytes()[:-5])
    summary = run("cq500", source)
    assert summary.set_aside == {"truncated": 1}
    assert summary.joined["boxes_joined"] == 1
    assert summary.joined["boxes_in_another_series"] == 3


@pytest.mark.parametrize("studies", [(0, 1, 2), (0, 1, 2, 3, 8)])
def test_rows_and_folders_must_match(source, tmp_path, run, write_reads, studies) -> None:
    write_reads(source / "reads.csv", {number: {} for number in studies})
    with pytest.raises(InputError, match=r"reads\.csv: .*allow_unmatched_labels") as caught:
        run("cq500", source)
    counted = "0 rows without a folder, 1 folders" if len(studies) == 3 else "(such as row 6), 0"
    assert counted in str(caught.value)
    assert not (tmp_path / "store").exists()
    summary = run("cq500", source, allow_unmatched_labels=True)
    assert summary.n_labels_without_file == (len(studies) == 5)
    assert summary.n_files_without_label == (len(studies) == 3)
    assert summary.n_exams == 4
    assert summary.n_unlabelled_exams == (len(studies) == 3)


def test_images_outside_a_study_folder(source: Path, tmp_path: Path, run, write_series) -> None:
    folder, wide = source / "CQ500CT1 CQ500CT2", [14, 14]
    write_series(folder, N_SLICES, series="7.7", patient="X", PixelSpacing=wide)
    with pytest.raises(InputError, match="12 images outside such folders"):
        run("cq500", source)
    assert run("cq500", source, allow_unmatched_labels=True).n_exams == 5


def test_study_without_a_series_that_can_be_the_exam(source, run, write_study) -> None:
    for path in (source / "qct01" / "CQ500CT3 CQ500CT3").rglob("*.dcm"):
        path.unlink()
    write_study(source, 3, "BONE", series=1)
    write_study(source, 3, "Plain", series=2, n=3)
    summary = run("cq500", source)
    assert summary.n_exams == 3
    assert summary.joined["studies_without_exam"] == 1
    assert summary.n_labels_in_no_exam == 1
    assert summary.left_out["too_few_slices"] == 3
    assert (
        run(
            "cq500", source, source.parent / "b", series=SeriesSelectionConfig(min_slices=3)
        ).n_exams
        == 4
    )


def test_missing_label_file(source: Path, tmp_path: Path, run) -> None:
    reads = (source / "reads.csv").rename(tmp_path / "reads.csv")
    with pytest.raises(InputError, match="--labels"):
        run("cq500", source)
    assert run("cq500", source, labels=reads).n_unlabelled_exams == 0
    summary = run("cq500", source, tmp_path / "b", allow_unmatched_labels=True)
    assert summary.n_exams == 4
    assert summary.joined["boxes_joined"] == 3


def test_bytes_depend_on_neither_workers_nor_interruption(source, tmp_path, run, tree) -> None:
    one = run("cq500", source, tmp_path / "one")
    two = run("cq500", source, tmp_path / "two", executor=make_executor(2))
    assert one == two
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    (tmp_path / "two" / "manifest.json").unlink()
    sorted((tmp_path / "two" / "commits" / "exams").iterdir())[1].unlink()
    (tmp_path / "two" / "annotations" / "boxes.parquet").unlink()
    assert run("cq500", source, tmp_path / "two") == one
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert run("cq500", source, tmp_path / "two") == one


def test_store_and_messages_hold_no_identifiers(source, tmp_path, run, write_boxes) -> None:
    rows = [("1.0.1.4", "Subdural", (1, 2, 3, 4)), (generate_uid(), "Subdural", "Zqxj()")]
    write_boxes(source / BOX_FILE, rows)
    summary = run("cq500", source)
    texts = [json.dumps(summary.joined), json.dumps(summary.examples)]
    for path in (tmp_path / "store").rglob("*"):
        texts.append(path.relative_to(tmp_path).as_posix())
        if path.is_file():
            texts.append(path.read_bytes().decode("latin-1"))
        if path.suffix == ".parquet":
            texts.append(json.dumps(pl.read_parquet(path).to_dicts()))
    found = "\n".join(texts)
    for secret in ("CQ500-CT", "CQ500CT", "Plain", "1.0.1.4", rows[1][0], "Zqxj", "qct01"):
        assert secret not in found


def test_two_files_of_one_uid_and_different_sizes(
    source: Path, tmp_path: Path, run, write_study, write_boxes
) -> None:
    """A box outside one of the two is never placed there."""
    uid = "1.0.1.4"
    small = {"Rows": 8, "Columns": 8, "PixelData": bytes(128), "SliceThickness": 1}
    write_study(source, 3, "zz", series=9, **small)
    other = source / "qct01" / "CQ500CT3 CQ500CT3" / "Unknown Study" / "CT zz" / "CT000001.dcm"
    dataset = pydicom.dcmread(other)
    dataset.SOPInstanceUID = uid
    dataset.save_as(other)
    write_boxes(source / BOX_FILE, [(uid, "Subdural", (9, 9, 2, 2))])
    summary = run("cq500", source)
    assert summary.joined.get("boxes_joined", 0) + summary.joined["boxes_outside_image"] == 1


def test_real_series_as_a_study(real_data: Path, tmp_path: Path, run, write_reads) -> None:
    source = tmp_path / "source"
    study = source / "CQ500CT0 CQ500CT0" / "Unknown Study"
    shutil.copytree(real_data / "ge_head_series", study / "CT PLAIN")
    shutil.copytree(real_data / "philips_mixed_series", study / "CT scout")
    write_reads(source / "reads.csv", {0: {}})
    summary = run("cq500", source, matrix=64)
    assert (summary.n_exams, summary.n_slices) == (1, 28)
    assert summary.left_out == {"colour": 3, "localizer": 4}
    assert summary.joined == {"studies": 1}
