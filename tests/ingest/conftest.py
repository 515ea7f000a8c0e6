"""Small archives, written by pydicom, and what a store became."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.config import disable_value_validation
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from examwise.core.executors.serial import SerialExecutor
from examwise.core.identity import Identity
from examwise.core.progress import SilentProgress
from examwise.core.schemas.findings import FINDINGS
from examwise.core.storage import Storage
from examwise.ingest.config import IngestConfig, SeriesSelectionConfig
from examwise.ingest.ingest import ingest_archive
from examwise.ingest.summary import IngestSummary

WriteSlice = Callable[..., Path]


@pytest.fixture(scope="session")
def write_slice() -> WriteSlice:
    """Return a function that writes one 16 × 16 CT slice of random HU at a height."""

    def write(
        path: Path,
        *,
        height: float = 0.0,
        patient: str = "P1",
        study: str = "1.2.3",
        series: str = "1.2.3.1",
        **elements: Any,
    ) -> Path:
        seed = int.from_bytes(hashlib.sha256(f"{series} {height}".encode()).digest()[:4])
        hu = np.random.default_rng(seed).integers(-1000, 1000, (16, 16))
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
        values: dict[str, Any] = {
            "SOPClassUID": CTImageStorage,
            "SOPInstanceUID": f"1.2.3.4.{seed}",
            "PatientID": patient,
            "StudyInstanceUID": study,
            "SeriesInstanceUID": series,
            "AccessionNumber": "A1",
            "Modality": "CT",
            "ImagePositionPatient": [0, 0, height],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [0.5, 0.5],
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "Rows": 16,
            "Columns": 16,
            "BitsAllocated": 16,
            "BitsStored": 16,
            "HighBit": 15,
            "PixelRepresentation": 1,
            "RescaleSlope": 1,
            "RescaleIntercept": -1024,
            "PixelData": (hu + 1024).astype("<i2").tobytes(),
            **elements,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with disable_value_validation():
            for keyword, value in values.items():
                if value is not None:
                    setattr(dataset, keyword, value)
            dataset["PixelData"].VR = "OW"
            pydicom.dcmwrite(path, dataset)
        return path

    return write


@pytest.fixture(scope="session")
def write_series(write_slice: WriteSlice) -> Callable[..., list[Path]]:
    """Return a function that writes one series, slices 5 mm apart, top slice first."""

    def write(folder: Path, n_slices: int = 3, **elements: Any) -> list[Path]:
        return [
            write_slice(folder / f"{number}.dcm", height=-5.0 * number, **elements)
            for number in range(n_slices)
        ]

    return write


@pytest.fixture(scope="session")
def write_rsna(write_slice: WriteSlice) -> Callable[..., dict[str, dict[str, int]]]:
    """Return a function that writes an archive in the RSNA layout, and its labels by image.

    Exam ``i`` has three slices, its middle one subdural-positive where ``i`` is even; exams 0
    and 1 are of one patient.
    """

    def write(source: Path, n_exams: int = 4) -> dict[str, dict[str, int]]:
        labels: dict[str, dict[str, int]] = {}
        for exam in range(n_exams):
            for level in range(3):
                image = f"ID_{hashlib.sha256(f'{exam} {level}'.encode()).hexdigest()[:9]}"
                write_slice(
                    source / "stage_2_train" / f"{image}.dcm",
                    height=5.0 * level,
                    patient=f"ID_p{max(exam, 1)}",
                    study=f"ID_st{exam}",
                    series=f"ID_se{exam}",
                    SOPInstanceUID=image,
                    AccessionNumber=None,
                )
                positive = int(exam % 2 == 0 and level == 1)
                labels[image] = {
                    name: positive * (name in ("any", "subdural")) for name in FINDINGS
                }
        write_rsna_labels(source / "stage_2_train.csv", labels)
        return labels

    return write


def write_rsna_labels(path: Path, labels: dict[str, dict[str, int]]) -> None:
    rows = [
        f"{image}_{name},{value}" for image, row in labels.items() for name, value in row.items()
    ]
    path.write_text("\n".join(["ID,Label", *rows]) + "\n")


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity(tmp_path / "identity", key=bytes(range(32)))


@pytest.fixture
def run(tmp_path: Path, identity: Identity) -> Callable[..., IngestSummary]:
    """Return a function that ingests into ``tmp_path / "store"`` unless told otherwise."""

    def ingest(layout: str, source: Path, store: Any = None, **options: Any) -> IngestSummary:
        special = {
            name: options.pop(name)
            for name in (
                "identity",
                "labels",
                "boxes",
                "masks",
                "mask_colours",
                "executor",
                "progress",
            )
            if name in options
        }
        if layout == "folder":  # most tests' images are noise, no heads
            options.setdefault("series", SeriesSelectionConfig(select="every"))
        return ingest_archive(
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

    return ingest


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], dict[str, str]]:
    """Return a function from a folder to digests of its files, provenance left out."""

    def digests(folder: Path) -> dict[str, str]:
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != "provenance.json"
        }

    return digests


@pytest.fixture(scope="session")
def write_reads() -> Callable[..., None]:
    """Return a function that writes CQ500's ``reads.csv``: study number to values that are not 0.

    A value is given by column, such as ``{"R1:ICH": "1"}``, or for all readers (``{"ICH": "1"}``).
    """
    suffixes = [
        *("ICH", "IPH", "IVH", "SDH", "EDH", "SAH", "BleedLocation-Left", "BleedLocation-Right"),
        *("ChronicBleed", "Fracture", "CalvarialFracture", "OtherFracture", "MassEffect"),
        "MidlineShift",
    ]
    columns = [f"R{reader}:{suffix}" for reader in (1, 2, 3) for suffix in suffixes]

    def write(path: Path, studies: dict[int, dict[str, str]]) -> None:
        lines = [",".join(["name", "Category", *columns])]
        for number, given in studies.items():
            values = [given.get(name, given.get(name[3:], "0")) for name in columns]
            lines.append(",".join([f"CQ500-CT-{number}", "B1", *values]))
        path.write_text("\n".join(lines) + "\n")

    return write


@pytest.fixture(scope="session")
def write_study(write_slice: WriteSlice) -> Callable[..., list[Path]]:
    """Return a function that writes one series of a CQ500 study, top slice first.

    The image at height ``5 * i`` has the SOPInstanceUID ``1.<study>.<series>.<i>``.
    """

    def write(
        source: Path, number: int, name: str, *, series: int = 1, n: int = 12, **elements: Any
    ) -> list[Path]:
        study = f"CQ500CT{number}"
        folder = source / "qct01" / f"{study} {study}" / "Unknown Study" / f"CT {name}"
        return [
            write_slice(
                folder / f"CT{n - index:06d}.dcm",
                height=5.0 * index,
                patient=f"CQ500-CT-{number}",
                study=f"1.{number}",
                series=f"1.{number}.{series}",
                **{
                    "SOPInstanceUID": f"1.{number}.{series}.{index}",
                    "SeriesDescription": name,
                    "SliceThickness": 5,
                    # 16 pixels across a head: too few to tell whether it is one.
                    "PixelSpacing": [14, 14],
                    **elements,
                },
            )
            for index in range(n)
        ]

    return write


@pytest.fixture(scope="session")
def write_boxes() -> Callable[..., None]:
    """Return a function that writes a BHX box file: (SOPInstanceUID, label, data) a row."""

    def write(path: Path, rows: list[tuple[str, str, Any]]) -> None:
        lines = [",SOPInstanceUID,SeriesInstanceUID,StudyInstanceUID,data,labelName,labelType"]
        for number, (image, label, data) in enumerate(rows):
            if not isinstance(data, str):
                data = str(dict(zip(("x", "y", "width", "height"), data, strict=True)))
            series = image.rpartition(".")[0]
            study = series.rpartition(".")[0]
            lines.append(f'{number},{image},{series},{study},"{data}",{label},handDrawn')
        path.write_text("\n".join(lines) + "\n")

    return write


class StoppedError(Exception):
    """Stands for a killed process."""


@pytest.fixture(scope="session")
def stopped_at() -> Callable[..., Any]:
    """Return a context manager that lets ``n`` writes and deletions happen, and then no more.

    It yields whether any was stopped, known at its end.
    """

    @contextlib.contextmanager
    def stop(n: int) -> Iterator[list[bool]]:
        left, stopped = [n], [False]

        def counted(function: Callable[..., Any]) -> Callable[..., Any]:
            def step(*arguments: Any, **options: Any) -> Any:
                if left[0] <= 0:
                    stopped[0] = True
                    raise StoppedError
                left[0] -= 1
                return function(*arguments, **options)

            return step

        with pytest.MonkeyPatch.context() as patch:
            for owner, name in (
                (Storage, "write"),
                (Storage, "create"),
                (Storage, "delete"),
                (Identity, "write_crosswalk"),
            ):
                patch.setattr(owner, name, counted(getattr(owner, name)))
            try:
                yield stopped
            except StoppedError:
                pass
            except BaseException:
                if not stopped[0]:
                    raise

    return stop


@pytest.fixture
def cq500_source(tmp_path: Path, write_reads, write_study, write_boxes) -> Path:
    """Four studies.

    0: subdural by all, four series, boxes on two slices of the plain thick one. 1: negative by
    all. 2: thin series only, subarachnoid by two readers, no box. 3: negative by two readers.
    """
    folder = tmp_path / "source"
    folder.mkdir()
    write_study(folder, 0, "Plain 5mm", series=1)
    write_study(folder, 0, "Thin Bone", series=2, SliceThickness=0.6)
    write_study(folder, 0, "5mm POST CONTRAST", series=3)
    write_study(folder, 0, "Plain Thin", series=4, SliceThickness=0.6, n=13)
    write_study(folder, 1, "5mm", series=1)
    write_study(folder, 2, "Plain Thin", series=1, SliceThickness=0.6)
    write_study(folder, 3, "5mm", series=1)
    reads = {
        0: {"ICH": "1", "SDH": "1"},
        1: {},
        2: {"R1:ICH": "1", "R2:ICH": "1", "R1:SAH": "1", "R3:SAH": "1"},
        3: {"R2:ICH": "1", "R2:IPH": "1"},
    }
    write_reads(folder / "reads.csv", reads)
    rows = [
        ("1.0.1.4", "Subdural", (1, 2, 3, 4)),
        ("1.0.1.4", "Chronic", (8.5, 8, 2, 2)),
        ("1.0.1.5", "Subdural", (10, 10, 8, 3)),
        ("1.0.4.3", "Subdural", (1, 2, 3, 4)),
        ("1.9.9.9", "Epidural", (1, 2, 3, 4)),
    ]
    write_boxes(folder / "1_Initial_Manual_Labeling.csv", rows)
    return folder
