"""Small valid DICOM and NIfTI files in every coding, to be damaged."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

ROWS, COLUMNS = 40, 56


@dataclass(frozen=True)
class Base:
    """A valid file.

    Attributes:
        name: What it is; a NIfTI file's ends with its suffix.
        data: Its bytes.
        packing: How its content is compressed: ``deflate``, ``gzip`` or empty.
    """

    name: str
    data: bytes
    packing: str = ""

    @property
    def is_nifti(self) -> bool:
        """Whether it is a NIfTI file."""
        return self.name.endswith((".nii", ".nii.gz"))


def make_bases(folder: Path, real_files: Path | None = None) -> list[Base]:
    """Write the valid files; codings that only dcmtk writes are there where dcmtk is.

    Args:
        folder: Scratch.
        real_files: A folder of real files of at most 1 MiB, if they are to be damaged as well.
    """
    signed, unsigned = _slice(np.int16), _slice(np.uint16)
    bases = [
        _base("implicit", _write(folder, signed, ImplicitVRLittleEndian)),
        _base("little endian", _write(folder, signed, ExplicitVRLittleEndian)),
        _base("little endian unsigned", _write(folder, unsigned, ExplicitVRLittleEndian)),
        _base("big endian", _write(folder, signed, ExplicitVRBigEndian)),
        _base("deflated", _write(folder, signed, DeflatedExplicitVRLittleEndian), "deflate"),
        _base("RLE", _compressed(folder, signed, RLELossless)),
        _base("JPEG 2000", _compressed(folder, signed, JPEG2000Lossless)),
        _base("JPEG 2000 unsigned", _compressed(folder, unsigned, JPEG2000Lossless)),
    ]
    for name, tool, option in (
        ("JPEG lossy", "dcmcjpeg", "+ee"),
        ("JPEG lossless", "dcmcjpeg", "+el"),
        ("JPEG lossless SV1", "dcmcjpeg", "+e1"),
        ("JPEG-LS", "dcmcjpls", "+el"),
        ("JPEG-LS near-lossless", "dcmcjpls", "+en"),
    ):
        if shutil.which(tool):
            source, target = folder / "source.dcm", folder / "target.dcm"
            source.write_bytes(_write(folder, unsigned, ExplicitVRLittleEndian))
            subprocess.run([tool, option, source, target], check=True, capture_output=True)
            bases.append(_base(name, target.read_bytes()))
    volume = nibabel.Nifti1Image(_volume(), np.diag([-0.5, 0.5, 5.0, 1.0]))
    volume.header.set_slope_inter(1, -1024)
    volume.header["sform_code"] = volume.header["qform_code"] = 1
    for name in ("one.nii", "one.nii.gz"):
        nibabel.save(volume, folder / name)
        bases.append(_base(name, (folder / name).read_bytes()))
    bases.append(_base("two.nii", nibabel.Nifti2Image(_volume(), volume.affine).to_bytes()))
    if real_files is not None:
        bases += sorted(_real(real_files), key=lambda base: base.name)
    return bases


def _real(folder: Path) -> Iterator[Base]:
    for path in folder.rglob("*"):
        if not path.is_file() or path.stat().st_size > 1 << 20:
            continue
        data = path.read_bytes()
        if data[128:132] == b"DICM":
            try:
                syntax = pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
            except Exception:  # some of these files are damaged as they are
                continue
            packing = "deflate" if syntax == DeflatedExplicitVRLittleEndian else ""
            yield Base(path.relative_to(folder).as_posix(), data, packing)
        elif path.name.endswith((".nii", ".nii.gz")):
            yield _base(path.relative_to(folder).as_posix(), data)


def _slice(dtype: type[np.generic]) -> FileDataset:
    y, x = np.mgrid[:ROWS, :COLUMNS]
    noise = np.random.default_rng(0).normal(0, 8, (ROWS, COLUMNS))
    inside = ((y - ROWS / 2) / 18) ** 2 + ((x - COLUMNS / 2) / 24) ** 2 < 1
    hu = np.where(inside, 40 + 20 * np.sin(x / 5) + noise, -1000)
    unsigned = dtype is np.uint16
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    reference = pydicom.Dataset()
    reference.ReferencedSOPInstanceUID = "1.2.3.9"
    values = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": "1.2.3.4.5",
        "PatientID": "P1",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "Manufacturer": "NOBODY",
        "ConvolutionKernel": "H30",
        "SliceThickness": 5,
        "ReferencedImageSequence": [reference],
        "ImagePositionPatient": [-100, -100, 10],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.5],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "NumberOfFrames": 1,
        "Rows": ROWS,
        "Columns": COLUMNS,
        "BitsAllocated": 16,
        "BitsStored": 12 if unsigned else 16,
        "HighBit": 11 if unsigned else 15,
        "PixelRepresentation": int(not unsigned),
        "RescaleSlope": 1,
        "RescaleIntercept": -1024 if unsigned else 0,
        "PixelData": np.rint(hu + 1024 * unsigned).astype(dtype).tobytes(),
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset["PixelData"].VR = "OW"
    return dataset


def _volume() -> np.ndarray:
    slices = np.random.default_rng(1).normal(1060, 20, (24, 20, 6))
    slices[:4] = 24
    return np.rint(slices).astype(np.int16)


def _write(folder: Path, dataset: FileDataset, syntax: str) -> bytes:
    path = folder / "written.dcm"
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        little = dataset.PixelData
        dataset.PixelData = np.frombuffer(little, "<u2").astype(">u2").tobytes()
        pydicom.dcmwrite(
            path, dataset, implicit_vr=False, little_endian=False, enforce_file_format=True
        )
        dataset.PixelData = little
    else:
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path.read_bytes()


def _compressed(folder: Path, dataset: FileDataset, syntax: str) -> bytes:
    path = folder / "plain.dcm"
    path.write_bytes(_write(folder, dataset, ExplicitVRLittleEndian))
    coded = pydicom.dcmread(path)
    coded.compress(syntax, generate_instance_uid=False)
    coded.save_as(path)
    return path.read_bytes()


def _base(name: str, data: bytes, packing: str = "") -> Base:
    return Base(name, data, "gzip" if name.endswith(".gz") else packing)
