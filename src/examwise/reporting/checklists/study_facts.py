"""What a study tells about the items of a reporting guideline, beside what its figures tell."""

from __future__ import annotations

from collections.abc import Iterator

from examwise.core.schemas.study import BUDGETED
from examwise.evaluation.wording import listed
from examwise.reporting.checklists.items import Fact
from examwise.reporting.configuration_words import setting, value_words
from examwise.reporting.data_section import is_synthetic
from examwise.reporting.label_shares import PARTS
from examwise.reporting.study_files import StudyFiles

IN_REPORT = {
    "areas": "Curves, and the areas below them",
    "statistics": "Statistics",
    "points": "Sensitivity and specificity",
    "tests": "No worse than by a margin",
    "groups": "By kind, size, slice thickness and scanner",
    "uncertain": "Uncertain exams",
    "flow": "Flow of exams",
    "saliency": "Inside the slice",
}
"""Where facts of an evaluation stand for a reader of the report: the titles of its parts."""

_DATA = "Exams and patients"
_LABELS = "What each arm bought"
_TRAINING = "Models and training"


def study_facts(study: StudyFiles) -> dict[str, Fact]:
    """Return what a study's own directories tell.

    Returns:
        Name of a fact, as checklists use it, to the fact.
    """
    return {name: Fact(words, where) for name, where, words in _facts(study)}


_Found = Iterator[tuple[str, str, str]]


def _facts(study: StudyFiles) -> _Found:
    yield (
        "approach",
        "Title",
        "Deep learning from labels of slices, against multiple-instance learning from labels of "
        "exams.",
    )
    yield (
        "aim",
        "The answer",
        f"To compare what slice labels and exam labels cost to find “{study.finding}” with an exam "
        f"AUC of {study.answer.target_auc:g}.",
    )
    if is_synthetic(study):
        yield "direction", _DATA, "Neither: exams are simulated."
    yield from _data_facts(study)
    yield from _model_facts(study)
    yield "internal", "The answer", f"Test patients of “{study.archive}”, never learned from."
    outside = [f"“{answer.archive}”" for answer in study.answer.external]
    yield (
        "external",
        "Inside and outside" if outside else "Limits",
        f"{listed(outside)}; nothing was fitted there." if outside else "None.",
    )
    yield (
        "failures",
        "Some exams",
        "Missed exams and false alarms are shown slice by slice; authors say why.",
    )
    yield "limitations", "Limits", "Listed; authors add theirs."
    if "protocol.json" in study.manifest.outputs:
        digest = study.manifest.outputs["protocol.json"].removeprefix("sha256:")
        yield (
            "protocol",
            "No worse than by a margin",
            f"protocol.json, on record before training (SHA-256 {digest[:16]}…); authors add a "
            "public registration.",
        )
    yield (
        "availability",
        "Record",
        f"examwise {study.manifest.tool_version}; models and predictions lie in the study's "
        f"directory. Terms of the data: {'; '.join(study.stored.data_terms)}.",
    )


def _data_facts(study: StudyFiles) -> _Found:
    exams = study.stored.exams
    archives = [study.archive, *(store.archive for store in study.external)]
    yield "sources", _DATA, f"{listed([f'“{name}”' for name in archives])}."
    yield (
        "eligibility",
        _DATA,
        "Files that were left out or set aside are counted with their reasons; authors say where "
        "and when exams were made.",
    )
    yield (
        "selection",
        _LABELS,
        "Labels were bought at random within budgets; nested budgets within a repeat.",
    )
    yield (
        "deidentification",
        _DATA,
        "Exams and patients go by keyed digests; names, dates and identifiers of the source are "
        "in no store.",
    )
    yield "missing", _DATA, "Exams without a label count in no figure."
    spacing = [float(value) for value in exams["slice_spacing_mm"].drop_nulls().to_list()]
    if spacing:
        yield (
            "acquisition",
            _DATA,
            f"CT; slices {min(spacing):.3g}"
            + (f" to {max(spacing):.3g}" if max(spacing) > min(spacing) else "")
            + " mm apart.",
        )
    yield (
        "reference",
        _DATA,
        "The simulation's truth."
        if is_synthetic(study)
        else "The archive's labels; authors say how they were made.",
    )
    parts = study.splits
    counts = [
        f"{part} {own.height:,} exams of {own['patient_key'].n_unique():,} patients"
        for part in PARTS
        if not (own := parts.filter(parts["split"] == part)).is_empty()
    ]
    yield "partition", _DATA, f"By patient: {listed(counts)}." if counts else "By patient."
    yield "disjoint", _DATA, "Patients; counted for this page."
    yield "parts", _DATA, "Exams, prevalence and spacing; authors add age and sex."
    yield (
        "blinding",
        "Statistics",
        "Models saw no test label; thresholds come from validation.",
    )


def _model_facts(study: StudyFiles) -> _Found:
    configuration = study.manifest.configuration
    model = setting(configuration, "study", "model") or {}
    if isinstance(model, dict) and "encoder" in model:
        yield "model", _TRAINING, f"Encoder {value_words(model['encoder'])}, slice by slice."
    if isinstance(model, dict) and "window_center_hu" in model:
        yield (
            "preprocessing",
            _TRAINING,
            f"Hounsfield units in windows; the first is centred at "
            f"{value_words(model['window_center_hu'])} HU and "
            f"{value_words(model.get('window_width_hu'))} HU wide.",
        )
    budgeted = study.runs.filter(study.runs["mode"] == BUDGETED)
    if not budgeted.is_empty():
        yield "training", _TRAINING, f"{budgeted.height:,} runs; every one is listed."
    yield "initialisation", _TRAINING, "As told under first weights, where an encoder was given."
    yield (
        "model_selection",
        _TRAINING,
        "The weights of the lowest validation loss; the last where validation labels were too few.",
    )
    yield "ensembles", _TRAINING, "None."
    python = study.provenance.get("python")
    yield (
        "software",
        "Record",
        f"examwise {study.manifest.tool_version}"
        + (f", Python {value_words(python)}." if python else "."),
    )
