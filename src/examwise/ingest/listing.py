"""The files of a source: every one, once, in an order that depends on names alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError

NO_FILE = -1
"""Size of what is no regular file or cannot be looked at."""

OUTSIDE = -2
"""Size of a link that leads out of the source."""

_SAMPLED_FILES = 16
_SAMPLED_BYTES = 1 << 14


@dataclass(frozen=True)
class Listing:
    """The files of a source.

    Attributes:
        paths: Sorted paths within the source, with forward slashes.
        sizes: Bytes of each, or :data:`NO_FILE` or :data:`OUTSIDE`.
        digest: Of all paths and sizes, and of how a few of the files begin: two studies whose
            files have the same names and sizes differ there, and a copy does not.
    """

    paths: tuple[str, ...] = field(repr=False)
    sizes: tuple[int, ...] = field(repr=False)
    digest: str


def list_files(
    source: Path,
    *,
    folder: str = "",
    also: tuple[str, ...] = (),
    without: tuple[Path, ...] = (),
) -> Listing:
    """List the files of a source, hidden files and folders left out.

    Links within the source are followed, and every real folder is visited once, under the first
    of its names, so that links in circles end. A link that leads out of the source, to a file or
    to a folder, is never followed: whoever ingests a folder means that folder. It is listed
    itself, as :data:`OUTSIDE`, and so set aside on record. The source itself, and the folder in it
    that the layout names, may be links.

    Args:
        source: The source.
        folder: Only files below this folder of it.
        also: And files below these folders of it, where it has them.
        without: Files that are no images, such as the label file.

    Raises:
        InputError: If the source or a folder in it is missing or cannot be listed.
    """
    top = source / folder if folder else source
    if not top.is_dir():
        raise InputError(
            where=source,
            expected=f"a folder with a folder {folder}" if folder else "a folder",
            got="none",
            remedy="check the path and the layout",
        )
    tops = [top, *(source / name for name in also if (source / name).is_dir())]
    roots = tuple(Path(os.path.realpath(place)) for place in [source, *tops])
    excluded = {_identity(path) for path in without} - {None}
    found: dict[str, int] = {}
    try:
        entries = [entry for place in tops for entry in _walk(place, roots, seen=set())]
    except OSError as error:
        # Names of folders below the source may be those of patients.
        raise InputError(
            where=source,
            expected="folders that can all be listed",
            got=f"{error.strerror} for one of them",
            remedy="allow reading all of them (find shows which), or move them out of the source",
        ) from None
    for entry, outside in entries:
        if excluded and _identity(entry) in excluded:
            continue
        path = entry.relative_to(source).as_posix()
        found[path] = OUTSIDE if outside else _size(entry)
    paths = tuple(sorted(found))
    sizes = tuple(found[path] for path in paths)
    return Listing(paths, sizes, _digest(source, paths, sizes))


def _digest(source: Path, paths: Sequence[str], sizes: Sequence[int]) -> str:
    lines = [f"{size} {path}\n" for path, size in zip(paths, sizes, strict=True)]
    regular = [path for path, size in zip(paths, sizes, strict=True) if size >= 0]
    step = max(1, len(regular) // _SAMPLED_FILES)
    lines += [_beginning(source / path) for path in regular[::step]]
    return sha256_hex("".join(lines).encode("utf-8", "surrogateescape"))


def _beginning(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return sha256_hex(file.read(_SAMPLED_BYTES))
    except OSError:
        return "unreadable"


def _walk(
    folder: Path, roots: tuple[Path, ...], seen: set[tuple[int, int]]
) -> Iterator[tuple[Path, bool]]:
    """Yield everything that is no folder to be entered, and whether it leads out."""
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    seen.add(_identity(folder) or (0, 0))
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = Path(entry.path)
        if entry.is_symlink() and _leads_out(path, roots):
            yield path, True
        elif not _is_folder(path):
            yield path, False
        elif _identity(path) not in seen:
            yield from _walk(path, roots, seen)


def _leads_out(path: Path, roots: tuple[Path, ...]) -> bool:
    # Path.resolve would raise for a link that leads to itself.
    real = Path(os.path.realpath(path))
    return not any(real.is_relative_to(root) for root in roots)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _size(path: Path) -> int:
    try:
        state = path.stat()
    except OSError:
        return NO_FILE
    return state.st_size if stat.S_ISREG(state.st_mode) else NO_FILE
