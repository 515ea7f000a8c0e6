from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from examwise.reporting.answer_section import answer_section
from examwise.reporting.study_files import read_study


def test_a_table_for_each_way_of_drawing_slices(full_study: Path) -> None:
    section = answer_section(read_study(full_study))
    spread, whole = section.ratios
    assert spread.caption.startswith("Slices spread over exams")
    assert spread.rows[0] == ("Reader hours", "3.04", "1.84", "1.65 [0.90 or more]")
    assert [row[0] for row in whole.rows] == ["Reader hours", "Reader actions", "Labels"]
    assert len(section.sentences) == 2
    assert "“Exam by exam”" in section.terms


def test_a_headline_is_not_said_twice(study: Path) -> None:
    found = read_study(study)
    (reading,) = found.answer.internal.readings
    answer = replace(found.answer, headline=reading.sentence)
    assert answer_section(replace(found, answer=answer)).sentences == ()
    assert answer_section(found).sentences == (reading.sentence,)
