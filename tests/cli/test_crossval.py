"""Cross-validation by its command, and its runs together."""

import json

import polars as pl
import pytest

from examwise.cli.main import main
from examwise.data.splits import split_store

MODEL = ["--model.encoder", "resnet10", "--model.width", "4", "--model.embedding", "8",
         "--training.steps", "2", "--trainer.accelerator", "cpu"]  # fmt: skip


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("crossval") / "s", n_exams=24, matrix=16)
    split_store(url, fractions=(0.75, 0.0, 0.25))
    return url


def words(store, out, *more):
    return ["crossval", store, "--learner", "strong", "--folds", "2", "--out", str(out), *MODEL,
            "--workers", "1", *more]  # fmt: skip


def test_crossval_evaluate_and_predict_by_all_of_its_runs(store, tmp_path, capsys):
    out = tmp_path / "cv"
    assert main(words(store, out, "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n_runs"], found["n_done_before"]) == (2, 0)
    assert [row["fold"] for row in found["fold_metrics"]] == [0, 1]
    assert main(words(store, out)) == 0
    said = capsys.readouterr().out
    assert "2 runs, 2 of them done before" in said
    assert f"any: mean AUC {found['summary'][0]['auc_mean']:.3f} ± " in said
    held_out = found["predictions"]
    assert main(["evaluate", *held_out, "--out", str(tmp_path / "e"), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["exam_metrics"]
    assert row["n_exams"] == sum(row["n_exams"] for row in found["fold_metrics"])
    ensemble = ["predict", str(out), store, "--split", "test", "--out", str(tmp_path / "p")]
    assert main(ensemble) == 0
    assert "The mean of 2 runs; so is the threshold." in capsys.readouterr().out
    runs = [str(out / "runs" / name) for name in ("r00-f00", "r00-f01")]
    ensemble = ["predict", runs[0], store, "--with", runs[1], "--split", "test"]
    assert main([*ensemble, "--out", str(tmp_path / "q"), "--json"]) == 0
    named = json.loads(capsys.readouterr().out)
    assert len(named["members"]) == 2
    for table in ("exams.parquet", "slices.parquet"):
        one, other = (pl.read_parquet(tmp_path / folder / table) for folder in ("p", "q"))
        assert one.equals(other)


def test_what_cannot_be_is_refused_before_anything_is_written(store, tmp_path, capsys):
    for more, expected in (
        (["--folds", "1"], "cross-validation, folds: expected a whole number, at least 2"),
        (["--folds", "99"], "use at most"),
        (["--validation-fraction", "1"], "a share, 0 or more and below 1"),
        (["--trainer.devices", "2"], "one device a run"),
        (["--learner", "nobody"], "learner: expected one of"),
    ):
        assert main(words(store, tmp_path / "cv", *more)) == 2
        assert expected in capsys.readouterr().err
    assert not (tmp_path / "cv").exists()
