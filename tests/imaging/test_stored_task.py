from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from examwise.core.errors import SchemaError
from examwise.core.task import SeriesRule, Task, default_task
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_task import stored_task

FRACTURE = Task("head_fracture", ("fracture",), 500, 2500, series=SeriesRule(kernel="bone"))


@pytest.fixture(scope="module")
def manifest(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("task") / "s", n_exams=1, matrix=8)
    return StoredExams(url).manifest


def test_a_task_comes_back_from_a_store(make_store, tmp_path):
    task = {"task": asdict(FRACTURE)}
    url = make_store(tmp_path / "s", n_exams=1, matrix=8, configuration=task)
    assert stored_task(StoredExams(url).manifest) == FRACTURE


def test_a_store_without_a_task_is_of_the_default_one(manifest):
    assert stored_task(manifest) == default_task()


@pytest.mark.parametrize("found", ["head", {"name": "x"}, {**asdict(FRACTURE), "more": 1}])
def test_what_is_no_task_is_refused(manifest, found):
    with pytest.raises(SchemaError, match=r"configuration\.task: expected a task"):
        stored_task(replace(manifest, configuration={"task": found}))
