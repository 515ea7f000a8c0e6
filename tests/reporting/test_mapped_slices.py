from __future__ import annotations

from typing import Any, cast

import polars as pl
import pytest

from examwise.reporting.explained_runs import ExplainedRun
from examwise.reporting.mapped_slices import choose_slices


class Scored:
    """What choosing looks at of an explained run."""

    def __init__(self, scores: dict[tuple[str, int], float | None], truth: str = "boxes") -> None:
        rows = [(*key, truth, value) for key, value in scores.items()]
        schema = {"exam_id": str, "slice_index": int, "truth": str, "pixel_f1": float}
        self.scores = pl.DataFrame(rows, schema=schema, orient="row")


def choose(*runs: Scored) -> list[tuple[Any, ...]]:
    return choose_slices(cast("list[ExplainedRun]", runs), truth="boxes")


def test_best_median_and_worst_by_the_mean_over_maps() -> None:
    one = Scored({("a", 1): 0.9, ("a", 2): 0.1, ("b", 0): 0.5, ("c", 0): 0.4, ("d", 0): 0.0})
    two = Scored({("a", 1): 0.5, ("a", 2): 0.3, ("b", 0): 0.5, ("c", 0): 0.8, ("d", 0): 0.0})
    assert choose(one, two) == [
        ("Best", "a", 1, pytest.approx(0.7)),
        ("Median", "b", 0, pytest.approx(0.5)),
        ("Worst", "d", 0, 0.0),
    ]


def test_ties_go_to_the_first_pseudonym() -> None:
    assert choose(Scored({("b", 0): 0.0, ("a", 3): 0.0, ("a", 1): 0.0, ("c", 0): 0.9})) == [
        ("Best", "c", 0, 0.9),
        ("Median", "a", 3, 0.0),
        ("Worst", "a", 1, 0.0),
    ]


def test_slices_that_lack_a_score_are_left_out() -> None:
    one = Scored({("a", 0): 0.9, ("b", 0): 0.5, ("c", 0): None})
    two = Scored({("b", 0): 0.3, ("c", 0): 0.2})
    assert choose(one, two) == [("Best", "b", 0, pytest.approx(0.4))]


def test_nothing_to_choose_from() -> None:
    assert choose() == []
    assert choose(Scored({})) == []
    assert choose(Scored({("a", 0): 0.5}, truth="masks")) == []
