from __future__ import annotations

import pytest

from examwise.reporting.configuration_words import LEFT_OUT, configuration_table, value_words


@pytest.mark.parametrize(
    "path", ["/data/x", "~/x", "C:\\x", "D:/x", "../x", "./x", "abfs://a/b", "a\\b"]
)
def test_paths_are_left_out(path: str) -> None:
    assert value_words(path) == LEFT_OUT
    assert value_words([1, path]) == f"1, {LEFT_OUT}"


def test_configurations_are_flattened() -> None:
    table = configuration_table(
        {"b": {"x": None, "empty": {}}, "a": [{"y": 1.0}, {"y": [2, 3]}]}, seed=4
    )
    assert table.rows == (
        ("a.1.y", "1"),
        ("a.2.y", "2, 3"),
        ("b.empty", "none"),
        ("b.x", "none"),
        ("seed", "4"),
    )
