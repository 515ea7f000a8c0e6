"""What was added to a store, or taken out of it, in words for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from examwise.cli.summary_text import ingest_text
from examwise.ingest.append import Addition
from examwise.ingest.remove import Removal
from examwise.ingest.seen_by import Sighting
from examwise.ingest.unfinished_addition import TakenBack


def append_text(addition: Addition, store: str, *, n_without_part: int) -> str:
    """Say what an addition brought, what the store holds now, and how many exams have no part."""
    added, whole = addition.added, addition.store
    holds = (
        f"The store now holds {whole.n_exams:,} exams of {whole.n_patients:,} patients, "
        f"{whole.n_slices:,} slices"
    )
    split = f"\n{n_without_part:,} exams have no part yet: examwise split STORE"
    split = split if n_without_part else ""
    if added is None:
        return f"{store}: nothing new; this very delivery had come in before\n{holds}{split}"
    nothing = "" if added.n_exams or added.n_labels else "\nNothing new: no exam, no label"
    return f"Added to {ingest_text(added, store)}{nothing}\n{holds}{split}"


def taken_back_text(taken: TakenBack, store: str) -> str:
    """Say that an addition was taken back, and what the store holds as before."""
    whole = taken.store
    lines = [
        f"{store}: the unfinished addition was taken back, {taken.n_exams:,} exams of it that were "
        "in place included",
        f"The store holds {whole.n_exams:,} exams of {whole.n_patients:,} patients, "
        f"{whole.n_slices:,} slices, as before",
    ]
    if not taken.had_crosswalk:
        lines.append(
            "This identity folder has no crosswalk of it: if there is one elsewhere "
            f"({taken.store_id}), delete it"
        )
    return "\n".join(lines)


def remove_text(
    removal: Removal, sightings: Sequence[Sighting], n_looked: int, store: str, *, looked: bool
) -> str:
    """Say what was taken out, what stays where, and who has seen it."""
    n_exams, whole = len(removal.exam_ids), removal.store
    before = n_exams - removal.n_removed
    lines = [
        f"{store}: {removal.n_removed:,} exams taken out"
        + (f", {before:,} had been before" if before > 0 else ""),
        f"The store now holds {whole.n_exams:,} exams of {whole.n_patients:,} patients, "
        f"{whole.n_slices:,} slices",
    ]
    if removal.n_lost_crosswalks:
        lines.append(
            f"{removal.n_lost_crosswalks} of the store's crosswalks are not in this identity "
            "folder: where they are kept they still lead back to these exams"
        )
    lines += [f"{one.directory} ({one.kind}) {one.what}" for one in sightings]
    if not looked:
        lines.append(
            "No runs, encoders, predictions, evaluations or studies were looked through: name them "
            "by --runs"
        )
    elif not sightings:
        lines.append(
            f"None of {n_looked} runs, predictions and evaluations looked through has seen them"
        )
    if looked:
        lines.append(
            "Evaluations are known by their predictions, where the folders named have these too; "
            "reports kept outside of their study are not looked through"
        )
    lines.append(
        "Weights trained on these exams may still hold traces of them, and copies and backups of "
        "the store hold all: delete those runs and train again, and renew the copies"
    )
    return "\n".join(lines)
