"""Cross-validation by patient: every fold's run is an item with its commit record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import polars as pl

from examwise.core.commits import CommitLog
from examwise.core.digests import canonical_json, sha256_hex
from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor, on_devices
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.cross_validation import CROSS_VALIDATION_SUMMARY, FOLD_METRICS, FOLDS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.data.folds import draw_folds, fold_name, fold_split, read_folds
from examwise.data.joined_splits import read_joined_splits
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_labels import exam_labels, require_finding
from examwise.prediction.members import RUNS
from examwise.prediction.predict import require_matrix
from examwise.studies.cross_validation_config import CrossValidationConfig
from examwise.studies.fold_training import (
    FoldTraining,
    prepare_features,
    require_fresh_start,
)
from examwise.studies.held_out import gather_held_out, predict_held_out, summarise_folds
from examwise.training.train import require_model

OUTPUTS = (FOLDS.file, FOLD_METRICS.file, CROSS_VALIDATION_SUMMARY.file)
"""Files of a finished cross-validation that its manifest vouches for."""

_SEED_LIMIT = 2**31
_ID_HEX = 12


@dataclass(frozen=True)
class CrossValidationSummary:
    """What a cross-validation came to.

    Attributes:
        n_runs: Runs, one a repeat and fold, all finished.
        n_done_before: Runs that an earlier call had finished.
        fold_metrics: Rows of :data:`~examwise.core.schemas.cross_validation.FOLD_METRICS`.
        summary: Rows of
            :data:`~examwise.core.schemas.cross_validation.CROSS_VALIDATION_SUMMARY`.
        predictions: Directories of the held-out predictions, one a repeat.
        data_terms: Terms of use of the exams.
    """

    n_runs: int
    n_done_before: int
    fold_metrics: tuple[dict[str, Any], ...]
    summary: tuple[dict[str, Any], ...]
    predictions: tuple[str, ...]
    data_terms: tuple[str, ...]


def cross_validate(
    *,
    stores: Sequence[str],
    config: CrossValidationConfig,
    training: FoldTraining,
    out: str,
    executor: Executor,
    progress: Progress | None = None,
) -> CrossValidationSummary:
    """Train a model on all folds but one, for each fold, and predict the one.

    Patients of the test part stay out of everything; training and validation parts of the stores
    make no difference. What chooses a run's weights and thresholds is cut from the folds that it
    is trained on. Leaves ``folds.parquet``, ``runs/<fold>/``, what each said of its fold,
    ``predictions/<repeat>/`` (every exam predicted once, by the run that has not learned from its
    patient), ``fold_metrics.parquet`` and ``summary.parquet``. An interrupted cross-validation
    goes on where it was; a finished one is returned at once.

    Args:
        stores: The exam store, or several of one key, with splits.
        config: The folds.
        training: The runs.
        out: The directory, on a local disk.
        executor: Where runs run.
        progress: Where to report to.

    Raises:
        InputError: If patients cannot be dealt into such folds, the stores cannot be joined or
            have changed since, a run cannot be trained, or ``out`` holds something else.
        IntegrityError: If stored pixels or a file that was written before are damaged.
    """
    progress = progress or SilentProgress()
    if Storage(out).local is None:
        raise InputError(
            where=out,
            expected="a directory on a local disk, where runs are trained",
            got="another kind of storage",
            remedy="cross-validate into a local folder, and copy it when it is finished",
        )
    stored = JoinedStores(stores)
    exams = dealt_exams(stored, training.findings)
    folds = draw_folds(
        exams,
        folds=config.folds,
        repeats=config.repeats,
        seed=config.seed,
        labels=training.findings,
    )
    places = list(folds.select("repeat", "fold").unique().sort("repeat", "fold").iter_rows())
    # A fold that leaves too little to train on says so before any is trained.
    splits = [_split(exams, folds, place, config, training) for place in places]
    plan = training.plan(stored, splits[0])
    require_fresh_start(plan, exams)
    require_matrix(exams, plan.matrix, stored.name)
    if not Storage(out).exists(MANIFEST):
        require_model(plan, features=training.features is not None)
    content = {
        "cross_validation": asdict(config),
        "training_seed": training.training.seed,
        **plan.configuration,
    }
    inputs = {name: digest for name, digest in plan.inputs.items() if name != "label_set"}
    inputs["labels and splits of the exams"] = _digest(exams)
    stage = Stage.begin(
        out, kind="cross-validation", configuration=content, inputs=inputs, seed=config.seed
    )
    storage = stage.storage
    if stage.finished:
        _require_all_there(storage, places)
        return _summary(storage, stored, places, n_done_before=len(places))
    if not storage.exists(FOLDS.file):
        FOLDS.write(storage, folds)
    _require_same(read_folds(storage, exams, label=training.findings[0]), folds, storage)
    log = CommitLog(storage)
    missing = [place for place in places if _item(place) not in log]
    if missing:
        prepare_features(plan, training, progress)
    work = partial(_run_fold, out=storage.url, stores=stored.urls, config=config, training=training)
    with progress.track("Training and testing folds", len(missing)) as advance:
        for _ in (on_devices(executor) if training.wants_device else executor).map(work, missing):
            advance()
    name = "c" + sha256_hex(canonical_json([content, inputs, config.seed]))[:_ID_HEX]
    for repeat in range(config.repeats):
        gather_held_out(
            storage,
            stored,
            folds=[fold_name(*place) for place in places if place[0] == repeat],
            out=_predictions(repeat),
            run_id=f"{name}-r{repeat:02d}",
            learner=training.learner,
        )
    metrics = FOLD_METRICS.frame(
        [row for place in places for row in log.read(_item(place)).payload["rows"]]
    )
    FOLD_METRICS.write(storage, metrics)
    CROSS_VALIDATION_SUMMARY.write(storage, summarise_folds(metrics, training.findings))
    stage.finish(outputs=OUTPUTS)
    return _summary(storage, stored, places, n_done_before=len(places) - len(missing))


def dealt_exams(stored: JoinedStores, findings: Sequence[str]) -> pl.DataFrame:
    """Return the exams of all but the test patients, with a column of labels for each finding.

    Args:
        stored: The stores, with splits.
        findings: The findings.

    Raises:
        InputError: If a store has not been split or has no label of a finding.
    """
    parts = read_joined_splits(stored.urls)
    tests = parts.filter(pl.col("split") == "test").select("patient_key").unique()
    exams = stored.exams.select("exam_id", "patient_key", "rows", "columns")
    exams = exams.join(tests, on="patient_key", how="anti").sort("exam_id")
    for finding in findings:
        require_finding(stored, finding)
        labels = exam_labels(stored, finding).rename({"exam_label": finding})
        exams = exams.join(labels, on="exam_id", how="left", maintain_order="left")
    return exams


def _run_fold(
    place: tuple[int, int],
    *,
    out: str,
    stores: Sequence[str],
    config: CrossValidationConfig,
    training: FoldTraining,
) -> str:
    repeat, fold = place
    name = fold_name(repeat, fold)
    storage = Storage(out)
    stored = JoinedStores(stores)
    exams = dealt_exams(stored, training.findings)
    folds = read_folds(storage, exams, label=training.findings[0])
    split = _split(exams, folds, place, config, training)
    directory = f"{out}/{RUNS}/{name}"
    training.train(stored, split, place=place, out=directory)
    held_out = split.filter(pl.col("split") == "test").select("exam_id")
    predicted = predict_held_out(
        directory,
        stored,
        held_out,
        place=place,
        training=training.training,
        device="cpu" if training.trainer.accelerator == "cpu" else "auto",
        features=training.features,
    )
    CommitLog(storage).commit(
        _item(place), objects=predicted.objects, payload={"rows": predicted.rows}
    )
    return name


def _split(
    exams: pl.DataFrame,
    folds: pl.DataFrame,
    place: tuple[int, int],
    config: CrossValidationConfig,
    training: FoldTraining,
) -> pl.DataFrame:
    repeat, fold = place
    return fold_split(
        exams,
        folds,
        repeat=repeat,
        fold=fold,
        validation_fraction=config.validation_fraction,
        seed=config.seed,
        labels=training.findings,
    )


def _item(place: tuple[int, int]) -> str:
    return f"folds/{fold_name(*place)}"


def _predictions(repeat: int) -> str:
    return f"predictions/r{repeat:02d}"


def _digest(exams: pl.DataFrame) -> str:
    return "sha256:" + sha256_hex(exams.write_csv().encode())


def _require_same(found: pl.DataFrame, drawn: pl.DataFrame, storage: Storage) -> None:
    if not found.equals(drawn):
        raise InputError(
            where=f"{storage.url}/{FOLDS.file}",
            expected="the folds that these options and patients give",
            got="others",
            remedy="restore the file, or cross-validate in a new directory",
        )


def _require_all_there(storage: Storage, places: Sequence[tuple[int, int]]) -> None:
    folders = [f"{RUNS}/{fold_name(*place)}" for place in places]
    folders += sorted({_predictions(repeat) for repeat, _ in places})
    missing = [folder for folder in folders if not storage.exists(f"{folder}/{MANIFEST}")]
    if missing:
        raise InputError(
            where=storage.url,
            expected=f"the {len(folders)} runs and predictions of the finished cross-validation",
            got=f"{len(missing)} missing, {missing[0]} among them",
            remedy="restore them, or cross-validate in a new directory",
        )


def _summary(
    storage: Storage,
    stored: JoinedStores,
    places: Sequence[tuple[int, int]],
    *,
    n_done_before: int,
) -> CrossValidationSummary:
    manifest = read_manifest(storage.url, kind="cross-validation")
    for key in OUTPUTS:
        manifest.read_output(storage, key)
    repeats = sorted({repeat for repeat, _ in places})
    return CrossValidationSummary(
        n_runs=len(places),
        n_done_before=n_done_before,
        fold_metrics=tuple(FOLD_METRICS.read(storage).to_dicts()),
        summary=tuple(CROSS_VALIDATION_SUMMARY.read(storage).to_dicts()),
        predictions=tuple(storage.child(_predictions(repeat)).url for repeat in repeats),
        data_terms=tuple(stored.data_terms),
    )
