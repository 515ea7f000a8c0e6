from __future__ import annotations

from functools import reduce

import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.evidence import COMPARISONS, FLOW, NON_INFERIORITY
from examwise.core.schemas.slice_evidence import SALIENCY_COMPARISONS, SALIENCY_METRICS
from examwise.evaluation import runs_together
from examwise.evaluation.comparisons import compare_runs
from examwise.evaluation.explanations import Explanations
from examwise.evaluation.runs_together import (
    NonInferiorityQuestion,
    hold_together,
    non_inferiority_part,
)

DRAWS = {"n_replicates": 60, "n_permutations": 19, "seed": 0}


@pytest.fixture(scope="module")
def exams(make_exams):
    draw = np.random.default_rng(0)
    labels = np.arange(40) % 2
    return pl.concat(
        make_exams(labels, draw.normal(size=40) + 2 * labels, run_id=run, archive=list("ab") * 20)
        for run in ("r1", "r2")
    )


def held(exams, **options):
    chosen = {"question": None, "explanations": None, "stores": (), **DRAWS, **options}
    return reduce(
        lambda one, other: {**one, **other}, hold_together(exams, [("r1", "r2")], **chosen)
    )


def test_without_more_there_are_comparisons_alone(exams):
    found = held(exams)
    assert list(found) == [COMPARISONS.file]
    assert found[COMPARISONS.file].equals(compare_runs(exams, [("r1", "r2")], **DRAWS))


def test_everything_that_is_known_has_its_table(exams, make_store, tmp_path):
    store = make_store(tmp_path / "s", n_exams=4, matrix=8)
    stored = pl.read_parquet(tmp_path / "s" / "exams.parquet").select("exam_id", "patient_key")
    judged = exams.filter(pl.col("run_id") == "r1").head(4).with_columns(stored)
    found = held(
        exams,
        question=NonInferiorityQuestion("r1", "r2", 0.1, archives=("b", "a")),
        explanations=Explanations(),
        stores=[runs_together.TestedStores("b", (store,), judged)],
    )
    others = (NON_INFERIORITY, FLOW, SALIENCY_METRICS, SALIENCY_COMPARISONS)
    assert set(found) == {COMPARISONS.file, *(schema.file for schema in others)}
    assert found[FLOW.file].filter(pl.col("what") == "judged")["n"].to_list() == [4]
    assert found[FLOW.file]["archive"].unique().to_list() == ["b"]


def test_a_question_is_answered_in_the_order_of_its_archives(exams):
    question = NonInferiorityQuestion("r1", "r2", 0.1, archives=("b", "a"), is_frozen=True)
    rows = non_inferiority_part(exams, question)[NON_INFERIORITY.file]
    assert rows.select("step", "archive", "is_frozen").rows() == [(1, "b", True), (2, "a", True)]


def test_a_question_without_archives_is_refused(exams):
    with pytest.raises(InputError, match="archives of non-inferiority"):
        non_inferiority_part(exams, NonInferiorityQuestion("r1", "r2", 0.1))


@pytest.mark.parametrize("margin", [0, -0.1, 0.5, float("nan")])
def test_a_margin_that_is_none_is_no_question(margin):
    with pytest.raises(InputError, match="margin of non-inferiority"):
        NonInferiorityQuestion("r1", "r2", margin)
