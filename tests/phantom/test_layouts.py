from __future__ import annotations

import pytest

from examwise.core.errors import InputError
from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import render_exam
from examwise.phantom.identifiers import exam_identifiers
from examwise.phantom.layouts import LAYOUTS

CONFIG = PhantomConfig(matrix=16, min_slices=2, max_slices=3, prevalence=1)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_writes_exams_and_labels(name: str) -> None:
    layout = LAYOUTS.load(name)()
    keys: list[str] = []
    rows = []
    for number in range(2):
        exam = render_exam(CONFIG, number, 0)
        identifiers = exam_identifiers(
            0, exam_number=number, patient_number=0, n_slices=exam.scan.n_slices
        )
        objects = list(layout.exam_objects(exam, identifiers))
        assert objects == list(LAYOUTS.load(name)().exam_objects(exam, identifiers))
        assert all(isinstance(data, bytes) and data for _, data in objects)
        keys += [key for key, _ in objects]
        labels = layout.label_rows(exam, identifiers)
        assert labels
        assert all(isinstance(field, str | int) for row in labels for field in row)
        rows += labels
    labels_written = dict(layout.label_objects(rows))
    assert labels_written
    assert all(isinstance(data, bytes) and data for data in labels_written.values())
    keys += labels_written
    assert len(set(keys)) == len(keys)
    assert not any(key.startswith(("/", "commits")) or ".." in key for key in keys)


def test_an_unknown_layout_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="layout: expected one of rsna"):
        LAYOUTS.load("nifty")
