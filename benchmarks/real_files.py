"""What came in of real files, and what was left out and why.

Run: EXAMWISE_TEST_DATA=FOLDER python benchmarks/real_files.py. Imports every folder in it by the
layout ``folder``, twice (one exam a study, and every eligible series), into temporary stores, and
prints a table in Markdown.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

from examwise.cli.main import main

SELECT = ("one", "every")
HEADER = """\
| folder | files | `select` | exams | slices | left out | set aside |
|---|--:|---|--:|--:|---|---|"""


def ingest(source: Path, select: str) -> dict[str, object] | str:
    """Import a folder; return the summary, or the refusal where nothing in it is an exam."""
    said, error = io.StringIO(), io.StringIO()
    with (
        tempfile.TemporaryDirectory() as place,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(error),
    ):
        options = ["--identity", f"{place}/identity", "--workers", "1", "--json"]
        options += ["--ingest.series.select", select]
        main(["ingest", "folder", str(source), f"{place}/store", *options])
    result = json.loads(said.getvalue() or "{}")
    return result if "n_exams" in result else error.getvalue() or said.getvalue()


def row(name: str, select: str, found: dict[str, object] | str) -> str:
    """Return a row of the table."""
    if isinstance(found, str):
        reasons = found.partition("files refused as: ")[2].partition(";")[0]
        return f"| `{name}` | | {select} | 0 | 0 | refused: {reasons} | |"
    counts = [
        ", ".join(f"{number} {reason}" for reason, number in found[key].items())
        for key in ("left_out", "set_aside")
    ]
    numbers = f"| {found['n_files']} | {select} | {found['n_exams']} | {found['n_slices']} "
    return f"| `{name}` {numbers}| {counts[0]} | {counts[1]} |"


def report() -> int:
    """Import all folders and print the table."""
    folder = os.environ.get("EXAMWISE_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        sys.stderr.write("EXAMWISE_TEST_DATA names no folder of real files\n")
        return 2
    sys.stdout.write(HEADER + "\n")
    for source in sorted(path for path in Path(folder).iterdir() if path.is_dir()):
        for select in SELECT:
            sys.stdout.write(row(source.name, select, ingest(source, select)) + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(report())
