from __future__ import annotations

import numpy as np

from examwise.explain.background import background_hu
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig


def test_one_number_everywhere(annotated_store):
    stored = StoredExams(annotated_store)
    found = background_hu(-5.0, stored, ModelConfig(), matrix=(32, 32), seed=0)
    assert (found.shape, found.dtype, set(found.ravel())) == ((32, 32), np.float32, {-5.0})


def test_the_mean_of_all_slices_where_they_are_few(make_store, tmp_path):
    stored = StoredExams(make_store(tmp_path / "s", n_exams=4))
    config = ModelConfig(extra_windows=((400.0, 1200.0),), window_center_hu=35, window_width_hu=20)
    found = background_hu("mean", stored, config, matrix=(32, 32), seed=0)
    pixels = np.concatenate([stored.read_slices(exam_id) for exam_id in stored.exams["exam_id"]])
    assert np.allclose(found, np.clip(pixels, 25, 45).mean(axis=0), atol=1e-4)


def test_drawn_by_the_seed_where_they_are_many(make_store, tmp_path, monkeypatch):
    monkeypatch.setattr("examwise.explain.background._SLICES", 6)
    stored = StoredExams(make_store(tmp_path / "s", n_exams=8))
    found = [
        background_hu("mean", stored, ModelConfig(), matrix=(32, 32), seed=seed)
        for seed in (0, 0, 1)
    ]
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
