import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examwise.core import digests

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_canonical_json_does_not_depend_on_insertion_order(value):
    backwards = dict(reversed(value.items()))
    assert digests.canonical_json(value) == digests.canonical_json(backwards)


def test_canonical_json_refuses_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        digests.canonical_json({"a": float("nan")})


def test_small_files_are_identified_by_content(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert digests.file_digest(path) == "sha256:" + hashlib.sha256(b"abc").hexdigest()


def test_large_files_are_identified_by_size_and_time(tmp_path):
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.truncate(digests.LARGE_FILE_BYTES + 1)
    os.utime(path, ns=(5, 5))
    assert digests.file_digest(path) == f"size-time:{digests.LARGE_FILE_BYTES + 1}:5"
