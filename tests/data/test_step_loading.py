from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.data.label_set import all_labels
from examwise.data.loading import BagReader
from examwise.data.sampling import LabelSampler
from examwise.data.slice_cache import SliceCache
from examwise.data.splits import read_splits, split_store
from examwise.data.step_loading import StepDataset, StepNumbers, StepShares, step_loader
from examwise.data.targets import find_targets
from examwise.imaging.stored_exams import StoredExams


@pytest.fixture(scope="module")
def stored(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("steps") / "s", n_exams=12, matrix=16)
    split_store(url)
    return StoredExams(url)


def reader(stored, kind):
    labels = all_labels(stored, read_splits(stored.storage.url), ["any", "subdural"], kind)
    targets = find_targets(stored, labels, "train", ["any", "subdural"])
    return BagReader(SliceCache(stored, limit_bytes=10**6), targets)


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


@settings(deadline=None, max_examples=50)
@given(n_labels=st.integers(1, 40), accumulate=st.integers(1, 4), n_processes=st.integers(1, 4))
def test_parts_of_a_step_are_all_of_it_and_no_label_twice(n_labels, accumulate, n_processes):
    labels = np.random.default_rng(0).permutation(100)[:n_labels]
    parts = [
        StepShares(accumulate, n_processes, rank).of(labels, part)
        for rank in range(n_processes)
        for part in range(accumulate)
    ]
    assert sorted(np.concatenate(parts).tolist()) == sorted(labels.tolist())
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_more_parts_than_labels_are_refused():
    with pytest.raises(InputError, match="2 processes times 3 accumulated parts, got 5 labels"):
        StepShares(3, 2).require(5)


@pytest.mark.parametrize("kind", ["exam", "slice", "mixed"])
def test_every_part_knows_what_the_whole_step_has(stored, kind):
    bags = reader(stored, kind)
    sampler = LabelSampler(bags.targets.is_positive, labels_per_step=4, seed=0)
    whole = StepDataset(bags, sampler)[1]
    shares = StepShares(accumulate=2, n_processes=2, rank=1)
    for number in (2, 3):
        part = StepDataset(bags, sampler, shares=shares)[number]
        assert (part.step, part.step_units) == (1, whole.step_units)
    exams = (~torch.isnan(whole.exam_labels)).sum()
    slices = (~torch.isnan(whole.slice_labels)).sum()
    if kind == "mixed":
        bags_of = torch.repeat_interleave(torch.arange(len(whole.exam_ids)), whole.bag_sizes)
        present = ~torch.isnan(whole.slice_labels)
        labelled = torch.zeros(len(whole.exam_ids), 2, dtype=torch.bool)
        for bag in range(len(whole.exam_ids)):
            labelled[bag] = present[bags_of == bag].any(0)
        slices = labelled.sum()
    assert whole.step_units == float(exams + slices)
