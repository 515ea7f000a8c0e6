import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from examwise.core.randomness import derive_seed, generator


@given(st.integers(0, 2**40), st.text(), st.integers())
def test_seed_is_a_63_bit_function_of_its_names(seed, name, number):
    value = derive_seed(seed, name, number)
    assert 0 <= value < 2**63
    assert value == derive_seed(seed, name, number)


def test_known_seed_stays_known():
    assert derive_seed(1, "split") == 3541554668288900291


def test_streams_of_different_names_differ():
    draws = {name: generator(0, name).random(4).tobytes() for name in ("a", "b", "c")}
    assert len(set(draws.values())) == 3


def test_numpy_integers_name_the_same_stream():
    assert derive_seed(np.int64(3), np.int32(4), np.str_("a")) == derive_seed(3, 4, "a")
