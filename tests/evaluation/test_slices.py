import polars as pl
import pytest
import sklearn.metrics

from examwise.core.errors import SchemaError
from examwise.evaluation.slices import slice_metrics
from examwise.metrics.position import PositionHistogram

HISTOGRAM = PositionHistogram((0.0, 0.25, 0.5, 1.0), (0.1, 0.9, 0.9, 0.1), 40)


def measure(slices, exams, histogram=HISTOGRAM):
    histograms = {"r1": {"any": histogram}}
    return slice_metrics(slices, exams, histograms, n_replicates=100, seed=0)


@pytest.fixture
def exams(make_exams):
    return make_exams([0, 1] * 20, [0.1] * 40)


def test_every_estimator_has_its_row_and_equals_scikit_learn(exams, make_slices):
    slices = make_slices(exams)
    table = measure(slices, exams)
    assert table["estimator"].to_list() == [
        "slice_probability",
        "attention_weight",
        "position_only",
    ]
    assert table["n_slices"].to_list() == [200] * 3
    assert table["n_positive"].to_list() == [40] * 3
    for estimator in ("slice_probability", "attention_weight"):
        expected = sklearn.metrics.roc_auc_score(slices["slice_label"], slices[estimator])
        found = table.filter(pl.col("estimator") == estimator)["auc"].item()
        assert found == pytest.approx(expected)
    position = table.filter(pl.col("estimator") == "position_only").row(0, named=True)
    # Positives lie at 0.25 and 0.5; of the 160 negatives 40 lie there too and tie.
    assert position["auc"] == pytest.approx((120 + 20) / 160)
    assert position["auc_lower"] < position["auc"] < position["auc_upper"]


def test_estimators_that_a_run_lacks_have_no_row(exams, make_slices):
    table = measure(make_slices(exams, attention=False), exams, histogram=None)
    assert table["estimator"].to_list() == ["slice_probability"]


def test_slices_without_labels_have_no_rows(exams, make_slices):
    assert measure(make_slices(exams, label=False), exams).is_empty()


def test_no_positive_slice_leaves_the_auc_missing(make_exams, make_slices):
    exams = make_exams([0] * 10, [0.1] * 10)
    table = measure(make_slices(exams), exams)
    assert table.height == 3
    assert table["auc"].null_count() == table["auc_lower"].null_count() == 3


def test_attention_on_some_slices_only_is_refused(exams, make_slices):
    slices = make_slices(exams)
    broken = slices.with_columns(
        pl.when(pl.col("slice_index") > 0).then(pl.col("attention_weight"))
    )
    with pytest.raises(SchemaError, match="a weight for every slice, or for none"):
        measure(broken, exams)


def test_slices_of_a_patient_are_resampled_together(make_exams, make_slices):
    exams = make_exams([0, 1] * 20, [0.1] * 40)
    one_patient = make_exams([0, 1] * 20, [0.1] * 40, patient_key="p")
    slices = make_slices(exams)
    assert measure(slices, exams)["auc_lower"].null_count() == 0
    together = measure(slices, one_patient)
    assert together["auc"].equals(measure(slices, exams)["auc"])
    assert together["auc_lower"].null_count() == 3
