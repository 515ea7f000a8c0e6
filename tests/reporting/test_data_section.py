from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from examwise.reporting.data_section import data_section, terms_words
from examwise.reporting.study_files import read_study


def with_key(study: Path, key: str | None) -> None:
    """Write the fingerprint of a key into the manifests of all stores of a study."""
    for path in (study / "store", *sorted(study.glob("external/*/store"))):
        manifest = json.loads((path / "manifest.json").read_text())
        manifest["configuration"]["key_id"] = key
        (path / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("key", "said"),
    [(None, "cannot be told from them"), ("k", "patients of external archives are among them")],
)
def test_patients_in_two_archives(
    full_study: Path, tmp_path: Path, key: str | None, said: str
) -> None:
    copy = shutil.copytree(full_study, tmp_path / "study")
    with_key(copy, key)
    assert said in data_section(read_study(copy)).paragraphs[-1]


def test_test_part_of_an_external_store_alone_is_counted(full_study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(full_study, tmp_path / "study")
    with_key(copy, "k")
    own = read_study(copy)
    exams = own.external[0].stored.exams.select("exam_id", "patient_key")
    learned = own.splits.filter(pl.col("split") != "test")["patient_key"].to_list()
    part = pl.when(pl.col("patient_key").is_in(learned)).then(pl.lit("train"))
    splits = exams.with_columns(part.otherwise(pl.lit("test")).alias("split"))
    for number in (1, 2):
        splits.write_parquet(copy / f"external/{number}/store/splits.parquet")
    section = data_section(read_study(copy))
    assert "No test patient of an external archive is among them" in section.paragraphs[-1]
    n_tested = splits.filter(pl.col("split") == "test").height
    assert 0 < n_tested < exams.height
    assert section.tables[0].rows[-1][2] == str(n_tested)


def test_every_archive_is_described(full_study: Path) -> None:
    section = data_section(read_study(full_study))
    assert section.paragraphs[0].startswith("The exams are synthetic")
    assert "The archive “test” has 24 exams" in section.paragraphs[0]
    assert section.paragraphs[1].startswith("Tested on only: the archive “elsewhere” has 9 exams")
    assert terms_words(read_study(full_study)).startswith("Data: synthetic. Models")
