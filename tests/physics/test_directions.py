"""Do layers that run against time, or begin or go on with a state, compute what they should?"""

from __future__ import annotations

import numba
import numpy as np
import pytest

from archsim.errors import DesignError
from tests.chip_layers import (
    chip_of,
    random_inputs,
    recorder,
    recurrent_tensors,
    run_floats,
    run_layers,
)

pytestmark = pytest.mark.interpreted

KINDS = {"lstm": 4, "gru": 3, "rnn": 1}
SLOW = [
    "lstm",
    pytest.param("gru", marks=pytest.mark.slow),
    "rnn",
]
LENGTH = np.array([7, 3, 1, 5])
LAST = "{kind: linear, name: output, units: 3, timesteps: %s, input_range: auto}"


def layer(kind, name="one", **keys):
    more = "".join(f", {key}: {value}" for key, value in keys.items())
    return f"{{kind: {kind}, name: {name}, units: 6, tensors: cell{more}}}"


def tensors(kind, suffix="_l0", inputs=5):
    return recurrent_tensors("cell", KINDS[kind], inputs, 6, suffix=suffix)


def turned(x, length):
    """Return sequences (sequences, timesteps, ...) with time turned round before each end."""
    out = x.copy()
    for place, end in enumerate(length):
        out[place, :end] = x[place, :end][::-1]
    return out


# ----------------------------------------------------------------- against time


@pytest.mark.parametrize("kind", SLOW)
def test_against_time_is_with_time_on_inputs_turned_round(tmp_path, kind):
    x = random_inputs(4, 7, 5)
    forward = chip_of(tmp_path, [layer(kind)], tensors(kind))
    backward = chip_of(tmp_path, [layer(kind, direction="backward")], tensors(kind))
    one = run_layers(forward, turned(x, LENGTH), LENGTH)["one"]
    other = run_layers(backward, x, LENGTH)["one"]
    for name in ("code", "h"):
        np.testing.assert_array_equal(turned(one[name], LENGTH), other[name])
    mine, theirs = run_floats(backward, x, LENGTH), run_floats(forward, turned(x, LENGTH), LENGTH)
    for place, end in enumerate(LENGTH):
        np.testing.assert_array_equal(mine[place, :end], turned(theirs, LENGTH)[place, :end])
    assert np.abs(other["h"][:, 0] - mine[:, 0]).mean() < 0.1


def test_tensors_of_the_other_direction_are_found_under_one_name(tmp_path):
    both = {**tensors("rnn"), **tensors("rnn", "_l0_reverse")}
    both = {name: array + name.endswith("reverse") for name, array in both.items()}
    layers = [layer("rnn"), layer("rnn", "back", direction="backward", inputs="[input_buffer]")]
    output = LAST % "last"
    shapes = {"output.weight": (3, 12), "output.bias": (3,)}
    rest = {name: np.ones(shape, dtype=np.float32) for name, shape in shapes.items()}
    chip = chip_of(
        tmp_path, [*layers, output.replace("}", ", inputs: [one, back]}")], {**both, **rest}
    )
    forward, backward = chip.layers[:2]
    np.testing.assert_allclose(forward._w_ih + 1, backward._w_ih, atol=1e-6)


def test_tensors_of_a_stack_are_found_under_one_name(tmp_path):
    stack = {**tensors("rnn"), **tensors("rnn", "_l1", inputs=6)}
    chip = chip_of(tmp_path, [layer("rnn"), layer("rnn", "two", stacked=1)], stack)
    np.testing.assert_array_equal(chip.layers[1]._w_hh, stack["cell.weight_hh_l1"])


# ----------------------------------------------------------------- once a sequence


def bidirectional(tmp_path, when, *settings):
    layers = [
        layer("rnn"),
        layer("rnn", "back", direction="backward", inputs="[input_buffer]"),
        (LAST % when).replace("}", ", inputs: [one, back]}"),
    ]
    rng = np.random.default_rng(5)
    given = {
        **tensors("rnn"),
        "output.weight": rng.normal(size=(3, 12)).astype(np.float32),
        "output.bias": rng.normal(size=3).astype(np.float32),
    }
    return chip_of(tmp_path, layers, given, "adc.kind=ideal", *settings), given


@pytest.mark.parametrize("when", ["last", "final"])
@pytest.mark.parametrize("placement", ["tile", "digital"])
def test_last_is_a_timestep_and_final_is_what_each_layer_computed_last(tmp_path, when, placement):
    x = random_inputs(4, 7, 5)
    settings = (f"network.layers.2.placement={placement}",) if placement == "digital" else ()
    chip, given = bidirectional(tmp_path, when, *settings)
    found = run_layers(chip, x, LENGTH)
    places = np.arange(4)
    first = found["one"]["h"][places, LENGTH - 1]
    at = LENGTH - 1 if when == "last" else np.zeros(4, dtype=int)
    second = found["back"]["h"][places, at]
    expected = np.concatenate([first, second], axis=1) @ given["output.weight"].T
    expected += given["output.bias"]
    np.testing.assert_allclose(found["output"]["logits"][:, 0], expected, atol=0.3)
    last = run_floats(chip, x, LENGTH)
    assert last.shape == (4, 1, 3)
    np.testing.assert_allclose(found["output"]["logits"], last, atol=0.5)


def test_a_float_network_takes_what_its_chip_takes(tmp_path):
    x = random_inputs(4, 7, 5)
    last, final = (
        run_floats(bidirectional(tmp_path, when)[0], x, LENGTH) for when in ("last", "final")
    )
    assert np.abs(last - final)[[0, 1, 3]].max() > 0.05
    np.testing.assert_array_equal(last[2], final[2])  # a sequence of one timestep


# ----------------------------------------------------------------- time


CONVERSION, UPDATE, LOAD = 1 + 16 + 16 + 1, 1, 1
"""Cycles of a 4 bit conversion, of an update of 6 units, and of a load of 5 inputs of 5 bits."""


def start_of(chip, resource, timestep):
    schedule = chip.schedule
    (found,) = (
        index for index in schedule.on(resource) if schedule.operations[index].timestep == timestep
    )
    return int(schedule.start[found])


def test_a_layer_against_time_begins_with_the_last_timestep(tmp_path):
    chip = chip_of(tmp_path, [layer("rnn", direction="backward")], tensors("rnn"))
    starts = [start_of(chip, "one", timestep) for timestep in range(7)]
    step = CONVERSION + UPDATE
    assert starts == [LOAD + (6 - timestep) * step for timestep in range(7)]
    loads = [start_of(chip, "input_buffer", timestep) for timestep in range(7)]
    assert loads == sorted(loads, reverse=True)
    assert loads[:5] == [starts[timestep + 2] + CONVERSION for timestep in range(5)]


@pytest.mark.parametrize("when", ["last", "final"])
def test_both_directions_are_at_work_together(tmp_path, when):
    """The output at the last timestep waits for the forward layer, a final one for both."""
    chip, _ = bidirectional(tmp_path, when, "adc.kind=nonlinear_ramp")
    step = CONVERSION + UPDATE
    ahead = LOAD  # the second layer's first load waits for that of the first
    assert start_of(chip, "one", 0) == LOAD
    assert start_of(chip, "back", 6) == LOAD + ahead
    ends = LOAD + 7 * step + (ahead if when == "final" else 0)
    assert start_of(chip, "output", 6) == ends


def test_a_layer_with_time_waits_for_one_against_time(tmp_path):
    chip = chip_of(
        tmp_path,
        [layer("rnn", direction="backward"), "{kind: rnn, name: two, units: 6}"],
        {**tensors("rnn"), **recurrent_tensors("two", 1, 6, 6)},
    )
    step = CONVERSION + UPDATE
    assert start_of(chip, "two", 0) == LOAD + 7 * step
    assert start_of(chip, "two", 1) == LOAD + 8 * step


def test_no_reader_of_the_inputs_waits_for_ever(tmp_path):
    """The third layer takes the inputs too, and what the second computes last comes first to it."""
    layers = [
        layer("rnn"),
        "{kind: rnn, name: back, units: 6, direction: backward}",
        "{kind: rnn, name: three, units: 6, inputs: [back, input_buffer]}",
    ]
    rest = {**recurrent_tensors("back", 1, 6, 6), **recurrent_tensors("three", 1, 11, 6)}
    chip = chip_of(tmp_path, layers, {**tensors("rnn"), **rest})
    assert (chip.schedule.start >= 0).all()


# ----------------------------------------------------------------- states


@pytest.mark.parametrize("kind", SLOW)
def test_a_stream_in_chunks_is_the_stream_at_once(tmp_path, kind):
    x = random_inputs(4, 7, 5)
    chip = chip_of(tmp_path, [layer(kind)], tensors(kind))
    only, signal = chip.layers[0], chip.encode(x)
    whole = only.run(signal, recorder(4))
    state, begins = None, 0
    for chunk in (slice(0, 2), slice(2, 3), slice(3, 7)):
        part = only.run(signal.at(slice(None), chunk), recorder(4, begins=begins), state)
        for name, array in part.outputs.items():
            np.testing.assert_array_equal(array, whole.outputs[name][:, chunk])
        np.testing.assert_array_equal(part.signal.drive, whole.signal.drive[:, chunk])
        state, begins = part.state, chunk.stop
    for mine, theirs in zip(state, whole.state, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="random numbers take whole words")
@pytest.mark.parametrize("waveforms", [False, True], ids=["fused", "by cycle"])
def test_noise_of_a_stream_in_chunks_is_that_of_the_stream(tmp_path, waveforms):
    noise = ("adc.comparator.noise_sigma=5 mV",)
    x = random_inputs(4, 7, 5)
    chip = chip_of(tmp_path, [layer("rnn")], tensors("rnn"), *noise)
    only, signal = chip.layers[0], chip.encode(x)

    def run(part, begins, state=None):
        recorded = np.arange(4) if waveforms else np.full(4, -1)
        more = recorder(4, begins=begins, waveforms=waveforms)
        more.recorded = recorded
        return only.run(signal.at(slice(None), part), more, state)

    whole, first = run(slice(0, 7), 0), run(slice(0, 3), 0)
    rest = run(slice(3, 7), 3, first.state)
    np.testing.assert_array_equal(rest.outputs["h"], whole.outputs["h"][:, 3:])
    other = run(slice(3, 7), 0, first.state)
    assert (other.outputs["h"] != whole.outputs["h"][:, 3:]).any()


@pytest.mark.parametrize("kind", SLOW)
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_layer_begins_with_the_state_of_its_file(tmp_path, kind, direction):
    """Words of a state, as a file has them, go on where an earlier chunk ended."""
    x = random_inputs(1, 7, 5)
    text = layer(kind, direction=direction)
    chip = chip_of(tmp_path, [text], tensors(kind))
    signal = chip.encode(x)
    whole = chip.layers[0].run(signal, recorder(1))
    forward = direction == "forward"
    early, late = (slice(0, 3), slice(3, 7)) if forward else (slice(4, 7), slice(0, 4))
    state = chip.layers[0].run(signal.at(slice(None), early), recorder(1)).state
    words = {"h0": state.h[0] / 2048} | ({"c0": state.c[0] / 2048} if kind == "lstm" else {})
    given = {f"cell.{name}": value.astype(np.float32) for name, value in words.items()}
    other = chip_of(tmp_path, [text], {**tensors(kind), **given})
    rest = other.layers[0].run(signal.at(slice(None), late), recorder(1))
    np.testing.assert_array_equal(rest.outputs["h"], whole.outputs["h"][:, late])
    near = other.layers[0].run_float(x[:, late].astype(np.float64))
    rested = chip.layers[0].run_float(x[:, late].astype(np.float64))
    mine = rest.outputs["h"]
    assert np.abs(near - mine).mean() < np.abs(rested - mine).mean()


def test_a_state_that_words_do_not_hold_is_refused(tmp_path):
    given = {**tensors("rnn"), "cell.h0": np.full(6, 17, dtype=np.float32)}
    with pytest.raises(DesignError, match=r"'one': its h0 reaches 17, and words end at 16"):
        chip_of(tmp_path, [layer("rnn")], given)
