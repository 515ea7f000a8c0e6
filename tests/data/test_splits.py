from __future__ import annotations

import hashlib
import json
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
    with pytest.raises(InputError, match=r"x: .* got 2 patients whose labels it has seen; do this"):
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
    summary = give_split(url, tmp_path / "exams.csv")
    assert read_splits(url).equals(wanted)
    assert summary.n_exams == {"train": 6, "validation": 0, "test": 4}
    assert "given" in json.loads(Storage(url).read("splits.json"))
    with pytest.raises(InputError, match="no other split"):
        split_store(url)
    wanted.select("split", "patient_key").unique().write_csv(tmp_path / "patients.csv")
    split_store(url, replace=True)
    give_split(url, tmp_path / "patients.csv", replace=True)
    assert read_splits(url).equals(wanted)
