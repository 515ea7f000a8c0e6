import io

import numpy as np
import polars as pl
import pytest
from PIL import Image
from sklearn import metrics as reference

from examwise.core.schemas.predictions import PREDICTED_EXAMS
from examwise.core.storage import Storage
from examwise.core.tracking import CURVES
from examwise.training.trackers.curve_pictures import draw_curve
from examwise.training.trackers.curves import exam_curves, exam_metrics


@pytest.fixture
def exams(predictions_directory):
    frame = PREDICTED_EXAMS.read(Storage(predictions_directory))
    return frame.filter(pl.col("split") == "test")


def test_figures_and_curves_are_those_of_scikit_learn(exams):
    labelled = exams.filter(pl.col("finding") == "any").drop_nulls("exam_label")
    labels, scores = labelled["exam_label"].to_numpy(), labelled["exam_probability"].to_numpy()
    found = exam_metrics(exams)
    assert found["any/exam_auc"] == pytest.approx(reference.roc_auc_score(labels, scores))
    assert found["any/average_precision"] == pytest.approx(
        reference.average_precision_score(labels, scores)
    )
    curves = exam_curves(exams)
    assert set(curves) == set(CURVES)
    roc = curves["roc"]
    assert reference.auc(*(roc[column] for column in CURVES["roc"])) == pytest.approx(
        found["any/exam_auc"]
    )


def test_a_finding_without_a_positive_has_calibration_only(exams):
    assert [name for name in exam_metrics(exams) if name.startswith("rare")] == [
        "rare/expected_calibration_error"
    ]
    assert {
        name: frame["finding"].unique().sort().to_list()
        for name, frame in exam_curves(exams).items()
    } == {"roc": ["any"], "precision_recall": ["any"], "calibration": ["any", "rare"]}


def test_without_labels_there_is_nothing(exams):
    unlabelled = exams.with_columns(exam_label=pl.lit(None, pl.Int8))
    assert exam_curves(unlabelled) == {}
    assert exam_metrics(unlabelled) == {}


def test_calibrated_probabilities_are_used_where_all_are(exams):
    sharp = exams.with_columns(calibrated_probability=pl.col("exam_probability") / 2)
    half = exam_curves(sharp)["calibration"]["mean_probability"].max()
    assert half <= 0.5 < exam_curves(exams)["calibration"]["mean_probability"].max()
    some = sharp.with_columns(
        calibrated_probability=pl.when(pl.int_range(pl.len()) > 0).then("calibrated_probability")
    )
    of_any = exam_curves(some)["calibration"].filter(pl.col("finding") == "any")
    assert of_any["mean_probability"].max() > 0.5


def test_every_curve_is_drawn_the_same_each_time(exams):
    for name, frame in exam_curves(exams).items():
        picture = draw_curve(name, frame)
        assert picture == draw_curve(name, frame)
        with Image.open(io.BytesIO(picture)) as image:
            assert np.asarray(image.convert("L")).std() > 5
