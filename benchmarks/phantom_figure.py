"""Draws synthetic slices above real ones, in the brain window and at the same size.

Run: python benchmarks/phantom_figure.py REAL_SERIES OUT.jpg [--hospital a] [--exams 11 9]. A row
for each synthetic exam, one for the real series (a folder of DICOM files of one head), and one of
synthetic bleeds: a column for each kind, and one for several kinds. All are shown at 40/80 HU,
cropped to the same millimetres and scaled to the same pixels.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import render_exam
from examwise.phantom.study import sample_study

WINDOW_CENTER, WINDOW_WIDTH = 40, 80
SHOWN_MM = 216.0
PIXELS = 224
MOST_EXAMS = 400
SHOWN_MM2 = 250.0, 1_500.0
# Heights along the head, 0 the lowest slice that shows brain, 1 the highest.
LEVELS = (0.08, 0.24, 0.40, 0.54, 0.70, 0.88)


def main() -> None:
    """Write the figure: one synthetic exam a row, the real one below."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("real", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hospital", default="a")
    parser.add_argument("--exams", type=int, nargs="+", default=[11, 9])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    config = PhantomConfig(matrix=512, hospital=options.hospital, prevalence=0, seed=options.seed)
    rows = []
    for number in options.exams:
        series = render_exam(config, number, number).series
        rows.append(row(series.pixels_hu, series.scan.pixel_spacing_mm))
    rows.append(row(*read_series(options.real)))
    rows.append(bleeds(replace(config, prevalence=1)))
    Image.fromarray(np.vstack(rows)).save(options.out, optimize=True, quality=88)


def bleeds(config: PhantomConfig) -> npt.NDArray[np.uint8]:
    """Return the first middling bleed of each kind alone, then the first of several kinds."""
    found: dict[str, npt.NDArray[np.uint8]] = {}
    wanted = (*KINDS, "several")
    for number in range(MOST_EXAMS):
        drawn = {bleed.kind for bleed in sample_study(config, number, number).bleeds}
        name = drawn.pop() if len(drawn) == 1 else "several"
        if name in found:
            continue
        series = render_exam(config, number, number).series
        area_mm2 = (series.masks > 0).sum(axis=(1, 2)) * series.scan.pixel_spacing_mm**2
        index = int(area_mm2.argmax())
        if SHOWN_MM2[0] <= area_mm2[index] <= SHOWN_MM2[1]:
            found[name] = tile(series.pixels_hu[index], series.scan.pixel_spacing_mm)
        if len(found) == len(wanted):
            break
    empty = np.zeros((PIXELS, PIXELS), np.uint8)
    return np.hstack([found.get(name, empty) for name in wanted])


def read_series(folder: Path) -> tuple[npt.NDArray[np.int16], float]:
    """Return a series' densities, lowest slice first, and its pixel spacing in mm."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    slices = [pydicom.dcmread(path, force=True) for path in files]
    slices = [image for image in slices if "PixelData" in image]
    slices.sort(key=lambda image: float(image.ImagePositionPatient[2]))
    stored = [
        image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
        for image in slices
    ]
    return np.array(stored, np.int16), float(slices[0].PixelSpacing[0])


def row(pixels_hu: npt.NDArray[np.int16], spacing_mm: float) -> npt.NDArray[np.uint8]:
    """Return slices at the levels, side by side."""
    soft = (pixels_hu > 0) & (pixels_hu < 80)
    bone = pixels_hu > 300
    # Brain: a slice with more soft tissue than bone, and bone around it.
    shown = np.flatnonzero((soft.sum(axis=(1, 2)) > 2e3 / spacing_mm**2) & bone.any(axis=(1, 2)))
    first, last = int(shown[0]), int(shown[-1])
    chosen = [round(first + level * (last - first)) for level in LEVELS]
    return np.hstack([tile(pixels_hu[index], spacing_mm) for index in chosen])


def tile(hu: npt.NDArray[np.int16], spacing_mm: float) -> npt.NDArray[np.uint8]:
    """Return one slice in the brain window, centred on the head."""
    grey = np.clip((hu - (WINDOW_CENTER - WINDOW_WIDTH / 2)) / WINDOW_WIDTH, 0, 1) * 255
    rows, columns = np.nonzero(hu > 300)
    middle = np.array([(rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2])
    half = SHOWN_MM / spacing_mm / 2
    top, left = middle - half
    image = Image.fromarray(grey.astype(np.uint8))
    box = (round(left), round(top), round(left + 2 * half), round(top + 2 * half))
    return np.asarray(image.crop(box).resize((PIXELS, PIXELS), Image.Resampling.BOX))


if __name__ == "__main__":
    main()
