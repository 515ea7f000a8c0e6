import pytest

from examwise.core.errors import InputError
from examwise.core.registry import Registry


def test_unknown_name_lists_the_known_ones():
    registry = Registry("pooling", {"mean": "statistics:mean", "median": "statistics:median"})
    with pytest.raises(InputError, match="pooling: expected one of mean, median, got mode"):
        registry.load("mode")


def test_listing_imports_nothing():
    registry = Registry("thing", {"a": "no_such_module:x"})
    assert list(registry) == ["a"]
    assert "a" in registry
    assert len(registry) == 1
