"""One exam as the viewer is given it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from examwise.core.errors import InputError
from examwise.imaging.stored_annotations import drawn_slices
from examwise.reporting.exam_viewer.packing import (
    hu_levels,
    pack,
    pack_bits,
    pack_levels,
    reduce_masks,
    reduce_slices,
    reduced_shape,
    to_levels,
)
from examwise.reporting.exam_viewer.payload import (
    BoxEntry,
    ExamRecord,
    MapEntry,
    MaskEntry,
    PixelEntry,
    TrackEntry,
)
from examwise.reporting.exam_viewer.shelf import ExamShelf, ViewedRun
from examwise.reporting.map_pictures import map_levels
from examwise.reporting.saliency_tables import method_name
from examwise.reporting.strip_section import EVEN_ATTENTION_FRACTION, shown_slices
from examwise.reporting.words import within_sentence

MOST_SLICES = 64
"""Slices of an exam that are packed into a page; of longer exams, evenly spaced ones and all that
have a map."""


def exam_record(shelf: ExamShelf, exam_id: str, *, packed: bool) -> ExamRecord:
    """Return an exam's record.

    Args:
        shelf: Where it is.
        exam_id: The exam.
        packed: Whether to give it with its pixels, small enough for a page: reduced, and thinned
            where it is long. Otherwise it is as stored, and slices are asked for one by one.

    Raises:
        InputError: If there is no such exam, or predictions are of other slices than it has.
        IntegrityError: If stored bytes do not match their checksum.
        SchemaError: If maps are not those that their table speaks of.
    """
    store, exam = shelf.store_of(exam_id), shelf.exam(exam_id)
    n_slices, rows, columns = store.shape(exam_id)
    mapped = sorted({index for _, found in shelf.maps_of(exam_id) for index in found})
    shown = list(range(n_slices))
    shape = (rows, columns)
    pixels = None
    if packed:
        shown = sorted({*shown_slices(n_slices, MOST_SLICES), *mapped})
        shape = reduced_shape(rows, columns)
        reduced = reduce_slices(shelf.pixels_hu(exam_id, shown), shape)
        pixels = PixelEntry(levels=hu_levels(), data=pack_levels(to_levels(reduced)))
    truth = shelf.slice_truth(exam_id)
    tracks = [
        track
        for place, run in enumerate(shelf.runs)
        for track in _tracks(run, exam_id, shown, learner=place, n_slices=n_slices)
    ]
    maps = _maps(shelf, exam_id, shown, shape)
    height_mm = rows * (_number(exam["row_spacing_mm"]) or 1.0)
    width_mm = columns * (_number(exam["column_spacing_mm"]) or 1.0)
    own_truth = [truth[index] for index in shown]
    return ExamRecord(
        id=shelf.key_of(exam_id),
        rows=shape[0],
        columns=shape[1],
        aspect=round(width_mm / height_mm, 6),
        numbers=[index + 1 for index in shown],
        n_slices=n_slices,
        truth=own_truth,
        tracks=tracks,
        boxes=_boxes(shelf, exam_id, shown, (shape[0] / rows, shape[1] / columns)),
        masks=_masks(shelf, exam_id, shown, shape),
        maps=maps,
        pixels=pixels,
        first=first_place(own_truth, tracks, maps),
    )


def first_place(
    truth: Sequence[int | None], tracks: Sequence[TrackEntry], maps: Sequence[MapEntry]
) -> int:
    """Return where the viewer begins: where most is to be seen.

    Among slices with a map, else truly positive ones, else all: the one with the largest
    probability by any learner; without predictions the middle one.

    Example:
        >>> first_place([0, 1, 1, 1, 0], [], [])
        2
    """
    mapped = sorted({place for one in maps for place in one["places"]})
    among = mapped or [place for place, label in enumerate(truth) if label == 1]
    among = among or list(range(len(truth)))
    said = [track["values"] for track in tracks if track["name"] == "probability"]
    if not said:
        return among[len(among) // 2]
    return max(among, key=lambda place: (max(values[place] for values in said), -place))


def _tracks(
    run: ViewedRun, exam_id: str, shown: Sequence[int], *, learner: int, n_slices: int
) -> list[TrackEntry]:
    own = run.slices.filter(exam_id=exam_id).sort("slice_index")
    if own.is_empty():
        return []
    if own["slice_index"].to_list() != list(range(n_slices)):
        raise InputError(
            where=f"predictions of {run.run_id}, exam {exam_id}",
            expected=f"the store's {n_slices} slices",
            got=f"{own.height} slices",
            remedy="predict again",
        )
    tracks = [_track(own["slice_probability"], shown, learner, "probability", full=1.0)]
    weights = own["attention_weight"]
    if weights.null_count() == 0:
        # As in the strips: a bar of even attention is a quarter high in an exam of any length.
        full = max(1 / (EVEN_ATTENTION_FRACTION * n_slices), *weights.to_list())
        tracks.append(_track(weights, shown, learner, "attention", full=full))
    return tracks


def _track(
    values: pl.Series, shown: Sequence[int], learner: int, name: str, *, full: float
) -> TrackEntry:
    kept = [round(float(values[index]), 4) for index in shown]
    return TrackEntry(learner=learner, name=name, values=kept, full=round(full, 6))


def _boxes(
    shelf: ExamShelf, exam_id: str, shown: Sequence[int], scale: tuple[float, float]
) -> list[BoxEntry]:
    place_of = {index: place for place, index in enumerate(shown)}
    return [
        BoxEntry(
            place=place_of[row["slice_index"]],
            x=round(row["x"] * scale[1], 2),
            y=round(row["y"] * scale[0], 2),
            width=round(row["width"] * scale[1], 2),
            height=round(row["height"] * scale[0], 2),
            name=row["finding"].replace("_", " "),
        )
        for row in shelf.boxes_of(exam_id).iter_rows(named=True)
        if row["slice_index"] in place_of
    ]


def _masks(
    shelf: ExamShelf, exam_id: str, shown: Sequence[int], shape: tuple[int, int]
) -> MaskEntry | None:
    drawn = set(drawn_slices(shelf.store_of(exam_id), exam_id))
    if not drawn:
        return None
    place_of = {index: place for place, index in enumerate(shown)}
    found = [one for one in shelf.truth_of(exam_id).of_exam(exam_id, shown) if one.truth == "masks"]
    reduced = reduce_masks([one.inside for one in found], shape)
    return MaskEntry(
        places=[place_of[one.slice_index] for one in found],
        drawn=[place for index, place in place_of.items() if index in drawn],
        bits=pack_bits(reduced),
    )


def _maps(
    shelf: ExamShelf, exam_id: str, shown: Sequence[int], shape: tuple[int, int]
) -> list[MapEntry]:
    place_of = {index: place for place, index in enumerate(shown)}
    found = []
    for one, indices in shelf.maps_of(exam_id):
        levels = [map_levels(one.map_of(exam_id, index), shape[::-1]) for index in indices]
        found.append(
            MapEntry(
                name=f"{one.run.name}, {within_sentence(method_name(one.method))}",
                learner=shelf.learner_of(one.run.run_id),
                places=[place_of[index] for index in indices],
                rows=shape[0],
                columns=shape[1],
                levels=pack(np.stack(levels).tobytes()),
            )
        )
    return found


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
