import pickle

import pytest

from examwise.core.errors import (
    ExamwiseError,
    ExitStatus,
    InputError,
    IntegrityError,
    SchemaError,
    shorten,
)


def test_message_is_one_line_with_place_expected_got_and_remedy():
    error = InputError(where="a.csv", expected="0 or 1", got="two\nlines", remedy="mend it")
    assert str(error) == "a.csv: expected 0 or 1, got two lines; mend it"


def test_message_without_remedy_ends_with_what_came():
    assert str(InputError(where="x", expected="y", got=3)) == "x: expected y, got 3"


@pytest.mark.parametrize("kind", [InputError, SchemaError, IntegrityError])
def test_errors_survive_the_way_between_processes(kind):
    error = kind(where="a", expected="b", got="c" * 500, remedy="d")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert str(back) == str(error)


def test_exit_statuses():
    assert ExamwiseError.exit_status == ExitStatus.FAULT == 1
    assert InputError.exit_status == ExitStatus.WRONG_INPUT == 2


def test_long_values_are_cut():
    assert len(shorten("x" * 1000)) == 120
