from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from examwise.core.schemas.evidence import UNCERTAIN_EXAMS
from examwise.core.schemas.store import SPLITS
from examwise.core.storage import Storage
from examwise.evaluation.fitted_thresholds import FittedThreshold
from examwise.evaluation.run_evidence import BesidePredictions, exam_evidence


@pytest.mark.parametrize(("splits", "n_uncertain"), [(("test", "unseen"), 1), (("validation",), 2)])
def test_exams_never_predicted_are_those_of_the_parts_evaluated(
    tmp_path, make_store, make_exams, splits, n_uncertain
):
    url = make_store(tmp_path / "store", n_exams=8)
    parts = ["test"] * 3 + ["validation"] * 4 + ["train"]
    rows = [
        {"exam_id": f"e{i:04d}", "patient_key": f"p{i:04d}", "split": part}
        for i, part in enumerate(parts)
    ]
    SPLITS.write(Storage(url), SPLITS.frame(rows))
    every = make_exams([0, 1] * 4, np.linspace(-1, 1, 8), archive="test")
    predicted = every.filter(pl.col("exam_id").is_in(["e0000", "e0001", "e0003", "e0004"]))
    run = SimpleNamespace(
        run_id="r1",
        predicted=predicted,
        splits=splits,
        thresholds={"any": 0.5},
        fitted={"any": FittedThreshold(0.5, "validation")},
    )
    found = exam_evidence(run, predicted, BesidePredictions(stores=(url,)), n_replicates=20, seed=0)
    assert set(found[UNCERTAIN_EXAMS.file]["n_without_score"]) == {n_uncertain}
