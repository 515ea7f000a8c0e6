from __future__ import annotations

import json
import shutil

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from scipy.stats import gmean

from examwise.core.errors import InputError, IntegrityError
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.schemas.run import LEARNED_PATIENTS
from examwise.core.storage import Storage
from examwise.data.label_set import LabelSet, all_labels
from examwise.data.splits import read_splits, split_store
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.prediction.ensemble import (
    mean_attention,
    mean_logits,
    mean_position_histograms,
    mean_thresholds,
)
from examwise.prediction.members import read_members
from examwise.prediction.predict import predict_store
from examwise.training.config import TrainingConfig
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-30, 30), min_size=1, max_size=6))
def test_the_mean_logit_is_the_geometric_mean_of_odds(values):
    found = float(mean_logits([np.array([value]) for value in values])[0])
    odds = gmean([np.exp(value) for value in values])
    assert np.exp(found) == pytest.approx(odds, rel=1e-9)
    assert expit(min(values)) - 1e-12 <= expit(found) <= expit(max(values)) + 1e-12


def test_attention_together_is_normalised_and_has_its_logits():
    generator = np.random.default_rng(0)
    logits = [generator.normal(size=7) for _ in range(3)]
    together, weights = mean_attention(logits, [softmax(one) for one in logits])
    assert weights.sum() == pytest.approx(1)
    assert np.allclose(softmax(together), weights)
    assert mean_attention([], []) == (None, None)


def test_what_one_model_says_stays_as_it_is():
    one = np.array([0.1, -3.0])
    assert mean_logits([one]) is one
    logits, weights = mean_attention([one], [softmax(one)])
    assert logits is one
    assert weights.tolist() == softmax(one).tolist()
    assert mean_thresholds([b"{ }"]) == mean_position_histograms([b"{ }"]) == b"{ }"


def test_thresholds_and_baselines_are_means_and_named_so():
    files = [
        json.dumps({"any": {"threshold": value, "source": "validation"}}).encode()
        for value in (0.2, 0.6)
    ]
    assert json.loads(mean_thresholds(files)) == {
        "any": {"threshold": pytest.approx(0.4), "source": "mean of 2 models"}
    }
    entry = {"threshold": 0.2, "source": "validation", "rules": {"youden": 0.2, "b": 0.1}}
    other_entry = {"threshold": 0.6, "source": "validation", "rules": {"youden": 0.6}}
    on_slices = {"slice_threshold": 0.3}
    files = [json.dumps({"any": one | on_slices}).encode() for one in (entry, other_entry)]
    together = json.loads(mean_thresholds(files))["any"]
    assert together["rules"] == {"youden": pytest.approx(0.4)}
    assert together["slice_threshold"] == pytest.approx(0.3)
    files = [json.dumps({"any": one}).encode() for one in (entry | on_slices, other_entry)]
    assert "slice_threshold" not in json.loads(mean_thresholds(files))["any"]
    histogram = {"centers": [0.25, 0.75], "positive_fraction": [0.0, 0.4], "n_slices": 10}
    other = {"centers": [0.25, 0.75], "positive_fraction": [0.2, 0.2], "n_slices": 20}
    files = [
        json.dumps({"any": one, "subdural": None}).encode() for one in (histogram, other, None)
    ]
    found = json.loads(mean_position_histograms(files))
    assert found["subdural"] is None
    assert found["any"]["positive_fraction"] == pytest.approx([0.1, 0.3])
    assert found["any"]["n_slices"] == 15


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("ensemble") / "s", n_exams=15, matrix=16)
    split_store(url)
    return url


def train(store, out, *, learner="weak", seed=0, matrix_of=None, findings=("any",), turned=False):
    label_set = all_labels(
        StoredExams(store), read_splits(store), findings, "exam" if learner == "weak" else "slice"
    )
    if turned:
        other = pl.col("part").replace({"train": "validation", "validation": "train"})
        label_set = LabelSet(label_set.kind, label_set.frame.with_columns(other))
    train_run(
        stores=[store],
        label_set=label_set,
        learner=learner,
        model=ModelConfig(
            findings=findings, encoder="resnet10", width=4, embedding=8, attention_hidden=4
        ),
        training=TrainingConfig(steps=2, exams_per_step=4, seed=seed),
        trainer=TrainerConfig(accelerator="cpu"),
        out=str(out),
    )
    return str(out)


@pytest.fixture(scope="module")
def runs(store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [
        train(store, folder / "one"),
        train(store, folder / "two", seed=1, turned=True),
        train(store, folder / "strong", learner="strong"),
    ]


@pytest.fixture(scope="module")
def said(runs, store, tmp_path_factory):
    """Return what each run says by itself, and all of them together."""
    folder = tmp_path_factory.mktemp("said")
    for number, run in enumerate(runs):
        predict_store(run=run, store=store, out=str(folder / str(number)), device="cpu")
    summary = predict_store(
        run=runs[0], others=runs[1:], store=store, out=str(folder / "all"), device="cpu"
    )
    return folder, summary


def test_runs_together_say_the_mean_of_what_each_says(said, runs):
    folder, summary = said
    singles = [Storage(folder / str(number)) for number in range(len(runs))]
    exams = PREDICTED_EXAMS.read(Storage(folder / "all"))
    each = [PREDICTED_EXAMS.read(storage)["exam_logit"].to_numpy() for storage in singles]
    assert np.allclose(exams["exam_logit"].to_numpy(), np.mean(each, axis=0), atol=1e-6)
    assert np.allclose(exams["exam_probability"].to_numpy(), expit(exams["exam_logit"].to_numpy()))
    slices = PREDICTED_SLICES.read(Storage(folder / "all"))
    each = [PREDICTED_SLICES.read(storage)["slice_logit"].to_numpy() for storage in singles]
    assert np.allclose(slices["slice_logit"].to_numpy(), np.mean(each, axis=0), atol=1e-6)
    weak = [PREDICTED_SLICES.read(storage)["attention_weight"].to_numpy() for storage in singles]
    weak = [weights for weights in weak if np.isfinite(weights).all()]
    assert np.allclose(slices["attention_weight"].to_numpy(), np.mean(weak, axis=0), atol=1e-6)
    sums = slices.group_by("exam_id").agg(pl.col("attention_weight").sum())["attention_weight"]
    assert np.allclose(sums.to_numpy(), 1)
    assert exams["run_id"].unique().to_list() == [summary.run_id]
    assert exams["learner"].unique().to_list() == ["strong + weak"]
    assert len(summary.members) == 3
    thresholds = [json.loads(s.read("thresholds.json"))["any"]["threshold"] for s in singles]
    together = json.loads(Storage(folder / "all").read("thresholds.json"))["any"]
    assert together == {
        "threshold": pytest.approx(np.mean(thresholds)), "source": "mean of 3 models"
    }  # fmt: skip


def test_the_order_of_runs_makes_no_difference(said, runs, store, tmp_path):
    folder, summary = said
    other = predict_store(
        run=runs[2], others=[runs[0], runs[1]], store=store, out=str(tmp_path / "p"), device="cpu"
    )
    assert other == summary
    for path in (tmp_path / "p").iterdir():
        if path.name != "provenance.json":
            assert path.read_bytes() == (folder / "all" / path.name).read_bytes()


def test_a_patient_whom_one_of_them_has_learned_from_is_learned(said, runs):
    folder, _ = said
    exams = PREDICTED_EXAMS.read(Storage(folder / "all"))
    learned = pl.concat([LEARNED_PATIENTS.read(Storage(run)) for run in runs])
    trained = set(learned.filter(part="train")["patient_key"])
    assert set(learned.filter(part="validation")["patient_key"]) == trained
    for patient, split in exams.select("patient_key", "split").unique().rows():
        assert split == ("train" if patient in trained else "test")


def test_a_store_of_patients_of_one_of_them_is_refused(runs, make_store, tmp_path):
    other = make_store(tmp_path / "s", n_exams=3, matrix=16)
    with pytest.raises(InputError, match=r"patients from whom it has learned.*--allow-overlap"):
        predict_store(
            run=runs[0], others=runs[1:], store=other, out=str(tmp_path / "p"), device="cpu"
        )


def test_runs_that_do_not_go_together_are_refused(runs, store, make_store, tmp_path):
    with pytest.raises(InputError, match="every run once, got the same run several times"):
        read_members([runs[0], runs[0]])
    copy = str(shutil.copytree(runs[0], tmp_path / "copy"))
    with pytest.raises(InputError, match="the same run several times"):
        read_members([runs[0], copy])
    both = train(store, tmp_path / "both", findings=("any", "subdural"))
    with pytest.raises(InputError, match=r"runs with findings in common.*any, subdural"):
        read_members([runs[0], both])
    large = make_store(tmp_path / "s", n_exams=15, matrix=24)
    split_store(large)
    of_large = train(large, tmp_path / "large")
    with pytest.raises(InputError, match=r"a matrix in common.*(16 × 16|24 × 24)"):
        read_members([runs[0], of_large])


def test_a_member_that_has_changed_is_refused(runs, store, tmp_path):
    copy = shutil.copytree(runs[1], tmp_path / "copy")
    for file in ("thresholds.json", "model.safetensors"):
        kept = (copy / file).read_bytes()
        (copy / file).write_bytes(kept + b" ")
        with pytest.raises(IntegrityError, match=f"{file}: expected the file once written"):
            predict_store(
                run=runs[0], others=[str(copy)], store=store, out=str(tmp_path / "p"), device="cpu"
            )
        (copy / file).write_bytes(kept)
