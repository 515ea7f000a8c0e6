from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.reporting.evaluation_files import _slug, write_evaluation_files


@pytest.fixture(scope="module")
def evaluation(make_study: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = make_study(tmp_path_factory.mktemp("files") / "study", evidence=True)
    folder = study / "evaluation"
    write_evaluation_files(folder)
    return folder


def test_figures_are_written_as_svg_and_png(evaluation: Path) -> None:
    names = {path.name for path in (evaluation / "figures").iterdir()}
    stems = {name.rpartition(".")[0] for name in names}
    assert names == {f"{stem}.{end}" for stem in stems for end in ("svg", "png")}
    wanted = ("roc", "precision-recall", "calibration", "subgroups", "comparisons", "flow")
    assert stems == {f"{kind}-test" for kind in wanted}


def test_many_runs_have_several_figures(
    evaluation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(evaluation, tmp_path / "evaluation")
    shutil.rmtree(copy / "figures")
    monkeypatch.setattr("examwise.reporting.evaluation_files._MOST_RUNS", 1)
    write_evaluation_files(copy)
    first, second = ((copy / f"figures/roc-test{end}.svg").read_text() for end in ("", "-2"))
    assert "Strong: AUC 0.86" in first
    assert "Weak: AUC" not in first
    assert "Weak: AUC 0.81" in second


def test_svg_files_stand_alone(evaluation: Path) -> None:
    for path in (evaluation / "figures").glob("*.svg"):
        text = path.read_text()
        assert "var(--" not in text
        assert not re.findall(r"#0[0-9]0[0-9]0[0-9]\b", text), path.name
        assert "#0063a6" in text or path.name.startswith("flow")
        assert "<title>" in text


def test_png_files_are_on_white(evaluation: Path) -> None:
    image = pytest.importorskip("PIL.Image").open(evaluation / "figures/roc-test.png")
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_checklists_have_every_item(evaluation: Path) -> None:
    text = (evaluation / "checklist.md").read_text()
    claim, stard = text.split("## STARD 2015")
    items = re.findall(r"^\| (\d+[ab]?) \|", claim, re.MULTILINE)
    assert items == [str(number) for number in range(1, 45)]
    items = re.findall(r"^\| (\d+[ab]?) \|", stard, re.MULTILINE)
    assert len(items) == 34
    assert "AUC 0.86 [0.80, 0.92]" in claim
    assert "To be filled in by the authors" in claim
    assert "75 exams judged" in stard


def test_the_same_evaluation_gives_the_same_files(evaluation: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(evaluation, tmp_path / "evaluation")
    (copy / "checklist.md").unlink()
    write_evaluation_files(copy, figures=False)
    assert (copy / "checklist.md").read_bytes() == (evaluation / "checklist.md").read_bytes()


def test_an_evaluation_without_evidence_has_a_checklist_alone(study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(study / "evaluation", tmp_path / "evaluation")
    write_evaluation_files(copy)
    assert (copy / "checklist.md").exists()
    assert not (copy / "figures").exists()


def test_other_directories_are_refused(study: Path) -> None:
    with pytest.raises(InputError, match="evaluation"):
        write_evaluation_files(study)


@pytest.mark.parametrize("other", ["a-b", "a  b", "A b", "a + b"])
def test_names_that_look_alike_have_files_of_their_own(other: str) -> None:
    assert _slug("a b") != _slug(other)
