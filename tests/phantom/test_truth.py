from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from examwise.phantom.archive_tables import TRUTH_TABLES
from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import RenderedExam, render_exam
from examwise.phantom.identifiers import ExamIdentifiers, SeriesIdentifiers
from examwise.phantom.truth import (
    TRUTH,
    TRUTH_BOXES,
    TRUTH_SERIES,
    box_rows,
    series_role,
    series_rows,
    truth_rows,
)

IDS = ExamIdentifiers(
    "someone",
    "study",
    SeriesIdentifiers("own", ("first", "second", "third")),
    tuple(SeriesIdentifiers(f"further {number}", ("x", "y", "z")) for number in range(3)),
)


@pytest.fixture(scope="module")
def exam() -> RenderedExam:
    config = PhantomConfig(matrix=24, min_slices=3, max_slices=3, prevalence=0)
    made = render_exam(config, 4, 2)
    masks = np.zeros((3, 24, 24), np.uint8)
    masks[1, 2:4, 5:9] = 1 << KINDS.index("epidural")
    masks[1, 20, 20] = 1 << KINDS.index("epidural")
    masks[1, 3, 6] |= 1 << KINDS.index("subdural")
    masks[2, 0, 0] = 1 << KINDS.index("subarachnoid")  # too small to count
    positive = np.zeros((3, 5), bool)
    positive[1, [KINDS.index("epidural"), KINDS.index("subdural")]] = True
    volume = np.zeros((3, 5))
    volume[1, KINDS.index("epidural")] = 123.456
    own = replace(made.series, masks=masks, positive=positive, volume_mm3=volume)
    scans = (
        replace(own.scan, purpose="bone"),
        replace(own.scan, purpose="thin"),
        replace(own.scan, purpose="contrast", contrast=True),
    )
    return RenderedExam(made.study, own, tuple(replace(own, scan=scan) for scan in scans))


def test_a_row_an_image(exam: RenderedExam) -> None:
    frame = TRUTH.frame(truth_rows(exam, IDS))
    assert frame["image_id"].to_list() == ["first", "second", "third"]
    assert frame["slice_index"].to_list() == [0, 1, 2]
    assert frame["position_mm"].is_sorted()
    assert frame["exam_number"].to_list() == [4] * 3
    assert frame["any"].to_list() == [0, 1, 0]
    assert frame["epidural"].to_list() == frame["subdural"].to_list() == [0, 1, 0]
    assert frame["subarachnoid"].sum() == 0
    assert frame["epidural_volume_mm3"].to_list() == [0, 123.5, 0]
    assert set(frame["series"]) == {"own"}


def test_a_row_a_box(exam: RenderedExam) -> None:
    frame = TRUTH_BOXES.frame(box_rows(exam, IDS))
    assert frame.rows() == [
        ("second", "epidural", 5, 2, 4, 2),
        ("second", "epidural", 20, 20, 1, 1),
        ("second", "subdural", 6, 3, 1, 1),
    ]


def test_a_row_a_series(exam: RenderedExam) -> None:
    frame = TRUTH_SERIES.frame(series_rows(exam, IDS))
    assert frame["series"].to_list() == ["own", "further 0", "further 1", "further 2"]
    assert frame["role"].to_list() == ["exam", "bone", "thin", "contrast"]
    assert frame["n_slices"].to_list() == [3] * 4
    alone = series_rows(exam, replace(IDS, further=()))
    assert [row["role"] for row in alone] == ["exam"]


def test_an_exam_of_which_only_a_thin_series_was_kept_is_the_exam(exam: RenderedExam) -> None:
    thin = replace(exam.series, scan=exam.further[1].scan)
    assert series_role(thin, replace(exam, series=thin)) == "exam"


@pytest.mark.parametrize("name", ["archive", "cq500_archive", "ct_ich_archive"])
def test_tables_of_every_layout(name: str, request: pytest.FixtureRequest) -> None:
    made = request.getfixturevalue(name)
    frames = {
        schema.file: schema.validate(pl.read_parquet(made.folder / schema.file))
        for schema, _ in TRUTH_TABLES
    }
    truth = frames["truth.parquet"]
    boxes = frames["truth_boxes.parquet"]
    series = frames["truth_series.parquet"]
    assert truth["exam_number"].n_unique() == made.config.n_exams
    visible = {
        (row["image_id"], kind)
        for row in truth.iter_rows(named=True)
        for kind in KINDS
        if row[kind]
    }
    assert set(boxes.select("image_id", "finding").unique().rows()) == visible
    assert (boxes["x"] + boxes["width"]).max() <= made.config.matrix
    assert (boxes["y"] + boxes["height"]).max() <= made.config.matrix
    counts = truth.group_by("series").len().rows()
    of_exams = series.filter(pl.col("role") == "exam")
    assert dict(of_exams.select("series", "n_slices").rows()) == dict(counts)
    assert (series.height > of_exams.height) == (name == "cq500_archive")
