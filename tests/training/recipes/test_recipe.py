from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from jsonargparse import ArgumentParser

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.training.config import TrainingConfig
from examwise.training.recipes.recipe import load_recipe, shipped_recipes
from examwise.training.trainer_config import TrainerConfig

PAGE = Path(__file__).parents[3] / "docs" / "recipes.md"
CONFIGS = {"model": ModelConfig, "training": TrainingConfig, "trainer": TrainerConfig}
SHIPPED = [(name, learner) for name in shipped_recipes() for learner in load_recipe(name).learners]


def parsed(options, words=()):
    """What the command line makes of a recipe's options as defaults."""
    parser = ArgumentParser(exit_on_error=False)
    for group, config in CONFIGS.items():
        parser.add_class_arguments(config, group)
    parser.set_defaults(options)
    return parser.instantiate(parser.parse_args(list(words)))


def written(tmp_path, text, name="mine.yaml"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(("name", "learner"), SHIPPED)
def test_every_option_of_a_shipped_recipe_exists_and_has_its_type(name, learner):
    options = load_recipe(name).options(learner)
    assert options
    made = parsed(options)
    for option, value in options.items():
        group, *path, last = option.split(".")
        config, found = CONFIGS[group], made[group]
        for part in path:
            found = getattr(found, part)
            config = type(found)
        assert is_dataclass(config)
        assert last in {field.name for field in fields(config)}
        kept = getattr(found, last)
        assert (list(kept) if isinstance(kept, tuple) else kept) == value, option
        assert isinstance(value, type(kept)) or isinstance(kept, tuple), option


@pytest.mark.parametrize(("name", "learner"), SHIPPED)
def test_explicit_words_win_over_a_recipe(name, learner):
    words = ["--training.loss.gamma=1", "--model.embedding=32", "--training.passes=2"]
    made = parsed(load_recipe(name).options(learner), words)
    assert made.training.loss.gamma == 1
    assert made.training.loss.gamma_hard == 5
    assert made.model.embedding == 32
    assert made.training.passes == 2
    assert made.training.schedule.stretches == 5


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_shipped_recipe_says_what_it_is_and_what_was_wrong(name):
    recipe = load_recipe(name)
    assert recipe.learners == ("strong", "weak")
    assert recipe.describes
    assert "arXiv:2211.15924" in recipe.source
    assert len({mistake.name for mistake in recipe.mistakes}) == len(recipe.mistakes) > 10
    for mistake in recipe.mistakes:
        assert mistake.what
        assert mistake.why
    record = recipe.record()
    assert record["name"] == name
    names = {mistake.name for mistake in recipe.mistakes}
    assert {*record["mistakes_kept"], *record["mistakes_mended"]} == names


def test_the_published_recipe_is_the_published_one():
    recipe = load_recipe("teneggi2023")
    strong, weak = parsed(recipe.options("strong")), parsed(recipe.options("weak"))
    for made in (strong, weak):
        assert made.model.weights == "imagenet"
        assert made.model.frozen == ("conv1", "layer1", "layer2")
        assert made.model.windows == ((40.0, 80.0),)
        assert made.model.n_channels == 3
        assert made.training.schedule.name == "stepwise"
        assert made.training.gradient_clip == 0
    # 15 passes through 17,000 exams and through 12, one a step; and four images a step.
    assert weak.training.for_labels(17_000, "exam").steps == 255_000
    assert weak.training.for_labels(12, "exam").steps == 180
    assert strong.training.for_labels(12, "slice").steps == 45
    assert (strong.training.optimizer.name, weak.training.optimizer.name) == ("adam", "sgd")
    assert (strong.training.learning_rate, weak.training.learning_rate) == (1e-5, 1e-3)
    assert (strong.training.weight_decay, weak.training.weight_decay) == (1e-7, 1e-4)
    assert (strong.training.slice_subset_minimum, weak.training.slice_subset_minimum) == (0, 10)


def test_the_corrected_recipe_differs_in_its_mistakes_alone():
    published, corrected = (load_recipe(name) for name in shipped_recipes())
    assert published.record()["mistakes_kept"]
    assert not corrected.record()["mistakes_kept"]
    for learner in ("strong", "weak"):
        before, after = published.options(learner), corrected.options(learner)
        assert before.keys() == after.keys()
        assert {option for option in before if before[option] != after[option]} == {
            "training.steps",
            "training.augmentation",
            "training.weigh_positives",
            "training.loss.scale",
            "training.validate_every",
        }


def test_the_page_says_of_each_mistake_what_becomes_of_it():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith("| `")
    ]
    said = {row[0].strip("`"): [cell == "kept" for cell in row[2:]] for row in rows}
    recipes = [load_recipe(name) for name in shipped_recipes()]
    kept = {
        mistake.name: [mistake.kept, corrected.kept]
        for mistake, corrected in zip(*(recipe.mistakes for recipe in recipes), strict=True)
    }
    assert said == kept


def test_the_corrected_loss_weighs_classes_as_alpha_was_meant_to():
    for learner in ("strong", "weak"):
        alpha = load_recipe("teneggi2023").options(learner)["training.loss.scale"]
        rest = load_recipe("teneggi2023-corrected").options(learner)["training.loss.scale"]
        assert alpha + rest == pytest.approx(1)


def test_a_recipe_of_ones_own_extends_another(tmp_path):
    path = written(
        tmp_path,
        """
extends: teneggi2023
describes: wider attention
common:
  model: {attention_hidden: 128}
  training: {loss: {gamma: 2.0}}
weak:
  training: {learning_rate: 1.0e-4}
mistakes:
  - {name: decay_by_pass, kept: false, why: mended here}
  - {name: mine, what: something else, kept: true, why: to see}
""",
    )
    recipe = load_recipe(path)
    base = load_recipe("teneggi2023")
    assert recipe.name == "mine"
    assert recipe.source == base.source
    changed = {"model.attention_hidden": 128, "training.loss.gamma": 2.0}
    assert recipe.options("strong") == {**base.options("strong"), **changed}
    assert recipe.options("weak")["training.learning_rate"] == 1e-4
    by_name = {mistake.name: mistake for mistake in recipe.mistakes}
    assert by_name["decay_by_pass"].what == base.mistakes[0].what
    assert not by_name["decay_by_pass"].kept
    assert by_name["mine"].kept
    assert len(recipe.mistakes) == len(base.mistakes) + 1


def test_the_page_s_example_is_a_recipe(tmp_path):
    text = PAGE.read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    recipe = load_recipe(written(tmp_path, text))
    made = parsed(recipe.options("weak"))
    assert made.training.learning_rate == 3e-4
    assert made.training.loss.gamma == 2
    assert made.model.attention_hidden == 128
    assert recipe.record()["mistakes_kept"] == ["sees_one_window"]


def test_a_recipe_without_learners_is_for_all(tmp_path):
    path = written(
        tmp_path, "common: {training: {steps: 7}, trainer: {options: {benchmark: true}}}"
    )
    recipe = load_recipe(path)
    assert recipe.options("strong") == recipe.options("mixed")
    # A mapping that is one option's value stays one.
    assert recipe.options("weak") == {
        "training.steps": 7,
        "trainer.options": {"benchmark": True},
    }


def test_numbers_may_be_written_in_any_way(tmp_path):
    path = written(tmp_path, "common: {training: {learning_rate: 1e-4, weight_decay: 0}}")
    made = parsed(load_recipe(path).options("weak"))
    assert (made.training.learning_rate, made.training.weight_decay) == (1e-4, 0)


def test_a_learner_without_options_is_refused():
    with pytest.raises(InputError, match="learner strong or weak, got mixed"):
        load_recipe("teneggi2023").options("mixed")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("common: {training: {speed: 3}}", "an option of training, got speed"),
        ("common: {training: {loss: {beta: 3}}}", "an option of training.loss, got beta"),
        ("common: {training: {loss: focal}}", "training.loss: expected names with values"),
        ("common: {training: {steps: 2.5}}", "training.steps: expected a whole number, got 2.5"),
        ("common: {training: {steps: true}}", "training.steps: expected a whole number"),
        ("common: {training: {loss: {gamma: x}}}", "training.loss.gamma: expected a number"),
        ("common: {training: {learning_rate: no}}", "training.learning_rate: expected a number"),
        ("common: {training: {balanced: 1}}", "training.balanced: expected true or false"),
        ("common: {model: {frozen: conv1}}", "model.frozen: expected a list"),
        ("common: {model: {encoder: 18}}", "model.encoder: expected a word"),
        ("common: {optimiser: {}}", "of model, training, trainer, got optimiser"),
        ("common: 3", "common: expected names with values"),
        ("- 1", "expected names with values"),
        ("", "expected names with values"),
        ("extends: teneggi", "extends: expected one of teneggi2023"),
        ("extends: [teneggi2023]", "extends: expected one of teneggi2023"),
        ("describes: 3", "describes: expected text"),
        ("mistakes: none", "mistakes: expected a list"),
        ("mistakes: [{name: a, kept: true}]", "name, what, kept"),
        ("mistakes: [{name: a, what: b, kept: maybe, why: c}]", "name, what, kept"),
        ("mistakes: [{name: a, what: 1, kept: true, why: c}]", "mistakes, a: expected text"),
        ("common: {model: {width: 1, width: 2}}", "line 1: expected YAML"),
        ("common: [", "expected YAML"),
        ("wek: {model: {width: 8}}", "got wek"),
    ],
)
def test_what_is_no_recipe_is_refused_with_its_place(tmp_path, text, words):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as refusal:
        load_recipe(path)
    assert words in str(refusal.value)
    assert "mine.yaml" in str(refusal.value)


def test_a_missing_or_unreadable_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="or one of teneggi2023, teneggi2023-corrected"):
        load_recipe("teneggi")
    with pytest.raises(InputError, match="got a folder"):
        load_recipe(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"describes: \xff")
    with pytest.raises(InputError, match="UTF-8"):
        load_recipe(tmp_path / "latin.yaml")
    with pytest.raises(InputError, match="short"):
        load_recipe(written(tmp_path, "#" * (1 << 17)))
