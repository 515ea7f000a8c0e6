"""What `train.py` times, each in a process of its own that `train_turns.py` starts.

Our own contenders train by :func:`examwise.training.train.train_run`, the published network with
the published augmentation of the device, so that everything that a run does in a step is counted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from examwise.data.bags import BagBatch
from examwise.data.step_loading import StepDataset, StepNumbers
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import ExamClassifier
from examwise.training.config import TrainingConfig
from examwise.training.loss_config import LossConfig
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig
from train_published import train_published
from train_store import FINDING, label_set
from train_turns import Turns

_ENDLESS = 10**6
"""Steps: a contender is ended by who started it, before it validates or writes a checkpoint."""


def model_config(task: dict[str, Any]) -> ModelConfig:
    """Return the published network as this package builds it."""
    return ModelConfig(
        findings=(FINDING,),
        width=task["width"],
        norm="frozen_batch",
        frozen=("conv1", "layer1", "layer2"),
        input_channels=3,
        input_scale="imagenet",
        activation="none",
        dropout=0.5,
        attention_dropout=0.25,
        normalizer="sparsemax",
        channels_last=True,
        chunk_slices=task["chunk_slices"],
    )


def train_ours(task: dict[str, Any], turns: Turns, *, is_resident: bool = False) -> None:
    """Train by this package's own loop; data from the store, or the first step's every time."""
    is_weak = task["kind"] == "exam"
    training = TrainingConfig(
        steps=_ENDLESS,
        validate_every=_ENDLESS,
        exams_per_step=task["exams_per_step"],
        slices_per_step=task["exams_per_step"] * task["slices"],
        loss=LossConfig("focal", scale=0.6 if is_weak else 0.86),
        augmentation=task["augmentation"],
        cache_mb=task["cache_mb"],
        n_workers=task["workers"],
        n_threads=task["threads"],
    )
    loader = _resident_loader if is_resident else None
    with tempfile.TemporaryDirectory() as out, _loading_by(loader):
        train_run(
            stores=[task["store"]],
            label_set=label_set(task["kind"], exams=task["exams"], slices=task["slices"]),
            learner="weak" if is_weak else "strong",
            model=model_config(task),
            training=training,
            trainer=TrainerConfig(precision=task["precision"]),
            out=f"{out}/run",
            progress=_StepProgress(turns),
        )


def encode_alone(task: dict[str, Any], turns: Turns) -> None:
    """Run the encoder forward and backward on images that are on the device already."""
    torch.set_num_threads(task["threads"])
    device = _device()
    model = ExamClassifier(model_config(task), exam_rule="pooled").train().to(device)
    images = torch.randn(_slices_a_step(task), 3, task["matrix"], task["matrix"], device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    is_mixed = task["precision"] != "32-true"
    while True:
        with torch.autocast(device.type, torch.bfloat16, enabled=is_mixed):
            features = model.encoder(images)
        features.float().sum().backward()
        model.zero_grad(set_to_none=True)
        turns.step_done()


def forget_files(folder: Path) -> None:
    """Have the system drop a folder's files from memory, where it can."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def matrix_rate(*, is_mixed: bool, seconds: float = 1.0) -> float:
    """Return floating-point operations a second of a large matrix product, the best of several."""
    import time

    device = _device()
    side = 8192 if device.type == "cuda" else 2048
    kind = torch.bfloat16 if is_mixed else torch.float32
    left, right = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < seconds or best == float("inf"):
        _synchronize()
        before = time.perf_counter()
        left @ right
        _synchronize()
        best = min(best, time.perf_counter() - before)
    return 2 * side**3 / best


def encoder_operations(task: dict[str, Any]) -> float:
    """Return floating-point operations of the encoder on one image, forward and backward."""
    from torch.utils.flop_counter import FlopCounterMode

    model = ExamClassifier(model_config(task), exam_rule="pooled").train()
    with FlopCounterMode(display=False) as counter:
        model.encoder(torch.randn(1, 3, task["matrix"], task["matrix"])).sum().backward()
    return float(counter.get_total_flops())


class _StepProgress:
    """Tells of every step."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def say(self, text: str) -> None:
        del text

    @contextmanager
    def track(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        del title, total
        yield self._turns.step_done


class _ResidentLoader:
    """Gives the first step's batch at every step, on the device already."""

    def __init__(self, dataset: StepDataset, numbers: StepNumbers) -> None:
        self._batch = dataset[0].to(_device())
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[BagBatch]:
        return (replace(self._batch, step=number) for number in self._numbers)


def _resident_loader(
    dataset: StepDataset, numbers: StepNumbers, **_options: Any
) -> _ResidentLoader:
    return _ResidentLoader(dataset, numbers)


@contextmanager
def _loading_by(loader: Callable[..., Any] | None) -> Iterator[None]:
    if loader is None:
        yield
        return
    with patch("examwise.training.data_module.step_loader", loader):
        yield


def _slices_a_step(task: dict[str, Any]) -> int:
    return int(task["exams_per_step"] * task["slices"])


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    """Do one task, given as JSON, turn by turn."""
    task = json.loads(sys.argv[1])
    prepare = None
    if task["forget"]:
        prepare = lambda: forget_files(Path(task["store"]))  # noqa: E731 - nothing to name
        prepare()
    turns = Turns(
        warm_up=task["warm_up"], steps=task["steps"], synchronize=_synchronize, prepare=prepare
    )
    if task["what"] == "encoder":
        encode_alone(task, turns)
    elif task["what"] == "published":
        torch.set_num_threads(task["threads"])
        steps = train_published(
            Path(task["files"]),
            is_weak=task["kind"] == "exam",
            width=task["width"],
            n_workers=task["workers"],
            device=_device(),
        )
        for _ in steps:
            turns.step_done()
    else:
        train_ours(task, turns, is_resident=task["what"] == "resident")


if __name__ == "__main__":
    main()
