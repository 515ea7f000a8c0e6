from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.executors.serial import SerialExecutor
from examwise.core.identity import Identity
from examwise.core.manifest import read_manifest
from examwise.core.progress import SilentProgress
from examwise.core.stage import Stage
from examwise.data.splits import read_splits, split_store
from examwise.imaging.store_check import check_store
from examwise.imaging.stored_exams import StoredExams
from examwise.ingest.append import append_archive
from examwise.ingest.config import IngestConfig, SeriesSelectionConfig
from examwise.ingest.remove import remove_exams
from examwise.ingest.seen_by import find_sightings


def faults(store: Path) -> list[str]:
    check = check_store(str(store), executor=SerialExecutor(), progress=SilentProgress())
    # Random noise is no HU, and no head.
    return [str(fault) for fault in check.faults if fault.code != "hu"]


def add(source: Path, store: Path, identity: Identity, *, layout: str = "rsna", **options: Any):
    return append_archive(
        layout,
        source,
        str(store),
        identity=identity,
        config=IngestConfig(matrix=16, **options),
        executor=SerialExecutor(),
        progress=SilentProgress(),
    )


@pytest.fixture
def store(tmp_path: Path, write_rsna, run, identity) -> Path:
    """A split store of six exams, two of them added later."""
    write_rsna(tmp_path / "source", 4)
    run("rsna", tmp_path / "source")
    write_rsna(tmp_path / "source", 6)
    add(tmp_path / "source", tmp_path / "store", identity)
    split_store(tmp_path / "store", fractions=(0.5, 0.2, 0.3))
    return tmp_path / "store"


def searched(folder: Path, text: str) -> list[str]:
    """Files whose name or bytes hold a text, tombstones and the manifest's list apart."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.startswith("removed") or name == "manifest.json":
            continue
        inside = path.is_file() and text.encode() in path.read_bytes()
        if path.suffix == ".parquet":
            inside = text in pl.read_parquet(path).write_ndjson()
        if inside or text in name:
            found.append(name)
    return found


def exam_of(store: Path, identity: Identity, number: int) -> str:
    return identity.exam_id(f"ID_st{number}", f"ID_se{number}")


def test_nothing_of_a_withdrawn_exam_stays(store, tmp_path, identity) -> None:
    exam_id = exam_of(store, identity, 2)
    patient_key = identity.patient_key("ID_p2")
    assert searched(store, exam_id)
    n_before = StoredExams(store).exams.height
    removal = remove_exams(store, identity=identity, exam_ids=[exam_id])
    assert removal.exam_ids == (exam_id,)
    assert (removal.n_removed, removal.n_crosswalks, removal.n_lost_crosswalks) == (1, 2, 0)
    assert removal.store.n_exams == n_before - 1
    assert not searched(store, exam_id)
    assert not searched(store, patient_key)
    for walk in identity.folder.rglob("crosswalk.parquet"):
        assert "ID_p2" not in pl.read_parquet(walk)["patient_id"].to_list()
        assert pl.read_parquet(walk).height
    assert not faults(store)
    files = pl.read_parquet(store / "files.parquet").filter(pl.col("reason") == "withdrawn")
    # Three came with the first import, and were there again with the second one.
    assert files.height == 6
    assert files["slice_index"].null_count() == files["exam_id"].null_count() == 6
    assert read_splits(store).height == n_before - 1
    assert read_manifest(store, kind="exam-store").removed == (exam_id,)


def test_a_withdrawn_exam_never_comes_back(store, tmp_path, identity, write_rsna, run) -> None:
    exam_id = exam_of(store, identity, 2)
    remove_exams(store, identity=identity, exam_ids=[exam_id])
    write_rsna(tmp_path / "source", 7)
    addition = add(tmp_path / "source", store, identity)
    assert addition.added.n_exams == 1
    assert addition.added.left_out["withdrawn"] == 3
    assert addition.added.joined["exams_withdrawn"] == 1
    assert addition.added.n_labels_in_no_exam == 0
    assert exam_id not in StoredExams(store).exams["exam_id"].to_list()
    assert not faults(store)
    for walk in identity.folder.rglob("crosswalk.parquet"):
        assert "ID_p2" not in pl.read_parquet(walk)["patient_id"].to_list()


def test_a_lost_crosswalk_comes_back_without_them(store, tmp_path, identity, write_rsna, run):
    remove_exams(store, identity=identity, exam_ids=[exam_of(store, identity, 2)])
    shutil.rmtree(tmp_path / "source")
    write_rsna(tmp_path / "source", 4)
    walks = sorted(identity.folder.rglob("crosswalk.parquet"))
    kept = [pl.read_parquet(walk) for walk in walks]
    for walk in walks:
        walk.unlink()
    run("rsna", tmp_path / "source", store)
    write_rsna(tmp_path / "source", 6)
    assert add(tmp_path / "source", store, identity).known
    for walk, before in zip(walks, kept, strict=True):
        assert pl.read_parquet(walk).equals(before)


def test_a_whole_patient(store, tmp_path, identity, write_rsna, write_slice) -> None:
    patient = identity.patient_key("ID_p1")
    removal = remove_exams(store, identity=identity, patient_keys=[patient])
    assert len(removal.exam_ids) == 2
    assert removal.patient_keys == (patient,)
    assert remove_exams(store, identity=identity, patient_keys=[patient]).n_removed == 0
    assert not faults(store)
    # A later exam of the patient stays out, too.
    write_rsna(tmp_path / "source", 7)
    for path in (tmp_path / "source" / "stage_2_train").iterdir():
        if b"ID_st6" in path.read_bytes():
            path.write_bytes(path.read_bytes().replace(b"ID_p6", b"ID_p1"))
    addition = add(tmp_path / "source", store, identity)
    assert addition.added.n_exams == 0
    assert addition.added.joined["exams_withdrawn"] == 3


def test_a_patient_withdrawn_exam_by_exam_can_be_withdrawn_as_a_whole(
    store, tmp_path, identity, write_rsna
) -> None:
    patient = identity.patient_key("ID_p2")
    remove_exams(store, identity=identity, exam_ids=[exam_of(store, identity, 2)])
    assert remove_exams(store, identity=identity, patient_keys=[patient]).n_removed == 0
    assert not faults(store)
    write_rsna(tmp_path / "source", 7)
    for path in (tmp_path / "source" / "stage_2_train").iterdir():
        if b"ID_st6" in path.read_bytes():
            path.write_bytes(path.read_bytes().replace(b"ID_p6", b"ID_p2"))
    assert add(tmp_path / "source", store, identity).added.n_exams == 0
    assert patient not in StoredExams(store).exams["patient_key"].to_list()


def test_no_crosswalk_keeps_a_patient_by_files_that_became_no_exam(
    tmp_path, write_series, run, identity
) -> None:
    first, second, store = tmp_path / "first", tmp_path / "second", tmp_path / "store"
    for number in (1, 2):
        write_series(first / f"{number}", patient=f"P{number}", study=f"1.{number}", series="1.8")
    run("folder", first, store)
    scout = {"ImageType": ["DERIVED", "SECONDARY", "LOCALIZER"]}
    write_series(second / "scout", patient="P1", study="1.1", series="1.9", **scout)
    write_series(second / "3", patient="P3", study="1.3", series="1.8")
    add(second, store, identity, layout="folder", series=SeriesSelectionConfig(select="every"))
    remove_exams(store, identity=identity, exam_ids=[identity.exam_id("1.1", "1.8")])
    walks = [pl.read_parquet(walk) for walk in identity.folder.rglob("crosswalk.parquet")]
    assert sorted(walk.height for walk in walks) == [3, 3]
    assert {*pl.concat(walks)["patient_id"]} == {"P2", "P3"}


def test_a_withdrawn_study_does_not_come_back_by_another_series(
    tmp_path, write_series, run, identity
) -> None:
    series = SeriesSelectionConfig(min_slices=2)
    wide = {"PixelSpacing": [9, 9]}  # of such noise nobody can say that it is no head
    for number in (1, 2):
        write_series(tmp_path / "a" / f"{number}", study=f"1.{number}", series="1.8", **wide)
    run("folder", tmp_path / "a", series=series)
    store = tmp_path / "store"
    remove_exams(store, identity=identity, exam_ids=[identity.exam_id("1.1", "1.8")])
    for number in (1, 3):
        write_series(tmp_path / "b" / f"{number}", study=f"1.{number}", series="1.9", **wide)
    addition = add(tmp_path / "b", store, identity, layout="folder", series=series)
    assert (addition.added.n_exams, addition.added.joined["exams_withdrawn"]) == (1, 1)
    assert addition.added.left_out == {"withdrawn": 3}
    assert not faults(store)


def test_unknown_exams_and_patients_are_refused(store, tree, identity) -> None:
    before = tree(store)
    known = exam_of(store, identity, 2)
    with pytest.raises(InputError, match=r"exams of this store.*got 1 that it does not have"):
        remove_exams(store, identity=identity, exam_ids=[known, "e-unknown"])
    with pytest.raises(InputError, match="patients of this store"):
        remove_exams(store, identity=identity, patient_keys=["p-unknown"])
    with pytest.raises(InputError, match="name them by --exam or --patient"):
        remove_exams(store, identity=identity)
    assert tree(store) == before
    with pytest.raises(InputError, match="an exam store"):
        remove_exams(store.parent / "none", identity=identity, exam_ids=[known])
    assert not (store.parent / "none").exists()


def test_objects_written_late_go_when_it_is_withdrawn_again(store, identity, tree) -> None:
    exam_id = exam_of(store, identity, 2)
    remove_exams(store, identity=identity, exam_ids=[exam_id])
    whole = tree(store)
    late = store / "pixels.zarr" / exam_id / "zarr.json"
    late.parent.mkdir()
    late.write_bytes(b"late")
    assert "withdraw it again" in faults(store)[0]
    assert remove_exams(store, identity=identity, exam_ids=[exam_id]).n_removed == 0
    assert not faults(store)
    assert tree(store) == whole


def test_another_identity_folder_has_no_crosswalk(store, tmp_path, identity) -> None:
    other = Identity(tmp_path / "other")
    removal = remove_exams(store, identity=other, exam_ids=[exam_of(store, identity, 2)])
    assert (removal.n_crosswalks, removal.n_lost_crosswalks) == (0, 2)
    assert not other.folder.exists()


def test_stopped_at_every_write_it_ends_in_the_same_bytes(
    store, tmp_path, identity, tree, stopped_at
) -> None:
    wanted = [exam_of(store, identity, number) for number in (0, 4)]
    finished, walks = tmp_path / "finished", tmp_path / "walks"
    shutil.copytree(store, finished)
    shutil.copytree(identity.folder, walks)
    whole = remove_exams(finished, identity=Identity(walks), exam_ids=wanted)
    assert not faults(finished)
    for n in range(200):
        copy, folder = tmp_path / f"store{n}", tmp_path / f"identity{n}"
        shutil.copytree(store, copy)
        shutil.copytree(identity.folder, folder)
        with stopped_at(n) as stopped:
            remove_exams(copy, identity=Identity(folder), exam_ids=wanted)
        if not stopped[0]:
            assert n > 15
            break
        if n < 3:  # nothing is taken out before it is on record
            assert not faults(copy), n
            assert len(StoredExams(copy).exams) == 6
        again = remove_exams(copy, identity=Identity(folder), exam_ids=wanted)
        assert again.store == whole.store
        assert tree(copy) == tree(finished), n
        assert tree(folder) == tree(walks), n
        shutil.rmtree(copy)
    else:
        pytest.fail("never finished")


def test_an_unfinished_removal_stands_in_the_way_of_others(
    store, tmp_path, identity, tree, stopped_at, run, write_rsna
) -> None:
    exam_id = exam_of(store, identity, 2)
    for n in (2, 8):
        with stopped_at(n) as stopped:
            remove_exams(store, identity=identity, exam_ids=[exam_id])
        assert stopped[0]
        with pytest.raises(InputError, match="unfinished removal; run examwise remove"):
            add(tmp_path / "source", store, identity)
    write_rsna(tmp_path / "first", 4)
    with pytest.raises(InputError, match="unfinished removal; run examwise remove"):
        run("rsna", tmp_path / "first", store)
    remove_exams(store, identity=identity, exam_ids=[exam_id])
    assert not faults(store)


def test_the_last_exam_can_go(tmp_path, write_rsna, run, identity) -> None:
    write_rsna(tmp_path / "source", 1)
    run("rsna", tmp_path / "source")
    store = tmp_path / "store"
    removal = remove_exams(store, identity=identity, exam_ids=[exam_of(store, identity, 0)])
    assert removal.store.n_exams == 0
    assert not faults(store)


def test_who_has_seen_them(tmp_path) -> None:
    def directory(
        place: str,
        kind: str,
        tables: dict[str, dict[str, list[str]]],
        inputs: dict[str, str] | None = None,
    ) -> None:
        given = {"configuration": {}, "inputs": inputs or {}, "seed": 0}
        stage = Stage.begin(tmp_path / place, kind=kind, **given)
        for file, columns in tables.items():
            pl.DataFrame(columns).write_parquet(tmp_path / place / file)
        stage.finish()

    directory("runs/a", "run", {"label_set.parquet": {"exam_id": ["e1", "e2"]}})
    directory("runs/b", "run", {"learned_patients.parquet": {"patient_key": ["p1"]}})
    directory("runs/c", "run", {"learned_patients.parquet": {"patient_key": ["p9"]}})
    directory("encoder", "encoder", {"learned_patients.parquet": {"patient_key": ["p1"]}})
    directory("folds", "cross-validation", {"folds.parquet": {"patient_key": ["p1"]}})
    directory("study", "study", {})
    columns = {"exam_id": ["e9"], "patient_key": ["p1"]}
    directory("study/predictions/d", "predictions", {"exams.parquet": columns})
    manifest = (tmp_path / "study" / "predictions" / "d" / "manifest.json").read_bytes()
    of_these = {"predictions/d": "sha256:" + sha256_hex(manifest)}
    directory("study/evaluation", "evaluation", {}, of_these)
    directory("evaluation", "evaluation", {}, {"predictions/d": "sha256:another"})
    (tmp_path / "runs" / "b" / "label_set.parquet").write_text("no table")
    found, n_looked = find_sightings([tmp_path], exam_ids=["e1"], patient_keys=["p1"])
    seen = {(one.directory.removeprefix(f"{tmp_path}/"), one.kind, one.what) for one in found}
    assert seen == {
        ("runs/a", "run", "was given labels of these exams"),
        ("runs/b", "run", "unreadable"),
        ("runs/b", "run", "was given labels of this patient"),
        ("encoder", "encoder", "was trained on slices of this patient"),
        ("folds", "cross-validation", "has dealt this patient into its folds"),
        ("study", "study", "is made from 1 of these"),
        ("study/predictions/d", "predictions", "holds predictions of these exams or of this "
         "patient"),
        ("study/evaluation", "evaluation", "is computed from such predictions"),
    }  # fmt: skip
    assert n_looked == 8
    assert find_sightings([tmp_path], exam_ids=["e7"], patient_keys=["p7"])[0][0].what == (
        "unreadable"
    )
    with pytest.raises(InputError, match="none of that name"):
        find_sightings([tmp_path / "nowhere"], exam_ids=[], patient_keys=[])


def test_a_scout_that_comes_later_leaves_no_trace_of_a_withdrawn_patient(
    tmp_path: Path, run, write_series, identity
) -> None:
    source, store = tmp_path / "source", tmp_path / "store"
    for number in (1, 2):
        write_series(source / str(number), patient=f"P{number}", study=f"1.{number}", series="1.8")
    run("folder", source)
    remove_exams(str(store), identity=identity, patient_keys=[identity.patient_key("P1")])
    scout = ["DERIVED", "SECONDARY", "LOCALIZER"]
    later = tmp_path / "later"
    for number in (1, 2):
        place, theirs = later / f"scout {number}", {"patient": f"P{number}", "series": "1.9"}
        write_series(place, study=f"1.{number}", ImageType=scout, **theirs)
    write_series(later / "new", patient="P3", study="1.3", series="1.8")
    add(later, store, identity, layout="folder", series=SeriesSelectionConfig(select="every"))
    walks = [pl.read_parquet(path) for path in identity.folder.rglob("crosswalk.parquet")]
    assert {name for walk in walks for name in walk["patient_id"]} == {"P2", "P3"}


@pytest.mark.parametrize("damage", ["exams", "labels", "no labels", "a record"])
def test_a_damaged_store_is_not_changed(store, tmp_path, identity, tree, write_rsna, damage):
    exam_id = exam_of(store, identity, 2)
    if damage == "a record":
        (store / "commits" / "exams" / f"{exam_of(store, identity, 3)}.json").unlink()
    elif damage == "no labels":
        (store / "labels.parquet").unlink()
    else:
        path = store / f"{damage}.parquet"
        path.write_bytes(path.read_bytes()[:-30])
    before = tree(store)
    write_rsna(tmp_path / "source", 7)
    for change in (
        lambda: remove_exams(store, identity=identity, exam_ids=[exam_id]),
        lambda: add(tmp_path / "source", store, identity),
    ):
        with pytest.raises(InputError, match="from a copy of the store, nothing has been changed"):
            change()
        assert tree(store) == before
