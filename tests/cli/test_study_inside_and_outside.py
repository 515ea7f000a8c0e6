"""A study tested inside and outside: the default one shrunk, then folders and stores given."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from examwise.cli.main import main
from examwise.cli.study_file import embedded_default, read_study_file
from examwise.core.manifest import read_manifest
from examwise.imaging.stored_exams import StoredExams

ARCHIVES = ("synthetic hospital a", "synthetic hospital b", "synthetic hospital c")


def shrink(tree: dict[str, Any]) -> dict[str, Any]:
    """Make of the default study, or of a copy of it, one of seconds."""
    sizes = {"matrix": 32, "min_slices": 10, "max_slices": 11}
    tree["source"]["ingest"]["matrix"] = 32
    tree["source"]["phantom"] |= {**sizes, "n_exams": 48}
    for archive in tree["external"]:
        archive["phantom"] |= {**sizes, "n_exams": 12}
    study = tree["study"]
    study |= {"repeats": 2, "validation_from": 30, "bootstrap_replicates": 100}
    for arm in study["arms"]:
        arm["budgets"] = [*[20, 40] * (len(arm["budgets"]) > 1), "all"]
        arm |= {"repeats": 1} if "repeats" in arm else {}
    study["model"] |= {"embedding": 4}
    study["training"] |= {"steps": 4}
    study["fine_tuning"]["training"] |= {"steps": 2, "exams_per_step": 2, "slices_per_step": 4}
    return tree


def write(path: Path, tree: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    """The file that ``study init`` writes, shrunk."""
    path = tmp_path_factory.mktemp("config") / "study.yaml"
    assert main(["study", "init", str(path), "--quiet"]) == 0
    return write(path, shrink(yaml.safe_load(path.read_text())))


@pytest.fixture(scope="module")
def finished(config, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("study") / "out"
    assert main(["study", str(config), "--out", str(out), "--workers", "1", "--quiet"]) == 0
    return out


@pytest.fixture(scope="module")
def brief(config, tmp_path_factory) -> Path:
    """A study file of two runs, for archives that are there."""
    tree = yaml.safe_load(config.read_text())
    tree["study"] |= {"repeats": 1, "label_free": ["mean_hu"], "fine_tuning": None}
    tree["study"]["arms"] = [
        {"learner": "strong", "acquisition": "spread", "budgets": [40]},
        {"learner": "weak", "acquisition": "exam", "budgets": ["all"]},
    ]
    del tree["source"]["phantom"]
    for archive in tree["external"]:
        del archive["phantom"]
    return write(tmp_path_factory.mktemp("brief") / "study.yaml", tree)


def result(capsys) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_default_study_is_read_as_it_is_meant() -> None:
    file = read_study_file(embedded_default())
    archives = (file.source, *file.external)
    assert [archive.phantom.hospital for archive in archives] == ["a", "b", "c"]
    assert len({archive.phantom.seed for archive in archives}) == 3
    # An archive is stored as it was made, whatever it is.
    assert {archive.ingest.matrix for archive in archives} == {file.source.phantom.matrix}
    study = file.study
    assert study.split is not None
    assert study.split.test * file.source.phantom.n_exams > 400
    assert study.repeats >= 10
    main_arms = [arm for arm in study.arms if arm.learner in ("strong", "weak")]
    ways = [(arm.learner, arm.acquisition) for arm in main_arms]
    assert ways == [("strong", "spread"), ("strong", "whole_exam"), ("weak", "exam")]
    assert all(arm.takes_all and len(arm.budgets) >= 5 for arm in main_arms)
    assert study.model.is_frozen
    assert study.fine_tuning is not None
    assert study.costs is not None


def test_three_hospitals_one_key(finished) -> None:
    folders = [finished, finished / "external/1", finished / "external/2"]
    keys, names = set(), []
    for folder in folders:
        store = StoredExams(folder / "store")
        keys.add(store.manifest.configuration["key_id"])
        names += store.exams["archive"].unique().to_list()
        assert (folder / "archive/manifest.json").is_file()
    assert tuple(names) == ARCHIVES
    assert len(keys) == 1
    source = read_manifest(finished, kind="study").configuration["source"]
    assert [archive["layout"] for archive in source["external"]] == ["cq500", "ct-ich"]


def test_every_run_is_tested_inside_and_outside(finished) -> None:
    runs = pl.read_parquet(finished / "runs.parquet")
    assert runs.group_by("mode").len().sort("mode").rows() == [
        ("budgeted", 2 * (3 + 3 + 2) + 2),  # 40 exam labels are more than there are
        ("fine_tuned", 2),
        ("label_free", 2),
    ]
    places = ("predictions", "external/1/predictions", "external/2/predictions")
    for place, n_exams in zip(places, (None, 12, 12), strict=True):
        for run_id in runs["run_id"]:
            exams = pl.read_parquet(finished / place / run_id / "exams.parquet")
            assert n_exams is None or exams.height == n_exams, (place, run_id)


def test_answer_tells_inside_and_outside_apart(finished, config, capsys) -> None:
    words = ["study", str(config), "--out", str(finished), "--workers", "1"]
    assert main([*words, "--json"]) == 0
    answer = result(capsys)["answer"]
    assert answer == json.loads((finished / "evaluation/answer.json").read_text())
    assert [archive["archive"] for archive in answer["archives"]] == list(ARCHIVES)
    assert [archive["is_external"] for archive in answer["archives"]] == [False, True, True]
    for archive in answer["archives"]:
        ways = [reading["acquisition"] for reading in archive["readings"]]
        assert ways == ["spread", "whole_exam"]
        rows = [(row["learner"], row["mode"]) for row in archive["table"]]
        assert {("pretext", "label_free"), ("mean_hu", "label_free")} <= set(rows)
        assert {("strong", "fine_tuned"), ("weak", "fine_tuned")} <= set(rows)
        assert {("pooled", "budgeted"), ("position", "budgeted")} <= set(rows)
    assert main(words) == 0
    text = capsys.readouterr().out
    assert text.startswith(answer["headline"])
    assert [line.split(" (")[0] for line in text.splitlines() if line.startswith("Outside")] == [
        f"Outside, {name}" for name in ARCHIVES[1:]
    ]
    assert text.rstrip().endswith(f"Report: {finished / 'report.html'}")
    page = (finished / "report.html").read_text()
    assert all(name in page for name in ARCHIVES)


def test_folders_of_ones_own(finished, brief, tmp_path, capsys) -> None:
    out, key = tmp_path / "out", ["--identity", str(tmp_path / "key"), "--workers", "1"]
    source = ["--source", str(finished / "archive")]
    words = ["study", str(brief), "--out", str(out), *source, *key]
    words += ["--external", str(finished / "external/1/archive")]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "Left out: 1 of the study file's external archives (ct-ich)" in said.err
    assert "Outside, cq500 (12 test exams" in said.out
    stores = [StoredExams(out / "store"), StoredExams(out / "external/1/store")]
    assert len({store.manifest.configuration["key_id"] for store in stores}) == 1
    # Only what was given is read: nothing synthetic is made beside it.
    assert not (out / "archive").exists()
    assert not (out / "identity").exists()
    more = ["--external", str(finished / "external/2/archive")]
    # A finished study goes on with another archive; what it had is only read.
    before = (out / "external/1/predictions").stat().st_mtime_ns
    assert main([*words, *more]) == 0
    said = capsys.readouterr()
    assert "Outside, cq500 (12 test exams" in said.out
    assert "Outside, ct_ich (12 test exams" in said.out
    assert (out / "external/1/predictions").stat().st_mtime_ns == before
    # It is not taken back.
    assert main(words) == 2
    assert "the 2 external stores with which the study was made" in capsys.readouterr().err


def test_a_finished_study_plans_the_next_round(finished, tmp_path, capsys) -> None:
    words = ["plan", "--study", str(finished), "--margin", "0.1", "--prevalence", "0.4"]
    times = ["--seconds-per-exam", "60", "--seconds-per-slice", "6"]
    out = tmp_path / "plan.json"
    assert main([*words, *times, "--hours", "100", "--goal", "0.8", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Label ")
    for part in (
        "1. Test set: ",
        "2. Pilot, with a clock: ",
        "3. Training and validation",
        "reaches goal",
    ):
        assert part in text
    assert "A study of your own, run with --local, narrows them." in text
    plan = json.loads(out.read_text())
    assert {way["name"] for way in plan["ways"]} == {
        "exam labels",
        "single slices",
        "all slices of whole exams",
    }
    store = ["--store", str(finished / "store"), "--local", "--json"]
    money = ["--money", "8000", "--rate", "80"]
    assert main([*words, *times, *store, *money]) == 0
    local = result(capsys)
    assert local["question"]["hours"] == 100
    assert local["question"]["test_labelled"] > 0
    assert local["archive_spread"] == 0
    for wrong, expected in (
        ([*times, "--hours", "1"], "--hours: expected more than"),
        ([*times, "--hours", "100", "--money", "5"], "expected one of them, got both"),
        ([*times, "--money", "5"], "--rate: expected what a reader hour costs"),
        (["--hours", "100"], "--seconds-per-exam: expected seconds for one exam"),
        ([*times, "--hours", "100", "--out", str(out)], "expected a new file"),
        ([*times, "--hours", "100", "--report-sensitivity", "0.9"], "expected both, or neither"),
    ):
        assert main([*words, *wrong]) == 2
        assert expected in capsys.readouterr().err


def test_a_folder_alone_leaves_synthetic_archives_out(finished, brief, tmp_path, capsys) -> None:
    key = ["--identity", str(tmp_path / "key"), "--workers", "1"]
    raw = shutil.copytree(finished / "archive", tmp_path / "raw")
    for file in sorted(raw.rglob("*.dcm"))[:5]:
        file.write_bytes(file.read_bytes()[:-500])
    source = ["--source", str(raw)]
    tree = yaml.safe_load(brief.read_text())
    tree["external"][0]["phantom"] = {"n_exams": 5}
    file = write(tmp_path / "study.yaml", tree)
    words = ["study", str(file), "--out", str(tmp_path / "out"), *source, *key]
    assert main(words) == 3
    said = capsys.readouterr()
    (line,) = (line for line in said.out.splitlines() if line.startswith("Set aside"))
    assert line.startswith("Set aside in rsna_2019: 5 (")
    assert main(words) == 3
    assert line in capsys.readouterr().out
    assert "Left out: 2 of the study file's external archives (cq500, ct-ich)" in said.err
    assert "Outside" not in said.out
    assert not (tmp_path / "out/external").exists()


@pytest.fixture(scope="module")
def of_stores(brief, tmp_path_factory) -> Path:
    """A study file with another split than its stores have."""
    tree = yaml.safe_load(brief.read_text())
    tree["study"]["split"] = {"train": 0.6, "validation": 0.2, "test": 0.2}
    # With stores given, their matrix counts.
    tree["source"]["ingest"]["matrix"] = 96
    return write(tmp_path_factory.mktemp("stores") / "study.yaml", tree)


def test_stores_of_ones_own(finished, of_stores, tmp_path, capsys) -> None:
    words = ["study", str(of_stores), "--out", str(tmp_path / "out"), "--workers", "1"]
    words += ["--store", str(finished / "store"), "--external-store"]
    words += [str(finished / f"external/{number}/store") for number in (1, 2)]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.err.count("Splits: those of the given stores, not the fractions of study.sp") == 1
    assert "Left out" not in said.err
    assert main([*words, "--json"]) == 0
    answer = result(capsys)["answer"]
    assert [archive["archive"] for archive in answer["archives"]] == list(ARCHIVES)
    assert main(["report", str(tmp_path / "out"), "--quiet"]) == 2
    refused = capsys.readouterr().err
    assert "this study used stores elsewhere" in refused
    assert "--store STORE, and --external-store STORE" in refused
    report = tmp_path / "out/report.html"
    page = report.read_bytes()
    again = ["report", str(tmp_path / "out"), "--out", str(tmp_path / "again.html")]
    again += ["--store", str(finished / "store"), "--external-store", *words[-2:]]
    assert main([*again, "--quiet"]) == 0
    assert (tmp_path / "again.html").read_bytes() == page


def test_a_store_inside_and_a_folder_outside(finished, of_stores, tmp_path, capsys) -> None:
    words = ["study", str(of_stores), "--out", str(tmp_path / "out"), "--workers", "1"]
    words += ["--store", str(finished / "store"), "--identity", str(finished / "identity")]
    assert main([*words, "--external", str(finished / "external/1/archive"), "--json"]) == 0
    answer = result(capsys)["answer"]
    assert [archive["archive"] for archive in answer["archives"]] == [ARCHIVES[0], "cq500"]
    assert StoredExams(tmp_path / "out/external/1/store").exams["rows"].max() == 32


def test_patients_of_the_study_are_no_external_test(finished, of_stores, tmp_path, capsys) -> None:
    tree = yaml.safe_load(of_stores.read_text())
    tree["external"] = [{"layout": "rsna"}]
    file = write(tmp_path / "study.yaml", tree)
    words = ["study", str(file), "--out", str(tmp_path / "out"), "--workers", "1", "--quiet"]
    words += ["--store", str(finished / "store"), "--identity", str(finished / "identity")]
    assert main([*words, "--external", str(finished / "archive")]) == 2
    assert "patients" in capsys.readouterr().err
