from __future__ import annotations

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.store import SPLITS
from examwise.data.joined_splits import read_joined_splits
from examwise.data.splits import write_splits
from examwise.imaging.stored_exams import StoredExams


@pytest.fixture
def split_stores(make_store, tmp_path):
    def make(*parts):
        """Write a store for each mapping of exam numbers to parts; two exams a patient."""
        urls = []
        for place, part in enumerate(parts):
            url = make_store(
                tmp_path / f"s{place}", n_exams=8, matrix=8, only=part, exams_per_patient=2
            )
            if any(part.values()):
                exams = StoredExams(url).exams.select("exam_id", "patient_key")
                split = pl.Series("split", [part[number] for number in sorted(part)])
                write_splits(url, SPLITS.validate(exams.with_columns(split)), options={})
            urls.append(url)
        return urls

    return make


def test_a_patient_in_the_same_part_of_both_is_fine(split_stores):
    urls = split_stores({0: "train", 2: "test"}, {1: "train", 4: "validation"})
    found = read_joined_splits(urls)
    assert found["exam_id"].to_list() == ["e0000", "e0001", "e0002", "e0004"]
    assert found["split"].to_list() == ["train", "train", "test", "validation"]
    assert read_joined_splits(urls[::-1]).equals(found)


@pytest.mark.parametrize(
    ("one", "other"), [("train", "test"), ("test", "validation"), ("train", "validation")]
)
def test_a_patient_in_two_parts_is_refused_by_number(split_stores, one, other):
    urls = split_stores({0: one, 2: one, 4: "train"}, {1: other, 3: other, 6: "test"})
    with pytest.raises(InputError, match="same part of all stores, got 2 patients in several"):
        read_joined_splits(urls)


def test_a_store_that_is_not_split_is_refused_or_passed_over(split_stores):
    urls = split_stores({0: "train"}, {2: ""})
    with pytest.raises(InputError, match="examwise split STORE"):
        read_joined_splits(urls)
    assert read_joined_splits(urls, split_only=True)["exam_id"].to_list() == ["e0000"]
    assert read_joined_splits(urls[1:], split_only=True).is_empty()
