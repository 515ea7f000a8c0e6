"""``examwise view``: look at the exams of a store or a study in a browser on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from examwise.cli.output import Output
from examwise.cli.parsing import add_stores, common, make_parser, parse
from examwise.core.errors import ExitStatus, InputError

_DESCRIPTION = """Serve the exam viewer on this machine: all exams of a store, or of a finished
study with what its runs say of them. It answers at 127.0.0.1 alone, to whoever has the address
with its token, and ends with Ctrl-C. Slices are read one by one as they are looked at; nothing is
written, and nothing leaves the machine."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Serve until it is interrupted."""
    parser = make_parser("view", _DESCRIPTION)
    parser.add_argument("directory", metavar="DIR", help="exam store, or finished study")
    parser.add_argument("--finding", help="what a store's exams are looked at for")
    parser.add_argument("--port", type=int, default=0, help="port; default: a free one")
    parser.add_argument(
        "--no-browser", action="store_true", help="say the address and open no browser"
    )
    add_stores(
        parser,
        stores="a study's exam stores, where they are not in its directory",
        external="those of its external archives, likewise",
    )
    options = parse(parser, argv)
    output = Output(common(options))
    if not 0 <= options.port < 1 << 16:
        raise InputError(where="--port", expected="from 0 to 65535", got=options.port)

    from examwise.service.exam_server.answers import ExamAnswers
    from examwise.service.exam_server.server import ExamServer
    from examwise.service.exam_server.shelves import open_shelves

    shelves = open_shelves(
        options.directory,
        finding=options.finding,
        stores=options.stores,
        external=options.external_stores,
    )
    try:
        server = ExamServer(ExamAnswers(shelves), port=options.port)
    except OSError as error:
        raise InputError(
            where="--port",
            expected="a port that is free",
            got=f"{options.port} ({type(error).__name__})",
            remedy="leave it out to take a free one",
        ) from error
    try:
        output.result({"url": server.url}, f"Exam viewer: {server.url}\nCtrl-C ends it.")
        if not options.no_browser:
            import webbrowser

            webbrowser.open(server.url)
        server.serve()
    except KeyboardInterrupt:
        pass  # the usual end
    finally:
        server.close()
    return ExitStatus.DONE
