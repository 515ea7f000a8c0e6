from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from examwise.core.errors import ExamwiseError, IntegrityError
from examwise.core.progress import SilentProgress
from examwise.reporting.contents import SaliencySection
from examwise.reporting.saliency_section import saliency_section
from examwise.reporting.study_files import read_study


@pytest.fixture(scope="module")
def section(explained_study: Path) -> SaliencySection:
    found = saliency_section(read_study(explained_study), progress=SilentProgress())
    assert found is not None
    return found


def test_a_study_without_explanations_has_no_section(study: Path) -> None:
    assert saliency_section(read_study(study), progress=SilentProgress()) is None


def test_every_explained_archive_has_its_slices_with_both_runs_side_by_side(
    section: SaliencySection,
) -> None:
    assert [part.title for part in section.parts] == ["In “test”", "In “elsewhere”, outside"]
    for part, truth in zip(section.parts, ("mask", "boxes"), strict=True):
        assert [one.title for one in part.slices] == ["Best", "Median", "Worst"]
        assert len({one.summary for one in part.slices}) == 3
        for one in part.slices:
            assert one.columns == 2
            assert [picture.name for picture in one.pictures] == [
                "Slice",
                f"Truth: {truth}",
                "Grad-CAM, strong",
                "Grad-CAM, weak",
                "h-Shap, strong",
                "h-Shap, weak",
            ]
            # Nothing lies over the first; all others differ.
            assert len({picture.image for picture in one.pictures}) == 6


def test_scores_and_comparisons_are_told(section: SaliencySection) -> None:
    part = section.parts[0]
    (table,) = part.tables
    assert [row[:2] for row in table.rows] == [
        ("Grad-CAM", "Strong"),
        ("Grad-CAM", "Weak"),
        ("h-Shap", "Strong"),
        ("h-Shap", "Weak"),
    ]
    said = " ".join(part.paragraphs)
    assert "Grad-CAM: no difference is shown between “strong” and" in said
    # The table holds weak less strong; the sentence turns the sign with the order.
    assert (
        "h-Shap: maps of the run “strong” lie closer to the masks than those "
        "of “weak” (pixel F1 +0.12 [+0.04, +0.20], p = 0.003; 10 slices of 5 patients)"
    ) in said
    assert [table.id for table in part.folded] == [
        "table-map-kinds-masks-0",
        "table-map-pairs-masks-0",
    ]


def test_maps_that_a_random_model_gives_as_well_are_called_out(section: SaliencySection) -> None:
    (warned,) = section.parts[0].callouts
    assert warned.startswith("Grad-CAM, weak: the maps of the same network with random")
    assert "look much the same" in warned
    assert "must not be read" in warned
    kept = [said for said in section.parts[0].paragraphs if "random weights" in said]
    assert len(kept) == 3


def test_explanations_other_than_the_evaluated_ones_are_refused(
    explained_study: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    shutil.copytree(explained_study, study)
    path = next((study / "explanations").glob("*/0/hshap/manifest.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seed": 9}))
    with pytest.raises(IntegrityError, match="explanations that were evaluated"):
        saliency_section(read_study(study), progress=SilentProgress())


def test_missing_maps_are_refused(explained_study: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    shutil.copytree(explained_study, study)
    for path in (study / "explanations").glob("*/0/hshap/maps/any/*.npy"):
        path.write_bytes(b"no array")
    with pytest.raises(ExamwiseError, match="the map of slice"):
        saliency_section(read_study(study), progress=SilentProgress())


def test_explanations_that_were_not_evaluated_are_left_out(
    explained_study: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    shutil.copytree(explained_study, study)
    path = study / "evaluation" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["inputs"] = {
        role: digest for role, digest in manifest["inputs"].items() if "explanations" not in role
    }
    path.write_text(json.dumps(manifest))
    assert saliency_section(read_study(study), progress=SilentProgress()) is None
