from __future__ import annotations

import numpy as np
import pytest
import torch
import torchio

from examwise.core.errors import InputError
from examwise.core.randomness import generator
from examwise.training.augmentations.torchio_slices import TorchioSlices
from examwise.training.augmentations.torchio_teneggi2023 import make_published_pipeline

WINDOW = {"window_center_hu": 40.0, "window_width_hu": 80.0}


@pytest.fixture
def pixels_hu():
    rng = np.random.default_rng(0)
    made = np.full((6, 40, 36), -1000, np.int16)
    made[:, 8:32, 8:28] = rng.integers(0, 80, (6, 24, 20))
    return made


def changed(pixels_hu, augmentation=None, seed=0, **how):
    stream = generator(seed, "host augmentation", 3, "exam")
    return (augmentation or make_published_pipeline())(pixels_hu, generator=stream, **WINDOW, **how)


def test_the_published_pipeline_is_a_function_of_the_generator(pixels_hu):
    before = pixels_hu.copy()
    first = changed(pixels_hu)
    assert first.dtype == np.float32
    assert first.shape == pixels_hu.shape
    assert np.isfinite(first).all()
    assert np.array_equal(first, changed(pixels_hu))
    assert not np.array_equal(first, changed(pixels_hu, seed=1))
    assert np.array_equal(pixels_hu, before)


def test_a_slice_is_changed_alike_whichever_come_beside_it(pixels_hu):
    whole = changed(pixels_hu)
    part = changed(pixels_hu[[1, 4]], slice_index=np.array([1, 4]))
    assert np.array_equal(part, whole[[1, 4]])


def test_global_generators_are_left_alone(pixels_hu):
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 - the global one is what is checked
    changed(pixels_hu)
    assert torch.equal(torch_before, torch.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])  # noqa: NPY002 - as above


def test_the_global_generator_has_no_part_in_it(pixels_hu):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first = changed(pixels_hu)
        torch.manual_seed(2)
        assert np.array_equal(first, changed(pixels_hu))


def test_values_are_windowed_for_torchio_and_come_back_in_hu(pixels_hu):
    seen = []

    def see(tensor):
        seen.append(tensor.clone())
        return tensor

    after = changed(pixels_hu, TorchioSlices(torchio.Lambda(see), source="test"))
    assert seen[0].shape == (1, 40, 36, 1)
    assert 0 <= min(map(torch.min, seen)) <= max(map(torch.max, seen)) <= 1
    np.testing.assert_allclose(after, np.clip(pixels_hu, 0, 80), atol=1e-4)


def test_rows_come_first(pixels_hu):
    after = changed(pixels_hu, TorchioSlices(torchio.Flip(axes=(0,)), source="test"))
    np.testing.assert_allclose(after, np.clip(pixels_hu, 0, 80)[:, ::-1], atol=1e-4)


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        (torchio.Crop((2, 0, 0)), r"\(36, 36, 1\)"),
        (torchio.Lambda(lambda tensor: tensor / 0), "finite"),
        (torchio.Lambda(lambda tensor: tensor.reshape(3)), "RuntimeError"),
    ],
)
def test_what_cannot_be_used_is_refused(pixels_hu, transform, words):
    with pytest.raises(InputError, match=words):
        changed(pixels_hu, TorchioSlices(transform, source="test"))


def test_no_slices_are_no_fault(pixels_hu):
    assert changed(pixels_hu[:0]).shape == (0, 40, 36)
