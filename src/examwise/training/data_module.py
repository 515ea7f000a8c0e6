"""What a run trains on, as Lightning wants it."""

from __future__ import annotations

from functools import partial

import lightning.pytorch as lightning
from torch.utils.data import DataLoader

from examwise.data.bags import BagBatch
from examwise.data.loading import BagReader, SliceSubset
from examwise.data.sampling import LabelSampler
from examwise.data.step_loading import (
    HostTransform,
    StepDataset,
    StepNumbers,
    StepShares,
    step_loader,
)
from examwise.models.config import ModelConfig
from examwise.training.augmentations.choose import make_host_augmentation
from examwise.training.config import TrainingConfig


class StepData(lightning.LightningDataModule):
    """The batches of all steps that are still to be done.

    Args:
        reader: The labels to train on.
        config: Options of training.
        model: Whose window host augmentations work in.
    """

    def __init__(self, reader: BagReader, config: TrainingConfig, model: ModelConfig) -> None:
        super().__init__()
        self._reader = reader
        self._config = config
        self._model = model

    def train_dataloader(self) -> DataLoader[BagBatch]:
        """Return this process's share of the steps.

        Raises:
            InputError: If a step has fewer labels than there are shares.
        """
        config, trainer = self._config, self.trainer
        if trainer is None:
            raise TypeError("expected a Trainer to belong to, got none")
        targets = self._reader.targets
        per_step = config.labels_per_step(targets.kind)
        shares = StepShares(config.accumulate, trainer.world_size, trainer.global_rank)
        sampler = LabelSampler(
            targets.is_positive,
            labels_per_step=per_step,
            balanced=config.balanced,
            seed=config.seed,
        )
        shares.require(sampler.n_labels)
        subset = None
        if config.slice_subset_minimum and targets.kind != "slice":
            subset = SliceSubset(config.slice_subset_minimum, config.seed)
        dataset = StepDataset(
            self._reader,
            sampler,
            seed=config.seed,
            shares=shares,
            subset=subset,
            transform=self._host_transform(),
        )
        numbers = StepNumbers(
            lambda: trainer.global_step, steps=config.steps, accumulate=config.accumulate
        )
        return step_loader(
            dataset,
            numbers,
            n_workers=config.n_workers,
            pin_memory=trainer.strategy.root_device.type == "cuda",
        )

    def _host_transform(self) -> HostTransform | None:
        augmentation = make_host_augmentation(self._config.augmentation)
        if augmentation is None:
            return None
        return partial(
            augmentation,
            window_center_hu=self._model.window_center_hu,
            window_width_hu=self._model.window_width_hu,
        )
