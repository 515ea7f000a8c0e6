from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.executors.serial import SerialExecutor
from examwise.core.identity import Identity
from examwise.core.manifest import read_manifest
from examwise.core.progress import SilentProgress
from examwise.imaging.store_check import check_store
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels
from examwise.ingest.append import append_archive
from examwise.ingest.config import IngestConfig, SeriesSelectionConfig


@pytest.fixture
def append(tmp_path: Path, identity: Identity):
    def add(layout: str, source: Path, store: Path | None = None, **options):
        special = {
            name: options.pop(name)
            for name in ("identity", "labels", "boxes", "executor")
            if name in options
        }
        if layout == "folder":  # noise, no heads
            options.setdefault("series", SeriesSelectionConfig(select="every"))
        return append_archive(
            layout,
            source,
            str(store or tmp_path / "store"),
            config=IngestConfig(**{"matrix": 16, **options}),
            **{
                "identity": identity,
                "executor": SerialExecutor(),
                "progress": SilentProgress(),
                **special,
            },
        )

    return add


def faults(store: Path) -> list[str]:
    check = check_store(str(store), executor=SerialExecutor(), progress=SilentProgress())
    # Random noise is no HU, and no head.
    return [str(fault) for fault in check.faults if fault.code != "hu"]


@pytest.fixture
def grown(tmp_path: Path, write_rsna, run) -> Path:
    """A store of four exams, and its source with two more."""
    source = tmp_path / "source"
    write_rsna(source, 4)
    run("rsna", source)
    write_rsna(source, 6)
    return source


def test_new_exams_come_in_and_nothing_else_changes(grown, tmp_path, append, tree) -> None:
    store = tmp_path / "store"
    before = tree(store)
    stored = StoredExams(store)
    addition = append("rsna", grown)
    assert addition.added is not None
    assert (addition.index, addition.added.n_exams, addition.store.n_exams) == (1, 2, 6)
    assert addition.added.left_out == {"already_in_store": 12}
    assert addition.added.joined["exams_in_store"] == 4
    assert addition.store.n_files == 12 + 18
    after = tree(store)
    changed = {name for name in before if after[name] != before[name]}
    tables = {f"{name}.parquet" for name in ("exams", "slices", "labels", "files", "series")}
    assert changed <= {*tables, "manifest.json", "ingest.json"}
    assert not faults(store)
    now = StoredExams(store)
    assert stored.exams.join(now.exams, on="exam_id", how="anti").is_empty()
    for exam_id in now.exams["exam_id"]:
        now.read_slices(exam_id)
    assert exam_labels(now, "any")["exam_label"].null_count() == 0
    manifest = read_manifest(store, kind="exam-store")
    assert [record["index"] for record in manifest.imports] == [1]
    files = pl.read_parquet(store / "files.parquet")
    assert sorted(files["import_index"].unique()) == [0, 1]


def test_the_same_again_adds_nothing(grown, tmp_path, append, tree, run) -> None:
    append("rsna", grown)
    before = tree(tmp_path / "store")
    again = append("rsna", grown)
    assert (again.known, again.index, again.added) == (True, 1, None)
    assert tree(tmp_path / "store") == before


def test_a_source_of_the_first_import_adds_nothing(tmp_path, write_rsna, run, append) -> None:
    write_rsna(tmp_path / "source", 4)
    run("rsna", tmp_path / "source")
    again = append("rsna", tmp_path / "source")
    assert (again.known, again.index) == (True, 0)


def test_stopped_at_every_write_it_ends_in_the_same_bytes(
    grown, tmp_path, append, tree, stopped_at
) -> None:
    text = (grown / "stage_2_train.csv").read_text()
    (grown / "stage_2_train.csv").write_text(text.replace("_any,0", "_any,0", 1))
    finished, walks = tmp_path / "finished", tmp_path / "walks"
    shutil.copytree(tmp_path / "store", finished)
    shutil.copytree(tmp_path / "identity", walks)
    whole = append("rsna", grown, finished, identity=Identity(walks))
    wanted, kept = tree(finished), tree(walks)
    kept = {name: digest for name, digest in kept.items() if not name.startswith("headers")}
    old = tree(tmp_path / "store")
    for n in range(200):
        store, folder = tmp_path / f"store{n}", tmp_path / f"identity{n}"
        shutil.copytree(tmp_path / "store", store)
        shutil.copytree(tmp_path / "identity", folder)
        with stopped_at(n) as stopped:
            append("rsna", grown, store, identity=Identity(folder))
        if not stopped[0]:
            assert n > 15
            break
        if (store / "manifest.json").exists() and "imports" not in json.loads(
            (store / "manifest.json").read_text()
        ):
            now = tree(store)
            assert {name: now[name] for name in old} == old, n
            assert n % 4 or not faults(store), n
        assert append("rsna", grown, store, identity=Identity(folder)) == whole, n
        assert tree(store) == wanted, n
        # What headers said is kept beside the key for the next time, and nothing depends on it.
        assert {**tree(folder), **kept} == {**tree(folder)}, n
        shutil.rmtree(store)
    else:
        pytest.fail("never finished")


def write_labels(path: Path, rows: dict[str, str]) -> Path:
    lines = [f"{place},{value}" for place, value in rows.items()]
    path.write_text("\n".join(["path,any", *lines]) + "\n")
    return path


@pytest.fixture
def folder_store(tmp_path: Path, write_series, run) -> Path:
    """Two exams in a folder layout, of which one is labelled."""
    source = tmp_path / "source"
    for number in (1, 2):
        uids = {"study": f"1.2.{number}", "series": f"1.3.{number}", "patient": f"P{number}"}
        write_series(source / f"scan{number}", **uids)
    run("folder", source, labels=write_labels(tmp_path / "labels.csv", {"scan1": "0"}))
    return source


def labels_of(store: Path, identity: Identity) -> list[int | None]:
    values = dict(exam_labels(StoredExams(store), "any").iter_rows())
    return [values[identity.exam_id(f"1.2.{number}", f"1.3.{number}")] for number in (1, 2)]


def test_new_labels_become_events(folder_store, tmp_path, append, identity, tree) -> None:
    store = tmp_path / "store"
    more = write_labels(tmp_path / "more.csv", {"scan1": "0", "scan2": "1"})
    pixels = {name: digest for name, digest in tree(store).items() if "pixels" in name}
    addition = append("folder", folder_store, labels=more)
    assert (addition.added.n_exams, addition.added.n_labels) == (0, 1)
    assert addition.added.joined["exams_in_store"] == 2
    assert "labels_overruled" not in addition.added.joined
    assert labels_of(store, identity) == [0, 1]
    assert pixels.items() <= tree(store).items()
    assert not faults(store)
    assert append("folder", folder_store, labels=more).known
    assert len([path for path in identity.folder.iterdir() if path.name.startswith("t")]) == 2


def test_the_later_word_of_a_source_counts(folder_store, tmp_path, append, identity) -> None:
    store = tmp_path / "store"
    other = write_labels(tmp_path / "other.csv", {"scan1": "1"})
    addition = append("folder", folder_store, labels=other)
    exam_id = identity.exam_id("1.2.1", "1.3.1")
    assert addition.added.joined["labels_overruled"] == 1
    assert addition.added.examples["labels_overruled"] == [exam_id]
    assert labels_of(store, identity) == [1, None]
    events = StoredExams(store).labels.filter(pl.col("exam_id") == exam_id)
    assert events.select("value", "round").rows() == [(0, 0), (1, 1)]
    # And back again.
    first = write_labels(tmp_path / "again.csv", {"scan1": "0", "scan2": "0"})
    assert append("folder", folder_store, labels=first).added.joined["labels_overruled"] == 1
    assert labels_of(store, identity) == [0, 0]
    assert not faults(store)


def test_a_correction_can_be_taken_back(folder_store, tmp_path, append, identity) -> None:
    store, labels = tmp_path / "store", tmp_path / "other.csv"
    for value in ("1", "0", "1"):
        addition = append("folder", folder_store, labels=write_labels(labels, {"scan1": value}))
        assert not addition.known
        assert labels_of(store, identity)[0] == int(value)
    assert append("folder", folder_store, labels=labels).known
    assert not faults(store)


def test_labels_added_by_other_means_stay(folder_store, tmp_path, append, identity) -> None:
    store = tmp_path / "store"
    path = store / "labels.parquet"
    event = pl.read_parquet(path).with_columns(source=pl.lit("reader"), value=pl.lit(1, pl.Int8))
    pl.concat([pl.read_parquet(path), event.with_columns(round=pl.lit(3, pl.Int32))]).write_parquet(
        path
    )
    more = write_labels(tmp_path / "more.csv", {"scan1": "0", "scan2": "1"})
    append("folder", folder_store, labels=more)
    assert labels_of(store, identity) == [1, 1]
    assert pl.read_parquet(path).filter(pl.col("source") == "reader").height == 1
    append("folder", folder_store, labels=write_labels(tmp_path / "1.csv", {"scan1": "1"}))
    assert pl.read_parquet(path)["round"].max() == 4


def test_slice_labels_of_another_folder(folder_store, tmp_path, append, identity, write_slice):
    store, moved = tmp_path / "store", tmp_path / "moved"
    moved.mkdir()
    # The same images under other names, in another order.
    paths = sorted((folder_store / "scan1").iterdir())
    for number, path in enumerate(reversed(paths)):
        shutil.copy(path, moved / f"{number}.dcm")
    rows = {"0.dcm": "1", "1.dcm": "0", "2.dcm": "0"}
    addition = append("folder", moved, labels=write_labels(tmp_path / "m.csv", rows))
    # Three slices, and the exam, whose label now follows from them.
    assert addition.added.n_labels == 4
    assert labels_of(store, identity)[0] == 1
    found = StoredExams(store).labels.drop_nulls("slice_start").select("slice_start", "value")
    # The first file was the highest slice, and 2.dcm the lowest.
    assert sorted(found.rows()) == [(0, 1), (1, 0), (2, 0)]


def test_a_part_of_an_exam_denies_nothing(folder_store, tmp_path, append, identity) -> None:
    positive = write_labels(tmp_path / "p.csv", {"scan2": "1"})
    append("folder", folder_store, labels=positive)
    part = tmp_path / "part"
    shutil.copytree(folder_store / "scan2", part / "scan2")
    (part / "scan2" / "0.dcm").unlink()
    rows = {"scan2/1.dcm": "0", "scan2/2.dcm": "0"}
    addition = append("folder", part, labels=write_labels(tmp_path / "n.csv", rows))
    assert addition.added.joined["exams_with_fewer_images"] == 1
    assert addition.added.n_labels == 2
    assert labels_of(tmp_path / "store", identity)[1] == 1


def test_a_grown_exam_is_named_and_not_changed(
    folder_store, tmp_path, append, identity, write_slice, tree
) -> None:
    store = tmp_path / "store"
    uids = {"study": "1.2.1", "series": "1.3.1", "patient": "P1"}
    write_slice(folder_store / "scan1" / "9.dcm", height=40.0, **uids)
    pixels = {name: digest for name, digest in tree(store).items() if "pixels" in name}
    addition = append("folder", folder_store)
    assert addition.added.joined["exams_with_more_images"] == 1
    assert addition.added.examples == {
        "exams_with_more_images": [identity.exam_id("1.2.1", "1.3.1")]
    }
    assert {name: digest for name, digest in tree(store).items() if "pixels" in name} == pixels


def test_an_exam_of_another_patient_is_named(folder_store, tmp_path, append, write_series) -> None:
    write_series(tmp_path / "other", study="1.2.1", series="1.3.1", patient="P7")
    addition = append("folder", tmp_path / "other")
    assert addition.added.joined["exams_of_another_patient"] == 1
    assert addition.store.n_patients == 2


def test_another_layout_joins_under_its_own_name(
    folder_store, tmp_path, append, write_rsna
) -> None:
    write_rsna(tmp_path / "rsna", 2)
    addition = append("rsna", tmp_path / "rsna")
    assert (addition.added.n_exams, addition.store.n_exams) == (2, 4)
    archives = StoredExams(tmp_path / "store").exams["archive"].unique().sort().to_list()
    assert archives == ["folder", "rsna_2019"]
    assert not faults(tmp_path / "store")


def test_what_does_not_fit_is_refused_by_name(
    folder_store, tmp_path, append, tree, write_series, identity, run
) -> None:
    write_series(tmp_path / "new", study="1.2.9", series="1.3.9", patient="P9")
    before = tree(tmp_path / "store")
    with pytest.raises(InputError, match="the store's own matrix, 16, got 32"):
        append("folder", tmp_path / "new", matrix=32)
    other = Identity(tmp_path / "other", key=bytes(32))
    with pytest.raises(InputError, match=r"the store's own key, got another; .*--identity"):
        append("folder", tmp_path / "new", identity=other)
    with pytest.raises(InputError, match="an exam store, got none"):
        append("folder", tmp_path / "new", tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="at least one CT exam"):
        append("folder", tmp_path / "empty")
    assert tree(tmp_path / "store") == before
    (tmp_path / "store" / "manifest.json").unlink()
    with pytest.raises(InputError, match="unfinished import; run the ingest command that began"):
        append("folder", tmp_path / "new")


def test_another_addition_waits_for_an_unfinished_one(
    folder_store, tmp_path, append, write_series, stopped_at, run
) -> None:
    write_series(tmp_path / "new", study="1.2.9", series="1.3.9", patient="P9")
    write_series(tmp_path / "newer", study="1.2.8", series="1.3.8", patient="P8")
    for n in (6, 9):
        with stopped_at(n) as stopped:
            append("folder", tmp_path / "new")
        assert stopped[0]
        with pytest.raises(InputError, match=r"the addition that was begun \(files\).*finish the"):
            append("folder", tmp_path / "newer")
        with pytest.raises(InputError, match="begun with archive_name = folder"):
            append("folder", tmp_path / "new", archive_name="other")
    append("folder", tmp_path / "new")
    assert append("folder", tmp_path / "newer").index == 2
    assert not faults(tmp_path / "store")


def test_a_study_has_one_exam_where_one_series_is_chosen(
    tmp_path, write_study, write_reads, run, append
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write_reads(source / "reads.csv", {1: {"ICH": "1"}, 2: {}})
    write_study(source, 1, "Thin Plain", n=40, SliceThickness=1.25)
    run("cq500", source, allow_unmatched_labels=True)
    write_study(source, 1, "Plain", series=2, n=40)
    write_study(source, 2, "Plain")
    addition = append("cq500", source, allow_unmatched_labels=True)
    assert (addition.added.n_exams, addition.store.n_exams) == (1, 2)
    assert not faults(tmp_path / "store")
    files = pl.read_parquet(tmp_path / "store" / "files.parquet")
    came = files.filter(pl.col("import_index") == 1).group_by("status", "reason").len()
    assert {row[:2]: row[2] for row in came.iter_rows()} == {
        ("used", ""): 12,
        ("left_out", "already_in_store"): 40,
        ("left_out", "another_series_of_the_study"): 40,
    }


def test_a_series_that_was_too_short_becomes_an_exam(
    tmp_path, write_study, write_reads, run, append
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write_reads(source / "reads.csv", {1: {"ICH": "1"}, 2: {}})
    write_study(source, 1, "Plain", n=40)
    write_study(source, 2, "Plain", n=3)
    run("cq500", source, allow_unmatched_labels=True)
    series = pl.read_parquet(tmp_path / "store" / "series.parquet")
    assert sorted(series["reason"]) == ["", "too_few_slices"]
    write_study(source, 2, "Plain", n=40)
    assert append("cq500", source, allow_unmatched_labels=True).added.n_exams == 1
    series = pl.read_parquet(tmp_path / "store" / "series.parquet").sort("import_index")
    assert series.select("reason", "n_files", "import_index").rows() == [("", 40, 0), ("", 40, 1)]
    assert not faults(tmp_path / "store")


def test_workers_change_nothing(grown, tmp_path, append, tree) -> None:
    shutil.copytree(tmp_path / "store", tmp_path / "two")
    one = append("rsna", grown)
    assert append("rsna", grown, tmp_path / "two", executor=make_executor(2)) == one
    assert tree(tmp_path / "two") == tree(tmp_path / "store")


SLABS = {"series": SeriesSelectionConfig(select="every", average_thin_to_mm=5.0)}


@pytest.fixture
def thin_store(tmp_path: Path, write_slice, run) -> Path:
    """An exam of 22 slices of 1 mm, averaged to four of 5 mm; two are left over. No labels."""
    source = tmp_path / "source"
    for index in range(22):
        write_slice(source / f"{index}.dcm", height=float(index), SliceThickness=1)
    run("folder", source, **SLABS)
    return source


def slice_events(store: Path) -> list[tuple[int, int]]:
    events = StoredExams(store).labels.filter(pl.col("slice_start").is_not_null())
    return events.sort("slice_start").select("slice_start", "value").rows()


def test_new_labels_of_thin_slices_are_said_of_slabs(thin_store, tmp_path, append) -> None:
    known = {0: 0, 6: 1, 7: 0, 21: 1} | dict.fromkeys(range(10, 15), 0)
    rows = {f"{index}.dcm": str(value) for index, value in known.items()}
    more = write_labels(tmp_path / "more.csv", rows)
    append("folder", thin_store, labels=more, **SLABS)
    # One known negative of five says nothing; what lies in no slab speaks for the exam alone.
    assert slice_events(tmp_path / "store") == [(1, 1), (2, 0)]
    assert not faults(tmp_path / "store")


def test_negatives_of_thin_slices_count_only_with_all_of_their_slab(
    thin_store, tmp_path, append, write_slice
) -> None:
    (thin_store / "11.dcm").unlink()
    rows = {f"{index}.dcm": "0" for index in range(22) if index != 11}
    more = write_labels(tmp_path / "more.csv", {**rows, "12.dcm": "0"})
    append("folder", thin_store, labels=more, **SLABS)
    assert slice_events(tmp_path / "store") == [(0, 0), (1, 0), (3, 0)]


def test_new_labels_of_a_thin_volume_are_said_of_slabs(tmp_path, run, append) -> None:
    source = tmp_path / "source"
    (source / "ct_scans").mkdir(parents=True)
    values = np.random.default_rng(0).integers(0, 90, (16, 16, 11)).astype(np.int16)
    values[[0, -1]] = -1000
    image = nibabel.Nifti1Image(values, np.diag([0.5, 0.5, -1, 1]))  # downwards
    nibabel.save(image, source / "ct_scans" / "049.nii")
    run("ct-ich", source, allow_unmatched_labels=True, **SLABS)
    head = "PatientNumber,SliceNumber,Intraventricular,Intraparenchymal,Subarachnoid,Epidural,"
    rows = [
        f"49,{number},0,0,0,0,{int(number == 5)},{int(number != 5)},0" for number in range(2, 12)
    ]
    text = "\n".join([f"{head}Subdural,No_Hemorrhage,Fracture_Yes_No", *rows, ""])
    (source / "hemorrhage_diagnosis_raw_ct.csv").write_text(text)
    append("ct-ich", source, allow_unmatched_labels=True, **SLABS)
    stored = StoredExams(tmp_path / "store")
    assert stored.exams["n_slices"].to_list() == [2]
    events = stored.labels.filter(
        pl.col("slice_start").is_not_null() & (pl.col("finding") == "subdural")
    )
    # The file's slices 7 to 11, the lowest, and 2 to 6; its first lies in no slab.
    assert events.sort("slice_start").select("slice_start", "value").rows() == [(0, 0), (1, 1)]
    assert not faults(tmp_path / "store")
