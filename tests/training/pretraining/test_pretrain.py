import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from safetensors.numpy import load_file

from examwise.core.errors import InputError, IntegrityError
from examwise.core.schemas.encoder import (
    CHECKPOINT,
    DECODER_PREFIX,
    DESCRIPTION,
    LEARNED_PATIENTS,
    PRETEXT_METRICS,
    WEIGHTS,
)
from examwise.core.schemas.store import LABELS
from examwise.core.storage import Storage
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.models.encoders.build import build_encoder
from examwise.training.pretraining import fit as fit_module
from examwise.training.pretraining.config import EncoderConfig
from examwise.training.pretraining.pretrain import OUTPUTS, pretrain, read_pretraining_summary


def run(store, encoder, options, out):
    return pretrain(stores=[store], encoder=encoder, pretraining=options, out=str(out))


def files(folder):
    return {key: Storage(folder).read(key) for key in OUTPUTS}


@pytest.fixture(scope="module")
def whole(split_store, encoder, brief, tmp_path_factory):
    out = tmp_path_factory.mktemp("encoder") / "whole"
    return out, run(split_store, encoder, brief, out)


def test_summary_and_files_say_what_was_done(whole, split_store):
    out, summary = whole
    assert (summary.encoder, summary.pretext, summary.steps) == (
        "slim_resnet18",
        "pasted_shapes",
        6,
    )
    assert (summary.n_exams, summary.n_patients, summary.n_exams_left_out) == (8, 8, 4)
    slices = StoredExams(split_store).slices
    used = [f"e{number:04d}" for number in range(8)]
    assert summary.n_slices == slices.filter(pl.col("exam_id").is_in(used)).height
    assert read_pretraining_summary(str(out)) == summary
    learned = LEARNED_PATIENTS.read(Storage(out))
    assert learned["patient_key"].to_list() == [f"p{number:04d}" for number in range(8)]
    assert learned["part"].to_list() == ["train"] * 6 + ["validation"] * 2
    assert PRETEXT_METRICS.read(Storage(out))["step"].to_list() == [2, 4, 6]
    assert not (out / CHECKPOINT).parent.exists()


def test_tensors_are_those_of_the_encoder_beside_the_decoders(whole):
    out, _ = whole
    found = load_file(out / WEIGHTS)
    description = json.loads((out / DESCRIPTION).read_text())
    rebuilt = build_encoder(
        description["encoder"], width=description["width"], in_channels=description["in_channels"]
    )
    own = {name for name in found if not name.startswith(DECODER_PREFIX)}
    assert own == set(rebuilt.state_dict())
    assert len(found) > len(own)
    assert description["windows"] == [[40, 80], [80, 200], [400, 1200]]
    assert description["data_terms"] == ["synthetic"]


class KilledError(Exception):
    pass


DROPPING = EncoderConfig("torch.nn:Dropout", encoder_options={"p": 0.5})
"""An encoder that draws by itself."""


@pytest.mark.parametrize(
    ("options", "other"),
    [
        ({}, None),
        ({"precision": "bf16-mixed"}, None),
        ({"pretext": "contrastive"}, None),
        ({"pretext": "contrastive"}, DROPPING),
    ],
    ids=["shapes", "half", "contrastive", "dropout"],
)
@pytest.mark.parametrize("at", [1, 2, 5])
def test_resumed_equals_uninterrupted_to_the_byte(
    at, options, other, split_store, encoder, brief, tmp_path, monkeypatch
):
    encoder = other or encoder
    chosen = dataclasses.replace(brief, **options)
    run(split_store, encoder, chosen, tmp_path / "whole")
    steps = []
    take = fit_module._Loop.take

    def take_and_die(loop, loss, score):
        take(loop, loss, score)
        steps.append(loop.step)
        if len(steps) == at:
            raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(fit_module._Loop, "take", take_and_die)
        with pytest.raises(KilledError):
            run(split_store, encoder, chosen, tmp_path / "resumed")
        run(split_store, encoder, chosen, tmp_path / "resumed")
    assert steps[at:] == list(range(at // 2 * 2 + 1, 7))
    assert files(tmp_path / "resumed") == files(tmp_path / "whole")


def test_a_killed_process_is_gone_on_with(whole, split_store, encoder, brief, tmp_path):
    out = tmp_path / "resumed"
    script = (
        "import os, signal, sys\n"
        "from examwise.training.pretraining import fit\n"
        "from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig\n"
        "from examwise.training.pretraining.pretrain import pretrain\n"
        "take = fit._Loop.take\n"
        "def take_and_die(loop, loss, score):\n"
        "    take(loop, loss, score)\n"
        "    if loop.step == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "fit._Loop.take = take_and_die\n"
        "pretrain(stores=[sys.argv[1]], encoder=EncoderConfig(width=4), out=sys.argv[2],\n"
        "    pretraining=PretrainingConfig(steps=6, slices_per_step=4, keep_every=2,\n"
        "        precision='32-true', accelerator='cpu'))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, split_store, str(out)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (out / CHECKPOINT).is_file()
    assert not (out / WEIGHTS).exists()
    run(split_store, encoder, brief, out)
    assert files(out) == files(whole[0])


def test_workers_and_cache_change_nothing(whole, split_store, encoder, brief, tmp_path):
    run(split_store, encoder, dataclasses.replace(brief, n_workers=1, cache_mb=0), tmp_path / "a")
    assert files(tmp_path / "a") == files(whole[0])


def test_the_seed_changes_everything(whole, split_store, encoder, brief, tmp_path):
    run(split_store, encoder, dataclasses.replace(brief, seed=1), tmp_path / "a")
    assert files(tmp_path / "a")[WEIGHTS] != files(whole[0])[WEIGHTS]


def test_half_precision_is_the_same_rounded(whole, split_store, encoder, brief, tmp_path):
    run(split_store, encoder, dataclasses.replace(brief, half_precision=True), tmp_path / "a")
    wide, half = load_file(whole[0] / WEIGHTS), load_file(tmp_path / "a" / WEIGHTS)
    assert wide.keys() == half.keys()
    for name, value in wide.items():
        assert half[name].dtype == "float16"
        assert (half[name] == value.astype("float16")).all()


def test_a_finished_encoder_is_returned_at_once(whole, split_store, encoder, brief, monkeypatch):
    monkeypatch.setattr(fit_module, "fit", None)  # anything but a look at the files would fail
    assert run(split_store, encoder, brief, whole[0]) == whole[1]


def test_a_damaged_checkpoint_is_said(split_store, encoder, brief, tmp_path, monkeypatch):
    def die(loop, loss, score):
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(fit_module._Loop, "take", die)
        with pytest.raises(KilledError):
            run(split_store, encoder, brief, tmp_path / "a")
    Storage(tmp_path / "a").write(CHECKPOINT, b"no checkpoint")
    with pytest.raises(IntegrityError, match="delete the file"):
        run(split_store, encoder, brief, tmp_path / "a")


def test_a_loss_that_is_not_finite_is_refused(split_store, encoder, brief, tmp_path):
    options = dataclasses.replace(brief, learning_rate=1e30)
    with pytest.raises(InputError, match="expected a finite loss, got nan"):
        run(split_store, encoder, options, tmp_path / "a")
    assert not (tmp_path / "a" / WEIGHTS).exists()


def test_an_encoder_without_maps_is_refused_before_anything_is_written(
    split_store, brief, tmp_path
):
    without = EncoderConfig("torch.nn:AvgPool2d", encoder_options={"kernel_size": 4})
    with pytest.raises(InputError, match="gives maps of its stages"):
        run(split_store, without, brief, tmp_path / "a")
    assert not (tmp_path / "a").exists()
    options = dataclasses.replace(brief, pretext="contrastive")
    assert run(split_store, without, options, tmp_path / "a").steps == 6


def test_another_option_does_not_go_on(whole, split_store, encoder, brief, tmp_path):
    copied = Path(shutil.copytree(whole[0], tmp_path / "copy"))
    before = files(copied)
    with pytest.raises(InputError, match=r"configuration.pretraining.steps = 6, got 8"):
        run(split_store, encoder, dataclasses.replace(brief, steps=8), copied)
    assert files(copied) == before


def test_test_patients_are_never_read(split_store, encoder, brief, tmp_path, monkeypatch):
    read = set()
    read_slices = StoredExams.read_slices

    def spy(stored, exam_id, *arguments, **options):
        read.add(exam_id)
        return read_slices(stored, exam_id, *arguments, **options)

    monkeypatch.setattr(StoredExams, "read_slices", spy)
    run(split_store, encoder, dataclasses.replace(brief, slices_per_step=24), tmp_path / "a")
    assert read == {f"e{number:04d}" for number in range(8)}


def test_labels_make_no_difference(whole, split_store, encoder, brief, tmp_path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise AssertionError("labels were asked for")

    copied = Path(shutil.copytree(split_store, tmp_path / "store"))
    labels = LABELS.read(Storage(copied))
    LABELS.write(Storage(copied), labels.with_columns(value=1 - pl.col("value")))
    monkeypatch.setattr(JoinedStores, "labels", property(refuse))
    run(str(copied), encoder, brief, tmp_path / "a")
    assert files(tmp_path / "a") == files(whole[0])
