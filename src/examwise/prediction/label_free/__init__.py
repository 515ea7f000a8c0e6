"""Scores of exams without any label, by name: what learning from labels is to beat."""

from __future__ import annotations

from examwise.core.registry import Registry

PRETEXT = "pretext"

LABEL_FREE = Registry(
    "label-free score",
    {
        PRETEXT: "examwise.prediction.label_free.pretext:PretextScore",
        "mean_hu": "examwise.prediction.label_free.mean_hu:MeanHu",
    },
)
"""Each entry is called without arguments and returns a ``LabelFreeScore``."""
