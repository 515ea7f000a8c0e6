"""The files of a source: every one, once, in an order that depends on names alone."""

from __future__ import annotations

import hashlib
import os
import stat
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.stage import PROVENANCE

NO_FILE = -1
"""Size of what is no regular file or cannot be looked at."""

OUTSIDE = -2
"""Size of a link that leads out of the source."""

LINKED = -3
"""Size of a link to a file that is listed itself."""

_SAMPLED_FILES = 16
_SAMPLED_BYTES = 1 << 14


@dataclass(frozen=True)
class Listing:
    """The files of a source.

    Attributes:
        paths: Sorted paths within the source, with forward slashes.
        sizes: Bytes of each, or :data:`NO_FILE`, :data:`OUTSIDE` or :data:`LINKED`.
        modified_ns: When each was changed last, in nanoseconds; 0 where there is no size.
        digest: Of all paths and sizes, and of how a few of the files begin: two studies whose
            files have the same names and sizes differ there, and a copy does not.
    """

    paths: tuple[str, ...] = field(repr=False)
    sizes: Sequence[int] = field(repr=False)
    modified_ns: Sequence[int] = field(repr=False)
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
    itself, as :data:`OUTSIDE`, and so set aside on record. A link to a file that is listed too is
    :data:`LINKED`: one image is not two. The source itself, and the folder in it that the layout
    names, may be links.

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
    walk = _Walk(roots, excluded={_identity(path) for path in without} - {None})
    found: dict[str, _State] = {}
    try:
        for place in tops:
            within = place.relative_to(source).as_posix()
            found.update(walk.files(str(place), "" if within == "." else f"{within}/", set()))
    except OSError as error:
        # Names of folders below the source may be those of patients.
        raise InputError(
            where=source,
            expected="folders that can all be listed",
            got=f"{error.strerror} for one of them",
            remedy="allow reading all of them (find shows which), or move them out of the source",
        ) from None
    _mark_linked(source, found, walk.links)
    paths = tuple(sorted(found))
    sizes = array("q", (found[path].size for path in paths))
    modified_ns = array("q", (found[path].modified_ns for path in paths))
    return Listing(paths, sizes, modified_ns, _digest(source, paths, sizes))


class _State(NamedTuple):
    size: int
    modified_ns: int = 0


_NO_FILE, _OUTSIDE, _LINKED = _State(NO_FILE), _State(OUTSIDE), _State(LINKED)


def _mark_linked(source: Path, found: dict[str, _State], links: Sequence[str]) -> None:
    """Mark the links whose real file is listed under a name of its own."""
    links = [link for link in links if found[link].size >= 0]
    if not links:
        return
    # Only a file of the same size and time can be the one: few are looked at again.
    states = {found[link] for link in links}
    names = set(found).difference(links)
    own = {_identity(source / name) for name in names if found[name] in states}
    for link in links:
        if _identity(source / link) in own:
            found[link] = _LINKED


def _digest(source: Path, paths: Sequence[str], sizes: Sequence[int]) -> str:
    digest = hashlib.sha256()
    regular = array("q")
    for index, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        if path == PROVENANCE:
            continue  # a synthetic archive's tells when it was made: it is the same archive
        digest.update(f"{size} {path}\n".encode("utf-8", "surrogateescape"))
        if size >= 0:
            regular.append(index)
    for index in regular[:: max(1, len(regular) // _SAMPLED_FILES)]:
        digest.update(_beginning(source / paths[index]).encode())
    return digest.hexdigest()


def _beginning(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return sha256_hex(file.read(_SAMPLED_BYTES))
    except OSError:
        return "unreadable"


@dataclass(frozen=True)
class _Walk:
    """Goes through folders; ``links`` are the links to files that it came by."""

    roots: tuple[Path, ...]
    excluded: set[tuple[int, int] | None]
    links: list[str] = field(default_factory=list)

    def files(
        self, folder: str, within: str, seen: set[tuple[int, int] | None]
    ) -> Iterator[tuple[str, _State]]:
        """Yield everything that is no folder to be entered.

        Args:
            folder: The folder.
            within: Its path within the source, with a slash at the end.
            seen: Folders that were entered.
        """
        seen.add(_identity(Path(folder)))
        folders = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_symlink() and _leads_out(Path(entry.path), self.roots):
                    if _identity(Path(entry.path)) not in self.excluded:
                        yield within + entry.name, _OUTSIDE
                elif _is_folder(entry):
                    folders.append(entry.name)
                elif (state := self._state(entry)) is not None:
                    if entry.is_symlink():
                        self.links.append(within + entry.name)
                    yield within + entry.name, state
        for name in sorted(folders):
            path = f"{folder}/{name}"
            if _identity(Path(path)) not in seen:
                yield from self.files(path, f"{within}{name}/", seen)

    def _state(self, entry: os.DirEntry[str]) -> _State | None:
        try:
            state = entry.stat()
        except OSError:
            return _NO_FILE
        if (state.st_dev, state.st_ino) in self.excluded:
            return None
        if not stat.S_ISREG(state.st_mode):
            return _NO_FILE
        return _State(state.st_size, state.st_mtime_ns)


def _leads_out(path: Path, roots: tuple[Path, ...]) -> bool:
    # Path.resolve would raise for a link that leads to itself.
    real = Path(os.path.realpath(path))
    return not any(real.is_relative_to(root) for root in roots)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino
