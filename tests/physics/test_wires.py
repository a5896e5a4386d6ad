"""Do resistive wires give the currents of the whole network, and where does the fast way stop?"""

import itertools
import sys

import numpy as np
import pytest

from archsim.chip.wires import effective_conductance, effective_differential
from archsim.chip.wires_exact import (
    CrossbarNetwork,
    exact_currents,
    exact_effective_conductance,
)
from archsim.errors import InputError
from tools.wire_errors import G_MAX, block_diagonal_array, uniform_array, wire_errors

SOLVERS = [effective_conductance, exact_effective_conductance]
TYPICAL = [(0.35, 0.35), (1.0, 1.0), (2.5, 2.5), (4.69, 1.56), (1.56, 4.69), (5.0, 5.0)]
"""Ohms along a row and a column, up to the largest of docs/wires.md and somewhat above."""


def uniform(rows, columns, seed=1):
    return uniform_array(rows, columns, np.random.default_rng(seed))


def naive_currents(g, drive, r_row, r_column):
    """Kirchhoff's current law written node by node, solved densely."""
    rows, columns = g.shape
    size = rows * columns
    matrix, right = np.zeros((2 * size, 2 * size)), np.zeros(2 * size)

    def connect(node, other, conductance):
        matrix[node, node] += conductance
        matrix[node, other] -= conductance

    for i, j in itertools.product(range(rows), range(columns)):
        on_row, on_column = i * columns + j, size + i * columns + j
        connect(on_row, on_column, g[i, j])
        connect(on_column, on_row, g[i, j])
        if j == 0:
            matrix[on_row, on_row] += 1 / r_row
            right[on_row] += drive[i] / r_row
        else:
            connect(on_row, on_row - 1, 1 / r_row)
            connect(on_row - 1, on_row, 1 / r_row)
        if i == rows - 1:
            matrix[on_column, on_column] += 1 / r_column
        else:
            connect(on_column, on_column + columns, 1 / r_column)
            connect(on_column + columns, on_column, 1 / r_column)
    nodes = np.linalg.solve(matrix, right)
    return nodes[2 * size - columns :] / r_column


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (5, 1), (2, 2), (3, 6), (6, 4)], ids=str)
@pytest.mark.parametrize("ohms", [(1.0, 1.0), (300.0, 20.0), (5.0, 2e4)], ids=str)
def test_exact_currents_equal_a_dense_solution(shape, ohms):
    g = uniform(*shape)
    drive = np.random.default_rng(3).normal(size=shape[0])
    currents = exact_currents(g, drive, r_row=ohms[0], r_column=ohms[1])
    np.testing.assert_allclose(currents, naive_currents(g, drive, *ohms), rtol=1e-10)


@pytest.mark.parametrize("solve", SOLVERS)
def test_one_cell_is_three_resistors_in_series(solve):
    result = solve([[1e-4]], r_row=30.0, r_column=70.0)
    np.testing.assert_allclose(result, [[1 / (30 + 1e4 + 70)]], rtol=1e-12)


@pytest.mark.parametrize("solve", SOLVERS)
def test_without_resistance_nothing_changes(solve):
    g = uniform(6, 8)
    before = g.copy()
    result = solve(g, r_row=0.0, r_column=0.0)
    assert result is not g
    np.testing.assert_array_equal(result, before)


@pytest.mark.parametrize("ohms", [(0.0, 40.0), (40.0, 0.0)], ids=str)
def test_one_ideal_direction_is_exact(ohms):
    g = uniform(20, 30)
    fast, exact = (solve(g, r_row=ohms[0], r_column=ohms[1]) for solve in SOLVERS)
    np.testing.assert_allclose(fast, exact, rtol=1e-10)


@pytest.mark.parametrize("shape", [(1, 7), (9, 1), (12, 12), (10, 33), (33, 10)], ids=str)
@pytest.mark.parametrize("ohms", [(0.5, 0.5), (20.0, 3.0), (1.0, 400.0)], ids=str)
def test_equal_cells_are_exact(shape, ohms):
    fast, exact = (
        solve(np.full(shape, 1e-4), r_row=ohms[0], r_column=ohms[1]) for solve in SOLVERS
    )
    np.testing.assert_allclose(fast, exact, rtol=1e-9)


def test_error_vanishes_with_the_square_of_the_resistance():
    g = uniform(24, 24)
    errors = []
    for ohms in (0.4, 0.2, 0.1):
        fast, exact = (solve(g, r_row=ohms, r_column=ohms) for solve in SOLVERS)
        errors.append(np.abs(fast - exact).max())
    assert errors[0] / errors[1] > 3.7
    assert errors[1] / errors[2] > 3.7


def test_currents_and_power_balance_at_every_node():
    g, r_row, r_column = uniform(9, 14), 12.0, 7.0
    drive = np.random.default_rng(4).choice([-0.2, 0.0, 0.2], 9)
    network = CrossbarNetwork(g, r_row=r_row, r_column=r_column)
    on_row, on_column = network.voltages(drive)
    cell = g * (on_row - on_column)
    along_row = -np.diff(on_row, axis=1, prepend=drive[:, None]) / r_row
    along_column = -np.diff(on_column, axis=0, append=0.0) / r_column
    leaving_row = np.diff(-along_row, axis=1, append=0.0)
    np.testing.assert_allclose(leaving_row, cell, rtol=0, atol=1e-16)
    joining_column = np.diff(along_column, axis=0, prepend=0.0)
    np.testing.assert_allclose(joining_column, cell, rtol=0, atol=1e-16)
    np.testing.assert_allclose(along_column[-1], network.currents(drive), rtol=1e-10)
    heat = (cell * (on_row - on_column)).sum()
    heat += r_row * (along_row**2).sum() + r_column * (along_column**2).sum()
    assert drive @ along_row[:, 0] == pytest.approx(heat, rel=1e-12, abs=0)


@pytest.mark.parametrize("shape", [(7, 12), (12, 7)], ids=str)
def test_currents_are_linear_in_the_drive(shape):
    g = uniform(*shape)
    drives = np.random.default_rng(5).normal(size=(3, shape[0]))
    currents = exact_currents(g, drives, r_row=30.0, r_column=10.0)
    matrix = exact_effective_conductance(g, r_row=30.0, r_column=10.0)
    np.testing.assert_allclose(currents, drives @ matrix, rtol=0, atol=1e-15)
    one = exact_currents(g, drives.sum(axis=0), r_row=30.0, r_column=10.0)
    np.testing.assert_allclose(one, currents.sum(axis=0), rtol=0, atol=1e-15)


@pytest.mark.parametrize("solve", SOLVERS)
def test_only_the_product_of_conductance_and_resistance_matters(solve):
    g = uniform(10, 12)
    small, large = solve(g, r_row=8.0, r_column=2.0), solve(8 * g, r_row=1.0, r_column=0.25)
    np.testing.assert_allclose(8 * small, large, rtol=1e-9)


@pytest.mark.parametrize("solve", SOLVERS)
def test_rows_and_columns_can_be_exchanged(solve):
    """Reciprocity: drivers and grounds swap places, and what was nearest stays nearest."""
    g = uniform(10, 15)
    turned = solve(g[::-1, ::-1].T, r_row=3.0, r_column=20.0)[::-1, ::-1].T
    np.testing.assert_allclose(solve(g, r_row=20.0, r_column=3.0), turned, rtol=1e-9)


@pytest.mark.parametrize("solve", SOLVERS)
def test_without_column_resistance_rows_do_not_know_each_other(solve):
    g = uniform(10, 15)
    order = np.random.default_rng(6).permutation(10)
    shuffled = solve(g[order], r_row=20.0, r_column=0.0)
    np.testing.assert_allclose(shuffled, solve(g, r_row=20.0, r_column=0.0)[order], rtol=1e-12)


@pytest.mark.parametrize("solve", SOLVERS)
def test_more_resistance_gives_less_current(solve):
    g = uniform(32, 32)
    totals = []
    for ohms in (0.0, 0.1, 1.0, 3.0, 10.0, 100.0):
        result = solve(g, r_row=ohms, r_column=2 * ohms)
        assert (result >= 0).all()
        assert (result.sum(axis=0) <= g.sum(axis=0) * (1 + 1e-12)).all()
        totals.append(result.sum())
    assert (np.diff(totals) < 0).all()


@pytest.mark.parametrize("solve", SOLVERS)
def test_far_cells_lose_more(solve):
    ratio = solve(np.full((16, 16), 1e-4), r_row=5.0, r_column=5.0)
    assert (np.diff(ratio, axis=1) < 0).all()
    assert (np.diff(ratio, axis=0) > 0).all()


@pytest.mark.parametrize("solve", SOLVERS)
def test_unused_rows_and_columns_carry_nothing(solve):
    g = uniform(12, 14)
    g[[0, 5]] = 0
    g[:, [0, 7, 13]] = 0
    result = solve(g, r_row=10.0, r_column=10.0)
    assert not result[[0, 5]].any()
    assert not result[:, [0, 7, 13]].any()
    inner = solve(g[1:, :13], r_row=10.0, r_column=10.0)
    np.testing.assert_allclose(result[1:, :13], inner, rtol=1e-10)
    assert not solve(np.zeros((3, 4)), r_row=1.0, r_column=1.0).any()


@pytest.mark.parametrize("shape", [(64, 64), (64, 128)], ids=str)
@pytest.mark.parametrize("ohms", TYPICAL, ids=str)
def test_within_one_per_cent_of_full_scale_at_typical_resistances(shape, ohms):
    """Full scale: the largest column current of the same drive, ideal and, stricter, actual."""
    g = uniform(*shape, seed=int(100 * ohms[0]))
    fast, exact = (solve(g, r_row=ohms[0], r_column=ohms[1]) for solve in SOLVERS)
    errors = wire_errors(g, fast, exact=exact)
    assert errors.of_ideal < 0.005
    assert errors.of_actual < 0.01


def test_where_one_per_cent_stops():
    """Of the ideal full scale it does not for uniform cells; of what still flows it does."""
    g = uniform(64, 128)
    fast, exact = (solve(g, r_row=20.0, r_column=20.0) for solve in SOLVERS)
    errors = wire_errors(g, fast, exact=exact)
    assert errors.of_ideal < 0.01 < errors.of_actual < 0.05
    ignored = wire_errors(g, g, exact=exact)
    assert ignored.of_ideal > 0.9


def test_blocks_of_unlike_cells_exceed_one_per_cent_sooner():
    g = block_diagonal_array(64, 128, np.random.default_rng(1))
    fast, exact = (solve(g, r_row=2.5, r_column=2.5) for solve in SOLVERS)
    assert 0.01 < wire_errors(g, fast, exact=exact).of_ideal < 0.05


def test_ignoring_the_wires_exceeds_one_per_cent_even_at_a_tenth_of_an_ohm():
    g = uniform(64, 64)
    exact = exact_effective_conductance(g, r_row=0.1, r_column=0.1)
    assert wire_errors(g, g, exact=exact).of_ideal > 0.02


@pytest.mark.parametrize("solve", SOLVERS)
def test_differential_columns_lie_side_by_side(solve):
    plus, minus = uniform(5, 3), uniform(5, 3, seed=2)
    wide = np.empty((5, 6))
    wide[:, 0::2], wide[:, 1::2] = plus, minus
    expected = solve(wide, r_row=40.0, r_column=9.0)
    result = effective_differential(plus, minus, r_row=40.0, r_column=9.0, solver=solve)
    np.testing.assert_array_equal(result[0], expected[:, 0::2])
    np.testing.assert_array_equal(result[1], expected[:, 1::2])


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize(
    ("g", "ohms", "words"),
    [
        ([1e-4, 1e-4], (1, 1), r"g has the shape \(2,\)"),
        (np.empty((0, 3)), (1, 1), r"g has the shape \(0, 3\)"),
        ([[1e-4, float("nan")]], (1, 1), r"g\[0, 1\] is nan S"),
        ([[1e-4], [-1e-6]], (1, 1), r"g\[1, 0\] is -1e-06 S"),
        ([["a"]], (1, 1), "real conductances in siemens"),
        ([[1e-4 + 1j]], (1, 1), "real conductances in siemens"),
        ([[1e-4]], (-1, 1), r"r_row is -1\.0 ohm"),
        ([[1e-4]], (1, float("inf")), "r_column is inf ohm"),
    ],
    ids=str,
)
def test_wrong_input_is_named(solve, g, ohms, words):
    with pytest.raises(InputError, match=words):
        solve(g, r_row=ohms[0], r_column=ohms[1])


def test_wrong_drives_and_unequal_sides_are_named():
    g = uniform(3, 4)
    network = CrossbarNetwork(g, r_row=1.0, r_column=1.0)
    with pytest.raises(InputError, match="one voltage for each of 3 rows"):
        network.currents(np.ones(4))
    with pytest.raises(InputError, match="not finite"):
        network.currents([1.0, np.nan, 0.0])
    with pytest.raises(InputError, match="voltages of one drive"):
        network.voltages(np.ones((2, 3)))
    with pytest.raises(InputError, match=r"g_plus has the shape \(3, 4\) and g_minus \(3, 3\)"):
        effective_differential(g, g[:, :3], r_row=1.0, r_column=1.0)


def test_missing_scipy_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(InputError, match=r"pip install 'archsim\[exact\]'"):
        exact_effective_conductance([[G_MAX]], r_row=1.0, r_column=1.0)
    effective_conductance([[G_MAX]], r_row=1.0, r_column=1.0)
