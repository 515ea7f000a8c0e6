import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.evaluation import non_inferiority_table as table

OPTIONS = {"new_run": "new", "reference_run": "old", "margin": 0.05, "is_frozen": True}


@pytest.fixture
def both(make_exams):
    def build(archive, *, n=400, worse=0.0, seed=0, label=None):
        draw = np.random.default_rng(seed)
        labels = np.arange(n) % 2 if label is None else np.full(n, label)
        base = draw.normal(size=n)
        columns = {"archive": archive, "exam_id": [f"{archive}{i}" for i in range(n)],
                   "patient_key": [f"{archive}{i}" for i in range(n)]}  # fmt: skip
        return pl.concat(
            make_exams(
                labels,
                0.95 * base + 0.3 * draw.normal(size=n) + (2 - less) * labels,
                run_id=run,
                **columns,
            )
            for run, less in (("new", worse), ("old", 0.0))
        )

    return build


def outcome(exams, archives, **options):
    return table.non_inferiority_rows(exams, archives=archives, **{**OPTIONS, **options}).to_dicts()


def test_later_archives_are_tested_once_the_first_is_shown(both):
    exams = pl.concat([both("a"), both("b", worse=1.5, seed=1), both("c", seed=2)])
    rows = outcome(exams, ("a", "b", "c"))
    assert [row["verdict"] for row in rows] == ["non_inferior", "not_shown", "non_inferior"]
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert all(row["is_frozen"] and row["margin"] == 0.05 for row in rows)
    assert rows[0]["lower"] > -0.05 > rows[1]["lower"]
    assert rows[0]["p"] < 0.025 < rows[1]["p"]


def test_nothing_follows_a_first_step_that_fails(both):
    exams = pl.concat([both("a", worse=1.5), both("b", seed=1)])
    first, second = outcome(exams, ("a", "b"))
    assert (first["verdict"], second["verdict"]) == ("not_shown", "not_tested")
    assert (second["p"], second["lower"]) == (None, None)
    assert second["difference"] is not None
    assert 0 < second["power"] <= 1
    # In the other order the same archive is shown.
    assert outcome(exams, ("b", "a"))[0]["verdict"] == "non_inferior"


def test_few_exams_show_little_and_say_so(both):
    (row,) = outcome(both("a", n=30, seed=3, worse=0.4), ("a",), margin=0.02)
    assert row["verdict"] == "not_shown"
    assert row["power"] < 0.5


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_undefined_and_ends_the_sequence(both, label):
    exams = pl.concat([both("a", label=label), both("b", seed=1)])
    first, second = outcome(exams, ("a", "b"))
    assert (first["verdict"], second["verdict"]) == ("undefined", "not_tested")
    assert (first["difference"], first["p"], first["power"]) == (None, None, None)


def test_runs_that_rank_alike_are_undefined(both):
    exams = both("a").filter(pl.col("run_id") == "new")
    same = exams.with_columns(pl.lit("old").alias("run_id"))
    (row,) = outcome(pl.concat([exams, same]), ("a",))
    assert (row["verdict"], row["difference"], row["lower"]) == ("undefined", 0, None)


def test_an_archive_that_nobody_predicted_is_undefined(both):
    rows = outcome(both("a"), ("z", "a"))
    assert [row["verdict"] for row in rows] == ["undefined", "not_tested"]
    assert rows[0]["n_exams"] == 0


@pytest.mark.parametrize("margin", [0.0, -0.1, 0.5, float("nan")])
def test_margins_that_are_none_are_refused(both, margin):
    with pytest.raises(InputError, match="margin"):
        outcome(both("a"), ("a",), margin=margin)


@pytest.mark.parametrize("archives", [(), ("a", "a")])
def test_archives_are_named_each_once(both, archives):
    with pytest.raises(InputError, match="archives"):
        outcome(both("a"), archives)
