from __future__ import annotations

from dataclasses import replace

import pytest

from examwise.imaging.joined_stores import JoinedStores
from examwise.training.run_plan import plan_run
from examwise.training.trainer_config import TrainerConfig


def test_a_pipelines_file_counts_by_what_is_in_it(
    store, label_sets, small_model, short_training, tmp_path
):
    def plan(folder, text):
        file = tmp_path / folder / "pipeline.yaml"
        file.parent.mkdir()
        file.write_text(text)
        return plan_run(
            JoinedStores([store]),
            label_sets["weak"],
            learner="weak",
            model=small_model,
            training=replace(short_training, augmentation=f"torchio:{file}"),
        )

    one, moved, other = plan("DOE^JOHN", "a"), plan("elsewhere", "a"), plan("other", "b")
    assert one.configuration == moved.configuration == other.configuration
    assert "DOE" not in str(one.configuration)
    assert one.run_id == moved.run_id != other.run_id
    assert one.inputs["augmentation"] != other.inputs["augmentation"]


@pytest.mark.parametrize(("has_it", "settled"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_run_has_on_record_what_arithmetic_it_is(
    store, label_sets, small_model, short_training, monkeypatch, has_it, settled
):
    monkeypatch.setattr("examwise.training.devices.has_bfloat16", lambda device: has_it)
    plan = plan_run(
        JoinedStores([store]),
        label_sets["weak"],
        learner="weak",
        model=small_model,
        training=short_training,
        trainer=TrainerConfig(accelerator="cpu", precision="auto"),
    )
    assert plan.trainer.precision == settled
    assert plan.configuration["trainer"]["precision"] == settled
