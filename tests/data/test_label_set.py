from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.run import LABEL_SET
from examwise.data.label_set import LabelSet, all_labels
from examwise.data.splits import read_splits, split_store
from examwise.data.targets import find_targets
from examwise.imaging.stored_exams import StoredExams


@pytest.fixture(scope="module")
def split(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("label_set") / "s", n_exams=20, matrix=16)
    split_store(url)
    return StoredExams(url), read_splits(url)


def rows(*triples):
    return LABEL_SET.frame([{"exam_id": e, "slice_index": s, "part": p} for e, s, p in triples])


def test_all_labels_leave_the_test_part_out(split):
    stored, splits = split
    test_exams = set(splits.filter(pl.col("split") == "test")["exam_id"])
    for kind in ("slice", "exam"):
        found = all_labels(stored, splits, "any", kind)
        assert not test_exams & set(found.frame["exam_id"])
        assert found.n_training + found.n_validation == found.frame.height
    assert all_labels(stored, splits, ["any", "subdural"], "exam").n_training == 12


def test_both_kinds_in_one_set_are_refused():
    with pytest.raises(InputError, match="labels of slices only"):
        LabelSet("slice", rows(("a", 1, "train"), ("b", None, "train")))
    with pytest.raises(InputError, match="labels of exams only"):
        LabelSet("exam", rows(("a", 1, "train")))


def test_an_exam_in_both_parts_is_refused():
    with pytest.raises(InputError, match="1 exams for both"):
        LabelSet("slice", rows(("a", 1, "train"), ("a", 2, "validation")))


def test_row_order_does_not_matter(split):
    stored, splits = split
    one = all_labels(stored, splits, "any", "slice")
    other = LabelSet("slice", one.frame.sample(fraction=1.0, shuffle=True, seed=1))
    assert other.frame.equals(one.frame)


def test_targets_hold_the_stores_values(split):
    stored, splits = split
    labels = all_labels(stored, splits, ["any", "epidural"], "slice")
    targets = find_targets(stored, labels, "train", ["any", "epidural"])
    assert targets.values.shape == (labels.n_training, 2)
    assert targets.values.dtype == np.float32
    assert (targets.values[:, 1] == 0).all()
    expected = stored.labels.filter(
        (pl.col("finding") == "any")
        & pl.col("exam_id").is_in(labels.part("train")["exam_id"].unique().to_list())
    )["value"].sum()
    assert targets.values[:, 0].sum() == expected
    assert targets.is_positive.sum() == expected


def test_the_digest_knows_labels_and_values(split):
    stored, splits = split
    labels = all_labels(stored, splits, "any", "exam")
    train = find_targets(stored, labels, "train", ["any"])
    flipped = replace(train, values=1 - train.values)
    fewer = find_targets(stored, LabelSet("exam", labels.frame[1:]), "train", ["any"])
    digests = {train.digest(), flipped.digest(), fewer.digest()}
    assert len(digests) == 2 + (len(fewer) < len(train))
    assert train.digest() == find_targets(stored, labels, "train", ["any"]).digest()


def test_a_label_that_the_store_lacks_is_refused(split):
    stored, _ = split
    labels = LabelSet("slice", rows(("e0000", 0, "train"), ("e0000", 99, "train")))
    with pytest.raises(InputError, match="1 of 2 rows without one"):
        find_targets(stored, labels, "train", ["any"])
