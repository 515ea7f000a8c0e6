from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.run import LEARNED_PATIENTS
from examwise.core.schemas.store import SPLITS
from examwise.core.storage import Storage
from examwise.data.joined_splits import read_joined_splits
from examwise.data.label_set import LabelSet, all_labels
from examwise.data.splits import read_splits, split_store, write_splits
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.training.train import train_run

KEY = {"key_id": "k1"}
KINDS = {"strong": "slice", "weak": "exam"}
SAME = (
    "model.safetensors",
    "metrics.parquet",
    "label_set.parquet",
    "learned_patients.parquet",
    "thresholds.json",
    "position_histogram.json",
)
"""Files of a run that do not name stores."""


@pytest.fixture(scope="module")
def stores(make_store, tmp_path_factory):
    """Return a store, and two others that have the same exams and parts between them."""
    folder = tmp_path_factory.mktemp("several")
    options = {"n_exams": 24, "matrix": 32, "configuration": KEY, "exams_per_patient": 2}
    whole = make_store(folder / "whole", **options)
    split_store(whole, fractions=(0.5, 0.25, 0.25))
    parts = []
    for name, only in (("one", range(0, 24, 2)), ("other", range(1, 24, 2))):
        url = make_store(folder / name, only=only, data_terms=f"{name}: terms", **options)
        there = StoredExams(url).exams.select("exam_id")
        write_splits(url, read_splits(whole).join(there, on="exam_id"), options={})
        parts.append(url)
    return whole, *parts


def labels_of(urls, learner):
    stored = JoinedStores(urls)
    return all_labels(stored, read_joined_splits(urls), "any", KINDS[learner])


@pytest.fixture
def train(small_model, short_training, tmp_path):
    def run(urls, name="run", *, learner="strong", label_set=None, progress=None):
        return train_run(
            stores=urls,
            label_set=label_set or labels_of(urls, learner),
            learner=learner,
            model=small_model,
            training=short_training,
            out=str(tmp_path / name),
            progress=progress,
        )

    return run


def content(folder, names=SAME):
    return {name: Path(folder, name).read_bytes() for name in names}


@pytest.mark.parametrize("learner", ["strong", "weak"])
def test_two_stores_train_the_same_model_as_one_with_the_same_exams(
    train, stores, tmp_path, learner
):
    whole, one, other = stores
    alone = train([whole], "alone", learner=learner)
    for name, urls in (("together", [one, other]), ("turned", [other, one])):
        joined = train(urls, name, learner=learner)
        assert content(tmp_path / name) == content(tmp_path / "alone")
        assert joined.run_id == alone.run_id
    together, turned = (tmp_path / name / "manifest.json" for name in ("together", "turned"))
    assert together.read_bytes() == turned.read_bytes()


def test_a_run_names_every_store_and_all_terms(train, stores, tmp_path):
    _, one, other = stores
    summary = train([one, other])
    assert summary.data_terms == ("one: terms", "other: terms")
    model = json.loads((tmp_path / "run/model.json").read_text())
    assert model["data_terms"] == ["one: terms", "other: terms"]
    assert model["key_id"] == "k1"
    assert len(model["labelled_exams"]) == 2
    manifest = read_manifest(tmp_path / "run", kind="run")
    assert set(manifest.inputs) == {"store/1", "store/2", "label_set"}
    patients = read_joined_splits([one, other]).filter(pl.col("split") != "test")["patient_key"]
    learned = LEARNED_PATIENTS.read(Storage(tmp_path / "run"))["patient_key"]
    assert learned.to_list() == patients.unique().sort().to_list()


def test_an_interrupted_run_goes_on_to_the_same_bytes(
    train, stores, tmp_path, interrupting, interruption
):
    urls = stores[1:]
    train(urls, "whole")
    with pytest.raises(interruption):
        train(urls, "cut", progress=interrupting(6))
    train(urls[::-1], "cut")
    names = (*SAME, "model.json", "manifest.json")
    assert content(tmp_path / "cut", names) == content(tmp_path / "whole", names)


def test_a_run_does_not_go_on_with_other_stores(train, stores):
    whole, one, other = stores
    train([one, other])
    with pytest.raises(InputError, match="with which it was begun"):
        train([whole])


@pytest.fixture
def further(make_store, tmp_path):
    """Return a function that writes a store of other patients."""

    def make(name, matrix=32, **options):
        url = make_store(
            tmp_path / name,
            n_exams=40,
            only=range(30, 40),
            matrix=matrix,
            configuration=KEY,
            **options,
        )
        split_store(url)
        return url

    return make


def test_different_matrices_are_refused_by_name(train, stores, further):
    labels = labels_of([stores[1]], "strong")
    other = further("wide", matrix=48)
    with pytest.raises(InputError, match=r"one matrix size .*ingest\.matrix") as caught:
        train([stores[1], other], label_set=labels)
    found = {stores[1]: "32 × 32", other: "48 × 48"}
    where, _, rest = str(caught.value).partition(": expected")
    order = where.split(", ")
    assert set(order) == set(found)
    assert f"got {found[order[0]]}, {found[order[1]]}, store by store" in rest


def test_a_store_without_any_label_of_a_finding_is_refused_by_name(train, stores, further):
    other = further("else", findings=["fracture"])
    with pytest.raises(InputError, match=r"labels of .*else: .*the finding any, got .*fracture"):
        train([stores[1], other])


def test_a_store_without_labels_of_the_kind_is_refused_by_name(train, stores, further):
    other = further("exams")
    path = Path(other, "labels.parquet")
    whole = [pl.lit(None, pl.Int32).alias(name) for name in ("slice_start", "slice_stop")]
    pl.read_parquet(path).with_columns(whole).write_parquet(path)
    with pytest.raises(InputError, match=r"labels of .*exams: expected labels of slices"):
        train([stores[1], other])
    assert train([stores[1], other], learner="weak").n_training_labels > 0


def test_patients_in_two_parts_are_refused_by_number(make_store, train, stores, tmp_path):
    _, one, _ = stores
    options = {"n_exams": 24, "matrix": 32, "configuration": KEY, "exams_per_patient": 2}
    other = make_store(tmp_path / "other", only=range(1, 24, 2), **options)
    turn = {"train": "test", "test": "train", "validation": "validation"}
    parts = dict(read_splits(one).select("patient_key", "split").rows())
    exams = StoredExams(other).exams.select("exam_id", "patient_key")
    turned = exams.with_columns(
        pl.Series("split", [turn[parts[patient]] for patient in exams["patient_key"]])
    )
    write_splits(other, SPLITS.validate(turned), options={})
    n_turned = sum(part != "validation" for part in parts.values())
    labels = labels_of([one], "strong")
    with pytest.raises(InputError, match=rf"got {n_turned} patients in several"):
        train([one, other], label_set=labels)


def test_a_test_patient_of_one_store_is_not_learned_from_in_another(
    make_store, train, stores, tmp_path
):
    _, one, _ = stores
    options = {"n_exams": 24, "matrix": 32, "configuration": KEY, "exams_per_patient": 2}
    unsplit = make_store(tmp_path / "unsplit", only=range(1, 24, 2), **options)
    rows = StoredExams(unsplit).exams.select(
        "exam_id", pl.lit(None, pl.Int32).alias("slice_index"), pl.lit("train").alias("part")
    )
    labels = labels_of([one], "weak").part("train")
    together = LabelSet("exam", pl.concat([labels.select(rows.columns), rows]))
    with pytest.raises(InputError, match="expected no exam of a test patient"):
        train([one, unsplit], learner="weak", label_set=together)
