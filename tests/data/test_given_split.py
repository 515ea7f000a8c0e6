from __future__ import annotations

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.data.given_split import read_given_split

EXAMS = pl.DataFrame({"exam_id": ["e1", "e2", "e3"], "patient_key": ["p1", "p1", "p2"]})


def read(tmp_path, text):
    path = tmp_path / "split.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_given_split(path, EXAMS)


def test_by_exam_and_by_patient_come_to_the_same(tmp_path):
    by_exam = read(tmp_path, "exam_id,split\ne3,test\ne1,train\ne2,train\n")
    by_patient = read(tmp_path, "\ufeffsplit, patient_key ,note\ntrain, p1,x\ntest ,p2,\n")
    assert by_exam.equals(by_patient)
    assert by_exam["split"].to_list() == ["train", "train", "test"]


def test_a_row_may_come_twice(tmp_path):
    assert read(tmp_path, "patient_key,split\np1,train\np2,test\np1,train\n").height == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "with a header"),
        ("exam_id,exam_id ,split\ne1,e1,train\n", "two of one name"),
        ("exam_id,part\ne1,train\n", "of these: exam_id"),
        ("exam_id,patient_key,split\ne1,p1,train\n", "exam_id, patient_key, split"),
        ("id,part\ne1,train\n", "of these: none"),
        ("exam_id,split\ne1,training\ne2,\ne3,test\n", "2 of 3 rows with another or none"),
        ("exam_id,split\ne1,train\n,test\n", "1 rows without one"),
        ("exam_id,split\ne1,train\ne1,test\n", "1 exams with several"),
        ("patient_key,split\np1,train\np1,test\n", "1 patients with several"),
        ("exam_id,split\ne1,train\nx,test\ny,test\n", "2 of 3 that it does not have"),
        ("exam_id,split\ne1,train\ne2,train\n", "1 of 3 exams without one"),
        ("exam_id,split\ne1,train\ne2,test\ne3,test\n", "1 patients in several"),
        (b"exam_id,split\n\xff\xfe,train\n", "split.csv"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_number(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, text)
    assert caught.value.remedy


def test_messages_do_not_repeat_the_file(tmp_path):
    with pytest.raises(InputError) as caught:
        read(tmp_path, "patient_key,split\nDoe^Jane,train\n")
    assert "Doe" not in str(caught.value)


def test_a_name_with_brackets_is_no_pattern_and_a_missing_file_is_named(tmp_path):
    path = tmp_path / "split[1].csv"
    with pytest.raises(InputError, match=r"split\[1\]\.csv: expected a CSV file, got No such file"):
        read_given_split(path, EXAMS)
    path.write_text("exam_id,split\ne1,train\ne2,train\ne3,test\n")
    assert read_given_split(path, EXAMS).height == 3
