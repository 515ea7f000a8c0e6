"""Help texts and refusals of options in plain words: no Python types, no markup of docstrings."""

from __future__ import annotations

import importlib
import re
from argparse import Action
from collections.abc import Sequence

from jsonargparse import DefaultHelpFormatter

from examwise.core.registry import Registry

_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "Path": "a path",
    "PosixPath": "a path",
    "NoneType": "null",
    "None": "null",
    "null": "null",
    "tuple": "a list",
    "list": "a list",
}
_PLURALS = {"int": "whole numbers", "float": "numbers", "str": "texts"}
_ROLE = re.compile(r":(?:[a-z]+:)?[a-z]+:`~?([^`]+)`")
_TYPE = re.compile(r"type: (.+?)(?=, default: |\)$)", re.DOTALL)
_KEY = re.compile(r'Parser key "([^"]+)"')
_UNKNOWN = re.compile(r"Option '([^']+)' is not accepted")
_MISSING = re.compile(r"the following arguments are required: ([^\n]+)")
_GIVEN = (
    re.compile(r"Subtypes: \[(?P<kind>[^\n]*)\]\n.*Given value: (?P<got>.*)", re.DOTALL),
    re.compile(r"Expected an? (?P<kind>.*)\. Got value: (?P<got>.*?)(?:\n +- |$)", re.DOTALL),
)


class PlainHelp(DefaultHelpFormatter):
    """Help of a command in plain words."""

    def add_text(self, text: str | None) -> None:
        """Add a paragraph."""
        super().add_text(plain_text(text) if text else text)

    def start_section(self, heading: str | None) -> None:
        """Begin a group of options."""
        super().start_section(plain_text(heading) if heading else heading)

    def _expand_help(self, action: Action) -> str:
        text = plain_text(super()._expand_help(action)).replace(", default: null)", ")")
        return _TYPE.sub(lambda found: type_words(found[1]), text)


def plain_text(text: str) -> str:
    """Return the text of a docstring without markup; a registry's name becomes its entries'.

    Example:
        >>> plain_text("One of :data:`examwise.models.poolings.NORMALIZERS`, as ``width`` says.")
        'One of softmax, sparsemax, entmax15, as width says.'
    """
    return _ROLE.sub(lambda found: _named(found[1]), text).replace("``", "")


def _named(name: str) -> str:
    module, _, attribute = name.rpartition(".")
    if attribute.isupper():
        value = getattr(importlib.import_module(module), attribute, None)
        if isinstance(value, Registry | dict):
            return ", ".join(value)
    return attribute


def type_words(kind: str) -> str:
    """Return what a type means to whoever types a value.

    Example:
        >>> type_words("<class 'Path'>"), type_words("tuple[float, float, float] | null")
        ('a path', 'a list of 3 numbers')
    """
    kind = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", kind).replace("typing.", "")
    kind = re.sub(r"(?:Union|Optional)\[(.*)\]$", r"\1", kind)
    words = list(dict.fromkeys(_one_type(part) for part in _parts(kind)))
    # That an option may be left out goes without saying.
    return ", or ".join(word for word in words if word != "null") or "null"


def _parts(kind: str) -> list[str]:
    """Split at the commas and bars outside of all brackets."""
    depth, parts = 0, [""]
    for letter in kind:
        depth += (letter == "[") - (letter == "]")
        if depth == 0 and letter in ",|":
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _one_type(kind: str) -> str:
    name, _, inner = kind.removesuffix("]").partition("[")
    if not inner:
        return "keys and values" if name.endswith("Config") else _NAMES.get(name, name)
    items = _parts(inner)
    if name == "Literal":
        named = ", ".join(item.strip("'\"") for item in items)
        return f"one of {named}" if len(items) > 1 else named
    if name not in ("list", "tuple"):
        return _NAMES.get(name, name)
    number = "" if name == "list" or items[-1] == "..." else f"{len(items)} "
    return f"a list of {number}{_PLURALS.get(items[0], 'values')}"


def wrong_type(message: str) -> tuple[str, str, str] | None:
    """Return option, expected and got of a refused value; None if the refusal is of another kind.

    Args:
        message: What the parser says.

    Example:
        >>> wrong_type('''Parser key "a.n":
        ...   Expected a <class 'int'>. Got value: x''')
        ('a.n', 'a whole number', 'x')
    """
    keys = list(_KEY.finditer(message))
    if not keys:
        return None
    option = _innermost(message, keys)
    said = message[keys[-1].end() :]
    if unknown := _UNKNOWN.search(said):
        return option, "options that it has", unknown[1]
    if missing := _MISSING.search(said):
        return option, "every option that has no default", f"no {missing[1].strip()}"
    for pattern in _GIVEN:
        if found := pattern.search(said):
            return option, type_words(found["kind"]), found["got"].strip()
    return None


def _innermost(message: str, keys: Sequence[re.Match[str]]) -> str:
    """Return the last key with those it is named within: these stand further to the left."""
    within: list[tuple[int, str]] = []
    for key in keys:
        column = key.start() - message.rfind("\n", 0, key.start())
        within = [outer for outer in within if outer[0] < column]
        within.append((column, key[1]))
    return ".".join(name for _, name in within)
