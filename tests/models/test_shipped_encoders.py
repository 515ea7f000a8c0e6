from __future__ import annotations

from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.encoder import DESCRIPTION, LEARNED_PATIENTS, WEIGHTS
from examwise.core.storage import Storage
from examwise.models.config import ModelConfig
from examwise.models.encoder_weights import find_weights, load_into
from examwise.models.exam_classifier import POOLED, ExamClassifier
from examwise.models.shipped_encoders import PREFIX, locate_weights, shipped_encoders
from examwise.training.beginnings import find_beginnings, options_of_weights
from examwise.training.pretraining.files import load_encoder

LARGEST_BYTES = 2_000_000


@pytest.mark.parametrize("name", shipped_encoders())
def test_a_shipped_encoder_is_whole_small_and_says_where_it_comes_from(name):
    place = locate_weights(PREFIX + name)
    manifest, storage = read_manifest(place, kind="encoder"), Storage(place)
    for file in manifest.outputs:
        manifest.read_output(storage, file)
    assert DESCRIPTION in manifest.outputs
    assert (Path(place) / WEIGHTS).stat().st_size < LARGEST_BYTES
    description = load_encoder(place).description
    assert description["data_terms"] == ["synthetic, no terms"]
    assert LEARNED_PATIENTS.read(storage).height == description["n_patients"]
    assert (Path(place) / "provenance.json").is_file()
    assert not (Path(place) / "checkpoints").exists()


@pytest.mark.parametrize("name", shipped_encoders())
def test_a_model_begins_from_a_shipped_encoder_by_its_name(name):
    source = PREFIX + name
    model = ModelConfig(weights=source, frozen=("all",), **options_of_weights(source))
    beginnings = find_beginnings(model, "")
    assert beginnings.weights.kind == "encoder"
    assert beginnings.learned.height > 1000
    load_into(
        ExamClassifier(model, exam_rule=POOLED).encoder,
        find_weights(source, encoder=model.encoder),
    )


def test_an_unknown_name_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match="expected one of shipped:synthetic-head-ct"):
        find_weights("shipped:nobody", encoder="resnet18")
