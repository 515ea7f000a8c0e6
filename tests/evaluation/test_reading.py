import polars as pl
import pytest

from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.schemas.predictions import (
    POSITION_HISTOGRAM,
    PREDICTED_EXAMS,
    PREDICTED_SLICES,
    THRESHOLDS,
)
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.evaluation.fitted_thresholds import FittedThreshold
from examwise.evaluation.reading import EVALUATED_SPLITS, read_runs


def read_run(url, splits=EVALUATED_SPLITS):
    (run,) = read_runs([url], splits=splits)
    return run


def test_reads_what_was_written(tmp_path, make_exams, make_predictions):
    exams = make_exams([0, 1], [0.0, 1.0])
    run = read_run(make_predictions(tmp_path / "a", exams))
    assert run.run_id == "r1"
    assert run.exams.equals(exams)
    assert run.thresholds == {"any": 0.5}
    assert run.histograms["any"].n_slices == 4
    assert run.read_slices().height == 10
    assert run.n_exams_left_out == 0


def test_rules_and_slice_thresholds_are_read(tmp_path, make_exams, make_predictions):
    exams = make_exams([0, 1], [0.0, 1.0])
    entry = {
        "threshold": 0.3,
        "source": "validation",
        "rules": {"youden": 0.3, "sensitivity_0.9": 0},
        "slice_threshold": 0.7,
    }
    run = read_run(make_predictions(tmp_path / "a", exams, thresholds={"any": entry}))
    rules = {"youden": 0.3, "sensitivity_0.9": 0.0}
    assert run.fitted == {"any": FittedThreshold(0.3, "validation", rules, 0.7)}
    assert run.thresholds == {"any": 0.3}


def test_exams_that_a_run_learned_from_are_left_out_with_their_slices(
    tmp_path, make_exams, make_predictions
):
    splits = ["train", "validation", "test", "unseen"]
    url = make_predictions(tmp_path / "a", make_exams([0, 1, 0, 1], [0.0] * 4, split=splits))
    run = read_run(url)
    assert run.exams["split"].to_list() == ["test", "unseen"]
    assert run.n_exams_left_out == 2
    assert run.read_slices()["exam_id"].unique().sort().to_list() == ["e0002", "e0003"]
    assert read_run(url, splits=["train"]).exams["split"].to_list() == ["train"]


def test_only_exams_learned_from_are_refused(tmp_path, make_exams, make_predictions):
    url = make_predictions(tmp_path / "a", make_exams([0, 1], [0.0] * 2, split="train"))
    with pytest.raises(InputError, match="splits test, unseen, got train"):
        read_run(url)


def test_the_digest_follows_every_file(tmp_path, make_exams, make_slices, make_predictions):
    exams = make_exams([0, 1], [0.0, 1.0])
    first = read_run(make_predictions(tmp_path / "a", exams)).inputs
    assert read_run(make_predictions(tmp_path / "b", exams)).inputs == first
    other_slices = make_predictions(tmp_path / "c", exams, make_slices(exams, seed=1))
    assert read_run(other_slices).inputs != first
    other_threshold = make_predictions(
        tmp_path / "d", exams, thresholds={"any": {"threshold": 0.1}}
    )
    assert read_run(other_threshold).inputs != first


def test_a_run_named_twice_is_refused(tmp_path, make_exams, make_predictions):
    exams = make_exams([0, 1], [0.0, 1.0])
    urls = [make_predictions(tmp_path / name, exams) for name in "ab"]
    with pytest.raises(InputError, match="run r1 a second time"):
        read_runs(urls, splits=EVALUATED_SPLITS)
    with pytest.raises(InputError, match="run r1 a second time"):
        read_runs([urls[0]] * 2, splits=EVALUATED_SPLITS)


def test_contradicting_labels_are_refused(tmp_path, make_exams, make_predictions):
    urls = [
        make_predictions(tmp_path / run, make_exams(labels, [0.0] * 3, run_id=run))
        for run, labels in (("r1", [0, 1, None]), ("r2", [None, 1, 1]), ("r3", [0, 1, 0]))
    ]
    assert [run.run_id for run in read_runs(urls[1::-1], splits=EVALUATED_SPLITS)] == ["r1", "r2"]
    with pytest.raises(InputError, match="1 that differ, the first for exam_id e0002"):
        read_runs(urls, splits=EVALUATED_SPLITS)


def test_no_directory_is_refused():
    with pytest.raises(InputError, match="at least one directory"):
        read_runs([], splits=EVALUATED_SPLITS)


@pytest.mark.parametrize(
    "columns",
    [
        {"run_id": ["r1", "r2"]},
        {"learner": ["weak", "strong"]},
    ],
)
def test_two_runs_in_one_directory_are_refused(tmp_path, make_exams, make_predictions, columns):
    exams = make_exams([0, 1], [0.0, 1.0], **columns)
    with pytest.raises(SchemaError, match="one run and learner"):
        read_run(make_predictions(tmp_path / "a", exams))


def test_an_exam_of_two_patients_is_refused(tmp_path, make_exams, make_predictions):
    one = make_exams([0], [0.0])
    two = make_exams([0], [0.0], finding="subdural", patient_key="other")
    with pytest.raises(SchemaError, match="one patient"):
        read_run(make_predictions(tmp_path / "a", pl.concat([one, two])))


def test_slices_of_unknown_exams_are_refused(tmp_path, make_exams, make_slices, make_predictions):
    exams = make_exams([0, 1], [0.0, 1.0])
    slices = make_slices(make_exams([0, 1, 1], [0.0] * 3))
    run = read_run(make_predictions(tmp_path / "a", exams, slices))
    with pytest.raises(SchemaError, match="got 5 others"):
        run.read_slices()


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (THRESHOLDS, b"{}", "threshold"),
        (THRESHOLDS, b'{"any": {"threshold": 1.5}}', "from 0 to 1"),
        (THRESHOLDS, b'{"any": {"threshold": true}}', "from 0 to 1"),
        (THRESHOLDS, b'{"any": 0.5}', "from 0 to 1"),
        (THRESHOLDS, b'{"any": {"threshold": 0.5, "rules": {"youden": 2}}}', "from 0 to 1"),
        (THRESHOLDS, b'{"any": {"threshold": 0.5, "rules": [0.5]}}', "from 0 to 1"),
        (THRESHOLDS, b'{"any": {"threshold": 0.5, "slice_threshold": "a"}}', "from 0 to 1"),
        (THRESHOLDS, b"[]", "JSON object"),
        (THRESHOLDS, b"{", "expected JSON"),
        (POSITION_HISTOGRAM, b'{"any": {"centers": [0.5]}}', "position_histogram.json, any"),
        (POSITION_HISTOGRAM, b'{"any": 1}', "position_histogram.json, any"),
        (THRESHOLDS, b"\xff", "expected JSON"),
        (PREDICTED_SLICES.file, b"no", "a Parquet table"),
        (PREDICTED_EXAMS.file, b"", "a Parquet table"),
    ],
)
def test_broken_files_are_named(tmp_path, make_exams, make_predictions, file, content, message):
    exams = make_exams([0, 1], [0.0, 1.0])
    url = make_predictions(tmp_path / "a", exams, contents={file: content})
    with pytest.raises(InputError, match=message) as caught:
        read_run(url).read_slices()
    assert file in str(caught.value)


FILES = (PREDICTED_EXAMS.file, PREDICTED_SLICES.file, THRESHOLDS, POSITION_HISTOGRAM)


@pytest.mark.parametrize("file", FILES)
def test_files_that_have_changed_are_refused(
    tmp_path, make_exams, make_slices, make_predictions, file
):
    exams = make_exams([0, 1], [0.0, 1.0])
    url = make_predictions(tmp_path / "a", exams)
    other = make_exams([0, 1], [1.0, 0.0])
    valid = make_predictions(
        tmp_path / "b",
        other,
        make_slices(other, seed=1),
        thresholds={"any": {"threshold": 0.1}},
        histogram=False,
    )
    for damaged in (b"", b"\xff", b"[1]", Storage(valid).read(file)):
        Storage(url).write(file, damaged)
        with pytest.raises(IntegrityError, match=f"{file}: expected the file once written"):
            read_run(url)


@pytest.mark.parametrize("file", FILES)
def test_missing_files_are_named(tmp_path, make_exams, make_predictions, file):
    url = make_predictions(tmp_path / "a", make_exams([0, 1], [0.0, 1.0]))
    Storage(url).delete(file)
    with pytest.raises(InputError, match=file):
        read_run(url)


def test_a_histogram_may_be_missing_by_finding(tmp_path, make_exams, make_predictions):
    exams = make_exams([0, 1], [0.0, 1.0])
    url = make_predictions(tmp_path / "a", exams, histogram=False)
    assert read_run(url).histograms == {"any": None}
    url = make_predictions(tmp_path / "b", exams, contents={POSITION_HISTOGRAM: b"{}"})
    assert read_run(url).histograms == {}


def test_other_directories_are_refused(tmp_path):
    with pytest.raises(InputError, match="a finished predictions directory"):
        read_run(str(tmp_path))
    Stage.begin(tmp_path / "run", kind="run", configuration={}, inputs={}, seed=0).finish()
    with pytest.raises(InputError, match="got one of kind run"):
        read_run(str(tmp_path / "run"))
