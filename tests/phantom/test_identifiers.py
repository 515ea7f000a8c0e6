from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from examwise.phantom.identifiers import exam_identifiers, scrambled_hex


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**40), kind=st.sampled_from(["image", "patient"]))
def test_is_a_permutation(seed: int, kind: str) -> None:
    names = {scrambled_hex(seed, kind, number, digits=2) for number in range(256)}
    assert names == {f"{number:02x}" for number in range(256)}


@settings(deadline=None, max_examples=50)
@given(first=st.integers(0, 16**9 - 1), second=st.integers(0, 16**9 - 1), seed=st.integers(0, 99))
def test_distinct_numbers_have_distinct_names(first: int, second: int, seed: int) -> None:
    names = [scrambled_hex(seed, "image", number, digits=9) for number in (first, second)]
    assert (names[0] == names[1]) == (first == second)


@pytest.mark.parametrize("number", [-1, 256])
def test_refuses_numbers_that_do_not_fit(number: int) -> None:
    with pytest.raises(ValueError, match="more than 2 hexadecimal digits"):
        scrambled_hex(0, "image", number, digits=2)


def test_order_tells_nothing() -> None:
    names = [int(scrambled_hex(0, "image", number, digits=9), 16) for number in range(2000)]
    assert abs(spearmanr(np.arange(2000), names).statistic) < 0.08


def test_depends_on_seed_and_kind() -> None:
    first = scrambled_hex(0, "image", 1, digits=9)
    assert first != scrambled_hex(1, "image", 1, digits=9)
    assert first != scrambled_hex(0, "series", 1, digits=9)


def test_forms_of_an_exam() -> None:
    found = exam_identifiers(0, exam_number=999_999, patient_number=7, n_slices=1000)
    assert re.fullmatch("ID_[0-9a-f]{8}", found.patient)
    assert re.fullmatch("ID_[0-9a-f]{10}", found.study)
    assert re.fullmatch("ID_[0-9a-f]{10}", found.series)
    assert len(set(found.images)) == 1000
    assert all(re.fullmatch("ID_[0-9a-f]{9}", image) for image in found.images)


def test_neighbouring_exams_share_no_image_and_patients_share_a_name() -> None:
    first = exam_identifiers(0, exam_number=0, patient_number=7, n_slices=1000)
    second = exam_identifiers(0, exam_number=1, patient_number=7, n_slices=1000)
    assert not set(first.images) & set(second.images)
    assert first.patient == second.patient
    assert first.study != second.study
