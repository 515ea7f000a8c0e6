from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from examwise.imaging.dicom_header import read_header
from examwise.imaging.dicom_pixels import PixelFile, read_hu
from examwise.imaging.dicom_rules import ct_slices
from examwise.imaging.dicom_series import read_series
from examwise.imaging.reasons import REASONS, ImageRefused

LOCALIZER = ["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"]
VOLUME = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]


def refusal(path: Path) -> str:
    with pytest.raises(ImageRefused) as caught:
        ct_slices(read_header(path))
    series, refused = read_series([path])
    assert series is None
    assert refused == {0: caught.value.reason}
    return caught.value.reason


def group(**elements) -> list[Dataset]:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return [item]


@pytest.fixture
def stored() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 3000, (5, 16, 12)).astype(np.int16)


HEIGHTS = [10.0, 0.0, 20.0, 5.0, 15.0]


@pytest.mark.parametrize("legacy", [False, True])
def test_frames_become_what_single_images_become(
    tmp_path: Path, write_enhanced, write_slice, stored, legacy: bool
) -> None:
    elements = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2.2"} if legacy else {}
    path = write_enhanced(tmp_path / "all", stored, HEIGHTS, PixelPaddingValue=7, **elements)
    singles = [
        write_slice(
            tmp_path / f"{number}",
            frame,
            ImagePositionPatient=[0, 0, height],
            RescaleIntercept=-1024,
            SliceThickness=5,
            ConvolutionKernel="H30f",
            PixelPaddingValue=7,
        )
        for number, (frame, height) in enumerate(zip(stored, HEIGHTS, strict=True))
    ]
    series, refused = read_series([path])
    expected, _ = read_series(singles)
    assert series is not None
    assert expected is not None
    assert not refused
    np.testing.assert_array_equal(series.volume.pixels_hu, expected.volume.pixels_hu)
    np.testing.assert_array_equal(series.volume.affine, expected.volume.affine)
    np.testing.assert_array_equal(series.volume.positions_mm, [0, 5, 10, 15, 20])
    assert (series.thickness_mm, series.kernel) == (expected.thickness_mm, expected.kernel)
    assert series.used == (0,) * 5
    assert (series.several_frames, series.n_frames_left_out) == (frozenset({0}), 0)
    assert expected.several_frames == frozenset()


@given(order=st.permutations(range(4)), flip=st.booleans(), tilt=st.sampled_from([0.0, 0.28]))
@settings(deadline=None, max_examples=20)
def test_order_is_that_of_measured_positions(
    tmp_path_factory: pytest.TempPathFactory, write_enhanced, order, flip: bool, tilt: float
) -> None:
    path = tmp_path_factory.mktemp("order") / "a"
    frames = np.stack([np.full((8, 8), 100 * place, np.int16) for place in order])
    lean = [0, float(np.sqrt(1 - tilt**2)), -tilt]
    orientation = [-1 if flip else 1, 0, 0, *lean]
    write_enhanced(
        path,
        frames,
        [3.0 * place for place in order],
        rescale=(1, 0),
        groups={"PlaneOrientationSequence": group(ImageOrientationPatient=orientation)},
    )
    series, _ = read_series([path])
    assert series is not None
    assert series.volume.pixels_hu[:, 0, 0].tolist() == [0, 100, 200, 300]
    assert series.volume.slice_spacing_mm == pytest.approx(3 * lean[1], abs=1e-6)


def test_each_frame_has_its_own_rescaling(tmp_path: Path, write_enhanced, stored) -> None:
    rescale = [(1, -1024), (2, -1000), (0.5, 0), (1, 3), (1, 0)]
    path = write_enhanced(tmp_path / "a", stored, range(5), rescale=rescale)
    series, _ = read_series([path])
    assert series is not None
    for hu, frame, (slope, intercept) in zip(series.volume.pixels_hu, stored, rescale, strict=True):
        expected = np.maximum(np.rint(frame * slope + intercept), -1024)
        np.testing.assert_array_equal(hu, expected)


def test_shared_rescaling_and_one_frame(tmp_path: Path, write_enhanced, stored) -> None:
    values = group(RescaleSlope=2, RescaleIntercept=-1000, RescaleType="HU")
    name = "PixelValueTransformationSequence"
    path = write_enhanced(
        tmp_path / "a", stored[:1], [3], groups={name: values}, own_groups={name: None}
    )
    series, _ = read_series([path])
    assert series is not None
    np.testing.assert_array_equal(
        series.volume.pixels_hu[0], np.maximum(2 * stored[0].astype(int) - 1000, -1024)
    )
    assert series.several_frames == frozenset()  # what is said of the file is said of the slice


def test_parts_of_a_concatenation_join(tmp_path: Path, write_enhanced, stored) -> None:
    second = write_enhanced(tmp_path / "b", stored[2:], [10, 15, 20], SOPInstanceUID="1.9")
    first = write_enhanced(tmp_path / "a", stored[:2], [0, 5])
    series, refused = read_series([second, first])
    assert series is not None
    assert not refused
    assert series.used == (1, 1, 0, 0, 0)
    np.testing.assert_array_equal(
        series.volume.pixels_hu, np.maximum(stored.astype(int) - 1024, -1024)
    )
    # The same frames once more, as another point in time would give them.
    third = write_enhanced(tmp_path / "c", stored[:2], [0, 5])
    series, refused = read_series([second, first, third])
    assert series is not None
    assert refused == {2: "repeated_position"}
    assert series.several_frames == frozenset({0, 1})


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, DeflatedExplicitVRLittleEndian])
def test_codings(tmp_path: Path, write_enhanced, syntax: str) -> None:
    stored = np.random.default_rng(0).integers(0, 3000, (5, 64, 48)).astype(np.int16)
    path = write_enhanced(tmp_path / "a", stored, range(5), own_groups={})
    dataset = pydicom.dcmread(path)
    if syntax == DeflatedExplicitVRLittleEndian:
        dataset.file_meta.TransferSyntaxUID = syntax
    else:
        dataset.compress(syntax)
    dataset.save_as(path)
    series, _ = read_series([path])
    assert series is not None
    np.testing.assert_array_equal(
        series.volume.pixels_hu, np.maximum(stored.astype(int) - 1024, -1024)
    )


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (LOCALIZER, "localizer"),
        (["DERIVED", "PRIMARY", "PERFUSION", "RCBF"], "not_hu"),
        (["DERIVED", "PRIMARY", "VOLUME", "SUBTRACTION"], "not_hu"),
        (["DERIVED", "PRIMARY", "VOLUME", "STD_DEVIATION"], "not_hu"),
        (["DERIVED", "PRIMARY", "VOLUME", "MAXIMUM"], "projection"),
    ],
)
def test_frame_types_that_are_no_slices(
    tmp_path: Path, write_enhanced, stored, kind: list[str], reason: str
) -> None:
    assert refusal(write_enhanced(tmp_path / "a", stored, range(5), frame_types=[kind] * 5)) == (
        reason
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"own_groups": {"PlanePositionSequence": None}}, "no_geometry"),
        ({"groups": {"PlaneOrientationSequence": None}}, "no_geometry"),
        ({"groups": {"PixelMeasuresSequence": None}}, "no_geometry"),
        ({"own_groups": {"PixelValueTransformationSequence": None}}, "not_hu"),
        (
            {
                "own_groups": {
                    "PixelValueTransformationSequence": group(
                        RescaleSlope=1, RescaleIntercept=0, RescaleType="MGML"
                    )
                }
            },
            "not_hu",
        ),
        (
            {
                "own_groups": {
                    "CTImageFrameTypeSequence": group(
                        FrameType=VOLUME, VolumeBasedCalculationTechnique="VOLUME_RENDER"
                    )
                }
            },
            "projection",
        ),
        (
            {
                "groups": {
                    "PlaneOrientationSequence": group(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
                }
            },
            "not_axial",
        ),
        ({"NumberOfFrames": 4}, "damaged"),
        ({"NumberOfFrames": 2**31 - 1}, "damaged"),
        ({"PerFrameFunctionalGroupsSequence": None}, "multi_frame"),
        (
            {
                "PerFrameFunctionalGroupsSequence": None,
                "SharedFunctionalGroupsSequence": None,
                "NumberOfFrames": 2**31 - 1,
            },
            "multi_frame",
        ),
        ({"Rows": 65535, "Columns": 65535}, "too_large"),
        ({"Modality": "MR"}, "not_ct"),
        ({"SamplesPerPixel": 3}, "colour"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.3"}, "multi_frame"),
        ({"PixelData": bytes(6)}, "truncated"),
    ],
)
def test_refusals(tmp_path: Path, write_enhanced, stored, options: dict, reason: str) -> None:
    path = write_enhanced(tmp_path / "a", stored, range(5), **options)
    tracemalloc.start()
    try:
        if reason == "truncated":
            assert read_series([path]) == (None, {0: reason})
        else:
            assert refusal(path) == reason
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_more_pixels_than_any_scan_has(tmp_path: Path, write_enhanced) -> None:
    frames = np.zeros((129, 1, 1), np.int16)
    path = write_enhanced(tmp_path / "a", frames, range(129), Rows=4096, Columns=4096)
    assert refusal(path) == "too_large"


def test_colour_maps_and_frames_of_another_plane(tmp_path: Path, write_enhanced, stored) -> None:
    kind = group(FrameType=VOLUME, PixelPresentation="COLOR")
    groups = {"CTImageFrameTypeSequence": kind}
    path = write_enhanced(tmp_path / "a", stored, range(5), own_groups=groups)
    assert refusal(path) == "not_hu"
    path = write_enhanced(tmp_path / "b", stored, range(5))
    dataset = pydicom.dcmread(path)
    own = dataset.PerFrameFunctionalGroupsSequence[2]
    own.PlaneOrientationSequence = group(ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    dataset.save_as(path)
    series, _ = read_series([path])
    assert series is not None
    assert (series.volume.positions_mm.tolist(), series.n_frames_left_out) == ([0, 1, 3, 4], 1)


@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_damaged_bytes_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, write_enhanced, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    frames = np.arange(2 * 64, dtype=np.int16).reshape(2, 8, 8)
    content = bytearray(write_enhanced(folder / "a", frames, [0, 5]).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(132, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "b"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    series, refused = read_series([path])  # and no exception, no warning
    assert (series is None) == bool(refused)
    assert set(refused.values()) <= REASONS.keys()


@pytest.mark.parametrize("heights", [[0, 5, 10, 0, 5], [0, 5, 10, 15, 15.005]])
def test_several_points_in_time_are_refused(
    tmp_path: Path, write_enhanced, stored, heights: list[float]
) -> None:
    assert refusal(write_enhanced(tmp_path / "a", stored, heights)) == "multi_frame"


def test_a_localizer_among_slices_is_left_out_and_counted(
    tmp_path: Path, write_enhanced, stored
) -> None:
    types = [VOLUME, LOCALIZER, VOLUME, VOLUME, VOLUME]
    path = write_enhanced(tmp_path / "a", stored, [0, 0, 5, 10, 15], frame_types=types)
    series, refused = read_series([path])
    assert series is not None
    assert not refused
    assert (len(series.used), series.n_frames_left_out) == (4, 1)
    np.testing.assert_array_equal(
        series.volume.pixels_hu,
        np.maximum(stored[[0, 2, 3, 4]].astype(int) - 1024, -1024),
    )


def test_pixel_data_of_fewer_frames(tmp_path: Path, write_enhanced, stored) -> None:
    path = write_enhanced(tmp_path / "a", stored, range(5), PixelData=stored[:3].tobytes())
    assert read_series([path]) == (None, {0: "truncated"})
    path.write_bytes(path.read_bytes()[:-4])
    assert refusal(path) == "truncated"


def test_headers_of_frames(tmp_path: Path, write_enhanced, stored) -> None:
    agent = group(CodeMeaning="Iohexol")
    used = {"ContrastBolusUsageSequence": group(ContrastBolusAgentAdministered="YES")}
    unused = {"ContrastBolusUsageSequence": group(ContrastBolusAgentAdministered="NO")}
    for own, expected in ((used, "Iohexol"), (unused, ""), ({}, "Iohexol")):
        path = write_enhanced(
            tmp_path / "a", stored, range(5), own_groups=own, ContrastBolusAgentSequence=agent
        )
        assert read_header(path).frames[0].contrast_agent == expected
    path = write_enhanced(tmp_path / "b", stored, range(5), own_groups=used)
    assert read_header(path).frames[0].contrast_agent == "agent"
    kernel = group(ConvolutionKernel="B60")
    path = write_enhanced(
        tmp_path / "c",
        stored,
        range(5),
        groups={
            "CTReconstructionSequence": None,
            "UnassignedSharedConvertedAttributesSequence": kernel,
        },
    )
    header = read_header(path)
    assert [frame.kernel for frame in header.frames] == ["B60"] * 5
    assert [frame.number_of_frames for frame in header.frames] == [1] * 5
    assert "P1" not in repr(header)


def test_several_frames_are_no_single_image(tmp_path: Path, write_enhanced, stored) -> None:
    path = write_enhanced(tmp_path / "a", stored, range(5))
    with pytest.raises(ImageRefused, match="Several"):
        read_hu(path)
    assert PixelFile(path).n_frames == 5
    with pytest.raises(ImageRefused, match="decoded"):
        PixelFile(path).hu(5)
    one = write_enhanced(tmp_path / "b", stored[:1], [0])
    np.testing.assert_array_equal(read_hu(one), np.maximum(stored[0].astype(int) - 1024, -1024))


def changed_to_slices(source: Path, path: Path) -> Path:
    """A copy whose frames say that they are slices at two heights."""
    dataset = pydicom.dcmread(source)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.CTImageFrameTypeSequence[0].FrameType = VOLUME
    shared.CTImageFrameTypeSequence[0].PixelPresentation = "MONOCHROME"
    dataset.save_as(path)
    return path


@pytest.mark.filterwarnings("ignore")  # pydicom speaks of these files' values
@pytest.mark.parametrize(
    "name", ["eCT_Supplemental.dcm", "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm"]
)
def test_real_enhanced_objects(real_data: Path, tmp_path: Path, name: str) -> None:
    source = real_data / "multiframe_ct" / name
    assert refusal(source) == "not_hu"
    path = changed_to_slices(source, tmp_path / "a")
    header = read_header(path)
    assert header.number_of_frames == len(header.frames) == 2
    series, refused = read_series([path])
    assert series is not None
    assert not refused
    raw = pydicom.dcmread(source).pixel_array.astype(int)
    heights = [frame.position_mm[2] for frame in header.frames]
    intercept = header.frames[0].rescale[1]
    for shown, place in zip(series.volume.pixels_hu, np.argsort(heights), strict=True):
        # The object's columns run to the patient's right.
        np.testing.assert_array_equal(
            shown[:, ::-1], np.maximum(raw[place] + int(intercept), -1024)
        )
