from __future__ import annotations

import pytest

from examwise.core.errors import InputError
from examwise.data.splits import split_store
from examwise.studies.beginning import begin_study
from examwise.studies.config import ArmConfig, StudyConfig
from examwise.studies.prepared_study import prepare_study
from examwise.studies.run_study import run_study

CONFIG = StudyConfig(arms=(ArmConfig("weak", "exam", (10,)),), target_auc=0.8, repeats=1)


class StoppedError(Exception):
    """Stands for a study that is killed before its first run."""


class StoppingExecutor:
    n_workers = 1

    def map(self, function, items):
        raise StoppedError


class Listener:
    said = ()

    def say(self, text):
        self.said = (*self.said, text)

    def track(self, title, total):
        raise StoppedError


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("internal") / "s", n_exams=40, matrix=8)
    split_store(url, seed=0)
    return url


def begin(store, external, out, progress=None):
    stage = begin_study(out, CONFIG, source={})
    study = prepare_study(stage, CONFIG, stores=[store], external=external, progress=progress)
    run_study(study, executor=StoppingExecutor(), progress=progress)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": range(30, 45), "archive": "b"}, "expected patients that the run has not learned"),
        ({"only": range(40, 45), "archive": "test"}, r"one archive of another name .*\(test\)"),
        ({"only": range(40, 45), "archive": "b", "matrix": 16}, "expected a matrix of 8 × 8"),
        ({"only": (40, 41), "archive": "b"}, "expected exams with and without the finding 'any'"),
        ({"only": (40, 42), "archive": "b", "findings": ("bleed",)}, "of the finding any"),
    ],
)
def test_stores_without_a_fair_test_are_refused(store, make_store, tmp_path, options, message):
    other = make_store(tmp_path / "other", **{"n_exams": 45, "matrix": 8, **options})
    with pytest.raises(InputError, match=message):
        begin(store, [other], tmp_path / "study")
    assert not (tmp_path / "study" / "plan.json").exists()


def test_two_external_archives_of_one_name_are_refused(store, make_store, tmp_path):
    others = [
        make_store(tmp_path / name, n_exams=80, matrix=8, only=only, archive="b")
        for name, only in (("one", range(40, 45)), ("two", range(45, 50)))
    ]
    with pytest.raises(InputError, match="two, external: expected one archive of another name"):
        begin(store, others, tmp_path / "study")


def test_patients_of_another_key_cannot_be_told_apart_which_is_said(store, make_store, tmp_path):
    options = {"n_exams": 45, "matrix": 8, "only": range(40, 45), "archive": "b"}
    for key, n_said in ((None, 0), ("0123", 1)):
        configuration = {"key_id": key} if key else None
        other = make_store(tmp_path / f"of {key}", configuration=configuration, **options)
        progress = Listener()
        with pytest.raises(StoppedError):
            begin(store, [other], tmp_path / f"study of {key}", progress)
        assert len([text for text in progress.said if "another key" in text]) == n_said
