from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.data.split_extension import place_patients
from examwise.data.stratified_split import split_by_patient

FRACTIONS = (0.6, 0.15, 0.25)


def patients(n, seed=0):
    generator = np.random.default_rng(seed)
    keys = [f"p{number:04d}" for number in range(n)]
    labels = generator.random(n) < 0.4
    return pl.DataFrame(
        {"exam_id": [f"e{key}" for key in keys], "patient_key": keys, "exam_label": labels}
    ).with_columns(pl.col("exam_label").cast(pl.Int8))


def grown_by(exams, start, step, seed=0):
    """Place the first patients by a draw, and the others step by step."""
    first = split_by_patient(exams.head(start), fractions=FRACTIONS, seed=seed)
    placed = first.select("patient_key", "split")
    for end in range(start + step, exams.height + 1, step):
        placed = place_patients(exams.head(end), placed, fractions=FRACTIONS, seed=seed)
    return placed


@pytest.mark.parametrize("step", [1, 6, 180])
def test_a_store_that_grows_comes_to_the_shares(step) -> None:
    exams = patients(200)
    placed = grown_by(exams, 20, step).join(exams, on="patient_key")
    assert placed.height == 200
    for label, among in (("all", placed), *placed.group_by("exam_label")):
        for part, share in zip(("train", "validation", "test"), FRACTIONS, strict=True):
            found = among.filter(pl.col("split") == part).height
            assert abs(found - share * among.height) <= 2, (label, part)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 100), st.integers(5, 20), st.randoms(use_true_random=False))
def test_who_has_a_part_keeps_it_whatever_the_order(seed, start, shuffler) -> None:
    exams = patients(30, seed)
    first = split_by_patient(exams.head(start), fractions=FRACTIONS, seed=seed)
    placed = place_patients(exams, first, fractions=FRACTIONS, seed=seed)
    kept = placed.join(first.select("patient_key", "split"), on=["patient_key", "split"])
    assert kept.height == start
    rows = exams.rows()
    shuffler.shuffle(rows)
    again = pl.DataFrame(rows, schema=exams.schema, orient="row")
    assert place_patients(again, first, fractions=FRACTIONS, seed=seed).equals(placed)


def test_a_part_without_a_share_gets_nobody() -> None:
    exams = patients(30)
    nobody = pl.DataFrame(schema={"patient_key": pl.String, "split": pl.String})
    placed = place_patients(exams, nobody, fractions=(0.5, 0.0, 0.5), seed=0)
    assert {*placed["split"]} == {"train", "test"}
    with pytest.raises(InputError, match="three shares"):
        place_patients(exams, nobody, fractions=(0.5, 0.5, 0.5), seed=0)
