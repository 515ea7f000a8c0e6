"""The archives of a study: which there are, what sets them apart, and their exam stores."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
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
        set_aside: Reason to number of files, or rows of annotation files, that were set aside.
    """

    internal: tuple[str, ...]
    external: tuple[str, ...] = ()
    set_aside: Mapping[str, int] = field(default_factory=dict)


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
        progress.say(
            f"Left out: {len(left_out)} of the study file's external archives ({layouts}), for "
            "which no folder is given"
        )
    return entries[:n_given]


def require_archives(
    source: SourceConfig, external: Sequence[SourceConfig], places: StudyPlaces
) -> None:
    """Refuse archives that cannot be told apart, or do not go together, before any is read.

    Raises:
        InputError: If two have one name or one make-up, or their matrices differ.
    """
    if places.is_synthetic:
        _require_different_phantoms((source, *external))
    stores = [StoredExams(store) for store in places.stores]
    tested = [StoredExams(store) for store in places.external_stores]
    inside = _names_in(*stores) if stores else {_name(source, places)}
    outside = [{_name(archive, places)} for archive in external]
    _require_different_names(inside, [*outside, *(_names_in(store) for store in tested)])
    matrices = {_matrix(store) for store in (*stores, *tested)}
    matrices.update(archive.ingest.matrix for archive in external)
    if not stores:
        matrices.add(source.ingest.matrix)
    if len(matrices) > 1 and (external or tested):
        raise InputError(
            where="external archives",
            expected="the matrix of the exams that the study learns from",
            got=", ".join(str(matrix) for matrix in sorted(matrices)),
            remedy="set ingest.matrix alike",
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
    given = () if places.source is None else ((0, source, places.source),)
    numbers = range(1, len(external) + 1)
    archives = (*given, *zip(numbers, external, places.external, strict=False))
    if places.is_synthetic:
        archives = tuple(
            (number, archive, places.archive(number))
            for number, archive in enumerate((source, *external))
        )
    set_aside: Counter[str] = Counter()
    for number, archive, folder in archives:
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
        set_aside.update(summary.all_set_aside)
    return StudyStores(
        internal=places.stores or (places.store(0),),
        external=places.external_stores or tuple(places.store(number) for number in numbers),
        set_aside=dict(set_aside),
    )


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
    return max(store.exams["rows"].to_list())


def _require_different_phantoms(archives: Sequence[SourceConfig]) -> None:
    seen = set()
    for archive in archives:
        LAYOUTS[archive.layout]  # an unknown one is refused here
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
