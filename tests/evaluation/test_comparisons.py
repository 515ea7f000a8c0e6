import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from examwise.core.errors import InputError
from examwise.evaluation.comparisons import compare_runs, simultaneous_band
from examwise.evaluation.exams import exam_metrics

OPTIONS = {"n_replicates": 200, "n_permutations": 99, "seed": 0}
PAIR = [("r1", "r2")]


@pytest.fixture
def two_runs(make_exams):
    draw = np.random.default_rng(1)
    labels = np.arange(120) % 2
    base = draw.normal(size=120)

    def run(run_id, distance, **columns):
        own = 0.8 * base + 0.6 * draw.normal(size=120)
        return make_exams(labels, own + distance * labels, run_id=run_id, **columns)

    return run("r1", 2.0), run("r2", 0.7)


def by_hand(labels, scores):
    """DeLong's covariance of two AUCs, by all pairs (placements)."""
    up, down = scores[:, labels == 1], scores[:, labels == 0]
    wins = (up[:, :, None] > down[:, None]) + 0.5 * (up[:, :, None] == down[:, None])
    return wins.mean((1, 2)), np.cov(wins.mean(2)) / up.shape[1] + np.cov(
        wins.mean(1)
    ) / down.shape[1]


def test_a_row_is_what_all_pairs_of_exams_say(two_runs):
    exams = pl.concat(two_runs)
    (row,) = compare_runs(exams, PAIR, **OPTIONS).to_dicts()
    labels = two_runs[0]["exam_label"].to_numpy()
    aucs, covariance = by_hand(labels, np.stack([run["exam_logit"] for run in two_runs]))
    error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert row["auc"] == pytest.approx(aucs[0])
    assert row["other_auc"] == pytest.approx(aucs[1])
    assert row["difference"] == pytest.approx(aucs[0] - aucs[1])
    assert row["standard_error"] == pytest.approx(error)
    assert row["p_equal_areas"] == pytest.approx(2 * norm.sf(abs(aucs[0] - aucs[1]) / error))
    assert row["variance"] == "delong"
    assert (row["n_patients"], row["n_exams"], row["n_positive"]) == (120, 120, 60)
    assert row["n_left_out"] == 0
    assert row["p_equal_curves"] <= 0.05
    # One pair is a family of one: its band is its own bootstrap's, but for being symmetric.
    assert row["band_lower"] == pytest.approx(row["bootstrap_lower"], abs=0.03)
    assert row["band_upper"] == pytest.approx(row["bootstrap_upper"], abs=0.03)


def test_the_other_order_says_the_contrary(two_runs):
    exams = pl.concat(two_runs)
    (one,) = compare_runs(exams, PAIR, **OPTIONS).to_dicts()
    (other,) = compare_runs(exams, [("r2", "r1")], **OPTIONS).to_dicts()
    for name in ("p_equal_areas", "p_equal_curves", "standard_error"):
        assert one[name] == pytest.approx(other[name])
    for name in ("", "bootstrap_", "band_"):
        assert one[f"{name}lower"] == pytest.approx(-other[f"{name}upper"])


def test_bootstrap_samples_are_those_of_the_exams_table(two_runs, monkeypatch):
    import examwise.evaluation.comparisons as module

    drawn = []
    before = module.drawn_patients
    monkeypatch.setattr(
        module, "drawn_patients", lambda *a, **k: drawn.append((a, k)) or before(*a, **k)
    )
    exams = pl.concat(two_runs)
    compare_runs(exams, PAIR, **OPTIONS)
    assert drawn == [((0, "here", 120), {"n_replicates": 200})] * 2
    # Where the other is right in every pair, the difference is the AUC's interval less one.
    perfect = two_runs[1].with_columns(pl.col("exam_label").cast(pl.Float64).alias("exam_logit"))
    (row,) = compare_runs(pl.concat([two_runs[0], perfect]), PAIR, **OPTIONS).to_dicts()
    own = exam_metrics(two_runs[0], {"r1": {"any": 0.5}}, n_replicates=200, seed=0)
    assert row["bootstrap_lower"] == pytest.approx(own["auc_lower"][0] - 1)
    assert row["bootstrap_upper"] == pytest.approx(own["auc_upper"][0] - 1)


def test_patients_with_several_exams_are_kept_together(two_runs):
    shared = [
        run.with_columns(pl.Series("patient_key", [f"p{i // 4}" for i in range(120)]))
        for run in two_runs
    ]
    (row,) = compare_runs(pl.concat(shared), PAIR, **OPTIONS).to_dicts()
    assert row["variance"] == "obuchowski"
    assert row["n_patients"] == 30


def test_exams_that_one_lacks_are_left_out_and_counted(two_runs):
    one, other = two_runs
    some = other.filter(pl.col("exam_id") < "e0100")
    (row,) = compare_runs(pl.concat([one, some]), PAIR, **OPTIONS).to_dicts()
    (same,) = compare_runs(
        pl.concat([one.filter(pl.col("exam_id") < "e0100"), some]), PAIR, **OPTIONS
    ).to_dicts()
    assert (row["n_exams"], row["n_left_out"]) == (100, 20)
    for name in ("difference", "lower", "p_equal_areas", "p_equal_curves"):
        assert row[name] == same[name]


def test_a_pair_has_no_row_where_one_has_predicted_nothing(two_runs):
    one, other = two_runs
    elsewhere = other.with_columns(pl.lit("there").alias("archive"))
    assert compare_runs(pl.concat([one, elsewhere]), PAIR, **OPTIONS).is_empty()


def test_one_class_leaves_counts_alone(two_runs):
    negative = pl.concat(two_runs).filter(pl.col("exam_label") == 0)
    (row,) = compare_runs(negative, PAIR, **OPTIONS).to_dicts()
    assert (row["n_exams"], row["n_positive"], row["variance"]) == (60, 0, "delong")
    undefined = ("auc", "difference", "lower", "bootstrap_lower", "band_lower", "p_equal_curves")
    assert all(row[name] is None for name in undefined)


def test_no_label_at_all_leaves_zeros(two_runs):
    missing = pl.lit(None, dtype=pl.Int8).alias("exam_label")
    (row,) = compare_runs(pl.concat(two_runs).with_columns(missing), PAIR, **OPTIONS).to_dicts()
    assert (row["n_exams"], row["n_patients"], row["difference"]) == (0, 0, None)


def test_runs_that_rank_alike_differ_by_nothing_and_have_no_limits(two_runs):
    same = two_runs[0].with_columns(pl.lit("r2").alias("run_id"), pl.col("exam_logit") * 3)
    (row,) = compare_runs(pl.concat([two_runs[0], same]), PAIR, **OPTIONS).to_dicts()
    assert (row["difference"], row["standard_error"]) == (0, 0)
    assert row["p_equal_curves"] == 1
    names = ("lower", "upper", "bootstrap_lower", "band_upper", "p_equal_areas")
    assert all(row[name] is None for name in names)


def test_constant_scores_have_an_auc_of_one_half(two_runs):
    flat = two_runs[1].with_columns(pl.lit(0.0).alias("exam_logit"))
    (row,) = compare_runs(pl.concat([two_runs[0], flat]), PAIR, **OPTIONS).to_dicts()
    assert row["other_auc"] == 0.5
    assert row["lower"] < row["difference"] < row["upper"]


def test_no_permutations_leave_that_p_out(two_runs):
    (row,) = compare_runs(
        pl.concat(two_runs), PAIR, n_replicates=50, n_permutations=0, seed=0
    ).to_dicts()
    assert row["p_equal_curves"] is None
    assert row["p_equal_areas"] is not None


def test_the_order_of_rows_and_of_exams_makes_no_difference(two_runs):
    third = two_runs[0].with_columns(pl.lit("r0").alias("run_id"), -pl.col("exam_logit"))
    exams = pl.concat([*two_runs, third])
    pairs = [("r2", "r1"), ("r0", "r1")]
    found = compare_runs(exams, pairs, **OPTIONS)
    assert found.equals(compare_runs(exams.reverse(), pairs, **OPTIONS))
    assert found["run_id"].to_list() == ["r2", "r0"]


def test_a_band_over_several_is_wider_than_over_one(two_runs, make_exams):
    draw = np.random.default_rng(5)
    others = [
        make_exams(np.arange(120) % 2, draw.normal(size=120), run_id=f"x{i}") for i in range(6)
    ]
    exams = pl.concat([*two_runs, *others])
    alone = compare_runs(exams, PAIR, **OPTIONS).row(0, named=True)
    pairs = [*PAIR, *(("r1", f"x{i}") for i in range(6))]
    among = compare_runs(exams, pairs, **OPTIONS).row(0, named=True)
    assert among["bootstrap_lower"] == alone["bootstrap_lower"]
    assert among["band_lower"] < alone["band_lower"] < alone["band_upper"] < among["band_upper"]


def test_different_labels_are_refused_without_naming_an_exam(two_runs):
    one, other = two_runs
    wrong = other.with_columns((1 - pl.col("exam_label")).cast(pl.Int8).alias("exam_label"))
    with pytest.raises(InputError, match="others for 120 of 120 exams") as caught:
        compare_runs(pl.concat([one, wrong]), PAIR, **OPTIONS)
    assert "e0" not in str(caught.value)


@pytest.mark.parametrize("pairs", [[("r1", "r9")], [("r1", "r1")]])
def test_unknown_runs_and_the_same_twice_are_refused(two_runs, pairs):
    with pytest.raises(InputError, match="runs to compare"):
        compare_runs(pl.concat(two_runs), pairs, **OPTIONS)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 6), st.integers(0, 1000))
def test_bands_hold_for_all_together_as_often_as_they_say(k, seed):
    draw = np.random.default_rng(seed)
    shape = draw.normal(size=(k, k)) * 0.05
    replicates = shape @ draw.normal(size=(k, 400))
    bands = simultaneous_band(np.zeros(k), replicates)
    lower, upper = (np.array([getattr(b, name) for b in bands]) for name in ("lower", "upper"))
    inside = ((replicates >= lower[:, None]) & (replicates <= upper[:, None])).all(axis=0)
    assert 0.94 <= inside.mean() <= 0.955


def test_bands_are_undefined_where_too_many_samples_are():
    replicates = np.full((1, 100), np.nan)
    replicates[0, :90] = np.linspace(-1, 1, 90)
    assert simultaneous_band(np.zeros(1), replicates)[0].lower is None
    assert simultaneous_band(np.zeros(0), np.zeros((0, 5))) == []


def test_what_never_varies_has_no_band_and_spoils_no_other():
    draw = np.random.default_rng(0)
    rows = np.stack([np.zeros(200), draw.normal(0, 0.1, 200)])
    still, moving = simultaneous_band(np.zeros(2), rows)
    assert still.lower is None
    assert moving.lower == pytest.approx(simultaneous_band(np.zeros(1), rows[1:])[0].lower)
