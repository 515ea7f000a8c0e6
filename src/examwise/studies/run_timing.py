"""Timing runs before a study: a few steps of the real training on a few real exams."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import torch

from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.core.storage import Storage
from examwise.data.label_set import LabelSet
from examwise.data.loading import BagReader, read_in_batches
from examwise.data.slice_cache import SliceCache
from examwise.data.targets import Targets
from examwise.imaging.joined_stores import JoinedStores
from examwise.models.feature_cache import FeatureBlock, FeatureCache, compute_block
from examwise.models.own_module import own_exam_output
from examwise.models.threads import cpu_threads
from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.studies.config import StudyConfig
from examwise.studies.draws import Sales
from examwise.studies.one_run import options_of
from examwise.studies.plan import PlannedRun
from examwise.studies.run_costs import KindCost, RunCosts
from examwise.training.devices import choose_device
from examwise.training.find_learner import reads_features
from examwise.training.fit import Fitted, fit, make_module
from examwise.training.lightning_module import LearningModule
from examwise.training.run_plan import RunPlan, plan_run

_EXAMS_OF_EACH_CLASS = 6
_STEPS_ON_FEATURES, _STEPS_ON_PIXELS = 30, 3


@dataclass(frozen=True)
class _Kind:
    """A learner and mode that a study has runs of."""

    learner: str
    mode: str
    acquisition: str

    @property
    def run(self) -> PlannedRun:
        return PlannedRun(
            "timing", self.learner, self.mode, self.acquisition, budget=1, repeat=0, seed=0
        )


@dataclass(frozen=True)
class _Encoded:
    """Features of the sample, and how long they took."""

    features: FeatureCache
    slice_s: float


def calibrate(
    config: StudyConfig,
    stored: JoinedStores,
    sales: Sales,
    *,
    progress: Progress | None = None,
) -> RunCosts:
    """Time runs of each learner and mode on this machine, with nothing beside them.

    A few steps are taken on a dozen exams of training patients, in a temporary folder; nothing is
    left behind. A run among others that share memory and caches may take longer.

    Args:
        config: The study; its arms' learners are timed, whatever their budgets.
        stored: The stores that labels come from.
        sales: Their labels, of all ways in which the arms draw.
        progress: Where to report to.

    Raises:
        InputError: If a run cannot be trained as asked for.
    """
    progress = progress or SilentProgress()
    kinds = _kinds(config)
    costs: dict[tuple[str, str], KindCost] = {}
    encoded: _Encoded | None = None
    pixels_s: list[float] = []
    with (
        TemporaryDirectory(prefix="examwise-timing-") as folder,
        progress.track("Timing a few steps", len(kinds)) as advance,
    ):
        for number, kind in enumerate(kinds):
            with cpu_threads(config.training.n_threads):
                model, training, trainer = options_of(kind.run, config)
                cached = reads_features(kind.learner, model, training)
                begun = time.perf_counter()
                steps = _STEPS_ON_FEATURES if cached else _STEPS_ON_PIXELS
                plan = plan_run(
                    stored,
                    _few_labels(sales, kind.acquisition),
                    learner=kind.learner,
                    model=model,
                    training=replace(training, steps=steps, passes=0.0, validate_every=steps),
                    trainer=trainer,
                )
                planning_s = time.perf_counter() - begun
                if cached and encoded is None:
                    encoded = _encode(plan, Path(folder))
                features = encoded.features if cached and encoded is not None else None
                cost, slice_s = _timed(plan, Path(folder, str(number)), features, planning_s)
            costs[kind.learner, kind.mode] = cost
            if features is None:
                pixels_s.append(slice_s)
            advance()
    return RunCosts(
        costs,
        slice_s=encoded.slice_s if encoded else min(pixels_s, default=0.0),
        n_features=encoded.features.n_features if encoded else 0,
    )


def _kinds(config: StudyConfig) -> list[_Kind]:
    """Return each learner and mode once; those on features first, which take least."""
    found: dict[tuple[str, str], _Kind] = {}
    tuned = {arm.learner for arm in config.fine_tuned_arms}
    for mode in (BUDGETED, FINE_TUNED):
        for arm in config.arms:
            if mode == BUDGETED or arm.learner in tuned:
                kind = _Kind(arm.learner, mode, arm.acquisition)
                found.setdefault((arm.learner, mode), kind)
    return list(found.values())


def _few_labels(sales: Sales, way: str) -> LabelSet:
    """Return the labels of a few training exams, positive and negative ones."""
    labels = sales[way][0].labels
    of_exams = labels.group_by("exam_id").agg(pl.col("label").max()).sort("exam_id")
    few = of_exams.group_by("label", maintain_order=True).head(_EXAMS_OF_EACH_CLASS)
    rows = labels.join(few.select("exam_id"), on="exam_id", how="semi").select(
        "exam_id",
        "slice_index",
        pl.lit("train").alias("part"),
        "seen_label",
        pl.lit(None, pl.Float64).alias("weight"),
    )
    return LabelSet(ACQUISITION_KINDS[way], rows)


def _encode(plan: RunPlan, folder: Path) -> _Encoded:
    """Encode the exams of a plan's labels, and say how long a slice takes."""
    module = make_module(plan)
    if not isinstance(module, LearningModule):
        raise TypeError(f"expected examwise's own model, got {type(module).__name__}")
    wanted = set(plan.exams["exam_id"].to_list())
    device = choose_device(plan.trainer.accelerator)
    paths: list[Path] = []
    places: dict[str, tuple[int, int, int]] = {}
    seconds, n_slices = 0.0, 0
    for number, store in enumerate(plan.stored.stores):
        exam_ids = tuple(each for each in store.exams["exam_id"].to_list() if each in wanted)
        if not exam_ids:
            continue
        block = FeatureBlock(store.storage.url, f"features/{number}.npy", exam_ids)
        begun = time.perf_counter()
        compute_block(
            block,
            Storage(folder),
            module.classifier,
            store,
            batch_slices=plan.training.batch_slices,
            device=device,
        )
        seconds += time.perf_counter() - begun
        row = 0
        for exam_id in exam_ids:
            places[exam_id] = (len(paths), row, store.n_slices(exam_id))
            row += store.n_slices(exam_id)
        n_slices += row
        paths.append(folder / block.file)
    cache = FeatureCache(paths, places, module.classifier.encoder.n_features)
    return _Encoded(cache, seconds / n_slices)


def _timed(
    plan: RunPlan, folder: Path, features: FeatureCache | None, planning_s: float
) -> tuple[KindCost, float]:
    """Return what a run costs, and what a slice predicted does."""
    stamps = [time.perf_counter()]
    fitted = fit(
        plan,
        folder=folder,
        advance=lambda: stamps.append(time.perf_counter()),
        on_row=lambda _row: None,
        features=features,
    )
    ended = time.perf_counter()
    lasting = np.diff(stamps)
    # The first step waits for everything to be set up, which a run does once.
    step_s = float(statistics.median(lasting[1:]))
    fixed_s = planning_s + float(lasting[0]) - step_s + ended - stamps[-1]
    n_exams, n_slices, predicting_s = _predict(plan, fitted, features)
    cost = KindCost(
        fixed_s=max(0.0, fixed_s),
        step_s=step_s,
        exam_s=predicting_s / n_exams,
        model_bytes=_size(fitted.saved),
        reads_pixels=features is None,
    )
    return cost, predicting_s / n_slices


def _predict(
    plan: RunPlan, fitted: Fitted, features: FeatureCache | None
) -> tuple[int, int, float]:
    """Predict the sample: exams, slices, seconds."""
    exam_ids = plan.exams["exam_id"].to_list()
    nothing = Targets(
        kind="exam",
        findings=plan.model.findings,
        exam_ids=tuple(exam_ids),
        slice_index=np.zeros(len(exam_ids), np.int64),
        values=np.full((len(exam_ids), len(plan.model.findings)), np.nan, np.float32),
    )
    reader = BagReader(SliceCache(plan.stored, limit_bytes=0), nothing, features=features)
    module = fitted.module.eval()
    device = choose_device(plan.trainer.accelerator)
    module.to(device)
    n_slices = 0
    begun = time.perf_counter()
    with torch.inference_mode():
        for batch in read_in_batches(reader, slices_per_batch=plan.training.batch_slices):
            n_slices += int(batch.bag_sizes.sum())
            moved = batch.to(device)
            if isinstance(module, LearningModule):
                module.exam_output(moved)
            else:
                own_exam_output(
                    module, moved, path=plan.learner, n_findings=len(plan.model.findings)
                )
    return len(exam_ids), n_slices, time.perf_counter() - begun


def _size(module: torch.nn.Module) -> int:
    return sum(value.numel() * value.element_size() for value in module.state_dict().values())
