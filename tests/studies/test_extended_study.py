"""A finished study goes on with more arms, budgets, repeats and archives."""

from dataclasses import replace

import polars as pl
import pytest

from examwise.core.commits import CommitLog
from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.schemas.study import RUNS
from examwise.core.storage import Storage
from examwise.data.splits import split_store
from examwise.models.config import ModelConfig
from examwise.studies.arm_config import ArmConfig
from examwise.studies.beginning import begin_study
from examwise.studies.claims_config import ClaimsConfig
from examwise.studies.config import StudyConfig
from examwise.studies.fine_tuning_config import FineTuningConfig
from examwise.studies.plan_file import read_plan
from examwise.studies.prepared_study import FIRST, FULL, prepare_study
from examwise.studies.run_study import run_study
from examwise.training.config import TrainingConfig
from examwise.training.trainer_config import TrainerConfig

SHORT = TrainingConfig(steps=1, exams_per_step=2, augmentation="none")


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("extended") / "internal", n_exams=40, matrix=16)
    split_store(url, fractions=(0.5, 0.2, 0.3), seed=0)
    return url


@pytest.fixture(scope="module")
def external(make_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    return make_store(folder / "s", n_exams=60, matrix=16, only=range(40, 60), archive="elsewhere")


CONFIG = StudyConfig(
    target_auc=0.7,
    arms=(ArmConfig("strong", "spread", (10, 20)), ArmConfig("weak", "exam", (6,))),
    repeats=1,
    model=ModelConfig(encoder="slim_resnet18", width=4, embedding=8),
    training=SHORT,
    trainer=TrainerConfig(accelerator="cpu"),
    claims=ClaimsConfig(margin=0.1),
)


def go_on(out, config, store, *, external=(), answer=None):
    stage = begin_study(out, config, source={"external": [str(n) for n, _ in enumerate(external)]})
    study = prepare_study(stage, config, stores=[store], external=external)
    return run_study(study, answer=answer, executor=make_executor(1))


def files_of(out):
    kept = ("runs/", "predictions/", "commits/runs/")
    storage = Storage(out)
    return {key: storage.read(key) for key in storage.list() if key.startswith(kept)}


def test_what_a_study_had_stays_as_it_is(store, external, tmp_path):
    out = tmp_path / "study"
    go_on(out, CONFIG, store)
    before = files_of(out)
    more = replace(
        CONFIG,
        arms=(
            ArmConfig("strong", "spread", (10, 15, 20)),
            ArmConfig("weak", "exam", (6,), repeats=2),
            ArmConfig("pooled", "exam", (6,)),
        ),
    )
    assert go_on(out, more, store).n_done_before == 3
    after = files_of(out)
    assert before.items() <= after.items()
    runs = RUNS.read(Storage(out))
    assert runs.height == 6
    assert read_plan(Storage(out)).rounds == [
        {"runs": 3, "external": 0},
        {"runs": 3, "external": 0},
    ]
    assert go_on(out, more, store, external=[external]).n_runs == 6
    assert before.items() <= files_of(out).items()
    assert len(list(out.glob("external/1/predictions/*/manifest.json"))) == 6
    assert read_plan(Storage(out)).rounds[-1] == {"runs": 0, "external": 1}
    # Asked once more, nothing is done.
    assert go_on(out, more, store, external=[external]).n_done_before == 6


def test_an_extended_study_has_the_runs_of_one_that_began_so(store, tmp_path):
    more = replace(CONFIG, repeats=2)
    go_on(tmp_path / "grown", CONFIG, store)
    go_on(tmp_path / "grown", more, store)
    go_on(tmp_path / "whole", more, store)
    grown, whole = (
        {key: data for key, data in files_of(tmp_path / name).items() if "provenance" not in key}
        for name in ("grown", "whole")
    )
    assert grown == whole


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arms": CONFIG.arms[:1], "claims": None}, "to go on with configuration.study.claims"),
        (
            {"arms": (ArmConfig("strong", "spread", (10,)), CONFIG.arms[1])},
            r"1 missing or others, strong-spread-m000020-r00|the protocol that was frozen",
        ),
        ({"target_auc": 0.8}, "to go on with configuration.study.target_auc = 0.7, got 0.8"),
        ({"claims": ClaimsConfig(margin=0.2)}, "configuration.study.claims.margin"),
    ],
)
def test_nothing_is_taken_back(store, tmp_path, change, message):
    out = tmp_path / "study"
    go_on(out, CONFIG, store)
    before = files_of(out)
    with pytest.raises(InputError, match=message):
        go_on(out, replace(CONFIG, **change), store)
    assert files_of(out) == before
    # The study as it was can still be gone on with.
    assert go_on(out, CONFIG, store).n_done_before == 3


def test_the_first_answer_comes_before_the_full_one(store, tmp_path):
    out = tmp_path / "study"
    weights = str(_encoder(store, tmp_path))
    config = replace(
        CONFIG,
        model=ModelConfig(
            encoder="slim_resnet18", width=4, embedding=8, weights=weights, frozen=("all",)
        ),
        fine_tuning=FineTuningConfig(training=SHORT, budgets="every"),
    )
    assert go_on(out, config, store, answer=FIRST).n_runs == 3
    assert Storage(out).exists("manifest.json")
    assert go_on(out, config, store, answer=FULL).n_runs == 6
    runs = RUNS.read(Storage(out))
    assert runs.filter(pl.col("mode") == "fine_tuned")["budget"].sort().to_list() == [6, 10, 20]
    assert len(CommitLog(Storage(out)).items()) == 6
    other = replace(config, fine_tuning=FineTuningConfig(training=replace(SHORT, steps=2)))
    with pytest.raises(InputError, match=r"study\.fine_tuning as it was when the study began"):
        go_on(out, other, store)


def _encoder(store, folder):
    from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
    from examwise.training.pretraining.pretrain import pretrain

    short = PretrainingConfig(steps=2, slices_per_step=4, precision="32-true", accelerator="cpu")
    encoder = EncoderConfig(width=4, extra_windows=())
    pretrain(stores=[store], encoder=encoder, pretraining=short, out=str(folder / "encoder"))
    return folder / "encoder"
