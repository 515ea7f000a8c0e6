"""What every layout does alike."""

from __future__ import annotations

import pytest

from examwise.core.errors import InputError
from examwise.phantom.hospitals import HOSPITALS
from examwise.phantom.layouts import LAYOUTS, USUAL_HOSPITALS


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_writes_exams_and_labels(name: str, build) -> None:
    layout = LAYOUTS.load(name)()
    keys: list[str] = []
    tables: dict[str, list] = {}
    blood = {("subdural", 1): [(slice(3, 6), slice(10, 12))]}
    for number in range(2):
        series = build.rendered(build.scan(), bleeding=blood)
        bone = build.rendered(build.scan(description="BONE", purpose="bone"))
        exam = build.exam(
            series, further=[bone], bleeds=[build.bleed("subdural", -1)], number=number
        )
        item = build.labelled(layout, exam)
        objects = list(layout.exam_objects(item))
        assert objects == list(LAYOUTS.load(name)().exam_objects(item))
        assert all(isinstance(data, bytes) and data for _, data in objects)
        assert len(item.identifiers.own.images) == 3
        keys += [key for key, _ in objects]
        for table, rows in layout.label_rows(item).items():
            assert rows
            assert all(isinstance(field, str | int | float) for row in rows for field in row)
            tables.setdefault(table, []).extend(rows)
    written = dict(layout.label_objects(tables))
    assert written == dict(layout.label_objects(tables))
    assert written
    assert all(isinstance(data, bytes) and data for data in written.values())
    keys += written
    assert len(set(keys)) == len(keys)
    assert not any(key.startswith(("/", "commits")) or ".." in key for key in keys)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_has_a_usual_hospital(name: str) -> None:
    assert USUAL_HOSPITALS[name] in HOSPITALS


def test_an_unknown_layout_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="layout: expected one of rsna, cq500, ct-ich"):
        LAYOUTS.load("nifty")
