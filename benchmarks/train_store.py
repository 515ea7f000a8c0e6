"""Synthetic exams for `train.py`: an exam store, and the same pixels as files of PyTorch.

Heads are ellipses with smooth noise within and a skull around: they compress, and cost, about what
real ones do, and are made in no time.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from examwise.core.randomness import generator
from examwise.core.schemas.run import LABEL_SET
from examwise.core.stage import Stage
from examwise.core.task import SeriesRule, Task
from examwise.data.label_kind import LabelKind
from examwise.data.label_set import LabelSet
from examwise.data.splits import give_split
from examwise.imaging.store_writer import ExamContent, StoreWriter, finish_store

FINDING = "any"
_TASK = Task("synthetic", (FINDING,), 40.0, 80.0, series=SeriesRule(kernel="any"))
_COARSE = 16
"""Pixels of the matrix to one of the smooth noise."""
_GRAIN_HU = 8


def head(exam: int, n_slices: int, side: int) -> npt.NDArray[np.int16]:
    """Return a synthetic exam, HU, shape (n_slices, side, side)."""
    stream = generator(0, "synthetic head", exam)
    coarse = max(2, side // _COARSE)
    smooth = stream.normal(35, 12, (n_slices, coarse, coarse)).astype(np.float32)
    fine = torch.nn.functional.interpolate(
        torch.from_numpy(smooth)[:, None], size=(side, side), mode="bilinear"
    )[:, 0].numpy()
    grain = stream.normal(0, _GRAIN_HU, (side, side)).astype(np.float32)
    row, column = np.mgrid[:side, :side] / (side - 1) * 2 - 1
    radius = np.hypot(row / 0.85, column / 0.7)
    image = np.where(radius < 0.9, fine + grain, np.float32(1000))
    return np.where(radius < 1, image, np.float32(-1000)).astype(np.int16)


def write_store(url: Path, *, exams: int, slices: int, side: int) -> None:
    """Write exams as a store; every other one has the finding, in its first slice."""
    stage = Stage.begin(
        url, kind="exam-store", configuration={"task": asdict(_TASK)}, inputs={}, seed=None
    )
    writer = StoreWriter(url)
    for exam in range(exams):
        writer.write_exam(_content(exam, head(exam, slices, side)))
    finish_store(stage)
    split = url.with_name(f"{url.name}-split.csv")
    names = [exam_name(exam) for exam in range(exams)]
    pl.DataFrame({"exam_id": names, "split": ["train"] * exams}).write_csv(split)
    give_split(url, split, finding=FINDING)


def label_set(kind: LabelKind, *, exams: int, slices: int) -> LabelSet:
    """Return all labels of such a store, for training."""
    per_exam = range(slices) if kind == "slice" else [None]
    rows = [
        {"exam_id": exam_name(exam), "slice_index": index, "part": "train"}
        for exam in range(exams)
        for index in per_exam
    ]
    return LabelSet(kind, LABEL_SET.frame(rows))


def write_torch_files(folder: Path, *, exams: int, slices: int, side: int) -> None:
    """Write the same pixels as the published code keeps them: ``.pt`` an exam, ``.npy`` a slice."""
    folder.mkdir()
    for exam in range(exams):
        pixels = head(exam, slices, side)
        torch.save(torch.from_numpy(pixels), folder / f"{exam_name(exam)}.pt")
        for index, image in enumerate(pixels):
            np.save(folder / f"{exam_name(exam)}-{index:04d}.npy", image)


def exam_name(exam: int) -> str:
    """Return an exam's name."""
    return f"exam{exam:05d}"


def _content(exam: int, pixels_hu: npt.NDArray[np.int16]) -> ExamContent:
    n_slices, rows, columns = pixels_hu.shape
    name = exam_name(exam)
    event = {
        "exam_id": name,
        "finding": FINDING,
        "source": "synthetic",
        "round": 0,
        "reader": None,
        "seconds": None,
    }
    return ExamContent(
        exam={
            "exam_id": name,
            "patient_key": name,
            "archive": "synthetic",
            "n_slices": n_slices,
            "rows": rows,
            "columns": columns,
            "source_rows": rows,
            "source_columns": columns,
            "row_spacing_mm": 1.0,
            "column_spacing_mm": 1.0,
            "slice_spacing_mm": 1.0,
            "regular": True,
            "gantry_tilt_degree": 0.0,
            "affine": np.eye(4).ravel().tolist(),
            "thickness_mm": 1.0,
            "kernel": None,
            "scanner_group": None,
            "lossy": False,
            "data_terms": "synthetic",
        },
        pixels_hu=pixels_hu,
        positions_mm=np.arange(n_slices, dtype=np.float64),
        labels=[
            {
                **event,
                "slice_start": index,
                "slice_stop": index + 1,
                "value": int(index == 0 and exam % 2 == 0),
            }
            for index in range(n_slices)
        ],
    )
