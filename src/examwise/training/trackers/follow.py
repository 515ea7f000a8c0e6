"""Sending finished directories to trackers: runs, predictions, evaluations, and any pictures."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import polars as pl

from examwise.core.digests import canonical_json, sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import Manifest, begun_kind, read_manifest
from examwise.core.pictures import read_pictures
from examwise.core.schemas.manifest import SCHEMA_VERSIONS
from examwise.core.schemas.pictures import PICTURES
from examwise.core.schemas.predictions import PREDICTED_EXAMS, THRESHOLDS
from examwise.core.schemas.run import METRICS, MODEL, WEIGHTS
from examwise.core.storage import Storage
from examwise.core.tracking import CURVES, TrackedRun
from examwise.training.trackers.isolation import Trackers

_SENT_COLUMNS = (
    "exam_id",
    "split",
    "finding",
    "exam_label",
    "exam_probability",
    "calibrated_probability",
)
_NAMED_BY_RUNS = ("run", "predictions")


def follow_run(trackers: Trackers, run_directory: str) -> None:
    """Send what a finished run has: metrics by step, the model as one artifact, pictures.

    Metrics that were sent while it lasted are not sent again.

    Args:
        trackers: Begun with this run.
        run_directory: The run.

    Raises:
        InputError: If the run is not finished.
        IntegrityError: If its model is not the one once written.
    """
    storage = Storage(run_directory)
    manifest = read_manifest(run_directory, kind="run")
    if not len(trackers):
        return
    for row in METRICS.read(storage).sort("step").iter_rows(named=True):
        step = row.pop("step")
        metrics = {name: float(value) for name, value in row.items() if _is_number(value)}
        trackers.log_metrics(metrics, step=step)
    files = {key: manifest.read_output(storage, key) for key in (WEIGHTS, MODEL, THRESHOLDS)}
    trackers.log_files("model", files, kind="model")
    _send_pictures(trackers, storage, manifest.kind)


def follow_directory(
    trackers: Trackers, directory: str, *, name: str | None = None
) -> tuple[str, ...]:
    """Send what a finished directory has, each run's share under the run's own name.

    Args:
        trackers: Not begun.
        directory: A run, predictions, an evaluation, or any directory that offers pictures
            (:mod:`examwise.core.schemas.pictures`).
        name: Group that tables and figures of predictions and evaluations belong to, ``cq500``
            say; the part of the store (``test``), or the kind of directory, if None.

    Returns:
        The names under which it was sent.

    Raises:
        InputError: If the directory is none of these, or not finished.
        IntegrityError: If a file of it is not the one once written.
    """
    kind = begun_kind(directory)
    storage = Storage(directory)
    known = kind in SCHEMA_VERSIONS
    if kind is None or not known or not _has_something(storage, kind):
        raise InputError(
            where=directory,
            expected=f"a run, predictions, an evaluation, or a directory with {PICTURES}",
            got=f"a directory of kind {kind}" if known else "another folder",
        )
    manifest = read_manifest(directory, kind=kind)
    exams = PREDICTED_EXAMS.read(storage) if kind == "predictions" else None
    run_ids = _run_ids(storage, manifest, exams)
    for run_id in run_ids:
        # A run's own configuration stands for itself; of others it is said whose it is.
        configuration = manifest.configuration
        if kind != "run":
            configuration = {name or kind: configuration}
        trackers.begin(TrackedRun(run_id, kind, configuration, directory))
        failed = True
        try:
            if kind == "run":
                follow_run(trackers, directory)
            else:
                if exams is not None:
                    _send_exams(trackers, exams.filter(pl.col("run_id") == run_id), name)
                elif kind == "evaluation":
                    _send_tables(trackers, storage, name or kind)
                _send_pictures(trackers, storage, name or kind)
            failed = False
        finally:
            trackers.finish(failed=failed)
    return run_ids


def _has_something(storage: Storage, kind: str) -> bool:
    return kind in (*_NAMED_BY_RUNS, "evaluation") or storage.exists(PICTURES)


def _run_ids(storage: Storage, manifest: Manifest, exams: pl.DataFrame | None) -> tuple[str, ...]:
    if manifest.kind == "run":
        return (str(json.loads(manifest.read_output(storage, MODEL))["run_id"]),)
    if exams is not None:
        return tuple(exams["run_id"].unique().sort())
    run_id, _ = read_pictures(storage)
    if run_id is not None:
        return (run_id,)
    made_from = {"configuration": manifest.configuration, "inputs": manifest.inputs}
    return (f"{manifest.kind}-{sha256_hex(canonical_json(made_from))[:12]}",)


def _send_exams(trackers: Trackers, exams: pl.DataFrame, name: str | None) -> None:
    """Send tables, figures and curves, apart for each part of the store: a run knows some."""
    from examwise.training.trackers.curve_pictures import draw_curve
    from examwise.training.trackers.curves import exam_curves, exam_metrics

    for (split,), rows in exams.group_by("split", maintain_order=True):
        group = "/".join(part for part in (name, str(split)) if part)
        figures = exam_metrics(rows)
        trackers.log_metrics({f"{group}/{key}": value for key, value in figures.items()}, step=0)
        trackers.log_table(f"{group}/exams", rows.select(_SENT_COLUMNS))
        for curve, table in exam_curves(rows).items():
            trackers.log_table(f"{group}/{curve}", table)
            caption = f"{' against '.join(reversed(CURVES[curve]))}, {group}".replace("_", " ")
            trackers.log_picture(
                f"{group}/{curve}_picture", draw_curve(curve, table), caption=caption
            )


def _send_tables(trackers: Trackers, storage: Storage, group: str) -> None:
    tables: Sequence[str] = [key for key in storage.list() if key.endswith(".parquet")]
    for key in tables:
        frame = pl.read_parquet(io.BytesIO(storage.read(key)))
        trackers.log_table(f"{group}/{key.removesuffix('.parquet')}", frame)


def _send_pictures(trackers: Trackers, storage: Storage, group: str) -> None:
    _, pictures = read_pictures(storage)
    for picture in pictures:
        trackers.log_picture(f"{group}/{picture.name}", picture.png, caption=picture.caption)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
