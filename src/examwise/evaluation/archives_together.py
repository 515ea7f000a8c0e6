"""Several archives evaluated together, beside each of them for itself."""

from __future__ import annotations

import polars as pl

_GROUP = ["run_id", "finding"]


def with_archives_together(exams: pl.DataFrame) -> pl.DataFrame:
    """Return exams, and once more those of several archives under these archives' joint name.

    A patient of two archives keeps one key and so counts once. Archives without any label of a
    finding are left out of its joint name and of what stands under it.

    Args:
        exams: ``PREDICTED_EXAMS`` of one or more runs.

    Example:
        >>> columns = {"run_id": "r", "finding": "any", "exam_label": [0, 1]}
        >>> exams = pl.DataFrame({"archive": ["b", "a"], **columns})
        >>> with_archives_together(exams)["archive"].to_list()
        ['b', 'a', 'a + b', 'a + b']
    """
    labelled = exams.drop_nulls("exam_label").select(*_GROUP, "archive").unique()
    names = labelled.group_by(_GROUP).agg(
        pl.col("archive").sort().str.join(" + ").alias("together"), pl.len().alias("n_archives")
    )
    several = labelled.join(names.filter(pl.col("n_archives") > 1), on=_GROUP)
    together = exams.join(several, on=[*_GROUP, "archive"], maintain_order="left")
    together = together.with_columns(pl.col("together").alias("archive")).select(exams.columns)
    return pl.concat([exams, together])
