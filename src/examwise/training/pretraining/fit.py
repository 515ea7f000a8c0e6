"""The loop of self-supervision, which goes on from any of its steps."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from examwise.core.errors import InputError, IntegrityError
from examwise.core.randomness import derive_seed
from examwise.core.schemas.encoder import CHECKPOINT
from examwise.core.storage import Storage
from examwise.data.slice_cache import SliceCache
from examwise.training.devices import (
    arithmetic,
    choose_device,
    fastest_layout,
    resolve_precision,
)
from examwise.training.optimizer_config import OptimizerConfig
from examwise.training.optimizers import make_optimizer
from examwise.training.pretraining.build import make_network, make_pretext
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
from examwise.training.pretraining.network import PretextNetwork
from examwise.training.pretraining.slices import UnlabelledSlices
from examwise.training.pretraining.steps import PretextSteps, batches


@dataclass(frozen=True)
class Pretrained:
    """A network that has been through all steps.

    Attributes:
        network: On the CPU, in evaluation mode.
        rows: Rows of :data:`~examwise.core.schemas.encoder.PRETEXT_METRICS`.
        precision: Of the arithmetic that it was trained in.
    """

    network: PretextNetwork
    rows: list[dict[str, Any]]
    precision: str


def fit(
    slices: UnlabelledSlices,
    encoder: EncoderConfig,
    config: PretrainingConfig,
    *,
    storage: Storage,
    advance: Callable[[], None],
) -> Pretrained:
    """Train encoder and head on the pretext, going on from the checkpoint if there is one.

    On the CPU an interrupted loop ends in the same bytes as one that was not: a step depends on
    the weights before it and on seed and number alone.

    Args:
        slices: What to learn from.
        encoder: What to train.
        config: How.
        storage: Where checkpoints go.
        advance: Called once for each step.

    Raises:
        InputError: If encoder and pretext do not suit each other, or the loss is not finite.
        IntegrityError: If stored pixels or the checkpoint are damaged.
    """
    device = choose_device(config.accelerator)
    pretext = make_pretext(config.pretext, config.pretext_options)
    network = make_network(encoder, pretext, seed=derive_seed(config.seed, "pretraining weights"))
    network.to(device).train()
    precision = resolve_precision(config.precision, device)
    loop = _Loop(network, config, storage, precision=precision)
    loop.resume()
    network.lay_out(fastest_layout(loop.precision, device))
    for _ in range(loop.step):
        advance()
    steps = PretextSteps(
        SliceCache(slices.stored, limit_bytes=config.cache_mb * 1_000_000),
        slices.frame,
        pretext,
        per_step=config.slices_per_step,
        seed=config.seed,
    )
    loader = batches(
        steps,
        range(loop.step, config.steps),
        n_workers=config.n_workers,
        pin_memory=device.type == "cuda",
    )
    for batch in loader:
        moved = batch.to(device)
        with _seeded(device, config.seed, loop.step), arithmetic(loop.precision, device):
            result = pretext.evaluate(network, moved.pixels_hu, moved.drawn)
        loop.take(result.loss, result.score)
        advance()
    return Pretrained(network.cpu().eval(), loop.rows, loop.precision)


@contextmanager
def _seeded(device: torch.device, seed: int, step: int) -> Iterator[None]:
    """Draw from a stream of the step where an encoder draws by itself, as for dropout."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(derive_seed(seed, "pretraining dropout", step))
        yield


class _Loop:
    """Optimiser, schedule and what is kept of them."""

    def __init__(
        self,
        network: PretextNetwork,
        config: PretrainingConfig,
        storage: Storage,
        *,
        precision: str,
    ) -> None:
        self.step = 0
        self.precision = precision
        self.rows: list[dict[str, Any]] = []
        self._network = network
        self._config = config
        self._storage = storage
        self._losses: list[Tensor] = []
        self._scores: list[Tensor] = []
        self._optimizer = make_optimizer(
            network,
            OptimizerConfig("adamw"),
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, config.learning_rate, total_steps=config.steps
        )

    def take(self, loss: Tensor, score: Tensor) -> None:
        """Take one step down the loss; where it is due, keep everything."""
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        learning_rate = self._schedule.get_last_lr()[0]
        self._optimizer.step()
        self._schedule.step()
        self.step += 1
        self._losses.append(loss.detach())
        self._scores.append(score)
        if self.step % self._config.keep_every and self.step != self._config.steps:
            return
        mean = float(torch.stack(self._losses).mean())
        if not math.isfinite(mean):
            raise InputError(
                where=f"pretraining, step {self.step}",
                expected="a finite loss",
                got=mean,
                remedy="lower the learning rate, and pretrain into another directory",
            )
        solved = float(torch.stack(self._scores).nanmean())
        self.rows.append(
            {
                "step": self.step,
                "loss": mean,
                "score": None if math.isnan(solved) else solved,
                "learning_rate": learning_rate,
            }
        )
        self._losses.clear()
        self._scores.clear()
        self._keep()

    def _keep(self) -> None:
        buffer = io.BytesIO()
        torch.save(
            {
                "step": self.step,
                "rows": self.rows,
                # Another machine may resolve it otherwise, and is to go on in the same.
                "precision": self.precision,
                "network": self._network.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "schedule": self._schedule.state_dict(),
            },
            buffer,
        )
        self._storage.write(CHECKPOINT, buffer.getvalue())

    def resume(self) -> None:
        """Go back to the checkpoint, if there is one.

        Raises:
            IntegrityError: If it is damaged.
        """
        if not self._storage.exists(CHECKPOINT):
            return
        try:
            kept = torch.load(
                io.BytesIO(self._storage.read(CHECKPOINT)), map_location="cpu", weights_only=True
            )
            self._network.load_state_dict(kept["network"])
            self._optimizer.load_state_dict(kept["optimizer"])
            self._schedule.load_state_dict(kept["schedule"])
            self.step, self.rows = kept["step"], kept["rows"]
            self.precision = kept["precision"]
        except Exception as error:
            # torch.load names no exceptions of its own: a damaged archive may raise almost any.
            raise IntegrityError(
                where=f"{self._storage.url}/{CHECKPOINT}",
                expected="a checkpoint of this pretraining",
                got=type(error).__name__,
                remedy="delete the file; pretraining then begins anew",
            ) from error
