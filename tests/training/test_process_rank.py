from __future__ import annotations

import pytest

from examwise.training.process_rank import process_rank
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig

VARIABLES = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID", "SLURM_JOB_NAME")


@pytest.mark.parametrize(
    ("environment", "leads"),
    [
        ({}, True),
        ({"RANK": "0", "LOCAL_RANK": "0"}, True),
        ({"RANK": "4", "LOCAL_RANK": "0"}, False),
        ({"LOCAL_RANK": "1"}, False),
        ({"NODE_RANK": "0"}, True),
        ({"NODE_RANK": "1"}, False),
        ({"NODE_RANK": "1", "LOCAL_RANK": "0"}, False),
        ({"SLURM_PROCID": "3"}, False),
        ({"SLURM_PROCID": "3", "SLURM_JOB_NAME": "interactive"}, True),
    ],
    ids=str,
)
def test_one_process_leads(monkeypatch, environment, leads):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (process_rank() == 0) is leads


def test_no_process_waits_for_a_run_that_is_finished(
    store, label_sets, small_model, short_training, tmp_path, monkeypatch
):
    def run():
        return train_run(
            stores=[store],
            label_set=label_sets["weak"],
            learner="weak",
            model=small_model,
            training=short_training,
            trainer=TrainerConfig(accelerator="cpu"),
            out=str(tmp_path / "run"),
        )

    finished = run()
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr("examwise.training.train._train", lambda *_arguments: pytest.fail("waits"))
    assert run() == finished
