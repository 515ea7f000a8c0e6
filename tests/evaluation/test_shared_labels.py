import math

import numpy as np
import pytest

from examwise.core.schemas.run import LABEL_SET
from examwise.core.schemas.study import RUNS
from examwise.core.storage import Storage
from examwise.evaluation.budget_replicates import CurveKey
from examwise.evaluation.shared_labels import SharedLabels, overlap, shared_share


def label_set(*labels):
    exams, slices = zip(*labels, strict=True) if labels else ((), ())
    n = len(exams)
    return LABEL_SET.frame(
        {
            "exam_id": list(exams),
            "slice_index": list(slices),
            "part": ["train"] * n,
            "seen_label": [None] * n,
            "weight": [None] * n,
        }
    )


def test_share_is_the_mean_over_pairs():
    sets = [
        label_set(("a", 0), ("a", 1)),
        label_set(("a", 0), ("a", 1)),
        label_set(("a", 0), ("b", 1)),
    ]
    # Pairs share 2, 1 and 1 of 2.
    assert shared_share(sets) == pytest.approx(4 / 6)
    assert shared_share([label_set(), label_set()]) == 0


def test_exam_labels_and_slice_labels_of_an_exam_are_not_the_same():
    assert shared_share([label_set(("a", None)), label_set(("a", 0))]) == 0


def test_overlap_is_the_mean_cosine_of_exam_counts():
    sets = [
        label_set(("a", 0), ("a", 1), ("b", 0)),
        label_set(("a", 2), ("c", 0)),
        label_set(("d", None)),
    ]
    # Of the first two: 2 * 1 over sqrt(5) * sqrt(2); the third shares no exam.
    assert overlap(sets) == pytest.approx(2 / math.sqrt(10) / 3)
    assert overlap([sets[0], sets[0]]) == pytest.approx(1)
    assert overlap([sets[0], label_set()]) == 0
    assert overlap([label_set(), label_set()]) == 0


def test_random_draws_overlap_by_their_share_of_the_pool():
    draw = np.random.default_rng(0)
    sets = [
        label_set(*((f"e{number}", None) for number in draw.permutation(400)[:100]))
        for _ in range(20)
    ]
    assert overlap(sets) == pytest.approx(100 / 400, abs=0.02)


def test_largest_budgets_are_compared_curve_by_curve(tmp_path, make_run):
    rows = [make_run("weak", budget, repeat) for budget in (1, 2) for repeat in (0, 1)]
    rows += [
        make_run("weak", 9, 0, mode="fine_tuned", run_id="tuned"),
        make_run("strong", 5, 0),
        make_run("pooled", 5, 0),
    ]
    runs = RUNS.frame(rows)
    of_run = {
        "weak-1-0": [("x", None)],
        "weak-2-0": [("a", None), ("b", None)],
        "weak-2-1": [("a", None), ("c", None)],
        "strong-5-0": [("a", 0)],
    }
    for run_id, labels in of_run.items():
        LABEL_SET.write(Storage(tmp_path / "runs" / run_id), label_set(*labels))
    found = SharedLabels(Storage(tmp_path), runs)
    assert found.of_curves() == {CurveKey("weak", "budgeted", "exam"): 0.5}
    # The smaller budget has one label set, the fine-tuned runs none.
    assert found.overlaps() == {(CurveKey("weak", "budgeted", "exam"), 2): pytest.approx(0.5)}
    names = ["strong-5-0", "weak-1-0", "weak-2-0", "weak-2-1"]
    assert sorted(found.inputs) == [f"runs/{name}/label_set.parquet" for name in names]


def test_a_study_without_label_sets_says_nothing(tmp_path, study):
    found = SharedLabels(Storage(tmp_path), study.runs)
    assert found.of_curves() == {}
    assert found.overlaps() == {}
    assert found.inputs == {}
