"""How a study was made: its exams, its parts, and what became of every file."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from examwise.imaging.joined_stores import key_of
from examwise.imaging.reasons import REASONS
from examwise.reporting.archive_words import exams_words
from examwise.reporting.configuration_words import setting
from examwise.reporting.contents import MethodSection, Table
from examwise.reporting.external_stores import ExternalStore
from examwise.reporting.label_shares import PARTS, exams_with_labels
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import percent

_STATUS_WORDS = {"used": "used", "left_out": "left out", "set_aside": "set aside"}


def is_synthetic(study: StudyFiles) -> bool:
    """Tell whether the study's exams were simulated."""
    return setting(study.manifest.configuration, "source", "kind") == "phantom"


def terms_words(study: StudyFiles) -> str:
    """Say on which terms the data may be used: those that trained models carry in model.json."""
    terms = "; ".join(study.stored.data_terms)
    others = {
        f"“{store.archive}”: {said}"
        for store in study.external
        for said in sorted(set(store.stored.exams["data_terms"].to_list()))
        if said not in study.stored.data_terms
    }
    outside = f" Tested on: {'; '.join(sorted(others))}." if others else ""
    return f"Data: {terms}. Models trained on these data carry the same terms.{outside}"


def data_section(study: StudyFiles) -> MethodSection:
    """Describe exams, patients, parts and files."""
    synthetic = (
        "The exams are synthetic: simulated heads, not patients. " if is_synthetic(study) else ""
    )
    outside = (
        f"Tested on only: the {exams_words(store.stored, archive=store.archive)}"
        for store in study.external
    )
    return MethodSection(
        id="data",
        title="Exams and patients",
        paragraphs=(
            f"{synthetic}The " + exams_words(study.stored, archive=study.archive),
            *outside,
            " ".join(_split_words(study)),
        ),
        tables=(_parts_table(study), _files_table(study)),
    )


def _split_words(study: StudyFiles) -> Iterator[str]:
    yield "Patients, not exams or slices, were assigned to training, validation and test."
    overlapping = (
        study.splits.group_by("patient_key")
        .agg(pl.col("split").n_unique().alias("n_parts"))
        .filter(pl.col("n_parts") > 1)
        .height
    )
    yield (
        "No patient is in two parts (counted for this page)."
        if overlapping == 0
        else f"{overlapping:,} patients are in more than one part: the test results are too good."
    )
    yield "Labels were bought from training and validation patients alone."
    if study.external:
        yield _outside_words(study)
    yield "Every AUC on this page is of test patients."


def _outside_words(study: StudyFiles) -> str:
    """Count patients of external archives that could be learned from, where keys can tell."""
    keys = [study.stored.key_id]
    keys += [key_of(store.stored) for store in study.external]
    if None in keys or len(set(keys)) > 1:
        return (
            "Pseudonyms of all archives are not known to come from one key: whether a patient is "
            "in two archives cannot be told from them."
        )
    learned = study.splits.filter(pl.col("split").is_in(["train", "validation"]))
    known = set(learned["patient_key"].to_list())
    found = {key for store in study.external for key in _tested(store)["patient_key"].to_list()}
    n_both = len(known & found)
    if n_both:
        return f"{n_both:,} patients of external archives are among them: results are too good."
    return "No test patient of an external archive is among them (counted for this page)."


def _tested(store: ExternalStore) -> pl.DataFrame:
    """Return an external archive's exams that are tested: its test part, or all without parts."""
    parts = store.splits.filter(pl.col("split") == "test")
    exams = store.stored.exams
    return exams if store.splits.is_empty() else exams.join(parts, on="exam_id", how="semi")


def _parts_table(study: StudyFiles) -> Table:
    labelled = exams_with_labels(study.stored, study.splits, study.finding)
    others = [part for part in labelled["split"].unique().sort().to_list() if part not in PARTS]
    rows = [_part_row(part, labelled.filter(pl.col("split") == part)) for part in (*PARTS, *others)]
    for store in study.external:
        found = exams_with_labels(store.stored, store.splits, study.finding)
        tested = found.join(_tested(store), on="exam_id", how="semi")
        rows.append(_part_row(f"{store.archive} (test only)", tested))
    return Table(
        id="table-parts",
        caption=f"Parts of the store{'s' if study.external else ''}; positive means finding "
        f"“{study.finding}”",
        columns=("Part", "Patients", "Exams", "Slices", "Labelled", "Positive", "Prevalence"),
        rows=tuple(rows),
        source="exams.parquet, splits.parquet and labels.parquet of the store"
        + ("s" if study.external else ""),
    )


def _part_row(part: str, own: pl.DataFrame) -> tuple[str, ...]:
    known = own.drop_nulls("exam_label")
    positive = int((known["exam_label"] == 1).sum())
    return (
        part,
        f"{own['patient_key'].n_unique():,}",
        f"{own.height:,}",
        f"{int(own['n_slices'].sum()):,}",
        f"{known.height:,}",
        f"{positive:,}",
        percent(positive, known.height),
    )


def _files_table(study: StudyFiles) -> Table:
    """Count files by what became of them, archive by archive where there are several."""
    archives = [(study.archive, study.files)]
    archives += [(store.archive, store.files) for store in study.external]
    several = len(archives) > 1
    rows = [
        (archive, *row) if several else row
        for archive, files in archives
        for row in _files_rows(files)
    ]
    return Table(
        id="table-files",
        caption=f"What became of every file of the archive{'s' if several else ''}",
        columns=(*(("Archive",) if several else ()), "Became", "Reason", "Files"),
        rows=tuple(rows),
        source="files.parquet of the store" + ("s" if several else ""),
        row_headers=3 if several else 2,
    )


def _files_rows(files: pl.DataFrame) -> list[tuple[str, str, str]]:
    counted = files.group_by("status", "reason").len()
    order = {status: place for place, status in enumerate(_STATUS_WORDS)}
    rows = sorted(counted.rows(), key=lambda row: (order[row[0]], -row[2], row[1]))
    return [
        (_STATUS_WORDS[status], _reason_words(reason), f"{n_files:,}")
        for status, reason, n_files in rows
    ] or [("none on record", "–", "0")]


def _reason_words(code: str) -> str:
    return REASONS.get(code, code.replace("_", " ") + ".") if code else "–"
