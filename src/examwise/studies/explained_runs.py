"""Explaining a study's main runs, archive by archive; each method an item of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from examwise.core.executors.protocol import Executor, on_devices
from examwise.core.manifest import MANIFEST
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.annotations import MASKS
from examwise.core.schemas.study import EXPLANATIONS
from examwise.core.storage import Storage
from examwise.data.joined_splits import read_joined_splits
from examwise.explain import IMAGE_EXPLAINERS
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_annotations import boxes
from examwise.imaging.stored_exams import StoredExams
from examwise.studies.config import StudyConfig
from examwise.studies.explain_config import ExplainConfig
from examwise.studies.sites import TestedStore, external_sites, internal_sites


@dataclass(frozen=True)
class _Item:
    run: str
    place: str
    store: str
    split: str | None
    method: str
    options: dict[str, Any]
    max_slices: int
    randomise: bool


def explain_runs(
    study: str,
    config: StudyConfig,
    run_ids: Sequence[str],
    *,
    followed: Sequence[str] = (),
    stores: Sequence[str],
    external: Sequence[str],
    executor: Executor,
    progress: Progress | None = None,
) -> int:
    """Explain runs of a study in every archive; what is finished stays as it is.

    Maps need boxes or masks to be held against, so that an archive without any has none.

    Args:
        study: The study's directory.
        config: The study.
        run_ids: Which of its runs, by all methods.
        followed: Which others by the method alone that follows maps over budgets.
        stores: The internal stores.
        external: The external ones.
        executor: Where explaining runs.
        progress: Where to report to.

    Returns:
        The number of explanations directories.

    Raises:
        InputError: If a run cannot be explained.
    """
    if config.explain is None:
        return 0
    progress = progress or SilentProgress()
    items = _items(
        study, config.explain, run_ids, followed=followed, stores=stores, external=external
    )
    missing = [item for item in items if not Storage(study).exists(f"{item.place}/{MANIFEST}")]
    explain = partial(_explain, study=study, finding=config.finding, seed=config.seed)
    with progress.track("Explaining", len(missing)) as advance:
        on_cores = config.trainer.accelerator == "cpu"
        for _ in (executor if on_cores else on_devices(executor)).map(explain, missing):
            advance()
    return len(items)


def followed_runs(runs: pl.DataFrame, config: StudyConfig) -> list[str]:
    """Return the runs whose maps are followed over budgets; none unless asked for.

    They are those of the first arm of each main learner.

    Args:
        runs: ``RUNS`` of the study.
        config: The study.
    """
    curve = None if config.explain is None else config.explain.curve
    if curve is None:
        return []
    is_followed = pl.any_horizontal(
        (pl.col("learner") == arm.learner) & (pl.col("acquisition") == arm.acquisition)
        for arm in config.first_arms
    )
    return runs.filter(is_followed, pl.col("repeat") < curve.repeats)["run_id"].sort().to_list()


def _items(
    study: str,
    config: ExplainConfig,
    run_ids: Sequence[str],
    *,
    followed: Sequence[str],
    stores: Sequence[str],
    external: Sequence[str],
) -> list[_Item]:
    stored = JoinedStores(stores)
    inside = internal_sites(stored, read_joined_splits(stored.urls))
    outside = external_sites([StoredExams(url) for url in external])
    numbered = [(0, site) for site in inside] + list(enumerate(outside, 1))
    wanted = [
        (method, run_id, config.max_slices, config.randomise)
        # Those that take longest first, so that workers finish together.
        for method in sorted(config.methods, key=lambda name: name != "hshap")
        for run_id in run_ids
    ]
    if (curve := config.curve) is not None:
        made = {(method, run_id) for method, run_id, *_ in wanted}
        wanted += [
            (curve.method, run_id, curve.max_slices, False)
            for run_id in followed
            if (curve.method, run_id) not in made
        ]
    return [
        _Item(
            run=f"{study}/runs/{run_id}",
            place=f"{EXPLANATIONS}/{run_id}/{number}{site.within}/{method}",
            store=site.store,
            split=site.split,
            method=method,
            options=dict(config.options.get(method, {})),
            max_slices=max_slices,
            randomise=randomise,
        )
        for method, run_id, max_slices, randomise in wanted
        for number, site in numbered
        if method not in IMAGE_EXPLAINERS or _is_annotated(site)
    ]


def _is_annotated(site: TestedStore) -> bool:
    stored = StoredExams(site.store)
    return bool(boxes(stored).height or stored.storage.list(MASKS))


def _explain(item: _Item, *, study: str, finding: str, seed: int) -> None:
    from examwise.explain.explain import explain_store

    is_image = item.method in IMAGE_EXPLAINERS
    explain_store(
        item.run,
        item.store,
        f"{study}/{item.place}",
        method=item.method,
        finding=finding,
        options=item.options,
        max_slices=item.max_slices if is_image else None,
        randomise=item.randomise and is_image,
        split=item.split,
        seed=seed,
    )
