from __future__ import annotations

from pathlib import Path

from examwise.reporting.study_files import read_study
from examwise.reporting.training_section import training_section


def test_runs_without_labels_are_no_trained_models(full_study: Path) -> None:
    said = " ".join(training_section(read_study(full_study)).paragraphs)
    assert said.startswith("24 models were trained, 2 of them with the encoder trained on as well")
    assert "each for 300 optimiser steps; 16 kept the weights" in said
    assert "in all other runs: Random changes of images: none." in said
    assert "Further channels show the same slice windowed to 200 HU about 80 HU." in said


def test_a_plain_study(study: Path) -> None:
    said = " ".join(training_section(read_study(study)).paragraphs)
    assert said.startswith("12 models were trained, each for 300")
    assert "the encoder trained on" not in said
    assert "Fine-tuning" not in said
