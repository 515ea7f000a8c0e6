from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import UID
from scipy.stats import spearmanr

from examwise.phantom.identifiers import scrambled_hex, valid_uid


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


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 2**63),
    names=st.lists(st.one_of(st.text(), st.integers(0, 999)), max_size=3),
)
def test_uids_are_valid(seed: int, names: list[str | int]) -> None:
    uid = UID(valid_uid(seed, *names))
    assert uid.is_valid
    assert len(uid) <= 64


def test_uids_of_different_things_differ() -> None:
    things = [
        (0, "image", 1),
        (0, "image", 2),
        (1, "image", 1),
        (0, "series", 1),
        (0, "image", 1, 1),
    ]
    assert len({valid_uid(*thing) for thing in things}) == len(things)
