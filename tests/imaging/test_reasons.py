from __future__ import annotations

import pickle

import pytest

from examwise.imaging.reasons import LEFT_OUT, REASONS, ImageRefused, status_of


def test_every_reason_is_one_sentence() -> None:
    for code, sentence in REASONS.items():
        assert code == code.lower()
        assert sentence.endswith(".")
        assert sentence.count(". ") == 0
    assert REASONS.keys() >= LEFT_OUT


def test_a_refusal_survives_a_process_boundary() -> None:
    copy = pickle.loads(pickle.dumps(ImageRefused("truncated")))
    assert copy.reason == "truncated"
    assert str(copy) == REASONS["truncated"]


def test_unknown_reason_is_a_fault() -> None:
    with pytest.raises(KeyError):
        ImageRefused("because")


@pytest.mark.parametrize(
    ("reason", "path", "status"),
    [
        ("localizer", "1.dcm", "left_out"),
        ("truncated", "1.dcm", "set_aside"),
        ("not_dicom", "notes.txt", "left_out"),
        ("not_dicom", "a/1.DCM", "set_aside"),
        ("not_dicom", "v.nii.gz", "set_aside"),
    ],
)
def test_status(reason: str, path: str, status: str) -> None:
    assert status_of(reason, path) == status
