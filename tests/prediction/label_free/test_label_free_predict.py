from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from examwise.core.errors import InputError, IntegrityError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.storage import Storage
from examwise.data.splits import read_splits, split_store
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels
from examwise.models.config import ModelConfig
from examwise.prediction.label_free.predict import predict_label_free
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
from examwise.training.pretraining.pretrain import pretrain

MODEL = ModelConfig(findings=("any", "subdural"))


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("scored") / "s", n_exams=15)
    split_store(url)
    return url


def predict(store, out, name="mean_hu", model=MODEL, **options):
    predict_label_free(
        name,
        model=model,
        store=store,
        out=str(out),
        run_id=f"{name}-m000000",
        accelerator="cpu",
        **options,
    )
    storage = Storage(out)
    return PREDICTED_EXAMS.read(storage), PREDICTED_SLICES.read(storage)


def test_predictions_are_those_of_a_run_without_labels(store, tmp_path):
    exams, slices = predict(store, tmp_path / "p", split="test")
    stored = StoredExams(store)
    tests = read_splits(store).filter(pl.col("split") == "test")["exam_id"].sort()
    for finding in MODEL.findings:
        of_finding = exams.filter(pl.col("finding") == finding)
        assert of_finding["exam_id"].to_list() == tests.to_list()
        truth = exam_labels(stored, finding).filter(pl.col("exam_id").is_in(tests.implode()))
        assert of_finding["exam_label"].equals(truth["exam_label"])
        of_slices = slices.filter(pl.col("finding") == finding)
        known = slice_labels(stored, finding).join(of_slices, on=["exam_id", "slice_index"])
        assert known["slice_label"].equals(known["slice_label_right"])
    assert exams["run_id"].unique().to_list() == ["mean_hu-m000000"]
    assert exams["learner"].unique().to_list() == ["mean_hu"]
    assert exams["calibrated_probability"].null_count() == exams.height
    assert slices["attention_logit"].null_count() == slices.height
    pixels = stored.read_slices(tests[0]).astype(float)
    mean = pixels[(pixels >= 0) & (pixels <= 100)].mean()
    logit = exams.row(0, named=True)["exam_logit"]
    assert logit == pytest.approx((mean - 35) / 5, rel=1e-9)
    np.testing.assert_allclose(exams["exam_probability"], expit(exams["exam_logit"]))
    files = {name: json.loads((tmp_path / "p" / name).read_text()) for name in FILES}
    assert files == FILES
    manifest = read_manifest(tmp_path / "p", kind="predictions")
    assert manifest.configuration["data_terms"] == {"learned_from": [], "predicted": ["synthetic"]}
    assert list(manifest.inputs) == ["store"]


FILES = {
    "thresholds.json": {name: {"threshold": 0.5, "source": "fixed"} for name in MODEL.findings},
    "position_histogram.json": dict.fromkeys(MODEL.findings),
}


def test_a_store_without_parts_is_scored_whole(make_store, tmp_path):
    store = make_store(tmp_path / "s", n_exams=4)
    exams, _ = predict(store, tmp_path / "p")
    assert exams["exam_id"].n_unique() == 4
    assert exams["split"].unique().to_list() == ["unseen"]


def test_what_is_finished_is_checked_and_not_computed_again(store, tmp_path, monkeypatch):
    before = predict(store, tmp_path / "p", split="test")
    monkeypatch.setattr(StoredExams, "read_slices", None)
    after = predict(store, tmp_path / "p", split="test")
    assert all(one.equals(other) for one, other in zip(before, after, strict=True))
    (tmp_path / "p" / "thresholds.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"thresholds\.json"):
        predict(store, tmp_path / "p", split="test")


def test_exams_that_the_encoder_has_learned_from_are_refused(store, make_store, tmp_path):
    encoder = EncoderConfig(width=4, extra_windows=())
    short = PretrainingConfig(steps=2, slices_per_step=4, precision="32-true", accelerator="cpu")
    other = make_store(tmp_path / "s", n_exams=15, archive="other")
    out = str(tmp_path / "e")
    pretrain(stores=[other], encoder=encoder, pretraining=short, out=out, allow_unsplit=True)
    model = ModelConfig(encoder=encoder.encoder, width=4, weights=out)
    with pytest.raises(InputError, match="patients that the run has not learned from"):
        predict(other, tmp_path / "p", name="pretext", model=model)
    assert not Path(tmp_path / "p").exists()
    stranger = make_store(tmp_path / "t", n_exams=20, only=range(16, 20))
    exams, _ = predict(stranger, tmp_path / "q", name="pretext", model=model)
    assert exams["exam_id"].n_unique() == 4
    manifest = read_manifest(tmp_path / "q", kind="predictions")
    assert manifest.configuration["data_terms"]["learned_from"] == ["synthetic"]
    assert set(manifest.inputs) == {"store", "weights"}
