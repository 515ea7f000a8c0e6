"""A small split store, and options with which pretraining takes a second."""

import polars as pl
import pytest

from examwise.data.splits import write_splits
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig


@pytest.fixture(scope="session")
def split_store(make_store, tmp_path_factory):
    """Twelve exams: six to train on, two for validation, three for testing, one without part."""
    url = make_store(tmp_path_factory.mktemp("pretraining") / "store")
    parts = ["train"] * 6 + ["validation"] * 2 + ["test"] * 3
    frame = pl.DataFrame(
        {
            "exam_id": [f"e{number:04d}" for number in range(11)],
            "patient_key": [f"p{number:04d}" for number in range(11)],
            "split": parts,
        }
    )
    write_splits(url, frame, options={})
    return url


@pytest.fixture(scope="session")
def encoder():
    return EncoderConfig(width=4)


@pytest.fixture(scope="session")
def brief():
    return PretrainingConfig(
        steps=6, slices_per_step=4, keep_every=2, precision="32-true", accelerator="cpu"
    )
