"""The YAML file behind ``examwise study``: where exams come from, and the study itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from examwise.phantom.layouts import USUAL_HOSPITALS
from examwise.studies.config import MAIN_LEARNERS, STRONG, StudyConfig
from examwise.studies.grid_config import PUBLISHED, GridConfig
from examwise.training.beginnings import options_of_weights

_KEY = re.compile(r"(study|source|external)[.\[]|(\w+ )?option ")


@dataclass(frozen=True)
class SourceConfig:
    """One archive: a synthetic one, unless raw files or a store are given for it.

    Attributes:
        layout: Layout of the archive, synthetic or given.
        labels: Label file of a given archive, relative to its folder; the layout's own if None.
            A synthetic archive has its own.
        phantom: The synthetic archive; of the layout's usual hospital where the file names none.
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
        source: Where the exams come from that the study buys labels of.
        study: The study.
        external: Archives that are tested on and nothing else, in this order. Their matrix and
            task are the source's where the file says nothing.
    """

    source: SourceConfig
    study: StudyConfig
    external: tuple[SourceConfig, ...] = ()


def embedded_default() -> Path:
    """Return the study file that ships with the package."""
    return Path(str(resources.files("examwise.cli") / "default_study.yaml"))


def read_study_file(
    path: Path, *, task: Task | None = None, matrix: int | None = None
) -> StudyFile:
    """Read and check a study file.

    Args:
        path: The file.
        task: The task of the stores that are given, if any; else it is the file's. Its window is
            the model's where the file says nothing.
        matrix: Rows and columns of the stores that are given, if any. External archives take it
            where the file says nothing.

    Raises:
        InputError: If there is no such file, it is not a study file, or it names another task
            than the stores'.

    Example:
        >>> file = read_study_file(embedded_default())
        >>> [file.source.layout, *(archive.layout for archive in file.external)]
        ['rsna', 'cq500', 'ct-ich']
    """
    if not path.is_file():
        raise InputError(where=path, expected="a study file (YAML)", got="no such file")
    with naming_the_file(path):
        return _read(path, task=task, matrix=matrix)


def within_hours(file: StudyFile, hours: float) -> StudyFile:
    """Return a study file whose compared arms are planned to fit a time limit.

    Slices are drawn in the ways of the file's own arms; arms of other learners stay.

    Args:
        file: The study file.
        hours: The time limit.

    Raises:
        InputError: If it is not more than 0.

    Example:
        >>> study = within_hours(read_study_file(embedded_default()), 8.0).study
        >>> study.grid.slice_acquisition, [arm.learner for arm in study.arms]
        (('spread', 'whole_exam'), ['pooled', 'position'])
    """
    study = file.study
    if not hours > 0:
        raise InputError(where="--time-limit", expected="more than 0 hours", got=f"{hours:g}")
    drawn = dict.fromkeys(arm.acquisition for arm in study.arms if arm.learner == STRONG)
    grid = study.grid or GridConfig(name=PUBLISHED, slice_acquisition=tuple(drawn) or ("spread",))
    others = tuple(arm for arm in study.arms if arm.learner not in MAIN_LEARNERS)
    limited = replace(grid, name=None, time_limit_hours=hours)
    return replace(file, study=replace(study, grid=limited, arms=others))


@contextmanager
def naming_the_file(path: Path) -> Iterator[None]:
    """Put the study file's name before the keys whose values are refused within."""
    try:
        yield
    except InputError as error:
        if error.where.startswith(str(path)) or not _KEY.match(error.where):
            raise
        raise type(error)(
            where=f"{path}, {error.where}",
            expected=error.expected,
            got=error.got,
            remedy=error.remedy,
        ) from error


def _read(path: Path, *, task: Task | None, matrix: int | None) -> StudyFile:
    try:
        tree = yaml.safe_load(path.read_text())
        _require_tree(tree)
        said = _archives(tree)
        for entry in said:
            _put_in_task(entry, path.parent)
        file = _parse(tree, said[1:])
        _require_tuning_said(_said(tree, "study"))
        file = _with_archives(file, said, task=task, matrix=matrix, where=path)
        return _with_input(file, tree, task or file.source.ingest.task)
    except (ArgumentError, TypeError, ValueError, yaml.YAMLError, RecursionError) as error:
        if isinstance(error.__cause__, InputError):
            # What may be left out is refused in the parser's words, around its own.
            raise error.__cause__ from None
        if wrong := wrong_type(str(error)):
            key, expected, got = wrong
            raise InputError(
                where=f"{path}, {key}", expected=expected, got=got, remedy="correct the file"
            ) from error
        raise InputError(
            where=path, expected="a study file (YAML)", got=error, remedy="correct the file"
        ) from error


def _parse(tree: Any, external: Sequence[Mapping[str, Any]]) -> StudyFile:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(StudyFile, skip={"external"})
    names = [f"external.{number}" for number in range(1, len(external) + 1)]
    for name in names:
        parser.add_class_arguments(SourceConfig, name)
    entries = dict(zip(names, external, strict=True))
    rest = {key: value for key, value in tree.items() if key != "external"}
    found = parser.instantiate(parser.parse_object({**rest, **entries}))
    return StudyFile(found.source, found.study, tuple(found[name] for name in names))


def _require_tuning_said(study: Mapping[str, Any]) -> None:
    tuning = study.get("fine_tuning")
    if isinstance(tuning, dict) and not tuning.get("training"):
        raise InputError(
            where="study.fine_tuning.training",
            expected="how the encoder is trained on, such as training: {steps: 450}",
            got="nothing",
            remedy="say it, or leave fine-tuning out by fine_tuning: null",
        )


def _said(tree: Any, *keys: str) -> dict[str, Any]:
    """Return what a file says below some keys; nothing where there is no such mapping."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else {}


def _archives(tree: Any) -> list[dict[str, Any]]:
    """Return what a file says of its source, then of each external archive."""
    if not isinstance(tree, dict):
        raise ValueError(f"{type(tree).__name__}, not keys and values")
    external = tree.get("external") or []
    if not isinstance(external, list) or not all(isinstance(entry, dict) for entry in external):
        raise ValueError("external: not a list of archives, each with keys and values")
    return [_said(tree, "source"), *external]


def _put_in_task(entry: dict[str, Any], folder: Path) -> None:
    """Put in a task that a file names."""
    if isinstance(named := _said(entry, "ingest").get("task"), str):
        known = named in shipped_tasks()
        entry["ingest"]["task"] = asdict(load_task(named if known else folder / named))


def _with_archives(
    file: StudyFile,
    said: list[dict[str, Any]],
    *,
    task: Task | None,
    matrix: int | None,
    where: Path,
) -> StudyFile:
    """Fill in what the file leaves open of its archives."""
    source, *external = (
        _with_hospital(archive, entry)
        for archive, entry in zip((file.source, *file.external), said, strict=True)
    )
    _require_same_task(source, said[0], task, where=f"{where}, source")
    shared: dict[str, Any] = {
        "task": task or source.ingest.task,
        "matrix": matrix or source.ingest.matrix,
    }
    filled = []
    for number, (archive, entry) in enumerate(zip(external, said[1:], strict=True), 1):
        _require_same_task(archive, entry, shared["task"], where=f"{where}, external.{number}")
        known = _said(entry, "ingest")
        open_to_source = {name: value for name, value in shared.items() if name not in known}
        ingest = replace(archive.ingest, **open_to_source)
        filled.append(_with_series(replace(archive, ingest=ingest), entry))
    source = _with_series(source, said[0])
    return replace(file, source=source, external=tuple(filled))


def _with_hospital(archive: SourceConfig, entry: Mapping[str, Any]) -> SourceConfig:
    """Take the layout's usual hospital wherever the file leaves it open."""
    if "hospital" in _said(entry, "phantom") or archive.layout not in USUAL_HOSPITALS:
        return archive
    phantom = replace(archive.phantom, hospital=USUAL_HOSPITALS[archive.layout])
    return replace(archive, phantom=phantom)


def _require_same_task(
    archive: SourceConfig, entry: Mapping[str, Any], task: Task | None, *, where: str
) -> None:
    named = "task" in _said(entry, "ingest")
    if task is not None and named and archive.ingest.task != task:
        raise InputError(
            where=f"{where}.ingest.task",
            expected=f"the task of the study's other exams, {task.name}",
            got="another",
            remedy="leave it out: all archives of a study have one task",
        )


def _with_series(archive: SourceConfig, entry: Mapping[str, Any]) -> SourceConfig:
    """Take what the task says of series wherever the file leaves it open."""
    ingest = archive.ingest
    open_to_task = {
        name: value
        for name, value in ingest.task.series.given().items()
        if name not in _said(entry, "ingest", "series")
    }
    ingest = replace(ingest, series=replace(ingest.series, **open_to_task))
    return replace(archive, ingest=ingest)


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
