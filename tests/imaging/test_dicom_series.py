from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from examwise.core.errors import InputError
from examwise.imaging.dicom_header import read_header
from examwise.imaging.dicom_series import read_series
from examwise.imaging.volume import require_regular


def series_of(folder: Path, write_slice, heights: list[float], **elements) -> list[Path]:
    return [
        write_slice(
            folder / f"{number:03d}.dcm",
            np.full((16, 12), 10 * number, np.int16),
            ImagePositionPatient=[0, 0, height],
            **elements,
        )
        for number, height in enumerate(heights)
    ]


def test_lowest_slice_first_whatever_the_file_order(tmp_path: Path, write_slice) -> None:
    series, refused = read_series(series_of(tmp_path, write_slice, [10, 0, 5], SliceThickness=5))
    assert series is not None
    assert not refused
    assert series.used == (1, 2, 0)
    assert series.volume.pixels_hu[:, 0, 0].tolist() == [10, 20, 0]
    assert series.volume.positions_mm.tolist() == [0, 5, 10]
    assert series.volume.slice_spacing_mm == 5
    assert series.volume.regular
    assert series.volume.row_spacing_mm == 0.5
    assert series.volume.column_spacing_mm == 0.25
    assert series.thickness_mm == 5
    np.testing.assert_allclose(series.volume.affine, np.diag([0.25, 0.5, 5, 1]))


def test_transposed_series_swaps_spacing(tmp_path: Path, write_slice) -> None:
    paths = series_of(tmp_path, write_slice, [0, 5], ImageOrientationPatient=[0, 1, 0, 1, 0, 0])
    series, _ = read_series(paths)
    assert series is not None
    assert series.volume.pixels_hu.shape == (2, 12, 16)
    assert (series.volume.row_spacing_mm, series.volume.column_spacing_mm) == (0.25, 0.5)
    assert (series.source_rows, series.source_columns) == (16, 12)


def test_repeated_position_keeps_the_first_that_can_be_read(tmp_path: Path, write_slice) -> None:
    paths = series_of(tmp_path, write_slice, [0, 0, 5, 5])
    paths[0].write_bytes(paths[0].read_bytes()[:-10])
    series, refused = read_series(paths)
    assert series is not None
    assert series.used == (1, 2)
    assert refused == {0: "truncated", 3: "repeated_position"}


def test_short_pixel_data_gives_way_to_the_next(tmp_path: Path, write_slice) -> None:
    paths = series_of(tmp_path, write_slice, [0, 0, 5])
    write_slice(paths[0], PixelData=bytes(6))
    series, refused = read_series(paths)
    assert series is not None
    assert series.used == (1, 2)
    assert refused == {0: "truncated"}


def test_majority_decides_size_and_plane(tmp_path: Path, write_slice) -> None:
    paths = series_of(tmp_path, write_slice, [0, 5, 10, 15, 20])
    write_slice(paths[0], np.zeros((8, 8), np.int16))
    write_slice(paths[2], ImageOrientationPatient=[1, 0, 0, 0, 0.8, -0.6])
    write_slice(paths[4], PixelSpacing=[1, 1])
    series, refused = read_series(paths)
    assert series is not None
    assert series.used == (1, 3)
    assert refused == {
        0: "inconsistent_size",
        2: "inconsistent_geometry",
        4: "inconsistent_geometry",
    }


def test_nothing_readable(tmp_path: Path, write_slice) -> None:
    paths = series_of(tmp_path, write_slice, [0, 5])
    for path in paths:
        write_slice(path, PixelData=bytes(6))
    assert read_series(paths) == (None, {0: "truncated", 1: "truncated"})
    assert read_series([]) == (None, {})


def test_commonest_header_values(tmp_path: Path, write_slice) -> None:
    paths = series_of(tmp_path, write_slice, [0, 5, 10], ConvolutionKernel="H30")
    write_slice(
        paths[0], ImagePositionPatient=[0, 0, 20], ConvolutionKernel="H60", SliceThickness=1
    )
    series, _ = read_series(paths)
    assert series is not None
    assert (series.kernel, series.thickness_mm, series.lossy) == ("H30", 1, False)


def test_what_headers_say_of_order_and_spacing_is_not_used(tmp_path: Path, write_slice) -> None:
    paths = series_of(tmp_path, write_slice, [10, 0, 5])
    for number, path in enumerate(paths):
        dataset = pydicom.dcmread(path)
        dataset.SpacingBetweenSlices = "-2.5"
        dataset.SliceLocation = str(-100 * number)
        dataset.InstanceNumber = str(3 - number)
        dataset.GantryDetectorTilt = "18.5"
        dataset.save_as(path)
    series, _ = read_series(paths)
    assert series is not None
    assert series.used == (1, 2, 0)
    assert series.volume.slice_spacing_mm == 5
    assert series.volume.gantry_tilt_degree == 0


@pytest.mark.parametrize(
    ("heights", "spacing"),
    [
        ([0, 4, 8, 15, 22], 5.5),  # two spacings
        ([0, 5, 10, 20, 25], 5),  # a slice is missing
        ([0, 5, 5.3, 10, 15], 4.85),  # an overlap
    ],
)
def test_irregular_series_are_read_and_no_volume_operation_takes_them(
    tmp_path: Path, write_slice, heights: list[float], spacing: float
) -> None:
    series, refused = read_series(series_of(tmp_path, write_slice, heights))
    assert series is not None
    assert not refused
    assert series.volume.positions_mm.tolist() == heights
    assert series.volume.slice_spacing_mm == pytest.approx(spacing)
    assert not series.volume.regular
    with pytest.raises(InputError, match="averaging to thick slices: expected slices even"):
        require_regular(series.volume, operation="averaging to thick slices")
    regular, _ = read_series(series_of(tmp_path, write_slice, [0, 5, 10]))
    assert regular is not None
    require_regular(regular.volume, operation="averaging to thick slices")


def test_images_without_position_leave_a_gap_that_is_seen(tmp_path: Path, write_slice) -> None:
    paths = series_of(tmp_path, write_slice, [0, 5, 10, 15, 20])
    write_slice(paths[2], ImagePositionPatient=None)
    series, refused = read_series(paths)
    assert series is not None
    assert refused == {2: "no_geometry"}
    assert series.used == (0, 1, 3, 4)
    assert not series.volume.regular


def test_a_file_that_changed_since_its_header_was_read(
    tmp_path: Path, write_slice, monkeypatch
) -> None:
    paths = series_of(tmp_path, write_slice, [0, 5, 10])
    headers = {path: read_header(path) for path in paths}
    monkeypatch.setattr("examwise.imaging.dicom_series.read_header", headers.__getitem__)
    write_slice(paths[1], np.zeros((8, 8), np.int16))
    series, refused = read_series(paths)
    assert series is not None
    assert series.used == (0, 2)
    assert refused == {1: "damaged"}


def independent_volume(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    datasets = sorted(map(pydicom.dcmread, paths), key=lambda d: float(d.ImagePositionPatient[2]))
    volume = []
    for dataset in datasets:
        raw = dataset.pixel_array.astype(float)
        hu = raw * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        if "PixelPaddingValue" in dataset:
            hu[raw == dataset.PixelPaddingValue] = -1024
        volume.append(np.maximum(hu, -1024))
    orientation = np.array(datasets[0].ImageOrientationPatient, float)
    normal = np.cross(orientation[:3], orientation[3:])
    positions = [float(normal @ np.array(d.ImagePositionPatient, float)) for d in datasets]
    return np.stack(volume), np.array(positions)


@pytest.mark.parametrize(
    ("folder", "n_slices", "tilt"),
    [
        ("ge_head_series", 28, 18.5),
        ("philips_tilt_series", 54, 18.5),
        ("tilted_four_slices", 4, 14),
    ],
)
def test_real_series(real_data: Path, folder: str, n_slices: int, tilt: float) -> None:
    paths = sorted((real_data / folder).iterdir())
    series, refused = read_series(paths)
    assert series is not None
    assert not refused
    volume = series.volume
    hu, positions = independent_volume(paths)
    np.testing.assert_array_equal(volume.pixels_hu, hu)
    np.testing.assert_allclose(volume.positions_mm, positions)
    assert len(volume.positions_mm) == n_slices
    # Both makers' slices lean alike in the patient, though their headers give opposite signs.
    assert volume.gantry_tilt_degree == pytest.approx(tilt, abs=0.01)
    header = pydicom.dcmread(paths[0], stop_before_pixels=True).get("GantryDetectorTilt")
    if header:
        assert abs(float(header)) == pytest.approx(tilt)
    distances = np.diff(volume.positions_mm)
    if folder == "ge_head_series":
        np.testing.assert_allclose(distances[:13], 4.0, atol=0.01)
        np.testing.assert_allclose(distances[13:14], 1.08, atol=0.01)
        np.testing.assert_allclose(distances[14:], 7.0, atol=0.01)
        assert not volume.regular
        raw = pydicom.dcmread(paths[0]).pixel_array
        assert (raw == -1500).any()
        assert (volume.pixels_hu[0][raw == -1500] == -1024).all()
    else:
        assert volume.regular
        assert volume.slice_spacing_mm == pytest.approx(distances[0])
