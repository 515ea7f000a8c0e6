from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.store import SPLITS
from examwise.core.storage import Storage
from examwise.data.patient_overlap import (
    require_disjoint_patients,
    require_disjoint_stores,
    require_no_overlap,
)
from examwise.data.splits import give_split, has_splits, read_splits, split_store, write_splits
from examwise.imaging.stored_exams import StoredExams


def test_overlap_names_the_number_of_patients():
    frame = SPLITS.frame(
        {
            "exam_id": ["a", "b", "c", "d"],
            "patient_key": ["p", "p", "q", "q"],
            "split": ["train", "test", "train", "validation"],
        }
    )
    with pytest.raises(InputError, match="got 2 patients in several"):
        require_disjoint_patients(frame)
    with pytest.raises(InputError, match="2 patients"):
        write_splits("memory://overlapping-splits", frame, options={})


def test_a_store_is_split_once(make_store, tmp_path):
    url = make_store(tmp_path / "s", n_exams=30, matrix=16, exams_per_patient=2)
    with pytest.raises(InputError, match="examwise split"):
        read_splits(url)
    summary = split_store(url, fractions=(0.6, 0.2, 0.2), seed=1)
    assert has_splits(url)
    assert sum(summary.n_exams.values()) == 30
    assert sum(summary.n_patients.values()) == 15
    assert sum(summary.n_positive_exams.values()) == 10
    before = Storage(url).read(SPLITS.file)
    assert split_store(url, fractions=(0.6, 0.2, 0.2), seed=1) == summary
    with pytest.raises(InputError, match="no other split"):
        split_store(url, fractions=(0.6, 0.2, 0.2), seed=2)
    assert Storage(url).read(SPLITS.file) == before
    split_store(url, fractions=(0.6, 0.2, 0.2), seed=2, replace=True)
    assert Storage(url).read(SPLITS.file) != before
    options = json.loads(Storage(url).read("splits.json"))
    assert options["seed"] == 2
    assert np.isclose(sum(options["fractions"].values()), 1)
    assert options["findings"] == ["any"]
    assert options["sha256"] == hashlib.sha256((Path(url) / SPLITS.file).read_bytes()).hexdigest()


def test_a_lost_options_file_is_written_again(make_store, tmp_path):
    url = make_store(tmp_path / "s", n_exams=12, matrix=8)
    split_store(url, seed=1)
    before = (tmp_path / "s" / "splits.json").read_bytes()
    (tmp_path / "s" / "splits.json").unlink()
    split_store(url, seed=1)
    assert (tmp_path / "s" / "splits.json").read_bytes() == before


def test_several_findings_are_divided_evenly(make_store, tmp_path):
    url = make_store(tmp_path / "s", n_exams=36, n_slices=2, matrix=8)
    summary = split_store(url, fractions=(0.5, 0.25, 0.25), finding=["subdural", "epidural"])
    assert summary.n_positive_exams == {"train": 6, "validation": 3, "test": 3}
    with pytest.raises(InputError, match="a finding to stratify on"):
        split_store(url, finding=[])


@pytest.mark.parametrize("is_split", [False, True])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"finding": "foo"}, "expected labels of the finding foo, got findings any, "),
        ({"finding": ["any", "foo"]}, "expected labels of the finding foo, got findings any, "),
        ({"seed": -1}, "split, seed: expected a whole number, 0 or more, got -1"),
        ({"seed": 1.0}, "split, seed: expected a whole number, 0 or more, got 1.0"),
        ({"seed": True}, "split, seed: expected a whole number, 0 or more, got True"),
        ({"fractions": (-0.5, 0.5, 1.0)}, "three shares of .*, got -0.5, 0.5, 1.0"),
        ({"fractions": (float("nan"), 0.5, 0.5)}, "three shares of .*, got nan, 0.5, 0.5"),
        ({"fractions": ("a", 0.5, 0.5)}, "three shares of .*, got a, 0.5, 0.5"),
        ({"fractions": (0.5, 0.5)}, "three shares of .*, got 0.5, 0.5"),
    ],
)
def test_options_that_cannot_be_are_named(make_store, tmp_path, is_split, options, said):
    url = make_store(tmp_path / "s", n_exams=12, matrix=8)
    if is_split:
        split_store(url)
    with pytest.raises(InputError, match=said):
        split_store(url, **options)
    assert has_splits(url) == is_split


def test_parts_without_exams_are_told(make_store, tmp_path):
    url = make_store(tmp_path / "s", n_exams=12, matrix=8)
    assert split_store(url, fractions=(0.5, 0, 0.5)).empty_parts == ("validation",)
    assert split_store(url, fractions=(0.5, 0.2, 0.3), replace=True).empty_parts == ()


def test_overlap_of_stores_names_the_number_of_patients():
    one = pl.DataFrame({"patient_key": ["p", "q", "r"], "split": ["train", "test", "test"]})
    other = pl.DataFrame({"patient_key": ["p", "q", "s"], "split": ["train", "train", "train"]})
    require_disjoint_stores({"one": one})
    require_disjoint_stores({})
    with pytest.raises(InputError, match=r"splits of one, other: .* got 1 patients in several"):
        require_disjoint_stores({"one": one, "other": other})


def test_overlap_of_run_and_store_names_the_number_of_patients():
    learned, tested = pl.Series(["p", "p", "q", "r"]), pl.Series(["q", "q", "r", "s"])
    require_no_overlap(learned, pl.Series(["s"]), where="x", remedy="")
    require_no_overlap(pl.Series([], dtype=pl.String), tested, where="x", remedy="")
    with pytest.raises(InputError, match=r"x: .* got 2 patients from whom it has learned; do this"):
        require_no_overlap(learned, tested, where="x", remedy="do this")


def test_a_given_split_is_kept_as_it_is(make_store, tmp_path):
    url = make_store(tmp_path / "s", n_exams=10, matrix=8, exams_per_patient=2)
    exams = StoredExams(url).exams
    wanted = exams.select("exam_id", "patient_key").with_columns(
        pl.when(pl.col("patient_key") < "p0003")
        .then(pl.lit("train"))
        .otherwise(pl.lit("test"))
        .alias("split")
    )
    wanted.select("exam_id", "split").write_csv(tmp_path / "exams.csv")
    with pytest.raises(InputError, match="expected labels of the finding foo"):
        give_split(url, tmp_path / "exams.csv", finding="foo")
    summary = give_split(url, tmp_path / "exams.csv")
    assert summary.empty_parts == ("validation",)
    assert read_splits(url).equals(wanted)
    assert summary.n_exams == {"train": 6, "validation": 0, "test": 4}
    assert "given" in json.loads(Storage(url).read("splits.json"))
    with pytest.raises(InputError, match="no other split"):
        split_store(url)
    wanted.select("split", "patient_key").unique().write_csv(tmp_path / "patients.csv")
    split_store(url, replace=True)
    give_split(url, tmp_path / "patients.csv", replace=True)
    assert read_splits(url).equals(wanted)


@pytest.fixture
def grown(make_store, tmp_path):
    """A split store of twelve exams, and one where twelve have come to them."""
    old, new = make_store(tmp_path / "old", matrix=8), tmp_path / "new"
    split_store(old, fractions=(0.5, 0.25, 0.25), seed=3)
    make_store(new, n_exams=24, matrix=8)
    for file in ("splits.parquet", "splits.json"):
        shutil.copy(tmp_path / "old" / file, new / file)
    return str(old), str(new)


def test_a_grown_store_keeps_its_parts_and_gets_more(grown):
    old, new = grown
    with pytest.raises(InputError, match=r"got 12 of 24 exams without one; run: examwise split"):
        read_splits(new)
    assert read_splits(new, whole=False).height == 12
    summary = split_store(new)
    assert summary.n_exams == {"train": 12, "validation": 6, "test": 6}
    assert summary.n_positive_exams == {"train": 4, "validation": 2, "test": 2}
    now = read_splits(new)
    assert read_splits(old).join(now, on=SPLITS.names, how="anti").is_empty()
    options = json.loads(Storage(new).read("splits.json"))
    assert (options["seed"], options["fractions"]["train"]) == (3, 0.5)
    before = Storage(new).read("splits.json")
    assert split_store(new, seed=3) == summary
    assert Storage(new).read("splits.json") == before


def test_a_grown_store_takes_no_other_draw(grown):
    _, new = grown
    for other in ({"seed": 4}, {"fractions": (0.6, 0.2, 0.2)}, {"finding": "subdural"}):
        with pytest.raises(InputError, match="no other split"):
            split_store(new, **other)
    split_store(new, seed=4, replace=True)
    assert read_splits(new).height == 24


def test_stopped_between_its_two_writes(grown, tmp_path):
    _, new = grown
    split_store(new)
    whole = {file: Storage(new).read(file) for file in ("splits.parquet", "splits.json")}
    shutil.copy(tmp_path / "old" / "splits.parquet", tmp_path / "new" / "splits.parquet")
    split_store(new)
    assert whole == {file: Storage(new).read(file) for file in whole}
    edited = read_splits(new).with_columns(split=pl.lit("train"))
    SPLITS.write(Storage(new), edited)
    with pytest.raises(InputError, match="no other split"):
        split_store(new)


def test_a_given_split_of_a_grown_store(grown, tmp_path):
    old, new = grown
    read_splits(old).select("exam_id", "split").write_csv(tmp_path / "old.csv")
    give_split(old, tmp_path / "old.csv", replace=True)
    for file in ("splits.parquet", "splits.json"):
        shutil.copy(tmp_path / "old" / file, tmp_path / "new" / file)
    with pytest.raises(InputError, match=r"got 12 patients without one; .*--given"):
        split_store(new)
    rest = StoredExams(new).exams.join(read_splits(old), on="exam_id", how="anti")
    named = rest.select("exam_id", split=pl.lit("test"))
    table = pl.concat([pl.read_csv(tmp_path / "old.csv"), named])
    table.write_csv(tmp_path / "new.csv")
    assert give_split(new, tmp_path / "new.csv").n_exams["test"] == 15
    table.with_columns(split=pl.lit("train")).write_csv(tmp_path / "other.csv")
    with pytest.raises(InputError, match="no other split"):
        give_split(new, tmp_path / "other.csv")
