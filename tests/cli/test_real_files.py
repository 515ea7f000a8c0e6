"""Every folder of real files comes in as docs/archives.md says."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from examwise.cli.main import main

COMES_IN = {
    ("ge_head_series", "one"): (1, 28, {}),
    ("ge_head_series", "every"): (1, 28, {}),
    ("philips_tilt_series", "every"): (1, 54, {}),
    ("tilted_four_slices", "every"): (1, 4, {}),
    ("templates", "every"): (1, 91, {}),
    ("chest_ct_encodings", "every"): (1, 1, {"not_ct": 2, "repeated_position": 3}),
    ("ct_transfer_syntaxes", "every"): (2, 2, {"repeated_position": 5}),
}
STAYS_OUT = {
    ("chest_ct_encodings", "one"): "2 not_ct, 4 too_few_slices",
    ("cq500_masks", "every"): "104 not_dicom",
    ("cq500_slices", "every"): "2 not_dicom",
    ("ct_transfer_syntaxes", "one"): "7 too_few_slices",
    ("multiframe_ct", "every"): "2 not_hu",
    ("philips_mixed_series", "every"): "3 colour, 4 localizer",
    ("philips_tilt_series", "one"): "54 not_head",
    ("templates", "one"): "1 not_head",
    ("tilted_four_slices", "one"): "4 too_few_slices",
}


def words(source: Path, select: str, place: Path) -> list[str]:
    options = ["--identity", str(place / "identity"), "--workers", "1", "--ingest.matrix", "64"]
    store = str(place / "store")
    return ["ingest", "folder", str(source), store, *options, "--ingest.series.select", select]


@pytest.mark.parametrize(("folder", "select"), COMES_IN)
def test_what_comes_in(real_data, folder, select, tmp_path, capsys) -> None:
    n_exams, n_slices, reasons = COMES_IN[folder, select]
    status = main([*words(real_data / folder, select, tmp_path), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["n_exams"], found["n_slices"]) == (n_exams, n_slices)
    assert {**found["left_out"], **found["set_aside"]} == reasons
    assert status == (3 if found["set_aside"] else 0)
    files = pl.read_parquet(tmp_path / "store" / "files.parquet")
    assert files.height == sum(path.is_file() for path in (real_data / folder).rglob("*"))
    series = pl.read_parquet(tmp_path / "store" / "series.parquet")
    assert series.filter(pl.col("status") == "used").height == n_exams


@pytest.mark.parametrize(("folder", "select"), STAYS_OUT)
def test_what_stays_out(real_data, folder, select, tmp_path, capsys) -> None:
    assert main(words(real_data / folder, select, tmp_path)) == 2
    assert f"files refused as: {STAYS_OUT[folder, select]};" in capsys.readouterr().err
    assert not (tmp_path / "store" / "manifest.json").exists()
