from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from examwise.core.errors import InputError
from examwise.core.progress import SilentProgress
from examwise.reporting.strip_section import MOST_SLICES, shown_slices, strip_section
from examwise.reporting.study_files import read_study
from examwise.reporting.thumbnails import to_grey


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_strips_show_what_was_predicted(study: Path) -> None:
    found = read_study(study)
    section = strip_section(found, progress=SilentProgress())
    assert section.strips
    for strip in section.strips:
        exam_id = strip.summary.split()[1]
        _, slices = found.predicted("weak-100-0")
        own = slices.filter(pl.col("exam_id") == exam_id)
        attention = next(row for row in strip.rows if row.label == "Weak: attention")
        assert [bar.text for bar in attention.bars] == [
            f"{weight:.2f}" for weight in own["attention_weight"]
        ]
        largest = max(own["attention_weight"])
        full = max(largest, 4 / own.height)
        assert [bar.percent for bar in attention.bars] == pytest.approx(
            [100 * weight / full for weight in own["attention_weight"]]
        )
        truth = ["positive" if label else "negative" for label in own["slice_label"]]
        assert [picture.truth for picture in strip.slices] == truth
        assert [picture.name for picture in strip.slices] == [
            str(index + 1) for index in range(own.height)
        ]


def test_fine_tuned_runs_are_shown_where_there_are_some(full_study: Path) -> None:
    section = strip_section(read_study(full_study), progress=SilentProgress())
    assert "strong-480-0-fine-tuned (strong), weak-100-0-fine-tuned (weak)." in section.rule
    assert {row.label for strip in section.strips for row in strip.rows} == {
        "Strong: probability",
        "Weak: attention",
        "Weak: probability",
    }


def test_pictures_are_the_stores_slices_in_the_brain_window(study: Path) -> None:
    found = read_study(study)
    strip = strip_section(found, progress=SilentProgress()).strips[0]
    pixels_hu = found.stored.read_slices(strip.summary.split()[1])
    for picture, slice_hu in zip(strip.slices, pixels_hu, strict=True):
        difference = decoded(picture.image).astype(float) - to_grey(slice_hu)
        assert np.abs(difference).mean() < 8


def test_slices_that_the_store_has_not(study: Path, tmp_path: Path, record: Callable) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    file = copy / "predictions/strong-480-0/slices.parquet"
    pl.read_parquet(file).filter(pl.col("slice_index") != 1).write_parquet(file)
    record(file)
    with pytest.raises(InputError, match="predictions of strong-480-0"):
        strip_section(read_study(copy), progress=SilentProgress())


def test_long_exams_are_thinned(make_study: Callable, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", store={"n_slices": 60})
    strips = strip_section(read_study(study), progress=SilentProgress()).strips
    assert all(len(strip.slices) == MOST_SLICES for strip in strips)
    assert all(strip.note.startswith(f"{MOST_SLICES} of 6") for strip in strips)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 900), st.integers(2, 60))
def test_shown_slices_are_ascending_and_keep_both_ends(n_slices: int, most: int) -> None:
    shown = shown_slices(n_slices, most)
    assert shown == sorted(set(shown))
    assert len(shown) == min(n_slices, most)
    assert (shown[0], shown[-1]) == (0, n_slices - 1)
