"""Is a GRU or an RNN on an ideal chip the float64 one, but for its pulse widths and words?"""

from __future__ import annotations

import numpy as np
import pytest

from archsim.clipping import Place
from archsim.config.load import load_config
from archsim.errors import ConfigError, DesignError
from tests.chip_layers import (
    FINE,
    chip_of,
    random_inputs,
    recorder,
    recurrent_tensors,
    run_floats,
    run_layers,
)
from tests.runs import ROOT

pytestmark = pytest.mark.interpreted

CELLS = {
    "gru": ("{kind: gru, name: cell, units: 6}", 3, ()),
    "gru by ramp": ("{kind: gru, name: cell, units: 6}", 3, ("digital.cell_activation=ramp",)),
    "gru before": ("{kind: gru, name: cell, units: 6, reset: before}", 3, ()),
    "rnn": ("{kind: rnn, name: cell, units: 6}", 1, ()),
    "relu": (
        "{kind: rnn, name: cell, units: 6, function: relu, input_range: [-3, 3]}",
        1,
        (),
    ),
}
CONVENTIONAL = ("adc.kind=sar", "adc.bits=10", "adc.input_range=[-4, 4]",
                "adc.sharing.component=adc_survey_8b", "adc.sharing.cycles=10")  # fmt: skip


def slow(which):
    """Mark a cell for whose kernels more has to be compiled than a quick test should."""
    return pytest.param(which, marks=pytest.mark.slow)


def cell(which, tmp_path, *settings, bias=True):
    text, gates, own = CELLS[which]
    size = 0.2 if which == "relu" else 0.4
    tensors = recurrent_tensors("cell", gates, 5, 6, bias=bias, size=size)
    return chip_of(tmp_path, [text], tensors, *own, *settings)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("which", CELLS)
def test_the_chip_is_the_float_layer_but_for_pulse_widths(which, bias, tmp_path):
    """Inputs and h are rounded to half of 1/1023 (of 3 with relu), of which a few add up.

    With three bits less it is eight times as much.
    """
    x, errors = random_inputs(6, 7, 5), []
    for bits in (10, 7):
        chip = cell(which, tmp_path, *FINE, f"tile.input_bits={bits}", bias=bias)
        assert chip.layers[0].bias_row == bias
        found, expected = run_layers(chip, x)["cell"]["h"], run_floats(chip, x)
        errors.append(np.abs(found - expected).mean())
        assert np.abs(found - expected).max() < (5 if which == "relu" else 2.5) / 2**bits
    assert np.abs(expected).max() > 0.4
    assert errors[0] < (1.5e-3 if which == "relu" else 5e-4)
    assert 4 < errors[1] / errors[0] < 12


@pytest.mark.parametrize("which", [slow("gru"), slow("gru before"), "rnn", "relu"])
def test_a_conventional_chip_comes_near(which, tmp_path):
    """Ten bits over -4 .. 4 are steps of 8/1023, and processors look functions up."""
    fine = ("tile.input_bits=10", "digital.word_bits=20", "digital.fraction_bits=14")
    chip = cell(which, tmp_path, *fine, *CONVENTIONAL)
    x = random_inputs(6, 7, 5)
    found, expected = run_layers(chip, x)["cell"]["h"], run_floats(chip, x)
    assert np.abs(found - expected).max() < 0.02
    units = {unit.name: sorted(unit.cost.energy) for unit in chip.units}
    kinds = ["activate", "activate_later"] if which == "gru before" else ["activate"]
    assert units["cell_activation"] == kinds


@pytest.mark.slow
@pytest.mark.parametrize("which", [*list(CELLS)[:3], "rnn", "relu"])
def test_walking_through_all_cycles_gives_the_same(which, tmp_path):
    chip = cell(which, tmp_path)
    x = random_inputs(3, 4, 5)
    signal, only = chip.encode(x), chip.layers[0]
    fused = only.run(signal, recorder(3))
    walked = recorder(3, waveforms=True)
    walked.recorded = np.arange(3)
    by_cycle = only.run(signal, walked)
    for name, array in fused.outputs.items():
        np.testing.assert_array_equal(by_cycle.outputs[name], array)
    assert by_cycle.clipped == fused.clipped


def test_a_cut_layer_is_an_uncut_one(tmp_path):
    x = random_inputs(3, 4, 5)
    for which in ("gru before", "relu"):
        whole = run_layers(cell(which, tmp_path), x)["cell"]["h"]
        small = cell(which, tmp_path, "tile.rows=5", "tile.columns=8")
        assert len(small.tiles) > 2
        np.testing.assert_array_equal(run_layers(small, x)["cell"]["h"], whole)


# ----------------------------------------------------------------- what it takes and clips


CONVERSION = 1 + 16 + 16 + 1


@pytest.mark.parametrize(
    ("which", "settings", "timestep"),
    [
        ("gru", (), CONVERSION + 6),
        ("gru", ("digital.lanes=4",), CONVERSION + 2 * 6),
        ("gru", ("digital.cell_activation=ramp",), CONVERSION + 2 + CONVERSION + 3),
        ("gru before", (), CONVERSION + 1 + CONVERSION + 3),
        ("gru before", ("adc.kind=linear_ramp",), CONVERSION + 2 + 1 + CONVERSION + 2 + 3),
        ("rnn", (), CONVERSION + 1),
        ("rnn", ("adc.kind=linear_ramp",), CONVERSION + 2 + 1),
        ("rnn", ("digital.bus={width: 10, latency: 2}",), CONVERSION + 1 + 2 + 3),
        (
            "gru before",
            ("digital.bus={width: 10, latency: 2}",),
            CONVERSION + 1 + 5 + CONVERSION + 3 + 5,
        ),
        (
            "gru before",
            ("adc.kind=linear_ramp", "digital.processors={shared: true, count: 3}"),
            CONVERSION + 4 * 2 + 1 + CONVERSION + 2 * 2 + 3,
        ),
    ],
)
def test_cycles_of_a_timestep(which, settings, timestep, tmp_path):
    chip = cell(which, tmp_path, *settings)
    assert chip.schedule.cycles == 1 + 7 * timestep + 5  # a load, and the largest of 6 h


def test_inputs_stay_on_the_rows_until_the_candidate_has_taken_them(tmp_path):
    schedule = cell("gru before", tmp_path).schedule
    loads, taken = schedule.on("input_buffer"), schedule.on("cell_candidate")
    for timestep in range(5):
        assert schedule.start[loads[timestep + 2]] >= schedule.end[taken[timestep]]


def test_a_plain_layer_has_no_multipliers(tmp_path):
    parts = {
        which: set(cell(which, tmp_path).inventory["cell_update"].area)
        for which in ("rnn", "gru", "gru before")
    }
    assert parts["rnn"] == {"registers"}
    assert parts["gru"] == {"registers", "multipliers", "adders", "lookup_table"}
    assert parts["gru before"] == {"registers", "multipliers", "adders"}


def clipped(chip, place, x=None):
    x = random_inputs(6, 7, 5) if x is None else x
    found = chip.layers[0].run(chip.encode(x), recorder(len(x))).clipped
    (one,) = (item for item in found if item.place is place)
    return one


def test_sums_of_the_candidate_beyond_its_ramp_are_counted(tmp_path):
    narrow = cell("gru", tmp_path, "network.layers.0.candidate_range=[-0.2, 0.2]")
    found = clipped(narrow, Place.CANDIDATE_RANGE)
    assert 0 < found.count < found.of == 2 * 6 * 7 * 6
    wide = cell("gru", tmp_path, "network.layers.0.candidate_range=auto")
    assert clipped(wide, Place.CANDIDATE_RANGE).count == 0


def test_sums_beyond_the_ramp_of_a_function_without_bounds_are_counted(tmp_path):
    chip = cell("relu", tmp_path, "network.layers.0.input_range=[-0.5, 0.5]", "adc.bits=8")
    found = clipped(chip, Place.INPUT_RANGE)
    x = random_inputs(6, 7, 5)
    h = run_layers(chip, x)["cell"]["h"]
    at_end = int((h >= 0.5 - 1e-3).sum())
    assert 0 < found.count <= at_end
    assert found.count > at_end / 2
    assert found.largest > 0.5
    assert clipped(cell("relu", tmp_path, "adc.bits=8"), Place.INPUT_RANGE).count == 0


def test_h_beyond_a_full_pulse_width_is_counted(tmp_path):
    chip = cell("relu", tmp_path, "network.layers.0.output_range=1", "adc.bits=8")
    x = 3 * random_inputs(6, 7, 5)
    h = run_layers(chip, x)["cell"]["h"]
    slack = 0.5 / 15
    assert clipped(chip, Place.OUTPUT_RANGE, x).count == (np.abs(h) > 1 + slack).sum() > 0


def test_what_cannot_be_is_refused_with_its_key(tmp_path):
    for keys, says in (
        ("function: relu", r"'cell': function: 'relu' is unbounded.*set input_range"),
        ("function: sillu", r"'cell': function: unknown activation function 'sillu'"),
    ):
        text = f"{{kind: rnn, name: cell, units: 6, {keys}}}"
        with pytest.raises(DesignError, match=says):
            chip_of(tmp_path, [text])
    digital = "network.layers=[{kind: gru, name: cell, units: 6, bias: digital}]"
    with pytest.raises(ConfigError, match="bias digital is for linear layers"):
        load_config(ROOT / "configs/random-lstm.yaml", [digital])


# ----------------------------------------------------------------- other chips

CHIPS = {
    "bit-serial": (
        *("technology.node=32 nm", "adc.kind=bit_serial", "tile.row_sum=digital"),
        f"technology.components={ROOT}/configs/components/isaac-system-32nm.yaml",
        *("adc.bit_serial.adc_bits=8", "adc.bit_serial.component=isaac_adc_8b"),
        *("adc.bit_serial.read_cycles=100", "adc.input_range=[-4, 4]"),
    ),
    "digital sums": (
        *("adc.kind=linear_ramp", "tile.rows=5", "tile.row_sum=digital"),
        "adc.input_range=[-4, 4]",
    ),
    "buffers": ("tile.double_buffer=true", "tile.columns=8", "adc.banks_per_converter=2"),
    "rails": ("tile.integrator.saturation=true", "tile.integrator.headroom=200 mV"),
    "early stop": ("adc.early_stop=true",),
}


@pytest.mark.slow
@pytest.mark.parametrize("which", ["gru", "gru before", "rnn", "relu"])
@pytest.mark.parametrize("kind", CHIPS)
def test_any_chip_comes_near_the_float_layer(kind, which, tmp_path):
    """Steps of 8 bits, of 8/255 where the range is -4 .. 4, and pulse widths of 6.

    Each of three row blocks whose codes are added up is half a step off, and h comes back.
    """
    chip = cell(which, tmp_path, *CHIPS[kind], "adc.bits=8", "tile.input_bits=6")
    assert (chip.schedule.start >= 0).all()
    length, x = np.array([7, 2, 5, 3]), random_inputs(4, 7, 5)
    found, expected = run_layers(chip, x, length)["cell"]["h"], run_floats(chip, x, length)
    for place, end in enumerate(length):
        error = np.abs(found[place, :end] - expected[place, :end])
        several = kind == "digital sums"
        assert error.max() < (0.12 if several else 0.06)
        assert error.mean() < (0.03 if several else 0.02)
