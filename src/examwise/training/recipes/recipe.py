"""Reading recipes: YAML files with options by their command-line names."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from examwise.core.checked_yaml import load_yaml
from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.models.encoders import is_class_path
from examwise.training.config import TrainingConfig
from examwise.training.learners import LEARNERS
from examwise.training.trainer_config import TrainerConfig

_SHIPPED = resources.files("examwise.training.recipes")
_COMMON = "common"
_LARGEST_FILE = 1 << 16
_VALUES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "a word"),
    (dict, "names with values"),
    (tuple, "a list"),
)
_CONFIGS = {"model": ModelConfig, "training": TrainingConfig, "trainer": TrainerConfig}


@dataclass(frozen=True)
class Mistake:
    """Something that a published study did and should not have done.

    Attributes:
        name: By which it is spoken of.
        what: What was done.
        kept: Whether the recipe does it again.
        why: Why it is kept, or what is done instead.
    """

    name: str
    what: str
    kept: bool
    why: str


@dataclass(frozen=True)
class Recipe:
    """Options under one name.

    Attributes:
        name: The recipe's name; that of its file for one that does not come with the package.
        describes: What it is.
        source: Where it was published.
        mistakes: What was wrong with the original, kept or mended.
        sections: Options by their dotted names, for each learner and for all (``"common"``).
    """

    name: str
    describes: str
    source: str = ""
    mistakes: tuple[Mistake, ...] = ()
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def learners(self) -> tuple[str, ...]:
        """Learners that it has options for; none where it is for all alike."""
        return tuple(name for name in self.sections if name != _COMMON)

    def options(self, learner: str) -> dict[str, Any]:
        """Return a learner's options by their dotted names, such as ``training.loss.name``.

        Raises:
            InputError: If the recipe is for other learners.
        """
        if self.learners and learner not in self.learners:
            raise InputError(
                where=f"recipe {self.name}",
                expected="the learner " + " or ".join(self.learners),
                got=learner,
                remedy="take another recipe, or write one that extends it",
            )
        return {**self.sections.get(_COMMON, {}), **self.sections.get(learner, {})}

    def record(self) -> dict[str, Any]:
        """Return its name and its mistakes by name, as a trained model's description has them."""
        kept = [mistake.name for mistake in self.mistakes if mistake.kept]
        mended = [mistake.name for mistake in self.mistakes if not mistake.kept]
        return {"name": self.name, "mistakes_kept": kept, "mistakes_mended": mended}


def shipped_recipes() -> list[str]:
    """Return the names of the recipes that come with the package.

    Example:
        >>> shipped_recipes()
        ['teneggi2023', 'teneggi2023-corrected']
    """
    names = (entry.name for entry in _SHIPPED.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def load_recipe(recipe: str | Path) -> Recipe:
    """Read a recipe from its YAML file, or one that comes with the package by its name.

    Args:
        recipe: A path, or a name from :func:`shipped_recipes`.

    Raises:
        InputError: If there is none, or the file is no recipe; the message names the place.

    Example:
        >>> load_recipe("teneggi2023").options("weak")["training.optimizer.name"]
        'sgd'
    """
    if isinstance(recipe, str) and recipe in shipped_recipes():
        return _parse((_SHIPPED / f"{recipe}.yaml").read_text("utf-8"), recipe, recipe)
    path = Path(recipe)
    if not path.is_file():
        raise InputError(
            where=f"recipe {recipe}",
            expected=f"a YAML file, or one of {', '.join(shipped_recipes())}",
            got="a folder" if path.is_dir() else "no file of that name",
            remedy="check the path",
        )
    if path.stat().st_size > _LARGEST_FILE:
        raise InputError(where=path, expected="a short YAML file", got="a larger one")
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise InputError(
            where=path,
            expected="a recipe in YAML, as UTF-8 text",
            got=getattr(error, "strerror", None) or "other bytes",
        ) from None
    return _parse(text, path.stem, str(path))


def _parse(text: str, name: str, where: str) -> Recipe:
    try:
        tree = load_yaml(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError(
            where=f"{where}, line {mark.line + 1}" if mark else where,
            expected="YAML",
            got=getattr(error, "problem", None) or type(error).__name__,
            remedy="correct the file",
        ) from None
    said = dict(_mapping(tree, where))
    base = _base(said.pop("extends", None), where)
    describes = _text(said.pop("describes", base.describes), f"{where}, describes")
    source = _text(said.pop("source", base.source), f"{where}, source")
    mistakes = _mistakes(said.pop("mistakes", []), base.mistakes, f"{where}, mistakes")
    sections = {key: dict(options) for key, options in base.sections.items()}
    for section, options in said.items():
        place = f"{where}, {section}"
        if section != _COMMON and section not in LEARNERS and not is_class_path(section):
            known = ", ".join((_COMMON, *LEARNERS))
            raise InputError(
                where=where,
                expected=f"sections of {known}, or package.module:Class",
                got=section,
                remedy="correct the file",
            )
        sections.setdefault(str(section), {}).update(_flat(_mapping(options, place), place))
    return Recipe(name, describes, source, mistakes, sections)


def _base(extends: Any, where: str) -> Recipe:
    if extends is None:
        return Recipe("", "")
    if extends not in shipped_recipes():
        raise InputError(
            where=f"{where}, extends",
            expected="one of " + ", ".join(shipped_recipes()),
            got=extends,
            remedy="correct the file",
        )
    return load_recipe(extends)


def _flat(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for group, values in options.items():
        if group not in _CONFIGS:
            raise _refusal(where, "of " + ", ".join(_CONFIGS), group)
        flat |= _flat_config(_CONFIGS[group](), _mapping(values, f"{where}.{group}"), group, where)
    return flat


def _flat_config(
    defaults: Any, values: Mapping[str, Any], prefix: str, where: str
) -> dict[str, Any]:
    """Return options by their dotted names; mappings within are options only if a config is."""
    known = {each.name for each in fields(defaults)}
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise _refusal(where, f"of {prefix}", name)
        default = getattr(defaults, name)
        if is_dataclass(default):
            within = _mapping(value, f"{where}.{prefix}.{name}")
            flat |= _flat_config(default, within, f"{prefix}.{name}", where)
        else:
            flat[f"{prefix}.{name}"] = _value(value, default, f"{where}, {prefix}.{name}")
    return flat


def _value(value: Any, default: Any, where: str) -> Any:
    """Return an option's value; what it must be like is said by its default."""
    known = [each for each in _VALUES if isinstance(default, each[0])]
    if not known:
        return value
    kind, expected = known[0]
    if kind is float and isinstance(value, str):
        # YAML 1.1 takes 1e-4 for a word.
        with suppress(ValueError):
            return float(value)
    wanted = {float: (int, float), tuple: (list,)}.get(kind, (kind,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        raise InputError(where=where, expected=expected, got=value, remedy="correct the file")
    return value


def _mistakes(said: Any, base: tuple[Mistake, ...], where: str) -> tuple[Mistake, ...]:
    """Return mistakes; of one that the base names too, only what is different need be said."""
    found = {mistake.name: vars(mistake) for mistake in base}
    names = {each.name for each in fields(Mistake)}
    if not isinstance(said, list):
        raise InputError(where=where, expected="a list", got=said, remedy="correct the file")
    for item in said:
        values = _mapping(item, where)
        whole = {**found.get(str(values.get("name")), {}), **values}
        if whole.keys() != names or not isinstance(whole["kept"], bool):
            raise InputError(
                where=where,
                expected="name, what, kept (true or false) and why",
                got=", ".join(map(str, values)),
                remedy="correct the file",
            )
        found[str(whole["name"])] = whole
    return tuple(
        Mistake(
            name=name,
            what=_text(whole["what"], f"{where}, {name}"),
            kept=whole["kept"],
            why=_text(whole["why"], f"{where}, {name}"),
        )
        for name, whole in found.items()
    )


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise InputError(
            where=where, expected="names with values", got=value, remedy="correct the file"
        )
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise InputError(where=where, expected="text", got=value, remedy="correct the file")
    return " ".join(value.split())


def _refusal(where: str, expected: str, got: object) -> InputError:
    return InputError(
        where=where, expected=f"an option {expected}", got=got, remedy="correct the file"
    )
