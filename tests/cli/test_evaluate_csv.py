import json

import numpy as np
import pytest

from examwise.cli.main import main

CANARY = "Zqxjwvbk"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two runs, two exams a patient, and identifiers that must not come out again."""
    folder = tmp_path_factory.mktemp("csv")
    draw = np.random.default_rng(0)
    base, exams, slices = draw.normal(size=60), [], []
    for run in ("weak", "strong"):
        own = 0.8 * base + 0.6 * draw.normal(size=60)
        for exam, label in enumerate(np.arange(60) % 2):
            p = 1 / (1 + np.exp(-own[exam] - 1.6 * label))
            exams.append(f"{CANARY}-e{exam},{CANARY}-p{exam // 2},{run},{p},{label}")
            for index in range(5):
                truth = int(label and index in (1, 2))
                p = 1 / (1 + np.exp(-draw.normal() - 1.5 * truth))
                slices.append(f"{CANARY}-e{exam},{run},{index},{p},{truth}")
    (folder / "exams.csv").write_text(
        "exam_id,patient_id,run,probability,label\n" + "\n".join(exams)
    )
    (folder / "slices.csv").write_text(
        "exam_id,run,slice_index,probability,label\n" + "\n".join(slices)
    )
    return folder


QUICK = ["--replicates", "40", "--permutations", "19"]


def evaluate(files, out, *more):
    words = ["evaluate", "--csv", files / "exams.csv", "--out", out, *QUICK, *more]
    return main([str(word) for word in words])


def test_predictions_made_elsewhere_become_evidence(files, tmp_path, capsys):
    out = tmp_path / "out"
    more = ("--csv-slices", files / "slices.csv", "--compare", "weak", "strong")
    question = ("--non-inferior", "weak", "strong", "--margin", "0.05", "--json")
    assert evaluate(files, out, *more, *question) == 0
    said = json.loads(capsys.readouterr().out)
    assert [row["run_id"] for row in said["exam_metrics"]] == ["strong", "weak"]
    (compared,) = said["comparisons"]
    assert (compared["run_id"], compared["variance"]) == ("weak", "obuchowski")
    (tested,) = said["non_inferiority"]
    assert not tested["is_frozen"]
    assert tested["difference"] == pytest.approx(compared["difference"])
    for name in ("tables/comparisons.tex", "tables/exam_metrics.csv", "tables/slice_metrics.csv"):
        assert (out / name).stat().st_size > 0
    assert (out / "checklist.md").exists()
    assert list((out / "figures").glob("*.svg"))
    for path in (path for path in out.rglob("*") if path.is_file()):
        assert CANARY.encode() not in path.read_bytes(), path.name


def test_what_is_said_names_nobody(files, tmp_path, capsys):
    assert evaluate(files, tmp_path / "out") == 0
    told = capsys.readouterr()
    assert CANARY not in told.out + told.err
    assert "strong against weak, given, any: AUC" in told.out


def test_a_finished_evaluation_is_left_alone_and_another_threshold_refused(files, tmp_path, capsys):
    out = tmp_path / "out"
    for _ in range(2):
        assert evaluate(files, out, "--quiet") == 0
    assert evaluate(files, out, "--quiet", "--csv-threshold", "0.3") == 2
    assert "another, or one that has changed since" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--store", "s"], "--store: expected predictions directories"),
        (["--compare", "weak"], "--compare: expected two runs each time"),
        (["--compare", "weak", "none"], "expected one of strong, weak"),
        (["--margin", "0.05"], "--non-inferior NEW REFERENCE together with --margin"),
        (["--non-inferior", "weak", "strong"], "together with --margin"),
        (["--non-inferior", "weak", "strong", "--margin", "0"], "margin"),
        (["--csv-threshold", "2"], "threshold: expected a probability"),
        (["somewhere"], "predictions directories, or --csv FILE, got both"),
    ],
)
def test_wrong_words_are_refused(files, tmp_path, capsys, more, told):
    assert evaluate(files, tmp_path / "out", *more) == 2
    assert told in capsys.readouterr().err


def test_something_must_be_evaluated(tmp_path, capsys):
    assert main(["evaluate", "--out", str(tmp_path / "out")]) == 2
    assert "got neither" in capsys.readouterr().err
    assert main(["evaluate", "x", "--csv-slices", "y", "--out", str(tmp_path / "out")]) == 2
    assert "--csv-slices: expected --csv beside it" in capsys.readouterr().err
