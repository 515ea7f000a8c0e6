"""A W&B sweep over the same space: a file for the server, and a script that stays here.

The server is shown names and values of options, and never a path: what each trial runs lies in
the script beside the sweep file.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from examwise.core.errors import InputError
from examwise.core.tracking import without_paths
from examwise.studies.tuning.config import TuningConfig
from examwise.studies.tuning.options import require_applicable
from examwise.studies.tuning.space import Choice, Dimension, Space
from examwise.studies.tuning.trial_training import TrialTraining

_DISTRIBUTIONS = {
    "uniform": "uniform",
    "log_uniform": "log_uniform_values",
    "int": "int_uniform",
}


def write_sweep(
    path: Path,
    *,
    stores: Sequence[str],
    space: Space,
    config: TuningConfig,
    training: TrialTraining,
    out: str,
) -> tuple[Path, Path, Path]:
    """Write the files of a sweep; nothing is trained.

    Args:
        path: The sweep file, in a folder from which the agent is started.
        stores: The exam stores.
        space: What is searched.
        config: How many runs, and by what they are compared.
        training: The options that all runs have in common.
        out: Folder for the runs, each under the name that W&B gives it.

    Returns:
        The sweep file, the script that the agent calls, and the options that it names.

    Raises:
        InputError: If the space does not fit, runs do not tell W&B of themselves or are to be
            compared by what it is not told, or the sweep would hold a path.
    """
    require_applicable(training, space, config.objective)
    tracking = training.tracking
    if "wandb" not in tracking.trackers or tracking.wandb_mode != "online":
        raise InputError(
            where="W&B sweep",
            expected="runs that W&B follows: its server chooses what is tried",
            got="trackers " + (", ".join(tracking.trackers) or "none") + f", {tracking.wandb_mode}",
            remedy="add --tracking.trackers '[wandb]' --tracking.wandb_mode online, if figures and "
            "options may go to its server",
        )
    if config.objective != "loss" or config.stop_early:
        raise InputError(
            where="W&B sweep",
            expected="the objective loss, and no early stop: that is what W&B is told",
            got="another",
            remedy="leave --objective and --stop-early out",
        )
    if without_paths(space.plain()) != space.plain():
        raise InputError(
            where=space.where,
            expected="values without paths, since a sweep lies on W&B's server",
            got="a value that may be one",
            remedy="give such options beside the space, or tune without W&B",
        )
    script, options = path.with_suffix(".sh"), path.with_suffix(".options.yaml")
    if len({path, script, options}) < 3:
        raise InputError(where=path, expected="a name that ends in .yaml", got=path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    options.write_text(training.as_config(tracked=True), "utf-8")
    script.write_text(_script(stores, options, out), "utf-8")
    sweep = _sweep(script.name, space, config, training)
    path.write_text(yaml.safe_dump(sweep, sort_keys=False, allow_unicode=True), "utf-8")
    return path, script, options


def _sweep(
    script: str, space: Space, config: TuningConfig, training: TrialTraining
) -> dict[str, Any]:
    entity = training.tracking.wandb_entity
    return {
        "project": training.tracking.project,
        **({"entity": entity} if entity else {}),
        "method": "bayes",
        "metric": {"name": "validation_loss", "goal": "minimize"},
        "run_cap": config.trials,
        "parameters": {name: _parameter(one) for name, one in space.dimensions.items()},
        "command": ["sh", script, "${args}"],
    }


def _parameter(dimension: Dimension) -> dict[str, Any]:
    if isinstance(dimension, Choice):
        return {"values": list(dimension.values)}
    kind = _DISTRIBUTIONS[dimension.kind]
    return {"distribution": kind, "min": dimension.low, "max": dimension.high}


def _script(stores: Sequence[str], options: Path, out: str) -> str:
    words = ["examwise", "train", *stores, "--config", str(options.resolve())]
    run = f'{shlex.quote(out)}/"$WANDB_RUN_ID"'
    return (
        "#!/bin/sh\n"
        "# Trains one run of the sweep, with the options that the agent adds.\n"
        f"cd {shlex.quote(str(Path.cwd()))} || exit 1\n"
        f'exec {shlex.join(words)} --out {run} "$@"\n'
    )
