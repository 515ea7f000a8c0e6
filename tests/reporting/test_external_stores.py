from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.core.progress import SilentProgress
from examwise.reporting.report import write_report
from examwise.reporting.study_files import read_study


def test_stores_stand_in_the_order_of_the_answer(full_study: Path) -> None:
    stores = [full_study / "external/2/store", full_study / "external/1/store"]
    for urls in ((), stores):
        found = read_study(full_study, external=urls)
        assert [store.archive for store in found.external] == ["elsewhere", "far-away"]


def test_stores_elsewhere(full_study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(full_study, tmp_path / "study")
    before = write_report(copy, progress=SilentProgress()).read_bytes()
    shutil.move(copy / "external/1/store", tmp_path / "one")
    with pytest.raises(InputError, match="expected elsewhere, far-away, got far-away"):
        read_study(copy)
    moved = [tmp_path / "one", copy / "external/2/store"]
    assert write_report(copy, external=moved, progress=SilentProgress()).read_bytes() == before


def test_a_store_of_another_archive(full_study: Path) -> None:
    with pytest.raises(InputError, match="--external-store"):
        read_study(full_study, external=[full_study / "store"])
