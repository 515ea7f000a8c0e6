"""The layout of the RSNA 2019 Brain CT Hemorrhage Challenge.

``stage_2_train/ID_<hex>.dcm`` and ``stage_2_train.csv`` with columns ``ID`` and ``Label``, a row
for each image and finding, ``ID`` being ``ID_<hex>_<finding>`` (Flanders et al., 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.ingest.archive_labels import KINDS, ArchiveLabels, Values
from examwise.ingest.config import ALLOW_UNMATCHED, IngestConfig
from examwise.ingest.csv_text import ROW, collect_csv_text, scan_csv_text
from examwise.ingest.join_counts import MOST_EXAMPLES, examples_of
from examwise.ingest.plain_layout import PlainLayout

_FOLDER = "stage_2_train"


class RsnaImporter(PlainLayout):
    """The RSNA 2019 layout; see :class:`~examwise.ingest.importers.Importer`.

    Example:
        >>> RsnaImporter().archive_name
        'rsna_2019'
    """

    archive_name = "rsna_2019"
    data_terms = "RSNA 2019 Brain CT Hemorrhage Challenge: non-commercial research"
    label_file = f"{_FOLDER}.csv"
    image_folder = _FOLDER

    def read_labels(
        self, labels: Path, paths: Sequence[str], config: IngestConfig
    ) -> ArchiveLabels:
        """Read the challenge's label file; a file's labels are found by its name.

        An image whose ``any`` is 0 beside a kind that is 1, or 1 while all five kinds are 0, is
        refused: the challenge defines ``any`` as the presence of one of the five.
        """
        table = _parse(labels)
        # Few different rows among many images: let equal ones share one tuple.
        shared: dict[Values, Values] = {}
        rows = table.select(FINDINGS).iter_rows()
        of_image = {
            image: shared.setdefault(row, row)
            for image, row in zip(table["image"].to_list(), rows, strict=True)
        }
        stems = {path: _stem(path) for path in paths if path.lower().endswith(".dcm")}
        there = pl.DataFrame({"image": [*stems.values()]}, schema={"image": pl.String})
        lost = table.join(there, on="image", how="anti")
        joined = table.join(there, on="image", how="semi")
        twice = table.filter(pl.col("n_rows") > pl.sum_horizontal(pl.col(FINDINGS).is_not_null()))
        missing_files = lost.height
        missing_labels = sum(stem not in of_image for stem in stems.values())
        if (missing_files or missing_labels) and not config.allow_unmatched_labels:
            raise InputError(
                where=labels,
                expected="a label for every image and an image for every label",
                got=f"{missing_files} labelled images without a file"
                + (f" (such as row {lost[ROW].bottom_k(1).item()})" if missing_files else "")
                + f" and {missing_labels} files without a label",
                remedy=f"complete the archive, or go on with what matches by {ALLOW_UNMATCHED}",
            )
        return ArchiveLabels(
            source=self.archive_name,
            files={path: of_image[stem] for path, stem in stems.items() if stem in of_image},
            n_labels_without_file=missing_files,
            n_files_without_label=missing_labels,
            counts={
                "label_rows": int(table["n_rows"].sum()),
                "label_images_joined": joined.height,
                "label_images_repeated": twice.height,
                "label_images_without_file": missing_files,
                "images_without_label": missing_labels,
            },
            examples={
                code: examples_of(found[ROW].bottom_k(MOST_EXAMPLES).to_list(), "label file")
                for code, found in (
                    ("label_images_joined", joined),
                    ("label_images_repeated", twice),
                    ("label_images_without_file", lost),
                )
                if found.height
            },
        )


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _parse(path: Path) -> pl.DataFrame:
    """Return one row an image, sorted: ``image``, a column (1, 0, null) for each finding.

    And ``n_rows`` of the file that speak of it, ``row`` being the first of them.
    """
    rows = _rows(path)
    _require_values(rows, path)
    positive, wanted = pl.col("label") == "1", pl.col("finding")
    seen = [
        known.filter(wanted == finding).any().alias(f"{finding}={value}")
        for finding in FINDINGS
        for value, known in ((1, positive), (0, ~positive))
    ]
    counted = (pl.len().alias("n_rows"), pl.col(ROW).min())
    found = collect_csv_text(rows.group_by("image").agg(*seen, *counted), path)
    _require_agreement(found, rows, path)
    values = [
        pl.when(f"{finding}=1").then(1).when(f"{finding}=0").then(0).cast(pl.Int8).alias(finding)
        for finding in FINDINGS
    ]
    table = found.select("image", *values, "n_rows", ROW).sort("image")
    _require_any_as_kinds(table, rows, path)
    return table


def _rows(path: Path) -> pl.LazyFrame:
    name = pl.col("ID").str.strip_chars()
    return scan_csv_text(path, "ID", "Label").select(
        ROW,
        image=name.str.extract(r"^(.+)_[a-z]+$"),
        finding=name.str.extract(r"_([a-z]+)$"),
        label=pl.col("Label").str.strip_chars(),
    )


def _require_values(rows: pl.LazyFrame, path: Path) -> None:
    right = {
        "ID": pl.col("image").is_not_null() & pl.col("finding").is_in(FINDINGS),
        "Label": pl.col("label").is_in(["0", "1"]),
    }
    expected = {
        "ID": f"an image's name, an underscore and one of {', '.join(FINDINGS)}",
        "Label": "0 or 1",
    }
    for column, condition in right.items():
        wrong = rows.filter(~condition.fill_null(False)).select(pl.len(), first=pl.col(ROW).min())
        number, first = collect_csv_text(wrong, path).row(0)
        if number:
            raise InputError(
                where=f"{path}, row {first}, column {column}",
                expected=expected[column],
                got=f"something else ({number} such rows in all)",
                remedy="correct the file",
            )


def _require_any_as_kinds(table: pl.DataFrame, rows: pl.LazyFrame, path: Path) -> None:
    one_kind = pl.any_horizontal(pl.col(KINDS) == 1)
    no_kind = pl.all_horizontal(pl.col(KINDS) == 0)
    torn = table.filter(((pl.col("any") == 0) & one_kind) | ((pl.col("any") == 1) & no_kind))
    if torn.is_empty():
        return
    theirs = pl.col("image").is_in(torn["image"].implode()) & (pl.col("finding") == "any")
    first = collect_csv_text(rows.filter(theirs).select(pl.col(ROW).min()), path).item()
    raise InputError(
        where=f"{path}, row {first}",
        expected="any to be 1 exactly where one of the five kinds is 1",
        got=f"something else for {torn.height} images (this is the first)",
        remedy="correct the file",
    )


def _require_agreement(found: pl.DataFrame, rows: pl.LazyFrame, path: Path) -> None:
    both = [pl.col(f"{finding}=1") & pl.col(f"{finding}=0") for finding in FINDINGS]
    torn = found.filter(pl.any_horizontal(both))
    if torn.is_empty():
        return
    number = sum(int(torn.select(condition.sum()).item()) for condition in both)
    their_rows = collect_csv_text(
        rows.filter(pl.col("image").is_in(torn["image"].implode())).sort(ROW), path
    )
    key = ["image", "finding"]
    first = pl.col("label").first().over(key)
    row = their_rows.filter(pl.col("label") != first)[ROW].to_list()[0]
    raise InputError(
        where=f"{path}, row {row}",
        expected="repeated rows of an image and finding to give the same label",
        got=f"{number} pairs of image and finding with both labels",
        remedy="correct the file",
    )
