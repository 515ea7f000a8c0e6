import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.studies.budgets import OnSale, settle_budgets
from examwise.studies.config import ArmConfig, StudyConfig


def config(budgets, **options):
    return StudyConfig(arms=(ArmConfig("weak", "exam", budgets),), target_auc=0.8, **options)


@settings(deadline=None, max_examples=50)
@given(
    train=st.integers(1, 400),
    validation=st.integers(0, 120),
    fraction=st.sampled_from([0.0, 0.1, 0.2, 0.5]),
    smallest=st.sampled_from([1, 50, 100]),
    listed=st.sets(st.integers(1, 500), max_size=5),
)
def test_all_is_the_largest_budget_that_can_be_bought(
    train, validation, fraction, smallest, listed
):
    def parts(budget):
        n_validation = round(fraction * budget) if budget >= smallest else 0
        return budget - n_validation, n_validation

    possible = [
        m
        for m in range(1, train + validation + 1)
        if parts(m)[0] <= train and parts(m)[1] <= validation
    ]
    trained = [parts(m)[0] for m in sorted(listed)]
    if any(later < earlier for earlier, later in itertools.pairwise(trained)):
        return  # such budgets are refused beforehand
    study = config((*sorted(listed), "all"), validation_fraction=fraction, validation_from=smallest)
    (settled,) = settle_budgets(study, {"exam": OnSale(train, validation)})
    budgets = settled.arm.numbers
    assert budgets[-1] == max(possible)
    assert not settled.arm.takes_all
    assert listed == {m for m in (*budgets, *settled.left_out) if m in listed}
    assert not set(budgets[:-1]) & set(settled.left_out)
    trained = [parts(m)[0] for m in budgets]
    assert trained == sorted(trained)
    assert all(m in possible for m in budgets)


def test_budgets_in_numbers_stay_as_they_are():
    study = config((10, 5000))
    (settled,) = settle_budgets(study, {"exam": OnSale(20, 5)})
    assert (settled.arm, settled.left_out) == (study.arms[0], ())


def test_an_archive_without_labels_is_refused():
    with pytest.raises(InputError, match="weak by exam, budgets: expected labels of training"):
        settle_budgets(config(("all",)), {"exam": OnSale(0, 0)})
