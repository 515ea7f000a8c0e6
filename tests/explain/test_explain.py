from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from examwise.core.commits import CommitLog
from examwise.core.errors import InputError, IntegrityError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.explanations import (
    EXPLAINED_SLICES,
    RANDOMISED,
    SALIENCY_SCORES,
    SLICE_VALUES,
    maps_key,
)
from examwise.core.storage import Storage
from examwise.data.splits import read_splits
from examwise.explain import BAG_EXPLAINERS, IMAGE_EXPLAINERS
from examwise.explain.explain import TABLES, explain_store
from examwise.explain.explained_exam import ImageWork
from examwise.explain.explained_model import ExplainedModel
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_truth import StoredTruth
from examwise.metrics.saliency import map_scores

BRIEF = {
    "integrated_gradients": {"n_steps": 4},
    "occlusion": {"window_px": 8, "stride_px": 8},
    "hshap": {"min_size_px": 16},
}


def explain(run, store, out, method="gradcam", **options):
    options.setdefault("options", BRIEF.get(method))
    return explain_store(run, store, str(out), method=method, device="cpu", **options)


def tables(out) -> list[pl.DataFrame]:
    return [table.read(Storage(out)) for table in TABLES]


@pytest.mark.parametrize("method", IMAGE_EXPLAINERS)
@pytest.mark.parametrize("learner", ["strong", "weak"])
def test_every_method_that_explains_images(method, learner, annotated_store, request, tmp_path):
    run = request.getfixturevalue(learner)
    summary = explain(run, annotated_store, tmp_path, method, randomise=True, max_slices=5)
    slices, values, scores, randomised = tables(tmp_path)
    assert slices.height == randomised.height == summary.n_slices == 5
    assert values.is_empty()
    assert slices["method"].unique().to_list() == [method]
    assert slices["learner"].unique().to_list() == [learner]
    parts = dict(read_splits(annotated_store).select("exam_id", "split").iter_rows())
    assert {parts[exam_id] for exam_id in slices["exam_id"]} == {"test"}
    assert summary.n_left_out == sum(part != "test" for part in parts.values())
    stored = StoredExams(annotated_store)
    truth = StoredTruth(stored, "any")
    model = ExplainedModel.of_run(run, finding="any", device="cpu")
    n_truths = 0
    for (exam_id,), rows in slices.group_by("exam_id", maintain_order=True):
        maps = np.load(io.BytesIO(Storage(tmp_path).read(maps_key(exam_id, "any"))))
        indices = rows["slice_index"].to_list()
        assert rows["row"].to_list() == list(range(len(indices)))
        assert (maps.dtype, maps.shape) == (np.float32, (len(indices), 32, 32))
        said = model.slice_probabilities(torch.from_numpy(stored.read_slices(exam_id, indices)))
        assert rows["slice_probability"].to_numpy() == pytest.approx(said.numpy(), abs=1e-5)
        assert rows["slice_label"].to_list() == [1] * len(indices)
        for found in truth.of_exam(exam_id, indices):
            n_truths += 1
            expected = map_scores(maps[indices.index(found.slice_index)], found.inside)
            row = scores.filter(
                (pl.col("exam_id") == exam_id)
                & (pl.col("slice_index") == found.slice_index)
                & (pl.col("truth") == found.truth)
                & ~pl.col("is_randomised")
            ).row(0, named=True)
            assert {name: row[name] for name in vars(expected)} == vars(expected)
            assert row["kinds"] == ["subdural"]
            assert row["truth_pixels"] == 64
    assert scores.height == 2 * n_truths
    assert set(summary.scores) == set(scores["truth"])


@pytest.mark.parametrize("method", BAG_EXPLAINERS)
def test_every_method_that_explains_bags(method, annotated_store, weak, tmp_path):
    summary = explain(weak, annotated_store, tmp_path, method)
    slices, values, scores, randomised = tables(tmp_path)
    assert slices.height == scores.height == randomised.height == 0
    parts = read_splits(annotated_store).filter(pl.col("split") == "test")["exam_id"]
    stored = StoredExams(annotated_store)
    expected = stored.slices.filter(pl.col("exam_id").is_in(parts.to_list()))
    owner = ["exam_id", "slice_index"]
    assert values.select(owner).sort(owner).equals(expected.select(owner).sort(owner))
    assert summary.n_slices == values.height
    assert summary.evaluations_per_slice is None
    if method == "attention":
        sums = values.group_by("exam_id").agg(pl.col("value").sum())["value"]
        assert sums.to_list() == pytest.approx([1] * len(sums), abs=1e-5)


def test_the_same_bytes_again_whatever_the_batch(annotated_store, strong, tmp_path):
    for name in ("a", "b"):
        explain(strong, annotated_store, tmp_path / name, randomise=True)
    explain(strong, annotated_store, tmp_path / "small", randomise=True, batch_images=1)
    files = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        if path.name != "provenance.json":
            other = tmp_path / "b" / path.relative_to(tmp_path / "a")
            assert path.read_bytes() == other.read_bytes()
    for key in Storage(tmp_path / "a").list("maps"):
        one, other = (np.load(tmp_path / name / key) for name in ("a", "small"))
        assert one == pytest.approx(other, abs=1e-5)


def test_going_on_explains_what_is_missing(annotated_store, strong, tmp_path, monkeypatch):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    explain(strong, annotated_store, whole)
    explained: list[str] = []
    original = ImageWork.explain

    def explain_two(self, about, indices, labels):
        if len(explained) == 2:
            raise KeyboardInterrupt
        explained.append(about["exam_id"])
        return original(self, about, indices, labels)

    monkeypatch.setattr(ImageWork, "explain", explain_two)
    with pytest.raises(KeyboardInterrupt):
        explain(strong, annotated_store, cut)
    assert CommitLog(Storage(cut)).items() == [f"exams/{exam_id}" for exam_id in explained]
    with pytest.raises(InputError, match=r"go on with configuration\.max_slices = 200"):
        explain(strong, annotated_store, cut, max_slices=2)
    done = explained.copy()

    def explain_others(self, about, indices, labels):
        assert about["exam_id"] not in done
        return original(self, about, indices, labels)

    monkeypatch.setattr(ImageWork, "explain", explain_others)
    explain(strong, annotated_store, cut)
    for key in Storage(whole).list():
        if key != "provenance.json":
            assert Storage(whole).read(key) == Storage(cut).read(key)


def test_a_finished_directory_is_read_and_checked(annotated_store, strong, tmp_path, monkeypatch):
    summary = explain(strong, annotated_store, tmp_path)
    monkeypatch.setattr("examwise.explain.work.image_work", None)
    assert explain(strong, annotated_store, tmp_path) == summary
    Storage(tmp_path).write(RANDOMISED.file, b"others")
    with pytest.raises(IntegrityError, match="the file once written"):
        explain(strong, annotated_store, tmp_path)


def test_the_manifest_says_what_was_explained(annotated_store, strong, tmp_path):
    explain(strong, annotated_store, tmp_path / "maps", seed=3, background=40.0)
    manifest = read_manifest(tmp_path / "maps", kind="explanations")
    assert manifest.seed == 3
    assert manifest.configuration["background"] == 40.0
    assert manifest.configuration["data_terms"]["predicted"] == ["synthetic"]
    assert set(manifest.inputs) == {"run", "store"}
    explain(strong, annotated_store, tmp_path / "values", "hshap_bag")
    manifest = read_manifest(tmp_path / "values", kind="explanations")
    assert "slices" not in manifest.configuration


def test_another_store_is_explained_whole(other_store, strong, tmp_path):
    summary = explain(strong, other_store, tmp_path, slices="positive")
    slices = EXPLAINED_SLICES.read(Storage(tmp_path))
    assert set(slices["exam_id"]) == {"e0030", "e0033"}
    assert slices["archive"].unique().to_list() == ["other"]
    assert summary.scores == {}
    assert summary.n_left_out == 0


def test_slices_that_the_run_calls_positive(other_store, strong, tmp_path):
    explain(strong, other_store, tmp_path / "c", slices="called", max_slices=None)
    slices = EXPLAINED_SLICES.read(Storage(tmp_path / "c"))
    explain(strong, other_store, tmp_path / "p", "hshap_bag")
    everything = SLICE_VALUES.read(Storage(tmp_path / "p"))
    assert 0 < slices.height < everything.height
    lowest = slices["slice_probability"].min()
    stored = StoredExams(other_store)
    model = ExplainedModel.of_run(strong, finding="any", device="cpu")
    others = everything.join(slices, on=["exam_id", "slice_index"], how="anti")
    for exam_id, index in others.select("exam_id", "slice_index").iter_rows():
        pixels = torch.from_numpy(stored.read_slices(exam_id, [index]))
        assert float(model.slice_probabilities(pixels)) < lowest


def test_patients_that_the_run_has_learned_from_only_if_told(
    annotated_store, strong, make_store, tmp_path
):
    explain(strong, annotated_store, tmp_path / "t", split="train", max_slices=3)
    chosen = EXPLAINED_SLICES.read(Storage(tmp_path / "t"))["exam_id"].unique()
    parts = dict(read_splits(annotated_store).select("exam_id", "split").iter_rows())
    assert {parts[exam_id] for exam_id in chosen} == {"train"}
    store = str(tmp_path / "same patients")
    shutil.copytree(annotated_store, store)
    for file in ("splits.parquet", "splits.json"):
        Path(store, file).unlink()
    summary = explain(strong, store, tmp_path / "u", max_slices=4)
    chosen = EXPLAINED_SLICES.read(Storage(tmp_path / "u"))["exam_id"].unique()
    assert {parts[exam_id] for exam_id in chosen} == {"test"}
    assert summary.n_left_out == sum(part != "test" for part in parts.values())


def test_one_kind_of_finding(annotated_store, strong, tmp_path):
    summary = explain(strong, annotated_store, tmp_path, finding="subdural", max_slices=2)
    assert summary.finding == "subdural"
    scores = SALIENCY_SCORES.read(Storage(tmp_path))
    assert scores["kinds"].explode().unique().to_list() == ["subdural"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "gradcan"}, "method: expected one of gradcam"),
        ({"options": {"stages": 1}}, "options of gradcam: expected one of layer"),
        ({"options": {"layer": "nowhere"}}, "expected a part that makes maps"),
        ({"options": {"layer": 3}}, "layer: expected the name"),
        ({"finding": "epidural"}, "expected one of any, subdural, got epidural"),
        ({"slices": "some"}, "slices: expected one of annotated, positive, called"),
        ({"max_slices": 0}, "max_slices: expected at least 1"),
        ({"background": "black"}, "background: expected"),
        ({"background": float("nan")}, "background: expected"),
        ({"batch_images": 0}, "batch_images: expected at least 1"),
        ({"split": "tests"}, "split: expected one of train"),
        ({"method": "attention", "randomise": True}, "a method that explains images"),
        ({"method": "occlusion", "options": {"stride_px": 1.5}}, "expected a whole number"),
        ({"method": "occlusion", "options": {"window_px": 64}}, "a square within 32 × 32"),
        ({"method": "hshap", "options": {"cycle": 1}}, "expected true or false"),
        ({"method": "hshap", "options": {"threshold": "high"}}, "options? .*of hshap|threshold"),
    ],
)
def test_wrong_wishes_are_refused_and_can_be_mended(
    wrong, message, annotated_store, strong, tmp_path
):
    with pytest.raises(InputError, match=message):
        explain(strong, annotated_store, tmp_path, **{"options": None, **wrong})
    explain(strong, annotated_store, tmp_path, max_slices=1)


def test_what_cannot_be_explained_is_refused(
    annotated_store, other_store, strong, make_run, make_store, tmp_path
):
    with pytest.raises(InputError, match="slices to explain: annotated, of any, got none"):
        explain(strong, other_store, tmp_path / "a")
    small = make_store(tmp_path / "small", n_exams=42, matrix=16, only=range(40, 42))
    with pytest.raises(InputError, match="a matrix of 32 × 32"):
        explain(strong, small, tmp_path / "b")
    with pytest.raises(InputError, match="a model that pools by attention"):
        explain(strong, annotated_store, tmp_path / "c", "attention")
    position = make_run("position")
    with pytest.raises(InputError, match="a model that sees pixels"):
        explain(position, annotated_store, tmp_path / "d")
