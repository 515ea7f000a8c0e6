import pytest

from examwise.core.errors import InputError
from examwise.explain import BAG_EXPLAINERS, IMAGE_EXPLAINERS
from examwise.studies.explain_config import ExplainConfig


def test_every_method_may_be_asked_for():
    methods = (*IMAGE_EXPLAINERS, *BAG_EXPLAINERS)
    assert ExplainConfig(methods, options={methods[0]: {}}).methods == methods
    assert ExplainConfig(()).randomise


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"methods": ("rays",)}, "methods"),
        ({"methods": ("hshap", "hshap")}, "methods"),
        ({"methods": ("hshap",), "options": {"rays": {}}}, "methods"),
        ({"methods": ("hshap",), "max_slices": 0}, "max_slices"),
    ],
)
def test_what_is_none_is_refused(wrong, where):
    with pytest.raises(InputError, match=f"study.explain.{where}: expected"):
        ExplainConfig(**wrong)
