from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.schemas.findings import FINDINGS
from examwise.ingest.archive_labels import KINDS
from examwise.ingest.box_labels import slice_labels_from_boxes

NOTHING = (0,) * 6
VALUES = st.tuples(*[st.sampled_from([0, 1, None])] * 6)
IMAGES = st.lists(st.tuples(st.sets(st.sampled_from(KINDS)), st.booleans()), min_size=1, max_size=5)


def labels(images, exam=NOTHING, *, all_negative=False):
    return slice_labels_from_boxes(images, exam, all_negative=all_negative)


def test_without_boxes_only_unanimous_denial_counts() -> None:
    clear = [(set(), False)] * 2
    assert labels(clear) is None
    assert labels(clear, all_negative=True) == [NOTHING, NOTHING]
    assert labels([(set(), True), *clear], all_negative=True) is None


def test_boxed_exam() -> None:
    images = [({"subdural"}, False), (set(), False), ({"epidural", "subdural"}, False)]
    exam = (1, 1, 0, 0, 0, 1)
    assert labels(images, exam) == [(1, 0, 0, 0, 0, 1), NOTHING, (1, 1, 0, 0, 0, 1)]


def test_kind_that_nobody_boxed_stays_missing() -> None:
    images = [({"subdural"}, False), (set(), False)]
    assert labels(images, (1, 0, 0, 0, 1, 1)) == [(1, 0, 0, 0, None, 1), (None, 0, 0, 0, None, 0)]
    assert labels(images, (1, 0, 0, None, 0, 1))[1] == (None, 0, 0, None, 0, 0)


def test_box_against_the_exam_label_is_kept() -> None:
    assert labels([({"subdural"}, False), (set(), False)]) == [(1, 0, 0, 0, 0, 1), NOTHING]


def test_doubtful_image_is_positive_or_unknown() -> None:
    images = [({"subdural"}, True), (set(), True), (set(), False)]
    assert labels(images, (1, 0, 0, 0, 0, 1)) == [
        (1, None, None, None, None, 1),
        (None,) * 6,
        NOTHING,
    ]


@settings(deadline=None, max_examples=50)
@given(IMAGES, VALUES, st.booleans())
def test_no_negative_without_ground(images, exam, all_negative) -> None:
    found = labels(images, NOTHING if all_negative else exam, all_negative=all_negative)
    boxed = set().union(*(kinds for kinds, _ in images))
    assert (found is None) == (
        not boxed and (not all_negative or any(doubtful for _, doubtful in images))
    )
    stated = dict(zip(FINDINGS, NOTHING if all_negative else exam, strict=True))
    for (kinds, doubtful), values in zip(images, found or [], strict=False):
        of_slice = dict(zip(FINDINGS, values, strict=True))
        for kind in KINDS:
            assert (of_slice[kind] == 1) == (kind in kinds)
            if of_slice[kind] == 0:
                assert not doubtful
                assert kind in boxed or stated[kind] == 0
        assert (of_slice["any"] == 1) == bool(kinds)
        assert (of_slice["any"] == 0) == all(of_slice[kind] == 0 for kind in KINDS)
