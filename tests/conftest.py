"""Fixtures that several layers' tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian

from examwise.core.schemas.annotations import BOXES, MASKS, finding_bit, mask_shard_key
from examwise.core.schemas.findings import FINDINGS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.imaging.shards import encode_mask
from examwise.imaging.store_writer import ExamContent, StoreWriter, finish_store
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import slice_labels

DATA_VARIABLE = "EXAMWISE_TEST_DATA"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real CT files, described in docs/testing.md."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"no real CT files: {DATA_VARIABLE} names no folder")
    return Path(folder)


StoreFactory = Callable[..., str]


@pytest.fixture(scope="session")
def make_store() -> StoreFactory:
    """Return a function that writes a small exam store and returns its URL.

    Exams are noise around 30 HU; a positive slice has a bright square. Exam ``i`` belongs to
    patient ``i // exams_per_patient``; every third exam is positive on its middle slices. With
    ``only``, just these exams of all are written, the same as ever.
    """

    def make(
        url: str | Path,
        *,
        n_exams: int = 12,
        n_slices: int = 6,
        matrix: int = 32,
        seed: int = 0,
        exams_per_patient: int = 1,
        only: Container[int] | None = None,
        archive: str = "test",
        data_terms: str = "synthetic",
        findings: Sequence[str] = FINDINGS,
        configuration: Mapping[str, Any] | None = None,
    ) -> str:
        chosen = {"n_exams": n_exams, **(configuration or {})}
        stage = Stage.begin(url, kind="exam-store", configuration=chosen, inputs={}, seed=seed)
        writer = StoreWriter(url)
        generator = np.random.default_rng(seed)
        for number in range(n_exams):
            exam_id = f"e{number:04d}"
            slices = n_slices + number % 3
            pixels = generator.normal(30, 6, (slices, matrix, matrix))
            positive = np.zeros(slices, bool)
            if number % 3 == 0:
                positive[slices // 3 : slices // 3 + 2] = True
                low = matrix // 4
                pixels[positive, low : 2 * low, low : 2 * low] += 35
            if only is not None and number not in only:
                continue
            labels = [
                {
                    "exam_id": exam_id,
                    "slice_start": index,
                    "slice_stop": index + 1,
                    "finding": finding,
                    "value": int(positive[index] and finding in (findings[0], "subdural")),
                    "source": "test",
                    "reader": None,
                    "seconds": None,
                    "round": 0,
                }
                for index in range(slices)
                for finding in findings
            ]
            writer.write_exam(
                ExamContent(
                    exam={
                        "exam_id": exam_id,
                        "patient_key": f"p{number // exams_per_patient:04d}",
                        "archive": archive,
                        "n_slices": slices,
                        "rows": matrix,
                        "columns": matrix,
                        "source_rows": matrix,
                        "source_columns": matrix,
                        "row_spacing_mm": 1.0,
                        "column_spacing_mm": 1.0,
                        "slice_spacing_mm": 5.0,
                        "regular": True,
                        "gantry_tilt_degree": 0.0,
                        "affine": np.diag([1.0, 1.0, 5.0, 1.0]).ravel().tolist(),
                        "thickness_mm": 5.0,
                        "kernel": None,
                        "scanner_group": None,
                        "lossy": False,
                        "data_terms": data_terms,
                    },
                    pixels_hu=pixels.astype(np.int16),
                    positions_mm=np.arange(slices) * 5.0,
                    labels=labels,
                )
            )
        finish_store(stage)
        return str(url)

    return make


@pytest.fixture(scope="session")
def annotate_store() -> Callable[[str], None]:
    """Return a function that annotates a store of ``make_store``.

    It boxes the bright square of positive slices, and masks it in every second of their exams.
    """

    def annotate(url: str) -> None:
        stored = StoredExams(url)
        low = int(stored.exams["rows"][0]) // 4
        square = slice(low, 2 * low)
        rows = []
        labels = slice_labels(stored, "subdural")
        positive = (
            labels.filter(labels["slice_label"] == 1)
            .group_by("exam_id", maintain_order=True)
            .agg("slice_index")
        )
        for number, (exam_id, indices) in enumerate(positive.iter_rows()):
            rows += [
                {
                    **{"exam_id": exam_id, "slice_index": index, "box_index": 0},
                    **{"finding": "subdural", "x": low, "y": low, "width": low, "height": low},
                    **{"chronic": False, "source": "test"},
                }
                for index in indices
            ]
            if number % 2 == 0:
                mask = np.zeros(stored.shape(exam_id), np.uint8)
                mask[indices, square, square] = finding_bit("subdural") | finding_bit("any")
                coded = encode_mask(mask, ("any", "epidural"), indices)
                stored.storage.write(f"{MASKS}/{exam_id}/zarr.json", coded.metadata)
                stored.storage.write(mask_shard_key(exam_id), coded.shard)
        BOXES.write(Storage(url), BOXES.frame(rows))

    return annotate


WriteEnhanced = Callable[..., Path]


def _group(**elements: Any) -> list[Dataset]:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return [item]


@pytest.fixture(scope="session")
def write_enhanced() -> WriteEnhanced:
    """Return a function that writes an enhanced CT object.

    Frame types, rescaling and positions stand in the frames' own functional groups, everything
    else in the shared ones; a group given as None is left out of both.
    """

    def write(
        path: Path,
        stored: Any,
        heights: Any,
        *,
        rescale: Any = (1, -1024),
        frame_types: Any = None,
        groups: Any = (),
        own_groups: Any = (),
        syntax: str = ExplicitVRLittleEndian,
        **elements: Any,
    ) -> Path:
        number, rows, columns = stored.shape
        types = frame_types or [["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]] * number
        rescales = rescale if isinstance(rescale, list) else [rescale] * number
        shared = {
            "PlaneOrientationSequence": _group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
            "PixelMeasuresSequence": _group(PixelSpacing=[0.5, 0.25], SliceThickness=5),
            "CTReconstructionSequence": _group(ConvolutionKernel="H30f"),
            **dict(groups),
        }
        own = [
            {
                "PlanePositionSequence": _group(ImagePositionPatient=[0, 0, float(height)]),
                "CTImageFrameTypeSequence": _group(FrameType=kind),
                "PixelValueTransformationSequence": _group(
                    RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU"
                ),
                **dict(own_groups),
            }
            for height, kind, (slope, intercept) in zip(heights, types, rescales, strict=True)
        ]
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
        meta.MediaStorageSOPInstanceUID = "1.2.3.4.6"
        meta.TransferSyntaxUID = syntax
        dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
        values: dict[str, Any] = {
            "SOPClassUID": EnhancedCTImageStorage,
            "SOPInstanceUID": "1.2.3.4.6",
            "PatientID": "P1",
            "StudyInstanceUID": "1.2.3",
            "SeriesInstanceUID": "1.2.3.9",
            "Modality": "CT",
            "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "NumberOfFrames": number,
            "Rows": rows,
            "Columns": columns,
            "BitsAllocated": 16,
            "BitsStored": 16,
            "HighBit": 15,
            "PixelRepresentation": int(stored.dtype == np.int16),
            "SharedFunctionalGroupsSequence": [_dataset_of(shared)],
            "PerFrameFunctionalGroupsSequence": [_dataset_of(frame) for frame in own],
            "PixelData": stored.tobytes(),
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


def _dataset_of(elements: dict[str, Any]) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset
