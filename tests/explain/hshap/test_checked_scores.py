from __future__ import annotations

import pytest
import torch

from examwise.core.errors import InputError
from examwise.explain.hshap.checked_scores import checked_scores


def test_half_precision_is_taken():
    assert checked_scores(torch.tensor([0.5], dtype=torch.bfloat16), expected=1).tolist() == [0.5]


def test_too_few_scores_and_such_as_are_none_are_refused():
    with pytest.raises(InputError, match=r"expected one for each of 2, got shape \(2, 1\)"):
        checked_scores(torch.zeros(2, 1), expected=2)
    with pytest.raises(InputError, match="expected finite numbers, got 2 others"):
        checked_scores(torch.tensor([float("nan"), 1.0, float("inf")]), expected=3)
