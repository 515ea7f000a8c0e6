import numpy as np
import polars as pl
import pytest

from examwise.core.schemas.study import RUNS
from examwise.evaluation.budget_replicates import budget_replicates
from examwise.evaluation.reference_rows import fine_tuning_comparisons, reference_comparisons

ARMS = {"strong": "strong", "weak": "weak"}
LABELS = np.arange(200) % 2
FREE = {
    "mode": "label_free",
    "label_kind": "none",
    "acquisition": "none",
    "n_exams_opened": 0,
    "reader_actions": 0,
    "reader_hours": 0.0,
}


@pytest.fixture
def replicates(make_run, make_exams):
    """Build curves from (learner, budget, repeat, distance between classes, columns)."""

    def replicates(*given, n_replicates=200):
        common = np.random.default_rng(0).normal(size=len(LABELS))
        rows, frames = [], []
        for learner, budget, repeat, distance, columns in given:
            row = make_run(learner, budget, repeat, **columns)
            row |= {"run_id": "-".join([row["run_id"], row["mode"], row["acquisition"]])}
            own = np.random.default_rng([budget, repeat]).normal(size=len(LABELS))
            logits = distance * LABELS + 0.95 * common + 0.3 * own
            rows.append(row)
            frames.append(make_exams(LABELS, logits, run_id=row["run_id"], learner=learner))
        return budget_replicates(
            RUNS.frame(rows),
            pl.concat(frames),
            finding="any",
            n_replicates=n_replicates,
            seed=0,
        )

    return replicates


def found_by(comparisons):
    return {(row.arm, row.reference): row for row in comparisons}


def test_scores_without_labels_are_compared_at_the_largest_budget(replicates):
    made = replicates(
        ("weak", 10, 0, 0.5, {}),
        ("weak", 90, 0, 2.0, {}),
        ("mean_hu", 0, 0, 1.0, FREE),
        ("pretext", 0, 0, 2.6, FREE),
    )
    found = found_by(reference_comparisons(made, ARMS))
    assert set(found) == {("weak", "mean_hu"), ("weak", "pretext")}
    better = found["weak", "mean_hu"]
    assert (better.labels, better.reference_labels) == (90, 0)
    assert better.auc.ours == pytest.approx(
        float(made.curves["weak", "budgeted", "exam"].mean_auc[1])
    )
    assert better.auc.is_larger
    assert better.auc.lower < better.auc.difference < better.auc.upper
    alike = found["weak", "pretext"]
    assert not alike.auc.is_larger
    assert alike.auc.difference < better.auc.difference


def test_pairing_narrows_the_difference(replicates):
    made = replicates(("weak", 90, 0, 1.2, {}), ("mean_hu", 0, 0, 1.0, FREE))
    (row,) = reference_comparisons(made, ARMS)
    weak = made.curves["weak", "budgeted", "exam"].auc_replicates
    alone = np.quantile(weak, 0.975) - np.quantile(weak, 0.025)
    assert row.auc.upper - row.auc.lower < 0.6 * alone


def test_a_learner_of_the_same_labels_is_compared_at_the_largest_shared_budget(replicates):
    made = replicates(
        ("weak", 10, 0, 1.0, {}),
        ("weak", 90, 0, 2.0, {}),
        ("pooled", 10, 0, 0.5, {}),
        ("pooled", 50, 0, 0.8, {}),
        ("strong", 90, 0, 2.0, {}),
        ("own", 70, 0, 2.0, {}),
    )
    found = found_by(reference_comparisons(made, ARMS))
    # 'own' shares no budget, and exam labels are no reference for slice labels.
    assert set(found) == {("weak", "pooled")}
    assert found["weak", "pooled"].labels == found["weak", "pooled"].reference_labels == 10


def test_the_position_alone_is_to_be_beaten_by_every_arm(replicates):
    drawn = {"label_kind": "slice", "acquisition": "spread"}
    made = replicates(
        ("weak", 90, 0, 2.0, {}),
        ("strong", 80, 0, 2.0, {}),
        ("strong", 80, 0, 2.0, drawn),
        ("position", 60, 0, 0.2, drawn),
    )
    rows = reference_comparisons(made, ARMS)
    assert [(row.arm, row.acquisition, row.labels, row.reference_labels) for row in rows] == [
        ("strong", "spread", 80, 60),
        ("strong", "whole_exam", 80, 60),
        ("weak", "exam", 90, 60),
    ]


def test_fine_tuning_is_compared_over_the_repeats_that_both_have(replicates):
    tuned = {"mode": "fine_tuned"}
    made = replicates(
        ("weak", 10, 0, 0.2, {}),
        ("weak", 90, 0, 1.0, {}),
        ("weak", 90, 1, 3.0, {}),
        ("weak", 90, 2, 3.0, {}),
        ("weak", 90, 0, 1.5, tuned),
    )
    (row,) = fine_tuning_comparisons(made, ARMS)
    assert (row.arm, row.labels, row.n_repeats) == ("weak", 90, 1)
    frozen = made.runs["run_id"].to_list().index("weak-90-0-budgeted-exam")
    assert row.auc.theirs == pytest.approx(made.aucs[frozen, 0])
    # Worse than the mean of the frozen repeats, better than the one of the same labels.
    assert row.auc.is_larger
    assert row.auc.ours < made.curves["weak", "budgeted", "exam"].mean_auc[-1]


def test_no_fine_tuning_no_comparison(replicates):
    tuned = {"mode": "fine_tuned"}
    assert fine_tuning_comparisons(replicates(("weak", 90, 0, 1.0, {})), ARMS) == ()
    other = replicates(("weak", 90, 0, 1.0, {}), ("weak", 90, 1, 1.0, tuned))
    assert fine_tuning_comparisons(other, ARMS) == ()
