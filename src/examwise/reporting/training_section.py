"""How a study was made: its models and their training, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

import polars as pl

from examwise.core.schemas.study import FINE_TUNED, LABEL_FREE
from examwise.reporting.configuration_words import setting, value_words
from examwise.reporting.contents import MethodSection
from examwise.reporting.study_files import StudyFiles

_MODEL_SENTENCES = (
    "Slices are windowed to {window_width_hu} HU about {window_center_hu} HU.",
    "The encoder is a {encoder} of width {width}; it turns each slice into {embedding} numbers.",
)
_TRAINING_SENTENCES = (
    "The learning rate rises to {learning_rate} over a share of {warmup_fraction} of the steps; "
    "weight decay is {weight_decay}.",
    "A step sees {slices_per_step} slices where labels are of slices, and {exams_per_step} exams "
    "where they are of exams.",
    "Random changes of images: {augmentation}.",
    "Every {validate_every} steps the loss on validation labels is computed, and the weights of "
    "the lowest are kept; with fewer than {validation_minimum} validation labels the last "
    "weights are kept and the threshold is 0.5.",
)


def training_section(study: StudyFiles) -> MethodSection:
    """Describe what was trained, and how."""
    return MethodSection(
        id="training",
        title="Models and training",
        paragraphs=tuple(
            said
            for said in (
                _runs_words(study),
                _learners_words(study),
                " ".join((*_known(study, "model", _MODEL_SENTENCES), *_further_windows(study))),
                _training_words(study),
                f"Everything random follows from the study's seed "
                f"({value_words(study.manifest.seed)}), by way of the run seeds in the table of "
                "runs. Every setting stands in the configuration at the end of this page.",
            )
            if said
        ),
    )


def _runs_words(study: StudyFiles) -> str:
    runs = study.runs.filter(pl.col("mode") != LABEL_FREE)
    if runs.is_empty():
        return ""
    steps = sorted(set(runs["steps"].to_list()))
    took = f"{steps[0]:,}" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,}"
    earlier = runs.filter(pl.col("best_step") < pl.col("steps")).height
    n_tuned = runs.filter(pl.col("mode") == FINE_TUNED).height
    tuned = f", {n_tuned:,} of them with the encoder trained on as well" if n_tuned else ""
    return (
        f"{runs.height:,} models were trained{tuned}, each for {took} optimiser steps; "
        f"{f'{earlier:,}' if earlier else 'none'} kept the weights of an earlier step, chosen on "
        "the validation labels that the run itself had bought."
    )


def _training_words(study: StudyFiles) -> str:
    said = " ".join(_known(study, "training", _TRAINING_SENTENCES))
    if said and FINE_TUNED in study.runs["mode"]:
        return f"Fine-tuning has settings of its own; in all other runs: {said}"
    return said


def _learners_words(study: StudyFiles) -> str:
    pooling = setting(study.manifest.configuration, "study", "model", "pooling")
    pools = (
        "pools its slices by attention (Ilse et al., 2018)"
        if pooling == "attention"
        else "pools its slices"
    )
    said = {
        "strong": "A strong learner is trained on slice labels and calls an exam by its "
        "most suspicious slices.",
        "weak": f"A weak learner is trained on exam labels and {pools}.",
    }
    shared = "Both have the same architecture and the same settings."
    learners = {arm.learner for arm in study.arms}
    known = [words for name, words in said.items() if name in learners]
    return " ".join([*known, *([shared] if len(known) > 1 else [])])


def _further_windows(study: StudyFiles) -> Iterator[str]:
    windows = setting(study.manifest.configuration, "study", "model", "extra_windows")
    if isinstance(windows, list) and windows:
        said = " and ".join(f"{width:g} HU about {center:g} HU" for center, width in windows)
        yield f"Further channels show the same slice windowed to {said}."


def _known(study: StudyFiles, group: str, sentences: tuple[str, ...]) -> Iterator[str]:
    """Fill the sentences whose settings are all in the configuration."""
    found = setting(study.manifest.configuration, "study", group)
    values: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    for sentence in sentences:
        names = [name for _, name, _, _ in Formatter().parse(sentence) if name]
        if all(name in values for name in names):
            yield sentence.format(**{name: value_words(values[name]) for name in names})
