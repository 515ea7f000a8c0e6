import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from examwise.core.errors import InputError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.evaluation import EXAM_METRICS, ROC_POINTS, SLICE_METRICS
from examwise.core.storage import Storage
from examwise.evaluation.archives_together import with_archives_together
from examwise.evaluation.evaluate import evaluate_predictions
from examwise.evaluation.reading import EVALUATED_SPLITS, read_runs

LABELS = [0, 1, 0, 1]


@pytest.fixture
def two_archives(tmp_path, make_exams, make_predictions):
    """Return two directories of one run; the second archive has two patients of the first."""
    here = make_exams(LABELS, [0.0, 2.0, 1.0, 0.5])
    there = make_exams(
        LABELS,
        [3.0, 5.0, 4.0, 6.0],
        archive="there",
        exam_id=[f"x{i}" for i in range(4)],
        patient_key=["p0000", "p0001", "q2", "q3"],
    )
    urls = [
        make_predictions(tmp_path / name, exams)
        for name, exams in zip("ab", (here, there), strict=True)
    ]
    return urls, here, there


def test_archives_are_evaluated_each_for_itself_and_together(tmp_path, two_archives):
    urls, here, there = two_archives
    evaluate_predictions(urls, str(tmp_path / "out"), n_replicates=60)
    storage = Storage(tmp_path / "out")
    rows = {row["archive"]: row for row in EXAM_METRICS.read(storage).to_dicts()}
    assert set(rows) == {"here", "there", "here + there"}
    together = pl.concat([here, there])
    for archive, exams in (("here", here), ("there", there), ("here + there", together)):
        expected = roc_auc_score(exams["exam_label"], exams["exam_logit"])
        assert rows[archive]["auc"] == pytest.approx(expected)
        assert rows[archive]["n_exams"] == exams.height
        assert rows[archive]["n_patients"] == exams["patient_key"].n_unique()
    assert rows["here + there"]["n_patients"] == 6
    assert SLICE_METRICS.read(storage)["archive"].n_unique() == 3
    assert ROC_POINTS.read(storage)["archive"].n_unique() == 3
    inputs = read_manifest(tmp_path / "out", kind="evaluation").inputs
    assert set(inputs) == {"predictions/r1/1", "predictions/r1/2"}


def test_the_order_of_the_directories_makes_no_difference(tmp_path, two_archives):
    urls, _, _ = two_archives
    for name, order in (("one", urls), ("two", urls[::-1])):
        evaluate_predictions(order, str(tmp_path / name), n_replicates=60)
    for file in ("exam_metrics.parquet", "slice_metrics.parquet", "manifest.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_an_archive_without_labels_is_not_counted_in(make_exams):
    exams = make_exams([0, 1, None], [0.0] * 3, archive=["a", "b", "c"])
    assert with_archives_together(exams)["archive"].to_list() == ["a", "b", "c", "a + b", "a + b"]
    assert with_archives_together(exams[:1]).equals(exams[:1])


def test_a_patient_of_a_training_part_of_the_other_archive_is_refused_by_number(
    tmp_path, make_exams, make_predictions
):
    here = make_exams(LABELS, [0.0] * 4, split=["train", "validation", "test", "test"])
    there = make_exams(LABELS, [0.0] * 4, exam_id=[f"x{i}" for i in range(4)])
    urls = [
        make_predictions(tmp_path / name, exams)
        for name, exams in zip("ab", (here, there), strict=True)
    ]
    with pytest.raises(InputError, match="got 2 patients in such a part"):
        read_runs(urls, splits=EVALUATED_SPLITS)


def test_two_models_of_one_name_are_refused(tmp_path, make_exams, make_predictions):
    here = make_exams(LABELS, [0.0] * 4)
    there = make_exams(LABELS, [0.0] * 4, exam_id=list("wxyz"))
    other = {"any": {"threshold": 0.25, "source": "fixed"}}
    urls = [
        make_predictions(tmp_path / "a", here),
        make_predictions(tmp_path / "b", there, thresholds=other),
    ]
    with pytest.raises(InputError, match="one model behind run r1"):
        read_runs(urls, splits=EVALUATED_SPLITS)


def test_nothing_is_said_of_archives_of_different_keys_together(
    tmp_path, two_archives, make_predictions, make_exams
):
    _, here, there = two_archives
    urls = [
        make_predictions(tmp_path / key, exams, configuration={"key_id": key})
        for key, exams in (("k1", here), ("k2", there))
    ]
    evaluate_predictions(urls, str(tmp_path / "out"), n_replicates=60)
    assert EXAM_METRICS.read(Storage(tmp_path / "out"))["archive"].to_list() == ["here", "there"]


def test_terms_of_both_sides_are_carried_on(tmp_path, two_archives, make_predictions):
    _, here, there = two_archives
    terms = [
        {"learned_from": ["A: free"], "predicted": ["A: free"]},
        {"learned_from": ["A: free"], "predicted": ["B: non-commercial"]},
    ]
    urls = [
        make_predictions(tmp_path / f"t{place}", exams, configuration={"data_terms": own})
        for place, (exams, own) in enumerate(zip((here, there), terms, strict=True))
    ]
    evaluate_predictions(urls, str(tmp_path / "out"), n_replicates=60)
    found = read_manifest(tmp_path / "out", kind="evaluation").configuration["data_terms"]
    assert found == {"learned_from": ["A: free"], "predicted": ["A: free", "B: non-commercial"]}
