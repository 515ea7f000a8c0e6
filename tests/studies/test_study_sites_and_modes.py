"""A small study with everything: two slice arms, fine-tuning, scores without labels, two sites."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace

import polars as pl
import pytest
from safetensors.numpy import load_file

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.schemas.predictions import PREDICTED_EXAMS
from examwise.core.schemas.run import LABEL_SET
from examwise.core.schemas.study import RUNS
from examwise.core.storage import Storage
from examwise.data.splits import read_splits, split_store
from examwise.models.config import ModelConfig
from examwise.studies import one_run
from examwise.studies.beginning import begin_study
from examwise.studies.config import ArmConfig, ReaderCosts, StudyConfig
from examwise.studies.fine_tuning_config import FineTuningConfig
from examwise.studies.prepared_study import prepare_study
from examwise.studies.run_study import run_study
from examwise.training.config import TrainingConfig
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
from examwise.training.pretraining.pretrain import pretrain
from examwise.training.trainer_config import TrainerConfig

ENCODER = EncoderConfig(width=4, extra_windows=())


class Listener:
    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)

    @contextmanager
    def track(self, title, total):
        del title, total
        yield lambda: None


class Stopped(Exception):  # noqa: N818 - stands for a signal, which is no error
    """Stands for a study that is killed."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sites")


@pytest.fixture(scope="module")
def store(make_store, folder):
    url = make_store(folder / "internal", n_exams=60, matrix=32)
    split_store(url, fractions=(0.5, 0.2, 0.3), seed=0)
    return url


@pytest.fixture(scope="module")
def external(make_store, folder):
    options = {"n_exams": 90, "matrix": 32}
    whole = make_store(folder / "whole", only=range(60, 66), archive="elsewhere", **options)
    parted = make_store(folder / "parted", only=range(66, 90), archive="abroad", **options)
    split_store(parted, fractions=(0.25, 0.25, 0.5), seed=0)
    return [whole, parted]


@pytest.fixture(scope="module")
def config(store, folder):
    out = str(folder / "encoder")
    short = PretrainingConfig(steps=2, slices_per_step=4, precision="32-true", accelerator="cpu")
    pretrain(stores=[store], encoder=ENCODER, pretraining=short, out=out)
    steps = TrainingConfig(steps=2, exams_per_step=4, augmentation="none")
    return StudyConfig(
        arms=(
            ArmConfig("strong", "spread", (20, "all"), repeats=1),
            ArmConfig("strong", "whole_exam", (40,)),
            ArmConfig("weak", "exam", (8, 500, "all")),
        ),
        target_auc=0.7,
        repeats=2,
        validation_from=20,
        costs=ReaderCosts(50, 5, 10),
        model=ModelConfig(
            encoder=ENCODER.encoder, width=4, embedding=8, weights=out, frozen=("all",)
        ),
        training=steps,
        trainer=TrainerConfig(accelerator="cpu"),
        label_free=("pretext", "mean_hu"),
        fine_tuning=FineTuningConfig(training=replace(steps, learning_rate=1e-2)),
    )


def go_on(out, config, store, external, progress=None):
    stage = begin_study(out, config, source={})
    study = prepare_study(stage, config, stores=[store], external=external, progress=progress)
    return run_study(study, executor=make_executor(1), progress=progress)


@pytest.fixture(scope="module")
def progress():
    return Listener()


@pytest.fixture(scope="module")
def study(folder, config, store, external, progress):
    out = folder / "study"
    go_on(out, config, store, external, progress)
    return out


@pytest.fixture(scope="module")
def runs(study):
    return RUNS.read(Storage(study))


def test_every_arm_and_mode_has_its_rows(runs):
    def budgets(**wanted):
        return sorted(runs.filter(**wanted)["budget"].to_list())

    (most_slices,) = set(budgets(learner="strong", acquisition="spread")) - {20}
    (most_exams,) = set(budgets(learner="weak")) - {8}
    assert most_slices > 100
    assert budgets(learner="strong", acquisition="whole_exam") == [40, 40]
    assert budgets(learner="weak", mode="budgeted") == [8, 8, most_exams, most_exams]
    assert budgets(mode="fine_tuned") == [most_exams, most_slices]
    none = runs.filter(mode="label_free").sort("learner")
    assert none["run_id"].to_list() == ["mean_hu-m000000", "pretext-m000000"]
    counts = none.select(
        "budget", "repeat", "seed", "n_exams_opened", "reader_actions", "reader_hours", "steps"
    )
    assert set(counts.row(0)) == set(counts.row(1)) == {0}
    assert none["label_kind"].to_list() == none["acquisition"].to_list() == ["none", "none"]


def test_all_is_all_that_can_be_bought(runs, store):
    parts = read_splits(store)["split"].value_counts()
    n_exams = dict(parts.iter_rows())
    row = runs.filter(learner="weak", mode="fine_tuned").row(0, named=True)
    budget = row["budget"]
    assert row["n_training_labels"] + row["n_validation_labels"] == budget
    assert row["n_validation_labels"] == round(0.2 * budget)
    assert budget + 1 - round(0.2 * (budget + 1)) > n_exams["train"]


def test_budgets_that_are_left_out_are_said_and_on_record(study, runs, progress):
    most = runs.filter(learner="weak")["budget"].max()
    said = f"weak, drawn by exam: {most} labels are all there are; 500 left out"
    assert progress.said[0] == said
    plan = json.loads((study / "plan.json").read_text())
    assert plan["arms"][2] == {
        "learner": "weak",
        "acquisition": "exam",
        "budgets": [8, most],
        "repeats": None,
        "left_out": [500],
    }
    assert len(plan["external"]) == 2
    assert plan["external"][0]["splits"] is None
    assert plan["external"][1]["splits"]


def test_a_fine_tuned_run_has_the_same_labels_and_another_encoder(study, runs, config):
    first = load_file(f"{config.model.weights}/encoder.safetensors")
    for name in runs.filter(mode="fine_tuned")["run_id"]:
        frozen, tuned = study / "runs" / name.removesuffix("-fine-tuned"), study / "runs" / name
        labels = [LABEL_SET.read(Storage(run)) for run in (frozen, tuned)]
        assert labels[0].equals(labels[1])
        for run, is_same in ((frozen, True), (tuned, False)):
            tensors = load_file(run / "model.safetensors")
            shared = [name for name in first if f"encoder.{name}" in tensors]
            assert len(shared) > 10
            same = [bool((tensors[f"encoder.{name}"] == first[name]).all()) for name in shared]
            assert all(same) if is_same else not any(same)


def test_every_run_predicts_every_site(study, runs, store, external):
    def exams(folder, name):
        return PREDICTED_EXAMS.read(Storage(study / folder / name))

    tests = [
        read_splits(url).filter(pl.col("split") == "test")["exam_id"].sort().to_list()
        for url in (store, external[1])
    ]
    for name in runs["run_id"]:
        inside = exams("predictions", name)
        assert inside["exam_id"].to_list() == tests[0]
        whole = exams("external/1/predictions", name)
        assert whole["exam_id"].to_list() == [f"e{n:04d}" for n in range(60, 66)]
        assert whole["split"].unique().to_list() == ["unseen"]
        assert whole["archive"].unique().to_list() == ["elsewhere"]
        assert exams("external/2/predictions", name)["exam_id"].to_list() == tests[1]
        assert whole["run_id"].unique().to_list() == inside["run_id"].unique().to_list() == [name]


def test_a_finished_study_is_only_read(study, config, store, external, runs, tmp_path):
    summary = go_on(study, config, store, external)
    assert (summary.n_runs, summary.n_done_before) == (runs.height, runs.height)
    with pytest.raises(InputError, match=r"expected the 2 external stores .* got 1"):
        go_on(study, config, store, external[:1])
    for lost in ("external/2/predictions/mean_hu-m000000", "predictions/pretext-m000000"):
        copy = tmp_path / "copy"
        shutil.copytree(study, copy)
        shutil.rmtree(copy / lost)
        with pytest.raises(InputError, match=f"1 missing, {lost} among them"):
            go_on(copy, config, store, external)
        shutil.rmtree(copy)


@pytest.mark.parametrize(
    ("place", "n_before"), [("train_run", 3), ("predict_store", 4), ("predict_label_free", 1)]
)
def test_an_interrupted_study_goes_on_to_the_same_runs(
    study, config, store, external, place, n_before, tmp_path, monkeypatch
):
    whole = getattr(one_run, place)
    left = [n_before]

    def stop(*arguments, **options):
        if not left[0]:
            raise Stopped
        left[0] -= 1
        return whole(*arguments, **options)

    out = tmp_path / "study"
    out.mkdir()
    # Features are the same whoever computes them.
    shutil.copytree(study / "features", out / "elsewhere")
    (out / "elsewhere").rename(tmp_path / "features")
    out.rmdir()
    begin_study(out, config, source={})
    (tmp_path / "features").rename(out / "features")
    with monkeypatch.context() as context:
        context.setattr(one_run, place, stop)
        with pytest.raises(Stopped):
            go_on(out, config, store, external)
    assert not (out / "runs.parquet").exists()
    go_on(out, config, store, external)
    for name in ("runs.parquet", "plan.json"):
        assert (out / name).read_bytes() == (study / name).read_bytes()
    for made in study.glob("**/predictions/*/exams.parquet"):
        assert (out / made.relative_to(study)).read_bytes() == made.read_bytes()


def test_other_external_stores_are_not_gone_on_with(config, store, external, tmp_path, monkeypatch):
    def stop(*arguments, **options):
        raise Stopped

    out = tmp_path / "study"
    monkeypatch.setattr(one_run, "train_run", stop)
    with pytest.raises(Stopped):
        go_on(out, config, store, external)
    with pytest.raises(InputError, match="expected the 2 external stores with which the study"):
        go_on(out, config, store, external[:1])


def test_what_a_run_would_refuse_is_refused_while_the_study_can_be_corrected(
    config, store, external, make_store, tmp_path, monkeypatch
):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    again = make_store(tmp_path / "again", n_exams=60, matrix=32)
    split_store(again, fractions=(0.8, 0.1, 0.1), seed=1)
    known = str(tmp_path / "encoder")
    short = PretrainingConfig(steps=2, slices_per_step=4, precision="32-true", accelerator="cpu")
    pretrain(stores=[again], encoder=ENCODER, pretraining=short, out=known)
    tuning = config.fine_tuning
    refused = {
        "weights that have not learned from test patients": replace(
            config, model=replace(config.model, weights=known)
        ),
        "frozen": replace(config, fine_tuning=replace(tuning, frozen=("layer9",))),
        "only where PyTorch finds one": replace(
            config, fine_tuning=replace(tuning, trainer=TrainerConfig(accelerator="mps"))
        ),
    }
    for part, wrong in refused.items():
        with pytest.raises(InputError, match=part):
            go_on(tmp_path / "study", wrong, store, external)
        assert not (tmp_path / "study" / "plan.json").exists()
        assert not (tmp_path / "study" / "features").exists()


def test_how_fine_tuning_changes_images_is_on_record_without_its_place(config, tmp_path):
    file = tmp_path / "DOE^JOHN.yaml"
    file.write_text("a")
    training = replace(config.training, augmentation=f"torchio:{file}")
    tuned = replace(config, fine_tuning=FineTuningConfig(training=training))
    begun = begin_study(tmp_path / "study", tuned, source={}).storage.read("stage.json")
    assert b"DOE" not in begun
    file.write_text("b")
    other = begin_study(tmp_path / "other", tuned, source={}).storage.read("stage.json")
    assert begun != other
