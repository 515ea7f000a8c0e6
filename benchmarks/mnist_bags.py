"""MNIST-bags of Ilse, Tomczak and Welling (2018) through the public interface: exam AUC by budget.

Run: python benchmarks/mnist_bags.py MNIST.npz --out DIR [--seeds 10] [--workers 2]. For each seed
a pool of 500 training bags and 1,000 test bags becomes an exam store (``mnist_bag_store.py``); weak
learners with an encoder of one's own (``mnist_lenet.py``) train on the first 50 to 500 training
bags and predict the test bags. Finished runs are kept in DIR, so that the same command goes on
where it was; results and table are in DIR/results.json.

No validation bag is taken: a model is what it is after its last step, and every label that it saw
is one of its training bags.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from examwise.core.executors import make_executor
from examwise.core.schemas.predictions import PREDICTED_EXAMS
from examwise.core.schemas.run import LABEL_SET
from examwise.core.storage import Storage
from examwise.data.label_set import LabelSet
from examwise.metrics.roc import roc_auc
from examwise.models.config import ModelConfig
from examwise.prediction.predict import predict_store
from examwise.training.config import TrainingConfig
from examwise.training.optimizer_config import OptimizerConfig
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig
from mnist_bag_store import FINDING, TASK, write_bag_store

BUDGETS = (50, 100, 150, 200, 300, 400, 500)
N_TEST = 1000
FIRST_SEED = 0
PUBLISHED = {
    "attention": (0.768, 0.948, 0.949, 0.970, 0.980, 0.982, 0.986),
    "gated_attention": (0.753, 0.916, 0.955, 0.974, 0.980, 0.983, 0.987),
}
"""Mean AUC at each budget, as remembered from the article's table for a mean bag size of 10."""

MODEL = ModelConfig(
    findings=(FINDING,),
    encoder="mnist_lenet:LeNet",
    window_center_hu=TASK.window_center,
    window_width_hu=TASK.window_width,
    embedding=500,
    activation="relu",
    attention_hidden=128,
    channels_last=True,
)
TRAINING = TrainingConfig(
    steps=1500,
    exams_per_step=4,
    optimizer=OptimizerConfig("adam", decay_all=True),
    learning_rate=5e-4,
    weight_decay=1e-4,
    warmup_fraction=0.05,
    gradient_clip=0.0,
    validate_every=1500,
    augmentation="mnist_turns:Turns",
)


@dataclass(frozen=True)
class Run:
    """One model to train and to test.

    Attributes:
        pooling: Name of the pooling.
        n_bags: Training bags.
        seed: Of pool, initial weights and order of bags.
    """

    pooling: str
    n_bags: int
    seed: int

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.pooling}-{self.n_bags}-{self.seed}"


def perform(run: Run, *, folder: Path, training: TrainingConfig) -> dict[str, Any]:
    """Train and test one model, unless its result is there."""
    kept = folder / "runs" / f"{run.name}.json"
    if kept.is_file():
        return json.loads(kept.read_text())
    began = time.monotonic()
    store = str(store_of(folder, run.seed))
    work = folder / "work" / run.name
    rows = [
        {"exam_id": f"train{index:04d}", "slice_index": None, "part": "train"}
        for index in range(run.n_bags)
    ]
    train_run(
        stores=[store],
        label_set=LabelSet("exam", LABEL_SET.frame(rows)),
        learner="weak",
        model=replace(MODEL, pooling=run.pooling),
        training=replace(training, seed=run.seed),
        trainer=TrainerConfig(accelerator="cpu"),
        out=str(work / "run"),
    )
    trained = time.monotonic()
    predict_store(
        run=str(work / "run"),
        store=store,
        out=str(work / "predictions"),
        split="test",
        device="cpu",
    )
    exams = PREDICTED_EXAMS.read(Storage(work / "predictions"))
    result = {
        "pooling": run.pooling,
        "n_bags": run.n_bags,
        "seed": run.seed,
        "auc": roc_auc(exams["exam_label"].to_numpy(), exams["exam_logit"].to_numpy()),
        "training_s": round(trained - began, 2),
        "prediction_s": round(time.monotonic() - trained, 2),
    }
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(result))
    shutil.rmtree(work)
    return result


def make_pool(seed: int, *, folder: Path, mnist: Path) -> int:
    """Write the store of a seed."""
    bags = {"train": max(BUDGETS), "test": N_TEST}
    write_bag_store(store_of(folder, seed), mnist, seed=seed, bags=bags)
    return seed


def store_of(folder: Path, seed: int) -> Path:
    """Return where the store of a seed lies."""
    return folder / "stores" / str(seed)


def summarise(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return mean and standard error of each pooling and budget beside the published mean.

    The criterion is a mean no lower than the published one less two pooled standard errors. The
    published errors are not at hand and count as none, which makes it stricter.
    """
    found = pl.DataFrame(list(results))
    rows = []
    for pooling, means in PUBLISHED.items():
        for n_bags, published in zip(BUDGETS, means, strict=True):
            here = found.filter(pl.col("pooling") == pooling, pl.col("n_bags") == n_bags)
            aucs = here["auc"].to_list()
            if len(aucs) < 2:
                continue
            mean = statistics.fmean(aucs)
            error = statistics.stdev(aucs) / math.sqrt(len(aucs))
            rows.append(
                {
                    "pooling": pooling,
                    "n_bags": n_bags,
                    "n_seeds": len(aucs),
                    "mean": mean,
                    "standard_error": error,
                    "published": published,
                    "is_reached": mean >= published - 2 * error,
                    "training_s": statistics.median(here["training_s"].to_list()),
                }
            )
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the summary as a Markdown table."""
    lines = [
        "| pooling | training bags | seeds | exam AUC | published | reached |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['pooling']} | {row['n_bags']} | {row['n_seeds']} | {row['mean']:.3f} ± "
        f"{row['standard_error']:.3f} | {row['published']:.3f} | "
        f"{'yes' if row['is_reached'] else 'no'} |"
        for row in rows
    ]
    return "\n".join(lines)


def keep_settings(folder: Path, training: TrainingConfig) -> None:
    """Write down what results of a folder are of; end the script where they are of others."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = json.dumps({"model": asdict(MODEL), "training": asdict(training)}, indent=2)
    kept = folder / "settings.json"
    if kept.is_file() and kept.read_text() != settings:
        raise SystemExit(f"{folder} holds results of other settings; take another folder")
    kept.write_text(settings)


def main() -> None:
    """Train and test all models, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path, help="npz: x_train, y_train, x_test, y_test")
    parser.add_argument("--out", type=Path, required=True, help="folder of stores and results")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--poolings", nargs="+", default=list(PUBLISHED))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--augmentation", default=TRAINING.augmentation, help="'none' for none")
    options = parser.parse_args()
    training = replace(TRAINING, augmentation=options.augmentation)
    keep_settings(options.out, training)
    executor = make_executor(options.workers)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    pool = partial(make_pool, folder=options.out, mnist=options.mnist)
    for seed in executor.map(pool, seeds):
        print(f"pool {seed} is there", file=sys.stderr)
    runs = [
        Run(pooling, n_bags, seed)
        for seed in seeds
        for n_bags in options.budgets
        for pooling in options.poolings
    ]
    results = []
    for result in executor.map(partial(perform, folder=options.out, training=training), runs):
        results.append(result)
        print(f"{len(results)} of {len(runs)}: {result}", file=sys.stderr, flush=True)
    rows = summarise(results)
    (options.out / "results.json").write_text(
        json.dumps({"summary": rows, "runs": results}, indent=2)
    )
    print(table(rows))


if __name__ == "__main__":
    main()
