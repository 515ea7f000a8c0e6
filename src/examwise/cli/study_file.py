"""The YAML file behind ``examwise study``: where exams come from, and the study itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from examwise.core.errors import InputError
from examwise.core.task import Task
from examwise.ingest.config import IngestConfig
from examwise.phantom.config import PhantomConfig
from examwise.studies.config import StudyConfig


@dataclass(frozen=True)
class SourceConfig:
    """Where the exams come from: a synthetic archive, unless ``--source`` or ``--store`` is given.

    Attributes:
        layout: Layout of the archive, synthetic or given.
        labels: Label file of a given archive, relative to its folder; the layout's own if None.
        phantom: The synthetic archive.
        ingest: How files become exams.
    """

    layout: str = "rsna"
    labels: str | None = None
    phantom: PhantomConfig = field(default_factory=PhantomConfig)
    ingest: IngestConfig = field(default_factory=IngestConfig)


@dataclass(frozen=True)
class StudyFile:
    """Content of a study file.

    Attributes:
        source: Where the exams come from.
        study: The study.
    """

    source: SourceConfig
    study: StudyConfig


def embedded_default() -> Path:
    """Return the study file that ships with the package."""
    return Path(str(resources.files("examwise.cli") / "default_study.yaml"))


def read_study_file(path: Path, *, task: Task | None = None) -> StudyFile:
    """Read and check a study file.

    Args:
        path: The file.
        task: The task of the stores that are given, if any; else it is the file's. Its window is
            the model's where the file says nothing.

    Raises:
        InputError: If there is no such file, or it is not a study file.

    Example:
        >>> read_study_file(embedded_default()).source.layout
        'rsna'
    """
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(StudyFile)
    if not path.is_file():
        raise InputError(where=path, expected="a study file (YAML)", got="no such file")
    try:
        tree = yaml.safe_load(path.read_text())
        _require_tree(tree)
        file = StudyFile(**vars(parser.instantiate(parser.parse_path(str(path)))))
        return _with_window(file, tree, task or file.source.ingest.task)
    except (ArgumentError, TypeError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError(
            where=path, expected="a study file (YAML)", got=error, remedy="correct the file"
        ) from error


def _with_window(file: StudyFile, tree: Any, task: Task) -> StudyFile:
    """Take the task's window for the model wherever the file leaves it open."""
    said = tree["study"].get("model") or {}
    model = file.study.model
    if "window_center_hu" not in said:
        model = replace(model, window_center_hu=float(task.window_center))
    if "window_width_hu" not in said:
        model = replace(model, window_width_hu=float(task.window_width))
    return replace(file, study=replace(file.study, model=model))


def _require_tree(value: Any, above: tuple[int, ...] = ()) -> None:
    # An alias of something above itself would never end.
    if id(value) in above:
        raise ValueError("a value that contains itself")
    if isinstance(value, dict | list):
        children = value.values() if isinstance(value, dict) else value
        for child in children:
            _require_tree(child, (*above, id(value)))
