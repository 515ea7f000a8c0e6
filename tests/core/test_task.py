from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.core.task import SeriesRule, Task, default_task, load_task, shipped_tasks

GOOD = {"name": "t", "findings": ["fracture"], "window_center": 500, "window_width": 2500}


def write(path: Path, **changes: object) -> Path:
    tree = {key: value for key, value in {**GOOD, **changes}.items() if value != "left out"}
    path.write_text(yaml.safe_dump(tree))
    return path


def test_the_default_is_haemorrhage() -> None:
    task = default_task()
    assert task.findings == FINDINGS
    assert task.summary_finding == "any"
    assert task.kinds == FINDINGS[1:]
    assert task.series.given() == {"kernel": "soft"}
    assert (task.window_center, task.window_width) == (40, 80)


@pytest.mark.parametrize("name", shipped_tasks())
def test_shipped_tasks_are_named_like_their_file(name: str) -> None:
    assert load_task(name).name == name


def test_a_file(tmp_path: Path) -> None:
    series = {"kernel": "bone", "min_slices": 20, "average_thin_to_mm": 3}
    task = load_task(write(tmp_path / "task.yaml", series=series))
    assert task == Task("t", ("fracture",), 500, 2500, series=SeriesRule(**series))
    assert task.series.given() == series
    assert task.kinds == ()
    assert load_task(str(tmp_path / "task.yaml")) == task


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True), min_size=2, unique=True),
    st.booleans(),
)
def test_any_names_can_be_findings(tmp_path_factory, findings, has_sum) -> None:
    if {"path", "exam_id", "row"} & {*findings}:
        return
    path = tmp_path_factory.mktemp("task") / "task.yaml"
    # Quoted, so that YAML takes words such as "no" for text.
    path.write_text(
        f"name: t\nwindow_center: 1\nwindow_width: 2\nfindings: {findings!r}\n"
        + (f"summary_finding: {findings[0]!r}\n" if has_sum else "")
    )
    task = load_task(path)
    assert task.findings == tuple(findings)
    assert task.kinds == (tuple(findings[1:]) if has_sum else ())
    assert len(task.unknown) == len(findings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"findings": "left out"}, "task.yaml, findings: expected a value, got none"),
        ({"findings": "fracture"}, "task.yaml, findings: expected a list"),
        ({"findings": []}, "findings: expected at least one name"),
        ({"findings": ["a", "a"]}, "findings: expected different names"),
        ({"findings": ["Fracture"]}, "findings: expected names of small letters"),
        ({"findings": ["path"]}, "findings: expected names other than exam_id, path, row"),
        ({"findings": [True]}, "findings: expected names of"),
        ({"name": "My task"}, "name: expected small letters"),
        ({"name": 5}, "name: expected small letters"),
        ({"summary_finding": "any"}, "summary_finding: expected the first of the findings"),
        ({"summary_finding": "fracture"}, "summary_finding: expected nothing where there is one"),
        ({"window_width": 0}, "window_width: expected a number of HU above 0"),
        ({"window_width": float("nan")}, "window_width: expected a number of HU"),
        ({"window_center": "wide"}, "window_center: expected a number of HU, got wide"),
        ({"window_center": True}, "window_center: expected a number"),
        ({"modality": "MRI"}, "modality: expected CT, got MRI; .*nobody has written their reader"),
        ({"series": {"kernel": "sharp"}}, "series.kernel: expected one of soft, bone, any"),
        ({"series": {"kernels": "soft"}}, "series: expected only keys among kernel, .*got kernels"),
        ({"series": ["soft"]}, "series: expected keys among"),
        ({"series": {"min_slices": 2.5}}, "series.min_slices: expected a whole number"),
        ({"series": {"select": "most"}}, "series.select: expected one or every"),
        ({"series": {"min_thick_mm": -1}}, "series.min_thick_mm: expected a number above 0"),
        ({"colour": 1}, "task: expected only keys among name, .*got colour"),
    ],
)
def test_wrong_tasks_name_file_and_key(tmp_path: Path, changes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_task(write(tmp_path / "task.yaml", **changes))
    assert str(tmp_path / "task.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name: [", "task.yaml, line 1: expected YAML"),
        (b"\xff\xfe\xfd", "as UTF-8 text, got other bytes"),
        (b"- a", "task.yaml, task: expected keys among name"),
        (b"", "expected keys among name, .*got NoneType"),
        (b"#" * 70_000, "a short YAML file, got 70000 bytes"),
    ],
)
def test_files_that_are_no_tasks(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "task.yaml").write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_task(tmp_path / "task.yaml")


def test_no_such_task(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one of head_fracture, head_ich, got no file"):
        load_task("head_fractures")
    with pytest.raises(InputError, match="got a folder"):
        load_task(tmp_path)
