"""Files of the CQ500 layout, read with pydicom and the standard library alone."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pydicom
import pytest
from pydicom.uid import UID

from examwise.phantom.layouts.cq500 import Cq500Layout

BLANK = ("StudyDate", "SeriesDate", "StudyTime", "AccessionNumber", "PatientBirthDate")


@pytest.fixture
def further(build):
    """A tilted exam with a bone series and a thin one with a slash in its name."""

    def make(number: int = 17, **changes):
        plain = build.rendered(build.scan(3, 32, tilt_degree=-10.0, **changes), 32, seed=number)
        kernel = plain.scan.scanner.sharp_kernel
        bone = build.rendered(
            build.scan(3, 32, purpose="bone", description="HEAD BONE", convolution=kernel), 32
        )
        thin = build.rendered(
            build.scan(9, 32, purpose="thin", spacing_mm=1.5, description="4cc/sec THIN"), 32
        )
        return build.exam(plain, further=[bone, thin], number=number)

    return make


def _read(objects: dict[str, bytes]) -> dict[str, pydicom.Dataset]:
    return {key: pydicom.dcmread(io.BytesIO(data)) for key, data in objects.items()}


def test_names_of_folders_and_files(further, build) -> None:
    layout = Cq500Layout()
    keys = dict(layout.exam_objects(build.labelled(layout, further())))
    study = "qct01/CQ500CT17 CQ500CT17/Unknown Study"
    plain = [f"{study}/CT HEAD PLAIN/CT{number:06d}.dcm" for number in range(3)]
    bone = [f"{study}/CT HEAD BONE/CT{number:06d}.dcm" for number in range(3)]
    thin = [f"{study}/CT 4ccsec THIN/CT{number:06d}.dcm" for number in range(9)]
    assert list(keys) == plain + bone + thin
    other = dict(layout.exam_objects(build.labelled(layout, further(number=490))))
    assert next(iter(other)).startswith("qct17/CQ500CT490 CQ500CT490/Unknown Study/CT ")


def test_header_of_a_study(further, build) -> None:
    layout = Cq500Layout()
    item = build.labelled(layout, further())
    images = _read(dict(layout.exam_objects(item)))
    for header in images.values():
        assert header.PatientID == header.PatientName == "CQ500-CT-17"
        assert header.StudyInstanceUID == item.identifiers.study
        assert all(header[keyword].value in ("", None) for keyword in BLANK)
        assert header.Modality == "CT"
        assert header.SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
        assert list(header.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL"]
        assert header.SOPInstanceUID == header.file_meta.MediaStorageSOPInstanceUID
        assert UID(header.SOPInstanceUID).is_valid
        assert header.Manufacturer == item.exam.study.scan.scanner.manufacturer
        assert header.KVP == 120
        assert header.PatientPosition == "HFS"
        assert header.PixelPaddingValue == -2000
        assert (header.RescaleIntercept, header.RescaleSlope) == (-1024, 1)
        assert "ContrastBolusAgent" not in header
    by_series = defaultdict(list)
    for header in images.values():
        by_series[header.SeriesInstanceUID].append(header)
    assert [len(found) for found in by_series.values()] == [3, 3, 9]
    described = [found[0].SeriesDescription for found in by_series.values()]
    assert described == ["HEAD PLAIN", "HEAD BONE", "4cc/sec THIN"]
    assert [found[0].SeriesNumber for found in by_series.values()] == [2, 3, 4]
    assert [found[0].SliceThickness for found in by_series.values()] == [5, 5, 1.5]
    assert len({found[0].FrameOfReferenceUID for found in by_series.values()}) == 1
    assert len({found[0].ConvolutionKernel for found in by_series.values()}) == 2
    for found in by_series.values():
        assert [header.InstanceNumber for header in found] == list(range(1, len(found) + 1))
    (bone,) = {found[0].WindowWidth for found in by_series.values()} - {80}
    assert bone > 1000


def test_tilt_is_written_as_some_makers_count_it(further, build) -> None:
    layout = Cq500Layout()
    objects = dict(layout.exam_objects(build.labelled(layout, further())))
    header = next(iter(_read(objects).values()))
    assert header.GantryDetectorTilt == 10
    direction = np.array(header.ImageOrientationPatient, float)
    np.testing.assert_allclose(direction, [1, 0, 0, 0, 0.984808, -0.173648], atol=1e-6)


def test_order_of_files_is_up_or_down_and_geometry_tells(further, build) -> None:
    layout = Cq500Layout()
    directions = set()
    for seed in range(8):
        item = build.labelled(layout, further(), seed=seed)
        images = list(_read(dict(layout.exam_objects(item))).values())[:3]
        heights = [float(header.ImagePositionPatient[2]) for header in images]
        np.testing.assert_allclose(np.abs(np.diff(heights)), 5 / 0.984808, atol=1e-3)
        directions.add(heights == sorted(heights))
        by_height = [images[index].SOPInstanceUID for index in np.argsort(heights)]
        assert by_height == list(item.identifiers.own.images)
    assert directions == {True, False}


def test_every_coding_gives_the_same_pixels(further, build) -> None:
    layout = Cq500Layout()
    exam = further()
    found = {}
    for seed in range(40):
        item = build.labelled(layout, exam, seed=seed)
        headers = list(_read(dict(layout.exam_objects(item))).values())
        (coding,) = {str(header.file_meta.TransferSyntaxUID) for header in headers}
        if coding in found:
            continue
        position = {image: index for index, image in enumerate(item.identifiers.own.images)}
        hu = np.zeros_like(exam.series.pixels_hu)
        for header in headers[:3]:
            index = position[header.SOPInstanceUID]
            hu[index] = header.pixel_array.astype(int) + int(header.RescaleIntercept)
        found[coding] = hu
    assert set(found) == {
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.4.90",
    }
    expected = exam.series.pixels_hu.copy()
    expected[:, exam.series.unscanned] = -3024
    for hu in found.values():
        np.testing.assert_array_equal(hu, expected)


def test_images_too_small_for_jpeg_2000_are_coded_otherwise(build) -> None:
    exam = build.exam(build.rendered(build.scan(1)))
    codings = set()
    for seed in range(40):
        ((_, data),) = Cq500Layout().exam_objects(build.labelled(Cq500Layout(), exam, seed=seed))
        codings.add(str(pydicom.dcmread(io.BytesIO(data)).file_meta.TransferSyntaxUID))
    assert codings == {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"}


def test_spacing_between_slices_is_wrong_now_and_then(further, build) -> None:
    layout = Cq500Layout()
    said = []
    for seed in range(40):
        item = build.labelled(layout, further(), seed=seed)
        headers = list(_read(dict(layout.exam_objects(item))).values())
        said.append(float(headers[0].SpacingBetweenSlices))
    right = np.isclose(said, 5).mean()
    assert 0.5 < right < 0.9


def test_contrast_is_said_but_for_a_few_series(build) -> None:
    layout = Cq500Layout()
    plain = build.rendered(build.scan(1))
    enhanced = build.rendered(
        build.scan(1, purpose="contrast", description="POST CONTRAST", contrast=True)
    )
    exam = build.exam(plain, further=[enhanced])
    silent = []
    for seed in range(400):
        objects = dict(layout.exam_objects(build.labelled(layout, exam, seed=seed)))
        first, second = list(objects)
        header = pydicom.dcmread(io.BytesIO(objects[second]))
        assert header.SeriesNumber == 3
        if "ContrastBolusAgent" in header:
            assert second.endswith("CT POST CONTRAST/CT000000.dcm")
            continue
        silent.append(seed)
        # Nothing in the files tells it from the plain one: it even shares its folder.
        assert header.SeriesDescription == "HEAD PLAIN"
        assert Path(second).parent == Path(first).parent
        assert second.endswith("CT000001.dcm")
    assert 1 <= len(silent) <= 20


def test_archive_agrees_with_its_truth(cq500_archive) -> None:
    folder = cq500_archive.folder
    truth = pl.read_parquet(folder / "truth.parquet")
    series = pl.read_parquet(folder / "truth_series.parquet")
    headers = {
        path: pydicom.dcmread(path, stop_before_pixels=True) for path in folder.rglob("*.dcm")
    }
    assert {header.SeriesInstanceUID for header in headers.values()} == set(series["series"])
    exams = series.filter(pl.col("role") == "exam")
    assert set(exams["series"]) == set(truth["series"])
    assert series.height > exams.height == 10
    counts = defaultdict(int)
    for header in headers.values():
        counts[header.SeriesInstanceUID] += 1
    assert counts == dict(series.select("series", "n_slices").rows())
    by_image = {row["image_id"]: row for row in truth.iter_rows(named=True)}
    images = [h for h in headers.values() if h.SeriesInstanceUID in set(exams["series"])]
    assert {header.SOPInstanceUID for header in images} == set(by_image)
    for header in images:
        row = by_image[header.SOPInstanceUID]
        assert (header.PatientID, header.StudyInstanceUID) == (row["patient"], row["study"])
        assert header.PatientID == f"CQ500-CT-{row['exam_number']}"
    assert truth["patient"].n_unique() == 10


def test_label_files_of_an_archive_agree_with_its_truth(cq500_archive) -> None:
    folder = cq500_archive.folder
    truth = pl.read_parquet(folder / "truth.parquet")
    by_patient = truth.group_by("patient").agg(pl.col("any").max())
    with (folder / "reads.csv").open(newline="") as file:
        reads = list(csv.DictReader(file))
    votes = {row["name"]: sum(int(row[f"R{r}:ICH"]) for r in (1, 2, 3)) for row in reads}
    assert {name: int(count >= 2) for name, count in votes.items()} == dict(by_patient.rows())
    boxes = pl.read_parquet(folder / "truth_boxes.parquet")
    expected = sorted(boxes.select("image_id", "finding", "x", "y", "width", "height").rows())
    with (folder / "1_Initial_Manual_Labeling.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = sorted(
        (row["SOPInstanceUID"], row["labelName"].lower(), *ast.literal_eval(row["data"]).values())
        for row in rows
    )
    assert found == expected
    assert found
    assert [row[""] for row in rows] == [str(index) for index in range(len(rows))]
    of_image = dict(truth.select("image_id", "series").rows())
    assert all(row["SeriesInstanceUID"] == of_image[row["SOPInstanceUID"]] for row in rows)


def test_paths_of_an_archive(cq500_archive) -> None:
    paths = [
        str(path.relative_to(cq500_archive.folder)) for path in cq500_archive.folder.rglob("*.dcm")
    ]
    pattern = r"qct\d\d/(CQ500CT\d+) \1/Unknown Study/CT [^/]+/CT\d{6}\.dcm"
    assert paths
    assert all(re.fullmatch(pattern, path) for path in paths)
