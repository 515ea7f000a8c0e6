from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.manifest import read_manifest

CANARY = "Zqxj"


@pytest.fixture
def confidential(tmp_path: Path, write_series) -> Path:
    """An archive in which everything that may identify anybody holds a canary."""
    source = tmp_path / f"{CANARY}_source"
    elements = {
        "patient": f"{CANARY}-PID",
        "study": f"1.2.{CANARY}.1",
        "series": f"1.2.{CANARY}.2",
        "SOPInstanceUID": f"1.2.{CANARY}.3",
        "PatientName": f"{CANARY}^Jane",
        "PatientBirthDate": "19770717",
        "StudyDate": "19770718",
        "AccessionNumber": f"{CANARY}-ACC",
        "InstitutionName": f"{CANARY} Hospital",
        "StationName": f"{CANARY}-ST",
        "Manufacturer": f"{CANARY} make",
        "ManufacturerModelName": f"{CANARY} model",
        "ConvolutionKernel": f"{CANARY} Jane Doe",
        "ImageComments": f"{CANARY} comment",
        "FrameOfReferenceUID": f"1.2.{CANARY}.4",
        "PhysiciansOfRecord": f"{CANARY}^Doc",
    }
    folder = source / f"{CANARY}^Jane"
    write_series(folder / f"{CANARY}-a", 3, **elements)
    broken = write_series(folder / f"{CANARY}-b", 2, **{**elements, "series": f"1.2.{CANARY}.9"})
    for path in broken[:1]:
        path.write_bytes(path.read_bytes()[:-9])
    (folder / f"{CANARY}.txt").write_text("notes")
    (source / f"{CANARY}.csv").write_text(f"path,any\n{CANARY}^Jane/{CANARY}-a,1\n")
    return source


def everything_in(store: Path) -> str:
    texts = [str(path.relative_to(store)) for path in store.rglob("*")]
    for path in store.rglob("*"):
        if path.is_file():
            texts.append(path.read_bytes().decode("latin-1"))
        if path.suffix == ".parquet":
            texts.append(json.dumps(pl.read_parquet(path).to_dicts(), default=str))
            texts.append(str(pl.read_parquet_metadata(path)))
    return "\n".join(texts)


def test_store_holds_nothing_that_identifies(
    confidential: Path, tmp_path: Path, run, identity, capfd, monkeypatch
) -> None:
    labels = confidential / f"{CANARY}.csv"
    monkeypatch.setattr(
        sys, "argv", ["examwise", "ingest", "folder", str(confidential), f"--labels={labels}"]
    )
    summary = run("folder", confidential, labels=labels)
    assert summary.n_exams == 2
    assert summary.n_labels == 1
    found = everything_in(tmp_path / "store")
    assert "exam_id" in found
    for secret in (CANARY, "1977071", "Jane", "-PID"):
        assert secret.lower() not in found.lower()
    output = capfd.readouterr()
    assert CANARY not in output.out + output.err
    walk = identity.read_crosswalk(
        read_manifest(tmp_path / "store", kind="exam-store").configuration["store_id"]
    )
    assert walk.height == summary.n_files == 6
    assert walk["patient_id"].drop_nulls().unique().to_list() == [f"{CANARY}-PID"]


def test_errors_hold_no_header_content(tmp_path: Path, run, write_series, caplog) -> None:
    source = tmp_path / "source"
    write_series(
        source, 2, patient=CANARY, study=CANARY, Modality="MR", StudyDate=CANARY, PixelSpacing=None
    )
    with pytest.raises(InputError) as caught:
        run("folder", source)
    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert all(CANARY not in str(error) for error in chain)
    assert CANARY not in caplog.text


def test_key_and_crosswalk_are_private(confidential: Path, tmp_path: Path, run, identity) -> None:
    old = os.umask(0)
    try:
        run("folder", confidential)
    finally:
        os.umask(old)
    files = [path for path in identity.folder.rglob("*") if path.is_file()]
    folders = [identity.folder, *(p for p in identity.folder.rglob("*") if p.is_dir())]
    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
