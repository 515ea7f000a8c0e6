from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save, save_file

from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.stage import Stage
from examwise.models.encoder_weights import find_weights, load_into
from examwise.models.encoders.build import build_encoder


def build(name="resnet18", *, seed=0, width=8, in_channels=3, norm="frozen_batch"):
    torch.manual_seed(seed)
    return build_encoder(name, width=width, in_channels=in_channels, norm=norm)


def published_state(width=8):
    """A file as torchvision writes it: another network's tensors, and a layer of classes."""
    state = dict(build(seed=1, width=width).state_dict())
    state["fc.weight"], state["fc.bias"] = torch.zeros(1000, 8 * width), torch.zeros(1000)
    return state


def same(encoder, other):
    mine, theirs = encoder.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(
        torch.equal(value, theirs[name]) for name, value in mine.items()
    )


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_is_loaded_and_its_head_left_out(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    (torch.save if suffix == ".pth" else save_file)(published_state(), str(path))
    weights = find_weights(str(path), encoder="resnet18")
    encoder = build()
    load_into(encoder, weights)
    assert same(encoder, build(seed=1))
    assert weights.source == path.name
    assert weights.digest.startswith("sha256:")
    assert weights.licence.startswith("not known")
    assert weights.provenance["source"] == "file"
    assert path.stem not in json.dumps(weights.provenance)


def test_counters_of_steps_may_be_missing(tmp_path):
    state = {
        name: value
        for name, value in published_state().items()
        if not name.endswith("num_batches_tracked")
    }
    torch.save(state, tmp_path / "old.pth")
    encoder = build()
    load_into(encoder, find_weights(str(tmp_path / "old.pth"), encoder="resnet18"))
    assert same(encoder, build(seed=1))


def load(tmp_path, state, **options):
    torch.save(state, tmp_path / "file.pth")
    encoder = build(**options)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    try:
        load_into(encoder, find_weights(str(tmp_path / "file.pth"), encoder="resnet18"))
    except InputError as error:
        after = encoder.state_dict()
        assert all(torch.equal(value, after[name]) for name, value in before.items())
        return str(error)
    return None


def test_weights_that_do_not_fit_are_refused_in_words_and_nothing_is_changed(tmp_path):
    state = published_state()
    assert load(tmp_path, state) is None
    assert "model.norm=frozen_batch" in load(tmp_path, state, norm="group")
    assert "model.input_channels=3" in load(tmp_path, state, in_channels=1)
    assert "the width" in load(tmp_path, state, width=4)
    assert "tensor layer1.1" in load(tmp_path, state, name="resnet10")
    assert "tensor layer1.2" in load(tmp_path, state, name="resnet34")
    group = build(norm="group").state_dict()
    assert "model.norm=group" in load(tmp_path, group)
    without = {name: value for name, value in state.items() if name != "layer4.0.bn2.bias"}
    message = load(tmp_path, without)
    assert message.startswith("weights file.pth, tensor layer4.0.bn2.bias: expected float32")
    assert "got no such tensor" in message
    assert "tensor extra" in load(tmp_path, state | {"extra": torch.zeros(1)})
    whole_numbers = state | {"bn1.bias": torch.zeros(8, dtype=torch.int64)}
    assert "got int64" in load(tmp_path, whole_numbers)


def test_imagenet_stands_for_the_published_file(tmp_path, monkeypatch):
    monkeypatch.setenv("EXAMWISE_WEIGHTS", str(tmp_path))
    # The name of EfficientNet's file is the only one that vouches for nothing.
    encoder = build("efficientnet_b0")
    flat = {}
    for name, value in build("efficientnet_b0", seed=1).state_dict().items():
        parts = name.split(".")
        flat[".".join(parts[:1] + parts[2:] if parts[0] == "_blocks" else parts)] = value
    torch.save(flat | {"_fc.weight": torch.zeros(3, 3)}, tmp_path / "efficientnet-b0-355c32eb.pth")
    weights = find_weights("imagenet", encoder="efficientnet_b0")
    assert weights.source == weights.provenance["source"] == "imagenet"
    assert "EfficientNet-B0" in weights.description
    assert "non-commercial" in weights.licence
    load_into(encoder, weights)
    assert same(encoder, build("efficientnet_b0", seed=1))


def test_a_file_under_a_published_name_must_be_the_published_one(tmp_path):
    torch.save(published_state(), tmp_path / "resnet18-f37072fd.pth")
    with pytest.raises(IntegrityError, match="begins with f37072fd"):
        find_weights(str(tmp_path / "resnet18-f37072fd.pth"), encoder="resnet18")


@pytest.mark.parametrize("dotted", [True, False])
def test_densenet_takes_torchvisions_names(tmp_path, dotted):
    published = {}
    for name, value in build("densenet121", seed=1).state_dict().items():
        name = name.replace(".layers.", ".")
        if dotted and "denselayer" in name:  # as in the file itself; later versions rename
            for part in ("norm", "conv"):
                for index in "12":
                    name = name.replace(f"{part}{index}", f"{part}.{index}")
        if not name.endswith("num_batches_tracked"):
            published[name] = value
    published["classifier.weight"] = torch.zeros(1000, 128)
    torch.save(published, tmp_path / "densenet.pth")
    encoder = build("densenet121")
    load_into(encoder, find_weights(str(tmp_path / "densenet.pth"), encoder="densenet121"))
    other = build("densenet121", seed=1)
    assert same(encoder, other)


def finished(url, kind, files):
    stage = Stage.begin(url, kind=kind, configuration={}, inputs={}, seed=0)
    for name, data in files.items():
        stage.storage.write(name, data)
    stage.finish(outputs=tuple(files))


@pytest.mark.parametrize("place", ["disk", "memory"])
def test_an_encoder_directory_is_a_source(tmp_path, place, request):
    url = str(tmp_path / "pretrained") if place == "disk" else f"memory://{request.node.name}/it"
    state = {name: value.half() for name, value in build(norm="group", seed=1).state_dict().items()}
    tensors = save(state | {"decoder.weight": torch.zeros(2)})
    described = json.dumps({"encoder": "resnet18"}).encode()
    finished(url, "encoder", {"encoder.safetensors": tensors, "encoder.json": described})
    weights = find_weights(url, encoder="resnet18")
    assert weights.directory == url
    assert weights.source == url.rpartition("/")[2]
    encoder = build(norm="group")
    load_into(encoder, weights)
    for name, value in encoder.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, state[name].float())
    with pytest.raises(InputError, match=r"those of resnet18; set model.encoder=resnet18"):
        find_weights(url, encoder="resnet10")


def test_the_encoder_of_a_run_is_a_source(tmp_path):
    state = build(norm="group", seed=1).state_dict()
    tensors = {f"encoder.{name}": value.clone() for name, value in state.items()}
    tensors["classifier.weight"] = torch.zeros(1)
    described = json.dumps({"config": {"encoder": "resnet18"}}).encode()
    finished(tmp_path / "run", "run", {"model.safetensors": save(tensors), "model.json": described})
    encoder = build(norm="group")
    load_into(encoder, find_weights(f"{tmp_path}/run/", encoder="resnet18"))
    assert same(encoder, build(norm="group", seed=1))
    (tmp_path / "run" / "model.safetensors").write_bytes(save({"encoder.x": torch.zeros(1)}))
    with pytest.raises(IntegrityError):
        find_weights(str(tmp_path / "run"), encoder="resnet18")


def test_what_is_no_source_is_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no such file or directory"):
        find_weights("absent.pth", encoder="resnet18")
    (tmp_path / "notes.txt").write_text("no weights")
    with pytest.raises(InputError, match=r"expected a file .*\.safetensors"):
        find_weights("notes.txt", encoder="resnet18")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no such file or directory"):
        find_weights("empty", encoder="resnet18")
    finished("predicted", "predictions", {})
    with pytest.raises(InputError, match="a directory of kind predictions"):
        find_weights("predicted", encoder="resnet18")
    Stage.begin("begun", kind="encoder", configuration={}, inputs={}, seed=0)
    with pytest.raises(InputError, match="an unfinished one"):
        find_weights("begun", encoder="resnet18")
    finished("bare", "encoder", {})
    with pytest.raises(InputError, match="a file of this directory"):
        find_weights("bare", encoder="resnet18")
    manifest = json.loads((tmp_path / "bare" / "manifest.json").read_text())
    (tmp_path / "bare" / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 99}))
    with pytest.raises(SchemaError):
        find_weights("bare", encoder="resnet18")
