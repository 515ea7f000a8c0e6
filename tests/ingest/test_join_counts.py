from __future__ import annotations

from pathlib import Path

import examwise.ingest
from examwise.cli.summary_text import ingest_text
from examwise.ingest.join_counts import (
    EXAMPLES_WANTED,
    HEADINGS,
    JOIN_COUNTS,
    MOST_EXAMPLES,
    SET_ASIDE,
    examples_of,
)
from examwise.ingest.summary import IngestSummary


def test_every_count_is_counted_somewhere_and_said_in_words() -> None:
    folder = Path(examwise.ingest.__path__[0])
    texts = [p.read_text() for p in folder.glob("*.py") if p.name != "join_counts.py"]
    for code, words in JOIN_COUNTS.items():
        assert any(f'"{code}"' in text for text in texts), code
        assert words[0].islower()
    assert JOIN_COUNTS.keys() >= EXAMPLES_WANTED | SET_ASIDE


def test_examples_are_few() -> None:
    assert len(examples_of(range(100), "a")) == MOST_EXAMPLES


def test_counts_end_the_import_in_words() -> None:
    counts = {"boxes_joined": 1200, "boxes_malformed": 2}
    examples = {"boxes_malformed": ["box file, row 4"]}
    summary = IngestSummary(3, 9, 2, 9, 9, joined=counts, examples=examples)
    lines = ingest_text(summary, "store").splitlines()
    assert f"Joined: 1,200 {JOIN_COUNTS['boxes_joined']}" in lines
    assert f"Not joined: 2 {JOIN_COUNTS['boxes_malformed']} (such as box file, row 4)" in lines
    assert HEADINGS["exams_withdrawn"] == "Passed over"
    assert HEADINGS.keys() == JOIN_COUNTS.keys()
    assert summary.has_set_aside
    assert not IngestSummary(3, 9, 2, 9, 9).has_set_aside
