"""Figures and the checklist of an evaluation, as files beside its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.manifest import read_manifest
from examwise.core.schemas.evaluation import EXAM_METRICS
from examwise.core.schemas.evidence import CURVE_BANDS, FLOW
from examwise.core.storage import Storage
from examwise.reporting.band_figures import draw_bands
from examwise.reporting.calibration_figure import draw_calibration
from examwise.reporting.checklists.evaluation_facts import evaluation_facts
from examwise.reporting.checklists.items import Checklist, count_filled, filled
from examwise.reporting.checklists.section import CHECKLISTS, COLUMNS
from examwise.reporting.drawing import Drawing
from examwise.reporting.evaluation_tables import EvaluationTables
from examwise.reporting.flow_figure import draw_flow
from examwise.reporting.forest_figures import draw_comparisons, draw_subgroups
from examwise.reporting.named_runs import NamedRun, named_runs
from examwise.reporting.slice_figures import draw_froc, draw_run_lengths, draw_sequences

FIGURES = "figures"
CHECKLIST = "checklist.md"
_MOST_RUNS = 6
"""Runs of one figure; more go into further ones."""


def write_evaluation_files(evaluation: str | Path, *, figures: bool = True) -> None:
    """Write ``figures/*.svg``, ``figures/*.png`` and ``checklist.md`` from an evaluation's tables.

    The same evaluation gives the same files. Tables that it does not have give none.

    Args:
        evaluation: A finished evaluation directory.
        figures: Whether to draw; the checklist is written either way.

    Raises:
        InputError: If the directory is no finished evaluation, or lacks a table.
        IntegrityError: If a table is not the one once written.
        SchemaError: If a table breaks its schema.
    """
    storage = Storage(evaluation)
    tables = EvaluationTables(storage, read_manifest(evaluation, kind="evaluation"))
    if figures:
        for name, drawing in _drawings(tables):
            drawing.write(storage, f"{FIGURES}/{name}")
    storage.write(CHECKLIST, _checklist(tables).encode())


def _drawings(tables: EvaluationTables) -> Iterator[tuple[str, Drawing]]:
    bands = tables.read(CURVE_BANDS)
    metrics = tables.read(EXAM_METRICS)
    metrics = metrics.filter(pl.col("run_id").is_in(bands["run_id"].unique().to_list()))
    findings = metrics["finding"].unique(maintain_order=True).to_list()
    for finding in findings:
        of_finding = metrics.filter(pl.col("finding") == finding)
        runs = named_runs(of_finding)
        names = {run.run_id: run.name for run in runs}
        several = f"-{_slug(finding)}" if len(findings) > 1 else ""
        for archive in of_finding["archive"].unique(maintain_order=True).to_list():
            for number, some in enumerate(_groups(runs), start=1):
                where = f"{_slug(archive)}{several}" + (f"-{number}" if number > 1 else "")
                yield from _of_runs(tables, some, archive=archive, finding=finding, where=where)
            compared = draw_comparisons(tables, names, archive=archive, finding=finding)
            if compared is not None:
                yield f"comparisons-{_slug(archive)}{several}", compared
    for archive in tables.read(FLOW)["archive"].unique(maintain_order=True).to_list():
        flow = draw_flow(tables, archive=archive)
        if flow is not None:
            yield f"flow-{_slug(archive)}", flow


def _of_runs(
    tables: EvaluationTables,
    runs: Sequence[NamedRun],
    *,
    archive: str,
    finding: str,
    where: str,
) -> Iterator[tuple[str, Drawing]]:
    shown = {"archive": archive, "finding": finding}
    found = {
        "roc": draw_bands(tables, runs, curve="roc", **shown),
        "precision-recall": draw_bands(tables, runs, curve="precision_recall", **shown),
        "calibration": draw_calibration(tables, runs, **shown),
        "subgroups": draw_subgroups(tables, runs, **shown),
        "sequences": draw_sequences(tables, runs, **shown),
        "run-lengths": draw_run_lengths(tables, runs, **shown),
        "froc": draw_froc(tables, runs, **shown),
    }
    for kind, drawing in found.items():
        if drawing is not None:
            yield f"{kind}-{where}", drawing


def _groups(runs: Sequence[NamedRun]) -> list[Sequence[NamedRun]]:
    return [runs[start : start + _MOST_RUNS] for start in range(0, len(runs), _MOST_RUNS)]


def _slug(name: str) -> str:
    """Return a name as part of a file's name, another one for every name.

    Example:
        >>> _slug("rsna2019"), _slug("CQ 500")
        ('rsna2019', 'cq-500-bfe741')
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    # What the plain name leaves out must still tell names apart.
    return plain if plain == name else f"{plain or 'unnamed'}-{sha256_hex(name.encode())[:6]}"


def _checklist(tables: EvaluationTables) -> str:
    """Write both guidelines out, finding by finding where there are several."""
    metrics = tables.read(EXAM_METRICS)
    findings = metrics["finding"].unique(maintain_order=True).to_list()
    lines = [
        "# Checklists",
        "",
        "What reporting guidelines ask for, as far as this evaluation knows it. Items are in words "
        "of our own: the guidelines have the full text.",
    ]
    for checklist in CHECKLISTS:
        for finding in findings:
            own = EvaluationTables(tables.storage, tables.manifest, finding)
            heading = f"## {checklist.name}" + (f", {finding}" if len(findings) > 1 else "")
            lines += ["", heading, "", *_filled(checklist, own)]
    return "\n".join(lines) + "\n"


def _filled(checklist: Checklist, tables: EvaluationTables) -> Iterator[str]:
    metrics = tables.read(EXAM_METRICS)
    with_bands = metrics.filter(
        pl.col("run_id").is_in(tables.read(CURVE_BANDS)["run_id"].unique().to_list())
    )
    runs = named_runs(metrics if with_bands.is_empty() else with_bands)
    facts = evaluation_facts(tables, runs)
    known = count_filled(checklist, facts)
    yield f"{checklist.about} Something is known of {known} of {len(checklist.items)} items."
    yield ""
    yield _row(COLUMNS)
    yield _row(["---"] * len(COLUMNS))
    for cells in filled(checklist, facts):
        yield _row(cells)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
