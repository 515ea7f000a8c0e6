"""A folder of objects, on a disk or on any fsspec URL.

Only four things are relied on: write a whole object, read a range of it, ask whether it exists,
list. On a local disk a write is made whole by writing beside the target and renaming one file.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from pathlib import Path

import fsspec

from examwise.core.errors import InputError
from examwise.core.extras import require

_PROTOCOL_PACKAGES = {"abfs": "adlfs", "abfss": "adlfs", "az": "adlfs"}
_TEMPORARY_PREFIX = ".partial-"
_FULL = ("room to write", "a full disk", "make room there")
_GONE = ("a disk that works", "one that fails to write", "see that it is there (mounted) and sound")
_FORBIDDEN = ("to be able to write there", "no permission to", "ask for it")
_READ_ONLY = ("to be able to write there", "a disk that is read only", "make it writable")
_WRITE_REFUSALS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM), _FORBIDDEN),
    errno.EROFS: _READ_ONLY,
    **dict.fromkeys((errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN), _GONE),
}

WRITER_MARK = ".examwise-writer"
"""Key of what says that somebody writes here (:mod:`examwise.core.writer_lock`); never listed."""


class Storage:
    """Objects under one folder, addressed by relative keys with forward slashes.

    Args:
        url: A path or an fsspec URL (``memory://store``, ``abfs://container/store``).

    Raises:
        InputError: If the URL's protocol is unknown or its package is not installed.

    Example:
        >>> storage = Storage("memory://example")
        >>> storage.write("a/b.txt", b"hello")
        >>> storage.read("a/b.txt", offset=1, length=3)
        b'ell'
        >>> storage.list()
        ['a/b.txt']
    """

    def __init__(self, url: str | Path) -> None:
        self.url = str(url)
        if self.url.startswith(("http://", "https://")):
            raise InputError(
                where="storage URL", expected="a place that can be written to", got="a web address"
            )
        protocol = self.url.partition("://")[0]
        if protocol in _PROTOCOL_PACKAGES:
            require(_PROTOCOL_PACKAGES[protocol])
        try:
            self._filesystem, root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise InputError(
                where="storage URL",
                expected="a folder, or an fsspec URL whose package is installed and set up",
                got=f"{protocol}://…",
            ) from error
        self._root = root.rstrip("/")
        protocols = self._filesystem.protocol
        names = (protocols,) if isinstance(protocols, str) else tuple(protocols)
        self.local: Path | None = Path(self._root) if "file" in names else None
        """The folder's path where it is on a local disk, else None."""

    def __repr__(self) -> str:
        return f"Storage({self.url!r})"

    def __reduce__(self) -> tuple[type[Storage], tuple[str]]:
        return Storage, (self.url,)  # reopened in the receiving process

    def child(self, prefix: str) -> Storage:
        """Return the storage one or more folders down."""
        return Storage(f"{self.url.rstrip('/')}/{prefix.strip('/')}")

    def _path(self, key: str) -> str:
        parts = key.split("/")
        if not key or key.startswith("/") or ".." in parts:
            raise ValueError(f"a storage key is relative and has no '..': {key!r}")
        return f"{self._root}/{key}"

    def write(self, key: str, data: bytes) -> None:
        """Write one object whole; a reader sees the old object or the new one, never a part.

        Raises:
            InputError: If a local disk is full, or no longer there, or writing is not allowed.
        """
        path = self._path(key)
        if self.local is None:
            self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._filesystem.pipe_file(path, data)
            return
        try:
            try:
                _write_whole(Path(path), data)
            except FileNotFoundError:
                # Another process finished the same folder and swept the unfinished file away.
                _write_whole(Path(path), data)
        except OSError as error:
            if not is_write_refusal(error):
                raise
            raise write_refusal(error, self.url) from None

    def create(self, key: str, data: bytes) -> bool:
        """Write an object unless it exists; of several writers one succeeds.

        Of object stores that holds where they know conditional writes (Azure does).
        """
        if self.exists(key):
            return False
        if self.local is None:
            path = self._path(key)
            self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
            try:
                self._filesystem.pipe_file(path, data, mode="create")
            except FileExistsError:
                return False
            return True
        folder, slash, _ = key.rpartition("/")
        beside = f"{folder}{slash}{_TEMPORARY_PREFIX}{uuid.uuid4().hex}"
        self.write(beside, data)
        try:
            # A link, unlike a rename, never replaces what another writer put there.
            os.link(self._path(beside), self._path(key))
        except FileExistsError:
            return False
        except OSError:
            self.write(key, data)  # a file system without links
        finally:
            self.delete(beside)
        return True

    @property
    def shared(self) -> bool:
        """Whether other processes see the same objects."""
        return "memory://" not in self.url

    def read(self, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """Read an object, or ``length`` bytes of it from ``offset``.

        Raises:
            FileNotFoundError: If there is no such object.
        """
        path = self._path(key)
        if self.local is not None:
            with Path(path).open("rb") as file:
                file.seek(offset)
                return file.read() if length is None else file.read(length)
        end = None if length is None else offset + length
        return bytes(self._filesystem.cat_file(path, start=offset or None, end=end))

    def exists(self, key: str) -> bool:
        """Tell whether an object exists."""
        return bool(self._filesystem.isfile(self._path(key)))

    def size(self, key: str) -> int:
        """Return an object's size in bytes."""
        return int(self._filesystem.size(self._path(key)))

    def delete(self, key: str) -> None:
        """Delete an object if it exists."""
        if self.exists(key):
            self._filesystem.rm_file(self._path(key))

    def delete_all(self, prefix: str) -> None:
        """Delete every object below ``prefix``, on a local disk with their folder."""
        for key in self.list(prefix):
            self.delete(key)
        if self.local is not None:
            shutil.rmtree(self._path(prefix), ignore_errors=True)

    def sweep(self) -> None:
        """Remove what interrupted writes left on a local disk; who still writes does so again."""
        if self.local is not None:
            for path in self.local.rglob(f"{_TEMPORARY_PREFIX}*"):
                path.unlink(missing_ok=True)

    def list(self, prefix: str = "") -> list[str]:
        """Return the sorted keys of all objects below ``prefix``.

        Unfinished writes and the mark of a writer are left out.
        """
        folder = self._path(prefix.strip("/")) if prefix.strip("/") else self._root
        if not self._filesystem.isdir(folder):
            return []
        # Memory filesystems list from a listing cache of their own; local ones never cache.
        self._filesystem.invalidate_cache()
        root = self._root.lstrip("/")
        keys = (
            found.lstrip("/").removeprefix(root).lstrip("/")
            for found in self._filesystem.find(folder)
        )
        return sorted(
            key for key in keys if _TEMPORARY_PREFIX not in key and not key.endswith(WRITER_MARK)
        )


def is_write_refusal(error: OSError) -> bool:
    """Tell whether the disk, not the program, is why something could not be written."""
    return error.errno in _WRITE_REFUSALS


def write_refusal(error: OSError, where: object) -> InputError:
    """Return what to say when a place cannot be written to, of :func:`is_write_refusal`."""
    expected, got, remedy = _WRITE_REFUSALS[error.errno or 0]
    return InputError(
        where=where,
        expected=expected,
        got=got,
        remedy=f"{remedy}, then run the same command again: it goes on where it was",
    )


def _write_whole(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f"{_TEMPORARY_PREFIX}{uuid.uuid4().hex}"
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
