from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import save as save_tensors

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.schemas.run import MODEL, WEIGHTS
from examwise.core.stage import Stage
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import POOLED, ExamClassifier
from examwise.models.files import load_model, save_model

SMALL = ModelConfig(encoder="resnet10", width=4, embedding=8, attention_hidden=4)


@pytest.fixture
def run(tmp_path):
    stage = Stage.begin(tmp_path / "run", kind="run", configuration={}, inputs={}, seed=0)
    module = ExamClassifier(SMALL, exam_rule=POOLED, seed=7)
    save_model(stage.storage, module, SMALL, {"learner": "weak", "matrix": [32, 32]})
    stage.finish()
    return tmp_path / "run", module


def edit(folder, **changes):
    description = json.loads((folder / MODEL).read_text())
    (folder / MODEL).write_text(json.dumps({**description, **changes}))


def replace_weights(folder, data):
    (folder / WEIGHTS).write_bytes(data)
    edit(folder, weights_sha256=sha256_hex(data))


def test_a_model_comes_back_as_it_was(run):
    folder, module = run
    loaded = load_model(folder)
    assert loaded.config == SMALL
    assert loaded.description["learner"] == "weak"
    assert not loaded.module.training
    state = module.state_dict()
    assert all(
        torch.equal(value, state[name]) for name, value in loaded.module.state_dict().items()
    )
    images, sizes = torch.zeros(2, 32, 32, dtype=torch.int16), torch.tensor([2])
    with torch.inference_mode():
        expected = module.eval()(images, sizes).exam_logits
        assert torch.equal(loaded.module(images, sizes).exam_logits, expected)


def test_cut_off_weights_are_noticed(run):
    folder, _ = run
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])
    with pytest.raises(IntegrityError, match=r"model\.safetensors: expected the bytes"):
        load_model(folder)
    replace_weights(folder, data[: len(data) // 2])
    with pytest.raises(IntegrityError, match="expected a safetensors file"):
        load_model(folder)


@pytest.mark.parametrize("file", [WEIGHTS, MODEL])
def test_a_missing_file_is_named(run, file):
    folder, _ = run
    (folder / file).unlink()
    with pytest.raises(InputError, match=f"{file}: expected a file of a trained model"):
        load_model(folder)


def test_another_schema_version_is_refused(run):
    folder, _ = run
    edit(folder, schema_version=99)
    with pytest.raises(SchemaError, match="expected schema version 1, got 99"):
        load_model(folder)


def test_broken_descriptions_are_refused(run):
    folder, _ = run
    edit(folder, config={**asdict(SMALL), "width": -1})
    with pytest.raises(InputError, match="model option width"):
        load_model(folder)
    (folder / MODEL).write_text('{"schema_version": 1}')
    with pytest.raises(SchemaError, match="got no config"):
        load_model(folder)
    (folder / MODEL).write_text("{")
    with pytest.raises(SchemaError, match="expected JSON"):
        load_model(folder)


@pytest.mark.parametrize("change", ["shape", "missing", "also"])
def test_weights_of_another_model_are_refused_by_tensor(run, change):
    folder, module = run
    state = dict(module.state_dict())
    if change == "shape":
        state = ExamClassifier(replace(SMALL, embedding=9), exam_rule=POOLED).state_dict()
    elif change == "missing":
        del state["classifier.bias"]
    else:
        state["classifier.more"] = torch.zeros(1)
    replace_weights(folder, save_tensors(dict(state)))
    with pytest.raises(SchemaError, match="tensor classifier"):
        load_model(folder)


def test_an_unfinished_run_is_refused(tmp_path):
    Stage.begin(tmp_path, kind="run", configuration={}, inputs={}, seed=0)
    with pytest.raises(InputError, match="a finished run directory, got an unfinished one"):
        load_model(tmp_path)
