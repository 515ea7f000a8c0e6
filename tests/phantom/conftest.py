from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest

from examwise.core.executors import make_executor
from examwise.core.progress import SilentProgress
from examwise.phantom.archive import PhantomSummary, make_phantom_archive
from examwise.phantom.config import PhantomConfig


@dataclass(frozen=True)
class Made:
    folder: Path
    config: PhantomConfig
    summary: PhantomSummary


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("phantom") / "archive"
    config = PhantomConfig(n_exams=60, matrix=32, seed=5)
    summary = make_phantom_archive(
        folder, config, executor=make_executor(1), progress=SilentProgress()
    )
    return Made(folder, config, summary)


@pytest.fixture
def lenient_pydicom(monkeypatch: pytest.MonkeyPatch) -> None:
    # The layout's identifiers are no valid UIDs; pydicom would warn about each.
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.IGNORE)
