from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from examwise.core.errors import InputError, IntegrityError
from examwise.core.executors.serial import SerialExecutor
from examwise.core.schemas.cross_validation import CROSS_VALIDATION_SUMMARY, FOLD_METRICS, FOLDS
from examwise.core.schemas.evaluation import EXAM_METRICS
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.schemas.run import LEARNED_PATIENTS
from examwise.core.storage import Storage
from examwise.data.folds import fold_name
from examwise.data.splits import read_splits, split_store
from examwise.evaluation.evaluate import evaluate_predictions
from examwise.imaging.joined_stores import JoinedStores
from examwise.models.config import ModelConfig
from examwise.prediction.members import read_members
from examwise.prediction.predict import predict_store
from examwise.studies.cross_validation import cross_validate
from examwise.studies.cross_validation_config import CrossValidationConfig
from examwise.studies.fold_training import FoldTraining
from examwise.studies.held_out import summarise_folds
from examwise.training.config import TrainingConfig
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig

CONFIG = CrossValidationConfig(folds=2, repeats=2, validation_fraction=0.25, seed=3)
TRAINING = FoldTraining(
    learner="weak",
    model=ModelConfig(encoder="resnet10", width=4, embedding=8, attention_hidden=4),
    training=TrainingConfig(steps=2, exams_per_step=4),
    trainer=TrainerConfig(accelerator="cpu"),
)
PLACES = [(repeat, fold) for repeat in range(2) for fold in range(2)]


class StoppedError(Exception):
    """Stands for a cross-validation that is killed after its first fold."""


class StoppingExecutor(SerialExecutor):
    """Does one item."""

    def map(self, function, items):
        yield function(next(iter(items)))
        raise StoppedError


def run(out, store, executor=None, **changes):
    options = {"config": CONFIG, "training": TRAINING, **changes}
    return cross_validate(
        stores=[store], out=str(out), executor=executor or SerialExecutor(1), **options
    )


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(
        tmp_path_factory.mktemp("store") / "s", n_exams=27, matrix=16, exams_per_patient=1
    )
    split_store(url, fractions=(0.4, 0.3, 0.3))
    return url


@pytest.fixture(scope="module")
def done(store, tmp_path_factory):
    out = tmp_path_factory.mktemp("crossval") / "cv"
    return out, run(out, store)


def predicted(out, repeat):
    return PREDICTED_EXAMS.read(Storage(out / "predictions" / f"r{repeat:02d}"))


def test_every_patient_but_those_of_the_test_part_is_held_out_once_a_repeat(done, store):
    out, summary = done
    assert (summary.n_runs, summary.n_done_before) == (4, 0)
    splits = read_splits(store)
    tests = set(splits.filter(split="test")["patient_key"])
    folds = FOLDS.read(Storage(out))
    assert not set(folds["patient_key"]) & tests
    for repeat in range(2):
        exams = predicted(out, repeat)
        assert sorted(exams["exam_id"]) == sorted(
            splits.filter(pl.col("split") != "test")["exam_id"]
        )
        assert exams["split"].unique().to_list() == ["unseen"]
        assert exams["run_id"].n_unique() == 1
    assert predicted(out, 0)["run_id"][0] != predicted(out, 1)["run_id"][0]
    for repeat, fold in PLACES:
        learned = LEARNED_PATIENTS.read(Storage(out / "runs" / fold_name(repeat, fold)))
        chosen = folds.filter((pl.col("repeat") == repeat) & (pl.col("fold") != fold))
        assert set(learned["patient_key"]) == set(chosen["patient_key"])
        n_validation = learned.filter(part="validation").height
        assert abs(n_validation - 0.25 * learned.height) < 1


def test_every_exam_is_predicted_by_the_run_that_has_not_learned_from_its_patient(
    done, store, tmp_path
):
    out, _ = done
    folds = FOLDS.read(Storage(out))
    for repeat, fold in PLACES[:2]:
        name = fold_name(repeat, fold)
        predict_store(
            run=str(out / "runs" / name), store=store, out=str(tmp_path / name), device="cpu"
        )
        own = folds.filter((pl.col("repeat") == repeat) & (pl.col("fold") == fold))
        for schema, keys in (
            (PREDICTED_EXAMS, ["exam_id"]),
            (PREDICTED_SLICES, ["exam_id", "slice_index"]),
        ):
            gathered = schema.read(Storage(out / "predictions" / "r00"))
            single = schema.read(Storage(tmp_path / name))
            exams = predicted(out, repeat).join(own, on="patient_key").select("exam_id")
            mine = gathered.join(exams, on="exam_id", how="semi").sort(keys)
            theirs = single.join(exams, on="exam_id", how="semi").sort(keys)
            assert mine.height == theirs.height > 0
            for column in ("exam_logit", "slice_logit", "attention_weight"):
                if column in mine.columns:
                    assert np.allclose(
                        mine[column].to_numpy(), theirs[column].to_numpy(), atol=1e-5
                    )


def test_folds_are_judged_as_scikit_learn_judges_them(done):
    out, summary = done
    metrics = FOLD_METRICS.read(Storage(out))
    folds = FOLDS.read(Storage(out))
    for row in metrics.to_dicts():
        own = folds.filter((pl.col("repeat") == row["repeat"]) & (pl.col("fold") == row["fold"]))
        exams = predicted(out, row["repeat"]).join(own, on="patient_key", how="semi")
        labels, logits = exams["exam_label"].to_numpy(), exams["exam_logit"].to_numpy()
        assert row["auc"] == pytest.approx(roc_auc_score(labels, logits))
        called = exams["exam_probability"].to_numpy() >= row["threshold"]
        assert row["sensitivity"] == pytest.approx(called[labels == 1].mean())
        assert row["specificity"] == pytest.approx(1 - called[labels == 0].mean())
        assert (row["n_exams"], row["n_positive"]) == (len(labels), labels.sum())
    (together,) = CROSS_VALIDATION_SUMMARY.read(Storage(out)).to_dicts()
    assert together["auc_mean"] == pytest.approx(metrics["auc"].mean())
    assert together["auc_sd"] == pytest.approx(metrics["auc"].std())
    assert together["n_folds"] == 4
    assert summary.summary == (together,)


def test_held_out_predictions_are_evaluated_as_any_others(done, tmp_path):
    out, summary = done
    evaluate_predictions(summary.predictions, str(tmp_path / "e"), n_replicates=40)
    rows = EXAM_METRICS.read(Storage(tmp_path / "e")).to_dicts()
    assert len(rows) == 2
    assert {row["n_exams"] for row in rows} == {predicted(out, 0).height}


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


def test_gone_on_with_it_is_the_same_as_never_interrupted(done, store, tmp_path):
    out, summary = done
    with pytest.raises(StoppedError):
        run(tmp_path / "cv", store, StoppingExecutor(1))
    again = run(tmp_path / "cv", store)
    assert (again.n_runs, again.n_done_before) == (4, 1)
    assert content(tmp_path / "cv") == content(out)
    assert run(tmp_path / "cv", store).n_done_before == 4
    assert again.fold_metrics == summary.fold_metrics
    shutil.rmtree(tmp_path / "cv" / "runs" / "r01-f00")
    with pytest.raises(InputError, match="1 missing, runs/r01-f00 among them"):
        run(tmp_path / "cv", store)


def test_another_beginning_is_refused(done, store, tmp_path):
    out, _ = done
    with pytest.raises(InputError, match=r"configuration\.cross_validation\.folds = 2, got 3"):
        run(out, store, config=replace(CONFIG, folds=3, repeats=1))
    other = replace(TRAINING, training=replace(TRAINING.training, steps=3))
    with pytest.raises(InputError, match=r"configuration\.training\.steps = 2"):
        run(out, store, training=other)
    copy = shutil.copytree(store, tmp_path / "s")
    split_store(copy, fractions=(0.2, 0.5, 0.3), seed=1, replace=True)
    with pytest.raises(InputError, match="labels and splits of the exams"):
        run(out, str(copy))


def test_what_has_changed_between_is_refused(store, tmp_path):
    with pytest.raises(StoppedError):
        run(tmp_path / "cv", store, StoppingExecutor(1))
    table = FOLDS.read(Storage(tmp_path / "cv"))
    swapped = table.with_columns(fold=1 - pl.col("fold"))
    FOLDS.write(Storage(tmp_path / "cv"), swapped)
    with pytest.raises(InputError, match="the folds that these options and patients give"):
        run(tmp_path / "cv", store)
    FOLDS.write(Storage(tmp_path / "cv"), table)
    path = tmp_path / "cv" / "held_out" / "r00-f00" / "exams.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(IntegrityError, match=r"held_out/r00-f00/exams\.parquet"):
        run(tmp_path / "cv", store)


def test_all_its_runs_predict_together(done, store, tmp_path):
    out, _ = done
    runs = [str(out / "runs" / fold_name(*place)) for place in PLACES]
    options = {"store": store, "split": "test", "device": "cpu"}
    one = predict_store(run=str(out), out=str(tmp_path / "a"), **options)
    other = predict_store(run=runs[2], others=[runs[1], runs[0], runs[3]],
                          out=str(tmp_path / "b"), **options)  # fmt: skip
    assert one == other
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert len(one.members) == len(read_members([str(out)])) == 4
    assert one.n_learned == 0
    with pytest.raises(InputError, match="the same run several times"):
        read_members([str(out), runs[0]])


def test_a_start_that_knows_the_patients_is_refused(done, store, tmp_path):
    out, _ = done
    start = replace(TRAINING, init=str(out / "runs" / "r00-f00"))
    with pytest.raises(InputError, match="begin from weights of other patients"):
        run(tmp_path / "cv", store, training=start)
    assert not (tmp_path / "cv").exists()


def test_a_learner_that_tells_of_no_exams_is_refused(store, tmp_path):
    own = replace(TRAINING, learner="lightning.pytorch.demos.boring_classes:BoringModel")
    with pytest.raises(InputError, match="by which a held-out fold is predicted"):
        run(tmp_path / "cv", store, training=own)
    with pytest.raises(InputError, match="a directory on a local disk"):
        run("memory://cv", store)
    assert not (tmp_path / "cv").exists()


def test_a_store_without_parts_and_a_fold_too_many_are_refused(make_store, store, tmp_path):
    with pytest.raises(InputError, match="examwise split"):
        run(tmp_path / "cv", make_store(tmp_path / "s", n_exams=12, matrix=16))
    with pytest.raises(InputError, match=r"use at most \d folds"):
        run(tmp_path / "cv", store, config=CrossValidationConfig(folds=9))
    assert not (tmp_path / "cv").exists()


@pytest.mark.parametrize(
    "wrong",
    [{"folds": 1}, {"repeats": 0}, {"seed": -1}, {"validation_fraction": 1.0},
     {"validation_fraction": float("nan")}],
)  # fmt: skip
def test_wrong_options_are_refused(wrong):
    with pytest.raises(InputError, match="cross-validation, "):
        CrossValidationConfig(**wrong)


def test_folds_of_one_class_are_left_out_of_the_mean():
    row = {"repeat": 0, "fold": 0, "run_id": "r", "finding": "any", "n_exams": 4, "n_patients": 4,
           "n_positive": 2, "auc": 0.75, "threshold": 0.5, "sensitivity": 0.5, "specificity": 0.5,
           "n_training_labels": 8, "n_validation_labels": 0, "best_step": 2}  # fmt: skip
    rows = [row, {**row, "fold": 1, "n_positive": 0, "auc": None, "sensitivity": None}]
    found = summarise_folds(FOLD_METRICS.frame(rows), ["any", "subdural"]).to_dicts()
    assert found[0]["n_folds"] == 1
    assert (found[0]["auc_mean"], found[0]["auc_sd"]) == (0.75, None)
    assert found[1] == {"finding": "subdural", "n_folds": 0, "auc_mean": None, "auc_sd": None,
                        "auc_lowest": None, "auc_highest": None}  # fmt: skip


def test_a_frozen_encoders_features_serve_all_folds(make_store, store, tmp_path):
    others = make_store(tmp_path / "s", n_exams=60, only=range(30, 60), matrix=16)
    split_store(others, fractions=(1.0, 0.0, 0.0))
    start = TRAINING.plan(JoinedStores([others]), read_splits(others))
    train_run(
        stores=[others],
        label_set=start.label_set,
        learner="weak",
        model=TRAINING.model,
        training=TRAINING.training,
        trainer=TRAINING.trainer,
        out=str(tmp_path / "run"),
    )
    frozen = replace(
        TRAINING,
        init=str(tmp_path / "run"),
        model=replace(TRAINING.model, frozen=("all",)),
        training=replace(TRAINING.training, augmentation="none"),
    )
    once = replace(CONFIG, repeats=1)
    plain = run(tmp_path / "plain", store, config=once, training=frozen)
    kept = replace(frozen, features=str(tmp_path / "features"))
    by_features = run(tmp_path / "cv", store, config=once, training=kept)
    for one, other in zip(by_features.fold_metrics, plain.fold_metrics, strict=True):
        assert one["run_id"] == other["run_id"]
        assert one["auc"] == pytest.approx(other["auc"])
        assert one["threshold"] == pytest.approx(other["threshold"], rel=1e-4)
    assert len(list((tmp_path / "features").iterdir())) == 1
