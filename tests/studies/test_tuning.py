from __future__ import annotations

import json
from dataclasses import asdict, replace

import polars as pl
import pytest

from examwise.core.errors import InputError, IntegrityError
from examwise.core.schemas.run import METRICS
from examwise.core.schemas.tuning import TRIALS
from examwise.core.storage import Storage
from examwise.data.splits import read_splits, split_store
from examwise.models.config import ModelConfig
from examwise.prediction.predict import predict_store
from examwise.studies.tuning import tune as tuning
from examwise.studies.tuning.config import TuningConfig
from examwise.studies.tuning.records import TrialRecords
from examwise.studies.tuning.side_by_side import run_side_by_side
from examwise.studies.tuning.space import make_space
from examwise.studies.tuning.suggestions import KnownTrial
from examwise.studies.tuning.trial_training import TrialTraining
from examwise.studies.tuning.trial_watch import StoppedError, TrialWatch
from examwise.training.config import TrainingConfig
from examwise.training.tracking_config import TrackingConfig
from examwise.training.trainer_config import TrainerConfig

pytest.importorskip("optuna")

TRAINING = TrialTraining(
    learner="weak",
    model=ModelConfig(encoder="resnet10", width=4, embedding=8, attention_hidden=4),
    training=TrainingConfig(steps=3, exams_per_step=4, validate_every=1, validation_minimum=4),
    trainer=TrainerConfig(accelerator="cpu"),
    tracking=TrackingConfig(trackers=("csv",)),
)
SPACE = make_space(
    {
        "training.learning_rate": {"log_uniform": [1e-5, 1e-2]},
        "model.pooling": {"choice": ["mean", "attention"]},
    }
)
CONFIG = TuningConfig(trials=2, seed=5)


class KilledError(BaseException):
    """Stands for a process that is killed."""


def one_by_one(work, next_trial, *, n_workers, on_gpu, advance):
    """Stands in for Ray, where it is not Ray that is tested."""
    assert not on_gpu
    while (number := next_trial()) is not None:
        work(number)
        advance()


def run(out, store, **changes):
    options = {"space": SPACE, "config": CONFIG, "training": TRAINING, **changes}
    return tuning.tune(stores=[store], out=str(out), **options)


def content(folder):
    """Return the bytes of what may not depend on interruptions."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "provenance.json" and not path.name.startswith(".")
    }


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("store") / "s", n_exams=30, matrix=16)
    split_store(url, fractions=(0.4, 0.4, 0.2))
    return url


@pytest.fixture(scope="module")
def by_ray(store, tmp_path_factory):
    pytest.importorskip("pandas", reason="ray[tune] needs it")
    out = tmp_path_factory.mktemp("tuning") / "t"
    return out, run(out, store)


@pytest.fixture
def serial(monkeypatch):
    monkeypatch.setattr(tuning, "run_side_by_side", one_by_one)


def test_trials_by_ray_and_what_they_leave(by_ray, store):
    out, summary = by_ray
    assert (summary.n_done, summary.n_stopped, summary.n_failed) == (2, 0, 0)
    assert (summary.n_done_before, summary.data_terms) == (0, ("synthetic",))
    table = TRIALS.read(Storage(out))
    losses = table["objective"].to_list()
    assert summary.best_objective == min(losses)
    assert summary.best_trial == losses.index(min(losses))
    for row in table.iter_rows(named=True):
        folder = out / "trials" / f"t{row['trial']:04d}"
        rows = METRICS.read(Storage(folder)).filter(pl.col("step") == row["best_step"])
        assert rows["validation_loss"].item() == row["objective"]
        described = json.loads((folder / "stage.json").read_bytes())["configuration"]
        values = json.loads(row["options"])
        assert described["model"]["pooling"] == values["model.pooling"]
        assert (folder / "csv" / row["run_id"] / "metrics.csv").is_file()
    assert summary.best_options == json.loads(table["options"][summary.best_trial])
    again = run(out, store)
    assert again == replace(summary, n_done_before=2)


def test_the_same_trials_whoever_runs_them_and_however_often_interrupted(
    by_ray, store, tmp_path, serial, monkeypatch
):
    """One of three records that are written is the last thing that its process does."""
    out, summary = by_ray
    n_written = 0
    methods = {name: getattr(TrialRecords, name) for name in ("plan", "add_to_curve", "finish")}

    def killing(name, before):
        def method(self, *arguments):
            nonlocal n_written
            n_written += 1
            if n_written % 3 == 1 and before:
                raise KilledError
            methods[name](self, *arguments)
            if n_written % 3 == 1:
                raise KilledError

        return method

    n_killed = 0
    for name in methods:
        monkeypatch.setattr(TrialRecords, name, killing(name, before=name == "finish"))
    while True:
        try:
            found = run(tmp_path / "t", store)
            break
        except KilledError:
            n_killed += 1
    assert n_killed > 3
    assert found.best_options == summary.best_options
    ours, rays = content(tmp_path / "t"), content(out)
    assert ours.keys() == rays.keys()
    assert [name for name in ours if ours[name] != rays[name]] == []


def test_hopeless_trials_are_ended_and_failed_ones_set_aside(store, tmp_path, serial):
    space = make_space({"training.learning_rate": {"choice": [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1e12]}})
    training = replace(TRAINING, training=replace(TRAINING.training, warmup_fraction=0.0))
    config = TuningConfig(trials=6, stop_early=True)
    summary = run(tmp_path / "t", store, space=space, config=config, training=training)
    table = TRIALS.read(Storage(tmp_path / "t"))
    rates = [json.loads(options)["training.learning_rate"] for options in table["options"]]
    assert sorted(rates) == sorted(space.dimensions["training.learning_rate"].values)
    states = dict(zip(rates, table["state"], strict=True))
    assert states[1e12] == "failed"
    assert "finite" in table.filter(pl.col("state") == "failed")["reason"].item()
    assert states[0.1] == "stopped"
    assert (summary.n_done, summary.n_stopped, summary.n_failed) == (4, 1, 1)
    assert (tmp_path / "t" / "curves" / "t0004.json").is_file()
    assert not list((tmp_path / "t").rglob("*.ckpt"))


def test_a_run_is_ended_at_the_step_after_the_one_that_was_hopeless(tmp_path):
    others = [KnownTrial({}, "done", 0.1, {2: 0.2, 4: 0.1})] * 4
    records = TrialRecords(Storage(tmp_path))
    for resumed in (False, True):
        watch = TrialWatch(5, records, others=others)
        with watch.track("Training", 6) as advance:
            for _ in range(4):
                advance()
            if not resumed:
                watch.log_metrics({"validation_loss": 0.2}, step=2)
                watch.log_metrics({"validation_loss": 0.15}, step=4)
            with pytest.raises(StoppedError) as caught:
                advance()
        assert caught.value.step == 4
    assert records.curve(5) == {2: 0.2, 4: 0.15}
    free = TrialWatch(5, records)
    free.log_metrics({"training_loss": 0.1, "validation_loss": float("nan")}, step=6)
    with free.track("Training", 6) as advance:
        for _ in range(6):
            advance()
    assert 6 not in records.curve(5)


def test_by_the_auc_of_exams(store, tmp_path, serial):
    """Told by another way: predictions of the validation part."""
    from sklearn.metrics import roc_auc_score

    space = make_space({"training.loss.name": {"choice": ["focal", "cross_entropy"]}})
    training = replace(TRAINING, learner="strong", tracking=TrackingConfig())
    config = TuningConfig(trials=2, objective="auc")
    summary = run(tmp_path / "t", store, space=space, config=config, training=training)
    table = TRIALS.read(Storage(tmp_path / "t"))
    predict_store(
        run=summary.best_run, store=store, split="validation", out=str(tmp_path / "p"), device="cpu"
    )
    exams = pl.read_parquet(tmp_path / "p" / "exams.parquet").drop_nulls("exam_label")
    expected = roc_auc_score(exams["exam_label"], exams["exam_logit"])
    assert summary.best_objective == max(table["objective"]) == pytest.approx(expected, abs=1e-12)


def test_no_test_exam_is_ever_seen(by_ray, store):
    out, _ = by_ray
    tests = set(read_splits(store).filter(pl.col("split") == "test")["exam_id"])
    assert tests
    for trial in ("t0000", "t0001"):
        seen = pl.read_parquet(out / "trials" / trial / "label_set.parquet")
        assert not set(seen["exam_id"]) & tests


def test_what_cannot_be_is_refused_before_anything_is_written(store, make_store, tmp_path, serial):
    out = tmp_path / "t"
    few = make_space({"model.width": {"choice": [4, 8]}})
    with pytest.raises(InputError, match="at most 2, the combinations"):
        run(out, store, space=few, config=TuningConfig(trials=3))
    with pytest.raises(InputError, match="a directory on a local disk"):
        run("memory://tuning", store)
    with pytest.raises(InputError, match=r"model\.width: 0"):
        run(out, store, space=make_space({"model.width": {"choice": [4, 0]}}))
    plain = make_store(tmp_path / "plain", n_exams=12, matrix=16)
    with pytest.raises(InputError, match="examwise split"):
        run(out, plain)
    split_store(plain, fractions=(0.8, 0.0, 0.2))
    with pytest.raises(InputError, match="labels, by which runs are compared"):
        run(out, plain)
    own = replace(TRAINING, learner="lightning.pytorch.demos.boring_classes:BoringModel")
    with pytest.raises(InputError, match="a method exam_output"):
        run(out, store, training=own, config=replace(CONFIG, objective="auc"))
    assert not out.exists()


def test_a_directory_of_others_and_damage(by_ray, store, tmp_path, serial):
    out, _ = by_ray
    with pytest.raises(InputError, match=r"tuning\.trials = 2, got 3"):
        run(out, store, config=replace(CONFIG, trials=3))
    other = make_space({**SPACE.plain(), "model.pooling": {"choice": ["mean", "max"]}})
    with pytest.raises(InputError, match=r"space\.model"):
        run(out, store, space=other)
    table = (out / TRIALS.file).read_bytes()
    (out / TRIALS.file).write_bytes(table + b" ")
    with pytest.raises(IntegrityError, match=r"trials\.parquet"):
        run(out, store)
    (out / TRIALS.file).write_bytes(table)
    (out / "trials" / "t0001").rename(tmp_path / "moved")
    with pytest.raises(InputError, match="1 missing, trials/t0001"):
        run(out, store)
    (tmp_path / "moved").rename(out / "trials" / "t0001")


def test_no_trial_that_comes_to_its_end(store, tmp_path, serial):
    space = make_space({"training.learning_rate": {"choice": [1e13, 1e14]}})
    training = replace(TRAINING, training=replace(TRAINING.training, warmup_fraction=0.0))
    with pytest.raises(InputError, match="none of 2; the first failed: training, step"):
        run(tmp_path / "t", store, space=space, training=training)
    assert not (tmp_path / "t" / "manifest.json").exists()


def test_what_is_no_matter_of_options_ends_the_tuning(store, tmp_path, serial, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError("no space left")

    monkeypatch.setattr(TrialTraining, "train", full)
    with pytest.raises(OSError, match="no space left"):
        run(tmp_path / "t", store)
    assert TrialRecords(Storage(tmp_path / "t")).values(0) is not None
    assert not TrialRecords(Storage(tmp_path / "t")).is_finished(0)


def test_stage_and_table_hold_no_paths(store, tmp_path, serial):
    place = tmp_path / "doe" / "w.pth"
    space = make_space({"model.weights": {"choice": ["", str(place)]}})
    assert run(tmp_path / "t", store, space=space).n_failed == 1
    (reason,) = TRIALS.read(Storage(tmp_path / "t"))["reason"].drop_nulls()
    assert "doe" not in reason
    assert b"doe" not in (tmp_path / "t" / "stage.json").read_bytes()


def test_a_fault_of_a_trial_is_raised_here(tmp_path, capfd):
    """By Ray: an error of a trial's process arrives as it is, and ends the others."""
    pytest.importorskip("pandas", reason="ray[tune] needs it")
    waiting = [0, 1, 2]
    seen = tmp_path / "seen"
    seen.mkdir()

    def work(number):
        (seen / str(number)).touch()
        if number == 0:
            raise InputError(where="disk", expected="space", got="none")

    with pytest.raises(InputError, match="disk: expected space, got none"):
        run_side_by_side(
            work, lambda: waiting.pop(0), n_workers=1, on_gpu=False, advance=lambda: None
        )
    assert [path.name for path in seen.iterdir()] == ["0"]
    assert capfd.readouterr() == ("", "")


def test_configuration_files_hold_all_options(tmp_path):
    import yaml

    found = yaml.safe_load(replace(TRAINING, init="run").as_config(tracked=True))
    assert found["learner"] == "weak"
    assert found["init"] == "run"
    assert "recipe" not in found
    for name in ("model", "training", "trainer", "tracking"):
        assert found[name] == json.loads(json.dumps(asdict(getattr(TRAINING, name))))
