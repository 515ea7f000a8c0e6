from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from examwise.training.augmentations import AUGMENTATIONS
from examwise.training.augmentations.choose import make_augmentation

IDS, SIZES = ("a", "b", "c"), torch.tensor([4, 3, 2])


def changed(augmentation, images, *, seed=0, step=3, **how):
    transform = augmentation.draw(IDS, SIZES, seed=seed, step=step, **how)
    return transform(images, slice(0, 9))


def test_shape_and_type_stay_and_the_images_given_are_left_alone(augmentation, images):
    before = images.clone()
    after = changed(augmentation, images)
    assert after.shape == images.shape
    assert after.dtype == images.dtype
    assert after.isfinite().all()
    assert torch.equal(images, before)


@pytest.mark.parametrize("step", range(4))
def test_chunks_change_nothing(augmentation, images, step):
    transform = augmentation.draw(IDS, SIZES, seed=1, step=step)
    whole = transform(images, slice(0, 9))
    for bounds in ([0, 9], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 5, 9], [0, 2, 8, 9]):
        chunks = [slice(*pair) for pair in pairwise(bounds)]
        parts = [transform(images[rows], rows) for rows in chunks]
        assert torch.equal(torch.cat(parts), whole)


@pytest.mark.parametrize("step", range(4))
def test_neighbours_in_the_pack_change_nothing(augmentation, images, step):
    whole = changed(augmentation, images, seed=1, step=step)
    starts = [0, 4, 7]
    for exam_id, size, start in zip(IDS, SIZES.tolist(), starts, strict=True):
        alone = augmentation.draw((exam_id,), torch.tensor([size]), seed=1, step=step)
        own = alone(images[start : start + size], slice(0, size))
        assert torch.equal(own, whole[start : start + size])


def test_slices_of_an_exam_in_parts_get_what_they_get_in_one(augmentation, images):
    places = torch.tensor([5, 9, 11, 30])
    whole = augmentation.draw(("a",), torch.tensor([4]), seed=0, step=1, slice_index=places)
    part = augmentation.draw(("a",), torch.tensor([2]), seed=0, step=1, slice_index=places[2:])
    both = whole(images[:4], slice(0, 4)), part(images[2:4], slice(0, 2))
    assert torch.equal(both[0][2:], both[1])


def test_an_empty_batch_and_an_empty_chunk_are_no_fault(augmentation, images):
    transform = augmentation.draw((), torch.tensor([], dtype=torch.int64), seed=0, step=0)
    assert transform(images[:0], slice(0, 0)).shape == images[:0].shape


def test_the_global_generator_is_left_alone(augmentation, images):
    before = torch.get_rng_state()
    changed(augmentation, images)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name != "none"])
def test_seed_step_and_exam_matter(name, images):
    augmentation = make_augmentation(name)
    images = images[:1].expand(9, -1, -1, -1).contiguous()
    first = changed(augmentation, images)
    assert torch.equal(first, changed(augmentation, images))
    assert not torch.equal(first, changed(augmentation, images, seed=1))
    assert not torch.equal(first, changed(augmentation, images, step=4))
    assert not torch.equal(first[0], first[4])


@pytest.mark.parametrize("name", ["none", "flip_and_shift", "head"])
def test_air_stays_air_and_nothing_leaves_the_window(name):
    augmentation = make_augmentation(name)
    air = torch.full((9, 1, 24, 24), -1.0)
    inner = torch.rand(9, 1, 24, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for step in range(30):
        assert torch.equal(changed(augmentation, air, step=step), air)
        after = changed(augmentation, inner, step=step)
        assert -1 <= after.min() <= after.max() <= 1


def test_several_windows_are_moved_alike(augmentation, images):
    both = torch.cat([images, images], dim=1)
    after = changed(augmentation, both)
    assert torch.equal(after[:, 0], after[:, 1])
    assert torch.equal(after[:, :1], changed(augmentation, images))


def test_half_precision_comes_back_as_it_was(augmentation, images):
    after = changed(augmentation, images.bfloat16())
    assert after.dtype == torch.bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(changed(augmentation, images), changed(augmentation, images.float()))
