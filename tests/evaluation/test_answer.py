import json

import pytest

from examwise.core.errors import SchemaError
from examwise.evaluation.answer import Answer, ArchiveAnswer, Reading


def archive(name="here", *, is_external=False):
    readings = (
        Reading("spread", "One way.", {"hours": "weak", "actions": None, "labels": None}),
        Reading("whole_exam", "The other.", {"hours": "strong", "labels": "weak"}),
    )
    table = ({"learner": "weak", "auc": 0.8, "hours": None},)
    return ArchiveAnswer(name, is_external, 400, 160, 390, readings, table, ("Careful.",))


ANSWER = Answer("It depends.", "any", 0.8, (archive(), archive("there", is_external=True)))


def test_json_round_trip_keeps_the_order_of_units():
    again = Answer.from_json(ANSWER.to_json())
    assert again.headline == ANSWER.headline
    assert again.internal.table == ANSWER.internal.table
    assert [found.archive for found in again.external] == ["there"]
    assert list(again.internal.readings[0].cheaper) == ["hours", "actions", "labels"]
    assert again == ANSWER
    assert again.to_json() == ANSWER.to_json()


def test_json_holds_every_archive():
    found = json.loads(ANSWER.to_json())
    assert set(found) == {"headline", "finding", "target_auc", "archives"}
    assert set(found["archives"][0]) == {
        "archive",
        "is_external",
        "n_exams",
        "n_positive",
        "n_patients",
        "readings",
        "table",
        "cautions",
    }


def changed(**columns):
    found = json.loads(ANSWER.to_json())
    found["archives"][0] |= columns
    return json.dumps(found)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"headline": "x"}',
        '{"headline": "x", "finding": "any", "target_auc": 0.8, "archives": []}',
        changed(is_external=True),
        changed(readings=[{"acquisition": "spread", "sentence": "x", "cheaper": {"hours": "us"}}]),
        changed(readings=[{"acquisition": "spread", "sentence": "x", "cheaper": {"beans": None}}]),
        changed(readings=[{"acquisition": "spread", "sentence": "x", "cheaper": 3}]),
        changed(n_exams="many"),
    ],
)
def test_what_is_no_answer_is_refused(text):
    with pytest.raises(SchemaError, match="an answer in JSON"):
        Answer.from_json(text)
