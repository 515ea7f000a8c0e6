"""A file for reading that never makes room for more than it holds."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType


class BoundedFile:
    """A binary file whose ``read`` asks for no more bytes than are left.

    Python makes room for as many bytes as are asked for before it reads, and a damaged header may
    declare four gigabytes.

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
        self.size = path.stat().st_size
        self._file = path.open("rb")

    def read(self, size: int = -1, /) -> bytes:
        """Read ``size`` bytes or what is left."""
        left = max(self.size - self._file.tell(), 0)
        return self._file.read(left if size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> BoundedFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
