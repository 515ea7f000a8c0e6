from __future__ import annotations

from pathlib import Path

from examwise.reporting.budget_table import budget_table
from examwise.reporting.study_files import read_study


def test_the_internal_archive_alone_and_every_mode(full_study: Path) -> None:
    rows = budget_table(read_study(full_study)).rows
    assert len(rows) == len(set(rows)) == 15
    assert [row[0] for row in rows[:4]] == ["Strong, spread"] * 3 + ["Strong, spread, fine-tuned"]
    assert rows[3][5:] == ("1", "0.90 [0.83, 0.95]")
    assert rows[-2][:4] == ("Pretext", "0", "0", "0")
