from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.ingest.kernel_names import kernel_name


@pytest.mark.parametrize(
    "name",
    ["SOFT", "STANDARD", "Standard", "BONEPLUS", "BONE", "DETAIL", "H30s", "H31f", "Hr40f\\3",
     "J40s\\2", "FC21", "FC68", "FL03", "UB", "A", "YA", "EDGE PLUS", "Qr40d", "B", "HEAD HD"],
)  # fmt: skip
def test_names_of_makers_are_kept(name: str) -> None:
    assert kernel_name(name) == name


@pytest.mark.parametrize(
    "text",
    ["", "Doe", "JANE", "J. Doe", "Doe^Jane", "see letter", "19770717", "H30s\\2\\Doe",
     "SOFT Doe", "Doe SOFT", "1234567", "Dr40Doe"],
)  # fmt: skip
def test_anything_else_is_not(text: str) -> None:
    assert kernel_name(text) is None


@given(st.text(alphabet=st.characters(categories=("L", "N", "P")), min_size=9, max_size=16))
@settings(deadline=None, max_examples=50)
def test_long_words_are_kept_only_if_they_are_known(text: str) -> None:
    kept = kernel_name(text)
    assert kept is None or any(word in kept.upper() for word in ("PLUS", "STANDARD", "CEREBRUM"))
