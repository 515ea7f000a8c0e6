from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.studies.run_costs import KindCost, RunCosts, RunSize
from examwise.training.config import TrainingConfig

HEAD = KindCost(1.0, 0.01, 0.002, 4000, reads_pixels=False)
COSTS = RunCosts(
    {("weak", "budgeted"): HEAD, ("weak", "fine_tuned"): replace(HEAD, reads_pixels=True)},
    slice_s=0.001,
    n_features=64,
)
TRAINING = TrainingConfig(steps=50, validate_every=20, exams_per_step=8)
sizes = st.builds(
    RunSize,
    n_training=st.integers(1, 500),
    n_validation_exams=st.integers(0, 100),
    n_tested_exams=st.integers(1, 500),
    n_tested_slices=st.integers(1, 9000),
)


def lasting(size, *, mode="budgeted", training=TRAINING):
    return COSTS.run_s("weak", mode, size, training=training, label_kind="exam")


@settings(deadline=None, max_examples=50)
@given(
    size=sizes, more=st.integers(1, 300), field=st.sampled_from(["n_training", "n_tested_exams"])
)
def test_more_never_takes_less(size, more, field):
    larger = replace(size, **{field: getattr(size, field) + more})
    for training in (TRAINING, replace(TRAINING, passes=2.0)):
        for mode in ("budgeted", "fine_tuned"):
            assert lasting(larger, mode=mode, training=training) >= lasting(
                size, mode=mode, training=training
            )


def test_a_step_of_few_labels_takes_less_only_where_it_encodes():
    one, full = RunSize(1, 0, 10, 200), RunSize(8, 0, 10, 200)
    assert lasting(one) == lasting(full)
    steps_s = lasting(full, mode="fine_tuned") - 1.0 - 10 * 0.002
    assert lasting(one, mode="fine_tuned") < 1.0 + 10 * 0.002 + steps_s / 7


def test_features_are_paid_for_where_they_are_kept():
    assert COSTS.features_s(1000) == 1.0
    assert COSTS.features_bytes(1000) == 1000 * 64 * 4
    without = replace(COSTS, n_features=0)
    assert (without.features_s(1000), without.features_bytes(1000)) == (0.0, 0)


def test_a_score_without_labels_has_no_model_on_disk():
    size = RunSize(0, 0, 10, 200)
    with_model = COSTS.run_bytes("weak", "budgeted", size)
    assert with_model - COSTS.run_bytes("mean_hu", "label_free", size) == HEAD.model_bytes
