from dataclasses import replace

import pytest

from examwise.core.schemas.evaluation import RATIOS
from examwise.evaluation.answer import ArchiveAnswer, Reading
from examwise.evaluation.archive_answer import ratios_by_drawing
from examwise.evaluation.fair_reading import compose_full_headline, compose_headline
from examwise.evaluation.verdict import cheaper_arm

NOT_REACHED = {"strong": None, "weak": None, "lower": None, "upper": None}
WEAK_WINS = {"strong": 9.0, "weak": 3.0, "lower": 2.0, "upper": 4.5}
STRONG_WINS = {"strong": 3.0, "weak": 9.0, "lower": 0.2, "upper": 0.5}
OPEN = {"strong": 9.0, "weak": 3.0, "lower": 0.8, "upper": 4.5}


@pytest.fixture
def study(make_ratio_row):
    """Build one archive: how slices were drawn to unit to what its ratio's row says."""

    def study(name="inside", *, is_external=False, table=(), costs_given=True, **drawings):
        rows = [
            make_ratio_row(unit, archive=name, acquisition=acquisition, **limits)
            for acquisition, by_unit in drawings.items()
            for unit, limits in by_unit.items()
        ]
        ratios = ratios_by_drawing(RATIOS.frame(rows), costs_given=costs_given)
        readings = tuple(
            Reading(drawing, "", {unit: cheaper_arm(row) for unit, row in by_unit.items()})
            for drawing, by_unit in ratios.items()
        )
        archive = ArchiveAnswer(name, is_external, 9, 4, 9, readings, tuple(table), ())
        return archive, ratios

    return study


def units(hours, actions=None, labels=None):
    return {"hours": hours, "actions": actions or hours, "labels": labels or hours}


def headline(inside, *external, once=False):
    archive, ratios = inside
    archives = [archive, *(other for other, _ in external)]
    return compose_headline(archives, ratios, target_auc=0.8, finding="any", once=once)


def test_weak_cheaper_in_every_unit_and_outside(study):
    both = {"spread": units(WEAK_WINS), "whole_exam": units(WEAK_WINS | {"strong": 5.0})}
    said = headline(
        study(**both),
        study("a", is_external=True, **both),
        study("b", is_external=True, **both),
    )
    assert said == (
        "In reader hours, exam labels were cheaper than slice labels for reaching an AUC of 0.8 "
        "for the finding 'any' on 'inside', whether slices were drawn spread over exams (slice "
        "labels took 3.00 times as many, 95% interval 2.00 to 4.50) or exam by exam (slice labels "
        "took 1.67 times as many, 95% interval 2.00 to 4.50). Counted in reader actions and "
        "labels the answer is the same. Outside, each archive for itself, in reader hours: on 'a' "
        "and 'b' the answer is the same."
    )


def test_weak_cheaper_in_labels_but_not_in_hours(study):
    said = headline(
        study(spread=units(STRONG_WINS, STRONG_WINS, WEAK_WINS)),
        study("a", is_external=True, spread=units(STRONG_WINS)),
    )
    assert said == (
        "In reader hours, slice labels were cheaper than exam labels for reaching an AUC of 0.8 "
        "for the finding 'any' on 'inside', with slices drawn spread over exams (slice labels took "
        "0.33 times as many, 95% interval 0.20 to 0.50); weak supervision (learning from exam "
        "labels alone) does not win here. Counted in labels, however, exam labels were cheaper "
        "(drawn spread over exams, slice labels took 3.00 times as many). Counted in reader "
        "actions the answer is the same. Outside, in reader hours: on 'a' the answer is the same."
    )


def test_the_ways_of_drawing_slices_disagree(study):
    said = headline(study(spread=units(WEAK_WINS), whole_exam=units(STRONG_WINS)))
    assert said.startswith(
        "In reader hours, for reaching an AUC of 0.8 for the finding 'any' on 'inside', the answer "
        "turns on how slices are drawn: with slices drawn spread over exams, exam labels were "
        "cheaper (slice labels took 3.00 times as many, 95% interval 2.00 to 4.50); with slices "
        "drawn exam by exam, slice labels were cheaper (slice labels took 0.33 times as many, "
    )
    assert "weak supervision" not in said


def test_strong_cheaper_with_whole_exams_and_nothing_told_otherwise(study):
    said = headline(study(spread=units(OPEN), whole_exam=units(STRONG_WINS, OPEN, WEAK_WINS)))
    assert "turns on" not in said
    assert "with slices drawn spread over exams, these data do not tell (slice labels" in said
    assert "with slices drawn exam by exam, slice labels were cheaper (slice labels took" in said
    assert "; weak supervision (learning from exam labels alone) does not win here." in said
    assert (
        "Counted in reader actions, however, these data do not tell (drawn spread over exams, "
        "slice labels took 3.00 times as many; exam by exam, slice labels took 3.00 times as many)."
    ) in said
    assert (
        "Counted in labels, however, with slices drawn spread over exams, these data do not tell "
        "(slice labels took 3.00 times as many); with slices drawn exam by exam, exam labels were "
        "cheaper (slice labels took 3.00 times as many)."
    ) in said


def test_nothing_told(study):
    said = headline(study(spread=units(OPEN)), study("a", is_external=True, spread=units(OPEN)))
    assert said.startswith(
        "In reader hours, these data do not tell whether slice labels or exam labels are cheaper "
        "for reaching"
    )
    assert "weak supervision (learning from exam labels alone) is not shown to win here." in said
    assert "Counted in reader actions and labels they do not tell either." in said
    assert said.endswith("Outside, in reader hours: on 'a' the data do not tell either.")


def test_neither_reached_claims_nothing_in_any_unit(study):
    said = headline(
        study(spread=units(NOT_REACHED), whole_exam=units(NOT_REACHED)),
        study("a", is_external=True, spread=units(WEAK_WINS), whole_exam=units(WEAK_WINS)),
    )
    assert said == (
        "Neither slice labels nor exam labels reached an AUC of 0.8 for the finding 'any' on "
        "'inside' with the budgets tried, so these data do not tell which are cheaper. Outside, in "
        "reader hours: on 'a' exam labels were cheaper."
    )


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"strong": None, "weak": 3.0, "lower": 2.0, "upper": None}, "slice labels did not reach"),
        ({"strong": 9.0, "weak": None, "lower": None, "upper": 0.5}, "exam labels did not reach"),
        (NOT_REACHED, "neither reached it"),
        (
            WEAK_WINS | {"strong_at_most": True, "weak_at_most": True, "ratio": None},
            "both reached it with their smallest budgets already",
        ),
        (WEAK_WINS | {"weak_at_most": True}, "slice labels took at least 3.00 times as many"),
        (OPEN | {"strong_at_most": True}, "slice labels took at most 3.00 times as many"),
    ],
)
def test_where_there_is_no_number_its_reason_stands(study, limits, words):
    said = headline(study(spread=units(limits), whole_exam=units(WEAK_WINS)))
    assert f"({words}" in said


@pytest.mark.parametrize(
    ("outside", "words"),
    [
        ({"spread": STRONG_WINS, "whole_exam": STRONG_WINS}, "the answer is the opposite: slice"),
        ({"spread": OPEN, "whole_exam": OPEN}, "the data do not tell."),
        (
            {"spread": WEAK_WINS, "whole_exam": OPEN},
            "exam labels were cheaper with slices drawn spread over exams and the data do not "
            "tell with slices drawn exam by exam.",
        ),
        ({}, "nothing can be judged."),
    ],
)
def test_external_archives_that_differ_or_do_not_tell(study, outside, words):
    inside = study(spread=units(WEAK_WINS), whole_exam=units(WEAK_WINS))
    by_unit = {drawing: units(limits) for drawing, limits in outside.items()}
    said = headline(inside, study("a", is_external=True, **by_unit))
    assert f"Outside, in reader hours: on 'a' {words}" in said


def test_archives_that_say_alike_are_named_together(study):
    inside = study(spread=units(OPEN))
    others = [
        study(name, is_external=True, spread=units(limits))
        for name, limits in (("a", WEAK_WINS), ("b", OPEN), ("c", WEAK_WINS))
    ]
    assert headline(inside, *others).endswith(
        "Outside, each archive for itself, in reader hours: on 'a' and 'c' exam labels were "
        "cheaper; on 'b' the data do not tell either."
    )


def test_no_external_archive_is_said(study):
    assert headline(study(spread=units(WEAK_WINS))).endswith(
        "No other archive was tested, so whether this holds elsewhere is not known."
    )


def test_without_costs_actions_lead(study):
    said = headline(study(costs_given=False, spread=units(WEAK_WINS, OPEN, WEAK_WINS)))
    assert said.startswith("In reader actions, these data do not tell")
    assert "Counted in labels, however, exam labels were cheaper" in said
    assert "hours" not in said


@pytest.mark.parametrize("limits", [WEAK_WINS, STRONG_WINS])
def test_one_draw_of_labels_is_called_one_draw(study, limits):
    inside = study(spread=units(limits))
    words = "on 'inside' in the one draw of labels that was tried"
    assert words in headline(inside, once=True)
    assert words not in headline(inside)


def test_a_target_reached_without_any_label_is_said(study):
    free = {"mode": "label_free", "label_kind": "none"}
    table = [
        free | {"learner": "pretext", "auc": 0.8},
        free | {"learner": "mean_hu", "auc": 0.79},
        {"mode": "budgeted", "label_kind": "exam", "learner": "weak", "auc": 0.9},
    ]
    said = headline(study(table=table, spread=units(WEAK_WINS)))
    assert said.endswith(
        "But the target says little about labels, since it is reached without any: the pretrained "
        "encoder's own score has an AUC of 0.800."
    )
    assert "without any" not in headline(study(table=table[1:], spread=units(WEAK_WINS)))


@pytest.mark.parametrize(
    ("kinds", "missing"),
    [(["exam"], "slice labels"), (["slice"], "exam labels"), ([], "slice labels or exam labels")],
)
def test_a_study_without_one_arm_says_so(study, kinds, missing):
    table = [
        {"mode": "budgeted", "label_kind": kind, "learner": kind, "auc": 0.9} for kind in kinds
    ]
    said = headline(study(table=table), study("a", is_external=True))
    assert said == (
        f"This study has no runs with {missing}, so it compares nothing for an AUC of 0.8 for the "
        "finding 'any'."
    )


def test_runs_of_both_kinds_of_labels_but_not_of_the_learners_compared(study):
    rows = [{"mode": "budgeted", "label_kind": kind} for kind in ("slice", "exam")]
    assert headline(study(table=rows)).startswith("This study has no two learners to compare, so")


def test_the_full_answer_has_words_of_its_own(study):
    def full(name, limits, **options):
        archive, ratios = study(name, spread=units(limits), **options)
        tuned = tuple(replace(reading, mode="fine_tuned") for reading in archive.readings)
        return replace(archive, readings=tuned), ratios

    inside, ratios = full("inside", STRONG_WINS)
    outside, _ = full("a", WEAK_WINS, is_external=True)
    first, first_ratios = study("inside", spread=units(WEAK_WINS))
    both = replace(inside, readings=(*first.readings, *inside.readings))
    asked = {"target_auc": 0.8, "finding": "any", "once": False}
    said = compose_full_headline([both, outside], ratios, **asked)
    assert said.startswith(
        "With the encoder trained on as well, in reader hours, slice labels were cheaper than exam "
        "labels for reaching an AUC of 0.8"
    )
    assert said.endswith(
        "Outside, in reader hours: on 'a' the answer is the opposite: exam labels were cheaper."
    )
    assert "exam labels were cheaper than slice" in compose_headline([both], first_ratios, **asked)
    assert compose_full_headline([first], {}, **asked) is None
    assert "elsewhere" not in compose_full_headline([both], ratios, **asked)
