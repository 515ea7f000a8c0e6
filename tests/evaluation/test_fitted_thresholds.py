import pytest

from examwise.core.errors import SchemaError
from examwise.core.schemas.evidence import FITTED_ON
from examwise.evaluation.fitted_thresholds import FittedThreshold


@pytest.mark.parametrize(
    ("source", "fitted_on"),
    [
        ("validation", "validation"),
        ("validation slices", "validation slices"),
        ("fixed", "fixed"),
        ("mean of 3 models", "mean of models"),
        ("", "not on record"),
        ("somebody", "not on record"),
    ],
)
def test_every_source_has_a_word_of_the_tables(source, fitted_on):
    found = FittedThreshold(0.5, source).fitted_on
    assert found == fitted_on
    assert found in FITTED_ON


def test_files_without_rules_stay_readable():
    found = FittedThreshold.from_entry({"threshold": 1}, where="a")
    assert found == FittedThreshold(1.0, "", {}, None)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        0.5,
        {},
        {"threshold": None},
        {"threshold": float("nan")},
        {"threshold": 0.5, "rules": None},
        {"threshold": 0.5, "rules": {"youden": True}},
        {"threshold": 0.5, "slice_threshold": -0.1},
    ],
)
def test_what_is_no_entry_is_refused(entry):
    with pytest.raises(SchemaError, match="the file, any"):
        FittedThreshold.from_entry(entry, where="the file, any")
