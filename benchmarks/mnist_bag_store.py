"""Bags of MNIST digits as the exams of an exam store: a digit is a slice, grey values are HU.

The setup is that of Ilse, Tomczak and Welling (2018): the size of a bag is normal with mean 10 and
standard deviation 2, cut to a whole number; a bag is positive if it holds a nine; positive and
negative bags take turns. A positive bag's digits are drawn until a nine is among them, a negative
bag's from all that are no nine, both with replacement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.randomness import generator
from examwise.core.stage import Stage
from examwise.core.task import SeriesRule, Task
from examwise.data.splits import give_split
from examwise.imaging.store_writer import ExamContent, StoreWriter, finish_store

FINDING = "nine"
TASK = Task(
    "mnist_nine",
    (FINDING,),
    window_center=127.5,
    window_width=255.0,
    series=SeriesRule(kernel="any"),
)
_TARGET = 9
_MEAN_SIZE = 10
_SIZE_DEVIATION = 2

Bag = npt.NDArray[np.int64]
Digits = npt.NDArray[np.uint8]


def draw_bags(digits: Digits, number: int, *, seed: int, part: str) -> Iterator[Bag]:
    """Yield the places of each bag's digits; even bags are positive, odd ones negative.

    The first bags are the same whatever their number: small training sets are part of larger ones.

    Args:
        digits: What every image shows, 0 to 9.
        number: How many bags.
        seed: Seed of the pool.
        part: What the bags are for; another part's are drawn apart.
    """
    others = np.flatnonzero(digits != _TARGET)
    for index in range(number):
        stream = generator(seed, "mnist bag", part, index)
        is_positive = index % 2 == 0
        while True:
            size = max(1, int(stream.normal(_MEAN_SIZE, _SIZE_DEVIATION)))
            if not is_positive:
                yield stream.choice(others, size)
                break
            bag = stream.integers(0, len(digits), size)
            if (digits[bag] == _TARGET).any():
                yield bag
                break


def write_bag_store(url: Path, mnist: Path, *, seed: int, bags: dict[str, int]) -> None:
    """Write a pool of bags as an exam store with its split; a finished one is left as it is.

    Args:
        url: The store.
        mnist: ``.npz`` with ``x_train``, ``y_train``, ``x_test`` and ``y_test``.
        seed: Seed of the pool.
        bags: Part (train, validation, test) to its number of bags. Test bags are of the digits of
            MNIST's test part, all others of its training part.
    """
    stage = Stage.begin(
        url,
        kind="exam-store",
        configuration={"task": asdict(TASK), "bags": bags},
        inputs={},
        seed=seed,
    )
    if not stage.finished:
        writer = StoreWriter(url)
        with np.load(mnist) as arrays:
            for part, number in bags.items():
                origin = "test" if part == "test" else "train"
                images, digits = arrays[f"x_{origin}"], arrays[f"y_{origin}"]
                for index, bag in enumerate(draw_bags(digits, number, seed=seed, part=part)):
                    writer.write_exam(_exam(f"{part}{index:04d}", images[bag], digits[bag]))
        finish_store(stage)
    parts = pl.DataFrame(
        [(f"{part}{index:04d}", part) for part, number in bags.items() for index in range(number)],
        schema=["exam_id", "split"],
        orient="row",
    )
    split = url.with_name(f"{url.name}-split.csv")
    parts.write_csv(split)
    give_split(url, split, finding=FINDING)


def _exam(exam_id: str, images: Digits, digits: Digits) -> ExamContent:
    n_slices, rows, columns = images.shape
    event = {"exam_id": exam_id, "finding": FINDING, "source": "mnist", "round": 0}
    return ExamContent(
        exam={
            "exam_id": exam_id,
            "patient_key": exam_id,
            "archive": "mnist",
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
            "data_terms": "MNIST",
        },
        pixels_hu=images.astype(np.int16),
        positions_mm=np.arange(n_slices, dtype=np.float64),
        labels=[
            {
                **event,
                "slice_start": index,
                "slice_stop": index + 1,
                "value": int(digit == _TARGET),
                "reader": None,
                "seconds": None,
            }
            for index, digit in enumerate(digits)
        ],
    )
