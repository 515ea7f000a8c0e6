from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest

from examwise.core.executors import make_executor
from examwise.core.progress import SilentProgress
from examwise.phantom.archive import PhantomSummary, make_phantom_archive
from examwise.phantom.config import PhantomConfig
from examwise.phantom.layouts import USUAL_HOSPITALS


@dataclass(frozen=True)
class Made:
    folder: Path
    config: PhantomConfig
    summary: PhantomSummary


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("phantom") / "archive"
    config = PhantomConfig(n_exams=24, matrix=24, max_slices=26, prevalence=0.8, seed=5)
    summary = make_phantom_archive(
        folder, config, executor=make_executor(1), progress=SilentProgress()
    )
    return Made(folder, config, summary)


def _make(folder: Path, layout: str) -> Made:
    config = PhantomConfig(
        n_exams=10,
        hospital=USUAL_HOSPITALS[layout],
        matrix=24,
        min_slices=4,
        max_slices=9,
        further_series=0.6,
        prevalence=0.7,
        seed=2,
    )
    summary = make_phantom_archive(
        folder, config, layout=layout, executor=make_executor(1), progress=SilentProgress()
    )
    return Made(folder, config, summary)


@pytest.fixture(scope="session")
def cq500_archive(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return _make(tmp_path_factory.mktemp("cq500") / "archive", "cq500")


@pytest.fixture(scope="session")
def ct_ich_archive(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return _make(tmp_path_factory.mktemp("ct-ich") / "archive", "ct-ich")


@pytest.fixture
def lenient_pydicom(monkeypatch: pytest.MonkeyPatch) -> None:
    # The layout's identifiers are no valid UIDs; pydicom would warn about each.
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.IGNORE)
