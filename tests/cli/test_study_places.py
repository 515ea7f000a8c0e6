"""What of a study's places goes together; all is refused before any work, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from examwise.cli.main import main
from examwise.cli.study_file import embedded_default
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
    assert main(["study", "init"]) == 2
    assert "see examwise study init --help" in capsys.readouterr().err


def test_init_for_machines(capsys) -> None:
    assert main(["study", "init", "new.yaml", "--json"]) == 0
    assert capsys.readouterr().out == '{"file": "new.yaml", "status": "done"}\n'
