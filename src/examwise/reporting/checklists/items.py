"""Items of a reporting guideline, and what is known about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TO_FILL_IN = "To be filled in by the authors"


@dataclass(frozen=True)
class Item:
    """One item of a guideline.

    Attributes:
        number: As the guideline counts.
        words: What it asks for, in few words of our own; the guideline has the full text.
        facts: Which facts say something about it, in order; none where only authors can.
    """

    number: str
    words: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checklist:
    """A reporting guideline.

    Attributes:
        name: Its short name and year.
        about: What it is for, and where its full text stands.
        items: In its order.
    """

    name: str
    about: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Fact:
    """Something that is known without the authors.

    Attributes:
        words: What is known, numbers filled in.
        where: Where it stands.
    """

    words: str
    where: str


def filled(
    checklist: Checklist, facts: Mapping[str, Fact]
) -> tuple[tuple[str, str, str, str], ...]:
    """Fill a checklist in: number, what is asked for, what is known of it, where it stands.

    Args:
        checklist: The guideline.
        facts: Name to fact.

    Example:
        >>> filled(Checklist("A", "", (Item("1", "Funding"),)), {})
        (('1', 'Funding', 'To be filled in by the authors', '–'),)
    """
    return tuple(
        (item.number, item.words, *_known([facts[name] for name in item.facts if name in facts]))
        for item in checklist.items
    )


def count_filled(checklist: Checklist, facts: Mapping[str, Fact]) -> int:
    """Count the items of which something is known."""
    return sum(any(name in facts for name in item.facts) for item in checklist.items)


def _known(facts: Sequence[Fact]) -> tuple[str, str]:
    if not facts:
        return TO_FILL_IN, "–"
    return (
        " ".join(fact.words for fact in facts),
        "; ".join(dict.fromkeys(fact.where for fact in facts)),
    )
