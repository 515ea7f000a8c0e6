"""The parts of the MNIST-bags benchmark, on images that are no digits."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from examwise.data.splits import read_splits
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels
from examwise.imaging.stored_task import stored_task
from examwise.models.encoders.build import build_encoder
from examwise.training.augmentations.choose import make_augmentation

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def digits():
    return np.random.default_rng(0).integers(0, 10, 400).astype(np.uint8)


@pytest.fixture
def mnist(tmp_path, digits):
    images = np.random.default_rng(1).integers(0, 256, (400, 28, 28)).astype(np.uint8)
    path = tmp_path / "mnist.npz"
    np.savez(path, x_train=images, y_train=digits, x_test=255 - images, y_test=digits)
    return path


def test_bags_are_positive_and_negative_in_turn_and_nested(digits):
    from mnist_bag_store import draw_bags

    bags = list(draw_bags(digits, 300, seed=3, part="train"))
    assert [bool((digits[bag] == 9).any()) for bag in bags] == [True, False] * 150
    sizes = np.array([len(bag) for bag in bags])
    # A normal size cut to a whole number loses half a digit on average; bags that were drawn
    # until they held a nine are a little larger.
    assert sizes.mean() == pytest.approx(9.6, abs=0.4)
    assert sizes.std() == pytest.approx(2, abs=0.3)
    fewer = list(draw_bags(digits, 20, seed=3, part="train"))
    assert all(np.array_equal(one, other) for one, other in zip(fewer, bags, strict=False))
    others = list(draw_bags(digits, 20, seed=3, part="test"))
    assert not all(np.array_equal(one, other) for one, other in zip(fewer, others, strict=True))


def test_the_store_holds_the_digits_as_hu(mnist, digits, tmp_path):
    from mnist_bag_store import draw_bags, write_bag_store

    for _ in range(2):
        write_bag_store(tmp_path / "s", mnist, seed=0, bags={"train": 6, "test": 4})
    stored = StoredExams(tmp_path / "s")
    assert stored_task(stored.manifest).findings == ("nine",)
    parts = read_splits(tmp_path / "s").group_by("split").len().sort("split").rows()
    assert parts == [("test", 4), ("train", 6)]
    labels = exam_labels(stored, "nine").filter(pl.col("exam_id").str.starts_with("test"))
    assert labels["exam_label"].to_list() == [1, 0, 1, 0]
    bag = next(draw_bags(digits, 1, seed=0, part="test"))
    with np.load(mnist) as arrays:
        assert np.array_equal(stored.read_slices("test0000"), arrays["x_test"][bag])


def test_encoder_and_augmentation_are_found_by_their_paths():
    encoder = build_encoder("mnist_lenet:LeNet", width=64, in_channels=1)
    images = torch.rand(3, 1, 28, 28) * 2 - 1
    assert encoder(images).shape == (3, encoder.n_features) == (3, 800)
    change = make_augmentation("mnist_turns:Turns").draw(
        ["a", "b"], torch.tensor([2, 1]), seed=0, step=5
    )
    turned = change(images, slice(0, 3))
    assert turned.shape == images.shape
    assert turned.min() >= -1
    assert not torch.equal(turned, images)
    ground = torch.full((3, 1, 28, 28), -1.0)
    assert torch.allclose(change(ground, slice(0, 3)), ground)


def test_one_model_is_trained_and_tested(mnist, tmp_path, monkeypatch):
    import mnist_bags

    monkeypatch.setattr(mnist_bags, "BUDGETS", (6,))
    monkeypatch.setattr(mnist_bags, "N_TEST", 4)
    mnist_bags.make_pool(0, folder=tmp_path, mnist=mnist)
    run = mnist_bags.Run("gated_attention", 6, 0)
    training = replace(mnist_bags.TRAINING, steps=2, validate_every=2)
    result = mnist_bags.perform(run, folder=tmp_path, training=training)
    assert 0 <= result["auc"] <= 1
    assert list((tmp_path / "work").iterdir()) == []
    # A result that is there is not computed again.
    shutil.rmtree(tmp_path / "stores")
    assert mnist_bags.perform(run, folder=tmp_path, training=training) == result
    mnist_bags.keep_settings(tmp_path, training)
    mnist_bags.keep_settings(tmp_path, training)
    with pytest.raises(SystemExit, match="other settings"):
        mnist_bags.keep_settings(tmp_path, mnist_bags.TRAINING)


def test_the_table_says_what_is_reached():
    from mnist_bags import summarise, table

    aucs = {"attention": (0.76, 0.78), "gated_attention": (0.700, 0.701)}
    results = [
        {"pooling": pooling, "n_bags": 50, "auc": auc, "training_s": 1.0}
        for pooling, pair in aucs.items()
        for auc in pair
    ]
    rows = summarise(results)
    assert [row["is_reached"] for row in rows] == [True, False]
    assert rows[0]["standard_error"] == pytest.approx(0.01)
    assert "| attention | 50 | 2 | 0.770 ± 0.010 | 0.768 | yes |" in table(rows)
