"""A store with boxes and masks, and trained runs to explain on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from examwise.data.label_set import all_labels
from examwise.data.splits import read_splits, split_store
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.training.config import TrainingConfig
from examwise.training.train import train_run

MATRIX = 32


@pytest.fixture(scope="session")
def annotated_store(make_store, annotate_store, tmp_path_factory) -> str:
    url = make_store(tmp_path_factory.mktemp("explain") / "s", n_exams=30, matrix=MATRIX)
    annotate_store(url)
    split_store(url, fractions=(0.4, 0.2, 0.4))
    return url


@pytest.fixture(scope="session")
def make_run(annotated_store, tmp_path_factory):
    """Return a function that trains a small run and returns its folder."""

    def make(learner: str, **options) -> str:
        out = str(tmp_path_factory.mktemp("run") / learner)
        stored = StoredExams(annotated_store)
        kind = "exam" if learner in ("weak", "pooled") else "slice"
        findings = ("any", "subdural")
        defaults = {"encoder": "slim_resnet18", "width": 4, "embedding": 8, "attention_hidden": 4}
        train_run(
            stores=[annotated_store],
            label_set=all_labels(stored, read_splits(annotated_store), findings, kind),
            learner=learner,
            model=ModelConfig(findings=findings, **{**defaults, **options}),
            training=TrainingConfig(steps=30, exams_per_step=4, learning_rate=0.01),
            out=out,
        )
        return out

    return make


@pytest.fixture(scope="session")
def strong(make_run) -> str:
    return make_run("strong")


@pytest.fixture(scope="session")
def weak(make_run) -> str:
    return make_run("weak")


@pytest.fixture(scope="session")
def other_store(make_store, tmp_path_factory) -> str:
    """Of patients that no run has learned from, without parts and annotations."""
    folder = Path(tmp_path_factory.mktemp("other"))
    return make_store(folder / "o", n_exams=40, matrix=MATRIX, only=range(30, 36), archive="other")
