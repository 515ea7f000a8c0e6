from __future__ import annotations

import numpy as np
import pytest

from examwise.core.errors import InputError
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels

KEY = {"key_id": "k1"}
EVEN, ODD = range(0, 8, 2), range(1, 8, 2)


@pytest.fixture(scope="module")
def stores(make_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("joined")
    options = {"n_exams": 8, "matrix": 8, "configuration": KEY}
    whole = make_store(folder / "whole", **options)
    even = make_store(folder / "even", only=EVEN, archive="a", data_terms="A: free", **options)
    odd = make_store(folder / "odd", only=ODD, archive="b", data_terms="B: no", **options)
    return whole, even, odd


def test_two_stores_read_as_the_one_that_holds_all_their_exams(stores):
    whole, even, odd = stores
    one, two = StoredExams(whole), JoinedStores([even, odd])
    same = [name for name in one.exams.columns if name not in ("archive", "data_terms")]
    assert two.exams.select(same).equals(one.exams.select(same))
    places = ["exam_id", "slice_index", "position_mm", "relative_position"]
    assert two.slices.select(places).equals(one.slices.select(places))
    assert len(two) == len(one) == 8
    for finding in ("any", "epidural"):
        assert exam_labels(two, finding).equals(exam_labels(one, finding))
        assert slice_labels(two, finding).equals(slice_labels(one, finding))
    for exam_id in one.exams["exam_id"]:
        assert two.shape(exam_id) == one.shape(exam_id)
        assert two.n_slices(exam_id) == one.n_slices(exam_id)
        assert np.array_equal(two.read_slices(exam_id), one.read_slices(exam_id))
        assert np.array_equal(two.read_slices(exam_id, [2, 0]), one.read_slices(exam_id, [2, 0]))


def test_their_order_makes_no_difference(stores):
    _, even, odd = stores
    first, second = JoinedStores([even, odd]), JoinedStores([odd, even])
    assert first.inputs == second.inputs
    assert set(first.inputs) == {"store/1", "store/2"}
    assert first.urls == second.urls
    assert first.labels.equals(second.labels)
    assert first.data_terms == ["A: free", "B: no"]
    assert first.key_id == "k1"


def test_a_single_store_is_itself(stores):
    one = JoinedStores(stores[:1])
    assert set(one.inputs) == {"store"}
    assert one.exams is one.stores[0].exams
    assert one.name == StoredExams(stores[0]).name


def test_an_exam_of_no_store_is_refused(stores):
    with pytest.raises(InputError, match="an exam of these stores, got e9"):
        JoinedStores(stores[1:]).n_slices("e9")


def test_no_store_is_refused():
    with pytest.raises(InputError, match="at least one exam store"):
        JoinedStores([])


def test_an_exam_in_two_stores_is_refused_by_number(stores):
    whole, even, _ = stores
    with pytest.raises(InputError, match=r"4 exams in several, e0000 among them") as caught:
        JoinedStores([whole, even])
    assert whole in str(caught.value)
    assert even in str(caught.value)
    with pytest.raises(InputError, match="8 exams in several"):
        JoinedStores([whole, whole])


@pytest.mark.parametrize(
    ("configuration", "got"), [({"key_id": "k2"}, "k2"), (None, "no key on record")]
)
def test_stores_of_different_keys_are_refused(make_store, stores, tmp_path, configuration, got):
    other = make_store(tmp_path / "s", n_exams=2, matrix=8, configuration=configuration)
    with pytest.raises(InputError, match=r"made with one key.*store by store") as caught:
        JoinedStores([stores[1], other])
    assert all(part in str(caught.value) for part in (stores[1], other, "k1", got))
    assert len(JoinedStores([other])) == 2
