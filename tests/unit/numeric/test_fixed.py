"""Does fixed-point arithmetic round and saturate as its exact twin does?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.numeric.fixed import pulse_width, round_shift, saturate, scaled_magnitude
from tests.naive import Format, half_up, naive_pulse_width

pytestmark = pytest.mark.interpreted


def test_round_shift_is_floor_of_a_half_more() -> None:
    for bits in range(5):
        form = Format(bits=60, fraction_bits=bits)
        for value in range(-70, 71):
            assert round_shift(value, bits) == half_up(form.real(value))


def test_saturate_keeps_words() -> None:
    assert [saturate(value, 3) for value in (-9, -5, -4, -3, 0, 2, 3, 4, 9)] == [
        *(-4, -4, -4, -3, 0, 2, 3, 3, 3)
    ]


@given(
    value=st.integers(-(2**20), 2**20), full_scale=st.integers(1, 2**15), bits=st.integers(1, 15)
)
def test_pulse_width_is_the_twins(value: int, full_scale: int, bits: int) -> None:
    steps = 2**bits - 1
    width = naive_pulse_width(value, full_scale, steps)
    assert pulse_width(value, full_scale, steps) == width
    assert scaled_magnitude(value, full_scale, steps) == abs(width)


def test_pulse_width_at_ties_and_limits() -> None:
    for value in range(-20, 21):
        for full_scale in range(1, 17):
            for steps in (1, 3, 7):
                width = naive_pulse_width(value, full_scale, steps)
                assert pulse_width(value, full_scale, steps) == width
    assert [pulse_width(value, 14, 7) for value in (-15, -14, -3, -1, 0, 1, 3, 14, 15)] == [
        *(-7, -7, -2, -1, 0, 1, 2, 7, 7)
    ]
