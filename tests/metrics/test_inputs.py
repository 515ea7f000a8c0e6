import numpy as np
import pytest

from examwise.core.errors import InputError
from examwise.metrics.inputs import checked_labels, checked_scores, checked_weights


@pytest.mark.parametrize("scores", [[0.1, np.nan], [[0.1], [0.2]]])
def test_scores_that_are_no_vector_of_numbers_are_refused(scores):
    with pytest.raises(InputError, match="scores: expected"):
        checked_scores(scores)


@pytest.mark.parametrize("labels", [[0, 2], [0, np.nan], [0], [-1, 1]])
def test_labels_other_than_zero_and_one_are_refused(labels):
    with pytest.raises(InputError, match="labels: expected"):
        checked_labels(labels, 2)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.float64])
def test_labels_of_any_numeric_type_are_taken(dtype):
    assert checked_labels(np.array([0, 1], dtype), 2).tolist() == [False, True]


def test_weights_without_columns_are_one_an_item():
    table, column = checked_weights(np.ones((2, 3)), None, 3)
    assert table.shape == (2, 3)
    assert column.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("weights", "columns"),
    [([1, 2], None), ([[1, -1]], None), ([[1, np.inf]], None), ([[1]], None), ([[1, 2]], [0])],
)
def test_weights_that_do_not_fit_are_refused(weights, columns):
    with pytest.raises(InputError, match="weights"):
        checked_weights(weights, columns, 2)
