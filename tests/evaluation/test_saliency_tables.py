from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import ttest_1samp

from examwise.core.schemas.explanations import MEASURES, SALIENCY_SCORES
from examwise.evaluation.auc_estimate import drawn_patients
from examwise.evaluation.saliency_tables import saliency_comparisons, saliency_metrics

OPTIONS = {"n_replicates": 400, "seed": 1}


def scores_of(
    run: str, method: str = "gradcam", *, seed: int = 0, shift: float = 0.0, randomised=False
) -> list[dict]:
    generator = np.random.default_rng(seed)
    rows = []
    for exam in range(24):
        for index in range(1 + exam % 3):
            values = np.clip(generator.uniform(0.2, 0.5, len(MEASURES)) + shift, 0, 1)
            rows.append(
                {
                    "run_id": run,
                    "learner": "weak" if run == "w" else "strong",
                    "archive": "a",
                    "patient_key": f"p{exam // 2:02}",
                    "exam_id": f"e{exam:02}",
                    "finding": "any",
                    "method": method,
                    "slice_index": index,
                    "truth": "boxes",
                    "kinds": [["subdural"], ["epidural", "subdural"], []][exam % 3],
                    "is_randomised": randomised,
                    "truth_pixels": 5,
                    **dict(zip(MEASURES, values.tolist(), strict=True)),
                }
            )
    return rows


def frame(*parts: list[dict]) -> pl.DataFrame:
    rows = [row for part in parts for row in part]
    return pl.DataFrame(rows or None, schema=SALIENCY_SCORES.dtypes)


def chosen(table: pl.DataFrame, **wanted) -> dict:
    return table.filter(**wanted).row(0, named=True)


def test_means_over_slices_with_limits_over_patients():
    scores = frame(scores_of("s"), scores_of("s", randomised=True, shift=-0.2))
    table = saliency_metrics(scores, **OPTIONS)
    assert table.height == 3 * len(MEASURES)
    assert table["kind"].unique(maintain_order=True).to_list() == ["all", "epidural", "subdural"]
    assert table["measure"].to_list() == [*MEASURES] * 3
    trained = scores.filter(~pl.col("is_randomised"))
    row = chosen(table, kind="all", measure="pixel_f1")
    assert row["mean"] == pytest.approx(trained["pixel_f1"].mean())
    assert row["mean_of_random_weights"] == pytest.approx(row["mean"] - 0.2)
    assert (row["n_slices"], row["n_patients"]) == (48, 12)
    drawn = drawn_patients(1, "a", 12, n_replicates=400)
    patient = trained["patient_key"].str.slice(1).cast(pl.Int64).to_numpy()
    replicates = [np.average(trained["pixel_f1"].to_numpy(), weights=one[patient]) for one in drawn]
    expected = np.quantile(replicates, [0.025, 0.975])
    assert (row["lower"], row["upper"]) == pytest.approx(tuple(expected))
    row = chosen(table, kind="epidural", measure="energy_inside")
    some = trained.filter(pl.col("kinds").list.contains("epidural"))
    assert (row["n_slices"], row["mean"]) == (
        some.height,
        pytest.approx(some["energy_inside"].mean()),
    )


def test_undefined_scores_are_left_out_and_too_few_patients_have_no_limits():
    rows = scores_of("s")[:1]
    rows[0]["average_precision"] = None
    table = saliency_metrics(frame(rows), **OPTIONS)
    row = chosen(table, kind="all", measure="average_precision")
    assert (row["n_slices"], row["mean"], row["lower"]) == (0, None, None)
    row = chosen(table, kind="all", measure="pixel_f1")
    assert row["n_patients"] == 1
    assert row["mean"] is not None
    assert (row["lower"], row["upper"], row["mean_of_random_weights"]) == (None, None, None)


def test_nothing_explained_makes_empty_tables():
    assert saliency_metrics(frame(), **OPTIONS).is_empty()
    assert saliency_comparisons(frame(), **OPTIONS).is_empty()
    only_random = frame(scores_of("s", randomised=True))
    assert saliency_metrics(only_random, **OPTIONS).is_empty()
    assert saliency_comparisons(only_random, **OPTIONS).is_empty()


def test_pairs_share_the_run_or_the_method():
    scores = frame(
        scores_of("s"), scores_of("w", seed=1), scores_of("s", "hshap", seed=2),
        scores_of("w", "hshap", seed=3), scores_of("w", randomised=True),
    )  # fmt: skip
    table = saliency_comparisons(scores, **OPTIONS)
    pairs = table.select("run_id", "method", "other_run_id", "other_method").unique().sort(pl.all())
    assert pairs.rows() == [
        ("s", "gradcam", "s", "hshap"),
        ("s", "gradcam", "w", "gradcam"),
        ("s", "hshap", "w", "hshap"),
        ("w", "gradcam", "w", "hshap"),
    ]
    assert table.height == 4 * len(MEASURES)


def test_differences_of_the_same_slices():
    ours, theirs = scores_of("s"), scores_of("w", seed=9, shift=0.05)
    table = saliency_comparisons(frame(ours[:-3], theirs[2:]), **OPTIONS)
    row = chosen(table, measure="pixel_f1")
    gains = [a["pixel_f1"] - b["pixel_f1"] for a, b in zip(ours, theirs, strict=True)][2:-3]
    assert row["n_slices"] == len(gains) == 43
    assert row["difference"] == pytest.approx(np.mean(gains))
    assert row["lower"] < row["difference"] < row["upper"]
    patients = [one["patient_key"] for one in ours][2:-3]
    sums = pl.DataFrame({"p": patients, "g": gains}).group_by("p").agg(pl.col("g").sum())["g"]
    assert row["p"] == pytest.approx(ttest_1samp(sums.to_numpy(), 0).pvalue, abs=0.05)


def test_a_large_difference_is_seen_and_none_is_not():
    large = saliency_comparisons(frame(scores_of("s", shift=0.4), scores_of("w")), **OPTIONS)
    assert large["difference"].to_list() == pytest.approx([0.4] * len(MEASURES))
    assert (large["p"] < 0.01).all()
    none = saliency_comparisons(frame(scores_of("s"), scores_of("w")), **OPTIONS)
    assert none["difference"].to_list() == [0] * len(MEASURES)
    assert none["p"].to_list() == [1] * len(MEASURES)
    assert none["lower"].null_count() == len(MEASURES)


def test_the_order_of_rows_changes_nothing():
    scores = frame(scores_of("s"), scores_of("w", seed=1), scores_of("w", randomised=True))
    mixed = scores.sample(fraction=1, shuffle=True, seed=3)
    for make in (saliency_metrics, saliency_comparisons):
        assert make(scores, **OPTIONS).equals(make(mixed, **OPTIONS))
