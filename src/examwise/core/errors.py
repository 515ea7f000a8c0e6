"""What goes wrong, said in one line: where, what was expected, what came, what to do next."""

from __future__ import annotations

from enum import IntEnum

_LONGEST_VALUE = 120


class ExitStatus(IntEnum):
    """Exit status of every command.

    Example:
        >>> int(ExitStatus.DONE_WITH_ITEMS_SET_ASIDE)
        3
    """

    DONE = 0
    FAULT = 1
    WRONG_INPUT = 2
    DONE_WITH_ITEMS_SET_ASIDE = 3
    INTERRUPTED = 130


class ExamwiseError(Exception):
    """A fault of this program (exit status 1); the parent of every error it raises itself."""

    exit_status = ExitStatus.FAULT


class InputError(ExamwiseError):
    """Input or usage that cannot be worked with (exit status 2).

    The message is one line and never holds patient data: values read from image headers do not
    belong in ``got``.

    Args:
        where: File, directory, column or option at fault, as the user would name it.
        expected: What would have been right.
        got: What came instead.
        remedy: What the user can do next.

    Example:
        >>> print(InputError(where="labels.csv, row 7", expected="Label 0 or 1", got=3,
        ...                  remedy="correct the row"))
        labels.csv, row 7: expected Label 0 or 1, got 3; correct the row
    """

    exit_status = ExitStatus.WRONG_INPUT

    def __init__(self, *, where: object, expected: str, got: object, remedy: str = "") -> None:
        self.where = str(where)
        self.expected = expected
        self.got = shorten(got)
        self.remedy = remedy
        tail = f"; {remedy}" if remedy else ""
        super().__init__(f"{self.where}: expected {expected}, got {self.got}{tail}")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.where, self.expected, self.got, self.remedy)


class SchemaError(InputError):
    """A file whose content breaks its schema: names file, column, expected and got."""


class IntegrityError(InputError):
    """Stored bytes that are not the bytes once written (checksum, length, digest)."""


def _rebuild(
    kind: type[InputError], where: str, expected: str, got: str, remedy: str
) -> InputError:
    return kind(where=where, expected=expected, got=got, remedy=remedy)


def shorten(value: object) -> str:
    """Render a value for a message, on one line and at most 120 characters long.

    Example:
        >>> shorten("a" * 200).endswith("…")
        True
    """
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
