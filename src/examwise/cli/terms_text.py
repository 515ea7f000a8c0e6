"""Terms of use of data, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def terms_text(terms: Sequence[str], *, of: str = "Data") -> str:
    """Say on which terms data may be used.

    Args:
        terms: As stores have them.
        of: Which data.

    Example:
        >>> terms_text(["RSNA 2019: non-commercial research"])
        'Data: RSNA 2019: non-commercial research'
    """
    return f"{of}: " + ("; ".join(terms) or "no terms on record")


def both_terms_text(terms: Mapping[str, Sequence[str]]) -> str:
    """Say on which terms data may be used that models learned from, and that they were applied to.

    Args:
        terms: ``learned_from`` and ``predicted`` to terms, as predictions have them.
    """
    return "\n".join(
        (
            terms_text(terms["learned_from"], of="Data that the model learned from"),
            terms_text(terms["predicted"]),
        )
    )
