"""``report.html``: a finished study as one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.study import BUDGETED
from examwise.core.storage import Storage
from examwise.reporting.answer_section import answer_section
from examwise.reporting.budget_table import budget_table
from examwise.reporting.checklists.section import checklist_section
from examwise.reporting.contents import Page
from examwise.reporting.curve_figures import cost_column, curve_figure
from examwise.reporting.curves_section import curves_section
from examwise.reporting.data_section import terms_words
from examwise.reporting.evidence_section import evidence_section
from examwise.reporting.exam_viewer.section import exam_viewer_section
from examwise.reporting.full_budget_section import full_budget_section
from examwise.reporting.method_sections import method_sections
from examwise.reporting.ratio_figure import ratio_figure
from examwise.reporting.roc_figure import roc_figure
from examwise.reporting.saliency_section import saliency_section
from examwise.reporting.slice_section import slice_section
from examwise.reporting.strip_section import strip_section
from examwise.reporting.study_arms import Arm
from examwise.reporting.study_files import StudyFiles, read_study
from examwise.reporting.templates import render_template

REPORT = "report.html"
_TEMPLATE = "report.html.j2"


def write_report(
    study: str | Path,
    out: Path | None = None,
    *,
    stores: Sequence[str | Path] = (),
    external: Sequence[str | Path] = (),
    progress: Progress | None = None,
) -> Path:
    """Write a finished study's page.

    The same study gives the same bytes: nothing on the page depends on when it is written.

    Args:
        study: The study's directory, evaluated.
        out: The page; ``report.html`` in the study's directory if None.
        stores: The exam stores, where they are not ``store`` in the study's directory.
        external: Those of external archives, where they are not ``external/<number>/store`` in
            the study's directory.
        progress: Where to report to.

    Returns:
        Where the page is.

    Raises:
        InputError: If the study is unfinished or lacks a file.
        SchemaError: If a file breaks its schema.
    """
    found = read_study(study, stores=stores, external=external)
    page = render(make_page(found, progress=progress or SilentProgress())).encode()
    if out is None:
        found.storage.write(REPORT, page)
        return Path(found.storage.url, REPORT)
    Storage(out.resolve().parent).write(out.name, page)
    return out


def make_page(study: StudyFiles, *, progress: Progress) -> Page:
    """Put a study's page together."""
    answer = study.answer.internal
    arms = drawn_arms(study)
    curve = study.curve_of(study.archive)
    columns = (cost_column(curve), "budget")
    ratios, roc = ratio_figure(study), roc_figure(study)
    outside = len(study.answer.external)
    tested = f" and {outside} more archive{'s' if outside > 1 else ''}" if outside else ""
    return Page(
        title="Label single images, or whole exams?",
        subtitle=f"Label-budget study · {study.archive}{tested} · finding “{study.finding}” · "
        f"{answer.n_exams:,} test exams of {answer.n_patients:,} patients"
        + (f" in {study.archive}" if outside else ""),
        terms=terms_words(study),
        answer=answer_section(study),
        figures=(
            *(
                curve_figure(
                    curve,
                    arms,
                    column=column,
                    target_auc=study.answer.target_auc,
                    archive=study.archive,
                )
                for column in columns
            ),
            ratios or roc,
        ),
        more_figures=() if ratios is None else (roc,),
        budgets=budget_table(study),
        curves=curves_section(study, arms),
        full_budget=full_budget_section(study, arms),
        evidence=evidence_section(study),
        slices=slice_section(study),
        saliency=saliency_section(study, progress=progress),
        exam_viewer=exam_viewer_section(study, progress=progress),
        strips=strip_section(study, progress=progress),
        methods=method_sections(study),
        checklists=checklist_section(study),
        tool=f"examwise {study.manifest.tool_version}",
    )


def drawn_arms(study: StudyFiles) -> tuple[Arm, ...]:
    """Return the arms whose curves are drawn: those compared, and references with several points.

    A reference of a single budget stands in tables alone.
    """
    return (
        *study.main_arms,
        *(
            arm
            for arm in study.reference_arms
            if arm.rows(study.curve, BUDGETED)["budget"].n_unique() > 1
        ),
    )


def render(page: Page) -> str:
    """Write a page out as HTML; every value is escaped."""
    return render_template(_TEMPLATE, page=page)
