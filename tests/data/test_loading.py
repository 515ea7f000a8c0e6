from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from examwise.data.label_set import all_labels
from examwise.data.loading import BagReader, StepDataset, StepNumbers, read_in_batches, step_loader
from examwise.data.sampling import LabelSampler
from examwise.data.slice_cache import SliceCache
from examwise.data.splits import read_splits, split_store
from examwise.data.targets import find_targets
from examwise.imaging.stored_exams import StoredExams


@pytest.fixture(scope="module")
def stored(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("loading") / "s", n_exams=12, matrix=16)
    split_store(url)
    return StoredExams(url)


def reader(stored, kind, limit_bytes=10**6):
    labels = all_labels(stored, read_splits(stored.storage.url), ["any", "subdural"], kind)
    targets = find_targets(stored, labels, "train", ["any", "subdural"])
    return BagReader(SliceCache(stored, limit_bytes=limit_bytes), targets)


def test_exam_labels_come_as_whole_exams_and_show_no_slice_label(stored):
    bags = reader(stored, "exam")
    batch = bags.read([3, 1])
    assert batch.exam_ids == (bags.targets.exam_ids[1], bags.targets.exam_ids[3])
    assert batch.bag_sizes.tolist() == [stored.n_slices(exam) for exam in batch.exam_ids]
    whole = np.concatenate([stored.read_slices(exam) for exam in batch.exam_ids])
    assert np.array_equal(batch.pixels_hu.numpy(), whole)
    assert batch.pixels_hu.dtype == torch.int16
    assert torch.equal(batch.exam_labels, torch.from_numpy(bags.targets.values[[1, 3]]))
    assert torch.isnan(batch.slice_labels).all()
    positions = stored.slices.filter(pl.col("exam_id") == batch.exam_ids[0])["relative_position"]
    first = batch.relative_position[: len(positions)].numpy()
    assert np.allclose(first, positions.to_numpy())


@pytest.mark.parametrize("kind", ["exam", "slice"])
def test_a_label_given_twice_counts_twice(stored, kind):
    # At the seam of two passes a step may draw a label twice; all are to count equally often.
    bags = reader(stored, kind)
    batch = bags.read([2, 0, 2, 2])
    seen = batch.exam_labels if kind == "exam" else batch.slice_labels
    assert torch.equal(seen, torch.from_numpy(bags.targets.values[[0, 2, 2, 2]]))
    assert int(batch.bag_sizes.sum()) == len(batch.pixels_hu)


def test_slice_labels_come_as_just_these_slices_and_show_no_exam_label(stored):
    bags = reader(stored, "slice")
    batch = bags.read([0, 2, 9])
    targets = bags.targets
    assert int(batch.bag_sizes.sum()) == 3
    assert torch.isnan(batch.exam_labels).all()
    assert batch.slice_index.tolist() == targets.slice_index[[0, 2, 9]].tolist()
    assert torch.equal(batch.slice_labels, torch.from_numpy(targets.values[[0, 2, 9]]))
    place = [
        stored.read_slices(targets.exam_ids[label], [int(targets.slice_index[label])])[0]
        for label in (0, 2, 9)
    ]
    assert np.array_equal(batch.pixels_hu.numpy(), np.stack(place))


@pytest.mark.parametrize("kind", ["exam", "slice"])
def test_batches_hold_every_label_once_within_the_limit(stored, kind):
    bags = reader(stored, kind)
    batches = list(read_in_batches(bags, slices_per_batch=20))
    assert len(batches) > 1
    assert all(int(batch.bag_sizes.sum()) <= 20 for batch in batches)
    values = [b.exam_labels if kind == "exam" else b.slice_labels for b in batches]
    assert torch.equal(torch.cat(values), torch.from_numpy(bags.targets.values))


def test_an_exam_longer_than_the_limit_is_a_batch_of_its_own(stored):
    batches = list(read_in_batches(reader(stored, "exam"), slices_per_batch=1))
    assert all(len(batch.exam_ids) == 1 for batch in batches)


def test_the_cache_stays_within_its_limit_and_changes_nothing(stored):
    exam_id = stored.exams["exam_id"][0]
    one_slice = 16 * 16 * 2
    cache = SliceCache(stored, limit_bytes=3 * one_slice)
    first = cache.read(exam_id, [4, 0, 2])
    assert cache.n_kept == 3
    cache.read(exam_id, [1])
    assert cache.n_kept == 3
    again = cache.read(exam_id, [2, 1, 4])
    assert np.array_equal(again, stored.read_slices(exam_id, [2, 1, 4]))
    assert np.array_equal(first, stored.read_slices(exam_id, [4, 0, 2]))


@pytest.mark.parametrize("limit_bytes", [0, 16 * 16 * 2 * 3, 10**6])
def test_the_cache_reads_into_memory_that_is_there(stored, limit_bytes):
    exam_id = stored.exams["exam_id"][0]
    cache = SliceCache(stored, limit_bytes=limit_bytes)
    for wanted in ([2, 2, 0], [0, 1, 2, 3], [3, 1]):
        room = np.zeros((len(wanted) + 1, 16, 16), np.int16)
        cache.read(exam_id, wanted, out=room[1:])
        assert np.array_equal(room[1:], stored.read_slices(exam_id, wanted))
        assert not room[0].any()
        room[:] = -1  # what is kept is not what was given
    assert np.array_equal(cache.read(exam_id, [0, 3]), stored.read_slices(exam_id, [0, 3]))


def test_a_cached_exam_is_not_read_again(stored, monkeypatch):
    cache = SliceCache(stored, limit_bytes=10**6)
    exam_id = stored.exams["exam_id"][0]
    before = cache.read(exam_id, range(stored.n_slices(exam_id)))
    monkeypatch.setattr(stored, "read_slices", None)
    assert np.array_equal(cache.read(exam_id, range(stored.n_slices(exam_id))), before)


def test_numbers_go_on_with_the_steps_still_to_be_done():
    done = 0
    numbers = StepNumbers(lambda: done, steps=4)
    assert (list(numbers), len(numbers)) == ([0, 1, 2, 3], 4)
    done = 3
    assert (list(numbers), len(numbers)) == ([3], 4)


@pytest.mark.parametrize("n_workers", [0, 1])
def test_worker_processes_change_nothing(stored, n_workers):
    bags = reader(stored, "exam")
    sampler = LabelSampler(bags.targets.is_positive, labels_per_step=3, seed=0)
    numbers = StepNumbers(lambda: 2, steps=5)
    state = torch.random.get_rng_state()
    batches = list(step_loader(StepDataset(bags, sampler), numbers, n_workers=n_workers))
    assert torch.equal(torch.random.get_rng_state(), state)
    for step, batch in zip((2, 3, 4), batches, strict=True):
        expected = bags.read(sampler.at(step))
        assert batch.exam_ids == expected.exam_ids
        assert torch.equal(batch.pixels_hu, expected.pixels_hu)


def test_a_batch_moves_as_one(stored):
    batch = reader(stored, "exam").read([0]).to("meta")
    assert batch.pixels_hu.device.type == "meta"
    assert batch.exam_ids
