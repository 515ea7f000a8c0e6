from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import save as save_tensors

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.manifest import MANIFEST
from examwise.core.schemas.run import MODEL, WEIGHTS
from examwise.core.stage import Stage
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import POOLED, ExamClassifier
from examwise.models.files import load_model, save_model

SMALL = ModelConfig(encoder="resnet10", width=4, embedding=8, attention_hidden=4)

DAMAGES = {
    "cut off": lambda data: data[: len(data) // 2],
    "emptied": lambda data: b"",
    "edited": lambda data: data.replace(b"a", b"b", 1),
    "no text": lambda data: b"\xff" + data,
}


@pytest.fixture
def run(tmp_path):
    stage = Stage.begin(tmp_path / "run", kind="run", configuration={}, inputs={}, seed=0)
    module = ExamClassifier(SMALL, exam_rule=POOLED, seed=7)
    save_model(stage.storage, module, SMALL, {"learner": "weak", "matrix": [32, 32]})
    stage.finish(outputs=[WEIGHTS, MODEL])
    return tmp_path / "run", module


def write_with_digest(folder, key, data):
    """Write a file as if the run had been finished with it."""
    (folder / key).write_bytes(data)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["outputs"][key] = sha256_hex(data)
    (folder / MANIFEST).write_text(json.dumps(manifest))


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


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", [WEIGHTS, MODEL])
def test_a_changed_file_is_refused(run, file, damage):
    folder, _ = run
    (folder / file).write_bytes(DAMAGES[damage]((folder / file).read_bytes()))
    with pytest.raises(IntegrityError, match=f"{file}: expected the file once written"):
        load_model(folder)


@pytest.mark.parametrize("file", [WEIGHTS, MODEL])
def test_a_missing_file_is_named(run, file):
    folder, _ = run
    (folder / file).unlink()
    with pytest.raises(InputError, match=f"{file}: expected a file of this directory, got none"):
        load_model(folder)


def test_options_of_another_version_are_refused(run):
    folder, _ = run
    description = json.loads((folder / MODEL).read_text())
    config = {**asdict(SMALL), "colour": 1}
    write_with_digest(folder, MODEL, json.dumps({**description, "config": config}).encode())
    with pytest.raises(InputError, match="model option colour"):
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
    write_with_digest(folder, WEIGHTS, save_tensors(dict(state)))
    with pytest.raises(SchemaError, match="tensor classifier"):
        load_model(folder)


def test_an_unfinished_run_is_refused(tmp_path):
    Stage.begin(tmp_path, kind="run", configuration={}, inputs={}, seed=0)
    with pytest.raises(InputError, match="a finished run directory, got an unfinished one"):
        load_model(tmp_path)
