"""What a report's page holds: text, tables and drawings, ready to be written out.

The template only loops over these; every choice and every number is made before.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from examwise.reporting.words import NOT_ESTIMABLE, NOT_GIVEN, NOT_REACHED, UNDEFINED

_NO_NUMBER = ("–", NOT_GIVEN, UNDEFINED, NOT_REACHED, NOT_ESTIMABLE)
_BEFORE_NUMBER = ("at most ", "at least ", "-", "−", "+", "[")


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
        chart: What it shows as JSON, from :func:`examwise.reporting.chart.chart_json`; empty
            where it stays as it is.
    """

    id: str
    caption: str
    svg: Markup
    source: str
    alone: bool = False
    chart: str = ""


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
        headline: What a fair reading says, in its first sentence.
        more: The rest of it.
        full_headline: The same of learners that train the encoder on as well; None without.
        claims: Which ratios were shown.
        table: What both ways of labelling took, in short; None where nothing is compared.
        ratios: The same in every unit, a table for each way of drawing slices.
        sentences: The same in words.
        terms: What the words mean.
        cautions: What to be careful about.
    """

    headline: str
    more: str
    full_headline: str | None
    claims: tuple[str, ...]
    table: Table | None
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
class SlicePart:
    """How well slices of one archive are found: what to be careful about, tables, figures."""

    id: str
    title: str
    callouts: tuple[str, ...]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...] = ()
    folded: tuple[Table, ...] = ()


@dataclass(frozen=True)
class SliceSection:
    """How well slices are found, archive by archive."""

    paragraphs: tuple[str, ...]
    parts: tuple[SlicePart, ...]


@dataclass(frozen=True)
class StripSection:
    """Some exams, and the rule by which they were chosen."""

    rule: str
    absent: tuple[str, ...]
    strips: tuple[Strip, ...]


@dataclass(frozen=True)
class PackedExam:
    """An exam as the viewer's script reads it: JSON, ready to stand inside a page."""

    id: str
    record: Markup


@dataclass(frozen=True)
class ExamViewerSection:
    """Exams to be looked at slice by slice.

    Attributes:
        rule: Which exams these are, and how they are packed.
        order: In which order they are listed.
        runs: Which runs stand behind the learners.
        exam_list: All of them, as JSON.
        exams: Each of them.
        style: Style sheet.
        script: What makes the viewer.
    """

    rule: str
    order: str
    runs: str
    exam_list: Markup
    exams: tuple[PackedExam, ...]
    style: Markup
    script: Markup


@dataclass(frozen=True)
class MapPicture:
    """What is laid over a slice.

    Attributes:
        image: Data URI; clear where there is nothing.
        alt: Text alternative.
        name: What it is.
        note: Its score; empty otherwise.
    """

    image: str
    alt: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class MappedSlice:
    """One slice, its truth, and every learner's map of it by every method.

    Attributes:
        id: Unique within the page.
        title: Why this slice was chosen.
        summary: Which slice it is, and of what.
        image: Data URI of the slice, beneath all pictures.
        width: Pixels of every picture.
        height: Pixels of every picture.
        pictures: The slice alone, its truth, then the maps, row after row.
        columns: Pictures of a row.
    """

    id: str
    title: str
    summary: str
    image: str
    width: int
    height: int
    pictures: tuple[MapPicture, ...]
    columns: int


@dataclass(frozen=True)
class SaliencyPart:
    """The maps of one archive.

    Attributes:
        id: Unique within the page.
        title: Which archive.
        paragraphs: What follows from scores, in words.
        callouts: What must not be read from the maps.
        slices: Some of them, drawn.
        tables: Scores.
        folded: Further scores.
    """

    id: str
    title: str
    paragraphs: tuple[str, ...]
    callouts: tuple[str, ...]
    slices: tuple[MappedSlice, ...]
    tables: tuple[Table, ...]
    folded: tuple[Table, ...]


@dataclass(frozen=True)
class SaliencySection:
    """Where in a slice models see the finding.

    Attributes:
        title: Of the section.
        paragraphs: How to read it.
        colour_bar: Data URI of the maps' colours.
        parts: Archive by archive.
    """

    title: str
    paragraphs: tuple[str, ...]
    colour_bar: str
    parts: tuple[SaliencyPart, ...]


@dataclass(frozen=True)
class MethodSection:
    """A part of a section: paragraphs, then points, figures, tables, and tables folded away.

    One that is folded shows its title alone at first.
    """

    id: str
    title: str
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    points: tuple[str, ...] = ()
    folded: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    is_folded: bool = False


@dataclass(frozen=True)
class EvidenceSection:
    """How sure figures are, part by part."""

    title: str
    paragraphs: tuple[str, ...]
    parts: tuple[MethodSection, ...]


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    subtitle: str
    terms: str
    answer: AnswerSection
    figures: tuple[Figure, ...]
    more_figures: tuple[Figure, ...]
    budgets: Table
    curves: EvidenceSection | None
    full_budget: FullBudgetSection | None
    evidence: EvidenceSection | None
    slices: SliceSection
    saliency: SaliencySection | None
    exam_viewer: ExamViewerSection | None
    strips: StripSection
    methods: tuple[MethodSection, ...]
    checklists: EvidenceSection | None
    tool: str
