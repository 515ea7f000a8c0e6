import sys

import pytest

from examwise.core import extras
from examwise.core.errors import InputError


@pytest.mark.parametrize("module", sorted(extras.EXTRAS))
def test_missing_package_names_its_extra(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"pip install 'examwise\[" + extras.EXTRAS[module]):
        extras.require(module)


def test_present_package_is_returned(monkeypatch):
    monkeypatch.setitem(extras.EXTRAS, "json", "dev")
    assert extras.require("json").dumps(1) == "1"


def test_every_extra_exists_in_the_packages_metadata():
    from importlib.metadata import metadata

    provided = set(metadata("examwise").get_all("Provides-Extra"))
    assert set(extras.EXTRAS.values()) <= provided
