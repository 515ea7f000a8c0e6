"""Made-up tables about slices, and explanations, for a study of made-up tables."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.manifest import MANIFEST
from examwise.core.schemas.annotations import BOXES, MASKS, mask_shard_key
from examwise.core.schemas.explanations import (
    EXPLAINED_SLICES,
    MEASURES,
    RANDOMISED,
    SALIENCY_SCORES,
    maps_key,
)
from examwise.core.schemas.findings import FINDINGS
from examwise.core.schemas.slice_evidence import (
    FROC_POINTS,
    POSITION_VERDICTS,
    RUN_LENGTH_RECALL,
    SALIENCY_COMPARISONS,
    SALIENCY_METRICS,
    SEQUENCE_METRICS,
)
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema
from examwise.imaging.shards import encode_mask
from examwise.imaging.stored_exams import StoredExams

METHODS = ("gradcam", "hshap")
QUALITY = {
    ("strong", "slice_probability"): 0.62,
    ("weak", "slice_probability"): 0.5,
    ("weak", "attention_weight"): 0.42,
    ("weak", "hshap"): 0.46,
    ("strong", "position_only"): 0.25,
    ("weak", "position_only"): 0.22,
}
"""Of made-up scores of slices."""
_DIFFERENCES = {"slice_probability": 0.15, "attention_weight": -0.02, "hshap": 0.03}
_RULES = {"slice_probability": "validation", "attention_weight": "even"}

Rows = dict[TableSchema, list[dict[str, Any]]]


def limits(name: str, value: float, half: float = 0.07) -> dict[str, float]:
    """A value with its limits, within 0 and 1."""
    value = min(max(value, 0.0), 1.0)
    low, high = max(0.0, value - half), min(1.0, value + half)
    return {name: value, f"{name}_lower": low, f"{name}_upper": high}


def slice_frames(
    runs: Sequence[tuple[str, str]], archives: Sequence[str]
) -> dict[TableSchema, pl.DataFrame]:
    """Make the tables about slices.

    Args:
        runs: Run and learner.
        archives: The internal one first.
    """
    schemas = (POSITION_VERDICTS, SEQUENCE_METRICS, RUN_LENGTH_RECALL, FROC_POINTS)
    rows: Rows = {schema: [] for schema in schemas}
    for place, archive in enumerate(archives):
        for run_id, learner in runs:
            for (of, estimator), quality in QUALITY.items():
                if of != learner:
                    continue
                named = {"run_id": run_id, "archive": archive, "finding": "any"}
                named |= {"estimator": estimator}
                _add_verdicts(rows, named)
                named |= {"learner": learner}
                _add_sequences(rows, named, quality - 0.04 * place)
    return {schema: schema.frame(found) for schema, found in rows.items()}


def _add_verdicts(rows: Rows, named: Mapping[str, Any]) -> None:
    difference = _DIFFERENCES.get(named["estimator"])
    if difference is None:
        return
    for within, less in (("all", 0.0), ("positive_exams", 0.01)):
        value = difference - less
        judged = "better" if value > 0.05 else "unsettled" if value > 0 else "not_better"
        rows[POSITION_VERDICTS].append(
            {
                **named,
                "within": within,
                "difference": value,
                "lower": value - 0.05,
                "upper": value + 0.05,
                "verdict": judged,
            }
        )


def _add_sequences(rows: Rows, named: Mapping[str, Any], quality: float) -> None:
    own = _RULES.get(named["estimator"], "validation")
    for rule, more in ((own, 0.0), ("youden_on_test", 0.03)):
        for offset in (0, 1, 2):
            for length in range(1, 7):
                recall = quality + 0.1 * offset + more - 0.05 * (length - 1)
                precision = quality + 0.05 * offset + 0.05 * (length - 1)
                f1 = quality + 0.05 * offset + more - 0.02 * abs(length - 2)
                rows[SEQUENCE_METRICS].append(
                    {
                        **named,
                        "threshold_rule": rule,
                        "threshold": 0.37,
                        "offset": offset,
                        "min_length": length,
                        "is_chosen": length == 2,
                        "n_patients": 14,
                        "n_exams": 14,
                        "n_true_runs": 64,
                        "n_hit_runs": round(64 * max(0.0, recall)),
                        "n_predicted_runs": 70 - 5 * length,
                        **limits("recall", recall),
                        **limits("precision", precision),
                        **limits("mean_f1", f1, 0.05),
                    }
                )
    for offset in (0, 1, 2):
        rows[RUN_LENGTH_RECALL] += [
            {
                **named,
                "offset": offset,
                "run_length": length,
                "n_true_runs": 12,
                **limits("recall", quality - 0.2 + 0.06 * length + 0.05 * offset, 0.12),
            }
            for length in range(1, 9)
        ]
    rows[FROC_POINTS] += [
        {
            **named,
            "false_positives_per_exam": alarms,
            **limits("sensitivity", quality + 0.09 * float(np.log2(alarms))),
        }
        for alarms in (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    ]


def explain_study(
    study: Path, runs: Sequence[tuple[str, str]], archives: Sequence[str], truths: Sequence[str]
) -> None:
    """Add slices' tables and explanations to a study, and annotations to its stores.

    Args:
        study: The study, evaluated.
        runs: Run and learner of both ways of labelling.
        archives: The internal one first.
        truths: What each archive has: ``boxes``, ``masks`` or neither.
    """
    evaluation = Storage(f"{study}/evaluation")
    frames = slice_frames(runs, archives)
    inputs: dict[str, str] = {}
    scores = []
    for number, (archive, truth) in enumerate(zip(archives, truths, strict=True)):
        if not truth:
            continue
        store = StoredExams(study / ("store" if number == 0 else f"external/{number}/store"))
        annotate(store, truth)
        for place, (run_id, learner) in enumerate(runs):
            for method in METHODS:
                folder = f"explanations/{run_id}/{number}/{method}"
                named = {"run_id": run_id, "learner": learner, "archive": archive}
                named |= {"finding": "any", "method": method}
                blur = 2.0 + 3.0 * place + (4.0 if method == "gradcam" else 0.0)
                scores += _explain(study / folder, store, named, truth=truth, blur=blur)
                inputs[folder] = "sha256:" + sha256_hex((study / folder / MANIFEST).read_bytes())
    frames[SALIENCY_METRICS] = _metrics(scores)
    frames[SALIENCY_COMPARISONS] = _comparisons(scores, runs)
    for schema, frame in frames.items():
        schema.write(evaluation, frame)
    manifest = json.loads(evaluation.read(MANIFEST))
    manifest["outputs"] |= {
        schema.file: sha256_hex(evaluation.read(schema.file)) for schema in frames
    }
    manifest["inputs"] |= inputs
    evaluation.write(MANIFEST, json.dumps(manifest).encode())


def positive_slices(store: StoredExams) -> list[tuple[str, str, int]]:
    """Patient, exam and number of every positive slice."""
    of_slices = store.labels.filter(finding="any", value=1).drop_nulls("slice_start")
    positive = of_slices.sort("exam_id", "slice_start")
    patients = dict(store.exams.select("exam_id", "patient_key").rows())
    return [
        (patients[exam_id], exam_id, index)
        for exam_id, index in positive.select("exam_id", "slice_start").rows()
    ]


def _bleed(store: StoredExams, exam_id: str, index: int) -> npt.NDArray[np.bool_]:
    """Where a made-up store's exam is bright."""
    _, rows, _ = store.shape(exam_id)
    found = np.zeros((rows, rows), bool)
    found[rows // 4 : rows // 2, rows // 4 : rows // 2] = True
    return found


def annotate(store: StoredExams, truth: str) -> None:
    """Give a made-up store boxes or masks of what is bright in it."""
    slices = positive_slices(store)
    if truth == "boxes":
        size = store.shape(slices[0][1])[1] / 4
        place = {"x": size, "y": size, "width": size, "height": size}
        rows = [
            {"exam_id": exam_id, "slice_index": index, "box_index": 0, "finding": "subdural"}
            | place
            | {"chronic": False, "source": "test"}
            for _, exam_id, index in slices
        ]
        BOXES.write(store.storage, BOXES.frame(rows))
        return
    for exam_id in dict.fromkeys(exam_id for _, exam_id, _ in slices):
        mask = np.zeros(store.shape(exam_id), np.uint8)
        for _, of, index in slices:
            if of == exam_id:
                mask[index][_bleed(store, exam_id, index)] = 0b100001
        coded = encode_mask(mask, FINDINGS, None)
        store.storage.write(f"{MASKS}/{exam_id}/zarr.json", coded.metadata)
        store.storage.write(mask_shard_key(exam_id), coded.shard)


def _explain(
    folder: Path, store: StoredExams, named: Mapping[str, Any], *, truth: str, blur: float
) -> list[dict[str, Any]]:
    stage = Stage.begin(folder, kind="explanations", configuration={}, inputs={}, seed=0)
    explained, scores, randomised = [], [], []
    maps: dict[str, list[npt.NDArray[np.float32]]] = {}
    for number, (patient, exam_id, index) in enumerate(positive_slices(store)):
        of_exam = maps.setdefault(exam_id, [])
        one = {**named, "patient_key": patient, "exam_id": exam_id, "slice_index": index}
        explained.append(
            {
                **one,
                "row": len(of_exam),
                "slice_probability": 0.8,
                "slice_label": 1,
                "n_evaluations": 40,
            }
        )
        of_exam.append(_map(store.shape(exam_id)[1], blur))
        randomised.append({**one, "similarity": 0.1 if blur < 8 else 0.7})
        for is_randomised, level in ((False, 0.7 - 0.04 * blur), (True, 0.3)):
            value = min(1.0, max(0.0, level + 0.02 * (number % 7 - 3)))
            scores.append(
                {
                    **one,
                    "truth": truth,
                    "kinds": ["any", "subdural"],
                    "is_randomised": is_randomised,
                    "truth_pixels": 64,
                    **dict.fromkeys(MEASURES, value),
                }
            )
    for exam_id, of_exam in maps.items():
        buffer = io.BytesIO()
        np.save(buffer, np.stack(of_exam))
        stage.storage.write(maps_key(exam_id, "any"), buffer.getvalue())
    found = {EXPLAINED_SLICES: explained, SALIENCY_SCORES: scores, RANDOMISED: randomised}
    for schema, rows in found.items():
        schema.write(stage.storage, schema.frame(rows))
    stage.finish(outputs=[schema.file for schema in found])
    return scores


def _map(size: int, blur: float) -> npt.NDArray[np.float32]:
    row, column = np.mgrid[:size, :size]
    middle = size * 0.375
    distance = (row - middle) ** 2 + (column - middle) ** 2
    found = np.exp(-distance / (2 * (blur * size / 48) ** 2)).astype(np.float32)
    found[0, 0] = np.nan
    return found


def _metrics(scores: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    frame = pl.DataFrame(scores)
    own = ["run_id", "learner", "archive", "finding", "method", "truth"]
    rows = []
    for key, group in frame.group_by(own, maintain_order=True):
        trained = group.filter(~pl.col("is_randomised"))
        random = group.filter(pl.col("is_randomised"))
        for kind in ("all", "subdural"):
            for measure in MEASURES:
                mean = float(trained[measure].mean())
                rows.append(
                    {
                        **dict(zip(own, key, strict=True)),
                        "kind": kind,
                        "measure": measure,
                        "n_slices": trained.height,
                        "n_patients": trained["patient_key"].n_unique(),
                        "mean": mean,
                        "lower": max(0.0, mean - 0.08),
                        "upper": min(1.0, mean + 0.08),
                        "mean_of_random_weights": float(random[measure].mean()),
                    }
                )
    return SALIENCY_METRICS.frame(rows)


def _comparisons(
    scores: Sequence[Mapping[str, Any]], runs: Sequence[tuple[str, str]]
) -> pl.DataFrame:
    return SALIENCY_COMPARISONS.frame(list(_compared(scores, runs)))


def _compared(
    scores: Sequence[Mapping[str, Any]], runs: Sequence[tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    places = sorted({(row["archive"], row["truth"]) for row in scores})
    for archive, truth in places:
        for number, method in enumerate(METHODS):
            for measure in MEASURES:
                yield {
                    "archive": archive,
                    "finding": "any",
                    "truth": truth,
                    "measure": measure,
                    "run_id": runs[1][0],
                    "method": method,
                    "other_run_id": runs[0][0],
                    "other_method": method,
                    "n_slices": 10,
                    "n_patients": 5,
                    "difference": -0.12 if number else -0.02,
                    "lower": -0.2 if number else -0.1,
                    "upper": -0.04 if number else 0.06,
                    "p": 0.003 if number else 0.4,
                }
