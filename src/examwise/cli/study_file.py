"""The YAML file behind ``examwise study``: where exams come from, and the study itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from examwise.cli.plain_words import wrong_type
from examwise.core.errors import InputError
from examwise.core.task import Task, load_task, shipped_tasks
from examwise.ingest.config import IngestConfig
from examwise.phantom.config import PhantomConfig
from examwise.studies.config import StudyConfig
from examwise.training.beginnings import options_of_weights


@dataclass(frozen=True)
class SourceConfig:
    """Where the exams come from: a synthetic archive, unless ``--source`` or ``--store`` is given.

    Attributes:
        layout: Layout of the archive, synthetic or given.
        labels: Label file of a given archive, relative to its folder; the layout's own if None.
            A synthetic archive has its own.
        phantom: The synthetic archive.
        ingest: How files become exams. Its task may be written out, or be a path relative to the
            study file or the name of a task that comes with examwise; what the task says of series
            counts where the file says nothing.
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
        InputError: If there is no such file, it is not a study file, or it names another task
            than the stores'.

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
        said = _said(tree, "source", "ingest")
        if isinstance(named := said.get("task"), str):
            said["task"] = asdict(_named_task(named, path.parent))
            parsed = parser.parse_string(yaml.safe_dump(tree))
        else:
            parsed = parser.parse_path(str(path))
        file = StudyFile(**vars(parser.instantiate(parsed)))
        own = file.source.ingest.task
        if task is not None and "task" in said and own != task:
            raise InputError(
                where=f"{path}, source.ingest.task",
                expected=f"the task of the stores, {task.name}",
                got="another",
                remedy="leave it out: the stores have their task",
            )
        return _with_input(_with_series(file, said), tree, task or own)
    except (ArgumentError, TypeError, ValueError, yaml.YAMLError, RecursionError) as error:
        if wrong := wrong_type(str(error)):
            key, expected, got = wrong
            raise InputError(
                where=f"{path}, {key}", expected=expected, got=got, remedy="correct the file"
            ) from error
        raise InputError(
            where=path, expected="a study file (YAML)", got=error, remedy="correct the file"
        ) from error


def _said(tree: Any, *keys: str) -> dict[str, Any]:
    """Return what a file says below some keys; nothing where there is no such mapping."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else {}


def _named_task(named: str, folder: Path) -> Task:
    return load_task(named if named in shipped_tasks() else folder / named)


def _with_series(file: StudyFile, said: dict[str, Any]) -> StudyFile:
    """Take what the task says of series wherever the file leaves it open."""
    ingest = file.source.ingest
    open_to_task = {
        name: value
        for name, value in ingest.task.series.given().items()
        if name not in _said(said, "series")
    }
    ingest = replace(ingest, series=replace(ingest.series, **open_to_task))
    return replace(file, source=replace(file.source, ingest=ingest))


def _with_input(file: StudyFile, tree: Any, task: Task) -> StudyFile:
    """Take the window for the model wherever the file leaves it open.

    It is the one with which the model's first weights were trained, with all else that these
    ask of an encoder, or else the task's.
    """
    said = tree["study"].get("model") or {}
    model = file.study.model
    seen = options_of_weights(model.weights)
    model = replace(model, **{name: seen[name] for name in seen if name not in said})
    said = {**seen, **said}
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
