from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from examwise.reporting.slice_section import against_position, slice_section
from examwise.reporting.study_files import read_study


def row(auc: float | None, half: float = 0.05) -> dict[str, float | None]:
    if auc is None:
        return {"auc": None, "auc_lower": None, "auc_upper": None}
    return {"auc": auc, "auc_lower": auc - half, "auc_upper": auc + half}


@pytest.mark.parametrize(
    ("own", "position", "expected"),
    [
        (0.9, 0.7, "better"),
        (0.75, 0.7, "higher, intervals overlap"),
        (0.7, 0.7, "does not beat it"),
        (0.6, 0.7, "does not beat it"),
        (None, 0.7, "undefined"),
        (0.9, None, "no position row"),
    ],
)
def test_against_position(own: float | None, position: float | None, expected: str) -> None:
    assert against_position(row(own), row(position)) == expected


@pytest.mark.parametrize(
    ("attention_auc", "word"), [(0.6, "does not find"), (0.74, "do not settle it"), (0.95, None)]
)
def test_callouts(
    make_study: Callable, tmp_path: Path, attention_auc: float, word: str | None
) -> None:
    study = make_study(tmp_path / "study", attention_auc=attention_auc)
    section = slice_section(read_study(study))
    assert len(section.callouts) == (0 if word is None else 1)
    assert all(word in said for said in section.callouts if word)
    rows = {cells[:2]: cells[2:] for cells in section.table.rows}
    assert [cells[1] for cells in section.table.rows if cells[0] == "Weak"] == [
        "slice probability",
        "attention weight",
    ]
    position = {cells[1] for cells in rows.values()}
    assert position == {"0.72 [0.66, 0.78]"}
    assert section.table.caption.endswith("112 labelled slices, 10 positive")


def test_every_arm_has_a_row_beside_position(full_study: Path) -> None:
    section = slice_section(read_study(full_study))
    assert list(dict.fromkeys(cells[0] for cells in section.table.rows)) == [
        "Strong, spread",
        "Strong, spread, fine-tuned",
        "Strong, exam by exam",
        "Weak",
        "Weak, fine-tuned",
        "Pooled",
        "Position only",
        "Pretext",
        "Mean HU",
    ]
    assert {cells[3] for cells in section.table.rows} == {"0.72 [0.66, 0.78]"}
    assert all(said.startswith("Weak") for said in section.callouts)
