"""``examwise study init FILE``: a study file to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus, InputError

_DESCRIPTION = """Write the embedded study file, which explains each of its values, to be changed
and run: examwise study FILE --out DIR --source RAW."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Write the file."""
    parser = make_parser("study init", _DESCRIPTION)
    parser.add_argument("file", metavar="FILE", help="new study file (YAML)")
    options = parse(parser, argv)

    from examwise.cli.study_file import embedded_default
    from examwise.core.storage import Storage

    path = Path(options.file)
    is_folder = path.is_dir() or options.file.endswith("/")
    if is_folder or not Storage(path.parent).create(path.name, embedded_default().read_bytes()):
        raise InputError(
            where=path,
            expected="a new file",
            got="a folder" if is_folder else "one that exists",
            remedy="choose another name: nothing is overwritten",
        )
    text = f"{path}: change what you like, then run: examwise study {path} --out DIR --source RAW"
    return Output(common(options)).result({"file": str(path)}, text)
