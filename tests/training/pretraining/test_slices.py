import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.data.splits import write_splits
from examwise.training.pretraining.slices import find_slices

KEY = {"key_id": "k1"}


def split(url, parts):
    frame = pl.DataFrame(
        {
            "exam_id": [f"e{number:04d}" for number in parts],
            "patient_key": [f"p{number:04d}" for number in parts],
            "split": list(parts.values()),
        }
    )
    write_splits(url, frame, options={})
    return url


def exams(slices):
    return sorted(slices.frame["exam_id"].unique())


def test_test_patients_and_patients_without_part_are_left_out(split_store):
    slices = find_slices([split_store])
    assert exams(slices) == [f"e{number:04d}" for number in range(8)]
    assert slices.n_exams_left_out == 4
    assert slices.patients.height == 8
    assert slices.unsplit == ()
    assert slices.data_terms == ("synthetic",)
    assert slices.matrix == (32, 32)


def test_a_store_without_splits_is_refused_unless_allowed(make_store, tmp_path):
    store = make_store(tmp_path / "store", n_exams=3)
    with pytest.raises(InputError, match="split by patient, whose test patients are left out"):
        find_slices([store])
    slices = find_slices([store], allow_unsplit=True)
    assert slices.unsplit == (store,)
    assert exams(slices) == ["e0000", "e0001", "e0002"]
    assert slices.patients["part"].to_list() == ["train"] * 3


def test_a_test_patient_of_one_store_is_left_out_of_every_other(make_store, tmp_path):
    """Exams 0 and 1 are patient 0's, and so on; each store has one exam of each patient."""
    shared = {"n_exams": 8, "exams_per_patient": 2, "configuration": KEY}
    one = make_store(tmp_path / "one", only=range(0, 8, 2), **shared)
    other = make_store(tmp_path / "other", only=range(1, 8, 2), **shared)
    frame = pl.DataFrame(
        {
            "exam_id": ["e0000", "e0002", "e0004"],
            "patient_key": ["p0000", "p0001", "p0002"],
            "split": ["test", "train", "validation"],
        }
    )
    write_splits(one, frame, options={})
    slices = find_slices([one, other], allow_unsplit=True)
    # Patient 3 has no part in the store that is split, and may become a test patient there.
    assert exams(slices) == ["e0002", "e0003", "e0004", "e0005"]
    assert dict(slices.patients.iter_rows()) == {"p0001": "train", "p0002": "validation"}
    assert slices.n_exams_left_out == 4
    assert slices.unsplit == (other,)
    assert find_slices([other, one], allow_unsplit=True).digest == slices.digest


def test_no_slice_left_is_refused(make_store, tmp_path):
    store = split(make_store(tmp_path / "store", n_exams=2), {0: "test", 1: "test"})
    with pytest.raises(InputError, match="patients who are not kept for testing, got none"):
        find_slices([store])


def test_one_matrix_only(make_store, tmp_path):
    one = make_store(tmp_path / "one", n_exams=4, only=[0, 1], configuration=KEY)
    other = make_store(tmp_path / "other", n_exams=4, only=[2, 3], matrix=24, configuration=KEY)
    with pytest.raises(InputError, match="one matrix size for all exams, got 24 × 24 and 32 × 32"):
        find_slices([one, other], allow_unsplit=True)


def test_the_digest_is_of_the_slices(make_store, tmp_path):
    store = make_store(tmp_path / "store", n_exams=4)
    whole = find_slices([store], allow_unsplit=True)
    split(store, {0: "train", 1: "train", 2: "train", 3: "test"})
    assert find_slices([store]).digest != whole.digest
