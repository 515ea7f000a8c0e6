"""The answer of a study: a sentence, the table behind it, and what to be careful about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from examwise.core.digests import readable_json
from examwise.core.errors import SchemaError
from examwise.evaluation.cautions import compose_cautions
from examwise.evaluation.headline import compose_headline
from examwise.evaluation.study_facts import StudyFacts

ANSWER = "answer.json"


@dataclass(frozen=True)
class Answer:
    """What a study found.

    Attributes:
        headline: One sentence.
        finding: What was to be found.
        target_auc: AUC to reach, set before the study.
        table: A row for each learner and budget: ``learner``, ``label_kind``, ``labels``,
            ``exams_opened``, ``actions``, ``hours`` (None without costs), ``repeats``, ``auc``,
            ``auc_lower`` and ``auc_upper`` (None where undefined).
        cautions: Sentences, each computed from the study.
    """

    headline: str
    finding: str
    target_auc: float
    table: Sequence[Mapping[str, Any]]
    cautions: Sequence[str]

    def to_json(self) -> str:
        """Return readable JSON, the same text for the same answer."""
        return readable_json(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = ANSWER) -> Answer:
        """Build from :meth:`to_json`'s text.

        Raises:
            SchemaError: If the text is no answer.

        Example:
            >>> answer = Answer("It depends.", "any", 0.8, (), ())
            >>> Answer.from_json(answer.to_json()) == answer
            True
        """
        try:
            found = json.loads(text)
            return cls(
                headline=str(found["headline"]),
                finding=str(found["finding"]),
                target_auc=float(found["target_auc"]),
                table=tuple(found["table"]),
                cautions=tuple(found["cautions"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise SchemaError(
                where=where,
                expected="an answer in JSON",
                got=f"{type(error).__name__}: {error}",
                remedy="evaluate the study again",
            ) from error


def compose_answer(
    curve: pl.DataFrame,
    ratios: pl.DataFrame,
    *,
    target_auc: float,
    finding: str,
    costs_given: bool,
    facts: StudyFacts,
    strong: str = "strong",
    weak: str = "weak",
) -> Answer:
    """Put a study's tables into words; every word follows from the numbers.

    Args:
        curve: ``BUDGET_CURVE`` of all learners.
        ratios: ``RATIOS`` for the target.
        target_auc: AUC to reach.
        finding: What is to be found.
        costs_given: Whether reader hours are known; they then come first.
        facts: What else the cautions need.
        strong: Learner trained on slice labels.
        weak: Learner trained on exam labels.
    """
    curve = curve.filter(pl.col("finding") == finding).sort("learner", "budget")
    ratios = ratios.filter((pl.col("finding") == finding) & (pl.col("target_auc") == target_auc))
    units = ("hours", "actions", "labels") if costs_given else ("actions", "labels")
    by_unit = {row["unit"]: row for row in ratios.iter_rows(named=True) if row["unit"] in units}
    rows = {unit: by_unit[unit] for unit in units if unit in by_unit}
    table = tuple(
        {
            "learner": row["learner"],
            "label_kind": row["label_kind"],
            "labels": row["budget"],
            "exams_opened": row["mean_exams_opened"],
            "actions": row["mean_reader_actions"],
            "hours": row["mean_reader_hours"] if costs_given else None,
            "repeats": row["n_repeats"],
            "auc": row["mean_auc"],
            "auc_lower": row["auc_lower"],
            "auc_upper": row["auc_upper"],
        }
        for row in curve.iter_rows(named=True)
    )
    arms = {
        "strong": [row for row in table if row["learner"] == strong],
        "weak": [row for row in table if row["learner"] == weak],
    }
    return Answer(
        headline=compose_headline(rows, arms, target_auc=target_auc, finding=finding),
        finding=finding,
        target_auc=target_auc,
        table=table,
        cautions=compose_cautions(rows, arms, facts, costs_given=costs_given),
    )
