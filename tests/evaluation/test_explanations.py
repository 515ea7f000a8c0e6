from __future__ import annotations

import polars as pl
import pytest

from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.schemas.explanations import (
    EXPLAINED_SLICES,
    RANDOMISED,
    SALIENCY_SCORES,
    SLICE_VALUES,
)
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.evaluation.explanations import read_explanations

ABOUT = {"learner": "weak", "archive": "a", "patient_key": "p", "finding": "any"}


def write(out, *, run="r1", method="gradcam", exams=("e1",), named=None) -> str:
    about = {"run_id": named or run, "method": method, **ABOUT}
    stage = Stage.begin(
        out,
        kind="explanations",
        configuration={"run_id": run, "learner": "weak", "method": method, "finding": "any"},
        inputs={},
        seed=0,
    )
    scores, values, randomised = [], [], []
    for exam_id in exams:
        row = {**about, "exam_id": exam_id, "slice_index": 1}
        score = {"truth": "boxes", "kinds": [], "is_randomised": False, "truth_pixels": 3}
        measures = dict.fromkeys(("pixel_f1", "intersection_over_union", "pointing_hit"), 0.5)
        measures |= dict.fromkeys(("average_precision", "energy_inside"), 0.25)
        scores.append({**row, **score, **measures})
        values.append({**row, "value": 0.1})
        randomised.append({**row, "similarity": None})
    for schema, rows in (
        (EXPLAINED_SLICES, []),
        (SALIENCY_SCORES, scores),
        (SLICE_VALUES, values),
        (RANDOMISED, randomised),
    ):
        schema.write(stage.storage, schema.frame(rows))
    stage.finish(outputs=[SALIENCY_SCORES.file, SLICE_VALUES.file, RANDOMISED.file])
    return str(out)


def test_none_is_fine():
    found = read_explanations([])
    assert found.inputs == {}
    assert found.scores.columns == SALIENCY_SCORES.names
    assert found.scores.height == found.randomised.height == found.values.height == 0


def test_several_together_whatever_their_order(tmp_path):
    urls = [
        write(tmp_path / "1", exams=("e1", "e2")),
        write(tmp_path / "2", run="r0", exams=("e1",)),
        write(tmp_path / "3", method="hshap", exams=("e1",)),
        write(tmp_path / "4", exams=("e3",)),
    ]
    found, reversed_ = read_explanations(urls), read_explanations(urls[::-1])
    assert found.scores.height == found.values.height == found.randomised.height == 5
    assert set(found.inputs) == {
        "explanations/r1/gradcam/any",
        "explanations/r1/gradcam/any/2",
        "explanations/r0/gradcam/any",
        "explanations/r1/hshap/any",
    }
    assert found.inputs == reversed_.inputs
    assert found.scores.equals(reversed_.scores)
    assert found.values.select("run_id", "method", "exam_id").rows() == sorted(
        found.values.select("run_id", "method", "exam_id").rows()
    )
    assert found.scores.filter(pl.col("run_id") == "r0").height == 1


def test_what_does_not_go_together_is_refused(tmp_path):
    one, again = write(tmp_path / "1"), write(tmp_path / "2")
    with pytest.raises(InputError, match="1 a second time in saliency_scores"):
        read_explanations([one, again])
    with pytest.raises(SchemaError, match="one run, method and finding"):
        read_explanations([write(tmp_path / "3", named="another")])
    with pytest.raises(InputError, match="a finished explanations directory"):
        read_explanations([str(tmp_path)])
    Storage(one).write(SLICE_VALUES.file, b"")
    with pytest.raises(IntegrityError, match="the file once written"):
        read_explanations([one])
