import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.evidence import SUBGROUPS
from examwise.evaluation.exam_traits import TRAITS
from examwise.evaluation.subgroups import subgroups
from examwise.metrics.auc_variance import auc_estimates, auc_interval

HALF = {"r1": {"any": 0.5}}


def traits_of(exams, **columns):
    n = exams.height
    plain = {
        "exam_id": exams["exam_id"],
        "kinds": [[]] * n,
        "extent_mm": [None] * n,
        "volume_ml": [None] * n,
        "thickness_mm": [None] * n,
        "scanner": [None] * n,
    } | columns
    return pl.DataFrame(plain, schema=TRAITS)


def groups(table, trait):
    return table.filter(pl.col("trait") == trait)["group"].to_list()


@pytest.fixture
def exams(make_exams):
    draw = np.random.default_rng(0)
    labels = np.arange(60) % 2
    return make_exams(labels, draw.normal(size=60) + labels)


def test_kinds_stand_against_all_negatives(exams):
    kinds = [["subdural", "epidural"] if i % 4 == 1 else ["subdural"] * (i % 2) for i in range(60)]
    table = subgroups(exams, traits_of(exams, kinds=kinds), HALF)
    assert table.equals(SUBGROUPS.frame(table.to_dicts()))
    assert table.select("trait", "group", "position", "n_exams", "n_positive").rows() == [
        ("kind", "epidural", 0, 45, 15),
        ("kind", "subdural", 1, 60, 30),
    ]
    assert table["specificity"].n_unique() == 1
    epidural = exams.filter(
        (pl.col("exam_label") == 0) | pl.Series([i % 4 == 1 for i in range(60)])
    )
    estimates = auc_estimates(epidural["exam_label"].to_numpy(), epidural["exam_logit"].to_numpy())
    row = table.row(0, named=True)
    assert row["auc"] == pytest.approx(estimates.aucs[0])
    assert (row["auc_lower"], row["auc_upper"]) == pytest.approx(auc_interval(estimates))
    called = epidural.filter(pl.col("exam_label") == 1)["exam_probability"] >= 0.5
    assert row["sensitivity"] == pytest.approx(called.mean())


def test_sizes_are_volumes_where_as_many_are_known_as_extents(exams):
    sizes = [None if i % 2 == 0 else float(i) for i in range(60)]
    by_extent = subgroups(exams, traits_of(exams, extent_mm=sizes), HALF)
    assert groups(by_extent, "size") == ["below 15 mm", "15 to 40 mm", "from 40 mm"]
    assert by_extent["n_positive"].to_list() == [7, 13, 10]
    both = subgroups(exams, traits_of(exams, extent_mm=sizes, volume_ml=sizes), HALF)
    assert groups(both, "size") == ["below 5 ml", "5 to 30 ml", "from 30 ml"]
    fewer = [None if i == 3 else size for i, size in enumerate(sizes)]
    some = subgroups(exams, traits_of(exams, extent_mm=sizes, volume_ml=fewer), HALF)
    assert groups(some, "size")[0] == "below 15 mm"


def test_thickness_and_scanners(exams):
    thickness = [1.0] * 20 + [2.5] * 10 + [5.0] * 20 + [None] * 10
    scanner = ["x"] * 15 + ["y"] * 30 + ["z"] * 9 + ["q"] * 2 + [None] * 4
    given = traits_of(exams, thickness_mm=thickness, scanner=scanner)
    table = subgroups(exams, given, HALF)
    assert table.select("trait", "group", "position", "n_exams").rows() == [
        ("thickness", "below 1.5 mm", 0, 20),
        ("thickness", "1.5 to 4 mm", 1, 10),
        ("thickness", "from 4 mm", 2, 20),
        ("thickness", "not on record", 3, 10),
        ("scanner", "scanner A", 0, 30),
        ("scanner", "scanner B", 1, 15),
        ("scanner", "other", 2, 11),
        ("scanner", "not on record", 3, 4),
    ]
    shuffled = subgroups(exams.reverse(), given.reverse(), HALF)
    assert shuffled.equals(table)


def test_degenerate_groups_leave_cells_empty(make_exams):
    exams = make_exams([1, 1, None], [0.0, 1.0, 2.0])
    table = subgroups(exams, traits_of(exams, thickness_mm=[1.0, 5.0, 5.0]), HALF)
    assert table["n_exams"].to_list() == [1, 1]
    assert table["auc"].null_count() == table["specificity_lower"].null_count() == 2
    assert table["sensitivity"].to_list() == [1, 1]
    assert subgroups(exams, traits_of(exams.clear()), HALF).is_empty()
    assert subgroups(exams, traits_of(exams), HALF).is_empty()
    with pytest.raises(InputError, match="threshold for any"):
        subgroups(exams, traits_of(exams), {})
