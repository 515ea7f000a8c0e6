import polars as pl
import pytest
import sklearn.metrics

from examwise.core.errors import SchemaError
from examwise.core.schemas.explanations import SLICE_VALUES
from examwise.evaluation.slices import slice_metrics
from examwise.metrics.position import PositionHistogram

HISTOGRAM = PositionHistogram((0.0, 0.25, 0.5, 1.0), (0.1, 0.9, 0.8, 0.1), 40)


def measure(slices, exams, histogram=HISTOGRAM, **options):
    return slice_metrics(slices, exams, {"r1": {"any": histogram}}, **options)


def of(table, estimator, within="all"):
    return table.filter(pl.col("estimator") == estimator, pl.col("within") == within).row(
        0, named=True
    )


def bag_values(slices, value, *, method="hshap_bag"):
    columns = {"learner": "weak", "archive": "here", "patient_key": "p", "method": method}
    return SLICE_VALUES.validate(
        slices.select(
            "run_id",
            *(pl.lit(text).alias(name) for name, text in columns.items()),
            "exam_id",
            "finding",
            "slice_index",
            value.alias("value"),
        ).select(SLICE_VALUES.names)
    )


@pytest.fixture
def exams(make_exams):
    return make_exams([0, 1] * 20, [0.1] * 40)


def test_every_estimator_has_its_rows_and_equals_scikit_learn(exams, make_slices):
    slices = make_slices(exams)
    table = measure(slices, exams)
    names = ["slice_probability", "attention_weight", "position_only"]
    assert table["estimator"].to_list() == [name for name in names for _ in range(2)]
    assert table["within"].to_list() == ["all", "positive_exams"] * 3
    assert table["n_slices"].to_list() == [200, 100] * 3
    assert table["n_patients"].to_list() == [40, 20] * 3
    assert table["n_positive"].to_list() == [40] * 6
    positive = slices.join(exams.filter(pl.col("exam_label") == 1), on="exam_id", how="semi")
    for estimator in ("slice_probability", "attention_weight"):
        for within, counted in (("all", slices), ("positive_exams", positive)):
            expected = sklearn.metrics.roc_auc_score(counted["slice_label"], counted[estimator])
            row = of(table, estimator, within)
            assert row["auc"] == pytest.approx(expected)
            assert row["auc_lower"] < row["auc"] < row["auc_upper"]
    # Positives lie at 0.25 and 0.5; of the 160 negatives 40 lie there too.
    position = of(table, "position_only")
    assert position["auc"] == pytest.approx((120 + 20) / 160)
    assert position["auc_lower"] < position["auc"] < position["auc_upper"]


def test_position_alone_that_never_varies_has_no_interval(exams, make_slices):
    row = of(measure(make_slices(exams), exams), "position_only", "positive_exams")
    assert (row["auc"], row["auc_lower"], row["auc_upper"]) == (1.0, None, None)


def test_estimators_that_a_run_lacks_have_no_row(exams, make_slices):
    table = measure(make_slices(exams, attention=False), exams, histogram=None)
    assert table["estimator"].unique().to_list() == ["slice_probability"]


def test_slices_without_labels_have_no_rows(exams, make_slices):
    assert measure(make_slices(exams, label=False), exams).is_empty()


def test_no_positive_slice_leaves_the_auc_missing(make_exams, make_slices):
    exams = make_exams([0] * 10, [0.1] * 10)
    table = measure(make_slices(exams), exams)
    assert table["within"].to_list() == ["all"] * 3
    assert table["auc"].null_count() == table["auc_lower"].null_count() == 3


def test_constant_scores_are_a_coin_without_an_interval(exams, make_slices):
    slices = make_slices(exams).with_columns(slice_logit=pl.lit(0.3))
    row = of(measure(slices, exams), "slice_probability")
    assert (row["auc"], row["auc_lower"], row["auc_upper"]) == (0.5, None, None)


def test_attention_on_some_slices_only_is_refused(exams, make_slices):
    slices = make_slices(exams)
    broken = slices.with_columns(
        pl.when(pl.col("slice_index") > 0).then(pl.col("attention_weight"))
    )
    with pytest.raises(SchemaError, match="a weight for every slice, or for none"):
        measure(broken, exams)


def test_slices_of_a_patient_vary_together(make_exams, make_slices):
    exams = make_exams([0, 1] * 20, [0.1] * 40)
    one_patient = make_exams([0, 1] * 20, [0.1] * 40, patient_key="p")
    slices = make_slices(exams)
    assert of(measure(slices, exams), "slice_probability")["auc_lower"] is not None
    together = measure(slices, one_patient)
    assert together["auc"].equals(measure(slices, exams)["auc"])
    assert together["auc_lower"].null_count() == 6


def test_the_order_of_rows_changes_nothing(exams, make_slices):
    slices = make_slices(exams)
    shuffled = measure(slices.sample(fraction=1, shuffle=True, seed=1), exams.reverse())
    assert shuffled.equals(measure(slices, exams))


def test_bag_values_are_an_estimator_of_the_exams_explained(exams, make_slices):
    slices = make_slices(exams)
    explained = slices.filter(pl.col("exam_id") < "e0010")
    values = bag_values(explained, pl.col("slice_logit"))
    row = of(measure(slices, exams, values=values), "hshap")
    expected = sklearn.metrics.roc_auc_score(explained["slice_label"], explained["slice_logit"])
    assert row["auc"] == pytest.approx(expected)
    assert (row["n_slices"], row["n_patients"]) == (50, 10)


def test_values_of_other_methods_and_runs_are_no_estimator(exams, make_slices):
    slices = make_slices(exams)
    other_method = bag_values(slices, pl.col("slice_logit"), method="occlusion")
    other_run = bag_values(slices.with_columns(run_id=pl.lit("r2")), pl.col("slice_logit"))
    for values in (other_method, other_run):
        assert "hshap" not in measure(slices, exams, values=values)["estimator"]


def test_values_for_some_slices_of_an_exam_are_refused(exams, make_slices):
    slices = make_slices(exams)
    values = bag_values(slices.filter(pl.col("slice_index") > 0), pl.col("slice_logit"))
    with pytest.raises(SchemaError, match="40 exams with values for some of their slices"):
        measure(slices, exams, values=values)
