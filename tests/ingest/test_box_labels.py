from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.schemas.findings import FINDINGS
from examwise.ingest.archive_labels import KINDS
from examwise.ingest.box_labels import slice_labels_from_boxes

NOTHING = (0,) * 6
VALUES = st.tuples(*[st.sampled_from([0, 1, None])] * 6)
IMAGES = st.lists(st.sets(st.sampled_from(KINDS)), min_size=1, max_size=5)


def labels(images, exam=NOTHING, *, all_negative=False, doubtful=()):
    return slice_labels_from_boxes(images, exam, all_negative=all_negative, doubtful=doubtful)


def test_without_boxes_only_unanimous_denial_counts() -> None:
    clear = [set()] * 2
    assert labels(clear) is None
    assert labels(clear, all_negative=True) == [NOTHING, NOTHING]
    assert labels(clear, all_negative=True, doubtful={"epidural"}) is None


def test_boxed_exam() -> None:
    images = [{"subdural"}, set(), {"epidural", "subdural"}]
    exam = (1, 1, 0, 0, 0, 1)
    assert labels(images, exam) == [(1, 0, 0, 0, 0, 1), NOTHING, (1, 1, 0, 0, 0, 1)]


def test_kind_that_nobody_boxed_stays_missing() -> None:
    images = [{"subdural"}, set()]
    assert labels(images, (1, 0, 0, 0, 1, 1)) == [(1, 0, 0, 0, None, 1), (None, 0, 0, 0, None, 0)]
    assert labels(images, (1, 0, 0, None, 0, 1))[1] == (None, 0, 0, None, 0, 0)


def test_box_against_the_exam_label_is_never_positive() -> None:
    unknown = (None, 0, 0, 0, 0, None)
    assert labels([{"subdural"}, set()]) == [unknown, NOTHING]
    both = [{"subdural", "epidural"}, {"subdural"}]
    assert labels(both, (1, 1, 0, 0, 0, 0)) == [(1, 1, 0, 0, 0, None), unknown]


def test_absence_of_a_doubtful_kind_is_missing() -> None:
    images = [{"subdural"}, set()]
    exam = (1, 0, 0, 0, 0, 1)
    assert labels(images, exam, doubtful={"subdural"}) == [exam, (None, 0, 0, 0, 0, None)]
    assert labels(images, exam, doubtful={"epidural"}) == [
        (1, None, 0, 0, 0, 1),
        (None, None, 0, 0, 0, 0),
    ]
    assert labels(images, exam, doubtful=KINDS) == [(1, None, None, None, None, 1), (None,) * 6]


@settings(deadline=None, max_examples=50)
@given(IMAGES, VALUES, st.booleans(), st.sets(st.sampled_from(KINDS)))
def test_no_label_without_ground(images, exam, all_negative, doubtful) -> None:
    exam = NOTHING if all_negative else exam
    found = labels(images, exam, all_negative=all_negative, doubtful=doubtful)
    boxed = set().union(*images)
    assert (found is None) == (not boxed and (not all_negative or bool(doubtful)))
    stated = dict(zip(FINDINGS, exam, strict=True))
    for kinds, values in zip(images, found or [], strict=False):
        of_slice = dict(zip(FINDINGS, values, strict=True))
        for kind in KINDS:
            denied = stated[kind] == 0 or stated["any"] == 0
            assert (of_slice[kind] == 1) == (kind in kinds and not denied)
            if of_slice[kind] == 0:
                assert kind not in doubtful
                assert kind not in kinds
                assert kind in boxed or stated[kind] == 0
        assert (of_slice["any"] == 1) == (1 in [of_slice[kind] for kind in KINDS])
        assert (of_slice["any"] == 0) == all(of_slice[kind] == 0 for kind in KINDS)
