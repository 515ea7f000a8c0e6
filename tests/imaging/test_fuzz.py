"""Some hundreds of damaged files; benchmarks/fuzz.py reads twenty thousand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"
N_FILES = 400


@pytest.mark.skipif(sys.platform != "linux", reason="watches memory by /proc")
@pytest.mark.slow
def test_damaged_files_are_refused_or_decode_as_elsewhere(tmp_path: Path) -> None:
    words = [sys.executable, FUZZ, "--files", str(N_FILES), "--workers", "1", "--json"]
    done = subprocess.run([*words, "--keep", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    found = json.loads(done.stdout)
    results = found["results"]
    assert found["wrong"] == []
    assert sum(results.values()) == N_FILES
    # The damage is neither too little nor too much to show anything.
    assert 0.4 * N_FILES < results["refused"] < 0.9 * N_FILES
    assert results["as reference"] > 30  # without dcmtk those of NIfTI alone
    assert len(found["reasons"]) > 8
    assert found["largest_peak_mib"] < 512
