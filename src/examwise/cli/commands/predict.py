"""``examwise predict RUN SOURCE --out DIR``: a trained run on a store, or on raw files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import (
    add_cluster,
    add_identity,
    add_workers,
    chosen_executor,
    common,
    make_parser,
    parse,
)
from examwise.core.errors import ExitStatus, InputError
from examwise.ingest.config import IngestConfig, SeriesSelectionConfig

_DESCRIPTION = """Apply a trained run, or several that are averaged, to an exam store, or to any
folder of DICOM or NIfTI files never seen before (it is ingested into DIR-store first). Leaves a
predictions directory and prints each exam's probability with its three most suspicious slices."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Predict."""
    parser = make_parser("predict", _DESCRIPTION)
    parser.add_argument(
        "run",
        type=Path,
        metavar="RUN",
        help="folder of a trained run, or of a cross-validation: then all of its runs are averaged",
    )
    parser.add_argument("source", metavar="SOURCE", help="exam store, or folder of raw files")
    parser.add_argument("--out", type=Path, required=True, help="new folder for predictions")
    parser.add_argument(
        "--with",
        nargs="+",
        action="extend",
        default=[],
        type=Path,
        dest="others",
        metavar="RUN",
        help="further runs, or cross-validations, to be averaged with RUN: of the same findings "
        "and matrix",
    )
    parser.add_argument("--split", help="only this part of the store: train, validation or test")
    parser.add_argument(
        "--allow-overlap",
        action="store_true",
        help="go on where another store than that of the training holds patients that the run "
        "has learned from; their exams are marked, and never evaluated",
    )
    parser.add_class_arguments(SeriesSelectionConfig, "ingest.series")
    add_identity(parser)
    add_workers(parser)
    add_cluster(parser)
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.cli.predicted_text import predicted_text, read_predicted, read_sources
    from examwise.cli.terms_text import both_terms_text
    from examwise.core.manifest import begun_kind
    from examwise.prediction.predict import predict_store

    others = [str(folder) for folder in options.others]
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
        from examwise.core.identity import Identity
        from examwise.ingest.ingest import ingest_archive
        from examwise.prediction.members import common_task, read_members

        members = read_members([str(options.run), *others])
        task = common_task(members)
        # Whoever asks of an exam wants it read, however few its slices; pixels still decide.
        wanted = {**task.series.given(), "min_slices": 1}
        parser.set_defaults({f"ingest.series.{name}": value for name, value in wanted.items()})
        series = parser.instantiate(parse(parser, argv)).ingest.series
        store = f"{options.out}-store"
        identity = Identity(options.identity)
        ingested = ingest_archive(
            "folder",
            Path(options.source),
            store,
            identity=identity,
            config=IngestConfig(matrix=members[0].matrix[0], series=series, task=task),
            executor=chosen_executor(options),
            progress=output.progress,
        )
        output.progress.say(ingest_text(ingested, store))
        sources = read_sources(identity, store)
        if ingested.has_set_aside:
            status = ExitStatus.DONE_WITH_ITEMS_SET_ASIDE
    elif parser.instantiate(options).ingest.series != SeriesSelectionConfig():
        raise InputError(
            where="--ingest.series",
            expected="a folder of raw files, which has series to choose from",
            got="an exam store",
            remedy="leave these options out: the store's exams were chosen when it was made",
        )
    elif options.ray is not None:
        raise InputError(
            where="--ray",
            expected="a folder of raw files, which a cluster can read",
            got="an exam store",
            remedy="leave --ray out",
        )
    summary = predict_store(
        run=str(options.run),
        others=others,
        store=store,
        out=str(options.out),
        split=options.split,
        allow_overlap=options.allow_overlap,
        progress=output.progress,
    )
    exams = read_predicted(options.out)
    predicted = predicted_text(options.out, exams, sources=sources)
    lines = [predicted, both_terms_text(summary.data_terms)]
    if summary.members:
        lines.append(f"The mean of {len(summary.members)} runs; so is the threshold.")
    if summary.n_learned:
        lines.append(
            f"{summary.n_learned:,} of these exams are of patients whom the run has learned from: "
            "marked so, and left out of every evaluation."
        )
    if not summary.same_key:
        lines.append(
            "The store and the run's training have no key in common on record: whether the run "
            "has learned from these patients cannot be told."
        )
    return output.result({**asdict(summary), "exams": exams}, "\n".join(lines), status=status)
