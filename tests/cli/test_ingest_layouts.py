from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from examwise.cli.main import main

LABELS = "hemorrhage_diagnosis_raw_ct.csv"
COLUMNS = (
    "PatientNumber,SliceNumber,Intraventricular,Intraparenchymal,Subarachnoid,Epidural,Subdural,"
    "No_Hemorrhage,Fracture_Yes_No"
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    values = np.arange(16 * 16 * 2).reshape(16, 16, 2)
    for name in ("ct_scans", "masks"):
        (folder / name).mkdir(parents=True)
        stored = (values > 0 if name == "masks" else values).astype(np.int16)
        image = nibabel.Nifti1Image(stored, np.diag([1.0, 1, 5, 1]))
        nibabel.save(image, folder / name / "049.nii")
    rows = ["49,1,0,0,0,0,1,0,0", "49,2,0,0,0,0,0,1,0"]
    (folder / LABELS).write_text("\n".join([COLUMNS, *rows, ""]))
    return folder


def words(source: Path, tmp_path: Path, *more: str) -> list[str]:
    store, identity = str(tmp_path / "store"), str(tmp_path / "identity")
    options = ["--identity", identity, "--workers", "1", "--ingest.matrix", "16"]
    return ["ingest", "ct-ich", str(source), store, *options, *more]


def test_counts_end_the_import(source: Path, tmp_path: Path, capsys) -> None:
    assert main(words(source, tmp_path)) == 0
    said = capsys.readouterr().out
    assert "Joined: 2 rows joined to a slice" in said
    assert "Joined: 1 slices with a mask of what their label denies: both kept" in said
    assert main(words(source, tmp_path, "--json")) == 0
    counts = json.loads(capsys.readouterr().out)["joined"]
    assert (counts["slice_rows_joined"], counts["masks_joined"]) == (2, 1)


def test_rule_of_readers_is_an_option(source: Path, tmp_path: Path, capsys) -> None:
    assert main(words(source, tmp_path, "--exam-label", "all")) == 2
    said = capsys.readouterr().err
    assert "option exam_label: expected a layout with labels of several readers" in said
    assert main(words(source, tmp_path, "--exam-label", "most")) == 2
    assert "majority" in capsys.readouterr().err


def test_mask_set_aside_ends_with_its_exit_status(source: Path, tmp_path: Path, capsys) -> None:
    (source / "masks" / "077.nii").write_bytes((source / "masks" / "049.nii").read_bytes())
    assert main(words(source, tmp_path)) == 3
    assert "(mask_without_scan)" in capsys.readouterr().out


def test_boxes_are_refused_where_there_are_none(source: Path, tmp_path: Path, capsys) -> None:
    assert main(words(source, tmp_path, "--boxes", str(source / LABELS))) == 2
    assert "option boxes" in capsys.readouterr().err
