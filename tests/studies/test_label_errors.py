import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.studies.label_errors import miss_chances, seen_labels
from examwise.studies.label_errors_config import LabelErrorsConfig


def archive(n_exams):
    labels = [number % 2 for number in range(n_exams)]
    names = [f"e{number:05d}" for number in range(n_exams)]
    exams = pl.DataFrame({"exam_id": names, "label": labels}, schema_overrides={"label": pl.Int8})
    extent = pl.DataFrame({"exam_id": names[1::2], "extent": range(1, n_exams // 2 + 1)})
    return exams, extent


def test_errors_come_as_often_as_asked_for_and_small_findings_are_missed_most():
    exams, extent = archive(6000)
    config = LabelErrorsConfig(sensitivity=0.9, specificity=0.95)
    seen = exams.join(seen_labels(exams, extent, config, seed=1), on="exam_id")
    positive = seen.filter(pl.col("label") == 1).join(extent, on="exam_id").sort("extent")
    missed = 1 - positive["seen_label"].to_numpy()
    assert missed.mean() == pytest.approx(0.1, abs=0.015)
    assert missed[:600].mean() > 10 * missed[-1500:].mean()
    false = seen.filter(pl.col("label") == 0)["seen_label"].mean()
    assert false == pytest.approx(0.05, abs=0.012)


def test_an_exams_error_is_its_own():
    exams, extent = archive(200)
    config = LabelErrorsConfig(0.7, 0.8)
    seen = seen_labels(exams, extent, config, seed=1)
    assert seen.equals(
        seen_labels(exams.sample(fraction=1, shuffle=True, seed=0), extent, config, seed=1)
    )
    assert not seen.equals(seen_labels(exams, extent, config, seed=2))
    perfect = seen_labels(exams, extent, LabelErrorsConfig(1.0, 1.0), seed=1)
    assert perfect["seen_label"].to_list() == exams["label"].to_list()


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.one_of(st.integers(1, 9), st.none()), min_size=1, max_size=60),
    st.floats(0.5, 1.0),
    st.floats(0.0, 1.0),
)
def test_chances_have_the_mean_asked_for(extent, sensitivity, concentration):
    values = np.array([np.nan if value is None else value for value in extent], float)
    config = LabelErrorsConfig(sensitivity, 1.0, concentration)
    chances = miss_chances(values, config)
    assert chances.min() >= 0
    assert chances.max() <= 1
    assert chances.mean() == pytest.approx(1 - sensitivity, abs=1e-9)
    if concentration == 0:
        assert np.allclose(chances, chances[0])
    known = ~np.isnan(values)
    ordered = chances[known][np.argsort(values[known], kind="stable")]
    assert (np.diff(ordered) <= 1e-12).all()


@pytest.mark.parametrize(
    "wrong", [{"sensitivity": 0.4}, {"specificity": 1.1}, {"concentration": -1}]
)
def test_impossible_errors_are_refused(wrong):
    with pytest.raises(InputError, match=f"study.label_errors.{next(iter(wrong))}"):
        LabelErrorsConfig(**{"sensitivity": 0.9, "specificity": 0.9, **wrong})
