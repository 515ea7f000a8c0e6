"""Everything that determines a run, looked up and checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from examwise.core.digests import canonical_json, sha256_hex
from examwise.core.errors import InputError
from examwise.data.joined_splits import read_joined_splits
from examwise.data.label_kind import LabelKind
from examwise.data.label_set import LabelSet
from examwise.data.targets import Targets, find_targets
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_labels import exam_labels, require_finding, slice_labels
from examwise.models.config import ModelConfig
from examwise.training.augmentations.choose import augmentation_digest, recorded_name
from examwise.training.beginnings import Beginnings, continued_model, find_beginnings
from examwise.training.config import RUNNING_OPTIONS, TrainingConfig
from examwise.training.find_learner import is_own, judging_learner, label_kind_of
from examwise.training.trainer_config import RUNNING_TRAINER_OPTIONS, TrainerConfig

_RUN_ID_HEX = 12


@dataclass(frozen=True)
class RunPlan:
    """A run to be trained.

    Attributes:
        stored: The exam store, or several together.
        label_set: Which labels may be seen.
        learner: The learner's name, or the path of a class of the user's own.
        learner_options: Arguments of such a class.
        model: Architecture that the learner trains.
        training: Options, with their steps counted.
        trainer: Where and in what arithmetic.
        beginnings: What it begins from.
        recipe: Name of the recipe that the options come from, and what it says of itself; empty
            without one.
        train: The labels to train on.
        validation: The labels kept for validation.
        matrix: Rows and columns that all exams of the label set have.
    """

    stored: JoinedStores
    label_set: LabelSet
    learner: str
    learner_options: Mapping[str, Any]
    model: ModelConfig
    training: TrainingConfig
    trainer: TrainerConfig
    beginnings: Beginnings
    recipe: Mapping[str, Any]
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
        training["augmentation"] = recorded_name(self.training.augmentation)
        trainer = {
            name: value
            for name, value in asdict(self.trainer).items()
            if name not in RUNNING_TRAINER_OPTIONS
        }
        # Where weights lie may change, and may hold names; what they are is among the inputs.
        model = {name: value for name, value in asdict(self.model).items() if name != "weights"}
        return {
            "learner": self.learner,
            "learner_options": dict(self.learner_options),
            "model": model,
            "training": training,
            "trainer": trainer,
        }

    @property
    def inputs(self) -> dict[str, str]:
        """Digests of what goes in."""
        digest = sha256_hex((self.train.digest() + self.validation.digest()).encode())
        return {
            **self.stored.inputs,
            **self.beginnings.inputs,
            **self._pipeline,
            "label_set": f"sha256:{digest}",
        }

    @property
    def _pipeline(self) -> dict[str, str]:
        digest = augmentation_digest(self.training.augmentation)
        return {"augmentation": digest} if digest else {}

    @property
    def run_id(self) -> str:
        """Digest of configuration, labels and seed."""
        digests = [self.inputs["label_set"], {**self.beginnings.inputs, **self._pipeline}]
        whole = [self.configuration, digests, self.training.seed]
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
            values = self.train.all_values[:, column]
            classes = np.unique(values[~np.isnan(values)])
            if len(classes) < 2:
                kind = {0.0: "negative", 1.0: "positive"}.get(float(classes[0]), "")
                notes.append(f"all training labels of {finding} are {kind}")
        if n_known := self._n_known_validation_patients:
            notes.append(
                f"what the run began from was trained on {n_known} of its validation patients: "
                "thresholds and temperatures come out too confident"
            )
        return notes

    @property
    def _n_known_validation_patients(self) -> int:
        trained = self.beginnings.learned.filter(pl.col("part") == "train")
        here = self.exams.filter(pl.col("part") == "validation")
        return here.join(trained, on="patient_key", how="semi")["patient_key"].n_unique()


def exams_digest(exam_ids: pl.Series) -> str:
    """Return the digest of a set of exams, whatever their order.

    Example:
        >>> exams_digest(pl.Series(["b", "a"])) == exams_digest(pl.Series(["a", "b"]))
        True
    """
    return "sha256:" + sha256_hex("\n".join(exam_ids.unique().sort().to_list()).encode())


def _settled(trainer: TrainerConfig) -> TrainerConfig:
    """Say what arithmetic it is: a run must not go on in another, on another machine."""
    if trainer.precision != "auto":
        return trainer
    from examwise.training.devices import choose_device, has_bfloat16

    has_it = has_bfloat16(choose_device(trainer.accelerator))
    return replace(trainer, precision="bf16-mixed" if has_it else "32-true")


def plan_run(
    stored: JoinedStores,
    label_set: LabelSet,
    *,
    learner: str,
    model: ModelConfig,
    training: TrainingConfig,
    trainer: TrainerConfig | None = None,
    init: str = "",
    learner_options: Mapping[str, Any] | None = None,
    recipe: Mapping[str, Any] | None = None,
) -> RunPlan:
    """Look up a run's labels and check that it can and may be trained.

    Args:
        stored: The exam store, or several together.
        label_set: Which labels may be seen.
        learner: A registered learner, or the path of a LightningModule.
        model: Architecture.
        training: Options.
        trainer: Where and in what arithmetic.
        init: Directory of a finished run whose model is gone on with.
        learner_options: Arguments of a class of the user's own.
        recipe: What the recipe says of itself that the options come from.

    Raises:
        InputError: If the label set does not suit the learner or the store, holds test exams or
            patients on both sides, or lacks training labels of a finding; if one of several
            stores has none of the learner's labels of a finding, or patients of one stand in
            another part of the other.
    """
    bought = label_kind_of(learner)
    require_labels(stored, model.findings, bought)
    if learner_options and not is_own(learner):
        raise InputError(
            where=f"options of the {learner} learner",
            expected="none: they are for classes of your own",
            got=", ".join(learner_options),
        )
    if model.weights and is_own(learner):
        raise InputError(
            where="model option weights",
            expected="none: a class of your own takes its first weights itself",
            got="some",
            remedy="leave the option out, and give them as one of --learner-options",
        )
    if init:
        model = continued_model(model, init, learner=learner)
    if not is_own(learner):
        model = judging_learner(learner).adapt(model)
    train = find_targets(stored, label_set, "train", model.findings)
    plan = RunPlan(
        stored=stored,
        label_set=label_set,
        learner=learner,
        learner_options=dict(learner_options or {}),
        model=model,
        training=training.for_labels(len(train), bought),
        trainer=_settled(trainer or TrainerConfig()),
        beginnings=find_beginnings(model, init),
        recipe=dict(recipe or {}),
        train=train,
        validation=find_targets(stored, label_set, "validation", model.findings),
        matrix=_matrix(stored, label_set),
    )
    if label_set.kind != bought:
        raise InputError(
            where=f"label set of the {learner} learner",
            expected=f"labels of {bought}s",
            got=f"labels of {label_set.kind}s",
            remedy="draw a label set of the learner's kind, or choose another learner",
        )
    for column, finding in enumerate(model.findings):
        if np.isnan(plan.train.all_values[:, column]).all():
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
            n_labels = 0
            if kind != "exam":
                n_labels += slice_labels(store, finding).height
            if kind != "slice":
                n_labels += exam_labels(store, finding)["exam_label"].count()
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
    if n_known := plan.beginnings.learned.join(tests, on="patient_key", how="semi").height:
        raise InputError(
            where="what the run begins from",
            expected=f"weights that have not learned from test patients of {plan.stored.name}",
            got=f"{n_known} such patients",
            remedy="begin from other weights, or pretrain again with the present splits",
        )
