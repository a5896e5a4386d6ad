"""Does a designed ramp give the nearest level everywhere, and is what cannot be a ramp refused?"""

import dataclasses
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.errors import DesignError, InputError
from archsim.network.activations import (
    Activation,
    Branch,
    Clipped,
    PiecewiseLinear,
    get_activation,
)
from archsim.transfer.ramp import CALIBRATION_CELLS, design_from_text, design_ramp

G_MAX = 150e-6
RANGE = (-8.0, 8.0)
MONOTONIC = ("sigmoid", "tanh", "softsign", "softplus", "elu", "selu", "relu", "identity")
TURNING = ("silu", "gelu")
BITS = (1, 2, 3, 4, 5, 8, 10)
ROUNDING = 1e-6
"""LSB by which x at a threshold may be off half an LSB."""


@cache
def ramp_of(name, bits, input_range=RANGE):
    return design_ramp(get_activation(name), bits, g_max=G_MAX, input_range=input_range)


def fine_sweep(ramp):
    """Every threshold, its neighbours in float64, and a fine grid of x in and between steps."""
    low, high = ramp.x_range
    edge = np.concatenate([[low], ramp.theta, [high]])
    inside = edge[:-1, None] + np.diff(edge)[:, None] * np.linspace(0, 1, 33)
    x = np.concatenate(
        [
            np.linspace(low, high, 20_001),
            inside.ravel(),
            np.nextafter(ramp.theta, -np.inf),
            np.nextafter(ramp.theta, np.inf),
        ]
    )
    return np.unique(x.clip(low, high))


def lsb_of(ramp):
    return float(ramp.level[1] - ramp.level[0])


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("name", [*MONOTONIC, *TURNING])
def test_the_output_is_within_half_a_level_of_the_function(name, bits):
    ramp = ramp_of(name, bits)
    x = fine_sweep(ramp)
    error = np.abs(ramp.level[ramp.code(x)] - get_activation(name).value(x)) / lsb_of(ramp)
    assert error.max() <= 0.5 + ROUNDING


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("name", MONOTONIC)
def test_a_monotonic_function_gives_every_code_once_and_in_order(name, bits):
    ramp = ramp_of(name, bits)
    code = ramp.code(fine_sweep(ramp))
    np.testing.assert_array_equal(np.unique(code), np.arange(2**bits))
    assert (np.diff(code) >= 0).all()
    assert ramp.steps == 2**bits
    assert ramp.branches == (0,)
    np.testing.assert_array_equal(ramp.step_code, np.arange(2**bits))


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("name", TURNING)
def test_a_function_that_turns_falls_through_its_codes_and_rises_through_all(name, bits):
    ramp = ramp_of(name, bits)
    function = get_activation(name)
    left_codes = math.floor(
        (float(function.value(np.array([-8.0]))[0]) - ramp.level[0]) / lsb_of(ramp) + 0.5
    )
    rising = np.arange(2**bits)
    if left_codes == 0:  # so few levels that the falling branch has none of its own
        assert ramp.branches == (0,)
        np.testing.assert_array_equal(ramp.step_code, rising)
        return
    assert ramp.branches == (0, left_codes + 1)
    falling = np.arange(left_codes, -1, -1)
    np.testing.assert_array_equal(ramp.step_code, np.concatenate([falling, rising]))
    assert ramp.theta[left_codes] == function.branches()[0].high
    np.testing.assert_array_equal(np.unique(ramp.code(fine_sweep(ramp))), rising)


@pytest.mark.parametrize("name", [*MONOTONIC, *TURNING])
def test_ties_get_the_code_to_the_right(name):
    ramp = ramp_of(name, 5)
    np.testing.assert_array_equal(ramp.code(ramp.theta), ramp.step_code[1:])
    np.testing.assert_array_equal(ramp.ideal_code(ramp.theta), ramp.step_code[1:])
    below = ramp.theta - 1e-9 * ramp.span
    np.testing.assert_array_equal(ramp.code(below), ramp.step_code[:-1])


@pytest.mark.parametrize("name", [*MONOTONIC, *TURNING])
def test_thresholds_are_where_the_function_is_halfway(name):
    """By the definition: g(theta_k) = (y_{k-1} + y_k) / 2, but for the turning point."""
    ramp = ramp_of(name, 8)
    code = ramp.step_code
    halfway = (ramp.level[code[:-1]] + ramp.level[code[1:]]) / 2
    np.testing.assert_allclose(get_activation(name).value(ramp.theta), halfway, atol=1e-13)


@pytest.mark.parametrize("name", [*MONOTONIC, *TURNING])
def test_cells_hold_the_steps_and_the_largest_is_g_max(name):
    ramp = ramp_of(name, 5)
    assert ramp.cell.size == ramp.steps == ramp.theta.size + 1
    assert ramp.cell.max() == pytest.approx(G_MAX, rel=1e-9, abs=0)
    assert ramp.cell.min() > 0
    assert ramp.bias.size >= CALIBRATION_CELLS
    assert ramp.bias.max() <= G_MAX * (1 + 1e-9)
    np.testing.assert_allclose(ramp.position[:-1], ramp.theta, atol=1e-13 * ramp.span)
    np.testing.assert_allclose(ramp.crossing, ramp.position[:-1])


@pytest.mark.parametrize("name", [*MONOTONIC, *TURNING])
def test_thresholds_in_charge_are_the_positions_rounded_up(name):
    ramp = ramp_of(name, 5)
    charge = np.arange(-4000, 4000)
    got = np.searchsorted(ramp.thresholds(250.0)[:-1], charge, side="right")
    np.testing.assert_array_equal(ramp.step_code[got], ramp.code(charge / 250.0))


def test_the_articles_ramp_has_32_and_5_cells():
    ramp = ramp_of("tanh", 5)
    assert (ramp.cell.size, ramp.bias.size) == (32, 5)


def naive_code(ramp, x):
    """A column beside its ramp, one step after another."""
    position = -sum(ramp.bias) * ramp.x_per_siemens
    for step, cell in enumerate(ramp.cell):
        position += cell * ramp.x_per_siemens
        if position > x:
            return ramp.step_code[step]
    return ramp.step_code[-1]


@given(
    name=st.sampled_from(["tanh", "relu", "silu"]),
    error=st.lists(st.floats(-1.5, 1.5), min_size=34, max_size=34),
    x=st.lists(st.floats(-10, 10), min_size=1, max_size=20),
)
def test_a_ramp_with_errors_latches_the_first_step_above(name, error, x):
    """Also one that falls back: negative cells are allowed here, though no device has them."""
    ideal = ramp_of(name, 5)
    ramp = dataclasses.replace(ideal, cell=ideal.cell * (1 + np.array(error[: ideal.steps])))
    assert (np.diff(ramp.crossing) >= 0).all()
    clear = [each for each in x if np.abs(ramp.position - each).min() > 1e-9]
    assert ramp.code(np.array(clear)).tolist() == [naive_code(ramp, each) for each in clear]


def test_errors_of_cells_leave_what_was_asked_for():
    ideal = ramp_of("silu", 5)
    ramp = dataclasses.replace(ideal, cell=ideal.cell * 0.5, bias=ideal.bias * 2)
    assert ramp.start == pytest.approx(2 * ideal.start, rel=1e-9, abs=0)
    assert ramp.position[0] == pytest.approx(
        2 * ideal.start + 0.5 * (ideal.theta[0] - ideal.start), rel=1e-9, abs=0
    )
    x = np.linspace(-8, 8, 101)
    np.testing.assert_array_equal(ramp.ideal_code(x), ideal.code(x))


def test_codes_keep_the_shape_of_x_and_saturate():
    ramp = ramp_of("silu", 5)
    assert ramp.code(np.zeros((2, 3))).shape == (2, 3)
    assert ramp.code(np.array([-np.inf, np.inf])).tolist() == [1, 31]


# Functions of one's own


class Falling(Activation):
    """``exp(-x)``, which only falls."""

    name = "falling"

    def value(self, x):
        return np.exp(-np.asarray(x))

    def inverse(self, y):
        return -np.log(y)

    def branches(self):
        return (Branch(-math.inf, math.inf, rising=False, inverse=self.inverse),)


class Bump(Activation):
    """``exp(-x**2)``, bounded, with its turning point on top."""

    name = "bump"
    bounds = (0.0, 1.0)

    def value(self, x):
        return np.exp(-(np.asarray(x) ** 2))

    def inverse(self, y):
        return np.sqrt(-np.log(y))

    def branches(self):
        return (
            Branch(-math.inf, 0.0, rising=True, inverse=lambda y: -self.inverse(y)),
            Branch(0.0, math.inf, rising=False, inverse=self.inverse),
        )


TABLES = {
    "flat ends": [(-1.0, 0.0), (0.0, 0.0), (1.0, 2.0), (3.0, 2.0)],
    "flat halfway": [(0.0, 0.0), (1.0, 3.5), (2.0, 3.5), (3.0, 7.0)],
    "falling": [(0.0, 4.0), (1.0, 2.0), (3.0, 1.0)],
}
OWN = [Falling(), Bump(), *(PiecewiseLinear(*each) for each in TABLES.items())]


@pytest.mark.parametrize("bits", [1, 3, 5, 8])
@pytest.mark.parametrize("function", OWN, ids=lambda each: each.name)
def test_functions_of_ones_own_become_ramps(function, bits):
    ramp = design_ramp(function, bits, g_max=G_MAX, input_range=(-2.0, 3.0))
    x = fine_sweep(ramp)
    error = np.abs(ramp.level[ramp.code(x)] - function.value(x)) / lsb_of(ramp)
    assert error.max() <= 0.5 + ROUNDING
    assert set(ramp.step_code) == set(range(2**bits))


def test_a_bump_rises_and_falls_through_all_codes():
    ramp = design_ramp(Bump(), 2, g_max=G_MAX)
    assert ramp.step_code.tolist() == [0, 1, 2, 3, 3, 2, 1, 0]
    assert ramp.branches == (0, 4)
    assert ramp.theta[3] == 0.0


@pytest.mark.parametrize("input_range", [(-8.0, -1.5), (-1.0, 8.0)], ids=["falling", "rising"])
def test_a_range_on_one_side_of_the_turning_point_has_one_branch(input_range):
    ramp = ramp_of("silu", 5, input_range)
    assert ramp.branches == (0,)
    assert ramp.steps == 32
    assert ramp.step_code[0] == (31 if input_range[1] < 0 else 0)


class Broken(Activation):
    """Functions that cannot be ramps."""

    name = "broken"

    def __init__(self, value, inverse):
        self._value, self._inverse = value, inverse

    def value(self, x):
        return self._value(np.asarray(x, dtype=np.float64))

    def inverse(self, y):
        return self._inverse(np.asarray(y, dtype=np.float64))


BROKEN = {
    "its inverse is not finite": Broken(lambda x: x, lambda y: np.log(y - 2.0)),
    "it is not monotonic near": Broken(lambda x: x, lambda y: y * y),
    "an infinite slope": Broken(np.sign, np.zeros_like),
    "is not within half a level": Broken(lambda x: x + 2 * np.sin(3 * x), lambda y: y),
}


@pytest.mark.parametrize("why", BROKEN)
def test_a_function_that_cannot_be_a_ramp_is_refused_and_why(why):
    with pytest.raises(DesignError, match=f"'broken' cannot be a ramp: .*{why}"):
        design_ramp(BROKEN[why], 5, g_max=G_MAX, input_range=(-2.0, 2.0))


def test_a_function_without_branches_on_its_range_is_refused():
    function = Broken(lambda x: x, lambda y: y)
    function.branches = lambda: (Branch(5.0, math.inf, rising=True, inverse=function.inverse),)
    with pytest.raises(DesignError, match="no level begins on any of its branches"):
        design_ramp(function, 5, g_max=G_MAX, input_range=(-2.0, 2.0))


def test_a_vertical_table_is_refused():
    steep = PiecewiseLinear("steep", [(-1.0, 0.0), (0.0, 1.0), (1e-12, 2.0), (1.0, 3.0)])
    with pytest.raises(DesignError, match="'steep' cannot be a ramp of this device: step"):
        design_ramp(steep, 8, g_max=G_MAX)


def test_a_cell_below_what_the_device_holds_is_refused_with_the_step():
    function = get_activation("sigmoid")
    assert design_ramp(function, 5, g_max=G_MAX, g_min=17e-6).cell.min() >= 17e-6
    with pytest.raises(DesignError) as caught:
        design_ramp(function, 8, g_max=G_MAX, g_min=17e-6)
    assert "needs a cell of 2.13 uS" in str(caught.value)
    assert "no cell holds less than 17 uS" in str(caught.value)


def test_end_steps_are_widened_to_what_the_device_holds():
    """Their widths decide no code, so that they never make a ramp impossible."""
    ramp = design_ramp(
        get_activation("relu"), 3, g_max=G_MAX, g_min=100e-6, input_range=(-8.0, 8.0)
    )
    assert ramp.cell[-1] == pytest.approx(100e-6, rel=1e-9, abs=0)
    x = fine_sweep(ramp)
    assert np.abs(ramp.level[ramp.code(x)] - x.clip(0)).max() <= (0.5 + ROUNDING) * lsb_of(ramp)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bits": 0}, "a ramp of 0 bits"),
        ({"bits": 11}, "a ramp of 11 bits"),
        ({"g_max": 0.0}, "below g_max"),
        ({"g_min": 150e-6}, "below g_max"),
        ({"bias_cells": 1}, "set adc.bias_cells to 5 or more"),
    ],
)
def test_impossible_ramps_are_refused(settings, message):
    arguments = {"bits": 5, "g_max": G_MAX} | settings
    with pytest.raises(DesignError, match=message):
        design_ramp(get_activation("tanh"), **arguments)


def test_clipping_makes_softsign_fit_ordinary_cells():
    softsign = get_activation("softsign")
    whole = design_ramp(softsign, 8, g_max=G_MAX)
    clipped = design_ramp(Clipped(softsign, RANGE), 8, g_max=G_MAX)
    assert whole.cell.min() < 10e-9
    assert clipped.cell.min() > 2e-6
    x = fine_sweep(clipped)
    error = np.abs(clipped.level[clipped.code(x)] - softsign.value(x))
    assert error.max() <= (0.5 + ROUNDING) * lsb_of(clipped)


def test_a_ramp_from_text():
    assert design_from_text("tanh", 5, g_max="150 uS").level[-1] == 1.0
    assert design_from_text("identity", 5, g_max="150 uS").x_range == RANGE
    clipped = design_from_text("softsign", 5, g_max="150 uS", input_range=(-3.0, 3.0))
    assert clipped.level[-1] == pytest.approx(0.75, rel=1e-9, abs=0)
    with pytest.raises(InputError, match="has to rise"):
        design_from_text("tanh", 5, g_max="150 uS", input_range=(3.0, -3.0))
