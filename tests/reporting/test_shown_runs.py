from __future__ import annotations

from pathlib import Path

from examwise.reporting.shown_runs import full_budget_runs, strip_runs
from examwise.reporting.study_files import read_study


def test_runs_of_a_plain_study(study: Path) -> None:
    found = read_study(study)
    runs = ["strong-480-0", "weak-100-0"]
    assert [run.run_id for run in full_budget_runs(found)] == runs
    assert [run.run_id for run in strip_runs(found)] == runs
    assert [run.place for run in strip_runs(found)] == [0, 1]


def test_runs_of_a_study_of_everything(full_study: Path) -> None:
    found = read_study(full_study)
    shown = full_budget_runs(found)
    assert [(run.run_id, run.budget) for run in shown] == [
        ("strong-480-0", 480),
        ("strong-480-0-fine-tuned", 480),
        ("strong-whole-480-0", 480),
        ("weak-100-0", 100),
        ("weak-100-0-fine-tuned", 100),
        ("pooled-100-0", 100),
        ("position-480-0", 480),
        ("pretext-0-0", 0),
        ("mean_hu-0-0", 0),
    ]
    assert [run.is_main for run in shown] == [True] * 5 + [False] * 4
    assert [(run.name, run.run_id) for run in strip_runs(found)] == [
        ("Strong", "strong-480-0-fine-tuned"),
        ("Weak", "weak-100-0-fine-tuned"),
    ]
