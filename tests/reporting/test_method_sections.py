from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from examwise.reporting.method_sections import method_sections
from examwise.reporting.study_files import StudyFiles, read_study


def words(study: StudyFiles, section: str) -> str:
    found = {part.id: part for part in method_sections(study)}[section]
    return " ".join((*found.paragraphs, *found.points))


def with_settings(study: StudyFiles, **settings: Any) -> StudyFiles:
    configuration = dict(study.manifest.configuration)
    configuration["study"] = {**configuration["study"], **settings}
    return replace(study, manifest=replace(study.manifest, configuration=configuration))


def test_labels_are_true_and_drawn_at_random_unless_said(study: Path) -> None:
    plain = read_study(study)
    assert "sensitivity" not in words(plain, "labels-bought")
    assert "report label" not in words(plain, "labels-bought")
    assert "Labels are taken as true." in words(plain, "limits")


def test_simulated_errors_are_told(study: Path) -> None:
    noisy = with_settings(read_study(study), label_errors={"sensitivity": 0.9, "specificity": 0.98})
    said = words(noisy, "labels-bought")
    assert "sensitivity 0.9, specificity 0.98" in said
    assert "Labels of test exams are taken as true." in words(noisy, "limits")


def test_stratified_sampling_is_told(study: Path) -> None:
    stratified = with_settings(read_study(study), sampling={"positive_share": 0.4})
    assert "40% of the exams drawn" in words(stratified, "labels-bought")


def test_what_intervals_are_conditional_on_is_told(study: Path) -> None:
    assert "conditional on this archive" in words(read_study(study), "statistics")
