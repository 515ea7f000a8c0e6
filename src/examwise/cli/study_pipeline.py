"""From raw files to the answer: the stages of ``examwise study``, one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from examwise.cli.answer_text import answer_text
from examwise.cli.parsing import worker_count
from examwise.cli.study_file import SourceConfig, StudyFile
from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.executors.protocol import Executor
from examwise.core.identity import Identity
from examwise.core.manifest import MANIFEST
from examwise.core.progress import Progress
from examwise.core.stage import Stage
from examwise.data.joined_splits import read_joined_splits
from examwise.data.splits import split_store
from examwise.evaluation.answer import Answer
from examwise.evaluation.evaluate import evaluate_study
from examwise.imaging.joined_stores import JoinedStores
from examwise.ingest.ingest import ingest_archive
from examwise.phantom.archive import make_phantom_archive
from examwise.reporting.report import write_report
from examwise.studies.config import StudyConfig
from examwise.studies.run_study import PLAN, begin_study, run_study
from examwise.training.accelerator import require_accelerator


@dataclass(frozen=True)
class StudyPlaces:
    """Where a study reads and writes.

    Attributes:
        out: The study's directory.
        source: Folder of raw files, or None.
        stores: Exam stores; with neither these nor a source, a synthetic archive is made.
        identity: Folder of the key; the default one if None.
    """

    out: Path
    source: Path | None = None
    stores: tuple[str, ...] = ()
    identity: Path | None = None


@dataclass(frozen=True)
class StudyOutcome:
    """What a finished study says.

    Attributes:
        answer: The answer.
        report: Its page.
        set_aside: Reason to number of files, or rows of annotation files, that were set aside.
    """

    answer: Answer
    report: Path
    set_aside: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The answer for a terminal: a table, a sentence, the path of the page."""
        return f"{answer_text(self.answer)}\n\nReport: {self.report}"


def run_pipeline(
    file: StudyFile, places: StudyPlaces, *, workers: int | None, progress: Progress
) -> StudyOutcome:
    """Run every stage that is not finished yet.

    Raises:
        InputError: If a stage's input cannot be worked with.
    """
    _check_places(file.study, places)
    require_accelerator(file.study.trainer.accelerator)
    executor = make_executor(worker_count(workers))
    config = file.study
    stage = begin_study(places.out, config, source=_describe_source(file.source, places))
    stores, set_aside = _provide_stores(file, places, executor=executor, progress=progress)
    _provide_splits(stage, stores, config, given=bool(places.stores))
    run_study(stage, config, stores=stores, executor=executor, progress=progress)
    answer = evaluate_study(
        str(places.out),
        str(places.out / "evaluation"),
        target_auc=config.target_auc,
        n_replicates=config.bootstrap_replicates,
        seed=config.seed,
        finding=config.finding,
        costs_given=config.costs is not None,
        progress=progress,
    )
    report = write_report(places.out, stores=stores, progress=progress)
    return StudyOutcome(answer=answer, report=report, set_aside=set_aside)


def _check_places(config: StudyConfig, places: StudyPlaces) -> None:
    if places.source is not None and places.stores:
        raise InputError(where="--source and --store", expected="one of them at most", got="both")
    if places.stores:
        # Given stores are only read: they must have been split.
        read_joined_splits(JoinedStores(places.stores).urls)
    elif config.split is None:
        raise InputError(
            where="study.split",
            expected="fractions, where no split store is given",
            got="null",
            remedy="give the fractions of train, validation and test patients",
        )


def _provide_splits(
    stage: Stage, stores: Sequence[str], config: StudyConfig, *, given: bool
) -> None:
    if config.split is None:
        return
    if len(stores) > 1:
        raise InputError(
            where="study.split",
            expected="the splits that several stores have",
            got="fractions",
            remedy="write split: null to take the stores' own",
        )
    (store,) = stores
    try:
        split_store(
            store,
            fractions=config.split.fractions,
            seed=config.seed,
            finding=config.finding,
            # Until the plan is written a corrected study may split its own store anew.
            replace=not given and not stage.storage.exists(PLAN),
        )
    except InputError as error:
        if not given:
            raise
        raise InputError(
            where="study.split",
            expected="the split that the store has",
            got="another",
            remedy="write split: null to take the store's own",
        ) from error


def _describe_source(source: SourceConfig, places: StudyPlaces) -> dict[str, Any]:
    if places.stores:
        digests = [
            sha256_hex(store.storage.read(MANIFEST)) for store in JoinedStores(places.stores).stores
        ]
        if len(digests) == 1:
            return {"kind": "store", "manifest": digests[0]}
        return {"kind": "stores", "manifests": digests}
    if places.source is not None:
        # Which files these are is checked by the store's own beginning, without naming a path.
        return {"kind": "raw", "layout": source.layout, "ingest": asdict(source.ingest)}
    return {
        "kind": "phantom",
        "layout": source.layout,
        "phantom": asdict(source.phantom),
        "ingest": asdict(source.ingest),
    }


def _provide_stores(
    file: StudyFile, places: StudyPlaces, *, executor: Executor, progress: Progress
) -> tuple[Sequence[str], Mapping[str, int]]:
    if places.stores:
        return places.stores, {}
    source = places.source
    ingest = file.source.ingest
    if source is None:
        ingest = replace(
            ingest,
            archive_name=ingest.archive_name or "synthetic",
            data_terms=ingest.data_terms or "synthetic, no terms",
        )
        source = places.out / "archive"
        make_phantom_archive(
            source,
            file.source.phantom,
            layout=file.source.layout,
            executor=executor,
            progress=progress,
        )
        # Synthetic exams get the same pseudonyms everywhere: their key comes from the seed.
        key = hashlib.sha256(f"phantom {file.source.phantom.seed}".encode()).digest()
        identity = Identity(places.out / "identity", key=key)
    else:
        identity = Identity(places.identity)
    labels = source / file.source.labels if file.source.labels else None
    store = str(places.out / "store")
    summary = ingest_archive(
        file.source.layout,
        source,
        store,
        identity=identity,
        config=ingest,
        labels=labels,
        executor=executor,
        progress=progress,
    )
    return [store], summary.all_set_aside
