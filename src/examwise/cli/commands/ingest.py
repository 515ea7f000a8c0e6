"""``examwise ingest LAYOUT SOURCE STORE``: an archive's files to an exam store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

from examwise.cli.output import Output
from examwise.cli.parsing import (
    add_identity,
    add_workers,
    common,
    make_parser,
    parse,
    worker_count,
)
from examwise.core.errors import ExitStatus
from examwise.ingest.config import ExamLabelRule, IngestConfig

_DESCRIPTION = """Turn an archive's files into an exam store. The source is only read. Every file
is accounted for in the store's files.parquet; names, identifiers, dates and paths stay out of the
store (the way back, crosswalk.parquet, lies beside your key). Interrupted, the same command goes
on where it was."""
_LAYOUTS = "rsna, cq500, ct-ich, or folder for any folder of files"


def run(argv: Sequence[str]) -> ExitStatus:
    """Ingest the archive."""
    parser = make_parser("ingest", _DESCRIPTION)
    parser.add_argument("layout", metavar="LAYOUT", help=_LAYOUTS)
    parser.add_argument("source", type=Path, metavar="SOURCE", help="the archive's folder")
    parser.add_argument("store", metavar="STORE", help="new store: a folder or an fsspec URL")
    parser.add_argument("--labels", type=Path, help="label file, if not the layout's own")
    parser.add_argument("--boxes", type=Path, help="BHX box file (cq500), if not the layout's own")
    parser.add_argument(
        "--exam-label",
        choices=get_args(ExamLabelRule),
        default=IngestConfig.exam_label,
        help="how many of the readers make an exam positive (cq500)",
    )
    parser.add_class_arguments(IngestConfig, "ingest", skip={"exam_label"})
    add_identity(parser)
    add_workers(parser)
    options = parse(parser, argv)
    config = replace(parser.instantiate(options).ingest, exam_label=options.exam_label)
    output = Output(common(options))

    from examwise.cli.summary_text import ingest_text
    from examwise.core.executors import make_executor
    from examwise.core.identity import Identity
    from examwise.ingest.ingest import ingest_archive

    summary = ingest_archive(
        options.layout,
        options.source,
        options.store,
        identity=Identity(options.identity),
        config=config,
        labels=options.labels,
        boxes=options.boxes,
        executor=make_executor(worker_count(options.workers)),
        progress=output.progress,
    )
    status = ExitStatus.DONE_WITH_ITEMS_SET_ASIDE if summary.has_set_aside else ExitStatus.DONE
    return output.result(asdict(summary), ingest_text(summary, options.store), status=status)
