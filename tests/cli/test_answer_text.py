from dataclasses import replace

from examwise.cli.answer_text import answer_text
from examwise.evaluation.answer import Answer, ArchiveAnswer, Reading

ROW = {
    "learner": "weak",
    "mode": "budgeted",
    "acquisition": "exam",
    "label_kind": "exam",
    "labels": 1200,
    "exams_opened": 1200.0,
    "actions": 1200.0,
    "hours": 21.04,
    "repeats": 3,
    "auc": 0.8512,
    "auc_lower": 0.8,
    "auc_upper": 0.9,
}
SPREAD = {**ROW, "learner": "strong", "acquisition": "spread", "label_kind": "slice"}
NOTHING = {**ROW, "mode": "label_free", "acquisition": "none", "label_kind": "none"}
NOTHING |= {"learner": "mean_hu", "labels": 0, "actions": 0.0, "hours": 0.0, "auc": 0.6}
INSIDE = ArchiveAnswer("here", False, 1400, 450, 1300, (), (ROW,), ("Be careful.",))
OUTSIDE = ArchiveAnswer("there", True, 100, 40, 99, (), (ROW,), ("Few exams.",))


def lines(*archives):
    return answer_text(Answer("It depends.", "any", 0.8, archives)).splitlines()


def table(*rows):
    return lines(replace(INSIDE, table=rows, cautions=()))[3:]


def test_sentence_first_then_table_and_cautions():
    text = lines(INSIDE)
    assert text[:3] == [
        "It depends.",
        "",
        "Inside, here (1,400 test exams of 1,300 patients, 450 positive):",
    ]
    assert text[3].split() == [
        "learner", "labels", "of", "labels", "actions", "hours", "exam", "AUC", "[95%]",
    ]  # fmt: skip
    assert text[4].split() == [
        "weak", "exams", "1,200", "1,200", "21.0", "0.851", "[0.800,", "0.900]",
    ]  # fmt: skip
    assert text[5:] == ["", "- Be careful."]


def test_missing_values_are_said_or_left_out():
    text = table({**ROW, "hours": None, "auc": None}, {**ROW, "auc_lower": None})
    assert text[1].endswith("undefined")
    assert "21.0" not in text[1]
    assert text[2].endswith("0.851 [undefined]")


def test_columns_are_aligned_and_what_the_answer_is_about_comes_first():
    tuned = {**SPREAD, "labels": 5, "mode": "fine_tuned"}
    text = table(NOTHING, {**ROW, "learner": "pooled"}, tuned, SPREAD, ROW)
    assert len({len(line) for line in text}) == 1
    assert [line.split()[0] for line in text[1:]] == [
        "strong", "weak", "strong,", "pooled", "mean_hu",
    ]  # fmt: skip
    assert text[3].startswith("strong, fine-tuned  slices, spread")
    assert text[5].startswith("mean_hu             nothing ")


SPREAD_READING = Reading("spread", "Long.", {"hours": "strong", "labels": "weak"})
WHOLE_READING = Reading("whole_exam", "Long.", {"hours": None, "labels": "weak"})


def outside(*readings, table=(ROW,)):
    return lines(INSIDE, replace(OUTSIDE, readings=readings, table=table))[6]


def test_an_external_archive_is_one_line():
    rows = (NOTHING, {**SPREAD, "labels": 10, "auc": 0.7}, SPREAD, ROW, {**ROW, "labels": 9})
    assert outside(SPREAD_READING, WHOLE_READING, table=rows) == (
        "Outside, there (100 test exams of 99 patients, 40 positive): "
        "strong (slices, spread) 0.851 [0.800, 0.900]; weak (exams) 0.851 [0.800, 0.900]. "
        "Slices spread over exams: slice labels were cheaper in hours. "
        "Slices of whole exams: which labels were cheaper in hours cannot be told."
    )


def test_what_both_ways_of_drawing_say_is_said_once():
    either = outside(SPREAD_READING, replace(WHOLE_READING, cheaper={"hours": "strong"}))
    assert either.endswith(". Slices drawn either way: slice labels were cheaper in hours.")
    assert outside().endswith("positive): weak (exams) 0.851 [0.800, 0.900].")


def test_cautions_of_external_archives_are_written_out_up_to_two():
    assert lines(INSIDE, OUTSIDE)[8:] == ["- Be careful.", "- there: Few exams."]
    many = replace(OUTSIDE, cautions=("One.", "Two.", "Three.", "Four."))
    assert lines(INSIDE, many)[9:] == [
        "- there: One.",
        "- there: Two.",
        "- there: 2 more, in the report.",
    ]


def test_an_external_archive_that_can_judge_nothing_is_a_sentence_all_the_same():
    assert outside(table=()).endswith("40 positive): nothing to compare.")


def test_the_full_answer_follows_the_first():
    full = "With the encoder trained on as well, the same."
    answer = Answer("It depends.", "any", 0.8, (INSIDE,), full_headline=full)
    first, second, *_ = answer_text(answer).split("\n\n")
    assert first == "It depends."
    assert second == "With the encoder trained on as well, the same."
