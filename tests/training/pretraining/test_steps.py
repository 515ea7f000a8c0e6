from collections import Counter

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.data.slice_cache import SliceCache
from examwise.training.pretraining.build import make_pretext
from examwise.training.pretraining.slices import find_slices
from examwise.training.pretraining.steps import PretextSteps, SliceOrder, batches


@settings(deadline=None, max_examples=30)
@given(n_slices=st.integers(1, 40), per_step=st.integers(2, 50), seed=st.integers(0, 5))
def test_every_pass_brings_each_slice_once(n_slices, per_step, seed):
    order = SliceOrder(n_slices, per_step=per_step, seed=seed)
    n_steps = 3 * n_slices // per_step + 1
    seen = [row for step in range(n_steps) for row in order.at(step)]
    assert len(seen) == n_steps * per_step
    for start in range(0, len(seen) - n_slices + 1, n_slices):
        assert sorted(seen[start : start + n_slices]) == list(range(n_slices))
    assert [row for step in reversed(range(n_steps)) for row in reversed(order.at(step))] == [
        *reversed(seen)
    ]
    counts = Counter(seen).values()
    assert max(counts) - min(counts) <= 1


def test_passes_have_orders_of_their_own():
    order = SliceOrder(50, per_step=50, seed=0)
    assert order.at(0) != order.at(1)
    assert order.at(0) != SliceOrder(50, per_step=50, seed=1).at(0)
    assert order.at(0) != list(range(50))


def test_a_step_is_the_same_whenever_it_is_read(split_store):
    slices = find_slices([split_store])

    def steps(limit_bytes):
        return PretextSteps(
            SliceCache(slices.stored, limit_bytes=limit_bytes),
            slices.frame,
            make_pretext("pasted_shapes", {}),
            per_step=4,
            seed=0,
        )

    in_order = list(batches(steps(10**6), range(5), n_workers=0, pin_memory=False))
    alone = steps(0)[3]
    assert torch.equal(in_order[3].pixels_hu, alone.pixels_hu)
    for name, value in alone.drawn.items():
        assert torch.equal(in_order[3].drawn[name], value)
    assert alone.pixels_hu.dtype == torch.int16
    moved = alone.to(torch.device("cpu"))
    assert torch.equal(moved.pixels_hu, alone.pixels_hu)


def test_pixels_are_those_of_the_slices(split_store):
    slices = find_slices([split_store])
    cache = SliceCache(slices.stored, limit_bytes=0)
    pretext = make_pretext("contrastive", {})
    steps = PretextSteps(cache, slices.frame, pretext, per_step=3, seed=7)
    rows = SliceOrder(slices.frame.height, per_step=3, seed=7).at(2)
    for pixels, row in zip(steps[2].pixels_hu.numpy(), rows, strict=True):
        exam_id, index = slices.frame.row(row)
        assert (pixels == slices.stored.read_slices(exam_id, [index])[0]).all()
