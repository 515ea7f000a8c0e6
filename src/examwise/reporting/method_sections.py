"""How a study was made: labels bought, training, statistics, limits, versions, every run."""

from __future__ import annotations

import polars as pl

from examwise.reporting.configuration_words import configuration_table, setting, value_words
from examwise.reporting.contents import MethodSection, Table
from examwise.reporting.data_section import data_section, is_synthetic
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.training_section import training_section
from examwise.reporting.words import (
    auc_with_interval,
    decimal,
    hours,
    short_learner,
    whole,
)

_ACQUISITION_WORDS = {
    "exam": "one label for each exam opened",
    "spread": "single slices, spread over as many exams as possible",
    "whole_exam": "all slices of one exam after the other",
}


def method_sections(study: StudyFiles) -> tuple[MethodSection, ...]:
    """Write out everything a reviewer asks for."""
    return (
        data_section(study),
        _labels_section(study),
        training_section(study),
        _statistics_section(study),
        _limits_section(study),
        _record_section(study),
    )


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
        ),
        tables=(_purchases_table(study),),
    )


def _purchases_table(study: StudyFiles) -> Table:
    rows: list[tuple[str, ...]] = []
    for learner in study.learners:
        own = study.runs.filter(pl.col("learner") == learner)
        grouped = own.group_by("acquisition", "budget").agg(
            pl.col("n_training_labels", "n_validation_labels", "n_positive_labels").mean(),
            pl.len().alias("n_runs"),
        )
        rows += [
            (
                short_learner(learner),
                f"{row['budget']:,}",
                _ACQUISITION_WORDS.get(row["acquisition"], row["acquisition"]),
                whole(row["n_training_labels"]),
                whole(row["n_validation_labels"]),
                whole(row["n_positive_labels"]),
                f"{row['n_runs']}",
            )
            for row in grouped.sort("acquisition", "budget").iter_rows(named=True)
        ]
    return Table(
        id="table-purchases",
        caption="Labels bought, means over repeats",
        columns=(
            "Learner",
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
    return MethodSection(
        id="statistics",
        title="Statistics",
        paragraphs=(
            "An AUC is the probability that a positive exam scores above a negative one, ties "
            "counted half. Intervals are 95% percentile intervals of a bootstrap"
            f"{said}. For a single run it draws patients; for the budget curve and the ratios it "
            "draws patients and repeats together, the same draw for every learner and budget, and "
            "a repeat's nested budgets stay together.",
            "What a learner needs to reach the target is read off its curve, made monotone and "
            "interpolated in the logarithm of the amount. Nothing is extrapolated: a target above "
            "the whole curve is “not reached”, one already reached at the smallest budget is “at "
            "most” that budget. A replicate in which one learner misses the target bounds the "
            "ratio by the largest amount tried, which can leave an interval open.",
            "Thresholds come from validation labels, or are fixed at 0.5 where too few were "
            "bought; they are never fitted on test exams. Position alone scores a slice by the "
            "share of positive training slices at its relative height in the head.",
        ),
    )


def _limits_section(study: StudyFiles) -> MethodSection:
    archives = study.stored.exams["archive"].n_unique()
    repeats = study.runs["repeat"].n_unique()
    points = [
        "Test exams come from the same archive as training exams: nothing here says how the "
        "models do elsewhere."
        if archives == 1
        else f"Test exams come from the same {archives} archives as training exams.",
        "Labels are taken as true. Readers' mistakes weigh on both arms, not necessarily alike.",
        "Probabilities are as the models give them, not calibrated for use with patients.",
        f"ROC curves, slice tables and exams show one repeat of {repeats}; curves and ratios use "
        "all.",
    ]
    if is_synthetic(study):
        points.insert(
            0,
            "The exams are synthetic. The figures show that the method works and how large its "
            "uncertainty is; they say nothing about patients.",
        )
    return MethodSection(id="limits", title="Limits", paragraphs=(), points=tuple(points))


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
    place = {learner: number for number, learner in enumerate(study.learners)}
    rows = []
    for run in sorted(
        study.runs.filter(pl.col("learner").is_in(list(place))).iter_rows(named=True),
        key=lambda run: (place[run["learner"]], run["budget"], run["repeat"]),
    ):
        found = metrics.get(run["run_id"])
        rows.append(
            (
                run["run_id"],
                short_learner(run["learner"]),
                f"{run['budget']:,}",
                f"{run['repeat'] + 1}",
                f"{run['n_exams_opened']:,}",
                f"{run['reader_actions']:,}",
                hours(run["reader_hours"]),
                f"{run['best_step']:,}",
                *(_metric_cells(found) if found else ("–",) * 4),
                f"{run['seed']}",
            )
        )
    return Table(
        id="table-runs",
        caption=f"Every run, on the test split of {study.archive}",
        columns=(
            "Run",
            "Learner",
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


def _metric_cells(found: dict[str, float | None]) -> tuple[str, str, str, str]:
    return (
        auc_with_interval(found["auc"], found["auc_lower"], found["auc_upper"]),
        decimal(found["threshold"]),
        decimal(found["sensitivity"]),
        decimal(found["specificity"]),
    )
