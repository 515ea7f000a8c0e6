"""The archives of a study: which there are, what sets them apart, and their exam stores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from examwise.cli.study_file import SourceConfig, StudyFile
from examwise.cli.study_places import StudyPlaces
from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor
from examwise.core.identity import Identity
from examwise.core.manifest import MANIFEST
from examwise.core.progress import Progress
from examwise.core.registry import Registry
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.ingest.importers import IMPORTERS
from examwise.ingest.ingest import ingest_archive
from examwise.phantom.archive import make_phantom_archive
from examwise.phantom.layouts import LAYOUTS


@dataclass(frozen=True)
class StudyStores:
    """The exam stores of a study.

    Attributes:
        internal: Where labels come from.
        external: Tested on only.
        set_aside: Archive to reason to number of files, or rows of annotation files, that were
            set aside.
    """

    internal: tuple[str, ...]
    external: tuple[str, ...] = ()
    set_aside: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def chosen_external(
    file: StudyFile, places: StudyPlaces, *, progress: Progress
) -> tuple[SourceConfig, ...]:
    """Return the external archives of the file that the study takes, and say which it leaves out.

    Synthetic archives go with a synthetic source only; folders stand for the file's entries in
    their order.

    Raises:
        InputError: If there are more folders than entries.
    """
    entries = file.external
    if places.is_synthetic:
        return entries
    n_given = len(places.external)
    if n_given > len(entries):
        raise InputError(
            where="--external",
            expected=f"at most {len(entries)} folders, one for each entry of 'external' in the "
            "study file"
            if entries
            else "an entry of 'external' in the study file for each folder, with its layout",
            got=f"{n_given}",
            remedy="add entries, such as: external: [{layout: cq500}]",
        )
    if left_out := entries[n_given:]:
        layouts = ", ".join(archive.layout for archive in left_out)
        # Stores that are given stand in their place.
        if not places.external_stores:
            progress.say(
                f"Left out: {len(left_out)} of the study file's external archives ({layouts}), "
                "for which no folder is given"
            )
    return entries[:n_given]


def require_archives(
    source: SourceConfig, external: Sequence[SourceConfig], places: StudyPlaces
) -> None:
    """Refuse archives that cannot be told apart, or do not go together, before any is read.

    Raises:
        InputError: If a layout is none, two archives have one name or one make-up, or their
            matrices differ.
    """
    _require_layouts(
        _by_key(source, external, places), LAYOUTS if places.is_synthetic else IMPORTERS
    )
    if places.is_synthetic:
        _require_different_phantoms((source, *external))
    stores = [StoredExams(store) for store in places.stores]
    tested = [StoredExams(store) for store in places.external_stores]
    inside = _names_in(*stores) if stores else {_name(source, places)}
    outside = [{_name(archive, places)} for archive in external]
    _require_different_names(inside, [*outside, *(_names_in(store) for store in tested)])
    matrices = {store.name: _matrix(store) for store in (*stores, *tested)}
    for key, archive in _by_key(source, external, places).items():
        matrices[f"{key} ({archive.layout})"] = archive.ingest.matrix
    if len(set(matrices.values())) > 1 and (external or tested):
        raise InputError(
            where="external archives",
            expected="the matrix of the exams that the study learns from",
            got=", ".join(f"{matrix} in {name}" for name, matrix in matrices.items()),
            remedy="set ingest.matrix alike",
        )


def require_label_files(
    source: SourceConfig, external: Sequence[SourceConfig], places: StudyPlaces
) -> None:
    """Refuse given folders without their label file, before the first one is imported.

    Raises:
        InputError: Says which key of the study file names another one.
    """
    folders = {"source": places.source} if places.source else {}
    folders |= {_key(number): folder for number, folder in enumerate(places.external, 1)}
    for key, archive in _by_key(source, external, places).items():
        if key not in folders:
            continue
        named = archive.labels or IMPORTERS.load(archive.layout).label_file
        without = archive.ingest.allow_unmatched_labels and not archive.labels and named
        if without or (named and (folders[key] / named).is_file()):
            continue
        raise InputError(
            where=f"{key}.labels",
            expected=f"the label file {folders[key] / named} of this archive ({archive.layout})"
            if named
            else f"a label file: layout {archive.layout} has none of its own",
            got="no file" if named else "null",
            remedy=f"name it by {key}.labels of the study file, relative to the folder"
            + _reminder(key),
        )


def describe_archives(
    source: SourceConfig, external: Sequence[SourceConfig], places: StudyPlaces
) -> dict[str, Any]:
    """Describe where the exams come from, in plain values without paths."""
    if places.stores:
        described = _describe_stores(places.stores)
    else:
        described = _describe_archive(source, places)
    if external:
        described["external"] = [_describe_archive(archive, places) for archive in external]
    if places.external_stores:
        described["external"] = [_describe_stores([store]) for store in places.external_stores]
    return described


def provide_stores(
    source: SourceConfig,
    external: Sequence[SourceConfig],
    places: StudyPlaces,
    *,
    executor: Executor,
    progress: Progress,
) -> StudyStores:
    """Make the exam stores that are not given; synthetic archives are written first.

    All have one key, so that a patient has one pseudonym wherever they come from.

    Raises:
        InputError: If an archive cannot be worked with.
    """
    identity = Identity(places.identity)
    if places.is_synthetic:
        # Synthetic exams get the same pseudonyms everywhere: their key comes from the seed.
        key = hashlib.sha256(f"phantom {source.phantom.seed}".encode()).digest()
        identity = Identity(places.out / "identity", key=key)
    folders = dict(enumerate(places.external, 1))
    if places.source is not None:
        folders[0] = places.source
    set_aside: dict[str, Mapping[str, int]] = {}
    for number, archive in enumerate((source, *external)):
        if number == 0 and places.stores:
            continue
        folder = places.archive(number) if places.is_synthetic else folders[number]
        if number:
            progress.say(f"External archive {number} of {len(external)}: {_name(archive, places)}")
        ingest = archive.ingest
        if places.is_synthetic:
            ingest = replace(
                ingest,
                archive_name=_name(archive, places),
                data_terms=ingest.data_terms or "synthetic, no terms",
            )
            make_phantom_archive(
                folder, archive.phantom, layout=archive.layout, executor=executor, progress=progress
            )
        with _in_words_of_the_file(_key(number), archive):
            summary = ingest_archive(
                archive.layout,
                folder,
                places.store(number),
                identity=identity,
                config=ingest,
                labels=folder / archive.labels if archive.labels else None,
                executor=executor,
                progress=progress,
            )
        if summary.has_set_aside:
            set_aside[_name(archive, places)] = summary.all_set_aside
    return StudyStores(
        internal=places.stores or (places.store(0),),
        external=places.external_stores
        or tuple(places.store(number) for number in range(1, len(external) + 1)),
        set_aside=set_aside,
    )


def _key(number: int) -> str:
    """Return the key of the study file that an archive stands under, counted from 1."""
    return f"external[{number}]" if number else "source"


def _by_key(
    source: SourceConfig, external: Sequence[SourceConfig], places: StudyPlaces
) -> dict[str, SourceConfig]:
    """Return the archives of the study file that the study imports."""
    inside = {} if places.stores else {_key(0): source}
    return inside | {_key(number): archive for number, archive in enumerate(external, 1)}


def _require_layouts(archives: Mapping[str, SourceConfig], known: Registry) -> None:
    for key, archive in archives.items():
        if archive.layout not in known:
            raise InputError(
                where=f"{key}.layout", expected=f"one of {', '.join(known)}", got=archive.layout
            )


@contextmanager
def _in_words_of_the_file(key: str, archive: SourceConfig) -> Iterator[None]:
    """Say in refusals which archive it is, and by which key to mend it: study has no --ingest."""
    try:
        yield
    except InputError as error:
        remedy = error.remedy.replace("--ingest.", f"{key}.ingest.").replace(
            "--labels", f"{key}.labels"
        )
        changed = " of the study file" if remedy != error.remedy else ""
        raise type(error)(
            where=f"{key} ({archive.layout}), {error.where}",
            expected=error.expected,
            got=error.got,
            remedy=remedy + changed + _reminder(key),
        ) from error


def _reminder(key: str) -> str:
    if key == _key(0):
        return ""
    return "; --external folders stand in the order of the file's external entries"


def _name(archive: SourceConfig, places: StudyPlaces) -> str:
    """Return how an archive is called in all tables."""
    if archive.ingest.archive_name:
        return archive.ingest.archive_name
    if places.is_synthetic:
        return f"synthetic hospital {archive.phantom.hospital}"
    return str(IMPORTERS.load(archive.layout).archive_name)


def _names_in(*stores: StoredExams) -> set[str]:
    return {str(name) for store in stores for name in store.exams["archive"].unique()}


def _matrix(store: StoredExams) -> int:
    if not len(store):
        raise InputError(
            where=store.name,
            expected="a store with exams",
            got="no exams",
            remedy="leave it out, or add some: examwise ingest LAYOUT SOURCE STORE --append",
        )
    return max(store.exams["rows"].to_list())


def _require_different_phantoms(archives: Sequence[SourceConfig]) -> None:
    seen = set()
    for archive in archives:
        made = (archive.phantom.hospital, archive.phantom.seed)
        if made in seen:
            raise InputError(
                where="study file, external",
                expected="synthetic archives of different hospitals, or of different seeds",
                got=f"hospital {made[0]} with seed {made[1]} twice",
                remedy="give each archive a phantom.seed of its own: one seed makes one set of "
                "patients",
            )
        seen.add(made)


def _require_different_names(inside: set[str], outside: Sequence[set[str]]) -> None:
    for number, names in enumerate(outside, 1):
        where = f"external archive {number}"
        if len(names) > 1:
            raise InputError(
                where=where,
                expected="the exams of one archive, which is judged by itself",
                got=f"{len(names)}: {', '.join(sorted(names))}",
                remedy="give each archive as a store of its own",
            )
        if taken := names & inside.union(*outside[: number - 1]):
            raise InputError(
                where=where,
                expected="a name that no other archive of the study has",
                got=", ".join(sorted(taken)),
                remedy="ingest it under a name of its own (ingest.archive_name)",
            )


def _describe_stores(stores: Sequence[str]) -> dict[str, Any]:
    digests = [sha256_hex(store.storage.read(MANIFEST)) for store in JoinedStores(stores).stores]
    if len(digests) == 1:
        return {"kind": "store", "manifest": digests[0]}
    return {"kind": "stores", "manifests": digests}


def _describe_archive(archive: SourceConfig, places: StudyPlaces) -> dict[str, Any]:
    described = {"layout": archive.layout, "ingest": asdict(archive.ingest)}
    if places.is_synthetic:
        return {"kind": "phantom", "phantom": asdict(archive.phantom), **described}
    # Which files these are is checked by the store's own beginning, without naming a path.
    return {"kind": "raw", **described}
