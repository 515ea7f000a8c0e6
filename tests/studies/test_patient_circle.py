import itertools

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.studies.patient_circle import circle_order, start_of

options = {"seed": 3, "part": "train"}


def order(n_patients, repeat, **changes):
    patients = pl.Series([f"p{number:03d}" for number in range(n_patients)], dtype=pl.String)
    found = circle_order(patients, **{**options, "repeat": repeat, **changes})
    assert found["rank"].to_list() == list(range(n_patients))
    assert sorted(found["patient_key"]) == patients.to_list()
    return found["patient_key"].to_list()


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 64), st.integers(1, 16))
def test_arcs_of_repeats_are_disjoint_while_they_fit(n_patients, n_repeats):
    # Places of van der Corput's sequence are at least 1 / (the next power of two) apart.
    apart = 1 << (n_repeats - 1).bit_length()
    arcs = [set(order(n_patients, repeat)[: n_patients // apart]) for repeat in range(n_repeats)]
    assert all(not one & other for one, other in itertools.combinations(arcs, 2))


def test_every_repeat_goes_round_the_same_circle():
    first, other = order(10, 0), order(10, 3)
    start = first.index(other[0])
    assert first[start:] + first[:start] == other
    assert order(10, 0, seed=4) != first
    assert order(10, 0, part="validation") != first


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 500))
def test_places_are_spread_over_the_circle(n_repeats):
    places = sorted(start_of(repeat) for repeat in range(n_repeats))
    assert len(set(places)) == n_repeats
    gaps = [later - earlier for earlier, later in itertools.pairwise([*places, 1.0])]
    assert not gaps or max(gaps) <= 2 / n_repeats


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 40), st.integers(0, 40), st.floats(0.1, 0.9), st.integers(0, 5))
def test_reports_choose_the_share_until_one_sort_is_used_up(n_patients, n_called, share, repeat):
    called = {f"p{number:03d}" for number in range(min(n_called, n_patients))}
    drawn = order(n_patients, repeat, positive=called, positive_share=share)
    rest = len(called), n_patients - len(called)
    for length in range(1, n_patients + 1):
        taken = sum(key in called for key in drawn[:length])
        if taken < rest[0] and length - taken < rest[1]:
            assert abs(taken - share * length) <= 1
