from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from examwise.core.digests import crc32c
from examwise.core.errors import InputError, SchemaError
from examwise.core.executors import make_executor
from examwise.core.progress import SilentProgress
from examwise.core.schemas.store import SPLITS, shard_key
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.imaging.shards import encode_exam
from examwise.imaging.store_check import check_store
from examwise.imaging.store_writer import ExamContent, StoreWriter, finish_store
from examwise.ingest.summary import SUMMARY, IngestSummary, write_summary

EXAM = "e0001"


def head(n_slices=6, side=24, shift=0):
    """Brain at 35 HU in air, with some noise."""
    pixels = np.random.default_rng(n_slices).normal(-1000, 3, (n_slices, side, side))
    pixels[:, 4:-4, 4:-4] += 1035
    return np.clip(pixels + shift, -1024, None).astype(np.int16)


def content(number, pixels):
    exam_id = f"e{number:04d}"
    n_slices, rows, columns = pixels.shape
    exam = {
        "exam_id": exam_id,
        "patient_key": f"p{number // 2}",
        "archive": "test",
        "n_slices": n_slices,
        **{"rows": rows, "columns": columns, "source_rows": rows, "source_columns": columns},
        **{"row_spacing_mm": 1.0, "column_spacing_mm": 1.0, "slice_spacing_mm": 5.0},
        **{"regular": True, "gantry_tilt_degree": 0.0, "affine": np.eye(4).ravel().tolist()},
        **{"thickness_mm": 5.0, "kernel": "H31s", "scanner_group": "s1", "lossy": False},
        "data_terms": "synthetic",
    }
    label = {"finding": "any", "source": "test", "reader": None, "seconds": None, "round": 0}
    labels = [
        {"exam_id": exam_id, "slice_start": at, "slice_stop": at + 1, "value": at % 2, **label}
        for at in range(n_slices)
    ]
    file = {"exam_id": exam_id, "status": "used", "reason": ""}
    files = [
        {"path_digest": f"{exam_id}f{at}", "slice_index": at, **file} for at in range(n_slices)
    ]
    box = {"exam_id": exam_id, "slice_index": 1, "box_index": 0, "finding": "any", "chronic": False}
    box |= {"x": 4.0, "y": 4.0, "width": 3.0, "height": 3.0, "source": "test"}
    mask = (pixels > 60).astype(np.uint8) if number == 0 else None
    return ExamContent(exam, pixels, np.arange(n_slices) * 5.0, labels, files, [box], mask)


def write_store(url, exams):
    stage = Stage.begin(url, kind="exam-store", configuration={}, inputs={}, seed=None)
    writer = StoreWriter(url)
    for number, pixels in enumerate(exams):
        writer.write_exam(content(number, pixels))
    rest = {"path_digest": "rest", "status": "left_out", "reason": "localizer"}
    writer.write_files("rest", [{**rest, "exam_id": None, "slice_index": None}])
    finish_store(stage)
    n_slices = sum(map(len, exams))
    summary = IngestSummary(
        n_exams=len(exams),
        n_slices=n_slices,
        n_patients=(len(exams) + 1) // 2,
        n_files=n_slices + 1,
        n_used=n_slices,
        left_out={"localizer": 1},
    )
    write_summary(stage.storage, summary)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    from examwise.data.splits import split_store

    folder = tmp_path_factory.mktemp("whole") / "store"
    write_store(folder, [head(4 + number % 3) for number in range(6)])
    split_store(folder, fractions=(0.4, 0.3, 0.3))
    return folder


@pytest.fixture
def store(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "store"))


def check(url, *, n_workers=1, **options):
    executor = make_executor(n_workers)
    return check_store(url, executor=executor, progress=SilentProgress(), **options)


def change(store, file, function):
    path = store / file
    function(pl.read_parquet(path)).write_parquet(path)


def where_exam(then, column, dtype):
    return lambda table: table.with_columns(
        pl.when(pl.col("exam_id") == EXAM).then(then).otherwise(column).cast(dtype).alias(column)
    )


def flip_byte(store, at=30):
    path = store / shard_key(EXAM)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def swap_slices(store):
    def swap(table):
        own = table.filter(pl.col("exam_id") == EXAM)
        columns = ("offset", "length", "crc32c")
        swapped = own.with_columns(own[name].gather([1, 0, *range(2, 5)]) for name in columns)
        return pl.concat([table.filter(pl.col("exam_id") != EXAM), swapped]).sort(
            "exam_id", "slice_index"
        )

    change(store, "slices.parquet", swap)


def recode(store):
    """Write other pixels whose checksums are right, in the shard and in the table."""
    coded = encode_exam(head(5)[::-1].copy())
    (store / shard_key(EXAM)).write_bytes(coded.shard)
    own = pl.DataFrame(
        {
            "exam_id": [EXAM] * 5,
            "slice_index": pl.Series(range(5), dtype=pl.Int32),
            "offset": coded.offsets,
            "length": coded.lengths,
            "crc32c": coded.checksums,
        }
    )
    change(store, "slices.parquet", lambda table: table.update(own, on=["exam_id", "slice_index"]))


def undecodable(store):
    """Damage a slice and its checksums everywhere, so that only decoding tells."""
    path = store / shard_key(EXAM)
    table = pl.read_parquet(store / "slices.parquet")
    row = table.row(by_predicate=(pl.col("exam_id") == EXAM) & (pl.col("slice_index") == 0))
    offset, length = row[4], row[5]
    data = bytearray(path.read_bytes())
    data[offset : offset + length - 4] = bytes(length - 4)
    path.write_bytes(bytes(data))
    checksum = crc32c(bytes(length - 4))
    at = (pl.col("exam_id") == EXAM) & (pl.col("slice_index") == 0)
    changed = pl.when(at).then(pl.lit(checksum, pl.UInt32)).otherwise("crc32c").alias("crc32c")
    change(store, "slices.parquet", lambda table: table.with_columns(changed))
    record = store / f"commits/exams/{EXAM}.json"
    found = json.loads(record.read_text())
    found["payload"]["slices"]["crc32c"][0] = checksum
    found["objects"][shard_key(EXAM)] = [len(data), crc32c(bytes(data))]
    record.write_text(json.dumps(found))


def edit_json(file, **changes):
    def edit(store):
        path = store / file
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def cut(file):
    return lambda store: (store / file).write_bytes((store / file).read_bytes()[:200])


def remove(file):
    return lambda store: (store / file).unlink()


def changed(file, function):
    return lambda store: change(store, file, function)


def drop_exam(table):
    return table.filter(pl.col("exam_id") != EXAM)


def split_patient(store):
    part = pl.col("split").filter(pl.col("exam_id") == EXAM).first()
    other = pl.when(part == "test").then(pl.lit("train")).otherwise(pl.lit("test"))
    at = pl.col("exam_id") == EXAM
    change(
        store,
        "splits.parquet",
        lambda table: table.with_columns(pl.when(at).then(other).otherwise("split").alias("split")),
    )


DAMAGES = {
    "byte of a slice": (flip_byte, {("object", EXAM), ("slice", EXAM)}),
    "byte of a shard's index": (lambda store: flip_byte(store, -8), {("object", EXAM)}),
    "shard cut off": (cut(shard_key(EXAM)), {("object", EXAM), ("slice", EXAM)}),
    "shard lost": (remove(shard_key(EXAM)), {("object", EXAM)}),
    "array's metadata lost": (remove(f"pixels.zarr/{EXAM}/zarr.json"), {("object", EXAM)}),
    "group's metadata lost": (remove("pixels.zarr/zarr.json"), {("object", None)}),
    "mask damaged": (
        cut("annotations/masks.zarr/e0000/c/0/0/0"),
        {("object", "e0000"), ("mask", "e0000")},
    ),
    "slice that cannot be decoded": (undecodable, {("slice", EXAM), ("digest", None)}),
    "slices swapped": (swap_slices, {("rows", EXAM)}),
    "exam exchanged": (recode, {("rows", EXAM), ("object", EXAM)}),
    "exam's row dropped": (
        changed("exams.parquet", drop_exam),
        {
            *((code, EXAM) for code in ("rows", "unknown_exam")),
            ("count", None),
        },
    ),
    "exam's row repeated": (
        changed("exams.parquet", lambda t: pl.concat([t, drop_exam(t).head(1)]).sort("exam_id")),
        {("key", "e0000"), ("rows", "e0000"), ("count", None)},
    ),
    "slice's row dropped": (
        changed("slices.parquet", lambda t: t.filter(~((pl.col("exam_id") == EXAM)
                                                       & (pl.col("slice_index") == 2)))),
        {("count", EXAM), ("order", EXAM), ("rows", EXAM), ("count", None)},
    ),
    "slices' rows in another order": (
        changed("slices.parquet", lambda t: t.reverse()),
        {("order", None), *((code, f"e{n:04d}") for n in range(6) for code in ("order", "rows"))}
        | {("position", f"e{n:04d}") for n in range(6)},
    ),
    "positions that fall": (
        changed("slices.parquet", where_exam(-pl.col("position_mm"), "position_mm", pl.Float64)),
        {("position", EXAM), ("rows", EXAM)},
    ),
    "another relative position": (
        changed("slices.parquet", where_exam(pl.lit(0.5), "relative_position", pl.Float64)),
        {("position", EXAM), ("rows", EXAM)},
    ),
    "another spacing": (
        changed("exams.parquet", where_exam(pl.lit(4.0), "slice_spacing_mm", pl.Float64)),
        {("spacing", EXAM), ("rows", EXAM)},
    ),
    "overlapping slices": (
        changed("slices.parquet", where_exam(pl.lit(0), "offset", pl.Int64)),
        {("offset", EXAM), ("rows", EXAM), ("slice", EXAM)},
    ),
    "label out of range": (
        changed("labels.parquet", where_exam(pl.col("slice_stop") + 9, "slice_stop", pl.Int32)),
        {("label_range", EXAM), ("rows", EXAM)},
    ),
    "label's value out of range": (
        changed("labels.parquet", where_exam(pl.lit(3), "value", pl.Int8)),
        {("value", EXAM), ("rows", EXAM)},
    ),
    "label of an unknown exam": (
        changed("labels.parquet", where_exam(pl.lit("e9"), "exam_id", pl.String)),
        {("unknown_exam", "e9"), ("rows", EXAM)},
    ),
    "label lost": (changed("labels.parquet", lambda t: t[1:]), {("rows", "e0000")}),
    "table cut off": (cut("slices.parquet"), {("table", None)}),
    "table lost": (remove("files.parquet"), {("table", None)}),
    "column lost": (changed("labels.parquet", lambda t: t.drop("round")), {("schema", None)}),
    "column of another type": (
        changed("exams.parquet", lambda t: t.with_columns(pl.col("rows").cast(pl.Int64))),
        {("schema", None)},
    ),
    "column added": (
        changed("exams.parquet", lambda t: t.with_columns(name=pl.lit("x"))),
        {("schema", None)},
    ),
    "file of an unknown exam": (
        changed("files.parquet", where_exam(pl.lit("e9"), "exam_id", pl.String)),
        {("unknown_exam", "e9"), ("rows", EXAM), ("file_missing", EXAM)},
    ),
    "file's status": (
        changed("files.parquet", where_exam(pl.lit("left_out"), "status", pl.String)),
        {("file_status", None), ("file_missing", EXAM), ("rows", EXAM), ("count", None)},
    ),
    "file of no such slice": (
        changed("files.parquet", where_exam(pl.lit(99), "slice_index", pl.Int32)),
        {("file_slice", EXAM), ("rows", EXAM)},
    ),
    "file's row lost": (
        changed("files.parquet", lambda t: t.filter(pl.col("path_digest") != "rest")),
        {("rows", None), ("count", None)},
    ),
    "file's row added": (
        changed(
            "files.parquet",
            lambda t: pl.concat([t, t.tail(1).with_columns(path_digest=pl.lit("x"))]),
        ),
        {("rows", None), ("count", None)},
    ),
    "box beyond its exam": (
        changed("annotations/boxes.parquet", where_exam(pl.lit(99), "x", pl.Float64)),
        {("box_range", EXAM), ("rows", EXAM)},
    ),
    "patient in two parts": (split_patient, {("split_overlap", "e0000"), ("digest", None)}),
    "exam without a part": (
        changed("splits.parquet", drop_exam),
        {("split_missing", EXAM), ("digest", None)},
    ),
    "part's patient": (
        changed("splits.parquet", where_exam(pl.lit("p9"), "patient_key", pl.String)),
        {("split_patient", EXAM), ("digest", None)},
    ),
    "record lost": (remove(f"commits/exams/{EXAM}.json"), {("record", EXAM)}),
    "record that is none": (cut(f"commits/exams/{EXAM}.json"), {("record", EXAM)}),
    "record of files that is none": (
        lambda store: (store / "commits/files/rest.json").write_text("{"),
        {("record", None)},
    ),
    "record's rows that are none": (
        edit_json(f"commits/exams/{EXAM}.json", payload={"exams": {"n_slices": ["x"]}}),
        {("record", EXAM), ("rows", EXAM)},
    ),
    "counts of the import": (edit_json(SUMMARY, n_slices=1), {("count", None)}),
    "beginning": (edit_json("stage.json", seed=5), {("stage", None)}),
}  # fmt: skip


def test_a_whole_store_has_no_faults(whole):
    found = check(whole)
    assert found.faults == ()
    assert found.doubts == ()
    assert found.tables_are_whole
    assert found.pixels.counts.sum() == sum((4 + n % 3) * 24 * 24 for n in range(6))
    assert found.n_bytes == sum(
        path.stat().st_size for path in whole.glob("pixels.zarr/e*/c/0/0/0")
    )
    quick = check(whole, decode=False)
    assert quick.faults == ()
    assert quick.pixels is None


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_with_its_exam(store, damage):
    do, expected = DAMAGES[damage]
    do(store)
    found = check(store)
    assert {(fault.code, fault.exam_id) for fault in found.faults} == expected
    for fault in found.faults:
        assert fault.remedy
        assert fault.exam_id is None or fault.exam_id in str(fault)
        assert str(store) not in str(fault)
    about_tables = {"object", "slice", "mask", "record", "digest", "stage"}
    codes = {code for code, _ in expected}
    if codes <= about_tables - {"record", "digest"}:
        assert found.tables_are_whole
    if codes & {"rows", "table", "schema", "unknown_exam"}:
        assert not found.tables_are_whole


def test_all_faults_are_named_and_workers_change_nothing(store):
    flip_byte(store)
    split_patient(store)
    change(store, "labels.parquet", where_exam(pl.lit("e9"), "exam_id", pl.String))
    remove(shard_key("e0004"))(store)
    found = check(store)
    codes = {(fault.code, fault.exam_id) for fault in found.faults}
    assert codes >= {("slice", EXAM), ("split_overlap", "e0000"), ("unknown_exam", "e9")}
    assert ("object", "e0004") in codes
    assert check(store, n_workers=2).faults == found.faults


def test_without_decoding_checksums_are_compared_all_the_same(store):
    flip_byte(store)
    found = {fault.code for fault in check(store, decode=False).faults}
    assert found == {"object", "slice"}


def test_labels_may_have_been_added(store):
    later = {"round": pl.lit(1, pl.Int32), "reader": pl.lit("r1")}
    change(
        store,
        "labels.parquet",
        lambda table: pl.concat([table, table.head(3).with_columns(**later)]),
    )
    assert check(store).faults == ()


def test_digests_of_the_manifest_are_compared(store):
    manifest = store / "manifest.json"
    outputs = {"exams.parquet": "0" * 64, "none.parquet": "0" * 64}
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "outputs": outputs}))
    found = [fault for fault in check(store).faults if fault.code == "digest"]
    assert [fault.where for fault in found] == ["exams.parquet", "none.parquet"]


def test_a_split_without_its_digest_is_a_fault(store):
    splits = pl.read_parquet(store / SPLITS.file)
    (store / "splits.json").unlink()
    assert [fault.code for fault in check(store).faults] == ["digest"]
    assert splits.height == 6


@pytest.mark.parametrize(
    ("pixels", "faults", "doubts"),
    [
        (head(), set(), set()),
        (head(shift=1024), {"hu_scale"}, set()),
        (np.full((3, 24, 24), 35, np.int16), set(), {"hu_air"}),
        (np.where(head() > 0, 900, head()).astype(np.int16), set(), {"hu_middle"}),
        (head() - np.int16(60), {"hu_range"}, {"hu_middle"}),
    ],
    ids=["head", "rescaling lost", "no air", "bone", "below air"],
)
def test_values_that_are_no_hu_are_told_from_unusual_ones(tmp_path, pixels, faults, doubts):
    write_store(tmp_path / "s", [pixels])
    found = check(tmp_path / "s")
    assert {fault.code for fault in found.faults} == faults
    assert {doubt.code for doubt in found.doubts} == doubts
    assert all("e0000" in str(problem) for problem in (*found.faults, *found.doubts))


def test_a_store_in_memory_is_read_where_it_is():
    write_store("memory://store-check", [head()])
    assert check("memory://store-check", n_workers=2).faults == ()


def test_what_is_no_store_is_refused(tmp_path, store):
    with pytest.raises(InputError, match=r"no manifest\.json"):
        check(tmp_path / "none")
    (store / "manifest.json").write_text("{")
    with pytest.raises(SchemaError):
        check(store)
    assert Storage(store).exists("exams.parquet")
