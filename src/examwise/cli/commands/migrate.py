"""``examwise migrate STORE``: a store of an older schema to the present one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus

_DESCRIPTION = """Bring an exam store of an older schema version to the present one, in place.
Pixels and labels stay as they are. Interrupted, the same command goes on where it was; until it is
done the store cannot be read."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Migrate the store."""
    parser = make_parser("migrate", _DESCRIPTION)
    parser.add_argument("store", metavar="STORE", help="exam store")
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.ingest.migrate import migrate_store

    migration = migrate_store(options.store)
    if migration.before == migration.now:
        text = f"{options.store}: has schema version {migration.now} already"
    else:
        text = (
            f"{options.store}: from schema version {migration.before} to {migration.now}; "
            "check it: examwise verify STORE"
        )
    return output.result(asdict(migration), text)
