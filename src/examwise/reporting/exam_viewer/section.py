"""The exam viewer in a study's report: as many exams as fit, inside the page."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from markupsafe import Markup

from examwise.core.progress import Progress
from examwise.reporting.contents import ExamViewerSection, PackedExam
from examwise.reporting.exam_viewer.choice import INTEREST_RULE, PACKING_RULE, packing_order
from examwise.reporting.exam_viewer.packing import LARGEST_SIDE, ROUNDING
from examwise.reporting.exam_viewer.payload import ExamEntry, ExamList, inside_script, to_json
from examwise.reporting.exam_viewer.records import MOST_SLICES, exam_record
from examwise.reporting.exam_viewer.shelf import ExamShelf, ExamShelves, ViewedRun
from examwise.reporting.explained_runs import explained_runs
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.shown_runs import named_main_runs, named_runs_words, strip_runs
from examwise.reporting.study_files import StudyFiles

LARGEST_BYTES = 8 * 1024 * 1024
"""Room of the packed exams on the page; the report as a whole stays below 15 MB."""
SCRIPTS = ("unpack.js", "picture.js", "chart.js", "exam_list.js", "viewer.js")
"""In this order; the last begins."""
STYLE = "viewer.css"


def exam_viewer_section(
    study: StudyFiles, *, progress: Progress, largest_bytes: int = LARGEST_BYTES
) -> ExamViewerSection | None:
    """Choose exams of all archives that the study was tested on, and pack them.

    Args:
        study: The study.
        progress: Where to report to.
        largest_bytes: How much room the exams may take.

    Returns:
        None where no exam was predicted.

    Raises:
        InputError: If predictions are of other slices than an exam has.
        IntegrityError: If stored bytes are damaged, or explanations are not those evaluated.
        SchemaError: If a table breaks its schema, or maps are not there.
    """
    runs = _named(study)
    shelves = study_shelves(study)
    listed = shelves.exam_list(predicted_only=True)
    if not listed["exams"]:
        return None
    packed = list(_packed(shelves, listed, progress, largest_bytes=largest_bytes))
    kept = {exam.id for exam in packed}
    shown = [entry for entry in listed["exams"] if entry["id"] in kept]
    return ExamViewerSection(
        rule=_rule(len(packed), len(listed["exams"]), largest_bytes),
        order=INTEREST_RULE,
        runs=named_runs_words(runs),
        exam_list=inside_script(to_json(ExamList(**{**listed, "exams": shown}))),
        exams=tuple(packed),
        style=viewer_style(),
        script=viewer_script(),
    )


def study_shelves(study: StudyFiles) -> ExamShelves:
    """Return the exams of a study's archives, with the runs that stand for each way of labelling.

    Raises:
        IntegrityError: If an explanation is not the one that was evaluated.
        SchemaError: If a table breaks its schema.
    """
    named = _named(study)
    stores = [study.stored.stores, *((external.stored,) for external in study.external)]
    shelves = []
    for number, of_archive in enumerate(stores):
        runs = []
        for run in named:
            own = study.exam_metrics.filter(run_id=run.run_id)
            threshold = float(own["threshold"][0]) if own.height else 0.5
            exams, slices = study.predicted(run.run_id, number=number)
            runs.append(ViewedRun(run.run_id, run.name, run.place, threshold, exams, slices))
        explained = explained_runs(study, named, number=number)
        shelves.append(
            ExamShelf(
                of_archive, finding=study.finding, runs=runs, explained=explained, number=number
            )
        )
    return ExamShelves(tuple(shelves))


def viewer_style() -> Markup:
    """Return the viewer's style sheet, as it stands inside a ``style`` element."""
    return Markup(_asset(STYLE))


def viewer_script() -> Markup:
    """Return the viewer's script, as it stands inside a ``script`` element."""
    return Markup("\n".join(map(_asset, SCRIPTS)))


def _named(study: StudyFiles) -> list[NamedRun]:
    return named_main_runs(study) or [
        NamedRun(run.run_id, run.name, run.place) for run in strip_runs(study)
    ]


def _packed(
    shelves: ExamShelves, listed: ExamList, progress: Progress, *, largest_bytes: int
) -> Iterator[PackedExam]:
    order: list[ExamEntry] = packing_order(listed["exams"], listed["kinds"])
    room = largest_bytes
    with progress.track("Packing exams", len(order)) as advance:
        for entry in order:
            shelf, exam_id = shelves.find(entry["id"])
            record = to_json(exam_record(shelf, exam_id, packed=True))
            room -= len(record)
            if room < 0:
                break
            yield PackedExam(entry["id"], inside_script(record))
            advance()


def _rule(n_packed: int, n_exams: int, largest_bytes: int) -> str:
    size = f"{LARGEST_SIDE} × {LARGEST_SIDE} pixels"
    how = f"Slices are reduced to at most {size}, of long exams {MOST_SLICES} are kept; {ROUNDING}."
    if n_packed == n_exams:
        return f"All {n_exams:,} test exams. {how}"
    return (
        f"{n_packed:,} of {n_exams:,} test exams: as many as fit in "
        f"{largest_bytes / 1024**2:.0f} MiB of this page. {PACKING_RULE}. {how} "
        "All exams, in full resolution: examwise view."
    )


def _asset(name: str) -> str:
    folder = resources.files("examwise.reporting").joinpath("exam_viewer/assets")
    return folder.joinpath(name).read_text("utf-8")
