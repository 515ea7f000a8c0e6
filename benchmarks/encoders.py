"""What an encoder is worth: nothing but its pretext, heads on it frozen, and trained on as well.

Run: python benchmarks/encoders.py STORE ENCODER [ENCODER ...] [--exams 8 40 0] [--repeats 3]
[--fine-tune]. The store is split and labelled; of an encoder directory (or shipped:NAME) come the
exam AUC on the store's test exams without any label (mean of the three highest slices by the
pretext), with heads trained on all labels of so many exams read as a whole (0: all that there
are), and, with --fine-tune, with all parts trained on all labels.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from examwise.data.label_set import LabelSet
from examwise.data.splits import read_splits
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels
from examwise.models.config import ModelConfig
from examwise.models.shipped_encoders import locate_weights
from examwise.prediction.predict import predict_store
from examwise.training.beginnings import options_of_weights
from examwise.training.config import TrainingConfig
from examwise.training.pretraining.scores import pretext_scores
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig

FINDING = "any"
LEARNERS = {"weak": "exam", "strong": "slice"}
VALIDATION_SHARE = 0.2
HEADS = TrainingConfig(steps=300, augmentation="none", balanced=True, validate_every=100)
WHOLE = TrainingConfig(
    steps=450,
    exams_per_step=4,
    slices_per_step=96,
    learning_rate=4e-4,
    balanced=True,
    validate_every=150,
)


def labels(store: StoredExams, kind: str, n_exams: int, seed: int) -> LabelSet:
    """Return all labels of so many training and validation exams."""
    splits = read_splits(store.storage.url).rename({"split": "part"})
    parts = []
    for part, share in (("train", 1 - VALIDATION_SHARE), ("validation", VALIDATION_SHARE)):
        own = splits.filter(pl.col("part") == part).sort("exam_id")
        wanted = round(share * n_exams) if n_exams else own.height
        parts.append(own.sample(min(wanted, own.height), seed=seed).select("exam_id", "part"))
    exams = pl.concat(parts)
    if kind == "exam":
        frame = exams.with_columns(pl.lit(None, pl.Int32).alias("slice_index"))
    else:
        frame = slice_labels(store, FINDING).drop_nulls().join(exams, on="exam_id")
    columns = ["exam_id", "slice_index", "part"]
    return LabelSet(kind, frame.select(columns).sort("exam_id", "slice_index"))


def without_labels(encoder: str, store: StoredExams) -> float:
    """Return the AUC of the pretext's own score."""
    tests = read_splits(store.storage.url).filter(pl.col("split") == "test")["exam_id"].to_list()
    scores = pretext_scores(locate_weights(encoder), store, tests)
    by_exam = scores.group_by("exam_id").agg(pl.col("score").top_k(3).mean())
    judged = by_exam.join(exam_labels(store, FINDING).drop_nulls(), on="exam_id")
    return float(roc_auc_score(judged["exam_label"], judged["score"]))


@dataclass(frozen=True)
class Setting:
    """How models are trained on an encoder."""

    name: str
    model: ModelConfig
    training: TrainingConfig
    precision: str
    repeats: int


def exam_aucs(
    store: StoredExams, setting: Setting, learner: str, n_exams: int, folder: str
) -> list[float]:
    """Train once a repeat, test, and return the exam AUCs."""
    url, aucs = store.storage.url, []
    features = f"{folder}/features" if setting.model.is_frozen else None
    for seed in range(setting.repeats):
        place = f"{folder}/{setting.name}-{learner}-{n_exams}-{seed}"
        train_run(
            stores=[url],
            label_set=labels(store, LEARNERS[learner], n_exams, seed),
            learner=learner,
            model=setting.model,
            training=replace(setting.training, seed=seed),
            trainer=TrainerConfig(precision=setting.precision),
            features=features,
            out=f"{place}-run",
        )
        predict_store(
            run=f"{place}-run", store=url, out=f"{place}-said", split="test", features=features
        )
        said = pl.read_parquet(f"{place}-said/exams.parquet").drop_nulls("exam_label")
        aucs.append(float(roc_auc_score(said["exam_label"], said["exam_logit"])))
    return aucs


def main() -> None:
    """Measure and print a line for each setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("encoders", nargs="+")
    parser.add_argument("--exams", type=int, nargs="+", default=[8, 40, 0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--fine-tune", action="store_true")
    options = parser.parse_args()
    store = StoredExams(options.store)
    for encoder in options.encoders:
        print(f"{encoder}: no label, AUC {without_labels(encoder, store):.3f}", flush=True)
        model = ModelConfig(weights=encoder, frozen=("all",), **options_of_weights(encoder))
        frozen = Setting("frozen", model, HEADS, "32-true", options.repeats)
        whole = Setting("fine-tuned", replace(model, frozen=()), WHOLE, "bf16-mixed", 1)
        settings = [(frozen, n_exams) for n_exams in options.exams]
        settings += [(whole, 0)] if options.fine_tune else []
        with tempfile.TemporaryDirectory() as folder:
            for (setting, n_exams), learner in itertools.product(settings, LEARNERS):
                began = time.monotonic()
                aucs = exam_aucs(store, setting, learner, n_exams, folder)
                seconds = (time.monotonic() - began) / setting.repeats
                print(
                    f"{encoder}: {setting.name}, {learner}, {n_exams or 'all'} exams: "
                    f"AUC {np.mean(aucs):.3f} (each {', '.join(f'{auc:.3f}' for auc in aucs)}), "
                    f"{seconds:.1f} s a run",
                    flush=True,
                )


if __name__ == "__main__":
    main()
