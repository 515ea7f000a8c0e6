"""A study's flow diagrams and filled-in checklists."""

from __future__ import annotations

from collections.abc import Mapping

from examwise.core.schemas.evidence import CURVE_BANDS
from examwise.reporting.checklists.claim import CLAIM
from examwise.reporting.checklists.evaluation_facts import evaluation_facts
from examwise.reporting.checklists.items import Checklist, Fact, count_filled, filled
from examwise.reporting.checklists.stard import STARD
from examwise.reporting.checklists.study_facts import IN_REPORT, study_facts
from examwise.reporting.contents import EvidenceSection, MethodSection, Table
from examwise.reporting.flow_figure import draw_flow
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.shown_runs import full_budget_runs, main_run_ids
from examwise.reporting.study_files import StudyFiles

CHECKLISTS = (CLAIM, STARD)
COLUMNS = ("Item", "Asked for", "Known", "Where")


def checklist_section(study: StudyFiles) -> EvidenceSection | None:
    """Draw the flow of every archive's exams and fill the checklists in.

    Returns:
        None where the evaluation has none of the tables that they draw on.
    """
    if CURVE_BANDS.file not in study.evaluation.outputs:
        return None
    main = main_run_ids(study)
    runs = [
        NamedRun(run.run_id, run.name, run.place)
        for run in full_budget_runs(study)
        if run.run_id in main
    ]
    facts = {**study_facts(study), **evaluation_facts(study.tables, runs, where=IN_REPORT)}
    flows = tuple(
        drawing.on_page(f"figure-flow-{number}")
        for number, answer in enumerate(study.answer.archives)
        if (drawing := draw_flow(study.tables, archive=answer.archive)) is not None
    )
    flow = MethodSection(id="flow", title=IN_REPORT["flow"], paragraphs=(), figures=flows)
    return EvidenceSection(
        title="For the paper",
        paragraphs=(
            "What reporting guidelines ask for, as far as this study knows it. Items are in words "
            "of our own: the guidelines have the full text.",
        ),
        parts=(*((flow,) if flows else ()), *(_part(one, facts) for one in CHECKLISTS)),
    )


def _part(checklist: Checklist, facts: Mapping[str, Fact]) -> MethodSection:
    name = checklist.name.split()[0].lower()
    known = count_filled(checklist, facts)
    table = Table(
        id=f"table-{name}",
        caption=f"{checklist.name}, filled in",
        columns=COLUMNS,
        rows=filled(checklist, facts),
        source="the tables and sections named",
        row_headers=2,
    )
    return MethodSection(
        id=f"checklist-{name}",
        title=checklist.name,
        paragraphs=(
            f"{checklist.about} Something is known of {known} of {len(checklist.items)} items; the "
            "others, and every judgement, are the authors'.",
        ),
        folded=(table,),
    )
