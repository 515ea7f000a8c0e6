import polars as pl
import pytest

from examwise.core.schemas.slice_evidence import POSITION_JUDGEMENTS
from examwise.evaluation.position_verdicts import position_sentence, position_verdicts
from examwise.metrics.auc_variance import auc_difference, auc_estimates
from examwise.metrics.position import PositionHistogram, position_scores

USEFUL = PositionHistogram((0.0, 0.25, 0.5, 1.0), (0.1, 0.7, 0.4, 0.1), 40)
USELESS = PositionHistogram((0.0, 1.0), (0.2, 0.2), 40)


def judge(slices, exams, histogram=USEFUL):
    return position_verdicts(slices, exams, {"r1": {"any": histogram}})


def of(table, estimator, within="all"):
    return table.filter(pl.col("estimator") == estimator, pl.col("within") == within).row(
        0, named=True
    )


@pytest.fixture
def exams(make_exams):
    patients = [f"p{i // 2}" for i in range(40)]
    return make_exams([0, 1] * 20, [0.1] * 40, patient_key=patients)


def test_the_difference_is_that_of_both_on_the_same_slices(exams, make_slices):
    slices = make_slices(exams)
    row = of(judge(slices, exams), "slice_probability")
    position = position_scores(USEFUL, slices["relative_position"])
    patients = slices.join(exams, on="exam_id", maintain_order="left")["patient_key"]
    estimates = auc_estimates(slices["slice_label"], [slices["slice_logit"], position], patients)
    expected = auc_difference(estimates)
    assert row["difference"] == pytest.approx(expected.difference)
    assert (row["lower"], row["upper"]) == pytest.approx((expected.lower, expected.upper))


def test_a_score_above_useless_position_is_better(exams, make_slices):
    assert of(judge(make_slices(exams), exams, USELESS), "slice_probability")["verdict"] == "better"


def test_attention_that_knows_nothing_is_called_out(exams, make_slices):
    row = of(judge(make_slices(exams), exams), "attention_weight")
    assert row["verdict"] == "not_better"
    sentence = position_sentence(row, name="Weak")
    assert sentence.startswith("Weak: its attention ranks all slices no better than")


def test_without_a_histogram_there_is_nothing_to_say(exams, make_slices):
    assert judge(make_slices(exams), exams, None).is_empty()


def test_one_class_is_undefined(make_exams, make_slices):
    exams = make_exams([0] * 10, [0.1] * 10)
    table = judge(make_slices(exams), exams)
    assert table["verdict"].unique().to_list() == ["undefined"]
    assert table["difference"].null_count() == table.height
    assert "cannot be told" in position_sentence(table.row(0, named=True), name="Weak")


def test_scores_that_are_position_are_not_better(exams, make_slices):
    slices = make_slices(exams)
    position = position_scores(USEFUL, slices["relative_position"])
    row = of(judge(slices.with_columns(slice_logit=position), exams), "slice_probability")
    assert (row["difference"], row["lower"], row["verdict"]) == (0.0, None, "not_better")
    assert "no interval" in position_sentence(row, name="Weak")


@pytest.mark.parametrize("verdict", POSITION_JUDGEMENTS)
def test_every_verdict_but_one_has_its_sentence(verdict):
    row = {"estimator": "hshap", "within": "positive_exams", "verdict": verdict}
    row |= {"difference": 0.01, "lower": -0.01, "upper": 0.03}
    assert (position_sentence(row, name="Weak") is None) == (verdict == "better")
