import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.studies.acquisition import Sale

WAYS = ("exam", "spread", "whole_exam", "exam_first")

archives = st.lists(
    st.tuples(st.integers(0, 8), st.lists(st.integers(0, 1), min_size=1, max_size=7)),
    min_size=1,
    max_size=25,
)
"""Of each exam the number of its patient and its slices' labels."""


def put(archive, way, *, called=None, positive_share=0.5):
    names = [f"e{number:02d}" for number in range(len(archive))]
    rows = [
        (name, index, label)
        for name, (_, labels) in zip(names, archive, strict=True)
        for index, label in enumerate(labels)
    ]
    if way == "exam":
        rows = [(name, None, max(labels)) for name, (_, labels) in zip(names, archive, strict=True)]
    labels = pl.DataFrame(
        rows,
        schema={"exam_id": pl.String, "slice_index": pl.Int32, "label": pl.Int8},
        orient="row",
    )
    exams = pl.DataFrame(
        {"exam_id": names, "patient_key": [f"p{patient}" for patient, _ in archive]}
    )
    seen = pl.lit(None, pl.Int8).alias("seen_label")
    return Sale(
        "train",
        way,
        exams,
        labels.with_columns(seen),
        called=called,
        positive_share=positive_share,
    )


def price_by_hand(way, labels):
    n_runs = len([run for run in "".join(map(str, labels)).split("0") if run])
    return {"exam": 1, "spread": len(labels), "whole_exam": len(labels)}.get(way, 1 + 2 * n_runs)


def actions_by_hand(way, labels):
    n_runs = len([run for run in "".join(map(str, labels)).split("0") if run])
    return (1 if way == "exam_first" else not n_runs) + 2 * n_runs


@settings(deadline=None, max_examples=40)
@given(archives, st.sampled_from(WAYS), st.integers(0, 9))
def test_budgets_are_nested_and_never_overspent(archive, way, repeat):
    sale = put(archive, way)
    purchases = sale.order(seed=1, repeat=repeat)
    total = sum(price_by_hand(way, labels) for _, labels in archive)
    assert purchases.n_labels == sale.n_labels == total
    before = set()
    for budget in range(total + 1):
        bought = purchases.first(budget)
        now = set(bought.select("exam_id", "slice_index").iter_rows())
        assert before <= now
        assert purchases.paid(bought) <= budget
        before = now
    assert len(before) == purchases.labels.height


@settings(deadline=None, max_examples=40)
@given(archives, st.sampled_from(("whole_exam", "exam_first")), st.data())
def test_price_and_actions_are_those_counted_by_hand(archive, way, data):
    purchases = put(archive, way).order(seed=1, repeat=0)
    bought = purchases.first(data.draw(st.integers(0, purchases.n_labels)))
    opened = [archive[int(name[1:])][1] for name in bought["exam_id"].unique()]
    assert purchases.paid(bought) == sum(price_by_hand(way, labels) for labels in opened)
    effort = purchases.effort(bought)
    assert effort.actions == sum(actions_by_hand(way, labels) for labels in opened)
    assert (effort.exams_read, effort.slices_read) == (len(opened), 0)
    assert bought.height == sum(map(len, opened)), "whole exams only"


@settings(deadline=None, max_examples=30)
@given(archives, st.integers(0, 9))
def test_all_ways_meet_exams_in_the_same_order(archive, repeat):
    orders = {
        way: put(archive, way)
        .order(seed=1, repeat=repeat)
        .labels["exam_id"]
        .unique(maintain_order=True)
        .to_list()
        for way in WAYS
    }
    assert all(order == orders["exam"] for order in orders.values())


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(1, 5), min_size=4, max_size=40),
    st.sampled_from(WAYS),
    st.sampled_from((2, 4, 8)),
)
def test_blocks_of_repeats_share_no_patient_while_they_fit(lengths, way, n_repeats):
    # A patient an exam, none positive: budgets that buy so many exams and no more.
    archive = [(number, [0] * length) for number, length in enumerate(lengths)]
    n_exams = len(archive) // n_repeats
    blocks = []
    for repeat in range(n_repeats):
        purchases = put(archive, way).order(seed=1, repeat=repeat)
        exams = purchases.labels["exam_id"].unique(maintain_order=True)[:n_exams]
        price = [price_by_hand(way, archive[int(name[1:])][1]) for name in exams]
        bought = purchases.first(n_exams if way == "spread" else sum(price))
        blocks.append(set(bought["exam_id"]))
        assert len(blocks[-1]) == n_exams
    assert not any(one & other for one, other in itertools.combinations(blocks, 2))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 6), min_size=4, max_size=30), st.sampled_from(WAYS), st.data())
def test_weights_give_each_sort_its_share_of_the_archive(lengths, way, data):
    archive = [(number, [0] * length) for number, length in enumerate(lengths)]
    n_called = data.draw(st.integers(1, len(archive) - 1))
    called = frozenset(f"p{number}" for number in range(n_called))
    purchases = put(archive, way, called=called, positive_share=0.7).order(seed=1, repeat=0)
    bought = purchases.first(data.draw(st.integers(1, purchases.n_labels)))
    weights = purchases.weights(bought)
    is_called = pl.col("exam_id").str.slice(1).cast(pl.Int64) < n_called
    drawn, there = (
        frame if way == "spread" else frame.unique("exam_id")
        for frame in (bought, purchases.labels)
    )
    if not bought.height or bought.select(is_called.n_unique()).item() < 2:
        return
    weighed = drawn.join(weights, on="exam_id", validate="m:1")
    assert weighed["weight"].mean() == pytest.approx(1)
    share = weighed.filter(is_called)["weight"].sum() / weighed["weight"].sum()
    assert share == pytest.approx(there.filter(is_called).height / there.height)


def test_a_slice_of_an_exam_has_the_chance_of_any_other():
    archive = [(number, [0, 0, 0, 1]) for number in range(25)]
    drawn = np.zeros(4)
    for seed in range(80):
        first = put(archive, "spread").order(seed=seed, repeat=0).first(10)
        drawn += np.bincount(first["slice_index"].to_numpy(), minlength=4)
    # 800 draws: four standard deviations are 49.
    assert drawn == pytest.approx(np.full(4, 200), abs=49)
