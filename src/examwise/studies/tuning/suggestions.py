"""What is tried next, and what is not worth going on with: Optuna, asked anew every time.

A suggestion is a function of the seed, the trial's number and what other trials have come to, so
that a search that is gone on with tries what an uninterrupted one would have tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from examwise.core.extras import require
from examwise.core.randomness import derive_seed, generator
from examwise.studies.tuning.space import Choice, Dimension, Range, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_SEED_LIMIT = 2**32
_ATTEMPTS = 16
_LARGEST_LISTED = 10_000
_MEDIAN_OF = 4


@dataclass(frozen=True)
class KnownTrial:
    """A trial that has been begun.

    Attributes:
        values: Dotted name to value.
        state: ``"running"``, or what became of it.
        objective: Of a trial that is done.
        curve: Step to the validation loss there.
    """

    values: Mapping[str, Any]
    state: str
    objective: float | None = None
    curve: Mapping[int, float] = field(default_factory=dict)


def suggest(
    space: Space, known: Sequence[KnownTrial], *, number: int, seed: int, maximise: bool
) -> dict[str, Any]:
    """Return values to be tried, other than those of all known trials if there are any left.

    By the tree-structured Parzen estimator (Bergstra et al., 2011) after ten trials at random, as
    Optuna has it; trials that still run count as bad ones, so that others are not sent to the same
    place.

    Args:
        space: The space.
        known: The other trials, in the order of their numbers.
        number: The trial's number.
        seed: The search's.
        maximise: Whether a higher objective is the better one.
    """
    optuna = _optuna()
    tried = [trial.values for trial in known]
    distributions = {name: _distribution(one) for name, one in space.dimensions.items()}
    found: dict[str, Any] = {}
    for attempt in range(_ATTEMPTS):
        sampler = optuna.samplers.TPESampler(
            seed=derive_seed(seed, "trial", number, attempt) % _SEED_LIMIT, constant_liar=True
        )
        study = optuna.create_study(
            sampler=sampler, direction="maximize" if maximise else "minimize"
        )
        for trial in known:
            study.add_trial(_as_optuna(trial, space, distributions))
        asked = study.ask(distributions).params
        found = {name: _value(one, asked[name]) for name, one in space.dimensions.items()}
        if found not in tried:
            return found
    left = [values for values in _listed(space) if values not in tried]
    if not left:
        return found
    return left[int(generator(seed, "left", number).integers(len(left)))]


def is_hopeless(curve: Mapping[int, float], known: Sequence[KnownTrial]) -> bool:
    """Tell whether a run's lowest loss so far is above the median of others' at its last step.

    Only runs that came to their end are compared with, and at least four of them (the median
    stopping rule; Golovin et al., 2017).

    Args:
        curve: Step to validation loss.
        known: The other trials.

    Example:
        >>> others = [KnownTrial({}, "done", 0.2, {2: 0.3, 4: 0.2})] * 4
        >>> is_hopeless({2: 0.5}, others), is_hopeless({2: 0.5, 4: 0.1}, others)
        (True, False)
    """
    if not curve:
        return False
    optuna = _optuna()
    pruner = optuna.pruners.MedianPruner(n_startup_trials=_MEDIAN_OF, n_min_trials=_MEDIAN_OF)
    study = optuna.create_study()
    for trial in known:
        if trial.state == "done":
            study.add_trial(
                optuna.trial.create_trial(
                    value=trial.objective, intermediate_values=dict(trial.curve)
                )
            )
    running = optuna.trial.create_trial(
        state=optuna.trial.TrialState.RUNNING, intermediate_values=dict(curve)
    )
    return bool(pruner.prune(study, running))


def _optuna() -> Any:
    optuna = require("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _as_optuna(
    trial: KnownTrial, space: Space, distributions: Mapping[str, BaseDistribution]
) -> Any:
    optuna = _optuna()
    states = optuna.trial.TrialState
    # A trial that was stopped counts by its last loss, which only a search by loss has.
    stopped = states.PRUNED if trial.curve else states.FAIL
    state = {"done": states.COMPLETE, "stopped": stopped, "running": states.RUNNING}
    return optuna.trial.create_trial(
        state=state.get(trial.state, states.FAIL),
        value=trial.objective if trial.state == "done" else None,
        params={
            name: one.values.index(trial.values[name])
            if isinstance(one, Choice)
            else trial.values[name]
            for name, one in space.dimensions.items()
        },
        distributions=distributions,
        intermediate_values=dict(trial.curve) if trial.state == "stopped" else {},
    )


def _distribution(dimension: Dimension) -> BaseDistribution:
    from optuna import distributions

    if isinstance(dimension, Choice):
        # By their places: Optuna takes no lists.
        return distributions.CategoricalDistribution(tuple(range(len(dimension.values))))
    low, high = dimension.low, dimension.high
    if dimension.kind == "int":
        return distributions.IntDistribution(int(low), int(high))
    return distributions.FloatDistribution(low, high, log=dimension.kind == "log_uniform")


def _value(dimension: Dimension, asked: Any) -> Any:
    return dimension.values[asked] if isinstance(dimension, Choice) else asked


def _listed(space: Space) -> Iterator[dict[str, Any]]:
    """Yield all combinations, where they are few."""
    if space.size > _LARGEST_LISTED:
        return
    columns = [
        range(int(one.low), int(one.high) + 1) if isinstance(one, Range) else one.values
        for one in space.dimensions.values()
    ]
    for row in product(*columns):
        yield dict(zip(space.dimensions, row, strict=True))
