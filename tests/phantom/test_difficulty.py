"""The default archive is not easy: no single number, and no position, gives the answer away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from sklearn.metrics import roc_auc_score

from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import RenderedExam, render_exam
from examwise.phantom.head.fields import head_fields
from examwise.phantom.patients import patient_numbers
from examwise.phantom.scanner.planes import mean_of_planes, slice_grid

CONFIG = PhantomConfig(n_exams=240, matrix=64, seed=2026)
_BINS = 20


@dataclass(frozen=True)
class Measured:
    positive: bool
    slices: np.ndarray
    dense_ml: float
    deep_dense_ml: float
    mean_hu: float


def _measure(exam: RenderedExam) -> Measured:
    series, scan = exam.series, exam.series.scan
    every = range(scan.n_slices)
    fields = head_fields(exam.study.patient.head, slice_grid(scan, CONFIG.matrix, every))
    inside = mean_of_planes((fields.cavity < 0).astype(np.float32)) > 0.5
    deep = mean_of_planes((fields.cavity < -5).astype(np.float32)) > 0.5
    hu = series.pixels_hu
    dense = (hu >= 50) & (hu <= 90)
    voxel_ml = scan.pixel_spacing_mm**2 * scan.slice_share_mm()[:, None, None] / 1_000
    slices = series.positive.any(axis=1)
    return Measured(
        positive=bool(slices.any()),
        slices=slices,
        dense_ml=float(((dense & inside) * voxel_ml).sum()),
        deep_dense_ml=float(((dense & deep) * voxel_ml).sum()),
        mean_hu=float(hu[inside].mean()),
    )


@pytest.fixture(scope="module")
def measured() -> list[Measured]:
    numbers = patient_numbers(CONFIG).tolist()
    return [_measure(render_exam(CONFIG, exam, patient)) for exam, patient in enumerate(numbers)]


def _auc(measured: list[Measured], values: list[float]) -> float:
    auc = roc_auc_score([exam.positive for exam in measured], values)
    return float(max(auc, 1 - auc))


def test_how_much_is_dense_does_not_tell(measured: list[Measured]) -> None:
    assert _auc(measured, [exam.dense_ml for exam in measured]) < 0.75
    # Away from the bone, whose rim hides much in the whole volume.
    assert _auc(measured, [exam.deep_dense_ml for exam in measured]) < 0.85


def test_mean_density_does_not_tell(measured: list[Measured]) -> None:
    assert _auc(measured, [exam.mean_hu for exam in measured]) < 0.75


def test_the_number_of_slices_does_not_tell(measured: list[Measured]) -> None:
    assert _auc(measured, [len(exam.slices) for exam in measured]) < 0.75


def test_position_tells_about_slices_as_much_as_in_real_archives(
    measured: list[Measured],
) -> None:
    def bins(exam: Measured) -> np.ndarray:
        return (np.arange(len(exam.slices)) / len(exam.slices) * _BINS).astype(int)

    learned, judged = measured[::2], measured[1::2]
    where = np.concatenate([bins(exam) for exam in learned])
    labels = np.concatenate([exam.slices for exam in learned])
    rate = gaussian_filter1d(
        np.bincount(where, labels, _BINS) / np.bincount(where, minlength=_BINS), 1.0
    )
    scores = np.concatenate([rate[bins(exam)] for exam in judged])
    truth = np.concatenate([exam.slices for exam in judged])
    assert 0.65 < roc_auc_score(truth, scores) < 0.80


def test_as_many_are_positive_as_in_the_rsna_archive(measured: list[Measured]) -> None:
    exams = np.mean([exam.positive for exam in measured])
    slices = np.mean(np.concatenate([exam.slices for exam in measured]))
    # 240 exams: standard errors are 0.03 and, as slices of an exam go together, 0.012.
    assert exams == pytest.approx(0.41, abs=0.07)
    assert slices == pytest.approx(0.14, abs=0.03)


def test_positive_slices_lie_in_runs_as_in_the_rsna_archive(measured: list[Measured]) -> None:
    positive = [exam.slices for exam in measured if exam.positive]
    runs = [int(np.sum(np.diff(slices.astype(int), prepend=0) == 1)) for slices in positive]
    assert 0.65 < np.mean(np.array(runs) == 1) < 0.92
    assert np.quantile(runs, 0.98) <= 4
    assert 0.2 < np.median([slices.mean() for slices in positive]) < 0.45
