from __future__ import annotations

import pytest

from examwise.core.schemas.slice_evidence import SALIENCY_COMPARISONS
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.saliency_words import comparison_sentences

RUNS = [NamedRun("s", "Strong", 0), NamedRun("w", "Weak", 1)]


def compared(difference: float | None, p: float | None, **other: object) -> list[str]:
    limits = (None, None) if difference is None else (difference - 0.05, difference + 0.07)
    row = {
        "archive": "test",
        "finding": "any",
        "truth": "boxes",
        "measure": "pixel_f1",
        "run_id": "w",
        "method": "gradcam",
        "other_run_id": "s",
        "other_method": "gradcam",
        "n_slices": 0 if difference is None else 60,
        "n_patients": 0 if difference is None else 30,
        "difference": difference,
        "lower": limits[0],
        "upper": limits[1],
        "p": p,
        **other,
    }
    return list(comparison_sentences(SALIENCY_COMPARISONS.frame([row]), RUNS, truth="boxes"))


@pytest.mark.parametrize(
    ("difference", "p", "said"),
    [
        (
            0.1,
            0.0002,
            "Grad-CAM: maps of the run “weak” lie closer to the boxes than those of “strong” "
            "(pixel F1 +0.10 [+0.05, +0.17], p < 0.001; 60 slices of 30 patients).",
        ),
        (
            -0.1,
            0.04,
            "Grad-CAM: maps of the run “strong” lie closer to the boxes than those of “weak” "
            "(pixel F1 +0.10 [+0.03, +0.15], p = 0.040; 60 slices of 30 patients).",
        ),
        (
            0.01,
            0.6,
            "Grad-CAM: no difference is shown between “weak” and “strong” "
            "(pixel F1 +0.01 [−0.04, +0.08], p = 0.600; 60 slices of 30 patients).",
        ),
        (None, None, "Grad-CAM: no slice has maps of both runs with a score."),
    ],
)
def test_comparisons_in_words(difference: float | None, p: float | None, said: str) -> None:
    assert compared(difference, p) == [said]


@pytest.mark.parametrize(
    "other",
    [
        {"truth": "masks"},
        {"measure": "energy_inside"},
        {"other_method": "hshap"},
        {"run_id": "s", "other_method": "hshap"},
        {"run_id": "another"},
    ],
)
def test_other_comparisons_are_not_told(other: dict[str, object]) -> None:
    assert compared(0.1, 0.01, **other) == []
