from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.data.sampling import LabelSampler


@settings(deadline=None, max_examples=50)
@given(n=st.integers(1, 40), per_step=st.integers(1, 16), seed=st.integers(0, 1000))
def test_every_pass_sees_every_label_once(n, per_step, seed):
    sampler = LabelSampler(np.zeros(n, bool), labels_per_step=per_step, seed=seed)
    line = np.concatenate([sampler.at(step) for step in range(n)])
    for start in range(0, len(line) - n + 1, n):
        assert sorted(line[start : start + n]) == list(range(n))


@settings(deadline=None, max_examples=30)
@given(st.permutations(list(range(12))))
def test_a_step_depends_on_nothing_that_was_drawn_before(order):
    is_positive = np.arange(17) % 3 == 0
    fresh = [
        LabelSampler(is_positive, labels_per_step=5, balanced=True, seed=1).at(step)
        for step in range(12)
    ]
    used = LabelSampler(is_positive, labels_per_step=5, balanced=True, seed=1)
    for step in order:
        assert np.array_equal(used.at(step), fresh[step])


def test_balanced_steps_have_both_classes_in_equal_parts():
    is_positive = np.arange(100) < 7
    sampler = LabelSampler(is_positive, labels_per_step=8, balanced=True, seed=0)
    for step in range(20):
        assert is_positive[sampler.at(step)].sum() == 4
    seen = Counter(int(i) for step in range(7) for i in sampler.at(step) if is_positive[i])
    assert set(seen.values()) == {4}


@pytest.mark.parametrize("rare", [True, False])
def test_a_class_smaller_than_half_a_step_comes_once_a_step(rare):
    is_rare = np.arange(100) < 3
    is_positive = is_rare if rare else ~is_rare
    sampler = LabelSampler(is_positive, labels_per_step=20, balanced=True, seed=0)
    for step in range(5):
        drawn = sampler.at(step)
        assert sorted(drawn[is_rare[drawn]]) == [0, 1, 2]
        assert len(drawn) == 13


@pytest.mark.parametrize("value", [True, False])
def test_one_class_only_is_drawn_as_it_is(value):
    sampler = LabelSampler(np.full(5, value), labels_per_step=2, balanced=True, seed=0)
    assert len(sampler.at(0)) == 2


def test_the_seed_matters():
    def line(seed):
        sampler = LabelSampler(np.zeros(50, bool), labels_per_step=10, seed=seed)
        return sampler.at(0).tolist()

    assert line(0) == line(0) != line(1)
