"""The arms of a study: who learned from which labels, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.reporting.configuration_words import setting
from examwise.reporting.words import DRAWN_WORDS, short_learner

_ACQUISITION_ORDER = {"spread": 0, "whole_exam": 1, "exam_first": 2, "exam": 3}


@dataclass(frozen=True)
class Arm:
    """A learner, and how its labels were drawn.

    Attributes:
        learner: Its name.
        acquisition: How its labels were drawn, ``none`` where it has none.
        place: Number of the arm, which picks its colour, its line and its marker.
        is_main: Whether the study compares it; others are references.
        names_drawing: Whether its name must say how its labels were drawn.
    """

    learner: str
    acquisition: str
    place: int
    is_main: bool
    names_drawing: bool

    @property
    def name(self) -> str:
        """The arm in few words.

        Example:
            >>> Arm("strong", "spread", 0, True, True).name
            'Strong, spread'
        """
        drawn = DRAWN_WORDS.get(self.acquisition) if self.names_drawing else None
        return short_learner(self.learner) + (f", {drawn}" if drawn else "")

    def named(self, mode: str) -> str:
        """Name the arm's runs of one mode."""
        return self.name + (", fine-tuned" if mode == FINE_TUNED else "")

    def rows(self, frame: pl.DataFrame, mode: str | None = None) -> pl.DataFrame:
        """Return the arm's rows of ``RUNS`` or ``BUDGET_CURVE``, of one mode or of all."""
        own = (pl.col("learner") == self.learner) & (pl.col("acquisition") == self.acquisition)
        return frame.filter(own if mode is None else own & (pl.col("mode") == mode))


def study_arms(
    curve: pl.DataFrame, configuration: Mapping[str, Any], *, strong: str, weak: str
) -> tuple[Arm, ...]:
    """List the arms of a budget curve.

    Args:
        curve: Rows of :data:`~examwise.core.schemas.evaluation.BUDGET_CURVE`.
        configuration: The study's; its arms stand in the order that it has them in.
        strong: The learner of slice labels that is compared; its arms come first.
        weak: The one of exam labels; its arms come next, then references by name.

    Returns:
        Arms with labels; what learned from none is no arm.
    """
    configured = list(_configured(configuration))
    found = curve.filter(pl.col("mode") != LABEL_FREE).select("learner", "acquisition").unique()
    main = (strong, weak)

    def rank(pair: tuple[str, str]) -> tuple[int, str, int, int]:
        learner, acquisition = pair
        return (
            main.index(learner) if learner in main else len(main),
            learner,
            configured.index(pair) if pair in configured else len(configured),
            _ACQUISITION_ORDER.get(acquisition, len(_ACQUISITION_ORDER)),
        )

    pairs = sorted(((str(a), str(b)) for a, b in found.rows()), key=rank)
    learners = [learner for learner, _ in pairs]
    return tuple(
        Arm(
            learner=learner,
            acquisition=acquisition,
            place=place,
            is_main=learner in main,
            names_drawing=learners.count(learner) > 1,
        )
        for place, (learner, acquisition) in enumerate(pairs)
    )


def label_free_scores(curve: pl.DataFrame) -> tuple[str, ...]:
    """Name what scores exams without any label; the pretext, from which learning begins, first."""
    names = curve.filter(pl.col("mode") == LABEL_FREE)["learner"].unique().to_list()
    return tuple(sorted(names, key=lambda name: (name != "pretext", name)))


def largest_budget(arm: Arm, frame: pl.DataFrame, mode: str = BUDGETED) -> pl.DataFrame:
    """Return an arm's rows at the largest budget of a mode; none where it has none of the mode."""
    return arm.rows(frame, mode).filter(pl.col("budget") == pl.col("budget").max())


def _configured(configuration: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    arms = setting(configuration, "study", "arms")
    for arm in arms if isinstance(arms, list) else ():
        if isinstance(arm, Mapping):
            yield str(arm.get("learner")), str(arm.get("acquisition"))
