"""Everything that determines a run, looked up and checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from examwise.core.digests import canonical_json, sha256_hex
from examwise.core.errors import InputError
from examwise.data.joined_splits import read_joined_splits
from examwise.data.label_set import LabelKind, LabelSet
from examwise.data.targets import Targets, find_targets
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_labels import exam_labels, require_finding, slice_labels
from examwise.models.config import ModelConfig
from examwise.training.config import RUNNING_OPTIONS, TrainingConfig
from examwise.training.learners import LEARNERS

_RUN_ID_HEX = 12


@dataclass(frozen=True)
class RunPlan:
    """A run to be trained.

    Attributes:
        stored: The exam store, or several together.
        label_set: Which labels may be seen.
        learner: The learner's name.
        model: Architecture.
        training: Options.
        train: The labels to train on.
        validation: The labels kept for validation.
        matrix: Rows and columns that all exams of the label set have.
    """

    stored: JoinedStores
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
        return {**self.stored.inputs, "label_set": f"sha256:{digest}"}

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
    def labelled_exams(self) -> list[str]:
        """For each store that labels come from, the digest of its labelled exams, sorted.

        By these a store is known again to which exams have been added since.
        """
        wanted = self.label_set.frame.select("exam_id").unique()
        of_stores = (
            store.exams.join(wanted, on="exam_id")["exam_id"] for store in self.stored.stores
        )
        return sorted(exams_digest(exam_ids) for exam_ids in of_stores if exam_ids.len())

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


def exams_digest(exam_ids: pl.Series) -> str:
    """Return the digest of a set of exams, whatever their order.

    Example:
        >>> exams_digest(pl.Series(["b", "a"])) == exams_digest(pl.Series(["a", "b"]))
        True
    """
    return "sha256:" + sha256_hex("\n".join(exam_ids.unique().sort().to_list()).encode())


def plan_run(
    stored: JoinedStores,
    label_set: LabelSet,
    *,
    learner: str,
    model: ModelConfig,
    training: TrainingConfig,
) -> RunPlan:
    """Look up a run's labels and check that it can and may be trained.

    Raises:
        InputError: If the label set does not suit the learner or the store, holds test exams or
            patients on both sides, or lacks training labels of a finding; if one of several
            stores has none of the learner's labels of a finding, or patients of one stand in
            another part of the other.
    """
    bought = LEARNERS.load(learner).label_kind
    require_labels(stored, model.findings, bought)
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


def require_labels(stored: JoinedStores, findings: Sequence[str], kind: LabelKind) -> None:
    """Raise if one of several stores has no label of a finding.

    Labels that are missing in part are left out of the loss; without any, a whole archive would
    be.

    Args:
        stored: The stores.
        findings: What a learner is to find.
        kind: What its labels are of.

    Raises:
        InputError: Says which store.
    """
    for store in stored.stores if len(stored.stores) > 1 else ():
        for finding in findings:
            require_finding(store, finding)
            if kind == "slice":
                n_labels = slice_labels(store, finding).height
            else:
                n_labels = exam_labels(store, finding)["exam_label"].count()
            if not n_labels:
                raise InputError(
                    where=f"labels of {store.name}",
                    expected=f"labels of {kind}s for the finding {finding}",
                    got="none",
                    remedy="add labels, train without this store, or choose another learner",
                )


def _matrix(stored: JoinedStores, label_set: LabelSet) -> tuple[int, int]:
    wanted = label_set.frame.select("exam_id").unique()
    sizes = stored.exams.join(wanted, on="exam_id").select("rows", "columns").unique()
    if len(stored.stores) > 1:
        sizes = stored.exams.select("rows", "columns").unique()
    if sizes.height > 1:
        raise InputError(
            where=stored.name,
            expected="one matrix size for all exams of the label set",
            got=_sizes_words(stored),
            remedy="ingest every archive with the same matrix (--ingest.matrix)",
        )
    return (0, 0) if not sizes.height else (int(sizes["rows"][0]), int(sizes["columns"][0]))


def _sizes_words(stored: JoinedStores) -> str:
    said = []
    for store in stored.stores:
        sizes = store.exams.select("rows", "columns").unique().sort("rows", "columns").rows()
        words = " and ".join(f"{rows} × {columns}" for rows, columns in sizes[:3])
        said.append(words)
    return ", ".join(said) + (", store by store" if len(said) > 1 else "")


def _require_no_leak(plan: RunPlan) -> None:
    patients = plan.exams.group_by("patient_key").agg(pl.col("part").n_unique().alias("n_parts"))
    if n_both := patients.filter(pl.col("n_parts") > 1).height:
        raise InputError(
            where="label set",
            expected="each patient for training or for validation",
            got=f"{n_both} patients for both",
            remedy="divide the labels by patient",
        )
    parts = read_joined_splits(plan.stored.urls, split_only=True)
    tests = parts.filter(pl.col("split") == "test").select("patient_key").unique()
    if n_leaked := plan.exams.join(tests, on="patient_key", how="semi").height:
        raise InputError(
            where="label set",
            expected=f"no exam of a test patient of {plan.stored.name}",
            got=f"{n_leaked} such exams",
            remedy="draw labels from the training and validation parts only",
        )
