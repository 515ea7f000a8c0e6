from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.studies.tuning.config import TuningConfig
from examwise.studies.tuning.options import require_applicable, with_values
from examwise.studies.tuning.space import Choice, Range, make_space, read_space
from examwise.studies.tuning.suggestions import KnownTrial, is_hopeless, suggest
from examwise.studies.tuning.trial_training import TrialTraining
from examwise.training.config import TrainingConfig
from examwise.training.trainer_config import TrainerConfig

pytest.importorskip("optuna")

TRAINING = TrialTraining(learner="weak", model=ModelConfig(), training=TrainingConfig())
SPACE = make_space(
    {
        "training.learning_rate": {"log_uniform": ["1e-5", 1e-2]},
        "training.loss.gamma": {"uniform": [0, 5]},
        "model.embedding": {"int": [8, 64]},
        "model.frozen": {"choice": [[], ["conv1", "layer1"], ["all"]]},
    }
)


def test_a_file_is_read(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("model.width: {choice: [8, 16]}\ntraining.learning_rate: {uniform: [1e-5, 1]}")
    space = read_space(path)
    assert space.dimensions == {
        "model.width": Choice((8, 16)),
        "training.learning_rate": Range("uniform", 1e-5, 1.0),
    }
    assert space.where == str(path)
    assert make_space(space.plain()).dimensions == space.dimensions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "options by their dotted names"),
        ("[1]", "options by their dotted names"),
        ("a: {choice: [1, 2]}\na: {choice: [1, 2]}", r"line 2: expected YAML, got the key a twice"),
        ("a: {choice: [1]", "expected YAML"),
        ("a: 3", "expected one of choice, uniform, log_uniform, int with its values"),
        ("a: {normal: [1, 2]}", "expected one of choice, uniform"),
        ("a: {choice: [1, 2], int: [1, 2]}", "expected one of choice, uniform"),
        ("a: {choice: 3}", "a, choice: expected a list, got 3"),
        ("a: {choice: [1]}", "two values or more, each once"),
        ("a: {choice: [[1], [1]]}", "two values or more, each once"),
        ("a: {choice: [.nan, 1]}", "plain values"),
        ("a: {choice: [2020-01-01, 1]}", "plain values"),
        ("a: {uniform: [1]}", "two numbers, the lower one first"),
        ("a: {uniform: [2, 1]}", "two numbers, the lower one first"),
        ("a: {uniform: [0, .inf]}", "two numbers, the lower one first"),
        ("a: {uniform: [false, true]}", "two numbers, the lower one first"),
        ("a: {uniform: [low, high]}", "two numbers, the lower one first"),
        ("a: {log_uniform: [0, 1]}", "numbers above 0"),
        ("a: {int: [1, 2.5]}", "two whole numbers"),
        ("a: {choice: [1, 2]}\na.b: {choice: [1, 2]}", "a.b: expected each option once"),
    ],
)
def test_what_is_no_space_is_refused(text, expected, tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=expected) as caught:
        read_space(path)
    assert str(path) in str(caught.value)


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_space(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="expected YAML"):
        read_space(tmp_path / "bytes.yaml")


def test_values_reach_the_options():
    found = with_values(
        TRAINING,
        {
            "model.width": 8,
            "model.frozen": ["conv1"],
            "model.pooling_options.k": 3,
            "training.loss.name": "focal",
            "training.learning_rate": "1e-4",
            "trainer.precision": "bf16-mixed",
        },
    )
    assert found.model == ModelConfig(width=8, frozen=("conv1",), pooling_options={"k": 3})
    assert (found.training.loss.name, found.training.learning_rate) == ("focal", 1e-4)
    assert found.trainer == TrainerConfig(precision="bf16-mixed")
    assert TRAINING.model == ModelConfig()
    assert with_values(TRAINING, {}) == TRAINING


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ({"width": [8, 16]}, "an option of model, training, trainer, such as model.width"),
        ({"model": [8, 16]}, "an option of model, training, trainer"),
        ({"tracking.project": ["a", "b"]}, "an option of model, training, trainer"),
        ({"learner_options.rate": [1, 2]}, "an option of model, training, trainer"),
        ({"model.breadth": [8, 16]}, "an option of model, got model.breadth"),
        ({"model.width.x": [8, 16]}, "an option of model.width, got"),
        ({"training.loss.name.x": [8, 16]}, "an option of training.loss.name, got"),
        ({"training.schedule": ["a", "b"]}, "one of training.schedule.name"),
        ({"model.findings": [["any"], ["subdural"]]}, "decides what the objective is"),
        ({"training.n_workers": [0, 1]}, "makes no difference"),
        ({"trainer.devices": [1, 2]}, "makes no difference"),
        ({"training.loss.gamma": [1, 2]}, r"the same loss for all runs.*--objective auc"),
        ({"model.width": [8, 8.5]}, r"model.width: 8.5: expected values of the kinds"),
        ({"model.width": [8, "wide"]}, r"model.width: wide: expected values of the kinds"),
        ({"model.width": [8, 0]}, r"model.width: 0: expected a whole number, at least 1, got 0"),
        ({"model.pooling": ["mean", "sum"]}, r"model.pooling: sum: expected one of attention"),
        ({"training.deterministic": [True, "a"]}, "training.deterministic: a"),
    ],
)
def test_options_and_values_that_cannot_be_searched_are_refused(space, expected):
    made = make_space({name: {"choice": values} for name, values in space.items()}, where="s.yaml")
    with pytest.raises(InputError, match=expected) as caught:
        require_applicable(TRAINING, made, "loss")
    assert "s.yaml" in str(caught.value)


def test_ends_of_ranges_are_checked():
    for end, expected in (([0.5, 1], "a probability below 1"), ([-1, 0.5], "a probability")):
        with pytest.raises(InputError, match=expected):
            require_applicable(TRAINING, make_space({"model.dropout": {"uniform": end}}), "loss")


def test_a_value_may_need_another_beside_it():
    scale = {"model.input_scale": {"choice": ["unit", "imagenet"]}}
    with pytest.raises(InputError, match=r"model\.input_scale: imagenet"):
        require_applicable(TRAINING, make_space(scale), "loss")
    both = {**scale, "model.input_channels": {"choice": [1, 3]}}
    require_applicable(TRAINING, make_space(both), "loss")


def test_a_model_gone_on_with_and_one_of_ones_own():
    gone_on = TrialTraining(**{**vars(TRAINING), "init": "run"})
    width = make_space({"model.width": {"choice": [8, 16]}})
    with pytest.raises(InputError, match="has its own"):
        require_applicable(gone_on, width, "loss")
    boring = "lightning.pytorch.demos.boring_classes:BoringModel"
    own = TrialTraining(**{**vars(TRAINING), "learner": boring})
    rate = make_space({"learner_options.rate": {"choice": [1, 2]}})
    require_applicable(own, rate, "loss")
    assert with_values(own, {"learner_options.rate": 2}).learner_options == {"rate": 2}
    require_applicable(TRAINING, SPACE, "auc")


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 99), number=st.integers(0, 12))
def test_suggestions_lie_in_the_space_and_depend_on_nothing_else(seed, number):
    known = [
        KnownTrial(suggest(SPACE, [], number=one, seed=seed, maximise=False), state, value, curve)
        for one, (state, value, curve) in enumerate(
            [("done", 0.5, {2: 0.5}), ("stopped", None, {2: 0.9}), ("failed", None, {}),
             ("running", None, {})]
        )
    ]  # fmt: skip
    found = suggest(SPACE, known, number=number, seed=seed, maximise=False)
    assert found == suggest(SPACE, known, number=number, seed=seed, maximise=False)
    assert 1e-5 <= found["training.learning_rate"] <= 1e-2
    assert 0 <= found["training.loss.gamma"] <= 5
    assert type(found["model.embedding"]) is int
    assert 8 <= found["model.embedding"] <= 64
    assert found["model.frozen"] in ([], ["conv1", "layer1"], ["all"])
    assert found not in [trial.values for trial in known]
    with_values(TRAINING, found)


def test_a_finite_space_is_tried_without_repetition():
    space = make_space({"model.width": {"choice": [4, 8]}, "model.embedding": {"int": [8, 11]}})
    assert space.size == 8
    known: list[KnownTrial] = []
    for number in range(8):
        values = suggest(space, known, number=number, seed=0, maximise=False)
        known.append(KnownTrial(values, "done", float(number)))
    assert len({tuple(trial.values.items()) for trial in known}) == 8


@pytest.mark.parametrize("maximise", [False, True])
def test_the_search_goes_where_it_is_better(maximise):
    space = make_space({"model.dropout": {"uniform": [0, 1]}})
    known: list[KnownTrial] = []
    for number in range(30):
        values = suggest(space, known, number=number, seed=1, maximise=maximise)
        distance = abs(values["model.dropout"] - 0.8)
        known.append(KnownTrial(values, "done", -distance if maximise else distance))
    late = [abs(trial.values["model.dropout"] - 0.8) for trial in known[15:]]
    early = [abs(trial.values["model.dropout"] - 0.8) for trial in known[:10]]
    assert sum(late) / len(late) < 0.5 * sum(early) / len(early)


def test_only_what_is_above_the_median_of_four_is_hopeless():
    curves = [{2: 0.1, 4: 0.1}, {2: 0.2, 4: 0.2}, {2: 0.3, 4: 0.3}, {2: 0.4, 4: 0.4}]
    done = [KnownTrial({}, "done", curve[4], curve) for curve in curves]
    assert is_hopeless({2: 0.26}, done)
    assert not is_hopeless({2: 0.24}, done)
    assert not is_hopeless({2: 0.9}, done[:3])
    assert not is_hopeless({2: 0.9}, [KnownTrial({}, "stopped", None, one) for one in curves])
    assert not is_hopeless({2: 0.2, 4: 0.9}, done)
    assert not is_hopeless({3: 0.9}, done)
    assert not is_hopeless({}, done)


@pytest.mark.parametrize(
    "wrong",
    [{"trials": 0}, {"seed": -1}, {"objective": "accuracy"}, {"trials": True},
     {"objective": "auc", "stop_early": True}],
)  # fmt: skip
def test_wrong_options_are_refused(wrong):
    with pytest.raises(InputError, match="tuning, "):
        TuningConfig(**wrong)


def test_one_device_a_run():
    with pytest.raises(InputError, match="one device a run"):
        TrialTraining(**{**vars(TRAINING), "trainer": TrainerConfig(devices=2)})
