"""What of a study's places goes together; all is refused before any work, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from examwise.cli.main import main
from examwise.cli.study_file import embedded_default
from examwise.core.schemas.findings import FINDINGS
from examwise.data.splits import split_store

TINY = Path(__file__).parent / "tiny_study.yaml"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("raw", "raw/inner", "other", "third"):
        (tmp_path / name).mkdir()
    Path("study.yaml").write_text(TINY.read_text())


def refusal(capsys, *words: str) -> str:
    assert main(["study", "study.yaml", "--out", "out", "--quiet", *words]) == 2
    said = str(capsys.readouterr().err)
    assert said.count("\n") == 1
    assert not Path("out").exists()
    return said


SOURCE = ("--source", "raw")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([*SOURCE, "--store", "s"], "--source and --store: expected one of them at most"),
        (
            [*SOURCE, "--external", "other", "--external-store", "s"],
            "--external and --external-store: expected one of them at most, got both; ingest the",
        ),
        (["--external", "other"], "--external: expected real archives with real ones"),
        (["--external-store", "s"], "--external-store: expected real archives with real ones"),
        (["--source", "none"], "none: expected an archive's folder, got a path that does not"),
        ([*SOURCE, "--external", "study.yaml"], "expected an archive's folder, got a file"),
        ([*SOURCE, "--external", "raw"], "got a folder twice; give each archive once"),
        ([*SOURCE, "--external", "other/../raw/"], "got a folder twice"),
        ([*SOURCE, "--external", "raw/inner"], "got one that lies within another"),
        ([*SOURCE, "--external", "other", "other"], "got a folder twice"),
        (["--store", "s", "--external-store", "./s"], "--external-store: expected stores of their"),
        (["--store", "s", "--external-store", "t", "t/"], "got a store twice"),
        (
            [*SOURCE, "--external", "other", "--external", "third"],
            "--external: expected at most 1 folders, one for each entry of 'external' in the",
        ),
    ],
)
def test_places_that_contradict_each_other(capsys, words, part) -> None:
    assert part in refusal(capsys, *words)


def rewrite(**values: object) -> None:
    Path("study.yaml").write_text(yaml.safe_dump({**yaml.safe_load(TINY.read_text()), **values}))


def test_a_folder_without_an_entry(capsys) -> None:
    rewrite(external=[])
    said = refusal(capsys, *SOURCE, "--external", "other")
    assert "expected an entry of 'external' in the study file for each folder" in said
    assert "external: [{layout: cq500}]" in said


RSNA = {"layout": "rsna"}


@pytest.mark.parametrize(
    ("external", "part"),
    [
        ({"layout": "cq500"}, "external: not a list of archives"),
        ([[1]], "external: not a list of archives"),
        ([{"layot": "cq500"}], "layot"),
        ([{"phantom": {"n_exams": "many"}}], "external.1.phantom.n_exams: expected a whole number"),
        ([{"layout": "folder"}], "layout: expected one of rsna, cq500, ct-ich, got folder"),
        ([{"layout": "rsna", "phantom": {"seed": 5}}], "hospital a with seed 5 twice"),
        (
            [{"layout": "ct-ich", "ingest": {"matrix": 64}}],
            "external archives: expected the matrix",
        ),
        ([{"ingest": {"task": "head_fracture"}}], "expected the task of the study's other exams"),
        (
            [RSNA],
            "external archive 1: expected a name that no other archive of the study has, got "
            "synthetic hospital a",
        ),
    ],
)
def test_external_archives_that_do_not_go_with_the_study(capsys, external, part) -> None:
    rewrite(external=external)
    assert part in refusal(capsys)


def test_layouts_own_names_are_told_apart_before_anything_is_read(capsys) -> None:
    rewrite(external=[RSNA])
    said = refusal(capsys, *SOURCE, "--external", "other")
    assert "got rsna_2019; ingest it under a name of its own (ingest.archive_name)" in said


def test_external_stores_are_one_archive_of_the_same_matrix_each(capsys, make_store) -> None:
    options = {"n_exams": 9, "matrix": 32, "n_slices": 3}
    split_store(make_store("in", **options), fractions=(0.4, 0.3, 0.3))
    rewrite(study=yaml.safe_load(TINY.read_text())["study"] | {"split": None})
    make_store("same", **options)
    assert "got test" in refusal(capsys, "--store", "in", "--external-store", "same")
    make_store("fine", archive="fine", **{**options, "matrix": 64})
    said = refusal(capsys, "--store", "in", "--external-store", "fine")
    assert "external archives: expected the matrix of the exams that the study learns from" in said
    assert "got 32 in " in said
    assert ", 64 in " in said


def test_an_external_store_without_exams_is_refused(capsys, make_store) -> None:
    options = {"n_exams": 9, "matrix": 32, "n_slices": 3}
    split_store(make_store("in", **options), fractions=(0.4, 0.3, 0.3))
    rewrite(study=yaml.safe_load(TINY.read_text())["study"] | {"split": None})
    make_store("empty", archive="empty", only=(), **options)
    said = refusal(capsys, "--store", "in", "--external-store", "empty")
    assert "empty: expected a store with exams, got no exams; leave it out" in said


@pytest.mark.parametrize(
    ("tuning", "part"),
    [
        (
            {"repeats": 0},
            "examwise: study.yaml, study.fine_tuning.repeats: expected 1 or more, got 0\n",
        ),
        ({"frozen": "all"}, ", study.fine_tuning.frozen: expected a list, got all;"),
        ({"training": {"steps": "x"}}, ", study.fine_tuning.training.steps: expected a whole"),
        ({"step": 1}, ", study.fine_tuning: expected options that it has, got step;"),
        ({}, "study.yaml, study.fine_tuning.training: expected how the encoder is trained on"),
        (3, ", study.fine_tuning: expected keys and values, got 3;"),
    ],
)
def test_what_is_wrong_within_a_part_that_may_be_left_out(capsys, tuning, part) -> None:
    study = yaml.safe_load(TINY.read_text())["study"] | {"fine_tuning": tuning}
    study["model"] = {"weights": "shipped:synthetic-head-ct", "findings": ["any"]}
    rewrite(study=study)
    assert part in refusal(capsys)


ARM = {"learner": "weak", "acquisition": "exam", "budgets": [8]}
COSTS = {"seconds_per_exam": 60, "seconds_per_slice": 6, "seconds_per_action": 3}


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"arms": [ARM | {"learner": "week"}]}, "study.arms, week by exam, learner: expected one"),
        (
            {"arms": [ARM | {"acquisition": "spread"}]},
            "study.arms, weak by spread, acquisition: expected a way to draw labels of the "
            "learner's kind (exam), got spread",
        ),
        ({"arms": [ARM | {"budgets": [30, 8]}]}, "study.arms, weak by exam, budgets: expected"),
        ({"arms": [ARM | {"budgets": [30, 8]}]}, ", got 30, 8\n"),
        (
            {"split": {"train": 0.5, "validation": 0.5, "test": 0.5}},
            "study.split: expected shares of train, validation and test that sum to 1",
        ),
        ({"split": {"train": 0.75, "validation": 0.25, "test": 0}}, "study.split: expected shares"),
        (
            {"costs": COSTS | {"seconds_per_exam": -1}},
            "costs.seconds_per_exam: expected 0 or more seconds, got -1\n",
        ),
        (
            {"costs": {"seconds_per_exam": 1}},
            "study.costs: expected every option that has no default, got no seconds_per_slice, ",
        ),
    ],
)
def test_values_are_refused_by_the_files_name_before_any_work(capsys, values, part) -> None:
    rewrite(study=yaml.safe_load(TINY.read_text())["study"] | values)
    said = refusal(capsys)
    assert part in said
    assert said.startswith("examwise: study.yaml, study.")


def test_a_layout_is_named_by_its_key(capsys) -> None:
    rewrite(source={"layout": "rnsa"})
    for words in ((), SOURCE):
        assert "study.yaml, source.layout: expected one of rsna, cq500" in refusal(capsys, *words)


def test_every_label_file_is_there_before_the_first_import(capsys) -> None:
    said = refusal(capsys, *SOURCE, "--external", "other")
    assert f"source.labels: expected the label file {Path('raw/stage_2_train.csv')}" in said
    assert "--ingest" not in said
    Path("raw/stage_2_train.csv").write_text("ID,Label\n")
    rewrite(external=[{"layout": "ct-ich", "labels": "mine.csv"}])
    said = refusal(capsys, *SOURCE, "--external", "other")
    assert "study.yaml, external[1].labels: expected the label file" in said
    assert "external folders stand in the order of the file's external entries" in said
    rewrite(external=[{"layout": "folder"}])
    said = refusal(capsys, *SOURCE, "--external", "other")
    assert "external[1].labels: expected a label file: layout folder has none of its own" in said


def test_refusals_of_an_import_name_keys_of_the_file(capsys) -> None:
    Path("raw/stage_2_train.csv").write_text(
        "".join(["ID,Label\n", *(f"ID_1_{finding},0\n" for finding in FINDINGS)])
    )
    Path("raw/stage_2_train").mkdir()
    Path("raw/stage_2_train/ID_2.dcm").write_bytes(b"no image")
    words = ["study", "study.yaml", "--out", "out", "--quiet", *SOURCE, "--identity", "key"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("examwise: source (rsna), ")
    assert "by source.ingest.allow_unmatched_labels true of the study file" in said


def test_out_is_a_folder(capsys) -> None:
    Path("file").write_text("")
    assert main(["study", "study.yaml", "--out", "file", "--quiet"]) == 2
    assert "--out file: expected a folder, got a file" in capsys.readouterr().err


def test_an_unsplit_store_is_refused_with_what_to_do(capsys, make_store) -> None:
    make_store("in", n_exams=9, matrix=32, n_slices=3)
    assert "run: examwise split STORE" in refusal(capsys, "--store", "in")


def test_init_writes_the_embedded_study_file_and_overwrites_nothing(capsys) -> None:
    assert main(["study", "init", "mine/new.yaml"]) == 0
    assert "examwise study mine/new.yaml --out DIR --source RAW" in capsys.readouterr().out
    assert Path("mine/new.yaml").read_bytes() == embedded_default().read_bytes()
    Path("mine/new.yaml").write_text("my: own")
    assert main(["study", "init", "mine/new.yaml", "--quiet"]) == 2
    assert "expected a new file, got one that exists" in capsys.readouterr().err
    assert Path("mine/new.yaml").read_text() == "my: own"
    assert main(["study", "init", "raw"]) == 2
    assert "expected a new file, got a folder" in capsys.readouterr().err
    assert main(["study", "init", "newdir/"]) == 2
    assert "expected a new file, got a folder" in capsys.readouterr().err
    assert not Path("newdir").exists()
    assert main(["study", "init"]) == 2
    assert "see examwise study init --help" in capsys.readouterr().err


def test_init_for_machines(capsys) -> None:
    assert main(["study", "init", "new.yaml", "--json"]) == 0
    assert capsys.readouterr().out == '{"file": "new.yaml", "status": "done"}\n'
