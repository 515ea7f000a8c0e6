"""``examwise ingest LAYOUT SOURCE STORE``: an archive's files to an exam store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
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
from examwise.core.errors import ExitStatus
from examwise.core.task import load_task
from examwise.ingest.config import IngestConfig

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
        "--masks", type=Path, help="folder of colour-coded masks of images (cq500, folder)"
    )
    parser.add_argument(
        "--mask-colours", type=Path, help="YAML file that says what colours of masks mean"
    )
    parser.add_argument(
        "--exam-label",
        default=IngestConfig.exam_label,
        metavar="RULE",
        help="how many of the readers make an exam positive (cq500): majority, any, all or a "
        "number, then rules of single findings, such as majority,epidural=any",
    )
    parser.add_argument(
        "--task",
        default="head_ich",
        metavar="TASK",
        help="what is looked for: a task.yaml, or the name of one that comes with examwise",
    )
    parser.add_class_arguments(IngestConfig, "ingest", skip={"exam_label", "task"})
    parser.add_argument(
        "--append",
        action="store_true",
        help="add new exams, and new labels of exams that are there, to a finished store",
    )
    add_identity(parser)
    add_workers(parser)
    add_cluster(parser)
    task = load_task(parse(parser, argv).task)
    # What the task says of series counts where the user says nothing.
    parser.set_defaults(
        {f"ingest.series.{key}": value for key, value in task.series.given().items()}
    )
    options = parse(parser, argv)
    config = replace(parser.instantiate(options).ingest, exam_label=options.exam_label, task=task)
    output = Output(common(options))

    from examwise.core.identity import Identity

    where = (options.layout, options.source, options.store)
    given = {
        "identity": Identity(options.identity),
        "config": config,
        "labels": options.labels,
        "boxes": options.boxes,
        "masks": options.masks,
        "mask_colours": options.mask_colours,
        "executor": chosen_executor(options),
        "progress": output.progress,
    }
    if options.append:
        from examwise.cli.growing_text import append_text
        from examwise.data.splits import count_without_part
        from examwise.ingest.append import append_archive

        addition = append_archive(*where, **given)
        set_aside = addition.added is not None and addition.added.has_set_aside
        text = append_text(
            addition, options.store, n_without_part=count_without_part(options.store)
        )
        return output.result(asdict(addition), text, status=_status(set_aside))
    from examwise.cli.summary_text import ingest_text
    from examwise.ingest.ingest import ingest_archive

    summary = ingest_archive(*where, **given)
    status = _status(summary.has_set_aside)
    return output.result(asdict(summary), ingest_text(summary, options.store), status=status)


def _status(set_aside: bool) -> ExitStatus:
    return ExitStatus.DONE_WITH_ITEMS_SET_ASIDE if set_aside else ExitStatus.DONE
