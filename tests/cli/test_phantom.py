"""``examwise phantom``: short options, the usual hospital of a layout, and what is said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from examwise.cli.main import main
from examwise.core.manifest import read_manifest

SMALL = ["--exams", "3", "--matrix", "16", "--phantom.min_slices", "2", "--phantom.max_slices", "3",
         "--workers", "1"]  # fmt: skip


@pytest.mark.parametrize(
    ("layout", "hospital", "label_file"),
    [
        ("rsna", "a", "stage_2_train.csv"),
        ("cq500", "b", "reads.csv"),
        ("ct-ich", "c", "hemorrhage_diagnosis_raw_ct.csv"),
    ],
)
def test_layouts_have_a_usual_hospital(tmp_path: Path, capsys, layout, hospital, label_file):
    out = tmp_path / "archive"
    assert main(["phantom", str(out), "--layout", layout, *SMALL, "--seed", "4"]) == 0
    assert f"hospital {hospital}, layout {layout}" in capsys.readouterr().out
    manifest = read_manifest(out, kind="phantom-archive")
    assert manifest.configuration["hospital"] == hospital
    assert manifest.configuration["matrix"] == 16
    assert manifest.seed == 4
    assert (out / label_file).is_file()
    assert pl.read_parquet(out / "truth.parquet")["exam_number"].n_unique() == 3


def test_a_hospital_can_be_chosen(tmp_path: Path, capsys):
    out = tmp_path / "archive"
    words = ["phantom", str(out), "--layout", "ct-ich", "--hospital", "a", *SMALL, "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["hospital"], found["layout"], found["n_exams"]) == ("a", "ct-ich", 3)


def test_short_and_long_options_are_the_same(tmp_path: Path):
    short = ["phantom", str(tmp_path / "archive"), *SMALL, "--seed", "4", "--hospital", "b"]
    long = ["phantom", str(tmp_path / "archive"), "--phantom.n_exams", "3",
            "--phantom.matrix", "16", "--phantom.min_slices", "2", "--phantom.max_slices", "3",
            "--phantom.seed", "4", "--phantom.hospital", "b"]  # fmt: skip
    assert main([*short, "--quiet"]) == 0
    # Other options would be refused for a folder that is finished.
    assert main([*long, "--quiet"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--exams", "2", "--phantom.n_exams", "3"], "--exams and --phantom.n_exams: expected one"),
        (["--hospital", "a", "--phantom.hospital", "b"], "--hospital and --phantom.hospital"),
        (["--hospital", "b", "--phantom.hospital", "a"], "--hospital and --phantom.hospital"),
        (["--hospital", "z"], "hospital: expected one of a, b, c, got z"),
        (["--layout", "dicomdir"], "layout: expected one of rsna, cq500, ct-ich, got dicomdir"),
        (["--exams", "0"], "n_exams: expected a whole number"),
        (["--exams", "many"], "exams"),
        (["--layout", "cq500", "--phantom.exams_per_patient", "2"], "one exam of each patient"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, capsys, words, message):
    assert main(["phantom", str(tmp_path / "x"), *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x").exists()


_LOADED = """
import sys
from examwise.cli.main import main
try:
    main(["phantom", "--help"])
except SystemExit:
    pass
heavy = {"polars", "pydicom", "nibabel", "scipy", "zarr", "torch"} & sys.modules.keys()
sys.exit(",".join(sorted(heavy)) or 0)
"""


def test_help_loads_nothing_heavy():
    process = subprocess.run(
        [sys.executable, "-c", _LOADED], capture_output=True, text=True, check=False
    )
    assert process.stderr == ""
    assert process.returncode == 0
    assert "--hospital" in process.stdout
