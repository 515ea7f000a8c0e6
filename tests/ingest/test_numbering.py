from __future__ import annotations

import json

import polars as pl
import pytest

from examwise.core.executors import make_executor
from examwise.core.identity import Identity
from examwise.core.progress import SilentProgress
from examwise.core.stage import Stage
from examwise.ingest.config import IngestConfig, SeriesSelectionConfig
from examwise.ingest.ingest import ingest_archive
from examwise.ingest.numbering import numbered_within, numbering_of
from examwise.ingest.scan import ScannedFile

FILES = [
    ScannedFile("ct_scans/049.nii", "nifti", "", "049", "ct_scans/049.nii", "ct_scans/049.nii"),
    ScannedFile("masks/049.nii", "mask", "", "049"),
    ScannedFile("qct01/7/1.dcm", "dicom", "", "CQ500-CT-7", "1.2", "1.2.3"),
    ScannedFile("loose.dcm", "dicom", "", "from the header", "1.4", "1.4.5"),
    ScannedFile("notes.txt", "", "not_dicom"),
]


def patient_of(path):
    return "CQ500-CT-7" if path.startswith("qct") else ""


def synthetic(folder, seed=0, **configuration):
    chosen = {"layout": "cq500", "hospital": "a", "n_exams": 3, **configuration}
    Stage.begin(folder, kind="phantom-archive", configuration=chosen, inputs={}, seed=seed)
    return folder


def test_a_real_archive_keeps_its_numbers(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    assert numbering_of(tmp_path) == ""
    assert numbered_within(FILES, "", patient_of) == FILES


def test_synthetic_archives_differ_by_seed_and_hospital_alone(tmp_path):
    first = numbering_of(synthetic(tmp_path / "a"))
    assert json.loads(first) == {"seed": 0, "hospital": "a"}
    assert numbering_of(synthetic(tmp_path / "b", n_exams=9, layout="ct-ich")) == first
    assert numbering_of(synthetic(tmp_path / "c", seed=1)) != first
    assert numbering_of(synthetic(tmp_path / "d", hospital="b")) != first


def test_only_numbers_are_told_apart():
    nifti, mask, named, loose, other = numbered_within(FILES, "here", patient_of)
    assert (nifti.numbering, nifti.patient_id) == ("here", "049")
    assert nifti.series != FILES[0].series
    assert (mask, loose, other) == (FILES[1], FILES[3], FILES[4])
    assert named == FILES[2]._replace(numbering="here")


LAYOUTS = ("cq500", "ct-ich")


@pytest.fixture(scope="module")
def stored_patients(tmp_path_factory):
    """Return a function that makes a synthetic archive, imports it, and reads its exams."""
    from examwise.phantom.archive import make_phantom_archive
    from examwise.phantom.config import PhantomConfig

    folder = tmp_path_factory.mktemp("numbered")
    identity = Identity(folder / "identity", key=bytes(32))

    def make(layout, name, **options):
        config = PhantomConfig(matrix=32, min_slices=4, max_slices=5, **options)
        quiet = {"executor": make_executor(1), "progress": SilentProgress()}
        make_phantom_archive(folder / layout / name, config, layout=layout, **quiet)
        ingest_archive(
            layout,
            folder / layout / name,
            folder / f"{layout}-{name}-store",
            identity=identity,
            config=IngestConfig(matrix=32, series=SeriesSelectionConfig(select="every")),
            **quiet,
        )
        return pl.read_parquet(folder / f"{layout}-{name}-store" / "exams.parquet")

    return make


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_synthetic_archives_share_no_patient_and_no_exam(stored_patients, layout):
    one = stored_patients(layout, "one", n_exams=2, seed=0)
    other = stored_patients(layout, "other", n_exams=2, seed=1)
    larger = stored_patients(layout, "larger", n_exams=3, seed=0)
    for column in ("patient_key", "exam_id"):
        assert not set(one[column]) & set(other[column])
        # A larger archive of the same seed begins with the same patients: they must overlap.
        assert set(one[column]) < set(larger[column])
