"""A study over two nodes of a cluster, of which one loses a process in mid-run."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from examwise.core.executors import make_cluster_executor, make_executor, ray_cluster
from examwise.core.executors.protocol import on_devices
from examwise.data.splits import split_store
from examwise.models.config import ModelConfig
from examwise.studies.arm_config import ArmConfig
from examwise.studies.beginning import begin_study
from examwise.studies.config import StudyConfig
from examwise.studies.prepared_study import prepare_study
from examwise.studies.run_study import run_study
from examwise.training.config import TrainingConfig
from examwise.training.trainer_config import TrainerConfig

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed"
)

CONFIG = StudyConfig(
    arms=(ArmConfig("strong", "spread", (20,)), ArmConfig("weak", "exam", (12,))),
    target_auc=0.7,
    repeats=1,
    model=ModelConfig(encoder="resnet10", width=4, embedding=8),
    training=TrainingConfig(
        steps=24, validate_every=2, exams_per_step=2, slices_per_step=4, augmentation="none"
    ),
    trainer=TrainerConfig(accelerator="cpu"),
    label_free=("mean_hu",),
)
N_RUNS = 3


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of one processor each, of which one says that it has two GPUs."""
    ray = ray_cluster.import_ray(ray_cluster.LOCAL)
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 << 20}
    nodes = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        nodes.add_node(**node, num_gpus=2)
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("study") / "s", n_exams=60, matrix=32)
    split_store(url, fractions=(0.5, 0.2, 0.3), seed=0)
    return url


def study(out, store, executor):
    stage = begin_study(out, CONFIG, source={})
    return run_study(prepare_study(stage, CONFIG, stores=[store]), executor=executor)


def tree(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


def noted(item: Any, *, work: Any, notes: Path) -> Any:
    """Do a run, and note who begins and who ends it."""
    name = item[0].run_id
    (notes / f"begun.{name}.{os.getpid()}").touch()
    done = work(item)
    (notes / f"ended.{name}.{os.getpid()}").touch()
    return done


class Noted:
    """Runs items elsewhere, and notes what becomes of them."""

    def __init__(self, executor: Any, notes: Path) -> None:
        self.n_workers = executor.n_workers
        self._executor, self._notes = executor, notes

    def map(self, work: Any, items: Any) -> Iterator[Any]:
        return self._executor.map(partial(noted, work=work, notes=self._notes), items)


def kill_in_mid_run(out: Path, notes: Path, killed: list[str]) -> None:
    """Kill the first process that has written a checkpoint and is still at its run."""
    end = time.monotonic() + 120
    while not killed and time.monotonic() < end:
        for checkpoint in out.glob("runs/*/checkpoints/last.ckpt"):
            name = checkpoint.parts[-3]
            for note in notes.glob(f"begun.{name}.*"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(note.suffix[1:]), signal.SIGKILL)
                    killed.append(name)
                return
        time.sleep(0.002)


def test_a_process_lost_in_mid_run_changes_nothing_and_nothing_is_done_twice(
    cluster, store, tmp_path, capfd
):
    notes, killed = tmp_path / "notes", []
    notes.mkdir()
    study(tmp_path / "serial", store, make_executor(1))
    executor = make_cluster_executor(cluster.address)
    capfd.readouterr()
    try:
        assert executor.n_workers == 2
        killer = threading.Thread(
            target=kill_in_mid_run, args=(tmp_path / "ray", notes, killed), daemon=True
        )
        killer.start()
        summary = study(tmp_path / "ray", store, Noted(executor, notes))
        killer.join()
    finally:
        executor.close()
    assert capfd.readouterr() == ("", "")
    assert summary.n_runs == N_RUNS
    (lost,) = killed
    begun, ended = (
        Counter(note.name.split(".")[1] for note in notes.glob(f"{what}.*"))
        for what in ("begun", "ended")
    )
    assert set(ended.values()) == {1}
    assert begun == ended + Counter([lost])
    assert len(ended) == N_RUNS
    assert tree(tmp_path / "ray") == tree(tmp_path / "serial")


def devices_of(number: int) -> tuple[int, str | None]:
    return number, os.environ.get("CUDA_VISIBLE_DEVICES")


def test_gpus_of_a_cluster_are_dealt_out_to_what_wants_them(cluster):
    executor = make_cluster_executor(cluster.address, runs_per_device=2)
    try:
        assert {seen for _, seen in executor.map(devices_of, range(4))} == {""}
        sharing = on_devices(executor)
        assert sharing.n_workers == 4
        told = list(sharing.map(devices_of, range(4)))
        assert sorted(number for number, _ in told) == [0, 1, 2, 3]
        assert {seen for _, seen in told} <= {"0", "1"}
        assert {seen for _, seen in executor.map(devices_of, range(4))} == {""}
    finally:
        executor.close()
