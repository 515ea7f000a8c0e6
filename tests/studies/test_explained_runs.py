from __future__ import annotations

import pytest

from examwise.core.executors import make_executor
from examwise.core.manifest import MANIFEST
from examwise.core.storage import Storage
from examwise.data.splits import split_store
from examwise.studies.config import ArmConfig, StudyConfig
from examwise.studies.explain_config import ExplainConfig
from examwise.studies.explained_runs import explain_runs

RUNS = ("strong-1", "weak-1")


@pytest.fixture(scope="module")
def stores(make_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    inside = make_store(folder / "in", n_exams=40, matrix=8)
    split_store(inside, seed=0)
    return inside, make_store(folder / "out", n_exams=6, matrix=8, archive="other", seed=1)


@pytest.fixture
def explained(monkeypatch):
    """What was asked of a stand-in that leaves finished directories without a model."""
    calls = []

    def explain(run, store, out, **options):
        calls.append((run, store, out, options))
        Storage(out).write(MANIFEST, b"{}")

    monkeypatch.setattr("examwise.explain.explain.explain_store", explain)
    return calls


def config(explain):
    arms = (ArmConfig("weak", "exam", (10,)),)
    return StudyConfig(arms=arms, target_auc=0.8, repeats=1, seed=7, explain=explain)


def run(study, stores, explain):
    inside, outside = stores
    return explain_runs(
        str(study),
        config(explain),
        RUNS,
        stores=[inside],
        external=[outside],
        executor=make_executor(1),
    )


def test_nothing_is_explained_unless_it_is_asked_for(tmp_path, stores, explained):
    assert run(tmp_path / "s", stores, None) == 0
    assert explained == []


def test_each_run_archive_and_method_has_a_directory(tmp_path, stores, explained):
    chosen = ExplainConfig(("hshap_bag",), options={"hshap_bag": {"min_size": 2}})
    assert run(tmp_path / "s", stores, chosen) == 4
    places = [
        f"{tmp_path}/s/explanations/{name}/{number}/hshap_bag" for name in RUNS for number in (0, 1)
    ]
    assert [out for _, _, out, _ in explained] == places
    assert [name for name, *_ in explained] == [
        f"{tmp_path}/s/runs/{r}" for r in RUNS for _ in "ab"
    ]
    assert [options["split"] for *_, options in explained] == ["test", None] * 2
    for *_, options in explained:
        assert (options["seed"], options["finding"]) == (7, "any")
        assert options["options"] == {"min_size": 2}
        assert options["max_slices"] is None
        assert not options["randomise"]


def test_what_is_finished_stays_as_it_is(tmp_path, stores, explained):
    chosen = ExplainConfig(("hshap_bag",))
    assert run(tmp_path / "s", stores, chosen) == 4
    (tmp_path / "s/explanations/weak-1/1/hshap_bag" / MANIFEST).unlink()
    assert run(tmp_path / "s", stores, chosen) == 4
    assert len(explained) == 5
    assert explained[-1][2].endswith("weak-1/1/hshap_bag")


def test_archives_without_boxes_or_masks_have_no_maps(tmp_path, stores, explained):
    assert run(tmp_path / "s", stores, ExplainConfig(("gradcam", "hshap_bag"))) == 4
    assert {options["method"] for *_, options in explained} == {"hshap_bag"}
