"""Everything that determines a run, looked up and checked before anything is computed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from examwise.core.digests import canonical_json, sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST
from examwise.data.label_set import LabelSet
from examwise.data.splits import has_splits, read_splits
from examwise.data.targets import Targets, find_targets
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.training.config import RUNNING_OPTIONS, TrainingConfig
from examwise.training.learners import LEARNERS

_RUN_ID_HEX = 12


@dataclass(frozen=True)
class RunPlan:
    """A run to be trained.

    Attributes:
        stored: The exam store.
        label_set: Which labels may be seen.
        learner: The learner's name.
        model: Architecture.
        training: Options.
        train: The labels to train on.
        validation: The labels kept for validation.
        matrix: Rows and columns that all exams of the label set have.
    """

    stored: StoredExams
    label_set: LabelSet
    learner: str
    model: ModelConfig
    training: TrainingConfig
    train: Targets
    validation: Targets
    matrix: tuple[int, int]

    @property
    def configuration(self) -> dict[str, Any]:
        """Everything but labels and seed that determines the result."""
        training = {
            name: value
            for name, value in asdict(self.training).items()
            if name != "seed" and name not in RUNNING_OPTIONS
        }
        return {"learner": self.learner, "model": asdict(self.model), "training": training}

    @property
    def inputs(self) -> dict[str, str]:
        """Digests of what goes in."""
        digest = sha256_hex((self.train.digest() + self.validation.digest()).encode())
        manifest = self.stored.storage.read(MANIFEST)
        return {"store": f"sha256:{sha256_hex(manifest)}", "label_set": f"sha256:{digest}"}

    @property
    def run_id(self) -> str:
        """Digest of configuration, labels and seed."""
        whole = [self.configuration, self.inputs["label_set"], self.training.seed]
        return "r" + sha256_hex(canonical_json(whole))[:_RUN_ID_HEX]

    @property
    def exams(self) -> pl.DataFrame:
        """The exams of the label set, with their part."""
        parts = self.label_set.frame.select("exam_id", "part").unique("exam_id")
        return self.stored.exams.join(parts, on="exam_id").sort("exam_id")

    @property
    def notes(self) -> list[str]:
        """What a reader of this run's results should know."""
        notes = []
        for column, finding in enumerate(self.model.findings):
            values = self.train.values[:, column]
            classes = np.unique(values[~np.isnan(values)])
            if len(classes) < 2:
                kind = {0.0: "negative", 1.0: "positive"}.get(float(classes[0]), "")
                notes.append(f"all training labels of {finding} are {kind}")
        return notes


def plan_run(
    stored: StoredExams,
    label_set: LabelSet,
    *,
    learner: str,
    model: ModelConfig,
    training: TrainingConfig,
) -> RunPlan:
    """Look up a run's labels and check that it can and may be trained.

    Raises:
        InputError: If the label set does not suit the learner or the store, holds test exams or
            patients on both sides, or lacks training labels of a finding.
    """
    plan = RunPlan(
        stored,
        label_set,
        learner,
        model,
        training,
        find_targets(stored, label_set, "train", model.findings),
        find_targets(stored, label_set, "validation", model.findings),
        _matrix(stored, label_set),
    )
    bought = LEARNERS.load(learner).label_kind
    if label_set.kind != bought:
        raise InputError(
            where=f"label set of the {learner} learner",
            expected=f"labels of {bought}s",
            got=f"labels of {label_set.kind}s",
            remedy="draw a label set of the learner's kind, or choose another learner",
        )
    for column, finding in enumerate(model.findings):
        if np.isnan(plan.train.values[:, column]).all():
            raise InputError(
                where=f"label set, finding {finding}",
                expected="at least one training label",
                got="none",
                remedy="buy more labels, or leave the finding out",
            )
    _require_no_leak(plan)
    return plan


def _matrix(stored: StoredExams, label_set: LabelSet) -> tuple[int, int]:
    wanted = label_set.frame.select("exam_id").unique()
    sizes = stored.exams.join(wanted, on="exam_id").select("rows", "columns").unique()
    if sizes.height > 1:
        raise InputError(
            where=stored.storage.url,
            expected="one matrix size for all exams of the label set",
            got=f"{sizes.height} sizes",
            remedy="ingest the archive with a fixed matrix",
        )
    return (0, 0) if not sizes.height else (int(sizes["rows"][0]), int(sizes["columns"][0]))


def _require_no_leak(plan: RunPlan) -> None:
    patients = plan.exams.group_by("patient_key").agg(pl.col("part").n_unique().alias("n_parts"))
    if n_both := patients.filter(pl.col("n_parts") > 1).height:
        raise InputError(
            where="label set",
            expected="each patient for training or for validation",
            got=f"{n_both} patients for both",
            remedy="divide the labels by patient",
        )
    url = plan.stored.storage.url
    if not has_splits(url):
        return
    tests = read_splits(url).filter(pl.col("split") == "test").select("patient_key").unique()
    if n_leaked := plan.exams.join(tests, on="patient_key", how="semi").height:
        raise InputError(
            where="label set",
            expected=f"no exam of a test patient of {url}",
            got=f"{n_leaked} such exams",
            remedy="draw labels from the training and validation parts only",
        )
