from __future__ import annotations

import numpy as np

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.layouts.bhx import box_label_file, box_label_rows
from examwise.phantom.layouts.cq500 import Cq500Layout

LAYOUT = Cq500Layout()


def _item(build, labels=None):
    blood = {
        ("subdural", 0): [(slice(1, 3), slice(4, 9)), (slice(10, 11), slice(0, 2))],
        ("intraventricular", 2): [(slice(7, 8), slice(7, 8))],
    }
    exam = build.exam(build.rendered(build.scan(3), bleeding=blood))
    return build.labelled(LAYOUT, exam, labels=labels)


def test_file_written_out_by_hand(build) -> None:
    item = _item(build)
    ids = item.identifiers
    tail = f"{ids.own.series},{ids.study}"
    assert box_label_file(box_label_rows(item)).decode() == (
        ",SOPInstanceUID,SeriesInstanceUID,StudyInstanceUID,data,labelName,labelType\n"
        f"0,{ids.own.images[2]},{tail},"
        "\"{'x': 7.0, 'y': 7.0, 'width': 1.0, 'height': 1.0}\",Intraventricular,handDrawn\n"
        f"1,{ids.own.images[0]},{tail},"
        "\"{'x': 4.0, 'y': 1.0, 'width': 5.0, 'height': 2.0}\",Subdural,handDrawn\n"
        f"2,{ids.own.images[0]},{tail},"
        "\"{'x': 0.0, 'y': 10.0, 'width': 2.0, 'height': 1.0}\",Subdural,handDrawn\n"
    )


def test_what_is_not_labelled_gets_no_box_and_what_is_not_there_neither(build) -> None:
    labels = np.zeros((3, 5), bool)
    labels[2, KINDS.index("intraventricular")] = True
    labels[1, KINDS.index("epidural")] = True
    (row,) = box_label_rows(_item(build, labels))
    assert row[4] == "Intraventricular"


def test_an_archive_without_bleeds_has_a_header_alone() -> None:
    assert box_label_file([]).decode().count("\n") == 1
