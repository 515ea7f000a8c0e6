"""What others make of a damaged file: dcmtk of DICOM, a few lines of NumPy of NIfTI."""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import UID, JPEGBaseline8Bit, JPEGExtended12Bit

PATIENCE_S = 20
_LOSSY_TOLERANCE = 2
_LOSSY_SHARE = 0.1  # of pixels that a damaged table of quantisers sets further apart
_AIR_HU, _HIGHEST_HU = -1024, 32767
_TOOLS = {
    **{UID(f"1.2.840.10008.1.2{tail}"): ("dcmconv", "+te") for tail in ("", ".1", ".1.99", ".2")},
    UID("1.2.840.10008.1.2.5"): ("dcmdrle",),
    **{UID(f"1.2.840.10008.1.2.4.{n}"): ("dcmdjpeg", "+cn") for n in (50, 51, 53, 55, 57, 70)},
    **{UID(f"1.2.840.10008.1.2.4.{n}"): ("dcmdjpls",) for n in (80, 81)},
}
_NIFTI_TYPES = {
    **{2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1"},
    **{512: "u2", 768: "u4", 1024: "i8", 1280: "u8"},
}


def reference_hu(path: Path) -> np.ndarray | str:
    """Return the HU that another program finds in a file, or why there are none.

    Returns:
        HU; or ``no decoder`` (dcmtk has none for this coding, or is not installed) or ``refused``.
    """
    if path.name.endswith((".nii", ".nii.gz")):
        return _nifti_hu(path)
    try:
        tool = _TOOLS.get(
            pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
        )
    except Exception:  # whatever pydicom cannot read, dcmtk is not asked about
        return "refused"
    if tool is None or not shutil.which(tool[0]):
        return "no decoder"
    plain = path.with_name("plain.dcm")
    plain.unlink(missing_ok=True)
    try:
        done = subprocess.run([*tool, path, plain], capture_output=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return "refused"
    if done.returncode or not plain.exists():
        return "refused"
    try:
        return _plain_hu(pydicom.dcmread(plain), was_coded=tool[0] in ("dcmdjpeg", "dcmdjpls"))
    except Exception:
        return "refused"


def _plain_hu(dataset: pydicom.FileDataset, *, was_coded: bool) -> np.ndarray:
    """Decode uncompressed pixels by the letter of the standard.

    JPEG and JPEG-LS code values, not the bits around them, so HighBit says nothing there: dcmtk
    copies it, true or not, beside the values that it decoded.
    """
    size = int(dataset.BitsAllocated) // 8
    count = dataset.Rows * dataset.Columns
    raw = np.frombuffer(dataset.PixelData[: count * size], f"<u{size}").astype(np.int64)
    bits = int(dataset.BitsStored)
    low = 0 if was_coded else int(dataset.HighBit) + 1 - bits
    stored = _signed((raw >> low) & ((1 << bits) - 1), bits, dataset)
    hu = stored * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    if (padding := dataset.get("PixelPaddingValue")) is not None:
        limit = dataset.get("PixelPaddingRangeLimit", padding)
        ends = _signed(np.array([padding, limit]) % (1 << 8 * size), 8 * size, dataset)
        hu[(stored >= ends.min()) & (stored <= ends.max())] = _AIR_HU
    return _to_int16(hu).reshape(dataset.Rows, dataset.Columns)


def _signed(values: np.ndarray, bits: int, dataset: pydicom.FileDataset) -> np.ndarray:
    if not dataset.PixelRepresentation:
        return values
    return np.where(values >> (bits - 1), values - (1 << bits), values)


def _nifti_hu(path: Path) -> np.ndarray | str:
    data = path.read_bytes()
    try:
        if path.name.endswith(".gz"):
            data = gzip.decompress(data)
        first = data[:4]
        order = "<" if first in (b"\x5c\1\0\0", b"\x1c\2\0\0") else ">"
        if struct.unpack(f"{order}i", first)[0] == 348:
            dims, kind = struct.unpack_from(f"{order}8h", data, 40), (70, "h")
            place, scale = struct.unpack_from(f"{order}f", data, 108)[0], (112, "ff")
        else:
            dims, kind = struct.unpack_from(f"{order}8q", data, 16), (12, "h")
            place, scale = struct.unpack_from(f"{order}q", data, 168)[0], (176, "dd")
        code = struct.unpack_from(order + kind[1], data, kind[0])[0]
        slope, intercept = struct.unpack_from(order + scale[1], data, scale[0])
        count = int(np.prod(dims[1 : dims[0] + 1]))
        values = np.frombuffer(data, order + _NIFTI_TYPES[code], count, int(place))
    except Exception:
        return "refused"
    if np.isfinite(slope) and slope != 0:
        values = values * slope + intercept
    return _to_int16(values.astype(np.float64))


def _to_int16(values: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        filled = np.nan_to_num(values, nan=_AIR_HU, posinf=_HIGHEST_HU, neginf=_AIR_HU)
    return np.clip(np.rint(filled), _AIR_HU, _HIGHEST_HU).astype(np.int16)


def same_hu(path: Path, hu: np.ndarray, reference: np.ndarray) -> bool:
    """Tell whether two decodes agree.

    NIfTI whatever way round it lies; lossy JPEG but for rounding, and for the ends of the range,
    past which damaged coefficients lead and one decoder clips where the other goes round.
    """
    if path.name.endswith((".nii", ".nii.gz")):
        return np.array_equal(np.sort(hu, axis=None), np.sort(reference, axis=None))
    if np.array_equal(hu, reference):
        return True
    header = pydicom.dcmread(path, stop_before_pixels=True)
    if header.file_meta.TransferSyntaxUID not in (JPEGBaseline8Bit, JPEGExtended12Bit):
        return False
    slope, intercept = float(header.RescaleSlope), float(header.RescaleIntercept)
    ends = _to_int16(np.array([0, (1 << int(header.BitsStored)) - 1]) * slope + intercept)
    apart = np.abs(hu.astype(int) - reference) > _LOSSY_TOLERANCE * abs(slope)
    return np.mean(apart & ~np.isin(hu, ends) & ~np.isin(reference, ends)) <= _LOSSY_SHARE
