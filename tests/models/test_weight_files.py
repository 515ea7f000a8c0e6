from __future__ import annotations

import io
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from examwise.core.errors import InputError
from examwise.models.weight_files import read_tensors

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.count": torch.tensor(3)}


def pth(content, **options):
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


class Hostile:
    def __reduce__(self):
        return exec, ("raise SystemExit('it ran')",)


@pytest.mark.parametrize(
    "data",
    [
        save(TENSORS),
        pth(TENSORS),
        pth(TENSORS, _use_new_zipfile_serialization=False),
        pth({"state_dict": TENSORS, "epoch": 3}),
    ],
    ids=["safetensors", "pth", "older pth", "checkpoint"],
)
def test_tensors_come_back(data):
    found = read_tensors(data, where="file")
    assert set(found) == set(TENSORS)
    assert all(torch.equal(found[name], value) for name, value in TENSORS.items())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>no such page</html>",
        pickle.dumps(Hostile()),
        pth({"a": Hostile()}),
        pth(TENSORS)[:-50],
        save(TENSORS)[:-5],
        pth([1, 2]),
        pth({}),
        pth({"a": 1}),
        pth({3: torch.zeros(1)}),
    ],
)
def test_anything_else_is_refused_in_one_line_and_never_run(data):
    with pytest.raises(InputError, match=r"^file: expected a whole file of named tensors") as found:
        read_tensors(data, where="file")
    assert "\n" not in str(found.value)


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match=r"file, tensor b: .*finite"):
        read_tensors(save({"b": torch.tensor([1.0, float("nan")])}), where="file")


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=60), st.sampled_from([save(TENSORS), pth(TENSORS)]), st.floats(0, 1))
def test_no_damage_gets_another_error_than_words(noise, whole, place):
    at = int(place * len(whole))
    for data in (noise, whole[:at] + noise + whole[at + len(noise) :]):
        try:
            found = read_tensors(data, where="file")
        except InputError:
            continue
        assert all(isinstance(value, torch.Tensor) for value in found.values())
