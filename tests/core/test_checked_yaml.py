from __future__ import annotations

import pytest
import yaml

from examwise.core.checked_yaml import load_yaml


@pytest.mark.parametrize("text", ["", "1", "a: {x: 1}\nb: {x: 1}", "1: a\n'1': b", "&a [*a]"])
def test_what_plain_yaml_holds(text: str) -> None:
    assert str(load_yaml(text)) == str(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text", ["a: 1\nb: 2\na: 3", "c: [{\n\na: 1, a: 2}]", "x: 0\n\n'a': 1\na: 1"]
)
def test_a_key_twice_is_named_with_its_line(text: str) -> None:
    with pytest.raises(yaml.YAMLError) as caught:
        load_yaml(text)
    assert caught.value.problem == "the key a twice"
    assert caught.value.problem_mark.line >= 2


def test_text_that_is_no_yaml() -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml("a: [")
