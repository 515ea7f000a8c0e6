"""Options of ingesting an archive."""

from __future__ import annotations

from dataclasses import dataclass

from examwise.core.errors import InputError

LARGEST_MATRIX = 2048

ALLOW_UNMATCHED = "--ingest.allow_unmatched_labels true"
"""How the user says that labels and images need not match."""


@dataclass(frozen=True)
class IngestConfig:
    """Options of ingesting an archive.

    Attributes:
        matrix: Rows and columns of every stored slice; 512 keeps most CT as acquired.
        allow_unmatched_labels: Go on where labels have no image, or images no label.
        archive_name: Name of the archive in all tables; the layout's own if None.
        data_terms: Terms of use, carried on to models; the layout's own if None.

    Raises:
        InputError: If ``matrix`` is out of range or a text is empty.

    Example:
        >>> IngestConfig(matrix=256).matrix
        256
    """

    matrix: int = 512
    allow_unmatched_labels: bool = False
    archive_name: str | None = None
    data_terms: str | None = None

    def __post_init__(self) -> None:
        if not 8 <= self.matrix <= LARGEST_MATRIX:
            raise InputError(
                where="option matrix", expected=f"8 to {LARGEST_MATRIX}", got=self.matrix
            )
        for name in ("archive_name", "data_terms"):
            if getattr(self, name) == "":
                raise InputError(
                    where=f"option {name}",
                    expected="a text, or the option left out",
                    got="an empty text",
                )
