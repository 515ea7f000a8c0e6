from dataclasses import replace

import pytest

from examwise.core.analysis_protocol import PROTOCOL, AnalysisProtocol
from examwise.core.errors import InputError, IntegrityError
from examwise.core.manifest import read_manifest
from examwise.data.splits import split_store
from examwise.studies.beginning import begin_study
from examwise.studies.config import ArmConfig, StudyConfig
from examwise.studies.frozen_protocol import protocol_outputs, require_frozen_protocol
from examwise.studies.non_inferiority_config import NonInferiorityConfig
from examwise.studies.plan_file import PLAN
from examwise.studies.prepared_study import prepare_study
from examwise.studies.run_study import run_study

ARMS = (ArmConfig("weak", "exam", (4, "all")), ArmConfig("strong", "spread", (10,)))
CONFIG = StudyConfig(
    arms=ARMS, target_auc=0.8, repeats=1, seed=5, non_inferiority=NonInferiorityConfig(margin=0.04)
)


class StoppedError(Exception):
    """Stands for a study that is killed before its first run."""


class StoppingExecutor:
    """Starts nothing, and sees what is on record by then."""

    def map(self, function, items):
        raise StoppedError


@pytest.fixture
def store(make_store, tmp_path):
    url = make_store(tmp_path / "store", n_exams=40, matrix=8)
    split_store(url, seed=0)
    return url


def begin_runs(out, store, config=CONFIG):
    stage = begin_study(out, config, source={})
    with pytest.raises(StoppedError):
        run_study(prepare_study(stage, config, stores=[store]), executor=StoppingExecutor())
    return stage


def test_the_protocol_is_on_record_before_the_first_run(tmp_path, store):
    stage = begin_runs(tmp_path / "study", store)
    found = AnalysisProtocol.read(stage.storage)
    assert found.margin == 0.04
    assert (found.new_learner, found.reference_learner) == ("weak", "strong")
    assert found.archives == (found.primary_archive,)
    assert (found.target_auc, found.seeds, found.alpha) == (0.8, {"study": 5}, 0.025)
    # Budgets are numbers, whatever they were in the study file.
    assert all(isinstance(n, int) for numbers in found.budgets.values() for n in numbers)
    assert set(found.budgets) == {"weak, drawn by exam", "strong, drawn by spread"}


def test_it_cannot_be_changed_once_runs_are_planned(tmp_path, store):
    stage = begin_runs(tmp_path / "study", store)
    begin_runs(tmp_path / "study", store)
    stage.storage.write(PROTOCOL, stage.storage.read(PROTOCOL).replace(b"0.04", b"0.4"))
    with pytest.raises(
        IntegrityError, match=r"protocol\.json: expected .* was frozen, got another"
    ):
        run_study(prepare_study(stage, CONFIG, stores=[store]), executor=StoppingExecutor())
    other = replace(CONFIG, non_inferiority=NonInferiorityConfig(margin=0.1))
    with pytest.raises(InputError, match="margin"):
        begin_study(tmp_path / "study", other, source={})


def test_a_margin_cannot_be_added_once_runs_are_planned(tmp_path, store):
    without = replace(CONFIG, non_inferiority=None)
    stage = begin_runs(tmp_path / "study", store, without)
    assert not stage.storage.exists(PROTOCOL)
    with pytest.raises(InputError, match="non_inferiority"):
        begin_study(tmp_path / "study", CONFIG, source={})


def test_until_then_it_may_be_corrected(tmp_path, store):
    stage = begin_runs(tmp_path / "study", store)
    stage.storage.delete(PLAN)
    other = replace(CONFIG, non_inferiority=NonInferiorityConfig(margin=0.1))
    begin_runs(tmp_path / "study", store, other)
    assert AnalysisProtocol.read(stage.storage).margin == 0.1


def test_a_finished_studys_manifest_vouches_for_it(tmp_path, store):
    stage = begin_runs(tmp_path / "study", store)
    stage.finish(outputs=protocol_outputs(CONFIG))
    assert list(read_manifest(tmp_path / "study", kind="study").outputs) == [PROTOCOL]
    require_frozen_protocol(stage.storage, CONFIG)
    stage.storage.write(PROTOCOL, b"{}")
    with pytest.raises(IntegrityError, match="the file once written"):
        run_study(prepare_study(stage, CONFIG, stores=[store]), executor=StoppingExecutor())


def test_both_learners_are_needed():
    with pytest.raises(InputError, match="both learners, strong and weak, got none of strong"):
        replace(CONFIG, arms=ARMS[:1])


@pytest.mark.parametrize("margin", [0.0, 0.5, -0.03, float("nan")])
def test_margins_that_are_none_are_refused(margin):
    with pytest.raises(InputError, match=r"study\.non_inferiority\.margin"):
        NonInferiorityConfig(margin=margin)


def test_the_margin_has_no_default():
    with pytest.raises(TypeError):
        NonInferiorityConfig()
