from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from examwise.core.errors import InputError
from examwise.data.bags import BagBatch
from examwise.models.exam_classifier import ExamOutput
from examwise.models.own_module import make_own_module, own_code, own_exam_output


@pytest.fixture
def batch():
    return BagBatch(
        pixels_hu=torch.zeros(3, 4, 4, dtype=torch.int16),
        bag_sizes=torch.tensor([2, 1]),
        slice_index=torch.tensor([0, 1, 0]),
        relative_position=torch.tensor([0.0, 1.0, 0.5]),
        exam_labels=torch.zeros(2, 1),
        slice_labels=torch.zeros(3, 1),
        exam_ids=("e1", "e2"),
    )


GOOD = ExamOutput(
    torch.zeros(2, 1), torch.zeros(3, 1), torch.zeros(3), torch.tensor([0.5, 0.5, 1.0])
)


def says(output):
    return SimpleNamespace(exam_output=lambda _batch: output)


def ask(module, batch):
    return own_exam_output(module, batch, path="nets:Mine", n_findings=1)


def test_what_is_right_is_returned(batch):
    assert ask(says(GOOD), batch) is GOOD
    without = replace(GOOD, attention_logits=None, attention_weights=None)
    assert ask(says(without), batch) is without


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"exam_logits": torch.zeros(2)}, r"exam_logits: expected .*\(2, 1\), got \(2,\)"),
        ({"exam_logits": torch.full((2, 1), float("nan"))}, "exam_logits: expected finite"),
        ({"slice_logits": None}, "slice_logits: expected a tensor .* got NoneType"),
        ({"attention_weights": torch.ones(2)}, r"attention_weights: .*\(3,\)"),
        ({"attention_weights": torch.ones(3)}, "sum to one"),
        ({"attention_weights": torch.tensor([1.5, -0.5, 1.0])}, "at least 0"),
        ({"attention_logits": None}, "or neither"),
    ],
)
def test_what_is_wrong_is_refused_by_name(batch, changed, match):
    with pytest.raises(InputError, match=match):
        ask(says(replace(GOOD, **changed)), batch)


def test_another_type_is_refused(batch):
    with pytest.raises(InputError, match="expected an ExamOutput, got Tensor"):
        ask(says(torch.zeros(2, 1)), batch)


def test_what_it_raises_is_its_own(batch):
    def fails(_batch):
        raise ValueError("no such layer")

    with pytest.raises(InputError, match=r"nets:Mine: .*ValueError at test_own_module.py.*no such"):
        ask(SimpleNamespace(exam_output=fails), batch)


def test_a_full_disk_and_a_refusal_pass_through():
    for error in (OSError(28, "full"), InputError(where="a", expected="b", got="c")):
        with pytest.raises(type(error)) as raised, own_code("nets:Mine"):
            raise error
        assert raised.value is error


def test_what_it_prints_is_no_result(capsys):
    with own_code("nets:Mine"):
        sys.stdout.write("hello\n")
    assert capsys.readouterr() == ("", "hello\n")


def test_findings_are_the_models_to_say():
    with pytest.raises(InputError, match=r"model\.findings"):
        make_own_module(
            "torch.nn:Linear", base=torch.nn.Module, findings=["any"], options={"findings": ["b"]}
        )
