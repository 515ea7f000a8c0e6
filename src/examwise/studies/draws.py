"""The labels of all runs of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from examwise.core.schemas.study import LABEL_FREE
from examwise.imaging.joined_stores import JoinedStores
from examwise.studies.acquisition import Draw, Sale, draw_labels
from examwise.studies.budgets import OnSale
from examwise.studies.config import StudyConfig
from examwise.studies.plan import PlannedRun
from examwise.studies.sales import put_on_sale

Sales = Mapping[str, tuple[Sale, Sale]]
"""Way of drawing labels to what training and validation patients have."""


def open_sales(stored: JoinedStores, splits: pl.DataFrame, config: StudyConfig) -> Sales:
    """Collect all labels that a study may buy."""

    def of_part(part: str, way: str) -> Sale:
        return put_on_sale(
            stored,
            splits,
            part=part,
            way=way,
            finding=config.finding,
            sampling=config.sampling,
            errors=config.label_errors,
            seed=config.seed,
        )

    ways = sorted({arm.acquisition for arm in config.arms})
    return {way: (of_part("train", way), of_part("validation", way)) for way in ways}


def count_labels(sales: Sales) -> dict[str, OnSale]:
    """Return how many labels there are in each way."""
    return {
        way: OnSale(train.n_labels, validation.n_labels, train.dearest)
        for way, (train, validation) in sales.items()
    }


def draw_all(sales: Sales, config: StudyConfig, plan: Sequence[PlannedRun]) -> dict[str, Draw]:
    """Draw the labels of every run that has some; runs that differ in nothing else share them.

    The same labels, configuration and plan give the same.

    Returns:
        Run to its labels.

    Raises:
        InputError: If a budget needs more labels than there are.
    """
    draws: dict[str, Draw] = {}
    labelled = [run for run in plan if run.mode != LABEL_FREE]
    for way, repeat in sorted({(run.acquisition, run.repeat) for run in labelled}):
        train, validation = (sale.order(seed=config.seed, repeat=repeat) for sale in sales[way])
        of_budget: dict[int, Draw] = {}
        for run in labelled:
            if (run.acquisition, run.repeat) != (way, repeat):
                continue
            if run.budget not in of_budget:
                of_budget[run.budget] = draw_labels(
                    train,
                    validation,
                    budget=run.budget,
                    validation_fraction=config.validation_fraction,
                    validation_from=config.validation_from,
                )
            draws[run.run_id] = of_budget[run.budget]
    return draws
