"""Synthetic archives through the importers: what the store holds is what was rendered.

Writers and importers know nothing of each other; what they share is the real archives' layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from examwise.cli.main import main
from examwise.core.identity import Identity
from examwise.core.schemas.annotations import finding_bit
from examwise.core.schemas.findings import FINDINGS
from examwise.imaging import stored_annotations
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels
from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import RenderedExam, render_exam

N_EXAMS = 12
MATRIX = 48
KINDS = FINDINGS[1:]
HOSPITALS = {"rsna": "a", "cq500": "b", "ct-ich": "c"}


@dataclass(frozen=True)
class Imported:
    layout: str
    stored: StoredExams
    truth: pl.DataFrame
    boxes: pl.DataFrame

    def rendered(self, exam_number: int) -> RenderedExam:
        config = PhantomConfig(
            n_exams=N_EXAMS,
            matrix=MATRIX,
            seed=4,
            hospital=HOSPITALS[self.layout],
            min_slices=24,
            max_slices=26,
            prevalence=0.7,
        )
        patients = self.truth.group_by("exam_number").agg(pl.col("patient").first())
        order = patients.sort("exam_number")["patient"].to_list()
        numbers = {name: number for number, name in enumerate(dict.fromkeys(order))}
        return render_exam(config, exam_number, numbers[order[exam_number]])


@pytest.fixture(scope="module", params=HOSPITALS)
def imported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    layout = request.param
    place = tmp_path_factory.mktemp(layout)
    archive, store, identity = place / "archive", place / "store", place / "identity"
    made = main(
        ["phantom", str(archive), "--layout", layout, "--exams", str(N_EXAMS), "--seed", "4",
         "--matrix", str(MATRIX), "--phantom.min_slices", "24", "--phantom.max_slices", "26",
         "--phantom.prevalence", "0.7", "--workers", "1", "--quiet"]
    )  # fmt: skip
    read = main(
        ["ingest", layout, str(archive), str(store), "--ingest.matrix", str(MATRIX),
         "--identity", str(identity), "--workers", "1", "--quiet"]
    )  # fmt: skip
    assert (made, read) == (0, 0)
    truth = pl.read_parquet(archive / "truth.parquet")
    places = _places(truth, archive, store, Identity(identity), layout)
    truth = truth.join(places, on="image_id", how="left", validate="1:1")
    boxes = pl.read_parquet(archive / "truth_boxes.parquet")
    return Imported(layout, StoredExams(store), truth, boxes)


def _places(
    truth: pl.DataFrame, archive: Path, store: Path, identity: Identity, layout: str
) -> pl.DataFrame:
    """Return where the crosswalk says that each image went."""
    (crosswalk_file,) = identity.folder.glob("*/crosswalk.parquet")
    crosswalk = identity.read_crosswalk(crosswalk_file.parent.name)
    if layout != "ct-ich":
        return crosswalk.select(
            image_id="sop_instance_uid", exam_id="exam_id", stored_index="slice_index"
        ).drop_nulls()
    volumes = crosswalk.filter(pl.col("path").str.starts_with("ct_scans/"))
    return (
        truth.select("image_id", volume=pl.col("image_id").str.split("#").list.first())
        .join(volumes.select(volume="path", exam_id="exam_id"), on="volume")
        .select("image_id", "exam_id")
        .join(truth.select("image_id", stored_index="slice_index"), on="image_id")
    )


def test_every_image_is_stored_in_its_place(imported: Imported) -> None:
    truth = imported.truth
    assert len(imported.stored) == N_EXAMS
    assert truth["exam_id"].null_count() == 0
    assert truth["exam_id"].n_unique() == N_EXAMS
    assert truth["stored_index"].to_list() == truth["slice_index"].to_list()


def test_exam_labels_are_the_truth(imported: Imported) -> None:
    for finding in FINDINGS:
        expected = imported.truth.group_by("exam_id").agg(pl.col(finding).max())
        found = exam_labels(imported.stored, finding)
        joined = expected.join(found, on="exam_id", how="left")
        assert joined[finding].to_list() == joined["exam_label"].to_list(), finding


def test_slice_labels_are_the_truth(imported: Imported) -> None:
    for finding in FINDINGS:
        expected = imported.truth.select("exam_id", "slice_index", finding)
        found = slice_labels(imported.stored, finding)
        joined = expected.join(found, on=["exam_id", "slice_index"], how="left")
        if imported.layout == "cq500":  # boxes leave some slices without a label
            joined = joined.drop_nulls("slice_label")
            assert joined.height > 0.4 * expected.height
        assert joined[finding].to_list() == joined["slice_label"].to_list(), finding


def test_boxes_are_the_truth(imported: Imported) -> None:
    found = stored_annotations.boxes(imported.stored)
    if imported.layout == "rsna":
        assert found.is_empty()
        return
    place = imported.truth.select("image_id", "exam_id", "slice_index")
    expected = imported.boxes.join(place, on="image_id")
    columns = ["exam_id", "slice_index", "x", "y", "width", "height"]
    if imported.layout == "ct-ich":
        # Its masks do not tell kinds apart; where two kinds meet, so do their boxes.
        kinds = imported.truth.select("image_id", n=pl.sum_horizontal(KINDS))
        expected = expected.join(kinds.filter(pl.col("n") == 1), on="image_id")
        found = found.join(
            expected.select("exam_id", "slice_index").unique(),
            on=["exam_id", "slice_index"],
            how="semi",
        )
    assert expected.height > 20
    columns.append("finding")
    assert _rows(found.select(columns)) == _rows(expected.select(columns))


def _rows(table: pl.DataFrame) -> list[tuple]:
    numbers = ["x", "y", "width", "height"]
    rounded = table.with_columns(pl.col(numbers).cast(pl.Float64).round(3))
    return sorted(rounded.rows())


def test_pixels_and_masks_are_what_was_rendered(imported: Imported) -> None:
    exam_ids = dict(imported.truth.select("exam_number", "exam_id").unique().iter_rows())
    positive = imported.truth.filter(pl.col("any") == 1)["exam_number"].unique().to_list()
    for number in sorted(positive)[:3]:
        series = imported.rendered(number).series
        exam_id = exam_ids[number]
        pixels = imported.stored.read_slices(exam_id)
        scanned = ~series.unscanned
        np.testing.assert_array_equal(pixels[:, scanned], series.pixels_hu[:, scanned])
        mask = stored_annotations.mask(imported.stored, exam_id)
        if imported.layout != "ct-ich":
            assert mask is None
            continue
        kinds = {kind: series.mask_of(kind) for kind in KINDS}
        anywhere = np.logical_or.reduce(list(kinds.values()))
        np.testing.assert_array_equal(mask & finding_bit("any") > 0, anywhere)
        alone = series.positive.sum(axis=1) == 1
        for bit, (kind, expected) in enumerate(kinds.items()):
            told = alone & series.positive[:, bit]
            found = mask & finding_bit(kind) > 0
            np.testing.assert_array_equal(found[told], expected[told])
            assert not found[~told].any()
