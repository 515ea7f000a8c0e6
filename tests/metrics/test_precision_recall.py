import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from sklearn.metrics import precision_recall_curve as reference

from examwise.metrics.precision_recall import precision_recall_curve

ITEMS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=50)
@given(ITEMS)
def test_points_and_area_are_those_of_scikit_learn(items):
    labels, scores = np.array(items).T
    curve = precision_recall_curve(labels, scores)
    if not labels.any():
        assert curve is None
        return
    precision, recall, thresholds = reference(labels, scores)
    assert np.allclose(curve.precision[::-1], precision)
    assert np.allclose(curve.recall[::-1], recall)
    assert np.allclose(curve.thresholds[:0:-1], thresholds)
    assert np.isclose(curve.average_precision, average_precision_score(labels, scores))
