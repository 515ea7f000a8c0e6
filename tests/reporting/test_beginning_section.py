from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from examwise.reporting.beginning_section import beginning_section
from examwise.reporting.study_files import read_study


def test_a_study_from_scratch_has_none(study: Path) -> None:
    assert beginning_section(read_study(study)) is None


def test_first_weights_fine_tuning_and_references(full_study: Path) -> None:
    section = beginning_section(read_study(full_study))
    assert section is not None
    weights, frozen, tuned = section.paragraphs
    assert "an encoder pretrained without labels. Terms of all data that" in weights
    assert weights.endswith("learned from: synthetic.")
    assert frozen.startswith("In budgeted runs the encoder stays as it is: its features are")
    assert tuned.startswith("Fine-tuned: strong, spread and weak once more")
    assert "steps 120, learning rate 0.0004, random changes of images: flip, nothing kept" in tuned
    assert [point.partition(":")[0] for point in section.points] == [
        "Pooled",
        "Position only",
        "Pretext (m = 0)",
        "Mean HU (m = 0)",
    ]


def test_features_are_computed_anew_where_images_change(full_study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(full_study, tmp_path / "study")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["configuration"]["study"]["training"]["augmentation"] = "flip"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    section = beginning_section(read_study(copy))
    assert section is not None
    assert "computed once" not in " ".join(section.paragraphs)


@pytest.mark.parametrize("written", ["", "[]", "{}", '{"begins_from": {"weights": null}}'])
def test_runs_that_say_nothing_of_weights(full_study: Path, tmp_path: Path, written: str) -> None:
    copy = shutil.copytree(full_study, tmp_path / "study")
    for path in copy.glob("runs/*/model.json"):
        path.write_text(written)
    section = beginning_section(read_study(copy))
    assert section is not None
    assert not any("first weights of the encoder" in words for words in section.paragraphs)


def test_published_weights_have_terms_of_their_own(full_study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(full_study, tmp_path / "study")
    weights = {"source": "imagenet", "licence": "BSD", "description": "ImageNet weights"}
    for path in copy.glob("runs/*/model.json"):
        path.write_text(json.dumps({"begins_from": {"weights": weights}}))
    section = beginning_section(read_study(copy))
    assert section is not None
    assert section.paragraphs[0].endswith("ImageNet weights. Terms of these weights: BSD.")


def test_paths_are_left_out(full_study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(full_study, tmp_path / "study")
    said = {"begins_from": {"weights": {"description": "/archive/DOE^JANE"}}}
    for path in copy.glob("runs/*/model.json"):
        path.write_text(json.dumps(said))
    section = beginning_section(read_study(copy))
    assert section is not None
    assert "DOE" not in " ".join(section.paragraphs)
