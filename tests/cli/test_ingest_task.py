"""A task of the user's own from raw files to a store, through the command line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from examwise.cli.main import main
from examwise.cli.study_file import read_study_file
from examwise.core.errors import InputError
from examwise.core.manifest import read_manifest
from examwise.core.task import load_task
from examwise.imaging.stored_annotations import boxes
from examwise.imaging.stored_exams import StoredExams

TASK = """
name: skull_fracture
findings: [fracture, depressed_fracture]
series:
  kernel: bone
window_center: 600
window_width: 2800
"""
N_SLICES = 12


def write_series(folder: Path, patient: int, series: int, kernel: str) -> None:
    for index in range(N_SLICES):
        dataset = pydicom.Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
        dataset.file_meta.MediaStorageSOPInstanceUID = f"1.{patient}.{series}.{index}"
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = CTImageStorage
        dataset.SOPInstanceUID = f"1.{patient}.{series}.{index}"
        dataset.PatientID = f"P{patient}"
        dataset.StudyInstanceUID = f"1.{patient}"
        dataset.SeriesInstanceUID = f"1.{patient}.{series}"
        dataset.Modality = "CT"
        dataset.ConvolutionKernel = kernel
        dataset.SliceThickness = 5
        dataset.ImagePositionPatient = [0, 0, 5.0 * index]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing = [12, 12]
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.Rows = dataset.Columns = 16
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit = 15
        dataset.PixelRepresentation = 1
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.add_new("PixelData", "OW", _head(patient, series, index).tobytes())
        folder.mkdir(parents=True, exist_ok=True)
        dataset.save_as(folder / f"{index}.dcm", enforce_file_format=True)


def _head(patient: int, series: int, index: int) -> np.ndarray:
    """Brain in a skull in air."""
    seed = hashlib.sha256(f"{patient} {series} {index}".encode()).digest()[0]
    radius = np.hypot(*np.mgrid[-7.5:8.5, -7.5:8.5])
    hu = np.where(radius < 6, 30 + seed % 7, np.where(radius < 7.5, 1000, -1000))
    return (hu + 1024).astype("<i2")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three patients, a bone and a soft series each."""
    folder = tmp_path / "source"
    for patient in range(3):
        write_series(folder / f"p{patient}" / "bone", patient, 1, "BONEPLUS")
        write_series(folder / f"p{patient}" / "soft", patient, 2, "STANDARD")
    (tmp_path / "task.yaml").write_text(TASK)
    (tmp_path / "labels.csv").write_text(
        "path,fracture,depressed_fracture\np0,1,0\np1,0,0\np2/bone/4.dcm,1,\n"
    )
    return folder


def words(tmp_path: Path, source: Path, *more: str, layout: str = "folder") -> list[str]:
    identity = str(tmp_path / "identity")
    options = ["--identity", identity, "--workers", "1", "--ingest.matrix", "16"]
    return ["ingest", layout, str(source), str(tmp_path / "store"), *options, *more]


def test_fractures_from_bone_series(source: Path, tmp_path: Path, capsys) -> None:
    task, labels = str(tmp_path / "task.yaml"), str(tmp_path / "labels.csv")
    assert main(words(tmp_path, source, "--task", task, "--labels", labels)) == 0
    assert "Joined: 3 labelled files and folders" in capsys.readouterr().out
    stored = StoredExams(tmp_path / "store")
    assert stored.exams["kernel"].unique().to_list() == ["BONEPLUS"]
    assert len(stored) == 3
    whole = stored.labels.filter(pl.col("slice_start").is_null())
    assert whole.select("finding", "value").sort("finding", "value").rows() == [
        ("depressed_fracture", 0),
        ("depressed_fracture", 0),
        ("fracture", 0),
        ("fracture", 1),
        ("fracture", 1),
    ]
    on_slices = stored.labels.filter(pl.col("slice_start").is_not_null())
    assert on_slices.select("finding", "slice_start", "value").rows() == [("fracture", 4, 1)]
    kept = read_manifest(tmp_path / "store", kind="exam-store").configuration["task"]
    assert kept["name"] == "skull_fracture"
    assert kept["findings"] == ["fracture", "depressed_fracture"]
    assert kept["summary_finding"] is None
    assert (kept["window_center"], kept["window_width"]) == (600, 2800)
    assert main(["verify", str(tmp_path / "store"), "--quiet"]) == 0


def test_options_overrule_what_the_task_says_of_series(source: Path, tmp_path: Path) -> None:
    more = ["--task", str(tmp_path / "task.yaml"), "--ingest.series.kernel", "soft"]
    assert main(words(tmp_path, source, *more)) == 0
    kernels = StoredExams(tmp_path / "store").exams["kernel"].unique().to_list()
    assert kernels == ["STANDARD"]


def test_the_default_task_is_the_shipped_one(source: Path, tmp_path: Path, capsys) -> None:
    assert main(words(tmp_path, source)) == 0
    assert main(words(tmp_path, source, "--task", "head_ich")) == 0
    assert main(words(tmp_path, source, "--task", "head_fracture")) == 2
    assert "task" in capsys.readouterr().err


def test_labels_by_exam_id(source: Path, tmp_path: Path, capsys) -> None:
    task = ["--task", str(tmp_path / "task.yaml")]
    assert main(words(tmp_path, source, *task)) == 0
    exams = StoredExams(tmp_path / "store").exams["exam_id"].to_list()
    labels = tmp_path / "by_exam.csv"
    text = f"exam_id,path,fracture\n{exams[0]},,1\n,p1/bone/0.dcm,0\n"
    labels.write_text(text)
    store = str(tmp_path / "labelled")
    again = words(tmp_path, source, *task, "--labels", str(labels), "--json")
    again[3] = store
    capsys.readouterr()
    assert main(again) == 0
    joined = json.loads(capsys.readouterr().out)["joined"]
    assert (joined["label_exams_joined"], joined["label_places_joined"]) == (1, 1)
    whole = StoredExams(store).labels.filter(pl.col("slice_start").is_null())
    assert whole.select("exam_id", "finding", "value").rows() == [(exams[0], "fracture", 1)]
    labels.write_text(text + f"{'e' + '0' * 20},,1\n")
    again[3] = str(tmp_path / "third")
    assert main(again) == 2
    said = capsys.readouterr().err
    assert "row 4, column exam_id: expected an exam of the source" in said
    assert main([*again, "--ingest.allow_unmatched_labels", "true"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["n_labels_without_file"] == 1
    assert summary["examples"]["label_exams_without_series"] == ["label file, row 4"]


@pytest.mark.parametrize("layout", ["rsna", "cq500", "ct-ich"])
def test_layouts_with_findings_of_their_own_refuse_others(
    source: Path, tmp_path: Path, capsys, layout: str
) -> None:
    assert main(words(tmp_path, source, "--task", "head_fracture", layout=layout)) == 2
    said = capsys.readouterr().err
    assert "task head_fracture: expected this layout's own findings (any, epidural" in said
    assert not (tmp_path / "store" / "stage.json").exists()


def test_other_modalities_are_refused_by_name(source: Path, tmp_path: Path, capsys) -> None:
    task = tmp_path / "task.yaml"
    task.write_text(TASK + "modality: MRI\n")
    assert main(words(tmp_path, source, "--task", str(task))) == 2
    assert "modality MRI cannot be read: nobody has written their reader" in capsys.readouterr().err


def test_changed_labels_of_a_finished_store(source: Path, tmp_path: Path, capsys) -> None:
    """The refusal speaks of the label file, wherever it lies."""
    inside = source / "labels.csv"
    (tmp_path / "labels.csv").rename(inside)
    options = ["--task", str(tmp_path / "task.yaml"), "--labels", str(inside)]
    assert main(words(tmp_path, source, *options)) == 0
    inside.write_text("path,fracture\np0,0\n")
    assert main(words(tmp_path, source, *options)) == 2
    assert "label file" in capsys.readouterr().err
    other = source / "other.csv"
    other.write_text("path,fracture\np0,0\n")
    assert main(words(tmp_path, source, *options[:3], str(other))) == 2
    said = capsys.readouterr().err
    assert "label file" in said
    assert "store_id" not in said


def test_masks_in_colour_beside_an_import(source: Path, tmp_path: Path, capsys) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[2:4, 3:5] = (255, 0, 0)
    (tmp_path / "masks").mkdir()
    Image.fromarray(pixels).save(tmp_path / "masks" / "1.0.1.4.png")
    Image.fromarray(pixels).save(tmp_path / "masks" / "elsewhere.png")
    colours = tmp_path / "colours.yaml"
    colours.write_text('colours: {"#ff0000": fracture, "#000000": background}\n')
    masks = ["--masks", str(tmp_path / "masks"), "--mask-colours", str(colours)]
    more = ["--task", str(tmp_path / "task.yaml"), *masks]
    assert main(words(tmp_path, source, *more)) == 0
    said = capsys.readouterr().out
    assert "Joined: 1 of these joined to a stored slice (such as e" in said
    assert "1 masks whose image the source does not have (such as mask 2 of 2 by name)" in said
    (box,) = boxes(StoredExams(tmp_path / "store")).to_dicts()
    assert (box["finding"], box["slice_index"]) == ("fracture", 4)
    assert (box["x"], box["y"], box["width"], box["height"]) == (6, 4, 4, 4)
    assert main(["verify", str(tmp_path / "store"), "--quiet"]) == 0
    assert main(words(tmp_path, source, *more[:4])) == 2
    assert "expected both, or neither" in capsys.readouterr().err


def test_a_run_reads_raw_files_as_its_task_does(source: Path, tmp_path: Path) -> None:
    task = ["--task", str(tmp_path / "task.yaml"), "--labels", str(tmp_path / "all.csv")]
    rows = [f"p{patient},{patient % 2},0" for patient in range(3)]
    (tmp_path / "all.csv").write_text("\n".join(["path,fracture,depressed_fracture", *rows]) + "\n")
    assert main(words(tmp_path, source, *task, "--quiet")) == 0
    (tmp_path / "split.csv").write_text(
        "\n".join(
            ["exam_id,split"]
            + [f"{exam},train" for exam in StoredExams(tmp_path / "store").exams["exam_id"]]
        )
    )
    store, run, out = (str(tmp_path / name) for name in ("store", "run", "out"))
    given = ["--given", str(tmp_path / "split.csv")]
    assert main(["split", store, *given, "--quiet"]) == 0
    model = ["--model.encoder", "resnet10", "--model.width", "4", "--model.embedding", "8"]
    steps = ["--training.steps", "2", "--quiet"]
    assert main(["train", store, "--learner", "weak", "--out", run, *model, *steps]) == 0
    key = ["--identity", str(tmp_path / "identity"), "--workers", "1", "--allow-overlap"]
    assert main(["predict", run, str(source), "--out", out, *key, "--quiet"]) == 0
    stored = StoredExams(f"{out}-store")
    assert stored.exams["kernel"].unique().to_list() == ["BONEPLUS"]
    soft = ["--ingest.series.kernel", "soft", "--quiet"]
    assert main(["predict", run, str(source), "--out", f"{out}2", *key, *soft]) == 0
    assert StoredExams(f"{out}2-store").exams["kernel"].unique().to_list() == ["STANDARD"]


@pytest.mark.parametrize(
    ("layout", "option", "value"),
    [
        ("rsna", "--ingest.series.kernel", "bone"),
        ("rsna", "--ingest.series.min_slices", "3"),
        ("ct-ich", "--ingest.series.wanted_thickness_mm", "3"),
        ("ct-ich", "--ingest.series.min_thick_mm", "3"),
        ("folder", "--exam-label", "all"),
    ],
)
def test_options_that_a_layout_has_no_use_for_are_refused(
    source: Path, tmp_path: Path, capsys, layout: str, option: str, value: str
) -> None:
    assert main(words(tmp_path, source, option, value, layout=layout)) == 2
    name = option.removeprefix("--").removeprefix("ingest.").replace("-", "_")
    assert f"option {name}: expected a layout with" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_series_of_a_store_are_not_chosen_again(source: Path, tmp_path: Path, capsys) -> None:
    assert main(words(tmp_path, source, "--quiet")) == 0
    predict = ["predict", "run", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    assert main([*predict, "--ingest.series.kernel", "bone"]) == 2
    assert "--ingest.series: expected a folder of raw files" in capsys.readouterr().err


def test_more_masks_come_with_more_exams(source: Path, tmp_path: Path, capsys) -> None:
    first = tmp_path / "first"
    (source / "p0").rename(tmp_path / "p0")
    source.rename(first)
    task = ["--task", str(tmp_path / "task.yaml")]
    assert main(words(tmp_path, first, *task)) == 0
    (tmp_path / "p0").rename(first / "p0")
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[4:8, 6:10] = (255, 0, 0)
    (tmp_path / "masks").mkdir()
    for name in ("1.0.1.4", "1.1.1.5"):  # of an exam that is new, and of one in the store
        Image.fromarray(pixels).save(tmp_path / "masks" / f"{name}.png")
    colours = tmp_path / "colours.yaml"
    colours.write_text('colours: {"#ff0000": fracture, "#000000": background}\n')
    masks = ["--masks", str(tmp_path / "masks")]
    assert main(words(tmp_path, first, *task, *masks, "--append")) == 2
    assert "expected both, or neither" in capsys.readouterr().err
    more = [*task, *masks, "--mask-colours", str(colours), "--append", "--json"]
    assert main(words(tmp_path, first, *more)) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["added"]["n_exams"] == 1
    joined = found["added"]["joined"]
    assert joined["colour_masks"] == 2
    assert joined["colour_masks_joined"] == 1
    assert joined["exams_with_new_annotations"] == 1
    stored = StoredExams(tmp_path / "store")
    (box,) = boxes(stored).to_dicts()
    assert (box["finding"], box["slice_index"], box["x"], box["y"]) == ("fracture", 4, 6, 4)
    assert box["exam_id"] not in found["added"]["examples"]["exams_with_new_annotations"]
    assert main(["verify", str(tmp_path / "store"), "--quiet"]) == 0
    assert main(words(tmp_path, first, *more)) == 0
    assert json.loads(capsys.readouterr().out)["known"]
    pixels[0] = (255, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "masks" / "1.0.1.4.png")
    assert main(words(tmp_path, first, *more)) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["known"], again["added"]["n_exams"]) == (False, 0)


STUDY = """
source:
  layout: folder
  labels: labels.csv
  ingest: {{matrix: 16, task: {task}{series}}}
study:
  finding: fracture
  target_auc: 0.8
  split: {{train: 0.5, validation: 0.2, test: 0.3}}
  arms: [{{learner: weak, acquisition: exam, budgets: [20]}}]
  model: {{findings: [fracture]}}
"""


@pytest.mark.parametrize(
    ("task", "name", "kernel"),
    [
        ("task.yaml", "skull_fracture", "bone"),
        ("deeper/../task.yaml", "skull_fracture", "bone"),
        ("head_fracture", "head_fracture", "bone"),
        ("head_ich", "head_ich", "soft"),
    ],
)
def test_study_file_names_its_task(
    tmp_path: Path, monkeypatch, task: str, name: str, kernel: str
) -> None:
    """A path is relative to the study file, wherever the command is given."""
    folder = tmp_path / "studies"
    (folder / "deeper").mkdir(parents=True)
    (folder / "task.yaml").write_text(TASK)
    monkeypatch.chdir(tmp_path)
    path = folder / "study.yaml"
    path.write_text(STUDY.format(task=task, series=""))
    file = read_study_file(path)
    assert file.source.ingest.task.name == name
    # As on the command line of ingest: the task's series, unless the file says otherwise.
    assert file.source.ingest.series.kernel == kernel
    assert file.study.model.window_width_hu == file.source.ingest.task.window_width
    path.write_text(STUDY.format(task=task, series=", series: {kernel: any, min_slices: 5}"))
    series = read_study_file(path).source.ingest.series
    assert (series.kernel, series.min_slices) == ("any", 5)


def test_study_file_names_no_task(tmp_path: Path, capsys) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.format(task="nothing.yaml", series=""))
    assert main(["study", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "nothing.yaml: expected a YAML file" in capsys.readouterr().err
    (tmp_path / "nothing.yaml").write_text(TASK)
    with pytest.raises(InputError, match="other exams, head_ich, got another"):
        read_study_file(path, task=load_task("head_ich"))
    assert read_study_file(path, task=load_task(tmp_path / "nothing.yaml"))


def test_study_from_raw_files_reads_the_series_of_its_task(
    source: Path, tmp_path: Path, capsys
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.format(task="task.yaml", series=""))
    (tmp_path / "labels.csv").rename(source / "labels.csv")
    key = ["--identity", str(tmp_path / "identity"), "--workers", "1"]
    # Three exams are too few to go on with.
    words = ["study", str(path), "--source", str(source), "--out", str(tmp_path / "out"), *key]
    assert main(words) == 2
    kernels = StoredExams(tmp_path / "out" / "store").exams["kernel"]
    assert kernels.unique().to_list() == ["BONEPLUS"]
