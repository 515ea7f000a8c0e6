"""What a report's page holds: text, tables and drawings, ready to be written out.

The template only loops over these; every choice and every number is made before.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from examwise.reporting.words import NOT_ESTIMABLE, NOT_GIVEN, NOT_REACHED, UNDEFINED

_NO_NUMBER = ("–", NOT_GIVEN, UNDEFINED, NOT_REACHED, NOT_ESTIMABLE)
_BEFORE_NUMBER = ("at most ", "at least ", "-", "[")


@dataclass(frozen=True)
class Table:
    """A table of written-out values.

    Attributes:
        id: Unique within the page.
        caption: What it shows.
        columns: Column headings.
        rows: Written-out cells.
        source: File of the study that the numbers stand in.
        row_headers: How many leading cells of a row name it.
    """

    id: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    source: str
    row_headers: int = 1

    @property
    def is_numeric(self) -> tuple[bool, ...]:
        """Whether each column holds numbers, to be aligned at their right end."""
        return tuple(
            place >= self.row_headers
            and bool(self.rows)
            and all(_is_number(row[place]) for row in self.rows)
            for place in range(len(self.columns))
        )


def _is_number(cell: str) -> bool:
    for before in _BEFORE_NUMBER:
        cell = cell.removeprefix(before)
    return cell[:1].isdigit() or cell in _NO_NUMBER


@dataclass(frozen=True)
class Figure:
    """A drawing.

    Attributes:
        id: Unique within the page.
        caption: What it shows, visible.
        svg: The drawing, with its text alternative.
        source: File of the study that the numbers stand in.
        alone: Whether it has a row of its own, with its caption beside it.
    """

    id: str
    caption: str
    svg: Markup
    source: str
    alone: bool = False


@dataclass(frozen=True)
class Bar:
    """A value beneath one slice of a strip.

    Attributes:
        percent: Height, 0 to 100.
        text: The value.
    """

    percent: float
    text: str


@dataclass(frozen=True)
class BarRow:
    """One estimator's values along a strip.

    Attributes:
        series: Number that picks the colour.
        label: What the bars are.
        bars: One a slice.
    """

    series: int
    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class StripSlice:
    """One slice of a strip.

    Attributes:
        image: Data URI of the thumbnail.
        alt: Text alternative.
        name: Number of the slice, from 1.
        truth: ``positive``, ``negative`` or ``unlabelled``.
    """

    image: str
    alt: str
    name: str
    truth: str

    @property
    def mark(self) -> str:
        """Sign of the truth, which needs no colour."""
        return {"positive": "▲", "negative": "·", "unlabelled": "?"}[self.truth]


@dataclass(frozen=True)
class Strip:
    """One exam's slices with what the learners say of them.

    Attributes:
        id: Unique within the page.
        title: Why this exam was chosen.
        rule: By which rule it was chosen.
        summary: Exam, truth, and the learners' exam probabilities.
        note: Which slices are shown where not all are; empty otherwise.
        slices: Lowest first.
        rows: Estimators.
    """

    id: str
    title: str
    rule: str
    summary: str
    note: str
    slices: tuple[StripSlice, ...]
    rows: tuple[BarRow, ...]


@dataclass(frozen=True)
class AnswerSection:
    """The answer in words, and what it took.

    Attributes:
        headline: What a fair reading says.
        ratios: What both ways of labelling took, a table for each way of drawing slices.
        sentences: The same in words.
        terms: What the words mean.
        cautions: What to be careful about.
    """

    headline: str
    ratios: tuple[Table, ...]
    sentences: tuple[str, ...]
    terms: str
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class ArchiveCautions:
    """What to be careful about in the answer of one external archive."""

    archive: str
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class FullBudgetSection:
    """Every arm at its full budget, beside what needs fewer labels or none, in every archive.

    Attributes:
        title: Of the section.
        paragraphs: What stands in it.
        tables: Of all archives.
        figures: Of all archives, or one for each external archive.
        cautions: Of the external archives, each for itself.
    """

    title: str
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...] = ()
    cautions: tuple[ArchiveCautions, ...] = ()


@dataclass(frozen=True)
class SliceSection:
    """How well slices are found."""

    words: str
    callouts: tuple[str, ...]
    table: Table


@dataclass(frozen=True)
class StripSection:
    """Some exams, and the rule by which they were chosen."""

    rule: str
    absent: tuple[str, ...]
    strips: tuple[Strip, ...]


@dataclass(frozen=True)
class MethodSection:
    """A part of how the study was made: paragraphs, then tables."""

    id: str
    title: str
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    points: tuple[str, ...] = ()
    folded: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    subtitle: str
    terms: str
    answer: AnswerSection
    figures: tuple[Figure, ...]
    budgets: Table
    full_budget: FullBudgetSection | None
    slices: SliceSection
    strips: StripSection
    methods: tuple[MethodSection, ...]
    tool: str
