"""Options of training that several commands have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace

from examwise.cli.parsing import parse
from examwise.models.config import ModelConfig
from examwise.training.config import TrainingConfig
from examwise.training.tracking_config import TrackingConfig
from examwise.training.trainer_config import TrainerConfig

if TYPE_CHECKING:
    from examwise.training.recipes.recipe import Recipe


def add_training_options(parser: ArgumentParser) -> None:
    """Add what says how a model is trained."""
    parser.add_argument("--config", action="config", help="YAML with the options below")
    parser.add_argument(
        "--learner",
        required=True,
        help="strong, weak, mixed, pooled, position, or package.module:Class, a LightningModule "
        "of your own",
    )
    parser.add_argument(
        "--learner-options",
        type=dict[str, Any],
        default={},
        help="arguments of a LightningModule of your own, '{name: value, …}'",
    )
    parser.add_argument(
        "--recipe",
        help="options under one name: teneggi2023, teneggi2023-corrected, or a YAML file; what "
        "you say beside it counts more",
    )
    parser.add_argument("--init", default="", help="folder of a finished run to go on from")
    parser.add_argument(
        "--features",
        type=Path,
        help="folder in which a frozen encoder's features are kept, for this run and others",
    )
    parser.add_class_arguments(ModelConfig, "model")
    parser.add_class_arguments(TrainingConfig, "training")
    parser.add_class_arguments(TrainerConfig, "trainer")
    parser.add_class_arguments(TrackingConfig, "tracking")


def with_defaults(
    parser: ArgumentParser, argv: Sequence[str], options: Namespace
) -> tuple[Namespace, Recipe | None]:
    """Return the options as objects, and the recipe that was named.

    What the words leave open is the recipe's to say, then what the first weights were trained on,
    then the task's; and which task it is, the stores' alone.

    Args:
        parser: A parser with these options, and with ``stores``.
        argv: The words.
        options: What the parser made of them.

    Raises:
        InputError: If there is no such recipe, or stores have several tasks.
    """
    from examwise.cli.task_defaults import common_task, model_defaults
    from examwise.imaging.joined_stores import JoinedStores
    from examwise.training.beginnings import options_of_weights
    from examwise.training.recipes.recipe import load_recipe

    defaults = model_defaults(common_task(JoinedStores(options.stores).stores), "model")
    seen = options_of_weights(options.model.weights)
    defaults |= {f"model.{name}": value for name, value in seen.items()}
    recipe = load_recipe(options.recipe) if options.recipe else None
    if recipe is not None:
        defaults |= recipe.options(options.learner)
    parser.set_defaults(defaults)
    return parser.instantiate(parse(parser, argv)), recipe
