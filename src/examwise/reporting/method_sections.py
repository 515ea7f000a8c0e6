"""How a study was made: labels bought, training, statistics, limits, versions, every run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.reporting.beginning_section import beginning_section
from examwise.reporting.configuration_words import configuration_table, setting, value_words
from examwise.reporting.contents import MethodSection, Table
from examwise.reporting.data_section import data_section, is_synthetic
from examwise.reporting.plan_section import plan_section
from examwise.reporting.study_arms import Arm
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.training_section import training_section
from examwise.reporting.words import (
    auc_with_interval,
    decimal,
    hours,
    whole,
)

_ACQUISITION_WORDS = {
    "exam": "one label for each exam opened",
    "spread": "single slices, spread over as many exams as possible",
    "whole_exam": "all slices of one exam after the other",
    "exam_first": "an exam's label first; of a positive one the runs of positive slices",
}
_MODE_WORDS = {BUDGETED: "as configured", FINE_TUNED: "trained on", LABEL_FREE: "no labels"}


def method_sections(study: StudyFiles) -> tuple[MethodSection, ...]:
    """Write out everything a reviewer asks for."""
    found = (
        data_section(study),
        plan_section(study),
        _labels_section(study),
        beginning_section(study),
        training_section(study),
        _statistics_section(study),
        _limits_section(study),
        _record_section(study),
    )
    return tuple(section for section in found if section is not None)


def _labels_section(study: StudyFiles) -> MethodSection:
    configuration = study.manifest.configuration
    costs = setting(configuration, "study", "costs")
    if isinstance(costs, dict) and costs:
        said = ", ".join(
            f"{value_words(value)} s {name.removeprefix('seconds_').replace('_', ' ')}"
            for name, value in sorted(costs.items())
        )
        cost_words = (
            f"Hours are computed from assumed costs: {said}. They were not measured here; other "
            "costs give other hours and leave labels and actions as they are."
        )
    else:
        cost_words = "No reading times were given, so hours are missing throughout."
    return MethodSection(
        id="labels-bought",
        title="What each arm bought",
        paragraphs=(
            "A budget m counts every label that a run was allowed to see, validation labels "
            "included. Budgets are nested within a repeat: a larger one contains the smaller. A "
            "reader action is one answer entered: a negative exam read as a whole gives all its "
            "slice labels in one action, a run of positive slices takes two.",
            cost_words,
            *_sampling_words(configuration),
            *_error_words(configuration),
        ),
        tables=(_purchases_table(study),),
    )


def _sampling_words(configuration: Mapping[str, Any]) -> Iterator[str]:
    share = setting(configuration, "study", "sampling", "positive_share")
    if share is not None:
        yield (
            f"Patients were drawn by their report label: {share:.0%} of the exams drawn have one "
            "that says the finding is there. Weights in training undo this, the inverse of each "
            "exam's chance to be drawn."
        )


def _error_words(configuration: Mapping[str, Any]) -> Iterator[str]:
    errors = setting(configuration, "study", "label_errors")
    if isinstance(errors, Mapping):
        yield (
            "Exam labels that were bought have simulated errors, as labels from reports do: "
            f"sensitivity {value_words(errors.get('sensitivity'))}, specificity "
            f"{value_words(errors.get('specificity'))}; small or faint findings are missed more "
            "often than others. Labels of test exams have none."
        )


def _purchases_table(study: StudyFiles) -> Table:
    rows: list[tuple[str, ...]] = []
    for arm in study.arms:
        grouped = (
            arm.rows(study.runs, BUDGETED)
            .group_by("budget")
            .agg(
                pl.col("n_training_labels", "n_validation_labels", "n_positive_labels").mean(),
                pl.len().alias("n_runs"),
            )
        )
        rows += [
            (
                arm.name,
                f"{row['budget']:,}",
                _ACQUISITION_WORDS.get(arm.acquisition, arm.acquisition),
                whole(row["n_training_labels"]),
                whole(row["n_validation_labels"]),
                whole(row["n_positive_labels"]),
                f"{row['n_runs']}",
            )
            for row in grouped.sort("budget").iter_rows(named=True)
        ]
    return Table(
        id="table-purchases",
        caption="Labels bought, means over repeats",
        columns=(
            "Arm",
            "Labels, m",
            "How they were drawn",
            "For training",
            "For validation",
            "Positive",
            "Runs",
        ),
        rows=tuple(rows),
        source="runs.parquet",
    )


def _statistics_section(study: StudyFiles) -> MethodSection:
    replicates = setting(study.evaluation.configuration, "n_replicates")
    said = f" ({replicates:,} replicates)" if isinstance(replicates, int) else ""
    outside = (
        " Every archive has its own test exams and its own draws of them; exams of one are never "
        "ranked against exams of another."
        if study.external
        else ""
    )
    return MethodSection(
        id="statistics",
        title="Statistics",
        paragraphs=(
            "An AUC is the probability that a positive exam scores above a negative one, ties "
            "counted half. Intervals are 95% intervals of a bootstrap"
            f"{said}. For a single run it draws patients, and its percentiles are the limits; for "
            "the budget curve and the ratios it draws patients and repeats together, the same draw "
            "for every learner and budget, and a repeat's nested budgets stay together. Limits of "
            "budget curves are symmetric about the logit. What was tried once has an interval over "
            f"patients alone.{outside}",
            "Repeats draw from disjoint blocks of patients as far as the archive reaches. Beyond, "
            "repeats that share a part o of their labels vary too little: their variance is "
            "divided by 1 − o up to o = 0.5. Beyond that it is left as it is, and the interval "
            "is conditional on this archive.",
            "What a learner needs to reach the target is read off its curve, made monotone and "
            "interpolated in the logarithm of the amount. Nothing is extrapolated: a target above "
            "the whole curve is “not reached”, one already reached at the smallest budget is “at "
            "most” that budget. A replicate in which one learner misses the target bounds the "
            "ratio by the largest amount tried, which can leave an interval open.",
            "Thresholds come from validation labels, or are fixed at 0.5 where too few were "
            "bought, or none; they are never fitted on test exams. Position alone scores a slice "
            "by the share of positive training slices at its relative height in the head.",
        ),
    )


def _limits_section(study: StudyFiles) -> MethodSection:
    points = [
        _elsewhere(study),
        "Labels of test exams are taken as true."
        if setting(study.manifest.configuration, "study", "label_errors")
        else "Labels are taken as true. Readers' mistakes weigh on both arms, not necessarily "
        "alike.",
        "Probabilities are as the models give them, not calibrated for use with patients.",
        "ROC curves, slice tables and exams show the first repeat alone; curves and ratios use "
        "every one.",
    ]
    if is_synthetic(study):
        points.insert(
            0,
            "The exams are synthetic. The figures show that the method works and how large its "
            "uncertainty is; they say nothing about patients.",
        )
    return MethodSection(id="limits", title="Limits", paragraphs=(), points=tuple(points))


def _elsewhere(study: StudyFiles) -> str:
    outside = [f"“{store.archive}”" for store in study.external]
    if outside:
        return (
            f"Labels come from “{study.archive}” alone. That the models were tested in "
            f"{' and '.join(outside)} as well says something about other archives, but not about "
            "every one."
        )
    archives = study.stored.exams["archive"].n_unique()
    if archives > 1:
        return f"Test exams come from the same {archives} archives as training exams."
    return (
        "Test exams come from the same archive as training exams: nothing here says how the "
        "models do elsewhere."
    )


def _record_section(study: StudyFiles) -> MethodSection:
    versions = [("examwise", study.manifest.tool_version)]
    versions += [
        (name, value_words(study.provenance[name]))
        for name in ("python", "platform")
        if name in study.provenance
    ]
    return MethodSection(
        id="record",
        title="Record",
        paragraphs=(),
        tables=(
            Table(
                id="table-versions",
                caption="Versions",
                columns=("Software", "Version"),
                rows=tuple(versions),
                source="manifest.json, provenance.json",
            ),
        ),
        folded=(
            _runs_table(study),
            configuration_table(study.manifest.configuration, seed=study.manifest.seed),
        ),
    )


def _runs_table(study: StudyFiles) -> Table:
    metrics = {
        row["run_id"]: row
        for row in study.exam_metrics.filter(pl.col("archive") == study.archive).iter_rows(
            named=True
        )
    }
    place = {(arm.learner, arm.acquisition): arm for arm in study.arms}
    rows = []
    for run in sorted(study.runs.iter_rows(named=True), key=lambda run: _rank(run, place)):
        found = metrics.get(run["run_id"])
        rows.append(
            (
                run["run_id"],
                _MODE_WORDS[run["mode"]],
                f"{run['budget']:,}",
                f"{run['repeat'] + 1}",
                f"{run['n_exams_opened']:,}",
                f"{run['reader_actions']:,}",
                hours(run["reader_hours"]),
                f"{run['best_step']:,}",
                *_metric_cells(found, has_threshold=run["mode"] != LABEL_FREE),
                f"{run['seed']}",
            )
        )
    return Table(
        id="table-runs",
        caption=f"Every run, on the test split of {study.archive}",
        columns=(
            "Run",
            "Encoder",
            "m",
            "Repeat",
            "Exams opened",
            "Actions",
            "Hours",
            "Best step",
            "Exam AUC [95% interval]",
            "Threshold",
            "Sensitivity",
            "Specificity",
            "Seed",
        ),
        rows=tuple(rows),
        source="runs.parquet, evaluation/exam_metrics.parquet",
    )


def _rank(run: dict[str, Any], arms: Mapping[tuple[str, str], Arm]) -> tuple[int, str, int, int]:
    arm = arms.get((run["learner"], run["acquisition"]))
    place = len(arms) if arm is None else arm.place
    return place, run["learner"], run["budget"], run["repeat"]


def _metric_cells(found: Mapping[str, Any] | None, *, has_threshold: bool) -> tuple[str, ...]:
    """Write out a run's AUC, and what it does at its threshold if that means anything."""
    at_threshold = ("threshold", "sensitivity", "specificity")
    if not found:
        return ("–",) * (1 + len(at_threshold))
    auc = auc_with_interval(found["auc"], found["auc_lower"], found["auc_upper"])
    return auc, *(decimal(found[name]) if has_threshold else "–" for name in at_threshold)
