"""Where a study reads and writes, and what of it goes together; checked before any work."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from examwise.core.errors import InputError
from examwise.core.schemas.study import external_folder
from examwise.core.storage import Storage


@dataclass(frozen=True)
class StudyPlaces:
    """Where a study reads and writes.

    Attributes:
        out: The study's directory.
        source: Folder of raw files, or None.
        stores: Exam stores; with neither these nor a source, synthetic archives are made.
        external: Folders of raw files to be tested on only.
        external_stores: Exam stores to be tested on only.
        identity: Folder of the key; the default one if None.
    """

    out: Path
    source: Path | None = None
    stores: tuple[str, ...] = ()
    external: tuple[Path, ...] = ()
    external_stores: tuple[str, ...] = ()
    identity: Path | None = None

    @property
    def is_synthetic(self) -> bool:
        """Whether the study makes its archives itself."""
        return self.source is None and not self.stores

    def archive(self, number: int) -> Path:
        """Return where a synthetic archive goes: 0 is the internal one, external ones follow."""
        return self._of_archive(number) / "archive"

    def store(self, number: int) -> str:
        """Return where an archive's exams go: 0 is the internal one, external ones follow."""
        return str(self._of_archive(number) / "store")

    def _of_archive(self, number: int) -> Path:
        return self.out / external_folder(number) if number else self.out


def require_places(places: StudyPlaces) -> None:
    """Refuse places that contradict each other, or of which one is not there.

    Raises:
        InputError: If they do.

    Example:
        >>> require_places(StudyPlaces(Path("out"), external=(Path("raw"),)))
        Traceback (most recent call last):
        examwise.core.errors.InputError: --external: expected real archives with real ones, ...
    """
    if places.source is not None and places.stores:
        raise InputError(where="--source and --store", expected="one of them at most", got="both")
    if places.external and places.external_stores:
        raise InputError(
            where="--external and --external-store",
            expected="one of them at most",
            got="both",
            remedy="ingest the raw files first, and give all stores by --external-store",
        )
    for option, given in (
        ("--external", places.external),
        ("--external-store", places.external_stores),
    ):
        if given and places.is_synthetic:
            raise InputError(
                where=option,
                expected="real archives with real ones, never with a synthetic source",
                got="neither --source nor --store",
                remedy="say by --source or --store where labels come from",
            )
    if places.out.exists() and not places.out.is_dir():
        raise InputError(
            where=f"--out {places.out}",
            expected="a folder",
            got="a file",
            remedy="choose another name",
        )
    folders = [folder for folder in (places.source, *places.external) if folder is not None]
    for folder in folders:
        if not folder.is_dir():
            raise InputError(
                where=folder,
                expected="an archive's folder",
                got="a file" if folder.exists() else "a path that does not exist",
                remedy="check the path",
            )
    _require_apart([folder.resolve() for folder in folders])
    _require_different(places.stores, places.external_stores)


def _require_apart(folders: Sequence[Path]) -> None:
    for one, other in itertools.combinations(folders, 2):
        if one.is_relative_to(other) or other.is_relative_to(one):
            raise InputError(
                where="--external",
                expected="folders of their own, with exams that no other archive of the study has",
                got="a folder twice" if one == other else "one that lies within another",
                remedy="give each archive once",
            )


def _require_different(stores: Sequence[str], external: Sequence[str]) -> None:
    # Those that train together are told apart where they are joined.
    places = [_place(store) for store in (*dict.fromkeys(stores), *external)]
    if len(set(places)) < len(places):
        raise InputError(
            where="--external-store",
            expected="stores of their own, with exams that no other store of the study has",
            got="a store twice",
            remedy="give each store once",
        )


def _place(store: str) -> str:
    local = Storage(store).local
    return store.rstrip("/") if local is None else str(local.resolve())
