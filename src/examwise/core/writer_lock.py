"""One writer a directory: a second process that would write into the same one is refused.

On a local disk an exclusive lock of the operating system on a file in the directory, which ends
with its process however that ends. Elsewhere (object stores, file systems without locks) a lease:
an object with its owner's random name, renewed while it is held and worth nothing some minutes
after it no longer is.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from examwise.core.errors import InputError
from examwise.core.storage import WRITER_MARK, Storage

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]  # the lease serves there

LEASE_S = 180.0
"""A lease not renewed for so long belongs to nobody."""

_RENEWALS = 6
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
_NOT_WRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class BusyError(InputError):
    """Another process writes into a directory; once it has ended, one may."""


@contextlib.contextmanager
def sole_writer(storage: Storage) -> Iterator[None]:
    """Keep every other process from writing into a directory meanwhile.

    Worker processes write under the lock of the process that started them; readers need none. A
    directory that cannot be written to at all is left alone, since reading it may be all that is
    wanted. Not to be entered twice for one directory.

    Args:
        storage: The directory; made if need be, and removed again if it is then still empty.

    Raises:
        BusyError: If another process writes into it.

    Example:
        >>> storage = Storage("memory://writer-lock-example")
        >>> with sole_writer(storage):
        ...     storage.write("a", b"1")
        >>> storage.list()
        ['a']
    """
    with contextlib.ExitStack() as stack:
        if storage.local is None or not stack.enter_context(_locked_folder(storage)):
            stack.enter_context(_leased(storage))
        yield


@contextlib.contextmanager
def _locked_folder(storage: Storage) -> Iterator[bool]:
    """Hold the lock of a local folder; yield False where there are no locks."""
    folder = storage.local
    if folder is None or fcntl is None:
        yield False
        return
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    descriptor, has_locks = None, True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _lock(folder / WRITER_MARK)
    except BlockingIOError:
        raise _refusal(storage) from None
    except OSError as error:
        has_locks = error.errno not in _NO_LOCKS
        if has_locks and error.errno not in _NOT_WRITABLE:
            raise
        if not has_locks:
            _remove_if_empty(folder / WRITER_MARK)
    try:
        yield has_locks
    finally:
        if descriptor is not None:
            # Removed while it is held: whoever opened it meanwhile sees that it is gone.
            with contextlib.suppress(OSError):
                (folder / WRITER_MARK).unlink()
            os.close(descriptor)
        with contextlib.suppress(OSError):
            for place in made:
                place.rmdir()


def _lock(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = os.fstat(descriptor)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(held, path.stat()):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder has just removed it: lock the next one


def _remove_if_empty(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size == 0:  # no lease, but what was to be locked
            path.unlink()


@contextlib.contextmanager
def _leased(storage: Storage) -> Iterator[None]:
    owner = uuid.uuid4().hex
    if not storage.create(WRITER_MARK, _lease(owner)):
        _take_over(storage, owner)
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(storage, owner, ended), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        lost = False
        with contextlib.suppress(OSError):
            if not (lost := _owner(storage) != owner):
                storage.delete(WRITER_MARK)
    if lost:
        raise InputError(
            where=storage.url,
            expected="to be the only process that writes here",
            got="another one that took over while this one was not heard of",
            remedy="run the same command again once that has ended",
        )


def _take_over(storage: Storage, owner: str) -> None:
    """Take a lease that nobody has renewed; of several who try, the last to write has it."""
    if time.time() - _renewed_s(storage) < LEASE_S:
        raise _refusal(storage, f"or, if it was killed, {LEASE_S:.0f} seconds")
    storage.write(WRITER_MARK, _lease(owner))
    time.sleep(LEASE_S / 60)
    if _owner(storage) != owner:
        raise _refusal(storage)


def _renew(storage: Storage, owner: str, ended: threading.Event) -> None:
    while not ended.wait(LEASE_S / _RENEWALS):
        with contextlib.suppress(OSError):  # the next renewal is soon enough
            if _owner(storage) == owner:
                storage.write(WRITER_MARK, _lease(owner))


def _lease(owner: str) -> bytes:
    return json.dumps({"owner": owner, "renewed_s": time.time()}).encode()


def _owner(storage: Storage) -> str:
    return str(_read(storage).get("owner", ""))


def _renewed_s(storage: Storage) -> float:
    return float(_read(storage).get("renewed_s", 0.0))


def _read(storage: Storage) -> dict[str, str | float]:
    try:
        return dict(json.loads(storage.read(WRITER_MARK)))
    except (FileNotFoundError, ValueError, TypeError):
        return {}


def _refusal(storage: Storage, or_else: str = "") -> BusyError:
    return BusyError(
        where=storage.url,
        expected="to be the only process that writes here",
        got="another examwise process is writing",
        remedy=" ".join(["wait for it to end", *([or_else] if or_else else [])]),
    )
