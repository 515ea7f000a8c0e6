from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from examwise.core.errors import InputError
from examwise.core.progress import SilentProgress
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import POOLED, ExamClassifier
from examwise.models.feature_cache import open_features

CONFIG = ModelConfig(encoder="resnet10", width=4, embedding=8, frozen=("all",))


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("features") / "s", n_exams=70, matrix=16)


def opened(folder, store, config=CONFIG, seed=0, **options):
    classifier = ExamClassifier(config, exam_rule=POOLED, seed=seed)
    stored = JoinedStores([store])
    return open_features(folder, classifier, stored, progress=SilentProgress(), **options)


def test_features_are_what_the_encoder_says_of_the_slices(store, tmp_path):
    features = opened(tmp_path, store, batch_slices=40)
    classifier = ExamClassifier(CONFIG, exam_rule=POOLED).eval()
    stored = StoredExams(store)
    for exam_id in stored.exams["exam_id"][:3].to_list() + stored.exams["exam_id"][-2:].to_list():
        pixels = torch.from_numpy(stored.read_slices(exam_id, range(stored.n_slices(exam_id))))
        with torch.inference_mode():
            wanted = classifier.encode(pixels).numpy()
        places = list(range(len(pixels)))
        assert np.allclose(features.read(exam_id, places), wanted, atol=1e-5)
        assert np.allclose(features.read(exam_id, [2, 0]), wanted[[2, 0]], atol=1e-5)
    with pytest.raises(InputError, match="an exam of the stores"):
        features.read("another", [0])


def test_they_are_computed_once_and_only_what_is_missing(store, tmp_path, monkeypatch):
    opened(tmp_path, store)
    blocks = sorted(tmp_path.rglob("*.npy"))
    assert len(blocks) == 2
    kept = [block.read_bytes() for block in blocks]
    blocks[1].unlink()
    encoded = []
    encode = ExamClassifier.encode

    def spy(self, pixels, **options):
        encoded.append(len(pixels))
        return encode(self, pixels, **options)

    monkeypatch.setattr(ExamClassifier, "encode", spy)
    opened(tmp_path, store)
    assert [block.read_bytes() for block in blocks] == kept
    n_slices = StoredExams(store).exams["n_slices"]
    assert sum(encoded) == n_slices[64:].sum()
    encoded.clear()
    opened(tmp_path, store)
    assert not encoded


def test_other_weights_or_windows_have_their_own(store, tmp_path):
    opened(tmp_path, store)
    opened(tmp_path, store, seed=1)
    opened(tmp_path, store, replace(CONFIG, window_width_hu=200.0))
    assert len({block.parent for block in tmp_path.rglob("*.npy")}) == 3


def test_an_encoder_without_weights_has_its_own_by_its_options(store, tmp_path):
    for size in (1, 2):
        options = {"output_size": size}
        encoder = {"encoder": "torch.nn:AdaptiveAvgPool2d", "encoder_options": options}
        opened(tmp_path, store, replace(CONFIG, **encoder))
    assert len({block.parent for block in tmp_path.rglob("*.npy")}) == 2


def test_a_store_of_several_matrices_has_none(store, tmp_path):
    stored = StoredExams(store)
    rows = pl.when(pl.int_range(pl.len()) == 0).then(8).otherwise(pl.col("rows"))
    stored.exams = stored.exams.with_columns(rows.cast(stored.exams["rows"].dtype).alias("rows"))
    classifier = ExamClassifier(CONFIG, exam_rule=POOLED)
    with pytest.raises(InputError, match="one matrix size for all exams of a store, got 2"):
        open_features(tmp_path, classifier, stored, progress=SilentProgress())


def test_an_encoder_that_is_trained_has_none(store, tmp_path):
    with pytest.raises(InputError, match="frozen as a whole, got one that is trained"):
        opened(tmp_path, store, replace(CONFIG, frozen=("conv1",)))


def test_a_folder_of_another_kind_is_refused(store, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for folder in (store, tmp_path / "file"):
        with pytest.raises(InputError, match="a folder for features alone"):
            opened(folder, store)
