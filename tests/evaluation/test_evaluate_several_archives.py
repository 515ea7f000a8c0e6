import shutil

import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.schemas.evaluation import (
    BUDGET_CURVE,
    EXAM_METRICS,
    RATIOS,
    ROC_POINTS,
    SLICE_METRICS,
)
from examwise.core.schemas.run import LABEL_SET
from examwise.core.schemas.study import RUNS
from examwise.core.storage import Storage
from examwise.evaluation.answer import ANSWER, Answer
from examwise.evaluation.evaluate_study import evaluate_study

N_EXAMS = {"inside": 120, "outside": 60, "elsewhere": 40}
FREE = {"mode": "label_free", "label_kind": "none", "acquisition": "none"}
SPREAD = {"label_kind": "slice", "acquisition": "spread"}
TUNED = {"mode": "fine_tuned"}
ARMS = (
    # Learner, repeats, budgets to distance between the classes, columns.
    ("strong", 3, {50: 0.6, 200: 1.2, 800: 2.2}, {}),
    ("strong", 2, {50: 0.9, 800: 2.4}, SPREAD),
    ("weak", 3, {10: 0.5, 40: 1.3, 160: 2.1}, {}),
    ("pooled", 1, {160: 1.0}, {}),
    ("weak", 1, {160: 2.8}, TUNED),
    ("mean_hu", 1, {0: 0.4}, FREE),
)


def runs_of(make_run):
    rows = []
    for learner, n_repeats, budgets, columns in ARMS:
        for budget, distance in budgets.items():
            for repeat in range(n_repeats):
                row = make_run(learner, budget, repeat, **columns)
                if row["mode"] == "label_free":
                    row |= dict.fromkeys(("n_exams_opened", "reader_actions"), 0)
                    row |= {"reader_hours": 0.0}
                row["run_id"] += f"-{row['mode']}-{row['acquisition']}"
                rows.append((row, distance))
    return rows


@pytest.fixture(scope="module")
def make_folder(make_run, make_predictions, make_exams):
    def make(folder, archives=tuple(N_EXAMS), labels_of=None):
        rows = runs_of(make_run)
        for number, archive in enumerate(archives):
            n_exams = N_EXAMS[archive]
            labels = np.arange(n_exams) % 2
            if labels_of and archive in labels_of:
                labels = np.full(n_exams, labels_of[archive])
            common = np.random.default_rng(number).normal(size=n_exams)
            where = folder if number == 0 else folder / "external" / str(number)
            for place, (row, distance) in enumerate(rows):
                own = np.random.default_rng([number, place]).normal(size=n_exams)
                exams = make_exams(
                    labels,
                    distance * labels + 0.9 * common + 0.4 * own,
                    run_id=row["run_id"],
                    learner=row["learner"],
                    archive=archive,
                    split="unseen" if number else "test",
                    exam_id=[f"{archive}-{i:03d}" for i in range(n_exams)],
                    patient_key=[f"{archive}-p{i:03d}" for i in range(n_exams)],
                )
                make_predictions(where / "predictions" / row["run_id"], exams)
        for row, _ in rows:
            names = [f"t{i}" for i in range(row["budget"])]
            later = ("slice_index", "seen_label", "weight")
            table = {"exam_id": names, **{name: [None] * len(names) for name in later}}
            parts = ["train"] * len(names)
            LABEL_SET.write(
                Storage(folder / "runs" / row["run_id"]), LABEL_SET.frame(table | {"part": parts})
            )
        RUNS.frame([row for row, _ in rows]).write_parquet(folder / RUNS.file)
        return folder

    return make


@pytest.fixture(scope="module")
def folder(tmp_path_factory, make_folder):
    return make_folder(tmp_path_factory.mktemp("several"))


def evaluate(folder, out, **options):
    options = {"target_auc": 0.8, "n_replicates": 80, "costs_given": True} | options
    return evaluate_study(str(folder), str(out), **options)


@pytest.fixture(scope="module")
def evaluated(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "evaluation"
    return evaluate(folder, out), Storage(out)


def test_every_archive_is_judged_by_itself(evaluated):
    answer, storage = evaluated
    assert [found.archive for found in answer.archives] == list(N_EXAMS)
    assert [found.is_external for found in answer.archives] == [False, True, True]
    assert [found.n_exams for found in answer.archives] == list(N_EXAMS.values())
    n_runs = len(BUDGET_CURVE.read(storage)) // 3
    for table in (EXAM_METRICS, ROC_POINTS, BUDGET_CURVE, RATIOS, SLICE_METRICS):
        # Never two of them together.
        assert set(table.read(storage)["archive"]) == set(N_EXAMS)
    curve = BUDGET_CURVE.read(storage)
    assert n_runs == sum(len(budgets) for _, _, budgets, _ in ARMS)
    assert curve.filter(pl.col("mode") == "label_free")["budget"].to_list() == [0, 0, 0]
    metrics = EXAM_METRICS.read(storage)
    tuned = curve.filter(pl.col("mode") == "fine_tuned").sort("archive")
    own = metrics.filter(pl.col("run_id").str.contains("fine_tuned")).sort("archive")
    assert tuned["mean_auc"].to_list() == pytest.approx(own["auc"].to_list())
    assert tuned["auc_lower"].to_list() == pytest.approx(own["auc_lower"].to_list())


def test_ratios_are_there_for_every_archive_way_of_drawing_and_unit(evaluated):
    answer, storage = evaluated
    ratios = RATIOS.read(storage)
    assert ratios.height == 3 * 2 * 3
    assert set(ratios["acquisition"]) == {"spread", "whole_exam"}
    for archive in answer.archives:
        assert [reading.acquisition for reading in archive.readings] == ["spread", "whole_exam"]
        assert all(list(r.cheaper) == ["hours", "actions", "labels"] for r in archive.readings)


def test_slices_are_evaluated_of_one_run_for_each_curve(evaluated, folder):
    _, storage = evaluated
    shown = set(SLICE_METRICS.read(storage)["run_id"])
    assert shown == {
        "strong-800-0-budgeted-whole_exam",
        "strong-800-0-budgeted-spread",
        "weak-160-0-budgeted-exam",
        "weak-160-0-fine_tuned-exam",
        "pooled-160-0-budgeted-exam",
        "mean_hu-0-0-label_free-none",
    }


def test_what_is_said_follows_from_the_study(evaluated):
    answer, _ = evaluated
    inside = "\n".join(answer.internal.cautions)
    assert "tried 2 to 3 times" in inside
    # All label sets of a budget are made the same here.
    assert "two of them share all with slice labels drawn spread over exams, all with" in inside
    assert "Fine-tuned (the encoder trained on as well), 160 exam labels" in inside
    for outside in answer.external:
        text = "\n".join(outside.cautions)
        assert "Fine-tuned (the encoder trained on as well), 160 exam labels" in text
        assert "tried 2 to 3 times with labels" not in text
    assert "Outside, each archive for itself, in reader hours: on " in answer.headline


def test_workers_and_order_change_no_byte(evaluated, folder, tmp_path):
    _, storage = evaluated
    evaluate(folder, tmp_path / "two", executor=make_executor(2))
    tables = [ANSWER, *(t.file for t in (EXAM_METRICS, ROC_POINTS, BUDGET_CURVE, RATIOS))]
    for file in (*tables, SLICE_METRICS.file, "manifest.json"):
        assert (tmp_path / "two" / file).read_bytes() == storage.read(file), file


def test_external_archives_change_nothing_inside(evaluated, folder, tmp_path):
    _, storage = evaluated
    shutil.copytree(folder, tmp_path / "alone", ignore=shutil.ignore_patterns("external"))
    answer = evaluate(tmp_path / "alone", tmp_path / "out")
    inside = pl.col("archive") == "inside"
    for table in (EXAM_METRICS, BUDGET_CURVE, RATIOS):
        assert table.read(Storage(tmp_path / "out")).equals(table.read(storage).filter(inside))
    assert answer.headline.endswith("whether this holds elsewhere is not known.")
    assert answer.internal == Answer.from_json(storage.read(ANSWER)).internal


def test_a_finished_evaluation_of_other_predictions_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "study")
    evaluate(tmp_path / "study", tmp_path / "out")
    shutil.rmtree(tmp_path / "study" / "external" / "2")
    with pytest.raises(InputError, match="choose another directory"):
        evaluate(tmp_path / "study", tmp_path / "out")


def test_an_external_archive_that_one_run_misses_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "study")
    run = "mean_hu-0-0-label_free-none"
    shutil.rmtree(tmp_path / "study" / "external" / "1" / "predictions" / run)
    with pytest.raises(InputError, match=f"external/1/predictions/{run}: expected a finished"):
        evaluate(tmp_path / "study", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_predictions_of_another_run_are_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "study")
    folders = tmp_path / "study" / "predictions"
    shutil.rmtree(folders / "pooled-160-0-budgeted-exam")
    name = "weak-160-0-budgeted-exam"
    shutil.copytree(folders / name, folders / "pooled-160-0-budgeted-exam")
    with pytest.raises(InputError, match="expected predictions of run pooled-160-0"):
        evaluate(tmp_path / "study", tmp_path / "out")


@pytest.mark.parametrize("archives", [("inside", "inside"), ("inside", "outside", "outside")])
def test_external_archives_of_one_name_are_refused(make_folder, tmp_path, archives):
    made = make_folder(tmp_path / "study", archives)
    with pytest.raises(InputError, match=r"expected one name of its own.*ingest\.archive_name"):
        evaluate(made, tmp_path / "out")


def test_an_external_archive_of_one_class_judges_nothing_and_says_so(make_folder, tmp_path):
    made = make_folder(
        tmp_path / "study", ("inside", "outside", "elsewhere"), labels_of={"outside": 0}
    )
    answer = evaluate(made, tmp_path / "out")
    outside = answer.external[0]
    assert (outside.n_exams, outside.n_positive, outside.readings, outside.table) == (60, 0, (), ())
    assert outside.cautions == (
        "Nothing can be judged on the archive 'outside': of its 60 exams with a label, 0 have the "
        "finding 'any', and an AUC needs some with and some without.",
    )
    assert "on 'outside' nothing can be judged" in answer.headline
    storage = Storage(tmp_path / "out")
    assert set(BUDGET_CURVE.read(storage)["archive"]) == {"inside", "elsewhere"}
    assert EXAM_METRICS.read(storage).filter(pl.col("archive") == "outside")["auc"].is_null().all()


def test_an_internal_archive_of_one_class_is_refused(make_folder, tmp_path):
    made = make_folder(tmp_path / "study", ("outside",), labels_of={"outside": 1})
    with pytest.raises(InputError, match="expected exams with and without any"):
        evaluate(made, tmp_path / "out")
    assert not (tmp_path / "out").exists()
