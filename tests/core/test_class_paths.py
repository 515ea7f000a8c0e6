from __future__ import annotations

import sys

import pytest

from examwise.core.class_paths import import_class
from examwise.core.errors import InputError


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    folder = tmp_path / "my_nets_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "small.py").write_text("class Kind(dict):\n    pass\n\n\ndef made():\n    return 1\n")
    (folder / "broken.py").write_text("import no_such_thing_at_all\n")
    (folder / "faulty.py").write_text("1 / 0\n")
    yield folder.name
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


@pytest.mark.parametrize("separator", [":", "."])
def test_a_class_in_the_working_directory_is_found(package, separator):
    found = import_class(f"{package}.small{separator}Kind", base=dict, where="option")
    assert found.__name__ == "Kind"
    assert issubclass(found, dict)


@pytest.mark.parametrize(
    ("path", "got"),
    [
        ("small:Other", "got none"),
        ("small:made", "expected a class derived from dict"),
        ("absent:Kind", "no module my_nets_of_a_test.absent"),
        ("broken:Kind", "no module no_such_thing_at_all"),
        ("faulty:Kind", "ZeroDivisionError"),
    ],
)
def test_anything_else_is_refused_in_words(package, path, got):
    with pytest.raises(InputError, match=got) as refusal:
        import_class(f"{package}.{path}", base=dict, where="model option encoder")
    assert str(refusal.value).startswith("model option encoder: ")


def test_a_class_of_another_kind_is_refused():
    with pytest.raises(InputError, match="derived from dict"):
        import_class("subprocess:Popen", base=dict, where="option")
