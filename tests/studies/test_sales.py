import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.store import LABELS
from examwise.data.label_set import LabelSet
from examwise.data.splits import read_splits, split_store
from examwise.data.targets import find_targets
from examwise.imaging.stored_exams import StoredExams
from examwise.studies.acquisition import draw_labels
from examwise.studies.label_errors_config import LabelErrorsConfig
from examwise.studies.sales import put_on_sale
from examwise.studies.sampling_config import SamplingConfig

ERRORS = LabelErrorsConfig(sensitivity=0.6, specificity=0.6)


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("sales") / "store", n_exams=80, matrix=8)
    split_store(url, fractions=(0.6, 0.2, 0.2), seed=0)
    return url


def draw(store, way, budget, **options):
    splits = read_splits(store)
    parts = [
        put_on_sale(StoredExams(store), splits, part=part, way=way, finding="any", **options).order(
            seed=0, repeat=0
        )
        for part in ("train", "validation")
    ]
    return draw_labels(*parts, budget=budget, validation_fraction=0.2, validation_from=10)


def truth_of(found, store):
    return find_targets(
        StoredExams(store),
        LabelSet(found.label_set.kind, found.label_set.frame.drop("seen_label", "weight")),
        "train",
        ["any"],
    )


def test_a_run_learns_from_exam_labels_as_they_were_seen(store):
    found = draw(store, "exam", 50, errors=ERRORS)
    seen = find_targets(StoredExams(store), found.label_set, "train", ["any"])
    truth = truth_of(found, store)
    assert seen.exam_ids == truth.exam_ids
    assert 0.1 < (seen.values != truth.values).mean() < 0.7
    assert seen.digest() != truth.digest()
    assert found.n_positive == found.label_set.frame["seen_label"].sum()
    with pytest.raises(InputError, match="one kind and one finding where there are seen_label"):
        find_targets(StoredExams(store), found.label_set, "train", ["any", "epidural"])


@pytest.mark.parametrize("way", ["spread", "whole_exam", "exam_first"])
def test_whoever_looks_at_slices_sees_them_as_they_are(store, way):
    found = draw(store, way, 60, errors=ERRORS)
    assert found.label_set.frame["seen_label"].null_count() == found.label_set.frame.height


def test_reports_choose_and_weights_make_up_for_it(store):
    found = draw(store, "exam", 20, errors=ERRORS, sampling=SamplingConfig(0.75))
    frame = found.label_set.frame
    assert (
        frame.group_by("part").agg(pl.col("weight").mean())["weight"].to_list()
        == [pytest.approx(1.0)] * 2
    )
    train = frame.filter(part="train")
    assert train["weight"].n_unique() == 2
    # More of those called positive than there are, so that each stands for fewer.
    called = train.filter(pl.col("seen_label") == 1)
    assert called.height == 12
    assert called["weight"].max() < train.filter(pl.col("seen_label") == 0)["weight"].min()
    targets = find_targets(StoredExams(store), found.label_set, "train", ["any"])
    assert targets.weights.mean() == pytest.approx(1.0)
    assert targets.units().sum() == pytest.approx(len(targets))


def test_within_classes_weights_leave_each_class_its_number(store):
    found = draw(store, "exam", 50, errors=ERRORS, sampling=SamplingConfig(0.75))
    targets = find_targets(StoredExams(store), found.label_set, "train", ["any"])
    within = targets.weighing_within_classes()
    for of_class in (targets.is_positive, ~targets.is_positive):
        assert within.units()[of_class].sum() == pytest.approx(of_class.sum())
        ratio = within.weights[of_class] / targets.weights[of_class]
        assert ratio == pytest.approx(ratio[0])
    assert truth_of(found, store).weighing_within_classes().weights is None


def test_reports_in_the_store_come_before_simulated_ones(store, make_store, tmp_path):
    with pytest.raises(InputError, match="expected labels of source 'report'"):
        draw(store, "exam", 10, sampling=SamplingConfig(0.5))
    url = make_store(tmp_path / "reported", n_exams=40, matrix=8)
    split_store(url, fractions=(0.6, 0.2, 0.2), seed=0)
    stored = StoredExams(url)
    events = stored.labels
    report = events[:1].with_columns(
        pl.lit("report").alias("source"),
        pl.lit("any").alias("finding"),
        pl.lit(None, pl.Int32).alias("slice_start"),
        pl.lit(None, pl.Int32).alias("slice_stop"),
        pl.lit(1, pl.Int8).alias("value"),
        pl.lit(read_splits(url).filter(split="train")["exam_id"][0]).alias("exam_id"),
    )
    LABELS.write(stored.storage, pl.concat([report, events]))
    sale = put_on_sale(
        StoredExams(url),
        read_splits(url),
        part="train",
        way="exam",
        finding="any",
        sampling=SamplingConfig(0.5),
    )
    assert len(sale.called) == 1
