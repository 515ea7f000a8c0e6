from __future__ import annotations

import pytest

from examwise.core.errors import InputError
from examwise.ingest.config import SeriesSelectionConfig
from examwise.ingest.image_traits import ImageTraits
from examwise.ingest.scan import ScannedFile
from examwise.ingest.series_selection import refusal, select_series

CONFIG = SeriesSelectionConfig()


def series(name: str, description: str = "", n: int = 12, **traits) -> list[ScannedFile]:
    step = traits.pop("step", 150 / max(n - 1, 1))
    folder = traits.pop("folder", "CT x")
    shared = ImageTraits(description, **{"thickness_mm": 5.0, **traits})
    return [
        ScannedFile(
            f"{name}/{folder}/{index}.dcm",
            *("dicom", "", "p", "study", name, f"{name}.{index}", ""),
            traits=shared,
            position_mm=index * step,
        )
        for index in range(n)
    ]


def chosen(*groups: list[ScannedFile], config=CONFIG) -> dict[str, str]:
    """Series to the reason that all of its files have."""
    files = [file for group in groups for file in group]
    found = select_series(files, config, study_of=lambda file: file.study)
    assert [file.path for file in found] == [file.path for file in files]
    reasons: dict[str, set[str]] = {}
    for file in found:
        reasons.setdefault(file.series, set()).add(file.reason)
    assert all(len(values) == 1 for values in reasons.values())
    return {name: values.pop() for name, values in reasons.items()}


OTHER = "another_series_of_the_study"


def test_thick_plain_is_taken() -> None:
    assert chosen(
        series("a", "CT PLAIN THIN", 200, thickness_mm=0.625),
        series("b", "CT 5mm", 30, thickness_mm=5.0),
        series("c", "CT 3mm", 50, thickness_mm=3.0),
        series("d", "CT BONE", 200, thickness_mm=0.625),
        series("e", "CT 5mm POST CONTRAST", 30),
        series("f", "CT 4cc sec 150cc D3D on", 300, thickness_mm=0.625),
        series("g", "CT something", 30, kernel="BONEPLUS"),
        series("h", "scout", 2),
        series("i", "MIP", 30),
    ) == {
        **{"a": OTHER, "b": "", "c": OTHER, "d": "bone_kernel", "e": "contrast"},
        **{"f": "contrast", "g": "bone_kernel", "h": "too_few_slices", "i": "projection"},
    }


def test_thin_is_taken_where_there_is_no_thick() -> None:
    thin = [series(name, thickness_mm=mm) for name, mm in (("a", 0.6), ("b", 1.25), ("c", None))]
    assert chosen(*thin) == {"a": OTHER, "b": "", "c": OTHER}
    assert chosen(series("a", thickness_mm=None)) == {"a": ""}


def test_nearest_to_the_wanted_thickness() -> None:
    groups = [series(name, thickness_mm=mm) for name, mm in (("a", 7.0), ("b", 4.0), ("c", 2.5))]
    assert chosen(*groups) == {"a": OTHER, "b": "", "c": OTHER}
    wanted = SeriesSelectionConfig(wanted_thickness_mm=2.5)
    assert chosen(*groups, config=wanted) == {"a": OTHER, "b": OTHER, "c": ""}


def test_ties() -> None:
    assert chosen(series("a", image_type=("DERIVED",)), series("b")) == {"a": OTHER, "b": ""}
    assert chosen(series("a", n=20), series("b", n=30)) == {"a": OTHER, "b": ""}
    assert chosen(series("b"), series("a")) == {"a": "", "b": OTHER}


def test_repeated_positions_count_once() -> None:
    assert chosen(series("a", n=200, step=0.0)) == {"a": "too_few_slices"}


def test_studies_are_chosen_for_apart_and_refused_files_stay_refused() -> None:
    other = [file._replace(study="other") for file in series("b")]
    broken = series("c", n=1)[0]._replace(reason="truncated", study="third")
    assert chosen(series("a"), other, [broken]) == {"a": "", "b": "", "c": "truncated"}


def test_only_bone_leaves_no_exam() -> None:
    assert chosen(series("a", "BONE"), series("b", kernel="H70s")) == {
        "a": "bone_kernel",
        "b": "bone_kernel",
    }


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("PLAIN", ""),
        ("NON CONTRAST", ""),
        ("Noncontrast Head", ""),
        ("W/O CONTRAST", ""),
        ("WO CONTRAST", ""),
        ("without iv contrast", ""),
        ("PRE-CONTRAST", ""),
        ("unenhanced", ""),
        ("POST FOSSA", ""),
        ("Post-op head", ""),
        ("Posterior fossa", ""),
        ("ACCESSORY", ""),
        ("POST CONTRAST", "contrast"),
        ("POST", "contrast"),
        ("post_contrast_5mm", "contrast"),
        ("HEAD C+", "contrast"),
        ("CECT", "contrast"),
        ("W/WO CONTRAST", "contrast"),
        ("CT ANGIOGRAM", "contrast"),
        ("CTA", "contrast"),
        ("4cc", "contrast"),
        ("Thin Bone", "bone_kernel"),
        ("BONES", "bone_kernel"),
        ("MIP AXIAL", "projection"),
        ("HEAD IV", "contrast"),
        ("5mm ORAL", "contrast"),
        ("POSTCONTRAST", "contrast"),
        ("HEAD +C", "contrast"),
        ("HEAD + C", "contrast"),
        ("WITH C", "contrast"),
        ("5mm CONT", "contrast"),
        ("VENO 1mm", "contrast"),
        ("Venography", "contrast"),
        ("W/ & W/O CONTRAST", "contrast"),
        ("with and without contrast", "contrast"),
        ("POST. FOSSA", ""),
        ("SUPRATENT/POST. FOSSA", ""),
        ("POST TRAUMA", ""),
        ("POST OP", ""),
        ("POST SURGERY", ""),
        ("HEAD POST TPA", ""),
        ("POST COILING 5mm", ""),
        ("5mm POST EVD", ""),
        ("AXIAL POST", "contrast"),
        ("POST AXIAL 5mm", "contrast"),
        ("HEAD POST 5.0", "contrast"),
        ("POST C", "contrast"),
        ("SCHAEDEL MIT KM", "contrast"),
        ("SCHAEDEL OHNE KM", ""),
        ("W/O C+", ""),
        ("W/O IV", ""),
        ("NO IV OR ORAL CONTRAST", ""),
        ("HEAD + C-SPINE", ""),
        ("CONTINUED", ""),
    ],
)
def test_descriptions(description: str, reason: str) -> None:
    assert refusal(ImageTraits(description), 30, [], CONFIG) == reason
    folder = f"CT {description.replace('/', ' ')}"
    assert refusal(ImageTraits(), 30, [folder], CONFIG) == reason


@pytest.mark.parametrize(
    ("traits", "reason"),
    [
        ({"kernel": "STANDARD"}, ""),
        ({"kernel": "H31s"}, ""),
        ({"kernel": "Hr38f\\3"}, ""),
        ({"kernel": "FC26"}, ""),
        ({"kernel": "UB"}, ""),
        ({"kernel": "BONE"}, "bone_kernel"),
        ({"kernel": "H60s"}, "bone_kernel"),
        ({"kernel": "Hr64h\\3"}, "bone_kernel"),
        ({"kernel": "FC30"}, "bone_kernel"),
        ({"kernel": "EDGE"}, "bone_kernel"),
        ({"kernel": "HD BONE"}, "bone_kernel"),
        ({"kernel": "D", "manufacturer": "Philips Medical Systems"}, "bone_kernel"),
        ({"kernel": "YC", "manufacturer": "PHILIPS"}, "bone_kernel"),
        ({"kernel": "UB", "manufacturer": "Philips"}, ""),
        ({"kernel": "D", "manufacturer": "GE MEDICAL SYSTEMS"}, ""),
        ({"kernel": "ss50\\UltraBone2"}, "bone_kernel"),
        ({"contrast_agent": "NONE"}, ""),
        ({"contrast_agent": "Omnipaque 300"}, "contrast"),
        ({"image_type": ("DERIVED", "SECONDARY", "PROJECTION IMAGE")}, "projection"),
        ({"image_type": ("ORIGINAL", "PRIMARY", "AXIAL")}, ""),
    ],
)
def test_tags(traits: dict, reason: str) -> None:
    assert refusal(ImageTraits(**traits), 30, [], CONFIG) == reason


@pytest.mark.parametrize(
    "agent",
    [
        *("NO CONTRAST", "N/A", "NONE GIVEN", "NON CONTRAST", "W/O", "PLAIN", "UNKNOWN"),
        *("NOT APPLICABLE", "NO", "NONE", "None.given", "no iv contrast", "-"),
    ],
)
def test_agents_that_mean_none(agent: str) -> None:
    agent = agent.replace(".", " ")
    assert refusal(ImageTraits(contrast_agent=agent), 30, [], CONFIG) == ""


@pytest.mark.parametrize("agent", ["YES", "IV", "Iohexol", "CONTRAST", "ORAL & IV", "C+"])
def test_agents(agent: str) -> None:
    assert refusal(ImageTraits(contrast_agent=agent), 30, [], CONFIG) == "contrast"


@pytest.mark.parametrize("name", ["PLAIN", "NON CONTRAST", "W/O C+", "PRE"])
def test_said_to_be_plain_comes_before_silence(name: str) -> None:
    silent = series("a", "HEAD", thickness_mm=5.0)
    assert chosen(silent, series("b", name, thickness_mm=4.0)) == {"a": OTHER, "b": ""}
    assert chosen(silent, series("b", name, thickness_mm=1.0)) == {"a": "", "b": OTHER}
    assert chosen(silent, series("b", folder=f"CT {name.replace('/', ' ')}")) == {
        "a": OTHER,
        "b": "",
    }


@pytest.mark.parametrize("name", ["DETAIL", "Hi-Res", "HIGH RES 5mm", "HIRES"])
def test_high_resolution_comes_last(name: str) -> None:
    fine = series("a", name, thickness_mm=5.0)
    assert chosen(fine, series("b", thickness_mm=1.0)) == {"a": OTHER, "b": ""}
    assert chosen(fine) == {"a": ""}


def test_part_of_a_head_is_none() -> None:
    part = series("a", n=10, step=5.0, thickness_mm=5.0)
    whole = series("b", n=34, step=4.8, thickness_mm=4.8)
    assert chosen(part, whole) == {"a": "too_few_slices", "b": ""}
    assert chosen(part) == {"a": ""}
    # What is refused for itself is no measure of a head.
    assert chosen(part, series("c", "BONE", n=200, step=1.0)) == {"a": "", "c": "bone_kernel"}


@pytest.mark.parametrize(("extent", "reason"), [(118.0, "too_few_slices"), (121.0, "")])
def test_four_fifths_of_the_widest_are_enough(extent: float, reason: str) -> None:
    short = series("a", n=21, step=extent / 20)
    wide = series("b", n=151, step=1.0, thickness_mm=1.0)
    assert chosen(short, wide)["a"] == reason


def test_ranks_of_what_else_could_be_the_exam() -> None:
    groups = [series(name, thickness_mm=mm) for name, mm in (("a", 7.0), ("b", 4.0), ("c", 2.5))]
    bone = series("d", "BONE")
    found = select_series(
        [file for group in (*groups, bone) for file in group],
        CONFIG,
        study_of=lambda file: file.study,
    )
    ranks = {file.series: (file.rank, file.choice, file.reason) for file in found}
    assert ranks == {
        "a": (1, "study", OTHER),
        "b": (0, "study", ""),
        "c": (2, "study", OTHER),
        "d": (0, "", "bone_kernel"),
    }


def test_any_kernel_and_only_bone() -> None:
    groups = [series("a", "BONE"), series("b", thickness_mm=3.0)]
    assert chosen(*groups, config=SeriesSelectionConfig(kernel="any")) == {"a": "", "b": OTHER}
    bone = SeriesSelectionConfig(kernel="bone")
    assert chosen(*groups, config=bone) == {"a": "", "b": "soft_kernel"}


def test_folders_speak_where_headers_are_silent() -> None:
    def reasons(*groups: list[ScannedFile]) -> set[str]:
        files = [file for group in groups for file in group]
        found = select_series(files, CONFIG, study_of=lambda file: file.study)
        return {file.reason for file in found}

    assert reasons(series("a", folder="BONE")) == {"bone_kernel"}
    assert reasons(series("a", "HEAD", folder="BONE")) == {""}


@pytest.mark.parametrize("name", ["min_slices", "wanted_thickness_mm", "min_thick_mm"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_numbers_out_of_range(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"option series.{name}"):
        SeriesSelectionConfig(**{name: value})
