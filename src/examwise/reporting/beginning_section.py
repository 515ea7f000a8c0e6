"""How a study was made: what its models began from, and what is known without labels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from examwise.core.schemas.run import MODEL
from examwise.core.schemas.study import FINE_TUNED
from examwise.reporting.configuration_words import setting, value_words
from examwise.reporting.contents import MethodSection
from examwise.reporting.shown_runs import full_budget_runs
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import short_learner, within_sentence

_SCORE_WORDS = {
    "pretext": "the encoder's own pretext task is asked how odd each slice looks; an exam scores "
    "the mean of its three highest slices. It is what the pretrained encoder can do before "
    "any label is bought",
    "mean_hu": "the mean over an exam's pixels between 0 and 100 HU, with no model at all. "
    "Fresh blood is denser than brain, and so is much else",
}
_OWN_DIRECTORIES = ("encoder", "run")
"""Kinds of weights whose terms are those of the data behind them."""
_LEARNER_WORDS = {
    "position": "learns from slice labels where positive slices lie in the head, and sees no pixel",
    "pooled": "learns from exam labels as the weak learner does, with every slice of the same "
    "weight: what attention adds is what the weak learner has over it",
    "mixed": "learns from exam labels, and from slice labels where there are some",
}


def beginning_section(study: StudyFiles) -> MethodSection | None:
    """Describe first weights, fine-tuning and references, as far as there are such."""
    paragraphs = tuple(_weights(study)) + tuple(_fine_tuning(study))
    points = (*_references(study), *_label_free(study))
    if not paragraphs and not points:
        return None
    return MethodSection(
        id="beginning",
        title="First weights and references" if paragraphs else "References",
        paragraphs=paragraphs,
        points=points,
    )


def _weights(study: StudyFiles) -> Iterator[str]:
    described = _first_model(study)
    found = setting(described, "begins_from", "weights")
    if not isinstance(found, Mapping):
        return
    terms = f" Terms of these weights: {_text(found, 'licence')}."
    if found.get("source") in _OWN_DIRECTORIES:
        learned = value_words(described.get("data_terms"))
        terms = f" Terms of all data that models have learned from: {learned}."
    yield (
        "All models that see images began from the same first weights of the encoder, whatever "
        f"their labels: {_text(found, 'description')}.{terms}"
    )
    frozen = setting(study.manifest.configuration, "study", "model", "frozen")
    if not isinstance(frozen, list) or not frozen:
        return
    if "all" in frozen:
        unchanged = setting(study.manifest.configuration, "study", "training", "augmentation")
        once = ": its features are computed once for all of them" if unchanged == "none" else ""
        yield f"In budgeted runs the encoder stays as it is{once}. What is trained on it is small."
    else:
        yield f"In budgeted runs these parts of it stay as they are: {value_words(frozen)}."


def _first_model(study: StudyFiles) -> Mapping[str, Any]:
    """Return what the first run says of its model that is shown and began from some weights."""
    for run in full_budget_runs(study):
        folder = study.storage.child(f"runs/{run.run_id}")
        if not folder.exists(MODEL):
            continue
        try:
            described = json.loads(folder.read(MODEL))
        except ValueError:
            continue
        if isinstance(described, Mapping) and setting(described, "begins_from", "weights"):
            return described
    return {}


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return value_words(value) if isinstance(value, str) else "not on record"


def _fine_tuning(study: StudyFiles) -> Iterator[str]:
    tuned = [arm.name for arm in study.arms if not arm.rows(study.runs, FINE_TUNED).is_empty()]
    if not tuned:
        return
    said = setting(study.manifest.configuration, "study", "fine_tuning")
    training = setting(said, "training") if isinstance(said, Mapping) else None
    settings = training if isinstance(training, Mapping) else {}
    details = [
        f"{words} {value_words(settings[name])}"
        for name, words in (
            ("steps", "steps"),
            ("learning_rate", "learning rate"),
            ("augmentation", "random changes of images:"),
        )
        if name in settings
    ]
    frozen = setting(said, "frozen") if isinstance(said, Mapping) else None
    details.append(f"kept as it was: {value_words(frozen)}" if frozen else "nothing kept frozen")
    yield (
        f"Fine-tuned: {' and '.join(map(within_sentence, tuned))} once more at the largest "
        "budget, with the very same labels and first weights, and the encoder trained on with them "
        f"({', '.join(details)}). What it costs in labels is the same; only computing differs."
    )


def _references(study: StudyFiles) -> Iterator[str]:
    for learner in dict.fromkeys(arm.learner for arm in study.reference_arms):
        said = _LEARNER_WORDS.get(learner, "a learner beside those that are compared")
        yield f"{short_learner(learner)}: {said}."


def _label_free(study: StudyFiles) -> Iterator[str]:
    for name in study.label_free:
        said = _SCORE_WORDS.get(name, "a score that has learned from no label")
        yield f"{short_learner(name)} (m = 0): {said}."
