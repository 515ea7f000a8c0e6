"""What a command may not let through: every end becomes one clear line and an exit status."""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from examwise.core.errors import ExamwiseError, ExitStatus

DEBUG_VARIABLE = "EXAMWISE_DEBUG"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_INPUT_ERRORS = (
    FileNotFoundError,
    PermissionError,
    NotADirectoryError,
    IsADirectoryError,
    FileExistsError,
)


def guarded(command: Callable[[Sequence[str]], ExitStatus], argv: Sequence[str]) -> int:
    """Run a command; turn whatever it raises into one line on standard error and a status.

    With ``EXAMWISE_DEBUG`` set, faults show their traceback, which may hold file names; so do
    errors of others that lie behind a refusal.

    Example:
        >>> guarded(lambda argv: ExitStatus.DONE, [])
        0
    """
    try:
        return int(command(argv))
    except KeyboardInterrupt:
        return _end(ExitStatus.INTERRUPTED, "interrupted; the same command goes on from here", argv)
    except ExamwiseError as error:
        if error.__cause__ is not None and os.environ.get(DEBUG_VARIABLE):
            traceback.print_exception(error.__cause__)
        return _end(error.exit_status, str(error), argv)
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            message = (
                "expected room to write, got a full disk; make room, or choose another "
                "directory, then run the same command again: it goes on where it was"
            )
            return _end(ExitStatus.WRONG_INPUT, message, argv)
        if isinstance(error, _INPUT_ERRORS) or error.errno == errno.EROFS:
            message = f"{error.filename}: expected to be able to use it, got: {error.strerror}"
            return _end(ExitStatus.WRONG_INPUT, message, argv)
        return _fault(error, argv)
    except Exception as error:  # the last resort: nothing may end in a bare traceback
        return _fault(error, argv)


def _fault(error: Exception, argv: Sequence[str]) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    message = (
        f"a fault of examwise itself ({type(error).__name__} at {place}); nothing finished is "
        f"lost; please report it, with {DEBUG_VARIABLE}=1 for the details"
    )
    return _end(ExitStatus.FAULT, message, argv)


def _end(status: ExitStatus, message: str, argv: Sequence[str]) -> int:
    if "--json" in argv:
        sys.stdout.write(json.dumps({"status": status.name.lower(), "error": message}) + "\n")
    sys.stderr.write(f"examwise: {' '.join(message.split())}\n")
    return int(status)
