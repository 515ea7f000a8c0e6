"""Fixtures that several layers' tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from examwise.core.schemas.findings import FINDINGS
from examwise.core.stage import Stage
from examwise.imaging.store_writer import ExamContent, StoreWriter, finish_store

DATA_VARIABLE = "EXAMWISE_TEST_DATA"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real CT files, described in docs/testing.md."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"no real CT files: {DATA_VARIABLE} names no folder")
    return Path(folder)


StoreFactory = Callable[..., str]


@pytest.fixture(scope="session")
def make_store() -> StoreFactory:
    """Return a function that writes a small exam store and returns its URL.

    Exams are noise around 30 HU; a positive slice has a bright square. Exam ``i`` belongs to
    patient ``i // exams_per_patient``; every third exam is positive on its middle slices.
    """

    def make(
        url: str | Path,
        *,
        n_exams: int = 12,
        n_slices: int = 6,
        matrix: int = 32,
        seed: int = 0,
        exams_per_patient: int = 1,
    ) -> str:
        stage = Stage.begin(
            url, kind="exam-store", configuration={"n_exams": n_exams}, inputs={}, seed=seed
        )
        writer = StoreWriter(url)
        generator = np.random.default_rng(seed)
        for number in range(n_exams):
            exam_id = f"e{number:04d}"
            slices = n_slices + number % 3
            pixels = generator.normal(30, 6, (slices, matrix, matrix))
            positive = np.zeros(slices, bool)
            if number % 3 == 0:
                positive[slices // 3 : slices // 3 + 2] = True
                low = matrix // 4
                pixels[positive, low : 2 * low, low : 2 * low] += 35
            labels = [
                {
                    "exam_id": exam_id,
                    "slice_start": index,
                    "slice_stop": index + 1,
                    "finding": finding,
                    "value": int(positive[index] and finding in ("any", "subdural")),
                    "source": "test",
                    "reader": None,
                    "seconds": None,
                    "round": 0,
                }
                for index in range(slices)
                for finding in FINDINGS
            ]
            writer.write_exam(
                ExamContent(
                    exam={
                        "exam_id": exam_id,
                        "patient_key": f"p{number // exams_per_patient:04d}",
                        "archive": "test",
                        "n_slices": slices,
                        "rows": matrix,
                        "columns": matrix,
                        "source_rows": matrix,
                        "source_columns": matrix,
                        "row_spacing_mm": 1.0,
                        "column_spacing_mm": 1.0,
                        "slice_spacing_mm": 5.0,
                        "regular": True,
                        "gantry_tilt_degree": 0.0,
                        "affine": np.diag([1.0, 1.0, 5.0, 1.0]).ravel().tolist(),
                        "thickness_mm": 5.0,
                        "kernel": None,
                        "scanner_group": None,
                        "lossy": False,
                        "data_terms": "synthetic",
                    },
                    pixels_hu=pixels.astype(np.int16),
                    positions_mm=np.arange(slices) * 5.0,
                    labels=labels,
                )
            )
        finish_store(stage)
        return str(url)

    return make
