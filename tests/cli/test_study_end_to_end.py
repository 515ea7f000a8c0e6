"""The whole way through the command line, from raw files to the answer, on a tiny archive."""

import csv
import json
from collections import defaultdict
from pathlib import Path

import polars as pl
import pydicom
import pytest

from examwise.cli.main import main
from examwise.core.identity import Identity
from examwise.core.manifest import MANIFEST
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels

# The RSNA layout has identifiers where DICOM wants UIDs; pydicom, used by itself here, warns.
pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR UI:UserWarning")

CONFIG = Path(__file__).parent / "tiny_study.yaml"


def study(out, *options):
    return main(["study", str(CONFIG), "--out", str(out), "--workers", "1", *options])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "out"
    assert study(out, "--quiet") == 0
    return out


def read(folder, name):
    return pl.read_parquet(folder / name)


def test_study_leaves_everything_it_promises(finished):
    for name in (
        "plan.json",
        "archive/stage_2_train.csv",
        "store/exams.parquet",
        "store/splits.parquet",
        "external/1/archive/reads.csv",
        "external/1/store/exams.parquet",
        "runs.parquet",
        "evaluation/budget_curve.parquet",
        "evaluation/answer.json",
        "report.html",
        MANIFEST,
    ):
        assert (finished / name).is_file(), name
    runs = read(finished, "runs.parquet")
    assert runs.height == 9
    for run_id, mode in runs.select("run_id", "mode").iter_rows():
        trained = (finished / "runs" / run_id / "model.safetensors").is_file()
        assert trained == (mode != "label_free")
        for place in (finished, finished / "external/1"):
            assert (place / "predictions" / run_id / "slices.parquet").is_file()


def test_finished_study_answers_again_at_once(finished, capsys):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*.parquet")}
    assert study(finished, "--json") == 0
    line = json.loads(capsys.readouterr().out)
    answer = json.loads((finished / "evaluation/answer.json").read_text())
    assert line["status"] == "done"
    assert line["answer"] == answer
    assert line["report"] == str(finished / "report.html")
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*.parquet")} == before


def test_terminal_begins_with_the_answer_and_ends_with_the_path(finished, capsys):
    assert study(finished) == 0
    text = capsys.readouterr().out
    answer = json.loads((finished / "evaluation/answer.json").read_text())
    assert text.startswith(answer["headline"])
    assert "\nlearner  labels of" in text
    assert text.rstrip().endswith(f"Report: {finished / 'report.html'}")


def test_another_study_is_refused_in_the_same_folder(finished, tmp_path, capsys):
    other = tmp_path / "other.yaml"
    other.write_text(CONFIG.read_text().replace("target_auc: 0.7", "target_auc: 0.9"))
    assert main(["study", str(other), "--out", str(finished)]) == 2
    assert "configuration.study.target_auc = 0.7, got 0.9" in capsys.readouterr().err


def test_budgets_cost_what_they_say(finished):
    runs = read(finished, "runs.parquet")
    weak = runs.filter(pl.col("learner") == "weak")
    assert (weak["reader_actions"] == weak["budget"]).all()
    assert (weak["n_exams_opened"] == weak["budget"]).all()
    assert weak["reader_hours"].to_list() == pytest.approx([m * 63 / 3600 for m in weak["budget"]])
    strong = runs.filter(pl.col("learner") == "strong")
    assert strong["reader_hours"].to_list() == pytest.approx(
        [m * 9 / 3600 for m in strong["budget"]]
    )
    bought = runs["n_training_labels"] + runs["n_validation_labels"]
    assert (bought == runs["budget"]).all()


def test_no_run_saw_a_test_patient(finished):
    splits = read(finished, "store/splits.parquet")
    test = set(splits.filter(pl.col("split") == "test")["exam_id"])
    for folder in (finished / "runs").iterdir():
        assert not test & set(read(folder, "label_set.parquet")["exam_id"])
    for folder in (finished / "predictions").iterdir():
        assert set(read(folder, "exams.parquet")["exam_id"]) == test


def truth_by_hand(archive):
    """Read labels and headers with nothing of our own: exam key to {position: any}."""
    labels = {}
    with (archive / "stage_2_train.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            image, _, kind = row["ID"].rpartition("_")
            if kind == "any":
                labels[image] = int(row["Label"])
    exams = defaultdict(dict)
    for path in (archive / "stage_2_train").iterdir():
        header = pydicom.dcmread(path, stop_before_pixels=True)
        key = (str(header.StudyInstanceUID), str(header.SeriesInstanceUID))
        exams[key][float(header.ImagePositionPatient[2])] = (path, labels[path.stem])
    return exams


def test_one_label_is_followed_from_its_csv_row_to_the_report(finished):
    identity = Identity(finished / "identity")
    stored = StoredExams(finished / "store")
    splits = read(finished, "store/splits.parquet")
    test = set(splits.filter(pl.col("split") == "test")["exam_id"])
    by_hand = truth_by_hand(finished / "archive")
    assert len(by_hand) == len(stored)
    of_test = {
        identity.exam_id(*key): [slices[z] for z in sorted(slices)]
        for key, slices in by_hand.items()
        if identity.exam_id(*key) in test
    }
    exam_id, slices = next(
        (exam, found) for exam, found in sorted(of_test.items()) if any(label for _, label in found)
    )
    index, (path, label) = next((i, found) for i, found in enumerate(slices) if found[1])
    assert label == 1

    # Its file is accounted for, at its place in the exam.
    files = read(finished, "store/files.parquet")
    digest = identity.path_digest(f"stage_2_train/{path.name}")
    row = files.row(by_predicate=pl.col("path_digest") == digest, named=True)
    assert (row["status"], row["exam_id"], row["slice_index"]) == ("used", exam_id, index)

    # Its pixels are that file's, in Hounsfield units.
    raw = pydicom.dcmread(path)
    inside = raw.pixel_array > -2000
    hu = raw.pixel_array * float(raw.RescaleSlope) + float(raw.RescaleIntercept)
    assert (stored.read_slices(exam_id, [index])[0] == hu)[inside].all()

    # Its label is an event, a slice label, and makes the exam's label.
    event = stored.labels.filter(
        (pl.col("exam_id") == exam_id)
        & (pl.col("slice_start") == index)
        & (pl.col("finding") == "any")
    )
    assert event["value"].to_list() == [1]
    of_exam = slice_labels(stored, "any").filter(pl.col("exam_id") == exam_id).sort("slice_index")
    assert of_exam["slice_label"].to_list() == [found for _, found in slices]
    exam = exam_labels(stored, "any").filter(pl.col("exam_id") == exam_id)
    assert exam["exam_label"].to_list() == [1]

    # Every run's predictions carry it, and every evaluation counts it.
    n_positive = sum(any(found for _, found in exam) for exam in of_test.values())
    for folder in (finished / "predictions").iterdir():
        predicted = read(folder, "slices.parquet").filter(
            (pl.col("exam_id") == exam_id) & (pl.col("slice_index") == index)
        )
        assert predicted["slice_label"].to_list() == [1]
        exams = read(folder, "exams.parquet")
        assert exams.filter(pl.col("exam_id") == exam_id)["exam_label"].to_list() == [1]
    metrics = read(finished, "evaluation/exam_metrics.parquet")
    metrics = metrics.filter(pl.col("archive") == "synthetic hospital a")
    assert metrics["n_positive"].unique().to_list() == [n_positive]
    assert metrics["n_exams"].unique().to_list() == [len(of_test)]

    # And the report says how many there were.
    report = (finished / "report.html").read_text()
    assert f"{n_positive} positive" in report


def test_no_file_outside_archive_and_identity_holds_an_identifier(finished):
    identifiers = {
        str(value).encode()
        for path in list((finished / "archive/stage_2_train").iterdir())[:20]
        for header in [pydicom.dcmread(path, stop_before_pixels=True)]
        for value in (header.PatientID, header.StudyInstanceUID, header.SOPInstanceUID)
    }
    for path in finished.rglob("*"):
        inside = path.relative_to(finished).parts[0]
        if path.is_file() and inside not in ("archive", "identity"):
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += pl.read_parquet(path).write_json().encode()
            assert not any(identifier in content for identifier in identifiers), path
