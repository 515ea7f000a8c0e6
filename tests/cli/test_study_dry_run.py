import json
from pathlib import Path

import pytest

from examwise.cli.main import main

TINY = Path(__file__).parent / "tiny_study.yaml"


@pytest.fixture(autouse=True)
def identity(tmp_path, monkeypatch):
    monkeypatch.setenv("EXAMWISE_IDENTITY", str(tmp_path / "identity"))


def test_a_dry_run_tells_the_plan_and_trains_nothing(tmp_path, capsys):
    out = tmp_path / "study"
    command = ["study", str(TINY), "--out", str(out), "--workers", "1", "--dry-run"]
    assert main([*command, "--json"]) == 0
    outline = json.loads(capsys.readouterr().out)["outline"]
    assert outline["n_runs"] == 9
    assert outline["n_done"] == 0
    assert outline["hours"] > 0
    assert {row["learner"] for row in outline["rows"]} == {"strong", "weak", "mean_hu"}
    assert not (out / "runs").exists()
    assert not (out / "plan.json").exists()
    assert main(command) == 0
    assert "Runs: 9" in capsys.readouterr().out
