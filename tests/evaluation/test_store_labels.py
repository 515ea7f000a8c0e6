import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.evaluation import EXAM_METRICS, SLICE_METRICS
from examwise.core.schemas.store import LABELS
from examwise.core.storage import Storage
from examwise.evaluation.evaluate import evaluate_predictions
from examwise.evaluation.store_labels import StoreLabels
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels

KEY = {"key_id": "k1"}


@pytest.fixture
def stores(make_store, tmp_path):
    options = {"n_exams": 8, "matrix": 8, "configuration": KEY}
    return [
        make_store(tmp_path / name, only=only, archive=name, **options)
        for name, only in (("a", range(4)), ("b", range(4, 8)))
    ]


@pytest.fixture
def predicted(stores, make_exams, make_slices):
    """Predictions of both stores without any label."""
    exams = pl.concat(StoredExams(url).exams for url in stores).sort("exam_id")
    found = make_exams(
        [None] * exams.height,
        [float(number) for number in range(exams.height)],
        **{name: exams[name].to_list() for name in ("exam_id", "patient_key", "archive")},
    )
    slices = [
        make_slices(found[row : row + 1], n_slices=n_slices)
        for row, n_slices in enumerate(exams["n_slices"])
    ]
    return found, pl.concat(slices)


def test_labels_are_those_of_the_stores(stores, predicted):
    labels = StoreLabels(stores)
    exams, slices = predicted
    expected = pl.concat(exam_labels(StoredExams(url), "any") for url in stores)
    found = labels.of_exams(exams)
    assert found.select("exam_id", "exam_label").equals(expected)
    assert found.drop("exam_label").equals(exams.drop("exam_label"))
    expected = pl.concat(slice_labels(StoredExams(url), "any") for url in stores)
    found = labels.of_slices(slices)
    assert found.select("exam_id", "slice_index", "slice_label").equals(expected)
    assert found.drop("slice_label").equals(slices.drop("slice_label"))


def test_labels_added_later_count(stores, predicted, make_predictions, tmp_path):
    exams, slices = predicted
    url = make_predictions(tmp_path / "p", exams, slices)
    evaluate_predictions([url], str(tmp_path / "before"), n_replicates=60)
    assert EXAM_METRICS.read(Storage(tmp_path / "before"))["n_exams"].sum() == 0
    evaluate_predictions([url], str(tmp_path / "now"), n_replicates=60, stores=stores)
    now = EXAM_METRICS.read(Storage(tmp_path / "now"))
    assert dict(now.select("archive", "n_positive").rows()) == {"a": 2, "b": 1, "a + b": 3}
    assert SLICE_METRICS.read(Storage(tmp_path / "now"))["n_positive"].min() > 0
    storage = Storage(stores[0])
    later = LABELS.frame(
        [
            {
                "exam_id": "e0000",
                "slice_start": None,
                "slice_stop": None,
                "finding": "any",
                "value": 0,
                "source": "second look",
                "reader": None,
                "seconds": None,
                "round": 1,
            }
        ]
    )
    LABELS.write(storage, pl.concat([LABELS.read(storage), later]))
    evaluate_predictions([url], str(tmp_path / "later"), n_replicates=60, stores=stores[::-1])
    found = EXAM_METRICS.read(Storage(tmp_path / "later"))
    assert dict(found.select("archive", "n_positive").rows()) == {"a": 1, "b": 1, "a + b": 2}
    inputs = read_manifest(tmp_path / "later", kind="evaluation").inputs
    assert set(inputs) == {"predictions/r1", "store/1", "store/2", "labels/1", "labels/2"}
    with pytest.raises(InputError, match="with which it was begun"):
        evaluate_predictions([url], str(tmp_path / "now"), n_replicates=60, stores=stores)


def test_a_finding_without_any_label_stays_unlabelled(stores, predicted):
    exams, _ = predicted
    other = exams.with_columns(pl.lit("fracture").alias("finding"))
    assert StoreLabels(stores).of_exams(other)["exam_label"].null_count() == exams.height


def test_exams_that_the_stores_do_not_have_are_refused_by_number(stores, predicted):
    exams, _ = predicted
    with pytest.raises(InputError, match="got 4 of them in none of them, e0004 for one"):
        StoreLabels(stores[:1]).of_exams(exams)
    moved = exams.with_columns(pl.lit("p9").alias("patient_key"))
    with pytest.raises(InputError, match="8 of them of another patient"):
        StoreLabels(stores).of_exams(moved)


def test_other_slices_are_refused(stores, predicted):
    _, slices = predicted
    with pytest.raises(InputError, match="1 of them with other slices, e0000 for one"):
        StoreLabels(stores).of_slices(slices[1:])
