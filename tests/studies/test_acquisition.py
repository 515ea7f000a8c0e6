import itertools

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.data.splits import read_splits, split_store
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels
from examwise.studies.acquisition import draw_labels
from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.studies.sales import put_on_sale

WAYS = list(ACQUISITION_KINDS)


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(
        tmp_path_factory.mktemp("a") / "store", n_exams=40, matrix=8, exams_per_patient=2
    )
    split_store(url, fractions=(0.6, 0.2, 0.2), seed=0)
    return url


@pytest.fixture(scope="module")
def stored(store):
    return StoredExams(store)


def order(stored, store, way, *, part="train", seed=0, repeat=0):
    sale = put_on_sale(stored, read_splits(store), part=part, way=way, finding="any")
    return sale.order(seed=seed, repeat=repeat)


def draw(stored, store, way, budget, **options):
    return draw_labels(
        order(stored, store, way),
        order(stored, store, way, part="validation"),
        budget=budget,
        **{"validation_fraction": 0.2, "validation_from": 1000, **options},
    )


@pytest.mark.parametrize("way", WAYS)
def test_everything_in_the_part_can_be_bought_once(store, stored, way):
    labels = order(stored, store, way).labels
    exams = read_splits(store).filter(pl.col("split") == "train")["exam_id"]
    known = exam_labels(stored, "any") if way == "exam" else slice_labels(stored, "any")
    assert labels.height == known.filter(pl.col("exam_id").is_in(exams.implode())).height
    assert not labels.select("exam_id", "slice_index").is_duplicated().any()
    assert labels["unit"].is_sorted()


@pytest.mark.parametrize("way", WAYS)
def test_larger_budgets_hold_the_smaller(store, stored, way):
    purchases = order(stored, store, way)
    bought = [
        set(purchases.first(budget).select("exam_id", "slice_index").iter_rows())
        for budget in (8, 10, 14, 18)
    ]
    assert all(small <= large for small, large in itertools.pairwise(bought))
    for budget in (8, 10, 14, 18):
        found = purchases.first(budget)
        assert purchases.paid(found) <= budget
        assert way == "exam_first" or purchases.paid(found) == found.height


@pytest.mark.parametrize("way", WAYS)
def test_order_is_a_function_of_seed_and_repeat(store, stored, way):
    first = order(stored, store, way).labels
    assert first.equals(order(stored, store, way).labels)
    assert not first.equals(order(stored, store, way, repeat=1).labels)
    assert not first.equals(order(stored, store, way, seed=1).labels)


def test_patients_bring_all_exams_in_the_same_order_for_all_arms(store, stored):
    exams = order(stored, store, "exam").labels["exam_id"].to_list()
    whole = order(stored, store, "whole_exam").labels["exam_id"].unique(maintain_order=True)
    assert whole.to_list() == exams
    patients = [int(exam[1:]) // 2 for exam in exams]
    assert all(patients[i] == patients[i + 1] for i in range(0, len(patients), 2))


def test_labels_are_those_of_the_store(store, stored):
    labels = order(stored, store, "spread").labels
    truth = slice_labels(stored, "any").rename({"slice_label": "truth"})
    joined = labels.join(truth, on=["exam_id", "slice_index"])
    assert (joined["label"] == joined["truth"]).all()


def test_exam_labels_cost_one_reading_and_one_action_each(store, stored):
    found = draw(stored, store, "exam", 10)
    assert (found.effort.exams_read, found.effort.slices_read, found.effort.actions) == (10, 0, 10)
    assert found.n_exams_opened == 10


def test_spread_slices_cost_one_look_and_one_action_each(store, stored):
    found = draw(stored, store, "spread", 30)
    assert (found.effort.exams_read, found.effort.slices_read, found.effort.actions) == (0, 30, 30)


def test_whole_exams_cost_an_action_if_negative_and_two_a_run(store, stored):
    found = draw(stored, store, "whole_exam", 60)
    exams = found.label_set.frame["exam_id"].unique()
    positive = sum(int(exam[1:]) % 3 == 0 for exam in exams)
    assert found.effort.actions == 2 * positive + (len(exams) - positive)
    assert found.effort.exams_read == len(exams) == found.n_exams_opened


def test_validation_labels_come_out_of_the_budget(store, stored):
    frame = draw(stored, store, "exam", 10, validation_from=10).label_set.frame
    assert frame["part"].value_counts().sort("part")["count"].to_list() == [8, 2]
    validation = set(read_splits(store).filter(pl.col("split") == "validation")["exam_id"])
    assert set(frame.filter(pl.col("part") == "validation")["exam_id"]) <= validation


@pytest.mark.parametrize("way", WAYS)
def test_test_patients_are_never_bought(store, stored, way):
    test = set(read_splits(store).filter(pl.col("split") == "test")["exam_id"])
    found = draw(stored, store, way, 20, validation_from=10)
    assert not test & set(found.label_set.frame["exam_id"])


def test_budget_beyond_the_archive_is_refused(store, stored):
    with pytest.raises(InputError, match="expected at most 24 labels from train patients"):
        draw(stored, store, "exam", 1000, validation_from=10**6)


def test_budget_below_one_exam_is_refused(store, stored):
    with pytest.raises(InputError, match="enough labels for the slices of one exam"):
        draw(stored, store, "whole_exam", 2)


def test_an_exam_asked_for_first_costs_an_answer_and_two_more_for_each_run(store, stored):
    purchases = order(stored, store, "exam_first")
    labels = purchases.labels.sort("exam_id", "slice_index")
    for exam in labels.partition_by("exam_id"):
        text = "".join(map(str, exam["label"].to_list()))
        n_runs = len([run for run in text.split("0") if run])
        (price,) = purchases.prices.filter(pl.col("unit") == exam["unit"][0])["price"]
        assert price == 1 + 2 * n_runs
    found = draw(stored, store, "exam_first", 20)
    assert found.effort.actions == found.n_bought["train"] <= 20
    assert found.label_set.n_training > 20
    assert found.effort.exams_read == found.n_exams_opened


@pytest.mark.parametrize("way", WAYS)
def test_repeats_buy_from_different_patients_while_they_can(store, stored, way):
    budget = {"exam": 6, "spread": 6, "whole_exam": 40, "exam_first": 12}[way]
    bought = [
        order(stored, store, way, repeat=repeat).first(budget)["exam_id"] for repeat in (0, 1)
    ]
    patients = [{int(exam[1:]) // 2 for exam in exams} for exams in bought]
    assert all(patients)
    assert not set.intersection(*patients)


def test_spread_slices_are_one_of_each_exam_before_a_second(store, stored):
    labels = order(stored, store, "spread").labels
    n_exams = labels["exam_id"].n_unique()
    for turn in range(3):
        assert labels["exam_id"][turn * n_exams : (turn + 1) * n_exams].n_unique() == n_exams
    again = order(stored, store, "spread", repeat=1).labels
    first, second = (frame[:n_exams].sort("exam_id")["slice_index"] for frame in (labels, again))
    assert not first.equals(second)
