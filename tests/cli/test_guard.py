import errno
import json

import pytest

from examwise.cli.guard import guarded
from examwise.core.errors import ExamwiseError, ExitStatus, InputError


def raising(error):
    def command(argv):
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (InputError(where="a", expected="b", got="c"), 2, "examwise: a: expected b, got c"),
        (ExamwiseError("our fault"), 1, "examwise: our fault"),
        (KeyboardInterrupt(), 130, "the same command goes on from here"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "got a full disk"),
        (OSError(errno.EROFS, "Read-only file system", "x"), 2, "Read-only file system"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x/y"), 2, "x/y: expected to be able"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 2, "Permission denied"),
        (OSError(errno.EIO, "Input/output error"), 1, "a fault of examwise itself (OSError"),
        (ZeroDivisionError("JOHN DOE"), 1, "a fault of examwise itself (ZeroDivisionError"),
    ],
)
def test_every_end_is_one_line_and_a_status(error, status, words, capsys):
    assert guarded(raising(error), []) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert words in captured.err
    assert "JOHN DOE" not in captured.err


def test_json_is_written_also_on_failure(capsys):
    assert guarded(raising(InputError(where="a", expected="b", got="c")), ["--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {
        "status": "wrong_input",
        "error": "a: expected b, got c",
    }


def test_debug_shows_the_traceback(capsys, monkeypatch):
    monkeypatch.setenv("EXAMWISE_DEBUG", "1")
    guarded(raising(ZeroDivisionError("details")), [])
    assert "ZeroDivisionError: details" in capsys.readouterr().err
    refusal = InputError(where="a", expected="b", got="c")
    refusal.__cause__ = KeyError("what lay behind it")
    guarded(raising(refusal), [])
    assert "KeyError: 'what lay behind it'" in capsys.readouterr().err


def test_status_of_the_command_is_kept():
    assert guarded(lambda argv: ExitStatus.DONE_WITH_ITEMS_SET_ASIDE, []) == 3
