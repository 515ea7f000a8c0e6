import dataclasses

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.schemas.encoder import WEIGHTS
from examwise.core.storage import Storage
from examwise.imaging.stored_exams import StoredExams
from examwise.training.pretraining.files import load_encoder
from examwise.training.pretraining.pretrain import pretrain
from examwise.training.pretraining.scores import pretext_scores

OPTIONS = {"accelerator": "cpu"}


@pytest.fixture(scope="module")
def encoder_dir(split_store, encoder, brief, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("scores") / "encoder")
    pretrain(stores=[split_store], encoder=encoder, pretraining=brief, out=out)
    return out


def test_scores_are_those_of_each_slice(encoder_dir, split_store):
    exam_ids = ["e0010", "e0001"]
    found = pretext_scores(encoder_dir, split_store, exam_ids, batch_slices=4, **OPTIONS)
    stored = StoredExams(split_store)
    assert found.columns == ["exam_id", "slice_index", "score"]
    assert found["exam_id"].unique(maintain_order=True).to_list() == exam_ids
    assert found.height == sum(map(stored.n_slices, exam_ids))
    loaded = load_encoder(encoder_dir)
    with torch.inference_mode():
        for exam_id, index, score in found.iter_rows():
            pixels = torch.from_numpy(stored.read_slices(exam_id, [index]))
            logits = loaded.network.head(loaded.network.maps(loaded.network.images(pixels)))
            smooth = torch.nn.functional.avg_pool2d(logits.sigmoid(), 3, 1, 1)
            assert score == pytest.approx(float(smooth.max()), abs=1e-5)
    assert pretext_scores(encoder_dir, stored, [], **OPTIONS).height == 0


def test_scores_need_a_pretext_that_gives_some(split_store, encoder, brief, tmp_path):
    options = dataclasses.replace(brief, pretext="contrastive", steps=2)
    pretrain(stores=[split_store], encoder=encoder, pretraining=options, out=str(tmp_path / "e"))
    with pytest.raises(InputError, match=r"pretext scores slices .* got contrastive"):
        pretext_scores(tmp_path / "e", split_store, ["e0000"], **OPTIONS)


def test_half_precision_is_loaded_as_float32(split_store, encoder, brief, encoder_dir, tmp_path):
    options = dataclasses.replace(brief, half_precision=True)
    pretrain(stores=[split_store], encoder=encoder, pretraining=options, out=str(tmp_path / "e"))
    loaded = load_encoder(tmp_path / "e").network
    assert {value.dtype for value in loaded.state_dict().values()} == {torch.float32}
    whole, half = (
        pretext_scores(url, split_store, ["e0001"], **OPTIONS)["score"].to_numpy()
        for url in (encoder_dir, tmp_path / "e")
    )
    assert not np.array_equal(whole, half)
    np.testing.assert_allclose(whole, half, atol=2e-2)


def test_a_changed_file_is_refused(encoder_dir, split_store, tmp_path):
    copied = copy_of(encoder_dir, tmp_path / "e")
    copied.write(WEIGHTS, copied.read(WEIGHTS)[:-1] + b"x")
    with pytest.raises(IntegrityError, match="the file once written"):
        pretext_scores(tmp_path / "e", split_store, ["e0000"], **OPTIONS)


def test_tensors_that_do_not_fit_are_refused(encoder_dir, tmp_path):
    copied = copy_of(encoder_dir, tmp_path / "e")
    before = copied.read(WEIGHTS)
    tensors = load(before)
    tensors.pop("decoder.logits.bias")
    after = save(tensors)
    copied.write(WEIGHTS, after)
    manifest = copied.read("manifest.json").decode()
    copied.write("manifest.json", manifest.replace(sha256_hex(before), sha256_hex(after)).encode())
    with pytest.raises(SchemaError, match=r"logits\.bias"):
        load_encoder(tmp_path / "e")


def copy_of(url, target):
    source, copied = Storage(url), Storage(target)
    for key in source.list():
        copied.write(key, source.read(key))
    return copied
