"""Do recurrent cells in float64 compute their equations, forward, backward and over lengths?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from archsim.chip.layers.lstm.reference import lstm_float
from archsim.network.cells import gru_step, lstm_step, rnn_step, run_cell

SEQUENCES, TIMESTEPS, INPUTS, UNITS = 3, 5, 2, 4


def drawn(*shapes):
    rng = np.random.default_rng(3)
    return [rng.normal(size=shape) for shape in shapes]


@pytest.fixture
def x():
    return np.random.default_rng(4).normal(size=(SEQUENCES, TIMESTEPS, INPUTS))


def logistic(value):
    return 1 / (1 + math.exp(-value))


def naive_gru(x, w, u, b, c, *, reset_after):
    """Compute a GRU number by number, as its equations are printed."""
    out = np.zeros((*x.shape[:2], UNITS))

    def back(row, state):
        return sum(u[row][k] * state[k] for k in range(UNITS))

    for s in range(x.shape[0]):
        h = [0.0] * UNITS
        for t in range(x.shape[1]):
            given = [sum(w[j][k] * x[s][t][k] for k in range(INPUTS)) + b[j] for j in range(len(b))]
            r = [logistic(given[j] + back(j, h) + c[j]) for j in range(UNITS)]
            z = [logistic(given[j] + back(j, h) + c[j]) for j in range(UNITS, 2 * UNITS)]
            reset = [r[k] * h[k] for k in range(UNITS)]
            new = []
            for j, row in enumerate(range(2 * UNITS, 3 * UNITS)):
                after, before = r[j] * (back(row, h) + c[row]), back(row, reset) + c[row]
                n = math.tanh(given[row] + (after if reset_after else before))
                new.append((1 - z[j]) * n + z[j] * h[j])
            h = new
            out[s, t] = h
    return out


@pytest.mark.parametrize("reset_after", [True, False])
def test_a_gru_is_its_equations(x, reset_after):
    arrays = drawn((3 * UNITS, INPUTS), (3 * UNITS, UNITS), (3 * UNITS,), (3 * UNITS,))
    step = gru_step(*arrays, reset_after=reset_after)
    found = run_cell(step, x, [np.zeros(UNITS)])
    assert np.allclose(found, naive_gru(x, *arrays, reset_after=reset_after), atol=1e-14)


def test_the_two_ways_of_resetting_differ(x):
    arrays = drawn((3 * UNITS, INPUTS), (3 * UNITS, UNITS), (3 * UNITS,), (3 * UNITS,))
    after, before = (
        run_cell(gru_step(*arrays, reset_after=way), x, [np.zeros(UNITS)]) for way in (True, False)
    )
    assert np.abs(after - before).max() > 0.01


def test_an_lstm_is_the_layers_reference(x):
    w_ih, w_hh, bias, w_hr = drawn((4 * UNITS, INPUTS), (4 * UNITS, 2), (4 * UNITS,), (2, UNITS))
    step = lstm_step(w_ih, w_hh, bias, w_hr)
    found = run_cell(step, x, [np.zeros(2), np.zeros(UNITS)])
    assert np.allclose(found, lstm_float(x, w_ih, w_hh, bias, w_hr), atol=1e-14)


def test_units_without_gates(x):
    w, u, b = drawn((UNITS, INPUTS), (UNITS, UNITS), (UNITS,))
    found = run_cell(rnn_step(w, u, b, np.tanh), x, [np.ones(UNITS)])
    first = np.tanh(x[:, 0] @ w.T + np.ones(UNITS) @ u.T + b)
    assert np.allclose(found[:, 0], first)
    assert np.allclose(found[:, 1], np.tanh(x[:, 1] @ w.T + first @ u.T + b))


def test_backward_is_forward_on_what_is_turned_round(x):
    w, u, b = drawn((UNITS, INPUTS), (UNITS, UNITS), (UNITS,))
    step, zero = rnn_step(w, u, b, np.tanh), [np.zeros(UNITS)]
    backward = run_cell(step, x, zero, backward=True)
    assert np.array_equal(backward, run_cell(step, x[:, ::-1], zero)[:, ::-1])


@pytest.mark.parametrize("backward", [False, True])
def test_what_comes_after_a_sequences_end_is_not_seen(x, backward):
    w, u, b = drawn((UNITS, INPUTS), (UNITS, UNITS), (UNITS,))
    step, start = rnn_step(w, u, b, np.tanh), [np.full(UNITS, 0.3)]
    lengths = np.array([5, 2, 3])
    found = run_cell(step, x, start, lengths=lengths, backward=backward)
    for number, length in enumerate(lengths):
        alone = run_cell(step, x[number : number + 1, :length], start, backward=backward)
        assert np.allclose(found[number, :length], alone[0], atol=1e-15)
        assert not found[number, length:].any()
