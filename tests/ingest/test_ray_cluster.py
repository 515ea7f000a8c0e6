"""An import over two nodes, of which one is killed halfway."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from examwise.core.executors import make_cluster_executor, ray_cluster

N_EXAMS = 24
HALFWAY = 8

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed"
)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes of one processor each."""
    ray = ray_cluster.import_ray(ray_cluster.LOCAL)
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 << 20}
    nodes = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        yield nodes, nodes.add_node(**node)
    finally:
        ray.shutdown()
        nodes.shutdown()


def held_halfway(work: Any, lost: str, marker: Path, records: Path, item: Any) -> Any:
    """Do the work; halfway wait, on one node to be killed, elsewhere until that one waits."""
    import ray

    if len([*records.glob("*.json")]) >= HALFWAY and not marker.exists():
        if ray.get_runtime_context().get_node_id() == lost:
            marker.write_text(str(os.getpid()))
            time.sleep(600)
        patience = 600
        while not marker.exists() and patience:
            time.sleep(0.2)
            patience -= 1
    return work(item)


class Halfway:
    """Runs items on a cluster, and kills a node while it has one of them."""

    def __init__(self, executor: Any, node: Any, folder: Path, store: Path) -> None:
        self.n_workers = executor.n_workers
        self._executor, self._node = executor, node
        self.marker = folder / "marker"
        self._records = store / "commits" / "exams"

    def map(self, work: Any, items: Any) -> Iterator[Any]:
        places = self._node.node_id, self.marker, self._records
        return self._executor.map(partial(held_halfway, work, *places), items)

    def kill(self) -> None:
        while not (self.marker.exists() and (worker := self.marker.read_text())):
            time.sleep(0.05)
        raylet = self._node.all_processes["raylet"][0].process
        raylet.kill()
        raylet.wait()
        with contextlib.suppress(ProcessLookupError):  # it ends when it notices
            os.kill(int(worker), signal.SIGKILL)


def test_lost_node_changes_nothing(cluster, tmp_path: Path, write_rsna, run, tree, capfd) -> None:
    nodes, second = cluster
    source, store = tmp_path / "source", tmp_path / "store"
    write_rsna(source, N_EXAMS)
    whole = run("rsna", source, tmp_path / "whole")
    capfd.readouterr()
    executor = make_cluster_executor(nodes.address)
    try:
        assert executor.n_workers == 2
        halfway = Halfway(executor, second, tmp_path, store)
        threading.Thread(target=halfway.kill, daemon=True).start()
        assert run("rsna", source, store, executor=halfway) == whole
        assert halfway.marker.exists()
        assert capfd.readouterr() == ("", "")
    finally:
        executor.close()
    assert tree(store) == tree(tmp_path / "whole")
