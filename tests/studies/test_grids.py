import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.studies.budgets import OnSale
from examwise.studies.config import ArmConfig, StudyConfig
from examwise.studies.grid_config import GridConfig
from examwise.studies.grids import DESIGNS, NEAR, Design, designed_arms, expand_grid

PUBLISHED = GridConfig(name="published", slice_acquisition=("spread", "exam_first"))
LIMITED = GridConfig(time_limit_hours=1.0, slice_acquisition=("spread", "exam_first"))
PLENTY = {
    "spread": OnSale(10**6, 10**6),
    "exam_first": OnSale(10**6, 10**6, dearest=9),
    "exam": OnSale(10**5, 10**5),
}


def study(grid, **options):
    return StudyConfig(target_auc=0.8, grid=grid, **options)


shops = st.builds(
    lambda exams, held, slices, dearest: {
        "spread": OnSale(exams * slices, held * slices),
        "exam_first": OnSale(exams * dearest, held * dearest, dearest),
        "exam": OnSale(exams, held),
    },
    exams=st.integers(2, 30_000),
    held=st.integers(1, 5_000),
    slices=st.integers(5, 40),
    dearest=st.integers(1, 9),
)


def require_sound(config, arms, shop):
    for arm in arms:
        assert not arm.takes_all
        trained = [m - config.n_validation(m) for m in arm.numbers]
        assert trained == sorted(trained)
        on_sale = shop[arm.acquisition]
        assert trained[-1] <= on_sale.train
        assert config.n_validation(arm.numbers[-1]) <= on_sale.validation
        if len(arm.numbers) > 1:
            assert trained[0] >= on_sale.dearest
        assert all(low * NEAR <= high for low, high in itertools.pairwise(arm.numbers))
    # The study takes them as if they had been written out.
    StudyConfig(target_auc=0.8, arms=tuple(arms))


@settings(deadline=None, max_examples=50)
@given(shop=shops)
def test_published_arms_can_be_bought_in_any_archive(shop):
    config = study(PUBLISHED)
    arms = expand_grid(config, shop)
    assert [(arm.learner, arm.acquisition) for arm in arms] == [
        ("strong", "spread"),
        ("strong", "exam_first"),
        ("weak", "exam"),
    ]
    require_sound(config, arms, shop)


@settings(deadline=None, max_examples=50)
@given(shop=shops, design=st.sampled_from(DESIGNS))
def test_designed_arms_can_be_bought_in_any_archive(shop, design):
    config = study(LIMITED)
    arms = designed_arms(config, LIMITED, shop, design)
    require_sound(config, arms, shop)
    assert all(len(arm.budgets) <= design.n_budgets for arm in arms)
    assert {arm.repeats for arm in arms} == {design.repeats}


def test_the_published_grid_is_whole_in_an_archive_that_has_it_all():
    spread, _, weak = expand_grid(study(PUBLISHED), PLENTY)
    assert (weak.budgets[0], weak.budgets[-1]) == (12, 17_000)
    assert (spread.budgets[0], spread.budgets[-1]) == (12, 600_000)
    # The same numbers, so that ratios meet budgets that were run.
    assert spread.budgets[: len(weak.budgets)] == weak.budgets
    for arm in (spread, weak):
        assert (arm.repeats[0], arm.repeats[-1]) == (20, 1)


def test_repeats_go_by_the_number_of_labels_and_never_beyond_the_most():
    small = {**PLENTY, "exam": OnSale(800, 200)}
    whole, part = (expand_grid(study(PUBLISHED), shop)[-1] for shop in (PLENTY, small))
    shared = set(whole.numbers) & set(part.numbers)
    assert len(shared) > 3
    assert all(
        whole.repeats[whole.numbers.index(m)] == part.repeats[part.numbers.index(m)] for m in shared
    )
    few = GridConfig(name="published", repeats=4)
    assert max(expand_grid(study(few), PLENTY)[0].repeats) == 4


def test_designs_grow():
    for less, more in itertools.pairwise(DESIGNS):
        assert less.n_budgets <= more.n_budgets
        assert less.repeats <= more.repeats
        assert less != more


def test_an_archive_without_labels_of_a_kind_is_refused():
    shop = {**PLENTY, "exam": OnSale(0, 0)}
    for arms in (
        lambda: expand_grid(study(PUBLISHED), shop),
        lambda: designed_arms(study(LIMITED), LIMITED, shop, Design(4, 2)),
    ):
        with pytest.raises(InputError, match=r"study\.grid.* labels of training patients"):
            arms()


def test_a_grid_by_name_is_needed():
    with pytest.raises(ValueError, match="grid by name"):
        expand_grid(StudyConfig(target_auc=0.8, arms=(ArmConfig("weak", "exam", (9,)),)), PLENTY)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "a name or time_limit_hours, one of them, got neither"),
        ({"name": "published", "time_limit_hours": 1.0}, "got both"),
        ({"name": "large"}, r"study\.grid\.name: expected one of published"),
        ({"time_limit_hours": 0.0}, r"study\.grid\.time_limit_hours: expected more than 0"),
        ({"name": "published", "repeats": 0}, r"study\.grid\.repeats: expected 1 or more"),
    ],
)
def test_grids_that_cannot_be_planned_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        GridConfig(**options)
