"""Is there one way of rounding, and one of finding where a column latches?

Whatever rounds half up or latches at the first threshold above a charge is held here against one
definition, written in whole numbers and fractions.
"""

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from archsim.chip.converters.ideal.kernel import IdealReadout
from archsim.chip.layers.base import to_fixed, word_limit
from archsim.config.load import load_config
from archsim.kernels.thresholds import build_threshold_table, count_thresholds
from archsim.numeric.fixed import pulse_width, round_shift, scaled_magnitude
from archsim.numeric.search import first_above as first_above_jitted
from archsim.transfer.decisions import first_above, half_up, pulse_widths
from tests.runs import KWS


def defined_half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def defined_first_above(threshold, value) -> int:
    return next((n for n, each in enumerate(threshold) if each > value), len(threshold))


@pytest.mark.parametrize("bits", [0, 1, 5])
def test_shifts_round_half_up(bits):
    for value in range(-70, 71):
        assert round_shift(value, bits) == defined_half_up(Fraction(value, 2**bits))


def test_arrays_round_half_up():
    value = np.arange(-40, 41) / 8
    assert half_up(value).tolist() == [defined_half_up(Fraction(each)) for each in value.tolist()]


def test_words_round_half_up_and_saturate():
    digital = load_config(KWS).config.digital
    one, limit = 2**digital.fraction_bits, word_limit(digital)
    value = np.concatenate([np.arange(-9, 10) / (4 * one), [-1e9, 1e9]])
    expected = [defined_half_up(Fraction(each) * one) for each in value[:-2].tolist()]
    assert to_fixed(value, digital).tolist() == [*expected, -limit - 1, limit]


def test_pulse_widths_round_the_magnitude_half_up():
    full_scale, steps = 12, 7
    for value in range(-2 * full_scale, 2 * full_scale + 1):
        magnitude = min(defined_half_up(Fraction(abs(value) * steps, full_scale)), steps)
        assert scaled_magnitude(value, full_scale, steps) == magnitude
        signed = magnitude if value >= 0 else -magnitude
        assert pulse_width(value, full_scale, steps) == signed
        assert pulse_widths(np.array([value]), full_scale, steps).tolist() == [signed]


def test_pulse_widths_of_words_are_exact_at_their_halves():
    full_scale, steps = 2**30 - 35, 1023
    halves = [(2 * k + 1) * full_scale // (2 * steps) for k in range(steps)]
    values = np.array([half + off for half in halves for off in (-1, 0, 1)])
    expected = [defined_half_up(Fraction(value * steps, full_scale)) for value in values.tolist()]
    assert pulse_widths(values, full_scale, steps).tolist() == expected
    assert [pulse_width(value, full_scale, steps) for value in values.tolist()] == expected


RAMPS = ([-7, -7, -2, 0, 0, 0, 5, 90], [3], [1, 2, 3, 4, 5, 6, 7], [4] * 12)


@pytest.mark.parametrize("threshold", RAMPS, ids=len)
def test_columns_latch_at_the_first_threshold_above(threshold):
    charge = np.arange(-10, 100)
    expected = [defined_first_above(threshold, each) for each in charge.tolist()]
    assert first_above(np.array(threshold), charge).tolist() == expected
    assert [first_above_jitted(np.array(threshold), each) for each in charge.tolist()] == expected


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
@pytest.mark.parametrize("threshold", RAMPS, ids=len)
def test_threshold_tables_count_what_is_not_above(threshold, narrow):
    charge = np.arange(-10, 100, dtype=np.int32 if narrow else np.int64)
    columns, last = charge.size, len(threshold) - 1
    readout = IdealReadout(
        threshold=np.array([[threshold]]),
        step_code=np.arange(len(threshold))[None, None],
        ramp_of_column=np.zeros((1, columns), dtype=np.int64),
    )
    table = build_threshold_table(readout, [np.arange(columns)], narrow=narrow)
    count = np.zeros(columns + 64, dtype=np.int32)
    seen = np.concatenate([charge, np.zeros(64, dtype=charge.dtype)])
    count_thresholds(
        table.threshold[0], table.threshold.shape[1], table.ordered, columns, seen, count
    )
    found = table.code[0][count[:columns]]
    expected = [min(defined_first_above(threshold, each), last) for each in charge.tolist()]
    assert found.tolist() == expected
