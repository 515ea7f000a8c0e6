from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from examwise.core.errors import InputError, IntegrityError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.schemas.run import LABEL_SET, LEARNED_PATIENTS
from examwise.core.storage import Storage
from examwise.data.joined_splits import read_joined_splits
from examwise.data.label_set import all_labels
from examwise.data.splits import read_splits, split_store, write_splits
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels
from examwise.models.config import ModelConfig
from examwise.models.files import load_model
from examwise.prediction.predict import predict_store
from examwise.training.config import TrainingConfig
from examwise.training.train import train_run

FINDINGS = ("any", "subdural")
KINDS = {"strong": "slice", "weak": "exam"}


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("prediction") / "s", n_exams=15)
    split_store(url)
    return url


@pytest.fixture(scope="module", params=["strong", "weak"])
def run(request, store, tmp_path_factory):
    learner = request.param
    out = str(tmp_path_factory.mktemp("run") / learner)
    stored = StoredExams(store)
    train_run(
        stores=[store],
        label_set=all_labels(stored, read_splits(store), FINDINGS, KINDS[learner]),
        learner=learner,
        model=ModelConfig(
            findings=FINDINGS, encoder="resnet10", width=4, embedding=8, attention_hidden=4
        ),
        training=TrainingConfig(steps=3, exams_per_step=4),
        out=out,
    )
    return out


def tables(out):
    storage = Storage(out)
    return PREDICTED_EXAMS.read(storage), PREDICTED_SLICES.read(storage)


def test_every_exam_and_slice_is_predicted_as_the_model_says(run, store, tmp_path):
    summary = predict_store(run=run, store=store, out=str(tmp_path / "p"), device="cpu")
    exams, slices = tables(tmp_path / "p")
    stored = StoredExams(store)
    assert summary.n_exams == 15
    assert summary.n_slices == stored.slices.height
    assert exams.height == 15 * 2
    assert slices.height == stored.slices.height * 2
    loaded = load_model(run)
    exam_id = "e0003"
    with torch.inference_mode():
        pixels = torch.from_numpy(stored.read_slices(exam_id))
        output = loaded.module(pixels, torch.tensor([len(pixels)]))
    for column, finding in enumerate(FINDINGS):
        chosen = (pl.col("exam_id") == exam_id) & (pl.col("finding") == finding)
        row = exams.filter(chosen).row(0, named=True)
        assert row["exam_logit"] == pytest.approx(float(output.exam_logits[0, column]), abs=1e-5)
        assert row["exam_probability"] == pytest.approx(1 / (1 + np.exp(-row["exam_logit"])))
        found = slices.filter(chosen).sort("slice_index")
        expected = output.slice_logits[:, column].numpy()
        assert np.allclose(found["slice_logit"].to_numpy(), expected, atol=1e-5)
    if output.attention_weights is None:
        assert slices["attention_weight"].null_count() == slices.height
        assert slices["attention_logit"].null_count() == slices.height
    else:
        sums = slices.group_by("exam_id", "finding").agg(pl.col("attention_weight").sum())
        assert np.allclose(sums["attention_weight"].to_numpy(), 1, atol=1e-5)


def test_truth_position_and_split_stand_beside_the_prediction(run, store, tmp_path):
    predict_store(run=run, store=store, out=str(tmp_path / "p"), device="cpu")
    exams, slices = tables(tmp_path / "p")
    stored = StoredExams(store)
    truth = exam_labels(stored, "subdural")["exam_label"].to_list()
    of_finding = exams.filter(pl.col("finding") == "subdural").sort("exam_id")
    assert of_finding["exam_label"].to_list() == truth
    truth = slice_labels(stored, "any")["slice_label"].to_list()
    of_finding = slices.filter(pl.col("finding") == "any").sort("exam_id", "slice_index")
    assert of_finding["slice_label"].to_list() == truth
    positions = stored.slices["relative_position"].to_list()
    assert of_finding["relative_position"].to_list() == positions
    splits = dict(read_splits(store).select("exam_id", "split").rows())
    assert all(splits[exam] == split for exam, split in exams.select("exam_id", "split").rows())
    assert exams["calibrated_probability"].null_count() == exams.height
    model = json.loads(Storage(run).read("model.json"))
    assert exams["run_id"].unique().to_list() == [model["run_id"]]
    for file in ("thresholds.json", "position_histogram.json"):
        assert Storage(tmp_path / "p").read(file) == Storage(run).read(file)


def test_batches_change_nothing_that_matters(run, store, tmp_path):
    for name, batch_slices in (("one", 1), ("many", 1000)):
        predict_store(
            run=run, store=store, out=str(tmp_path / name), batch_slices=batch_slices, device="cpu"
        )
    one, many = tables(tmp_path / "one"), tables(tmp_path / "many")
    for first, second in zip(one, many, strict=True):
        for column, dtype in first.schema.items():
            if dtype == pl.Float64 and not first[column].null_count():
                pair = first[column].to_numpy(), second[column].to_numpy()
                assert np.allclose(*pair, atol=1e-5)
            else:
                assert first[column].equals(second[column])


def test_predicting_twice_gives_the_same_bytes(run, store, tmp_path):
    for name in ("a", "b"):
        predict_store(run=run, store=store, out=str(tmp_path / name), device="cpu")
    for path in (tmp_path / "a").iterdir():
        if path.name != "provenance.json":
            assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_one_part_alone(run, store, tmp_path):
    out = str(tmp_path / "p")
    summary = predict_store(run=run, store=store, out=out, split="test", device="cpu")
    exams, _ = tables(out)
    assert exams["split"].unique().to_list() == ["test"]
    assert summary.n_exams == exams["exam_id"].n_unique() == 3
    assert predict_store(run=run, store=store, out=out, split="test", device="cpu") == summary
    with pytest.raises(InputError, match=r"go on with configuration\.split = test"):
        predict_store(run=run, store=store, out=out, split="train", device="cpu")


def test_a_store_without_parts_is_unseen(run, make_store, tmp_path):
    other = make_store(tmp_path / "s", n_exams=20, seed=5)
    out = f"memory://predictions-of-{Path(run).name}"
    predict_store(run=run, store=other, out=out, device="cpu")
    exams, _ = tables(out)
    learned = dict(LABEL_SET.read(Storage(run)).select("exam_id", "part").rows())
    assert set(learned.values()) == {"train", "validation"}
    for exam_id, split in exams.select("exam_id", "split").rows():
        assert split == learned.get(exam_id, "unseen")
    with pytest.raises(InputError, match="examwise split"):
        predict_store(run=run, store=other, out=str(tmp_path / "q"), split="test", device="cpu")


def test_other_exams_of_patients_it_has_learned_from_are_not_unseen(run, make_store, tmp_path):
    other = make_store(tmp_path / "s", n_exams=20, exams_per_patient=2)
    predict_store(run=run, store=other, out=str(tmp_path / "p"), device="cpu")
    exams, _ = tables(tmp_path / "p")
    learned = LABEL_SET.read(Storage(run))["exam_id"].unique()
    patients = exams.filter(pl.col("exam_id").is_in(learned.implode()))["patient_key"].unique()
    unseen = exams.filter(pl.col("split") == "unseen")
    assert unseen.height
    assert not set(unseen["patient_key"]) & set(patients)


def test_a_store_split_anew_does_not_turn_training_exams_into_test_exams(run, make_store, tmp_path):
    other = make_store(tmp_path / "s", n_exams=15)
    split_store(other, seed=1, fractions=(0.2, 0.2, 0.6))
    with pytest.raises(InputError, match="test patients that the run has not learned from"):
        predict_store(run=run, store=other, out=str(tmp_path / "q"), split="test", device="cpu")
    assert not (tmp_path / "q").exists()
    predict_store(run=run, store=other, out=str(tmp_path / "p"), device="cpu")
    exams, _ = tables(tmp_path / "p")
    learned = dict(LABEL_SET.read(Storage(run)).select("exam_id", "part").rows())
    assert all(learned[e] == s for e, s in exams.select("exam_id", "split").rows() if e in learned)


def test_another_matrix_is_refused(run, make_store, tmp_path):
    other = make_store(tmp_path / "s", n_exams=3, matrix=48)
    with pytest.raises(InputError, match=r"matrix of 32 × 32.*got 48 × 48 in 3 of 3 exams"):
        predict_store(run=run, store=other, out=str(tmp_path / "p"), device="cpu")
    assert not (tmp_path / "p").exists()


def test_what_is_no_run_part_or_store_is_refused(run, store, tmp_path):
    out = str(tmp_path / "p")
    with pytest.raises(InputError, match="a finished run directory"):
        predict_store(run=str(tmp_path / "none"), store=store, out=out)
    with pytest.raises(InputError, match="kind run, got one of kind exam-store"):
        predict_store(run=store, store=store, out=out)
    with pytest.raises(InputError, match="split: expected one of train, validation, test"):
        predict_store(run=run, store=store, out=out, split="tests")
    with pytest.raises(InputError, match="batch_slices"):
        predict_store(run=run, store=store, out=out, batch_slices=0)


DAMAGES = {
    "emptied": lambda data: b"",
    "cut off": lambda data: data[: len(data) // 2],
    "edited": lambda data: data[:-1] + b" ",
    "no text": lambda data: b"\xff" + data,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "file",
    [
        "model.json",
        "model.safetensors",
        "label_set.parquet",
        "thresholds.json",
        "position_histogram.json",
    ],
)
def test_a_run_that_has_changed_is_refused(run, store, tmp_path, file, damage):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / file).write_bytes(DAMAGES[damage]((copy / file).read_bytes()))
    with pytest.raises(IntegrityError, match=f"{file}: expected the file once written"):
        predict_store(run=str(copy), store=store, out=str(tmp_path / "p"), device="cpu")
    (copy / file).unlink()
    with pytest.raises(InputError, match=f"{file}: expected a file of this directory"):
        predict_store(run=str(copy), store=store, out=str(tmp_path / "p"), device="cpu")
    # Restored, the same command goes on.
    shutil.copy(Path(run, file), copy / file)
    predict_store(run=str(copy), store=store, out=str(tmp_path / "p"), device="cpu")


def test_finished_predictions_that_have_changed_are_refused(run, store, tmp_path):
    out = str(tmp_path / "p")
    predict_store(run=run, store=store, out=out, device="cpu")
    for file in ("exams.parquet", "slices.parquet", "thresholds.json", "position_histogram.json"):
        path = tmp_path / "p" / file
        data = path.read_bytes()
        path.write_bytes(data[:-1] + b" ")
        with pytest.raises(IntegrityError, match=f"{file}: expected the file once written"):
            predict_store(run=run, store=store, out=out, device="cpu")
        path.write_bytes(data)
    predict_store(run=run, store=store, out=out, device="cpu")


def test_damaged_pixels_are_named_by_exam(run, make_store, tmp_path):
    other = make_store(tmp_path / "s", n_exams=2)
    shard = tmp_path / "s" / "pixels.zarr" / "e0001" / "c" / "0" / "0" / "0"
    data = bytearray(shard.read_bytes())
    data[40] ^= 1
    shard.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match="e0001"):
        predict_store(
            run=run, store=other, out=str(tmp_path / "p"), allow_overlap=True, device="cpu"
        )


@pytest.fixture(scope="module")
def store_of_the_same_patients(store, tmp_path_factory):
    """Another store: other exams, of the patients p0000 to p0004 of the first one among others."""
    url = tmp_path_factory.mktemp("other") / "s"
    shutil.copytree(store, url)
    for file in ("exams.parquet", "slices.parquet", "labels.parquet"):
        table = pl.read_parquet(url / file).with_columns(exam_id=pl.lit("x") + pl.col("exam_id"))
        if "patient_key" in table.columns:
            other = pl.when(pl.col("patient_key") > "p0004").then(pl.lit("q")).otherwise(pl.lit(""))
            table = table.with_columns(patient_key=other + pl.col("patient_key"))
        table.write_parquet(url / file)
    (url / "splits.parquet").unlink()
    for folder in sorted((url / "pixels.zarr").glob("e*")):
        folder.rename(folder.with_name(f"x{folder.name}"))
    return str(url)


def test_patients_learned_from_in_another_store_are_refused_by_number(
    run, store, store_of_the_same_patients, tmp_path
):
    shared = {f"p{number:04d}" for number in range(5)}
    learned = LEARNED_PATIENTS.read(Storage(run))
    n_shared = len(shared & set(learned["patient_key"]))
    assert n_shared > 0
    out = str(tmp_path / "p")
    with pytest.raises(InputError, match=rf"got {n_shared} patients .* \(--allow-overlap\)"):
        predict_store(run=run, store=store_of_the_same_patients, out=out, device="cpu")
    assert not Path(out).exists()
    predict_store(
        run=run, store=store_of_the_same_patients, out=out, allow_overlap=True, device="cpu"
    )
    exams, _ = tables(out)
    part = dict(learned.rows())
    for patient, split in exams.select("patient_key", "split").rows():
        assert split == part.get(patient, "unseen")


def test_a_run_says_whose_labels_it_has_seen(run, store):
    splits = read_splits(store).filter(pl.col("split") != "test")
    expected = splits.select("patient_key", pl.col("split").alias("part")).unique()
    assert LEARNED_PATIENTS.read(Storage(run)).equals(expected.sort("patient_key"))


def test_terms_of_both_sides_stand_in_the_manifest(run, make_store, tmp_path):
    other = make_store(
        tmp_path / "s",
        n_exams=40,
        only=range(30, 33),
        data_terms="CQ500: CC BY-NC-SA 4.0",
        configuration={"key_id": "k1"},
    )
    found = predict_store(run=run, store=other, out=str(tmp_path / "p"), device="cpu")
    terms = {"learned_from": ["synthetic"], "predicted": ["CQ500: CC BY-NC-SA 4.0"]}
    assert found.data_terms == terms
    manifest = read_manifest(tmp_path / "p", kind="predictions")
    assert manifest.configuration["data_terms"] == terms
    assert manifest.configuration["key_id"] == "k1"
    # The run's store has no key on record, so nobody can tell whether patients are shared.
    assert not found.same_key


@pytest.fixture(scope="module")
def joined_run(make_store, tmp_path_factory):
    """Return a run and the two stores that it was trained on, of the same patients."""
    folder = tmp_path_factory.mktemp("joined")
    options = {"n_exams": 24, "exams_per_patient": 2, "configuration": {"key_id": "k1"}}
    whole = make_store(folder / "whole", **options)
    split_store(whole)
    urls = [
        make_store(folder / name, only=range(first, 24, 2), **options)
        for first, name in enumerate(("one", "other"))
    ]
    for url in urls:
        there = StoredExams(url).exams.select("exam_id")
        write_splits(url, read_splits(whole).join(there, on="exam_id"), options={})
    train_run(
        stores=urls,
        label_set=all_labels(JoinedStores(urls), read_joined_splits(urls), "any", "exam"),
        learner="weak",
        model=ModelConfig(encoder="resnet10", width=4, embedding=8, attention_hidden=4),
        training=TrainingConfig(steps=2, exams_per_step=4),
        out=str(folder / "run"),
    )
    return str(folder / "run"), urls


def test_every_store_of_a_joint_training_is_one_of_its_own(joined_run, tmp_path):
    run, urls = joined_run
    for place, url in enumerate(urls):
        found = predict_store(run=run, store=url, out=str(tmp_path / f"p{place}"), device="cpu")
        assert found.same_key
        assert found.n_exams == 12
        exams, _ = tables(tmp_path / f"p{place}")
        assert dict(exams.select("exam_id", "split").rows()) == dict(
            read_splits(url).select("exam_id", "split").rows()
        )


def test_another_store_of_the_same_patients_is_refused_after_a_joint_training(
    joined_run, make_store, tmp_path
):
    run, _ = joined_run
    # Exams of both of them and of no other: none of the stores that labels came from.
    mixed = make_store(
        tmp_path / "mixed",
        n_exams=24,
        only=range(0, 24, 3),
        exams_per_patient=2,
        configuration={"key_id": "k1"},
    )
    learned = LEARNED_PATIENTS.read(Storage(run))["patient_key"]
    patients = StoredExams(mixed).exams["patient_key"].unique()
    n_shared = patients.is_in(learned.implode()).sum()
    with pytest.raises(InputError, match=f"got {n_shared} patients from whom it has learned"):
        predict_store(run=run, store=mixed, out=str(tmp_path / "p"), device="cpu")
