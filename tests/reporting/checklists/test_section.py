from __future__ import annotations

from pathlib import Path

from examwise.reporting.checklists.claim import CLAIM
from examwise.reporting.checklists.items import TO_FILL_IN
from examwise.reporting.checklists.section import checklist_section
from examwise.reporting.checklists.stard import STARD
from examwise.reporting.checklists.study_facts import IN_REPORT
from examwise.reporting.evidence_section import evidence_section
from examwise.reporting.study_files import read_study


def test_no_checklists_without_evidence(study: Path) -> None:
    assert checklist_section(read_study(study)) is None


def test_flow_and_both_guidelines_filled_in(proven_study: Path) -> None:
    section = checklist_section(read_study(proven_study))
    assert section is not None
    flow, claim, stard = section.parts
    assert len(flow.figures) == 3
    assert len(claim.folded[0].rows) == len(CLAIM.items)
    assert len(stard.folded[0].rows) == len(STARD.items)
    said = {row[0]: row[2] for row in claim.folded[0].rows}
    assert "elsewhere" in said["33"]
    assert said["44"] == TO_FILL_IN
    assert "AUC 0.90 [0.84, 0.96]" in said["37"]
    said = {row[0]: row[2] for row in stard.folded[0].rows}
    assert "75 exams judged" in said["19"]
    assert "true and" in said["23"]


def test_places_are_titles_of_parts(proven_study: Path) -> None:
    study = read_study(proven_study)
    evidence, section = evidence_section(study), checklist_section(study)
    assert evidence is not None
    assert section is not None
    titles = {part.title for part in (*evidence.parts, *section.parts)}
    assert set(IN_REPORT.values()) - {"Statistics", "Inside the slice"} <= titles
