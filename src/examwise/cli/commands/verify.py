"""``examwise verify STORE``: whether a store is whole, and what it holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import (
    add_cluster,
    add_workers,
    chosen_executor,
    common,
    make_parser,
    parse,
)
from examwise.core.errors import ExitStatus, InputError

_DESCRIPTION = """Read a store again: digests, counts, labels, positions, splits, the checksum of
every slice, and every pixel. Names each fault with its exam and what to do (exit status 2), and
prints a fingerprint of what the store holds. What is only unusual, such as an exam that does not
look like a head, is named as a doubt."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Verify the store."""
    parser = make_parser("verify", _DESCRIPTION)
    parser.add_argument("store", metavar="STORE", help="exam store")
    parser.add_argument("--quick", action="store_true", help="compare checksums, decode no pixels")
    parser.add_argument("--strict", action="store_true", help="take doubts for faults")
    parser.add_argument(
        "--out", type=Path, help="new folder for fingerprint.json and a page with plots"
    )
    add_workers(parser)
    add_cluster(parser)
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.cli.fingerprint_text import verify_text
    from examwise.core.storage import Storage
    from examwise.imaging.store_check import check_store
    from examwise.imaging.store_fingerprint import fingerprint

    executor = chosen_executor(options)
    stage = None
    if options.out is not None:
        local = Storage(options.store).local
        if local is not None and options.out.resolve().is_relative_to(local.resolve()):
            raise InputError(
                where=options.out,
                expected="a folder outside of the store",
                got="one within it",
                remedy="choose another folder",
            )
        from examwise.reporting.fingerprint_page import begin_fingerprint, write_fingerprint

        stage = begin_fingerprint(options.out, options.store, decode=not options.quick)
    check = check_store(
        options.store, executor=executor, progress=output.progress, decode=not options.quick
    )
    content = {
        "faults": [asdict(fault) for fault in check.faults],
        "doubts": [asdict(doubt) for doubt in check.doubts],
        "decoded": not options.quick,
        "fingerprint": fingerprint(options.store, check) if check.tables_are_whole else None,
    }
    for kind, problems in (("fault", check.faults), ("doubt", check.doubts)):
        sys.stderr.writelines(f"examwise: {kind}: {problem}\n" for problem in problems)
    wrong = bool(check.faults or (options.strict and check.doubts))
    if stage is not None and not write_fingerprint(stage, content):
        changed = InputError(
            where=options.out,
            expected="the store as it was when the fingerprint there was taken",
            got="another state",
            remedy="compare the two: write this one into another directory",
        )
        sys.stderr.write(f"examwise: {changed}\n")
        wrong = True
    return output.result(
        content,
        verify_text(options.store, content),
        status=ExitStatus.WRONG_INPUT if wrong else ExitStatus.DONE,
    )
