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
from examwise.core.errors import ExitStatus

_DESCRIPTION = """Apply a trained run to an exam store, or to any folder of DICOM or NIfTI files
never seen before (it is ingested into DIR-store first). Leaves a predictions directory and prints
each exam's probability with its three most suspicious slices."""

_MOST_LISTED = 20


def run(argv: Sequence[str]) -> ExitStatus:
    """Predict."""
    parser = make_parser("predict", _DESCRIPTION)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained run")
    parser.add_argument("source", metavar="SOURCE", help="exam store, or folder of raw files")
    parser.add_argument("--out", type=Path, required=True, help="new folder for predictions")
    parser.add_argument("--split", help="only this part of the store: train, validation or test")
    add_identity(parser)
    add_workers(parser)
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.core.stage import BEGUN, MANIFEST
    from examwise.core.storage import Storage
    from examwise.prediction.predict import predict_store

    source = Storage(options.source)
    status = ExitStatus.DONE
    store = options.source
    if not (source.exists(MANIFEST) or source.exists(BEGUN)):
        from examwise.cli.summary_text import ingest_text
        from examwise.core.executors import make_executor
        from examwise.core.identity import Identity
        from examwise.ingest.config import IngestConfig
        from examwise.ingest.ingest import ingest_archive
        from examwise.models.files import load_model

        matrix = load_model(options.run).description["matrix"][0]
        store = f"{options.out}-store"
        ingested = ingest_archive(
            "folder",
            Path(options.source),
            store,
            identity=Identity(options.identity),
            config=IngestConfig(matrix=matrix),
            executor=make_executor(worker_count(options.workers)),
            progress=output.progress,
        )
        output.progress.say(ingest_text(ingested, store))
        if ingested.set_aside:
            status = ExitStatus.DONE_WITH_ITEMS_SET_ASIDE
    summary = predict_store(
        run=str(options.run),
        store=store,
        out=str(options.out),
        split=options.split,
        progress=output.progress,
    )
    exams = _exams(options.out)
    lines = [f"{options.out}: {len(exams)} predictions"]
    lines += [
        f"{exam['exam_id']}  {exam['finding']}  probability {exam['probability']:.3f} "
        f"(threshold {exam['threshold']:.3f}: {'positive' if exam['positive'] else 'negative'}), "
        f"slices {', '.join(map(str, exam['slices']))}"
        for exam in exams[:_MOST_LISTED]
    ]
    if len(exams) > _MOST_LISTED:
        lines.append(f"… and {len(exams) - _MOST_LISTED} more in {options.out}/exams.parquet")
    return output.result({**asdict(summary), "exams": exams}, "\n".join(lines), status=status)


def _exams(out: Path) -> list[dict[str, object]]:
    import json

    import polars as pl

    from examwise.core.schemas.predictions import (
        PREDICTED_EXAMS,
        PREDICTED_SLICES,
        THRESHOLDS,
    )
    from examwise.core.storage import Storage

    storage = Storage(out)
    thresholds = json.loads(storage.read(THRESHOLDS))
    slices = PREDICTED_SLICES.read(storage).sort("slice_probability", descending=True)
    top = slices.group_by("exam_id", "finding").agg(pl.col("slice_index").head(3).alias("slices"))
    exams = PREDICTED_EXAMS.read(storage).join(top, on=["exam_id", "finding"])
    return [
        {
            "exam_id": row["exam_id"],
            "finding": row["finding"],
            "probability": row["exam_probability"],
            "threshold": thresholds[row["finding"]]["threshold"],
            "positive": row["exam_probability"] >= thresholds[row["finding"]]["threshold"],
            "slices": row["slices"],
        }
        for row in exams.sort("exam_probability", descending=True).to_dicts()
    ]
