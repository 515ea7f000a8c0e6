"""``report.html``: a finished study as one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from examwise.core.progress import Progress, SilentProgress
from examwise.core.storage import Storage
from examwise.reporting.answer_section import answer_section
from examwise.reporting.contents import Page
from examwise.reporting.curve_figures import cost_column, curve_figure
from examwise.reporting.data_section import terms_words
from examwise.reporting.method_sections import method_sections
from examwise.reporting.roc_figure import roc_figure
from examwise.reporting.slice_section import slice_section
from examwise.reporting.strip_section import strip_section
from examwise.reporting.study_files import StudyFiles, read_study
from examwise.reporting.templates import render_template

REPORT = "report.html"
_TEMPLATE = "report.html.j2"


def write_report(
    study: str | Path,
    out: Path | None = None,
    *,
    stores: Sequence[str | Path] = (),
    progress: Progress | None = None,
) -> Path:
    """Write a finished study's page.

    The same study gives the same bytes: nothing on the page depends on when it is written.

    Args:
        study: The study's directory, evaluated.
        out: The page; ``report.html`` in the study's directory if None.
        stores: The exam stores, where they are not ``store`` in the study's directory.
        progress: Where to report to.

    Returns:
        Where the page is.

    Raises:
        InputError: If the study is unfinished or lacks a file.
        SchemaError: If a file breaks its schema.
    """
    found = read_study(study, stores=stores)
    page = render(make_page(found, progress=progress or SilentProgress())).encode()
    if out is None:
        found.storage.write(REPORT, page)
        return Path(found.storage.url, REPORT)
    Storage(out.resolve().parent).write(out.name, page)
    return out


def make_page(study: StudyFiles, *, progress: Progress) -> Page:
    """Put a study's page together."""
    targets = study.ratios["target_auc"].unique().sort().to_list()
    target_auc = targets[0] if len(targets) == 1 else None
    columns = ("budget", cost_column(study.curve))
    tested = study.exam_metrics.filter(pl.col("archive") == study.archive)
    n_exams, n_patients = (
        max(int(number) for number in tested[column].to_list())
        for column in ("n_exams", "n_patients")
    )
    return Page(
        title="Label single images, or whole exams?",
        subtitle=f"Label-budget study · {study.archive} · finding “{study.finding}” · "
        f"{n_exams:,} test exams of {n_patients:,} patients",
        terms=terms_words(study),
        answer=answer_section(study),
        figures=(
            *(
                curve_figure(study.curve, study.learners, column=column, target_auc=target_auc)
                for column in columns
            ),
            roc_figure(study),
        ),
        slices=slice_section(study),
        strips=strip_section(study, progress=progress),
        methods=method_sections(study),
        tool=f"examwise {study.manifest.tool_version}",
    )


def render(page: Page) -> str:
    """Write a page out as HTML; every value is escaped."""
    return render_template(_TEMPLATE, page=page)
