"""The slices whose maps a report draws, chosen by a rule and never by eye."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_truth import StoredTruth
from examwise.reporting.contents import MappedSlice, MapPicture
from examwise.reporting.explained_runs import ExplainedRun
from examwise.reporting.map_pictures import (
    head_window,
    overlay_picture,
    picture_size,
    slice_picture,
)
from examwise.reporting.saliency_tables import method_name
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import decimal, within_sentence

RULE = (
    "Drawn are, of the slices that every run and method has a scored map of, those whose pixel F1, "
    "averaged over runs and methods, is the best, the median and the worst; ties go to the first "
    "pseudonym."
)
_TRUTH_NAMES = {"boxes": "Truth: boxes", "masks": "Truth: mask"}


def choose_slices(
    explained: Sequence[ExplainedRun], *, truth: str
) -> list[tuple[str, str, int, float]]:
    """Choose slices by :data:`RULE`.

    Args:
        explained: The maps of one archive.
        truth: What they are held against.

    Returns:
        Title, exam, slice and mean pixel F1; fewer than three where there are fewer slices.
    """
    if not explained:
        return []
    together = pl.concat(
        one.scores.filter(truth=truth).select("exam_id", "slice_index", "pixel_f1")
        for one in explained
    ).drop_nulls("pixel_f1")
    ranked = (
        together.group_by("exam_id", "slice_index")
        .agg(pl.len().alias("n_maps"), pl.col("pixel_f1").mean())
        .filter(pl.col("n_maps") == len(explained))
        .sort("pixel_f1", "exam_id", "slice_index", descending=[True, False, False])
        .select("exam_id", "slice_index", "pixel_f1")
        .rows()
    )
    if not ranked:
        return []
    # The worst is the first of equals, as the best is.
    worst = min(range(len(ranked)), key=lambda place: (ranked[place][2], place))
    places = {"Best": 0, "Median": len(ranked) // 2, "Worst": worst}
    chosen: dict[int, str] = {}
    for title, place in places.items():
        chosen.setdefault(place, title)
    return [(title, *ranked[place]) for place, title in chosen.items()]


def draw_slices(
    study: StudyFiles, explained: Sequence[ExplainedRun], *, number: int, truth: str
) -> list[MappedSlice]:
    """Choose slices of an archive, and draw them with their truth and all maps.

    Args:
        study: The study.
        explained: The maps of the archive, by method, then run.
        number: Of the archive: 0 is the internal one.
        truth: What they are held against.
    """
    explained = [one for one in explained if not one.scores.filter(truth=truth).is_empty()]
    drawn = []
    for place, (title, exam_id, index, score) in enumerate(choose_slices(explained, truth=truth)):
        found = _draw(study, explained, exam_id, index, number=number, truth=truth)
        if found is None:
            continue
        size, image, pictures = found
        n_runs = len({one.run.run_id for one in explained})
        drawn.append(
            MappedSlice(
                id=f"maps-{number}-{place + 1}",
                title=title,
                summary=f"Exam {exam_id}, slice {index + 1}; mean pixel F1 {decimal(score)}.",
                image=image,
                width=size[0],
                height=size[1],
                pictures=tuple(pictures),
                columns=max(2, n_runs),
            )
        )
    return drawn


def _draw(
    study: StudyFiles,
    explained: Sequence[ExplainedRun],
    exam_id: str,
    index: int,
    *,
    number: int,
    truth: str,
) -> tuple[tuple[int, int], str, list[MapPicture]] | None:
    stored = study.stored if number == 0 else study.external[number - 1].stored
    store = _store_of(stored, exam_id)
    if store is None:
        return None
    exam = store.exams.row(by_predicate=pl.col("exam_id") == exam_id, named=True)
    known = StoredTruth(store, study.finding).of_exam(exam_id, [index])
    lies = next((one.inside for one in known if one.truth == truth), None)
    if lies is None:
        return None
    slice_hu = store.read_slices(exam_id, [index])[0]
    window = head_window(slice_hu, lies)
    lies, slice_hu = lies[window], slice_hu[window]
    size = picture_size(
        *slice_hu.shape,
        row_spacing_mm=exam["row_spacing_mm"],
        column_spacing_mm=exam["column_spacing_mm"],
    )
    pictures = [
        MapPicture(
            overlay_picture(None, None, size), f"Slice {index + 1} of the exam, as it is.", "Slice"
        ),
        MapPicture(
            overlay_picture(None, lies, size),
            f"The same with the outline of its {truth}.",
            _TRUTH_NAMES[truth],
        ),
    ]
    for one in explained:
        scores = one.scores.filter(exam_id=exam_id, slice_index=index, truth=truth)
        f1 = decimal(scores["pixel_f1"][0])
        name = f"{method_name(one.method)}, {within_sentence(one.run.name)}"
        pictures.append(
            MapPicture(
                overlay_picture(one.map_of(exam_id, index)[window], lies, size),
                f"Map of the slice by {name}: pixel F1 {f1}.",
                name,
                f"F1 {f1}",
            )
        )
    return size, slice_picture(slice_hu, size), pictures


def _store_of(stored: JoinedStores | StoredExams, exam_id: str) -> StoredExams | None:
    stores = stored.stores if isinstance(stored, JoinedStores) else (stored,)
    return next((one for one in stores if (one.exams["exam_id"] == exam_id).any()), None)
