"""Whether a store is sound enough to be changed: its tables are built anew by every change."""

from __future__ import annotations

from collections.abc import Collection

from examwise.core.commits import CommitLog
from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.schemas.annotations import BOXES
from examwise.core.schemas.store import EXAMS, FILES, LABELS, SERIES, SLICES, SPLITS
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema

_UNCHANGED = (EXAMS, SLICES, LABELS)
_REMEDY = (
    "restore it from a copy of the store, nothing has been changed; examwise verify STORE says "
    "what else is wrong"
)


def require_sound(
    storage: Storage, *, removed: Collection[str] = (), older_schema: bool = False
) -> None:
    """Raise if a change would lose what a damaged store still has, or what a copy of it has.

    Label events that were added by other means stand in no commit record, only in their table;
    and an exam whose record is lost would leave all tables without a word.

    Args:
        storage: The store.
        removed: Exams that are withdrawn, whose records may be gone already.
        older_schema: Whether tables that have changed since may be of an older schema.

    Raises:
        InputError: If a table is gone or damaged.
        IntegrityError: If an exam of the store has no commit record.
    """
    tables = _UNCHANGED if older_schema else (*_UNCHANGED, FILES, SERIES)
    for schema in tables:
        _require_readable(storage, schema)
    for schema in (SPLITS, BOXES):
        if storage.exists(schema.file):
            _require_readable(storage, schema)
    known = {*EXAMS.read(storage)["exam_id"].to_list()} - {*removed}
    recorded = {item.removeprefix("exams/") for item in CommitLog(storage).items()}
    if lost := known - recorded:
        raise IntegrityError(
            where=f"{storage.url}/commits",
            expected="a commit record of every exam of the store",
            got=f"none of {len(lost)}",
            remedy=_REMEDY,
        )


def _require_readable(storage: Storage, schema: TableSchema) -> None:
    try:
        schema.read(storage)
    except (InputError, SchemaError, OSError) as error:
        raise InputError(
            where=f"{storage.url}/{schema.file}",
            expected=getattr(error, "expected", "a table that can be read"),
            got=getattr(error, "got", "one that cannot"),
            remedy=_REMEDY,
        ) from error
