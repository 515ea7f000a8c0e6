from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.digests import canonical_json
from examwise.core.tracking import TrackedRun, flattened, without_paths

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
NESTED = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(), NESTED))
def test_no_slash_is_left_in_any_value(configuration):
    def texts(value):
        if isinstance(value, dict):
            return [text for item in value.values() for text in texts(item)]
        if isinstance(value, list):
            return [text for item in value for text in texts(item)]
        return [value] if isinstance(value, str) else []

    cleaned = without_paths(configuration)
    assert not any("/" in text or "\\" in text for text in texts(cleaned))
    assert without_paths(cleaned) == cleaned


def test_paths_urls_and_homes_are_taken_out():
    held = ["/data/DOE^JOHN", "abfs://host/store", "~/x.pth", r"D:\x", Path("a"), "resnet18", 1.5]
    assert without_paths(held) == ["<path>"] * 5 + ["resnet18", 1.5]
    run = TrackedRun("a", "run", {"stores": ("x/y",)}, folder="/data/out")
    assert run.without_paths() == TrackedRun("a", "run", {"stores": ["<path>"]})


def test_other_objects_become_text():
    assert canonical_json(without_paths({"kind": {1}})) == b'{"kind":"{1}"}'


def test_flattened_names_are_dotted():
    assert flattened({"a": {"b": {"c": 1}}, "d": [1]}) == {"a.b.c": 1, "d": [1]}
