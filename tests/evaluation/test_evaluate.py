import filecmp
import json

import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError, IntegrityError
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.schemas.evaluation import (
    BUDGET_CURVE,
    EXAM_METRICS,
    RATIOS,
    ROC_POINTS,
    SLICE_METRICS,
)
from examwise.core.schemas.evidence import NON_INFERIORITY
from examwise.core.schemas.explanations import RANDOMISED, SALIENCY_SCORES, SLICE_VALUES
from examwise.core.stage import PROVENANCE, Stage
from examwise.core.storage import Storage
from examwise.evaluation.evaluate import evaluate_predictions
from examwise.evaluation.evaluate_study import evaluate_study
from examwise.evaluation.runs_together import NonInferiorityQuestion

OPTIONS = {"n_replicates": 60, "seed": 0}


class Listener:
    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)

    def track(self, title, total):
        from examwise.core.progress import SilentProgress

        return SilentProgress().track(title, total)


@pytest.fixture
def two_runs(tmp_path, make_exams, make_predictions):
    draw = np.random.default_rng(0)
    labels = np.arange(40) % 2
    return [
        make_predictions(
            tmp_path / run, make_exams(labels, draw.normal(size=40) + labels, run_id=run)
        )
        for run in ("r1", "r2")
    ]


def same_files(first, second):
    names = [key for key in Storage(first).list() if key != PROVENANCE]
    assert names == [key for key in Storage(second).list() if key != PROVENANCE]
    match, mismatch, errors = filecmp.cmpfiles(first, second, names, shallow=False)
    return not mismatch and not errors and len(match) == len(names)


def test_directories_become_tables(tmp_path, two_runs):
    out = tmp_path / "out"
    evaluate_predictions(two_runs, str(out), **OPTIONS)
    storage = Storage(out)
    assert EXAM_METRICS.read(storage)["run_id"].to_list() == ["r1", "r2"]
    assert SLICE_METRICS.read(storage).height == 12
    assert ROC_POINTS.read(storage)["run_id"].n_unique() == 2
    manifest = read_manifest(out, kind="evaluation")
    assert set(manifest.inputs) == {"predictions/r1", "predictions/r2"}
    assert manifest.configuration == {
        "compare": [["r1", "r2"]],
        "n_permutations": 1000,
        "n_replicates": 60,
        "non_inferior": None,
        "splits": ["test", "unseen"],
        "data_terms": {"learned_from": [], "predicted": []},
    }
    assert manifest.seed == 0


def test_order_makes_no_difference_to_any_byte(tmp_path, two_runs):
    evaluate_predictions(two_runs, str(tmp_path / "x"), **OPTIONS)
    evaluate_predictions(two_runs[::-1], str(tmp_path / "y"), **OPTIONS)
    assert same_files(tmp_path / "x", tmp_path / "y")


def test_a_finished_evaluation_is_left_alone_and_another_refused(tmp_path, two_runs):
    out = tmp_path / "out"
    evaluate_predictions(two_runs, str(out), **OPTIONS)
    before = (out / PROVENANCE).read_bytes()
    evaluate_predictions(two_runs, str(out), **OPTIONS)
    assert (out / PROVENANCE).read_bytes() == before
    with pytest.raises(InputError, match="choose another directory"):
        evaluate_predictions(two_runs, str(out), n_replicates=60, seed=1)
    with pytest.raises(InputError, match="choose another directory"):
        evaluate_predictions(two_runs[:1], str(out), **OPTIONS)


def test_exams_left_out_are_said(tmp_path, make_exams, make_predictions):
    splits = ["train"] * 3 + ["test"] * 9
    exams = make_exams([0, 1] * 6, list(range(12)), split=splits)
    listener = Listener()
    url = make_predictions(tmp_path / "a", exams)
    evaluate_predictions([url], str(tmp_path / "out"), **OPTIONS, progress=listener)
    assert listener.said == ["run r1: 3 exams left out because of their split"]
    assert EXAM_METRICS.read(Storage(tmp_path / "out"))["n_exams"].item() == 9


@pytest.mark.parametrize("file", [EXAM_METRICS.file, SLICE_METRICS.file, ROC_POINTS.file])
def test_a_finished_evaluation_that_has_changed_is_refused(tmp_path, two_runs, file):
    out = tmp_path / "out"
    evaluate_predictions(two_runs, str(out), **OPTIONS)
    (out / file).write_bytes(b"")
    with pytest.raises(IntegrityError, match=f"{file}: expected the file once written"):
        evaluate_predictions(two_runs, str(out), **OPTIONS)
    (out / file).unlink()
    with pytest.raises(InputError, match=f"{file}: expected a file of this directory"):
        evaluate_predictions(two_runs, str(out), **OPTIONS)


def test_exams_without_any_label_are_said_and_counted(tmp_path, make_exams, make_predictions):
    exams = make_exams([None] * 4, [0.0, 1.0, 2.0, 3.0])
    listener = Listener()
    url = make_predictions(tmp_path / "a", exams)
    evaluate_predictions([url], str(tmp_path / "out"), **OPTIONS, progress=listener)
    assert listener.said == [
        "run r1: no exam of here has a label for the finding 'any'; nothing can be said about "
        "how well it does there"
    ]
    row = EXAM_METRICS.read(Storage(tmp_path / "out")).row(0, named=True)
    assert (row["n_exams"], row["n_positive"]) == (0, 0)
    assert row["auc"] is None


def test_slices_labelled_differently_leave_no_finished_evaluation(
    tmp_path, make_exams, make_slices, make_predictions
):
    urls = []
    for run in ("r1", "r2"):
        exams = make_exams([0, 1], [0.0, 1.0], run_id=run)
        slices = make_slices(exams)
        if run == "r2":
            slices = slices.with_columns(slice_label=(1 - pl.col("slice_label")).cast(pl.Int8))
        urls.append(make_predictions(tmp_path / run, exams, slices))
    with pytest.raises(InputError, match="column slice_label"):
        evaluate_predictions(urls, str(tmp_path / "out"), **OPTIONS)
    assert not Storage(tmp_path / "out").exists(MANIFEST)


def test_refused_input_leaves_nothing_behind(tmp_path, two_runs):
    with pytest.raises(InputError):
        evaluate_predictions([*two_runs, two_runs[0]], str(tmp_path / "out"), **OPTIONS)
    with pytest.raises(InputError, match="n_replicates"):
        evaluate_predictions(two_runs, str(tmp_path / "out"), n_replicates=10)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory, make_study):
    folder = tmp_path_factory.mktemp("study")
    made = make_study(
        n_exams=160,
        n_repeats=2,
        budgets=((50, 200, 800), (10, 40, 160)),
        slope=0.08,
        noise=0.005,
    )
    return made.write(folder)


def answer(study_folder, out, **options):
    options = {"target_auc": 0.75, "costs_given": True, **OPTIONS, **options}
    return evaluate_study(study_folder, str(out), **options)


def test_a_study_becomes_an_answer(tmp_path, study_folder):
    found = answer(study_folder, tmp_path / "out")
    storage = Storage(tmp_path / "out")
    assert BUDGET_CURVE.read(storage).height == 6
    ratios = RATIOS.read(storage)
    assert ratios["unit"].to_list() == ["labels", "actions", "hours"]
    assert 2 < ratios["ratio"][0] < 12
    assert EXAM_METRICS.read(storage).height == 12
    # One run for each curve: slices take most of the time.
    assert SLICE_METRICS.read(storage)["run_id"].unique().sort().to_list() == [
        "strong-800-0",
        "weak-160-0",
    ]
    assert found.headline.startswith("In reader hours, ")
    assert json.loads(storage.read("answer.json"))["headline"] == found.headline
    assert found.external == ()
    (reading,) = found.internal.readings
    assert "to reach an AUC of 0.75 for the finding 'any'" in reading.sentence
    text = "\n".join(found.internal.cautions)
    assert "160 test exams (80 positive) of 160 patients" in text
    assert "tried 2 times" in text
    assert "5.00 slices on average" in text


def test_the_same_study_gives_the_same_bytes_and_a_finished_one_its_answer(tmp_path, study_folder):
    first = answer(study_folder, tmp_path / "x")
    answer(study_folder, tmp_path / "y")
    assert same_files(tmp_path / "x", tmp_path / "y")
    assert answer(study_folder, tmp_path / "x") == first


@pytest.mark.parametrize("file", ["answer.json", BUDGET_CURVE.file, RATIOS.file, EXAM_METRICS.file])
def test_a_finished_answer_that_has_changed_is_refused(tmp_path, study_folder, file):
    answer(study_folder, tmp_path / "out")
    path = tmp_path / "out" / file
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(IntegrityError, match=f"{file}: expected the file once written"):
        answer(study_folder, tmp_path / "out")


def test_other_targets_and_hours_are_other_evaluations(tmp_path, study_folder):
    answer(study_folder, tmp_path / "out")
    with pytest.raises(InputError, match="target_auc"):
        answer(study_folder, tmp_path / "out", target_auc=0.76)
    without = answer(study_folder, tmp_path / "without", costs_given=False)
    assert "hours" not in without.headline


def test_an_impossible_target_is_refused_before_anything_is_written(tmp_path, study_folder):
    with pytest.raises(InputError, match="target_auc"):
        answer(study_folder, tmp_path / "out", target_auc=75)
    assert not (tmp_path / "out").exists()


def test_a_run_without_predictions_is_refused(tmp_path, make_study):
    made = make_study(n_exams=20, n_repeats=1, budgets=((50,), (10,)))
    url = made.write(tmp_path / "study")
    (tmp_path / "study" / "predictions" / "weak-10-0" / MANIFEST).unlink()
    with pytest.raises(InputError, match="weak-10-0: expected a finished predictions"):
        answer(url, tmp_path / "out")


def test_a_study_without_runs_is_refused(tmp_path, make_study):
    made = make_study(n_exams=20, n_repeats=1, budgets=((50,), (10,)))
    (tmp_path / "study").mkdir()
    made.runs.head(0).write_parquet(tmp_path / "study" / "runs.parquet")
    with pytest.raises(InputError, match="at least one finished run"):
        answer(str(tmp_path / "study"), tmp_path / "out")
    with pytest.raises(InputError, match="no file"):
        answer(str(tmp_path), tmp_path / "out")


@pytest.mark.parametrize("wrong", [{"n_permutations": -1}, {"compare": [("r1", "r3")]}])
def test_what_is_refused_leaves_no_directory_begun(tmp_path, two_runs, wrong):
    with pytest.raises(InputError):
        evaluate_predictions(two_runs, str(tmp_path / "out"), **OPTIONS, **wrong)
    assert Storage(tmp_path / "out").list() == []


def test_explanations_of_a_run_that_is_not_evaluated_are_refused(tmp_path, two_runs):
    row = {"run_id": "r9", "learner": "weak", "method": "attention", "finding": "any"}
    stage = Stage.begin(tmp_path / "e", kind="explanations", configuration=row, inputs={}, seed=0)
    about = {"archive": "here", "exam_id": "e0000", "patient_key": "p0000", "slice_index": 0}
    for schema, rows in (
        (SALIENCY_SCORES, []),
        (RANDOMISED, []),
        (SLICE_VALUES, [{**row, **about, "value": 1.0}]),
    ):
        schema.write(stage.storage, schema.frame(rows))
    stage.finish(outputs=[SALIENCY_SCORES.file, RANDOMISED.file, SLICE_VALUES.file])
    with pytest.raises(InputError, match="expected those of r1, r2, got those of r9"):
        evaluate_predictions(
            two_runs, str(tmp_path / "out"), explanations=[str(tmp_path / "e")], **OPTIONS
        )


def test_archives_together_are_no_step_of_non_inferiority(tmp_path, make_exams, make_predictions):
    draw = np.random.default_rng(0)
    labels = np.arange(40) % 2
    urls = [
        make_predictions(
            tmp_path / run,
            make_exams(labels, draw.normal(size=40) + labels, run_id=run, archive=list("ab") * 20),
        )
        for run in ("r1", "r2")
    ]
    evaluate_predictions(
        urls,
        str(tmp_path / "out"),
        n_permutations=0,
        non_inferior=NonInferiorityQuestion("r1", "r2", 0.1),
        **OPTIONS,
    )
    found = NON_INFERIORITY.read(Storage(tmp_path / "out"))
    assert found.select("step", "archive").rows() == [(1, "a"), (2, "b")]
    assert "a + b" in EXAM_METRICS.read(Storage(tmp_path / "out"))["archive"]
