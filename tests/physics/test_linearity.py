"""Does the linearity of a ramp with known errors come out as those errors?"""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.network.activations import PiecewiseLinear, get_activation
from archsim.transfer.linearity import linearity, mean_absolute, missing_codes, sweep
from archsim.transfer.ramp import design_ramp

G_MAX = 150e-6
FUNCTIONS = ("sigmoid", "tanh", "softsign", "softplus", "elu", "selu", "relu", "identity")


def ideal_ramp(name, bits=5):
    return design_ramp(get_activation(name), bits, g_max=G_MAX, input_range=(-8.0, 8.0))


def measured(ramp):
    return linearity(ramp, get_activation(ramp.function))


def lsb_in_siemens(ramp):
    """Conductance that moves a linear ramp by a level."""
    return (ramp.theta[1] - ramp.theta[0]) / ramp.x_per_siemens


@pytest.mark.parametrize("bits", [1, 3, 5, 8])
@pytest.mark.parametrize("name", [*FUNCTIONS, "silu", "gelu"])
def test_an_ideal_ramp_has_no_error(name, bits):
    result = measured(ideal_ramp(name, bits))
    assert np.abs(result.inl).max() < 1e-9
    assert np.abs(result.dnl).max(initial=0.0) < 1e-9
    assert result.code_error_worst == 0
    assert result.missing == ()
    assert result.worst_error <= 0.5 + 1e-9


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_ideal_ramp_has_about_its_bits(name):
    """At 8 bits a step is nearly straight, so that the rounding error is uniform."""
    assert measured(ideal_ramp(name, 8)).enob == pytest.approx(8, abs=0.02)


def test_a_shift_by_half_a_level_is_an_inl_of_a_half():
    ideal = ideal_ramp("identity")
    share = 0.5 * lsb_in_siemens(ideal) / ideal.bias.size
    result = measured(dataclasses.replace(ideal, bias=ideal.bias - share))
    np.testing.assert_allclose(result.inl, 0.5)
    np.testing.assert_allclose(result.dnl, 0.0, atol=1e-12)
    # Half of every step but the first, which begins where the sweep does, gets the code below.
    np.testing.assert_allclose(result.inl_codes, [0.0, *[-0.5] * 30, -1.0])
    assert result.code_error_worst == 1
    assert result.missing == ()
    assert result.worst_error == pytest.approx(1.0, abs=0.01)


def test_a_gain_error_grows_along_the_ramp():
    ideal = ideal_ramp("identity")
    result = measured(dataclasses.replace(ideal, cell=ideal.cell * 1.01))
    np.testing.assert_allclose(result.dnl, 0.01)
    np.testing.assert_allclose(result.inl, 0.01 * (np.arange(31) + 0.5))


@pytest.mark.parametrize("name", ["identity", "tanh"])
def test_a_cell_without_conductance_is_a_missing_code(name):
    ideal = ideal_ramp(name)
    cell = ideal.cell.copy()
    cell[12] = 0.0
    result = measured(dataclasses.replace(ideal, cell=cell))
    assert result.missing == (12,)
    expected = np.zeros(30)
    expected[11] = -1.0  # the width between the transitions to codes 12 and 13
    np.testing.assert_allclose(result.dnl, expected, atol=1e-9)
    np.testing.assert_allclose(result.inl[:12], 0.0, atol=1e-9)
    assert (result.inl[12:] < -0.05).all()
    if name == "identity":
        np.testing.assert_allclose(result.inl[12:], -1.0)


def test_a_cell_twice_as_large_is_a_code_twice_as_wide():
    ideal = ideal_ramp("identity")
    cell = ideal.cell.copy()
    cell[7] *= 2
    result = measured(dataclasses.replace(ideal, cell=cell))
    assert result.dnl[6] == pytest.approx(1.0)
    np.testing.assert_allclose(result.inl[7:], 1.0)
    assert result.dnl_codes[7] == pytest.approx(-1.0)
    assert result.inl_codes[8] == pytest.approx(-1.0)


def test_a_ramp_that_falls_back_misses_what_it_has_passed():
    """Cells 10 and 11 of +2 and -1.5 levels: steps 11 and 12 end below where step 10 ended."""
    ideal = ideal_ramp("identity")
    cell = ideal.cell.copy()
    cell[10], cell[11] = 2 * cell[9], -1.5 * cell[9]
    result = measured(dataclasses.replace(ideal, cell=cell))
    assert result.missing == (11, 12)
    np.testing.assert_allclose(result.inl[:10], 0.0, atol=1e-9)
    np.testing.assert_allclose(result.inl[10:13], [1.0, 0.0, -1.0], atol=1e-9)
    np.testing.assert_allclose(result.inl[13:], -1.5)


def test_a_turning_point_is_no_transition():
    ideal = ideal_ramp("silu", 8)
    turning = ideal.branches[1]
    cell = ideal.cell.copy()
    cell[turning - 1] += 0.1 * cell[turning]
    cell[turning] *= 0.9
    result = measured(dataclasses.replace(ideal, cell=cell))
    assert result.inl.size == ideal.steps - 2
    assert np.abs(result.inl).max() < 1e-9
    assert result.code_error_worst == 0


def test_a_code_that_another_branch_still_gives_is_not_missing():
    ideal = ideal_ramp("silu", 8)
    lost = int(np.flatnonzero(ideal.step_code == 3)[0])
    cell = ideal.cell.copy()
    cell[lost] = 0.0
    ramp = dataclasses.replace(ideal, cell=cell)
    assert missing_codes(ramp) == ()
    assert linearity(ramp, get_activation("silu")).dnl.min() == pytest.approx(-1.0)


@given(
    name=st.sampled_from(["tanh", "identity", "silu"]),
    error=st.lists(st.floats(-1.5, 1.5), min_size=34, max_size=34),
)
def test_transitions_are_where_an_up_sweep_finds_them(name, error):
    """Against a search that knows only the ramp's codes."""
    ideal = ideal_ramp(name)
    ramp = dataclasses.replace(ideal, cell=ideal.cell * (1 + np.array(error[: ideal.steps])))
    x = np.unique(np.concatenate([ramp.position, ramp.position - 1e-6, ramp.position + 1e-6]))
    step = ramp.step(x)
    assert (np.diff(step) >= 0).all()
    for q, crossing in enumerate(ramp.crossing):
        assert (step[x > crossing + 1e-7] > q).all()
        assert (step[x < crossing - 1e-7] <= q).all()
    given_codes = set(ramp.code(x))
    missing = missing_codes(ramp)
    assert not given_codes & set(missing)
    separate = np.diff(ramp.crossing)
    if not ((separate > 0) & (separate < 1e-5)).any():
        assert given_codes | set(missing) == set(ramp.step_code)


def test_noisy_cells_cost_effective_bits():
    ideal = ideal_ramp("tanh")
    rng = np.random.default_rng(1)
    noisy = dataclasses.replace(
        ideal, cell=np.abs(ideal.cell + rng.normal(0, 2.67e-6, ideal.cell.size))
    )
    assert 3 < measured(noisy).enob < measured(ideal).enob


def test_a_one_bit_ramp_is_measured_by_the_slope():
    """sigmoid: an LSB of 1 over a slope of 1/4 is 4 units of x."""
    ideal = ideal_ramp("sigmoid", 1)
    shift = 1.0 / ideal.x_per_siemens / ideal.bias.size
    result = measured(dataclasses.replace(ideal, bias=ideal.bias - shift))
    assert result.inl == pytest.approx([0.25])
    assert result.dnl.size == 0


def test_a_function_that_is_its_levels_does_not_break_the_effective_bits():
    table = PiecewiseLinear("t", [(-1.0, 0.0), (-1e-6, 0.0), (1e-6, 1.0), (1.0, 1.0)])
    ramp = design_ramp(table, 1, g_max=G_MAX)
    assert np.isfinite(linearity(ramp, table).enob)


def test_the_sweep_counts_every_step_the_same():
    ramp = ideal_ramp("tanh")
    x = sweep(ramp, 8)
    assert (np.diff(x) > 0).all()
    np.testing.assert_array_equal(np.bincount(ramp.code(x)), 8)


def test_to_json_is_json_and_complete():
    ideal = ideal_ramp("silu")
    result = measured(dataclasses.replace(ideal, cell=ideal.cell * 1.05))
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert data["inl_lsb"]["mean_absolute"] == pytest.approx(mean_absolute(result.inl))
    assert data["inl_lsb"]["worst_absolute"] == pytest.approx(np.abs(result.inl).max())
    assert len(data["inl_lsb"]["values"]) == len(data["transition_to_code"]) == ideal.steps - 2
    assert data["bits"] == 5
