"""``examwise predict RUN SOURCE --out DIR``: a trained run on a store, or on raw files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import (
    add_identity,
    add_workers,
    common,
    make_parser,
    parse,
    worker_count,
)
from examwise.core.errors import ExitStatus, InputError

_DESCRIPTION = """Apply a trained run to an exam store, or to any folder of DICOM or NIfTI files
never seen before (it is ingested into DIR-store first). Leaves a predictions directory and prints
each exam's probability with its three most suspicious slices."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Predict."""
    parser = make_parser("predict", _DESCRIPTION)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained run")
    parser.add_argument("source", metavar="SOURCE", help="exam store, or folder of raw files")
    parser.add_argument("--out", type=Path, required=True, help="new folder for predictions")
    parser.add_argument("--split", help="only this part of the store: train, validation or test")
    parser.add_argument(
        "--allow-overlap",
        action="store_true",
        help="go on where another store than that of the training holds patients that the run "
        "has learned from; their exams are marked, and never evaluated",
    )
    add_identity(parser)
    add_workers(parser)
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.cli.predicted_text import predicted_text, read_predicted, read_sources
    from examwise.core.manifest import begun_kind
    from examwise.prediction.predict import predict_store

    status = ExitStatus.DONE
    store = options.source
    sources = {}
    if begun_kind(options.source) != "exam-store":
        if options.split is not None:
            raise InputError(
                where="--split",
                expected="an exam store, which has parts",
                got="a folder of raw files",
                remedy="leave --split out",
            )
        from examwise.cli.summary_text import ingest_text
        from examwise.core.executors import make_executor
        from examwise.core.identity import Identity
        from examwise.ingest.config import IngestConfig
        from examwise.ingest.ingest import ingest_archive
        from examwise.models.files import load_model

        matrix = load_model(options.run).description["matrix"][0]
        store = f"{options.out}-store"
        identity = Identity(options.identity)
        ingested = ingest_archive(
            "folder",
            Path(options.source),
            store,
            identity=identity,
            config=IngestConfig(matrix=matrix),
            executor=make_executor(worker_count(options.workers)),
            progress=output.progress,
        )
        output.progress.say(ingest_text(ingested, store))
        sources = read_sources(identity, store)
        if ingested.has_set_aside:
            status = ExitStatus.DONE_WITH_ITEMS_SET_ASIDE
    summary = predict_store(
        run=str(options.run),
        store=store,
        out=str(options.out),
        split=options.split,
        allow_overlap=options.allow_overlap,
        progress=output.progress,
    )
    exams = read_predicted(options.out)
    text = predicted_text(options.out, exams, sources=sources)
    return output.result({**asdict(summary), "exams": exams}, text, status=status)
