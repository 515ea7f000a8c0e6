from __future__ import annotations

from contextlib import contextmanager

import pytest

from examwise.data.label_set import all_labels
from examwise.data.splits import read_splits, split_store
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.training.config import TrainingConfig

KINDS = {"strong": "slice", "weak": "exam", "mixed": "mixed", "position": "slice"}


class InterruptionError(Exception):
    """Stands for a process that is killed."""


class InterruptingProgress:
    """Raises after so many steps."""

    def __init__(self, steps, error=InterruptionError):
        self._left = steps
        self._error = error

    def say(self, text):
        """Drop the line."""

    @contextmanager
    def track(self, title, total):
        def advance():
            self._left -= 1
            if self._left < 0:
                raise self._error

        yield advance


@pytest.fixture(scope="session")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("training") / "s", n_exams=60, matrix=32)
    split_store(url, fractions=(0.5, 0.3, 0.2), seed=0)
    return url


@pytest.fixture(scope="session")
def label_sets(store):
    stored, splits = StoredExams(store), read_splits(store)
    return {learner: all_labels(stored, splits, "any", kind) for learner, kind in KINDS.items()}


@pytest.fixture(scope="session")
def small_model():
    return ModelConfig(encoder="resnet10", width=4, embedding=16, attention_hidden=8, dropout=0.1)


@pytest.fixture(scope="session")
def short_training():
    return TrainingConfig(
        steps=10,
        exams_per_step=4,
        slices_per_step=24,
        learning_rate=3e-3,
        validate_every=4,
        validation_minimum=5,
        seed=3,
    )


@pytest.fixture
def interrupting():
    return InterruptingProgress


@pytest.fixture
def interruption():
    return InterruptionError
