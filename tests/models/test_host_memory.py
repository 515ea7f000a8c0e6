from __future__ import annotations

import ctypes

import pytest

from examwise.models import host_memory


@pytest.fixture(autouse=True)
def _anew():
    host_memory._malloc_trim.cache_clear()
    yield
    host_memory._malloc_trim.cache_clear()


def test_the_c_library_is_asked_once_for_each_call(monkeypatch):
    asked = []

    class Library:
        malloc_trim = staticmethod(asked.append)

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Library)
    host_memory.give_back_free_memory()
    host_memory.give_back_free_memory()
    assert asked == [0, 0]


@pytest.mark.parametrize("error", [OSError, TypeError])
def test_a_system_without_such_a_library_is_left_alone(monkeypatch, error):
    def refuse(_name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    host_memory.give_back_free_memory()


def test_a_library_without_such_a_function_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    host_memory.give_back_free_memory()
