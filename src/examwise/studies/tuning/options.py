"""Options by their dotted names: which there are, and what becomes of a run that takes others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from functools import cache
from itertools import combinations
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.studies.tuning.config import Objective
from examwise.studies.tuning.space import Space
from examwise.studies.tuning.trial_training import TrialTraining
from examwise.training.config import RUNNING_OPTIONS, TrainingConfig
from examwise.training.trainer_config import RUNNING_TRAINER_OPTIONS, TrainerConfig

_CONFIGS = {"model": ModelConfig, "training": TrainingConfig, "trainer": TrainerConfig}
_OF_OWN = "learner_options"
_NO_MATTER_OF_SEARCH = {
    "model.findings": "what is looked for decides what the objective is",
    **{f"training.{name}": "it makes no difference to the result" for name in RUNNING_OPTIONS},
    **{
        f"trainer.{name}": "it makes no difference to the result"
        for name in RUNNING_TRAINER_OPTIONS
    },
}


def with_values(training: TrialTraining, values: Mapping[str, Any]) -> TrialTraining:
    """Return the options of a run with some of them changed.

    Args:
        training: The options.
        values: Dotted name to value.

    Raises:
        InputError: Names the option whose value is of the wrong kind or out of range.
    """
    tree: dict[str, Any] = {group: asdict(getattr(training, group)) for group in _CONFIGS}
    tree[_OF_OWN] = dict(training.learner_options)
    for name, value in values.items():
        *above, last = name.split(".")
        place = tree
        for key in above:
            place = place[key]
        place[last] = value
    own = tree.pop(_OF_OWN)
    try:
        made = _parser().instantiate(_parser().parse_object(tree))
    except (ArgumentError, TypeError, ValueError) as error:
        raise InputError(
            where=", ".join(values),
            expected="values of the kinds that these options take",
            got=", ".join(map(str, values.values())),
            remedy="correct the space",
        ) from error
    return replace(
        training,
        model=made.model,
        training=made.training,
        trainer=made.trainer,
        learner_options=own,
    )


def require_applicable(training: TrialTraining, space: Space, objective: Objective) -> None:
    """Raise if an option of a space cannot be searched, or a value of it never fits.

    A value fits if it does beside the present options, or beside some value of one or two other
    options of the space.

    Args:
        training: The options that all trials have in common.
        space: The space.
        objective: What is best.

    Raises:
        InputError: Names option, and value.
    """
    for name in space.dimensions:
        _require_searchable(name, training, space.where, objective)
    for name, dimension in space.dimensions.items():
        for value in dimension.ends:
            if (refusal := _refusal_of(training, space, name, value)) is not None:
                raise InputError(
                    where=f"{space.where}, {name}: {value}",
                    expected=refusal.expected,
                    got=refusal.got,
                    remedy="correct the file",
                ) from refusal


@cache
def _parser() -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    for group, config in _CONFIGS.items():
        parser.add_class_arguments(config, group)
    return parser


def _refusal_of(training: TrialTraining, space: Space, name: str, value: Any) -> InputError | None:
    refusal = _try(training, {name: value})
    if refusal is None or isinstance(refusal.__cause__, ArgumentError):
        return refusal
    beside = [
        (other, end)
        for other, dimension in space.dimensions.items()
        for end in dimension.ends
        if other != name
    ]
    for count in (1, 2):
        for together in combinations(beside, count):
            if _try(training, {name: value, **dict(together)}) is None:
                return None
    return refusal


def _try(training: TrialTraining, values: Mapping[str, Any]) -> InputError | None:
    try:
        with_values(training, values)
    except InputError as error:
        return error
    return None


def _require_searchable(
    name: str, training: TrialTraining, where: str, objective: Objective
) -> None:
    group, *within = name.split(".")
    if group == _OF_OWN and len(within) == 1 and training.is_own:
        return
    if group not in _CONFIGS or not within:
        groups = [*_CONFIGS, *([_OF_OWN] if training.is_own else [])]
        raise _unknown(where, f"an option of {', '.join(groups)}, such as model.width", name)
    _require_there(name, _CONFIGS[group](), within, where)
    reason = _NO_MATTER_OF_SEARCH.get(name)
    if reason is None and group == "model" and training.init:
        reason = "the model that the runs go on from (--init) has its own"
    if reason is not None:
        raise InputError(
            where=f"{where}, {name}",
            expected="an option that can be searched",
            got=f"one that cannot: {reason}",
            remedy="leave it out",
        )
    if name.startswith("training.loss") and objective == "loss":
        raise InputError(
            where=f"{where}, {name}",
            expected="the same loss for all runs, where the lowest is the best",
            got="several",
            remedy="compare by the AUC (--objective auc), or leave it out",
        )


def _require_there(name: str, config: Any, within: list[str], where: str) -> None:
    place, above = config, name.partition(".")[0]
    for depth, key in enumerate(within):
        if isinstance(place, dict) and depth == len(within) - 1:
            return  # an argument of an encoder, say, which only that knows
        names = [one.name for one in fields(place)] if is_dataclass(place) else []
        if key not in names:
            raise _unknown(where, f"an option of {above}", name)
        place, above = getattr(place, key), f"{above}.{key}"
    if is_dataclass(place):
        inner = ", ".join(f"{name}.{one.name}" for one in fields(place))
        raise _unknown(where, f"one of {inner}", name)


def _unknown(where: str, expected: str, name: str) -> InputError:
    return InputError(where=where, expected=expected, got=name, remedy="correct the file")
