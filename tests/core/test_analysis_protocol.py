import json
from dataclasses import replace

import pytest

from examwise.core.analysis_protocol import PROTOCOL, AnalysisProtocol
from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.storage import Storage

MADE = AnalysisProtocol(
    finding="any",
    margin=0.04,
    primary_archive="inside",
    archives=("inside", "outside"),
    target_auc=0.8,
    budgets={"weak, drawn by exam": (10, 40)},
    seeds={"study": 3},
)


def test_what_is_frozen_is_read_back_with_its_digest(tmp_path):
    storage = Storage(tmp_path)
    MADE.freeze(storage, begun=False)
    assert AnalysisProtocol.read(storage) == MADE
    assert json.loads(storage.read(PROTOCOL))["sha256"] == MADE.sha256


def test_it_may_be_corrected_until_runs_begin_and_not_afterwards(tmp_path):
    storage = Storage(tmp_path)
    MADE.freeze(storage, begun=False)
    other = replace(MADE, margin=0.1)
    other.freeze(storage, begun=False)
    other.freeze(storage, begun=True)
    with pytest.raises(InputError, match="before the first run, got another"):
        MADE.freeze(storage, begun=True)
    storage.delete(PROTOCOL)
    with pytest.raises(InputError, match="got none"):
        other.freeze(storage, begun=True)


def test_an_edited_one_is_refused(tmp_path):
    storage = Storage(tmp_path)
    MADE.freeze(storage, begun=False)
    storage.write(PROTOCOL, storage.read(PROTOCOL).replace(b"0.04", b"0.09"))
    with pytest.raises(IntegrityError, match="as it was frozen"):
        AnalysisProtocol.read(storage)


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"sha256": "x", "margin": 0.1}'])
def test_what_is_none_is_refused(tmp_path, content):
    storage = Storage(tmp_path)
    storage.write(PROTOCOL, content)
    with pytest.raises(SchemaError, match="analysis protocol"):
        AnalysisProtocol.read(storage)


def test_none_at_all_is_refused(tmp_path):
    with pytest.raises(InputError, match="no file"):
        AnalysisProtocol.read(Storage(tmp_path))


@pytest.mark.parametrize(
    "wrong",
    [{"margin": 0.0}, {"margin": 0.5}, {"margin": float("nan")}, {"alpha": 0.6}, {"archives": ()},
     {"archives": ("outside", "inside")}],
)  # fmt: skip
def test_protocols_that_say_nothing_are_refused(wrong):
    with pytest.raises(InputError):
        replace(MADE, **wrong)
