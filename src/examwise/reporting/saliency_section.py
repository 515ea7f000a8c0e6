"""Where in a slice models see the finding: maps, their scores, and whether to believe them."""

from __future__ import annotations

from examwise.core.progress import Progress
from examwise.core.schemas.slice_evidence import SALIENCY_COMPARISONS, SALIENCY_METRICS
from examwise.reporting.contents import SaliencyPart, SaliencySection
from examwise.reporting.explained_runs import ExplainedRun, explained_runs
from examwise.reporting.map_pictures import colour_bar_picture
from examwise.reporting.mapped_slices import RULE, draw_slices
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.saliency_tables import (
    JudgedMaps,
    comparisons_table,
    kinds_table,
    scores_table,
)
from examwise.reporting.saliency_words import comparison_sentences, random_weights_words
from examwise.reporting.shown_runs import named_main_runs, named_runs_words
from examwise.reporting.study_files import StudyFiles

_WORDS = (
    "A map shows which pixels of a slice made a model give it its probability. Maps of the runs "
    "that stand for both ways of labelling are held against what experts drew: “pixel F1” after "
    "Otsu's threshold, intersection over union after the same, whether the highest pixel lies in "
    "the truth (pointing game), average precision over pixels, and the share of the map's sum "
    "inside. What speaks against the finding counts as nothing."
)
_READING = (
    "Slices are in the brain window (40/80 HU); the outline is the truth. Each map has a scale of "
    "its own, from nothing, which is clear, to the value that one pixel in a thousand exceeds."
)


def saliency_section(study: StudyFiles, *, progress: Progress) -> SaliencySection | None:
    """Draw and judge maps, archive by archive.

    Args:
        study: The study.
        progress: Where to report to.

    Returns:
        None where the study has no maps that were evaluated.

    Raises:
        IntegrityError: If an explanation is not the one that was evaluated.
        SchemaError: If maps are not there.
    """
    runs = named_main_runs(study)
    answers = study.answer.archives
    found = [explained_runs(study, runs, number=number) for number in range(len(answers))]
    parts = []
    with progress.track("Drawing maps", sum(map(bool, found))) as advance:
        for number, (answer, explained) in enumerate(zip(answers, found, strict=True)):
            if explained:
                parts.append(_part(study, runs, explained, answer.archive, number))
                advance()
    if not parts:
        return None
    return SaliencySection(
        title="Inside the slice",
        paragraphs=(_WORDS, f"{RULE} {_READING} {named_runs_words(runs)}"),
        colour_bar=colour_bar_picture(),
        parts=tuple(parts),
    )


def _part(
    study: StudyFiles,
    runs: list[NamedRun],
    explained: list[ExplainedRun],
    archive: str,
    number: int,
) -> SaliencyPart:
    metrics = study.tables.read(SALIENCY_METRICS).filter(archive=archive)
    comparisons = study.tables.read(SALIENCY_COMPARISONS).filter(archive=archive)
    truths = metrics["truth"].unique().sort(descending=True).to_list()
    # Masks, where there are some, say more exactly where a finding lies.
    leading = truths[0] if truths else None
    said, warned = random_weights_words(explained, metrics, truth=leading)
    paragraphs = [
        sentence
        for truth in truths
        for sentence in comparison_sentences(comparisons, runs, truth=truth)
    ]
    if leading is None:
        paragraphs.append("No explained slice has a box or a mask: its maps cannot be scored.")
    tables, folded = [], []
    for truth in truths:
        one, end = JudgedMaps(runs, archive, truth), f"{truth}-{number}"
        tables.append(scores_table(metrics, one, table_id=f"table-maps-{end}"))
        folded += [
            kinds_table(metrics, one, table_id=f"table-map-kinds-{end}"),
            comparisons_table(comparisons, one, table_id=f"table-map-pairs-{end}"),
        ]
    return SaliencyPart(
        id=f"maps-{number}",
        title=f"In “{archive}”{', outside' if number else ''}",
        paragraphs=(*paragraphs, *said),
        callouts=tuple(warned),
        slices=tuple(draw_slices(study, explained, number=number, truth=leading))
        if leading
        else (),
        tables=tuple(tables),
        folded=tuple(table for table in folded if table.rows),
    )
