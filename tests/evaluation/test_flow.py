import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.store import EXAMS, FILES, SERIES, SPLITS
from examwise.core.storage import Storage
from examwise.evaluation.flow import flow_rows


def exam_row(exam_id, patient):
    return {
        "exam_id": exam_id, "patient_key": patient, "archive": "here", "n_slices": 3, "rows": 8,
        "columns": 8, "source_rows": 8, "source_columns": 8, "row_spacing_mm": 1.0,
        "column_spacing_mm": 1.0, "slice_spacing_mm": 5.0, "regular": True,
        "gantry_tilt_degree": 0.0, "affine": [0.0] * 16, "thickness_mm": 5.0, "kernel": None,
        "scanner_group": None, "lossy": False, "data_terms": "none",
    }  # fmt: skip


@pytest.fixture
def write_store(tmp_path):
    def build(name, exams, *, statuses=(), series=(), splits=()):
        storage = Storage(tmp_path / name)
        EXAMS.write(storage, EXAMS.frame([exam_row(exam, patient) for exam, patient in exams]))
        if statuses:
            rows = [
                {"path_digest": f"{name}{i}", "status": status, "reason": reason, "exam_id": None,
                 "slice_index": None, "import_index": 0}
                for i, (status, reason) in enumerate(statuses)
            ]  # fmt: skip
            FILES.write(storage, FILES.frame(rows))
        if series:
            rows = [
                {"series_id": f"{name}{i}", "study_id": None, "exam_id": None, "status": status,
                 "reason": reason, "n_files": 1, "n_positions": None, "extent_mm": None,
                 "thickness_mm": None, "kernel": None, "import_index": 0}
                for i, (status, reason) in enumerate(series)
            ]  # fmt: skip
            SERIES.write(storage, SERIES.frame(rows))
        if splits:
            patients = dict(exams)
            rows = [{"exam_id": e, "patient_key": patients[e], "split": s} for e, s in splits]
            SPLITS.write(storage, SPLITS.frame(rows))
        return storage.url

    return build


@pytest.fixture
def predicted(make_exams):
    def build(exams):
        columns = {"exam_id": [e for e, _, _ in exams], "patient_key": [p for _, p, _ in exams]}
        return make_exams([label for _, _, label in exams], [0.0] * len(exams), **columns)

    return build


def told(frame):
    assert frame["position"].to_list() == list(range(frame.height))
    return frame.select("unit", "what", "reason", "n", "n_patients").rows()


def test_files_become_exams_and_exams_are_judged(write_store, predicted):
    used, scout, broken = ("used", ""), ("left_out", "localizer"), ("set_aside", "truncated")
    store = write_store(
        "a",
        [("e1", "p"), ("e2", "p"), ("e3", "q"), ("e4", "r"), ("e5", "s"), ("e6", "t")],
        statuses=[used] * 5 + [scout] * 2 + [broken],
        series=[used, used, ("left_out", "bone_kernel")],
        splits=[("e1", "test"), ("e2", "test"), ("e3", "test"), ("e4", "train"),
                ("e5", "validation"), ("e6", "test")],
    )  # fmt: skip
    exams = predicted([("e1", "p", 1), ("e2", "p", 0), ("e3", "q", None)])
    assert told(flow_rows([store], exams, archive="here")) == [
        ("files", "in the source", "", 8, None),
        ("files", "left out", "localizer", 2, None),
        ("files", "set aside", "truncated", 1, None),
        ("files", "in exams", "", 5, None),
        ("series", "in the source", "", 3, None),
        ("series", "left out", "bone_kernel", 1, None),
        ("series", "became exams", "", 2, None),
        ("exams", "in the store", "", 6, 5),
        ("exams", "left out", "training_part", 1, 1),
        ("exams", "left out", "validation_part", 1, 1),
        ("exams", "left out", "not_predicted", 1, 1),
        ("exams", "predicted", "", 3, 2),
        ("exams", "left out", "no_label", 1, 1),
        ("exams", "judged", "", 2, 1),
    ]


def test_every_step_is_the_one_before_less_what_left(write_store, predicted):
    store = write_store("a", [("e1", "p"), ("e2", "q")], statuses=[("used", "")])
    frame = flow_rows([store], predicted([("e1", "p", 1)]), archive="here")
    for unit in ("files", "exams"):
        still = None
        for row in frame.filter(pl.col("unit") == unit).iter_rows(named=True):
            if row["reason"]:
                still -= row["n"]
            else:
                assert still in (None, row["n"])
                still = row["n"]


def test_several_stores_are_counted_together(write_store, predicted):
    stores = [
        write_store(name, [(f"e{name}", "p")], statuses=[("used", "")] * 2) for name in ("a", "b")
    ]
    frame = flow_rows(stores, predicted([("ea", "p", 1), ("eb", "p", 0)]), archive="a + b")
    assert frame["n"].to_list() == [4, 4, 2, 2, 2]
    assert frame["n_patients"].to_list() == [None, None, 1, 1, 1]


def test_a_label_for_one_of_several_findings_is_enough(write_store, predicted):
    store = write_store("a", [("e1", "p")])
    one = predicted([("e1", "p", None)])
    both = pl.concat([one, predicted([("e1", "p", 1)]).with_columns(finding=pl.lit("sub"))])
    assert told(flow_rows([store], both, archive="x"))[-1] == ("exams", "judged", "", 1, 1)


def test_no_stores_no_flow(predicted):
    assert flow_rows([], predicted([("e", "p", 1)]), archive="x").is_empty()


def test_other_stores_are_refused(write_store, predicted):
    store = write_store("a", [("e1", "p")])
    with pytest.raises(InputError, match="1 of 1 in none of them"):
        flow_rows([store], predicted([("e9", "p", 1)]), archive="x")
