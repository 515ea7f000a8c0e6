import json
from dataclasses import replace

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
    assert set(found) == {"headline", "full_headline", "finding", "target_auc", "archives"}
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


def test_the_full_answer_comes_back():
    reading = Reading("spread", "So.", {"labels": "weak"}, "fine_tuned")
    inside = replace(ANSWER.internal, readings=(*ANSWER.internal.readings, reading))
    answer = replace(ANSWER, archives=(inside, *ANSWER.external), full_headline="The same.")
    again = Answer.from_json(answer.to_json())
    assert again == answer
    assert again.internal.readings_of("fine_tuned") == (reading,)
    assert again.internal.readings_of("budgeted") == ANSWER.internal.readings


def test_an_answer_without_modes_is_a_first_one():
    found = json.loads(ANSWER.to_json())
    del found["full_headline"]
    for archive in found["archives"]:
        for reading in archive["readings"]:
            del reading["mode"]
    assert Answer.from_json(json.dumps(found)) == ANSWER


def test_an_unknown_mode_is_refused():
    with pytest.raises(SchemaError):
        Answer.from_json(ANSWER.to_json().replace('"budgeted"', '"label_free"'))
