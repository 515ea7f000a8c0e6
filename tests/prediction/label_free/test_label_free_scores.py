"""What every label-free score must be, and what each of them is."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.progress import SilentProgress
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.prediction.label_free import LABEL_FREE
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
from examwise.training.pretraining.pretrain import pretrain
from examwise.training.pretraining.scores import pretext_scores

ENCODER = EncoderConfig(width=4, extra_windows=())
SHORT = PretrainingConfig(steps=2, slices_per_step=4, precision="32-true", accelerator="cpu")


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("label-free") / "s", n_exams=6, matrix=32)


@pytest.fixture(scope="module")
def model(make_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    other = make_store(folder / "s", n_exams=4, matrix=32, seed=1)
    out = str(folder / "e")
    pretrain(stores=[other], encoder=ENCODER, pretraining=SHORT, out=out, allow_unsplit=True)
    return ModelConfig(encoder=ENCODER.encoder, width=4, weights=out)


def score(name, store, exam_ids, model, batch_slices=4):
    return LABEL_FREE.load(name)().score(
        StoredExams(store),
        exam_ids,
        model=model,
        batch_slices=batch_slices,
        n_threads=1,
        accelerator="cpu",
        progress=SilentProgress(),
    )


@pytest.mark.parametrize("name", LABEL_FREE)
def test_every_score_speaks_of_every_slice_and_exam_in_order(name, store, model):
    scorer = LABEL_FREE.load(name)()
    scorer.require(model)
    assert scorer.scale > 0
    exam_ids = ["e0004", "e0001", "e0002"]
    scores = score(name, store, exam_ids, model)
    stored = StoredExams(store)
    assert scores.exams.schema == {"exam_id": pl.String, "score": pl.Float64}
    assert scores.exams["exam_id"].to_list() == exam_ids
    assert scores.slices.schema == {
        "exam_id": pl.String,
        "slice_index": pl.Int32,
        "score": pl.Float64,
    }
    wanted = [(exam_id, n) for exam_id in exam_ids for n in range(stored.n_slices(exam_id))]
    assert scores.slices.select("exam_id", "slice_index").rows() == wanted
    for table in (scores.slices, scores.exams):
        assert table["score"].is_finite().all()
    alone = score(name, store, ["e0001"], model)
    of_one = scores.exams.filter(pl.col("exam_id") == "e0001")["score"]
    np.testing.assert_allclose(alone.exams["score"], of_one, rtol=1e-5)


@pytest.mark.parametrize("name", LABEL_FREE)
def test_no_exam_is_no_row(name, store, model):
    scores = score(name, store, [], model)
    assert (scores.slices.height, scores.exams.height) == (0, 0)


def test_mean_hu_is_the_mean_of_soft_tissue(store, model):
    scores = score("mean_hu", store, ["e0000", "e0001"], model)
    stored = StoredExams(store)
    for exam_id in ("e0000", "e0001"):
        pixels = stored.read_slices(exam_id).astype(float)
        by_hand = [one[(one >= 0) & (one <= 100)].mean() for one in pixels]
        own = scores.slices.filter(pl.col("exam_id") == exam_id)["score"]
        np.testing.assert_allclose(own, by_hand, rtol=1e-12)
        whole = pixels[(pixels >= 0) & (pixels <= 100)].mean()
        own = scores.exams.filter(pl.col("exam_id") == exam_id)["score"]
        np.testing.assert_allclose(own, [whole], rtol=1e-12)


def test_air_alone_has_a_mean_hu_of_zero(monkeypatch, store, model):
    def air(self, exam_id, slice_indices=None, *, out=None):
        return np.full((2, 4, 4), -1000, np.int16)

    monkeypatch.setattr(StoredExams, "read_slices", air)
    scores = score("mean_hu", store, ["e0000"], model)
    assert scores.slices["score"].to_list() == [0.0, 0.0]
    assert scores.exams["score"].to_list() == [0.0]


def test_pretext_scores_an_exam_by_its_three_highest_slices(store, model):
    scores = score("pretext", store, ["e0000", "e0003"], model)
    slices = pretext_scores(
        model.weights, store, ["e0000", "e0003"], batch_slices=4, accelerator="cpu"
    )
    assert scores.slices.equals(slices)
    for exam_id, own in scores.exams.iter_rows():
        of_exam = slices.filter(pl.col("exam_id") == exam_id)["score"].to_numpy()
        assert own == pytest.approx(np.sort(of_exam)[-3:].mean(), rel=1e-12)


def test_pretext_needs_an_encoder_whose_pretext_scores(store, model, tmp_path):
    scorer = LABEL_FREE.load("pretext")()
    with pytest.raises(InputError, match=r"study\.model\.weights, got none"):
        scorer.require(ModelConfig(width=4))
    out = str(tmp_path / "e")
    contrastive = PretrainingConfig(
        pretext="contrastive", steps=2, slices_per_step=4, precision="32-true", accelerator="cpu"
    )
    pretrain(stores=[store], encoder=ENCODER, pretraining=contrastive, out=out, allow_unsplit=True)
    with pytest.raises(InputError, match="an encoder whose pretext scores slices, got contrastive"):
        scorer.require(ModelConfig(encoder=ENCODER.encoder, width=4, weights=out))
