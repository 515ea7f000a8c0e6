"""``fingerprint.json`` and its page: what a store holds, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examwise import __version__
from examwise.core.digests import readable_json, sha256_hex
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.schemas.fingerprint import FINGERPRINT, PAGE
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.reporting.contents import Figure, Table
from examwise.reporting.fingerprint_figures import (
    distribution_figure,
    hu_figure,
    prevalence_figure,
)
from examwise.reporting.templates import render_template
from examwise.reporting.words import NOT_GIVEN, percent, short

_TEMPLATE = "fingerprint.html.j2"
_DISTRIBUTIONS = {
    "slices_per_exam": "slices in an exam",
    "slice_spacing_mm": "slice spacing, measured, mm",
    "thickness_mm": "slice thickness, nominal, mm",
    "gantry_tilt_degree": "gantry tilt, degrees",
}
_COUNTED = {
    "archives": "Archive",
    "data_terms": "Terms of use",
    "matrices": "Stored matrix",
    "kernels": "Convolution kernel",
    "scanner_groups": "Scanner group (pseudonym of make and model)",
}
_MOST_ROWS = 30


@dataclass(frozen=True)
class FingerprintPage:
    """What the page shows.

    Attributes:
        title: Of the page.
        subtitle: Above it.
        headline: Whether the store is whole.
        terms: What was re-read.
        problems: Faults and doubts.
        figures: Drawings.
        tables: Numbers; none where the tables cannot be relied on.
        tool: What wrote it.
    """

    title: str
    subtitle: str
    headline: str
    terms: str
    problems: tuple[Table, ...]
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    tool: str


def begin_fingerprint(out: str | Path, store: str | Path, *, decode: bool) -> Stage:
    """Begin a fingerprint directory, or open one of the same store.

    Raises:
        InputError: If there is no finished store, or ``out`` holds something else.
    """
    read_manifest(store, kind="exam-store")
    digest = "sha256:" + sha256_hex(Storage(store).read(MANIFEST))
    return Stage.begin(
        out,
        kind="fingerprint",
        configuration={"decode": decode},
        inputs={"store": digest},
        seed=None,
    )


def write_fingerprint(stage: Stage, content: Mapping[str, Any]) -> bool:
    """Write the numbers and their page.

    The same store gives the same bytes: nothing depends on when it is written.

    Args:
        stage: From :func:`begin_fingerprint`.
        content: ``faults`` and ``doubts``, each with ``where``, ``expected``, ``got`` and
            ``remedy``; ``decoded``; and ``fingerprint``, as
            :func:`examwise.imaging.store_fingerprint.fingerprint` returns it, or None.

    Returns:
        Whether the directory says so now; a finished one that says something else, because the
        store has changed since, is left as it is.
    """
    files = {
        FINGERPRINT: readable_json(dict(content)),
        PAGE: render_template(_TEMPLATE, page=make_page(content)).encode(),
    }
    storage = stage.storage
    if not stage.finished:
        for key, data in files.items():
            storage.write(key, data)
        stage.finish(outputs=list(files))
    return storage.read(FINGERPRINT) == files[FINGERPRINT]


def make_page(content: Mapping[str, Any]) -> FingerprintPage:
    """Put the page together, see :func:`write_fingerprint`."""
    found = content["fingerprint"]
    faults, doubts = content["faults"], content["doubts"]
    size = "" if found is None else _size_words(found)
    headline = "The store is whole." if not faults else f"The store has {len(faults):,} faults."
    if doubts:
        headline += f" {len(doubts):,} things look unusual."
    pixels = "decoded" if content["decoded"] else "not decoded"
    return FingerprintPage(
        title="What this store holds",
        subtitle=f"Exam store{size}",
        headline=headline,
        terms="Tables, commit records and the checksum of every slice were compared; pixels were "
        f"{pixels}.",
        problems=tuple(
            _problem_table(name, rows)
            for name, rows in (("Faults", faults), ("Doubts", doubts))
            if rows
        ),
        figures=() if found is None else tuple(_figures(found)),
        tables=() if found is None else tuple(_tables(found)),
        tool=f"examwise {__version__}",
    )


def _size_words(found: Mapping[str, Any]) -> str:
    return (
        f" · {found['exams']:,} exams of {found['patients']:,} patients · "
        f"{found['slices']:,} slices · {found['shard_bytes'] / 2**20:,.1f} MiB"
    )


def _problem_table(name: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        id=f"table-{name.lower()}",
        caption=name,
        columns=("Where", "Expected", "Found", "What to do"),
        rows=tuple((row["where"], row["expected"], row["got"], row["remedy"]) for row in rows),
        source=FINGERPRINT,
    )


def _figures(found: Mapping[str, Any]) -> Iterator[Figure]:
    if found["prevalence"]:
        yield prevalence_figure(found["prevalence"])
    if found["hu"] is not None:
        yield hu_figure(found["hu"], zoomed=True)
        yield hu_figure(found["hu"], zoomed=False)
    for name, label in _DISTRIBUTIONS.items():
        if found[name]["known"]:
            figure_name = name.replace("_", "-")
            yield distribution_figure(found[name], name=figure_name, label=label)


def _tables(found: Mapping[str, Any]) -> Iterator[Table]:
    parts = {"all": found, **found["parts"]}
    names = ("exams", "patients", "slices")
    yield _table(
        "parts",
        "Parts of the store",
        ("Part", *(name.capitalize() for name in names)),
        [(part, *(f"{own[name]:,}" for name in names)) for part, own in parts.items()],
    )
    yield _table(
        "prevalence",
        "Labels",
        ("Finding", "Part", "Labelled exams", "Positive", "Share", "Labelled slices", "Positive",
         "Share"),
        [
            (
                row["finding"],
                row["part"],
                *(
                    text
                    for kind in ("exams", "slices")
                    for text in (
                        f"{row[f'{kind}_labelled']:,}",
                        f"{row[f'{kind}_positive']:,}",
                        percent(row[f"{kind}_positive"], row[f"{kind}_labelled"]),
                    )
                ),
            )
            for row in found["prevalence"]
        ],
        row_headers=2,
    )  # fmt: skip
    numbers = ("minimum", "p5", "median", "p95", "maximum")
    yield _table(
        "distributions",
        "Distributions over exams",
        ("Number", "Minimum", "5%", "Median", "95%", "Maximum", "Missing"),
        [
            (
                label,
                *(NOT_GIVEN if own[at] is None else short(own[at]) for at in numbers),
                f"{own['missing']:,}",
            )
            for name, label in _DISTRIBUTIONS.items()
            for own in [found[name]]
        ],
    )
    yield _table(
        "marks",
        "Exams that stand out",
        ("Property", "Exams"),
        [
            ("Slices unevenly spaced", f"{found['irregular']:,}"),
            ("Gantry tilted by more than 1°", f"{found['tilted']:,}"),
            ("Coded with loss before it came here", f"{found['lossy']:,}"),
        ],
    )
    for name, title in _COUNTED.items():
        rows = [(value, f"{count:,}") for value, count in found[name].items()]
        if len(rows) > _MOST_ROWS:
            rest = sum(list(found[name].values())[_MOST_ROWS:])
            others = f"{len(rows) - _MOST_ROWS:,} others"
            rows = [*rows[:_MOST_ROWS], (others, f"{rest:,}")]
        yield _table(name.replace("_", "-"), title, (title, "Exams"), rows)
    yield _table(
        "files",
        "What became of every file",
        ("Became", "Reason", "Files"),
        [
            (row["status"].replace("_", " "), row["reason"] or "–", f"{row['files']:,}")
            for row in found["files"]
        ],
        row_headers=2,
    )


def _table(
    name: str,
    caption: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    *,
    row_headers: int = 1,
) -> Table:
    empty = [("none", *("–" for _ in columns[1:]))]
    return Table(
        id=f"table-{name}",
        caption=caption,
        columns=columns,
        rows=tuple(rows or empty),
        source=FINGERPRINT,
        row_headers=row_headers,
    )
