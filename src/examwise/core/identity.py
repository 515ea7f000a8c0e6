"""Keyed identity: pseudonyms that only the key's holder can make, and the way back.

The key and the crosswalk live outside every store, in a folder of their own with mode 0700 and
files of mode 0600. Whoever loses the key can no longer add exams of known patients to a store
under the same pseudonyms; whoever loses the crosswalk cannot go back from ``exam_id`` to a file.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import hmac
import io
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.store import CROSSWALK
from examwise.core.storage import is_write_refusal, write_refusal
from examwise.core.user_folders import user_folder

ENVIRONMENT_VARIABLE = "EXAMWISE_IDENTITY"
_CHOOSE_FOLDER = f"name a folder of your own by --identity or {ENVIRONMENT_VARIABLE}"
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_KEY_BYTES = 32
_DIGEST_HEX = 20


def default_folder() -> Path:
    """Return where key and crosswalks live unless told otherwise.

    ``$EXAMWISE_IDENTITY``, else ``examwise/identity`` in the user's data folder.

    Raises:
        InputError: If neither the environment nor the user's home says where.
    """
    return user_folder("identity", variable=ENVIRONMENT_VARIABLE, remedy=_CHOOSE_FOLDER)


class Identity:
    """A site's key, the pseudonyms it gives, and the crosswalks of its stores.

    One key serves all stores of a site, so that a patient keeps one pseudonym across them.

    Args:
        folder: Where key and crosswalks live; made if need be.
        key: Use this key (32 bytes) if the folder has none yet; random if None. Give one only
            for synthetic data, where pseudonyms should come out the same everywhere.

    Raises:
        InputError: At first use, if the folder's key file is not a key, or cannot be used.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     identity = Identity(Path(folder), key=bytes(32))
        ...     identity.exam_id("1.2", "1.2.3")
        'eb89006829940ace12fee'
    """

    def __init__(self, folder: Path | None = None, *, key: bytes | None = None) -> None:
        self.folder = folder or default_folder()
        self._wanted = key
        self._salt: tuple[str, ...] = ()

    def for_import(self, index: int) -> Identity:
        """Return the same key for a store's later import: paths get other pseudonyms.

        Two deliveries may have different files under one path.

        Args:
            index: Which import; 0 is the first, and has the pseudonyms of this one.
        """
        other = copy.copy(self)
        other._salt = (str(index),) if index else ()
        return other

    @cached_property
    def _key(self) -> bytes:
        # Read or made at first use: a command that refuses its input must leave no key behind.
        wanted = self._wanted
        path = self.folder / "key"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                made = wanted or secrets.token_bytes(_KEY_BYTES)
                _write_private(path, made.hex().encode() + b"\n", keep_existing=True)
            key = bytes.fromhex(path.read_text().strip())
        except ValueError:  # also where it is no text
            key = b""
        except OSError as error:
            if is_write_refusal(error) and error.errno not in _FORBIDDEN:
                raise write_refusal(error, self.folder) from None
            raise InputError(
                where=self.folder,
                expected="a folder in which the key can be made and read",
                got=error.strerror,
                remedy=_CHOOSE_FOLDER,
            ) from None
        if len(key) != _KEY_BYTES:
            raise InputError(
                where=path,
                expected=f"a key of {_KEY_BYTES} bytes in hexadecimal",
                got=f"{len(key)} bytes",
                remedy="restore it from your backup; pseudonyms depend on it",
            )
        if wanted is not None and key != wanted:
            raise InputError(
                where=path,
                expected="the key given for this data",
                got="another key",
                remedy="choose another identity folder",
            )
        return key

    def _digest(self, purpose: str, *parts: str) -> str:
        message = "\0".join((purpose, *parts)).encode("utf-8", "surrogateescape")
        return hmac.new(self._key, message, "sha256").hexdigest()[:_DIGEST_HEX]

    @property
    def key_id(self) -> str:
        """Fingerprint of the key, safe to write into a store."""
        return "k" + self._digest("key")

    def exam_id(self, study_instance_uid: str, series_instance_uid: str) -> str:
        """Return the pseudonym of one series of one study."""
        return "e" + self._digest("exam", study_instance_uid, series_instance_uid)

    def study_id(self, study_instance_uid: str) -> str:
        """Return the pseudonym of a study."""
        return "u" + self._digest("study", study_instance_uid)

    def patient_key(self, patient_id: str) -> str:
        """Return the pseudonym of a patient."""
        return "p" + self._digest("patient", patient_id)

    def path_digest(self, path: str) -> str:
        """Return the pseudonym of a file's path within its source."""
        return "f" + self._digest("path", *self._salt, path)

    def scanner_group(self, manufacturer: str, model: str) -> str:
        """Return the pseudonym of a make and model of scanner."""
        return "s" + self._digest("scanner", manufacturer, model)

    def store_id(self, archive: str, source: str) -> str:
        """Return the pseudonym under which a store's crosswalk is kept."""
        return "t" + self._digest("store", archive, source)

    def source_id(self, source: str) -> str:
        """Return the pseudonym of a source's place, under which its headers are kept."""
        return "r" + self._digest("source", source)

    def __getstate__(self) -> dict[str, Any]:
        """Return what travels to worker processes: the key itself, lest a machine make its own."""
        return {**vars(self), "_key": self._key}

    def write_crosswalk(self, store_id: str, crosswalk: pl.DataFrame) -> Path:
        """Keep a store's crosswalk beside the key, readable by its owner only."""
        buffer = io.BytesIO()
        CROSSWALK.validate(crosswalk).write_parquet(buffer)
        folder = self.folder / store_id
        private_folder(folder)
        path = folder / CROSSWALK.file
        write_private(path, buffer.getvalue())
        return path

    def delete_crosswalk(self, store_id: str) -> bool:
        """Delete a crosswalk; tell whether it was kept here."""
        folder = self.folder / store_id
        found = self.has_crosswalk(store_id)
        (folder / CROSSWALK.file).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it never was, or holds something else
            folder.rmdir()
        return found

    def has_crosswalk(self, store_id: str) -> bool:
        """Tell whether a store's crosswalk is kept here."""
        return (self.folder / store_id / CROSSWALK.file).exists()

    def read_crosswalk(self, store_id: str) -> pl.DataFrame:
        """Return a store's crosswalk.

        Raises:
            InputError: If this folder has none for the store.
        """
        path = self.folder / store_id / CROSSWALK.file
        if not path.exists():
            raise InputError(
                where=self.folder,
                expected="the crosswalk of this store",
                got="none",
                remedy="give the identity folder used when the store was made",
            )
        return CROSSWALK.validate(pl.read_parquet(path), where=str(path))


def write_private(path: Path, data: bytes, *, keep_existing: bool = False) -> None:
    """Write a whole file that its owner alone may read.

    Args:
        path: The file, in a folder that exists.
        data: What it is to hold.
        keep_existing: Leave it as it is if it exists.

    Raises:
        InputError: If the folder's disk is full or gone, or writing is not allowed; names it.
    """
    try:
        _write_private(path, data, keep_existing=keep_existing)
    except OSError as error:
        if not is_write_refusal(error):
            raise
        raise write_refusal(error, path.parent) from None


def private_folder(path: Path) -> None:
    """Make a folder that its owner alone may read, unless it exists.

    Raises:
        InputError: As :func:`write_private` does.
    """
    try:
        path.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        if not is_write_refusal(error):
            raise
        raise write_refusal(error, path) from None


def _write_private(path: Path, data: bytes, *, keep_existing: bool) -> None:
    partial = path.with_name(f".partial-{secrets.token_hex(8)}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if keep_existing:
            # Two commands may make the key at once: a link, unlike a rename, never overwrites.
            with contextlib.suppress(OSError):  # it exists, or the disk knows no links
                path.hardlink_to(partial)
        if not (keep_existing and path.exists()):
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
