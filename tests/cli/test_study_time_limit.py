from dataclasses import replace

import pytest

from examwise.cli.main import main
from examwise.cli.study_file import embedded_default, read_study_file, within_hours
from examwise.core.errors import InputError
from examwise.studies.grid_config import GridConfig


@pytest.fixture(scope="module")
def file():
    return read_study_file(embedded_default())


def test_a_time_limit_takes_the_place_of_the_compared_arms_alone(file):
    limited = within_hours(file, 2.5)
    assert limited.study.grid.time_limit_hours == 2.5
    assert limited.study.grid.name is None
    others = [arm for arm in file.study.arms if arm.learner in ("pooled", "position")]
    assert list(limited.study.arms) == others
    assert replace(limited.study, grid=None, arms=file.study.arms) == file.study


def test_a_time_limit_keeps_how_a_grid_draws_and_how_often(file):
    grid = GridConfig(name="published", slice_acquisition=("exam_first",), repeats=7)
    named = replace(file, study=replace(file.study, grid=grid, arms=()))
    limited = within_hours(named, 1.0).study.grid
    assert limited == replace(grid, name=None, time_limit_hours=1.0)


@pytest.mark.parametrize("hours", [0.0, -1.0, float("nan")])
def test_a_time_limit_is_more_than_nothing(file, hours):
    with pytest.raises(InputError, match="--time-limit: expected more than 0 hours"):
        within_hours(file, hours)


def test_the_command_refuses_it_before_any_work(tmp_path, capsys):
    assert main(["study", "--out", str(tmp_path / "s"), "--time-limit", "0"]) != 0
    assert "--time-limit: expected more than 0 hours" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
