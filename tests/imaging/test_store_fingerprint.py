from __future__ import annotations

import json
import shutil

import numpy as np
import polars as pl
import pytest

from examwise.core.executors import make_executor
from examwise.core.progress import SilentProgress
from examwise.data.splits import read_splits, split_store
from examwise.imaging.store_check import check_store
from examwise.imaging.store_fingerprint import fingerprint
from examwise.imaging.stored_exams import StoredExams


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("fingerprint") / "s", n_exams=12, matrix=16)
    split_store(url)
    return url


def take(url, **options):
    check = check_store(url, executor=make_executor(1), progress=SilentProgress(), **options)
    assert check.faults == ()
    return fingerprint(str(url), check)


def test_numbers_are_those_of_the_tables(store):
    found = take(store)
    stored = StoredExams(store)
    pixels = np.concatenate([stored.read_slices(f"e{n:04d}").ravel() for n in range(12)])
    assert (found["exams"], found["patients"]) == (12, 12)
    assert found["slices"] == stored.slices.height == sum(6 + n % 3 for n in range(12))
    assert found["label_events"] == 6 * found["slices"]
    assert found["hu"]["lowest_hu"] == pixels.min()
    assert sum(found["hu"]["counts"]) == pixels.size
    assert found["slices_per_exam"]["counts"] == [[6.0, 4], [7.0, 4], [8.0, 4]]
    assert found["slices_per_exam"]["median"] == 7
    assert found["slice_spacing_mm"]["counts"] == [[5.0, 12]]
    assert found["kernels"] == {"none": 12}
    assert found["matrices"] == {"16 × 16": 12}
    assert json.loads(json.dumps(found)) == found


def test_prevalence_by_part_adds_up(store):
    rows = take(store, decode=False)["prevalence"]
    whole = {row["finding"]: row for row in rows if row["part"] == "all"}
    assert whole["subdural"]["exams_positive"] == 4
    assert whole["subdural"]["slices_positive"] == 8
    assert whole["epidural"]["exams_positive"] == 0
    for finding, row in whole.items():
        parts = [r for r in rows if r["finding"] == finding and r["part"] != "all"]
        assert [part["part"] for part in parts] == ["train", "validation", "test"]
        for name, value in row.items():
            if isinstance(value, int):
                assert sum(part[name] for part in parts) == value
    sizes = take(store)["parts"]
    splits = read_splits(store)
    for part, own in sizes.items():
        assert own["exams"] == splits.filter(pl.col("split") == part).height


def test_content_tells_stores_apart_and_not_copies(store, make_store, tmp_path):
    copy = shutil.copytree(store, tmp_path / "copy")
    split_store(copy, seed=5, replace=True)
    other = make_store(tmp_path / "other", n_exams=12, matrix=16, seed=1)
    first = take(store)["content"]
    assert take(copy)["content"] == first
    assert take(other)["content"] != first


def test_a_store_without_labels_or_parts(make_store, tmp_path):
    url = make_store(tmp_path / "s", n_exams=2, n_slices=1, matrix=8)
    found = take(url, decode=False)
    assert found["parts"] == {}
    assert {row["part"] for row in found["prevalence"]} == {"all"}
    assert found["hu"] is None
