import pytest

from examwise.core.errors import InputError
from examwise.evaluation.label_agreement import SLICE_LABELS


def test_slices_labelled_differently_are_refused(make_exams, make_slices):
    slices = make_slices(make_exams([0, 1], [0.0, 1.0]))
    known = SLICE_LABELS.joined_by(slices, where="first")
    assert known.joined_by(slices.reverse(), where="same").known.height == 10
    flipped = slices.with_columns((1 - slices["slice_label"]).cast(slices["slice_label"].dtype))
    with pytest.raises(InputError, match=r"second, column slice_label: .* 10 that differ"):
        known.joined_by(flipped, where="second")


def test_what_is_not_labelled_agrees_with_everything(make_exams, make_slices):
    exams = make_exams([0, 1], [0.0, 1.0])
    known = SLICE_LABELS.joined_by(make_slices(exams, label=False), where="first")
    assert known.joined_by(make_slices(exams), where="second").known.height == 10
