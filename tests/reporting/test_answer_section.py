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


def test_one_table_says_it_in_short(full_study: Path, curved_study: Path) -> None:
    first = answer_section(read_study(full_study)).table
    assert first is not None
    assert first.columns[:3] == ("Slices drawn", "Reader hours by slices", "Reader hours by exams")
    assert [row[:4] for row in first.rows] == [
        ("Spread", "3.04", "1.84", "1.65 [0.90 or more]"),
        ("Exam by exam", "1.22", "1.84", "0.66 [0.40 to 1.70]"),
    ]
    both = answer_section(read_study(curved_study)).table
    assert both is not None
    assert [row[:2] for row in both.rows] == [
        ("First", "Spread"),
        ("First", "Exam by exam"),
        ("Full", "Spread"),
    ]


def test_the_full_answer_and_the_claim_stand_beside_the_first(curved_study: Path) -> None:
    section = answer_section(read_study(curved_study))
    assert section.full_headline == "With the encoder trained on as well, they tell."
    assert [table.id for table in section.ratios] == [
        "table-ratios-spread",
        "table-ratios-whole-exam",
        "table-ratios-spread-full",
    ]
    spread, whole = section.claims
    assert spread.startswith("Tested in fixed order (first answer, spread): 2.0 reader hours")
    assert "5 times as many" in spread
    assert "exam by exam" in whole
    assert "full answer" in section.terms


def test_a_long_headline_is_parted_after_its_first_sentence(study: Path) -> None:
    found = read_study(study)
    answer = replace(found.answer, headline="To reach 0.80, exams. Outside it is the same. So.")
    section = answer_section(replace(found, answer=answer))
    assert section.headline == "To reach 0.80, exams."
    assert section.more == "Outside it is the same. So."


def test_a_headline_is_not_said_twice(study: Path) -> None:
    found = read_study(study)
    (reading,) = found.answer.internal.readings
    answer = replace(found.answer, headline=reading.sentence)
    assert answer_section(replace(found, answer=answer)).sentences == ()
    assert answer_section(found).sentences == (reading.sentence,)
