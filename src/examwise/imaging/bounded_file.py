"""A file for reading that never makes room for more than it holds, nor changes unnoticed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from examwise.imaging.reasons import ImageRefused


class BoundedFile:
    """A binary file whose ``read`` asks for no more bytes than are left.

    Python makes room for as many bytes as are asked for before it reads, and a damaged header may
    declare four gigabytes. Used as a context it ends with ``changed_while_read`` if the file is
    not as it was when it was opened, whatever reading it has come to.

    Args:
        path: The file.

    Raises:
        OSError: If it cannot be opened.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a")
        ...     _ = path.write_bytes(b"abc")
        ...     with BoundedFile(path) as file:
        ...         file.read(1 << 60)
        b'abc'
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._path = path
        self._state = os.fstat(self._file.fileno())
        self._content: BinaryIO = self._file
        self.size = self._state.st_size

    def read(self, size: int = -1, /) -> bytes:
        """Read ``size`` bytes or what is left."""
        left = max(self.size - self._content.tell(), 0)
        return self._content.read(left if size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to a place."""
        return self._content.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._content.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._file:
            states = (os.fstat(self._file.fileno()), _state(self._path))
        if any(_differ(self._state, state) for state in states) and _is_about_the_file(kind):
            raise ImageRefused("changed_while_read") from None


@contextlib.contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Refuse a file that is another one, or changed, after what others have read from it.

    Raises:
        ImageRefused: ``changed_while_read``, in place of whatever reading has come to.
        OSError: If the file cannot be looked at before.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as file, unchanged(Path(file.name)):
        ...     _ = file.write(b"more") and file.flush()
        Traceback (most recent call last):
            ...
        examwise.imaging.reasons.ImageRefused: The file vanished, changed or failed while it was ...
    """
    before = path.stat()
    kind: type[BaseException] | None = None
    try:
        yield
    except BaseException as error:
        kind = type(error)
        raise
    finally:
        if _differ(before, _state(path)) and _is_about_the_file(kind):
            raise ImageRefused("changed_while_read") from None


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _differ(before: os.stat_result, after: os.stat_result | None) -> bool:
    return after is None or not (
        os.path.samestat(before, after)
        and (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    )


def _is_about_the_file(kind: type[BaseException] | None) -> bool:
    return kind is None or (issubclass(kind, Exception) and not issubclass(kind, MemoryError))
