from examwise.cli.answer_text import answer_text
from examwise.evaluation.answer import Answer

ROW = {
    "learner": "weak",
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


def lines(*rows):
    return answer_text(Answer("It depends.", "any", 0.8, rows, ("Be careful.",))).splitlines()


def test_table_sentence_and_cautions():
    text = lines(ROW)
    assert text[0].split() == [
        "learner", "bought", "labels", "exams", "opened", "actions", "hours", "exam", "AUC",
        "[95%]",
    ]  # fmt: skip
    assert text[1].split() == [
        "weak", "exams", "1,200", "1,200", "1,200", "21.0", "0.851", "[0.800,", "0.900]",
    ]  # fmt: skip
    assert text[3:] == ["It depends.", "", "- Be careful."]


def test_missing_values_are_said_or_left_out():
    text = lines({**ROW, "hours": None, "auc": None}, {**ROW, "auc_lower": None})
    assert text[1].endswith("undefined")
    assert "21.0" not in text[1]
    assert text[2].endswith("0.851 [undefined]")


def test_columns_are_aligned():
    text = lines(ROW, {**ROW, "learner": "strong", "labels": 5})
    assert len({len(line) for line in text[:3]}) == 1
