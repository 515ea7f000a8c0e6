from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from examwise.data.label_set import all_labels
from examwise.data.loading import BagReader, SliceSubset, read_in_batches
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


def test_mixed_labels_come_as_whole_exams_with_both(stored):
    bags = reader(stored, "mixed")
    targets, of_slices = bags.targets, bags.targets.of_slices
    batch = bags.read([1])
    exam_id = targets.exam_ids[1]
    assert int(batch.bag_sizes.sum()) == stored.n_slices(exam_id)
    assert torch.equal(batch.exam_labels, torch.from_numpy(targets.values[[1]]))
    rows = [row for row, name in enumerate(of_slices.exam_ids) if name == exam_id]
    seen = batch.slice_labels[of_slices.slice_index[rows]]
    assert torch.equal(seen, torch.from_numpy(of_slices.values[rows]))
    assert targets.n_labels == len(targets) + len(of_slices)


def test_a_part_of_the_slices_is_a_function_of_the_step_and_the_exam(stored):
    bags = reader(stored, "exam")
    subset = SliceSubset(minimum=2, seed=3)
    whole = bags.read([0])
    n_slices = len(whole.pixels_hu)
    sizes = set()
    for step in range(30):
        part = bags.read([0], step=step, subset=subset)
        sizes.add(len(part.pixels_hu))
        assert torch.equal(part.pixels_hu, whole.pixels_hu[part.slice_index])
        assert torch.equal(part.relative_position, whole.relative_position[part.slice_index])
        beside = bags.read([0, 1], step=step, subset=subset)
        first = beside.slice_index[: beside.bag_sizes[0]]
        assert torch.equal(first, part.slice_index)
    assert sizes == set(range(2, n_slices))
