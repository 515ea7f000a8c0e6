import json
from pathlib import Path

import numpy as np
import pytest

from examwise.core.errors import InputError
from examwise.metrics.published_sequence_detection import (
    published_strong_detection,
    published_threshold,
    published_weak_detection,
)

FOLDER = Path(__file__).parents[1] / "data" / "reference"
REFERENCE = json.loads((FOLDER / "sequence_detection_reference.json").read_text())
EXAMS = REFERENCE["exams"]
ROWS = REFERENCE["results"]


def pooled(name):
    return np.concatenate([exam[name] for exam in EXAMS])


EXAM = np.repeat(np.arange(len(EXAMS)), [len(exam["labels"]) for exam in EXAMS])
COLUMN = {"attention weights": "attention", "h-Shap": "hshap_absolute_0_2"}
ESTIMATOR = {"attention weights": "attention_weight", "h-Shap": "hshap"}


def judged(row):
    options = {
        "cutoff": row["cutoff"],
        "offset": row["offset"],
        "min_length": row["min_length_argument"],
    }
    if row["learner"] == "strong":
        return published_strong_detection(
            pooled("labels"), pooled("single_slice_logits"), EXAM, **options
        )
    return published_weak_detection(
        pooled("labels"),
        pooled(COLUMN[row["estimator"]]),
        EXAM,
        [exam["target"] for exam in EXAMS],
        [exam["global_logit"] for exam in EXAMS],
        estimator=ESTIMATOR[row["estimator"]],
        **options,
    )


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_every_row_of_the_published_program_is_reproduced(number):
    row = ROWS[number]
    found = judged(row)
    assert found.threshold == row["threshold"]
    assert found.min_length == row["min_length_used"]
    assert found.n_exams_scored == row["n_exams_scored"]
    assert found.n_true == row["true_runs"]
    assert found.n_hit == row["hit_runs"]
    assert found.n_predicted == row["predicted_total"]
    assert found.mean_f1 == pytest.approx(row["mean_f1"], rel=0, abs=1e-14)


def test_all_rows_are_there():
    assert len(ROWS) == 36
    assert {row["learner"] for row in ROWS} == {"strong", "weak"}


def test_one_class_is_refused():
    with pytest.raises(InputError, match="one class only"):
        published_threshold([1, 1], [0.2, 0.3], cutoff="youden")


def test_an_exam_without_any_hshap_value_predicts_nothing():
    found = published_weak_detection(
        [0, 1, 0, 0],
        [0.0, 0.0, 0.3, 0.1],
        [0, 0, 1, 1],
        [1, 0],
        [0.9, 0.2],
        estimator="hshap",
        cutoff="youden",
        min_length=1,
    )
    assert (found.n_hit, found.n_predicted, found.mean_f1) == (0, 0, 0.0)


def test_without_any_run_there_is_no_mean():
    found = published_strong_detection([0, 1], [0.2, 0.9], [0, 0], cutoff="youden", min_length=2)
    assert (found.n_exams_scored, found.n_predicted) == (1, 0)
