import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.evidence import UNCERTAIN_EXAMS
from examwise.core.schemas.store import SPLITS
from examwise.core.storage import Storage
from examwise.evaluation.archives_together import with_archives_together
from examwise.evaluation.uncertain_exams import EXCLUDED, excluded_exams, uncertain_exams

HALF = {"r1": {"any": 0.5}}


def excluded(*rows, archive="here"):
    return pl.DataFrame(
        [(f"x{i}", f"q{i}", archive, "any", label) for i, label in enumerate(rows)],
        EXCLUDED,
        orient="row",
    )


def cases(table):
    return {row["case"]: row for row in table.iter_rows(named=True)}


def test_exams_without_a_label_are_what_the_run_says_or_the_contrary(make_exams):
    exams = make_exams([0, 1, 0, 1, None, None], [-1.0, 1.0, 2.0, -2.0, 3.0, -3.0])
    table = uncertain_exams(exams, HALF, excluded=None)
    assert table.equals(UNCERTAIN_EXAMS.frame(table.to_dicts()))
    assert table["case"].to_list() == ["left_out", "best", "worst"]
    rows = cases(table)
    assert {row["n_uncertain"] for row in rows.values()} == {2}
    assert [row["n_exams"] for row in rows.values()] == [4, 6, 6]
    assert [row["sensitivity"] for row in rows.values()] == pytest.approx([1 / 2, 2 / 3, 1 / 3])
    assert [row["specificity"] for row in rows.values()] == pytest.approx([1 / 2, 2 / 3, 1 / 3])
    assert [row["auc"] for row in rows.values()] == pytest.approx([1 / 4, 6 / 9, 1 / 9])


def test_exams_never_predicted_are_right_or_wrong(make_exams):
    exams = make_exams([0, 1, 0, 1], [-1.0, 1.0, -2.0, 2.0])
    rows = cases(uncertain_exams(exams, HALF, excluded=excluded(1, 0, None)))
    assert [row["n_without_score"] for row in rows.values()] == [3] * 3
    assert [row["n_positive"] for row in rows.values()] == [2, 3, 4]
    assert rows["best"]["auc"] == rows["best"]["sensitivity"] == rows["best"]["specificity"] == 1
    assert rows["worst"]["sensitivity"] == pytest.approx(2 / 4)
    assert rows["worst"]["specificity"] == pytest.approx(2 / 3)
    # Two positives below all, one negative above all: only the seen pairs are won.
    assert rows["worst"]["auc"] == pytest.approx(4 / 12)


def test_without_uncertain_exams_there_is_one_row(make_exams):
    exams = make_exams([0, 1], [-1.0, 1.0])
    for never in (None, excluded(), excluded(1, archive="elsewhere")):
        table = uncertain_exams(exams, HALF, excluded=never)
        assert table["case"].to_list() == ["left_out"]
        assert table["n_uncertain"].to_list() == [0]
    predicted = excluded(1).with_columns(pl.lit("e0000").alias("exam_id"))
    assert uncertain_exams(exams, HALF, excluded=predicted).height == 1


def test_archives_together_have_all_their_excluded_exams(make_exams):
    exams = with_archives_together(make_exams([0, 1, 0, 1], [0.0] * 4, archive=list("aabb")))
    table = uncertain_exams(exams, HALF, excluded=excluded(1, archive="a"))
    found = table.filter(pl.col("case") == "best").select("archive", "n_uncertain").rows()
    assert found == [("a", 1), ("a + b", 1)]


def test_degenerate_exams_leave_cells_empty(make_exams):
    rows = cases(uncertain_exams(make_exams([None, None], [1.0, 2.0]), HALF, excluded=None))
    assert rows["left_out"]["n_exams"] == 0
    assert rows["left_out"]["auc"] is rows["left_out"]["sensitivity"] is None
    assert rows["best"]["sensitivity"] == 1
    assert rows["worst"]["specificity"] == 0
    with pytest.raises(InputError, match="threshold for any"):
        uncertain_exams(make_exams([0], [0.0]), {}, excluded=None)


@pytest.fixture
def store(tmp_path, make_store):
    url = make_store(tmp_path / "store", n_exams=6)
    splits = ["train", "test", "test", "test", "validation", "test"]
    rows = [
        {"exam_id": f"e{i:04d}", "patient_key": f"p{i:04d}", "split": split}
        for i, split in enumerate(splits)
    ]
    SPLITS.write(Storage(url), SPLITS.frame(rows))
    return url


def test_tested_exams_that_nobody_predicted_are_found(store, make_exams):
    every = make_exams([0] * 6, np.zeros(6), archive="test")
    predicted = every.filter(pl.col("exam_id").is_in(["e0001", "e0002"]))
    found = excluded_exams([store], predicted)
    assert found.rows() == [
        ("e0003", "p0003", "test", "any", 1),
        ("e0005", "p0005", "test", "any", 0),
    ]
    assert excluded_exams([store], every).is_empty()
    (Storage(store)).delete(SPLITS.file)
    assert excluded_exams([store], predicted)["exam_id"].to_list() == [
        "e0000", "e0003", "e0004", "e0005"
    ]  # fmt: skip


def test_stores_that_nobody_predicted_are_left_out(store, make_exams):
    elsewhere = make_exams([0], [0.0], exam_id=["other"])
    assert excluded_exams([store], elsewhere).is_empty()
