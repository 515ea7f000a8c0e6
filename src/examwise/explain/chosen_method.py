"""Explainers by name, with options as a user writes them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, cast

from examwise.core.errors import InputError
from examwise.explain import BAG_EXPLAINERS, IMAGE_EXPLAINERS
from examwise.explain.protocol import BagExplainer, ImageExplainer


def image_explainer(method: str, options: Mapping[str, Any]) -> ImageExplainer:
    """Make an explainer of slices.

    Args:
        method: One of :data:`examwise.explain.IMAGE_EXPLAINERS`.
        options: Arguments of its class.

    Raises:
        InputError: If there is no such method or option, or an option's value is wrong.
    """
    return cast("ImageExplainer", _make(IMAGE_EXPLAINERS.load(method), method, options))


def bag_explainer(method: str, options: Mapping[str, Any]) -> BagExplainer:
    """Make an explainer of exams; as :func:`image_explainer`."""
    return cast("BagExplainer", _make(BAG_EXPLAINERS.load(method), method, options))


def _make(made_by: Any, method: str, options: Mapping[str, Any]) -> object:
    known = inspect.signature(made_by).parameters
    for name, value in options.items():
        if name not in known:
            raise InputError(
                where=f"options of {method}",
                expected="one of " + ", ".join(known) if known else "none",
                got=name,
            )
        given = known[name].default
        if isinstance(given, bool) != isinstance(value, bool):
            kind = "true or false" if isinstance(given, bool) else "no truth value"
            raise InputError(where=f"option {name} of {method}", expected=kind, got=value)
        if isinstance(given, int) and isinstance(value, float):
            raise InputError(
                where=f"option {name} of {method}", expected="a whole number", got=value
            )
    try:
        return made_by(**options)
    except (TypeError, ValueError) as error:
        raise InputError(
            where=f"options of {method}", expected="values of the right type", got=error
        ) from error
