"""Is a converter without quantisation as good as none, free of cost, and said to be no real one?"""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import archsim
from archsim.chip.build import build_chip
from archsim.config.load import load_config
from archsim.errors import ArchsimError
from archsim.network.activations import activation_names, get_activation
from archsim.report.comparison import comparison_report
from archsim.report.render import as_text
from archsim.report.run import run_report
from archsim.simulation.prepare import prepare
from archsim.simulation.simulate import run
from archsim.trace.reader import read_summary
from archsim.transfer.exact import exact_ramp
from archsim.vocabulary import Activity
from tests.random_run import load_random
from tests.small_run import write_small_run

IDEAL = "adc.kind=ideal"
FINE = (
    *("tile.input_bits=10", "digital.fraction_bits=14", "device.conductance_steps=32767"),
    *("digital.table_entries=65536", "network.layers.1.input_range=[-1, 1]"),
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("ideal"))


def outputs(path):
    with h5py.File(path) as file:
        return {
            f"{layer}/{name}": group[name][...]
            for layer, group in file["outputs"].items()
            for name in ("code", "h", "logits")
            if name in group
        }


def test_the_chip_is_the_float_network_but_for_pulse_widths_and_words(small, tmp_path):
    """Inputs and h are rounded to half of 1/1023; a ramp of 8 bits is worse."""
    errors = {}
    for kind in ("ideal", "nonlinear_ramp"):
        loaded = load_config(small, [*FINE, f"adc.kind={kind}", "adc.bits=8", "trace.level=event"])
        run(loaded, tmp_path / f"{kind}.h5")
        chip, data = prepare(loaded)
        expected = chip.layers[0].run_float(data.inputs.astype(np.float64))
        errors[kind] = np.abs(outputs(tmp_path / f"{kind}.h5")["lstm/h"] - expected).max()
    assert errors["ideal"] < 1.5e-3
    assert errors["nonlinear_ramp"] > 2 * errors["ideal"]


@pytest.mark.parametrize("name", [n for n in activation_names() if n != "gelu"])
def test_levels_are_finer_than_words(name):
    """A value and the level of its code differ by less than a quarter of a word's last bit."""
    function = get_activation(name)
    ramp = exact_ramp(function, 5, input_range=(-4.0, 4.0), fraction_bits=11)
    x = np.linspace(-3.9, 3.9, 1001)
    error = np.abs(ramp.level[ramp.code(x)] - function.value(x))
    assert error.max() <= 2.0**-11 / 4


@pytest.mark.slow
def test_thresholds_are_exact_and_codes_those_of_the_charge(small, tmp_path):
    """Codes are counted here from the charges that waveforms show."""
    waves = (IDEAL, "trace.waveforms=true", "trace.sequences=[0]")
    run(load_config(small, waves), tmp_path / "t.h5")
    bank = build_chip(load_config(small, waves).config).banks[0]
    with h5py.File(tmp_path / "t.h5") as file:
        group = file["tiles/lstm"]
        phase = group["phase"][...]
        volts = group["v_mac"][...][phase == 4]
        undecided = group["undecided_columns"][...]
        code = file["outputs/lstm/code"][0]
    charge = np.rint((volts - bank.v_clp) / bank.scale.volts_per_quantum)
    x = charge / bank.scale.quanta_per_unit
    for column, ramp in enumerate(bank.arrays.readout.ramp_of_column[0]):
        theta = bank.ramps[ramp].theta
        low = np.searchsorted(theta, x[:, column] - 1e-5)
        high = np.searchsorted(theta, x[:, column] + 1e-5)
        assert ((low <= code[:, column]) & (code[:, column] <= high)).all()
    assert set(undecided[phase == 4]) == {16}
    assert not undecided[phase != 4].any()


def test_cycle_by_cycle_and_fused_conversions_agree(small, tmp_path):
    settings = [IDEAL, "trace.sequences=all"]
    fused = run(load_config(small, settings), tmp_path / "fused.h5")
    by_cycle = run(
        load_config(small, [*settings, "trace.waveforms=true"]), tmp_path / "by_cycle.h5"
    )
    assert (fused.energy == by_cycle.energy).all()
    one, other = outputs(tmp_path / "fused.h5"), outputs(tmp_path / "by_cycle.h5")
    assert all((one[name] == other[name]).all() for name in one)
    for name in ("undecided_columns", "latched_columns", "active_rows"):
        with h5py.File(tmp_path / "fused.h5") as a, h5py.File(tmp_path / "by_cycle.h5") as b:
            assert (a[f"tiles/lstm/{name}"][...] == b[f"tiles/lstm/{name}"][...]).all()


def test_it_takes_a_cycle_and_costs_nothing(small):
    """What is left is the same tile: drivers, array, integrators and their capacitors."""
    ideal, real = (
        build_chip(load_config(small, [f"adc.kind={kind}"]).config).banks[0]
        for kind in ("ideal", "nonlinear_ramp")
    )
    assert ideal.arrays.convert_cycles == 1
    assert ideal.arrays.cycles == real.arrays.cycles - 16 + 1
    assert (ideal.arrays.difference == real.arrays.difference).all()
    assert ideal.design.periphery.c_fb == pytest.approx(real.design.periphery.c_fb, rel=1e-12)
    converter = {"ramp_cells", "ramp_integrators", "comparators", "latches", "code_counter"}
    tiles = [bank.tiles[0] for bank in (ideal, real)]
    assert set(tiles[1].energy.components) - set(tiles[0].energy.components) == converter
    for component, area in tiles[0].inventory.area.items():
        if component != "feedback_capacitors":  # a ramp's own count there as well
            assert area == pytest.approx(tiles[1].inventory.area[component], rel=1e-12)
    assert not ideal.tiles[0].energy.per_activity[[Activity.UNDECIDED, Activity.LATCHED]].any()


def test_the_report_says_that_it_is_no_real_converter(small, tmp_path):
    run(load_config(small, [IDEAL]), tmp_path / "t.h5")
    assert "The converters are ideal: no quantisation" in text_of(tmp_path / "t.h5")
    assert read_summary(tmp_path / "t.h5").to_json()["ideal_converter"] is True
    run(load_config(small), tmp_path / "u.h5")
    assert "converters are ideal" not in text_of(tmp_path / "u.h5")
    assert "ideal_converter" not in read_summary(tmp_path / "u.h5").to_json()


def text_of(path):
    return as_text(run_report(read_summary(path)))


LAYERS = (
    "{kind: lstm, name: lstm, units: 6, projection: 3}",
    "{kind: linear, name: output, units: 5, input_range: [-0.4, 0.4], function: softsign}",
)


@pytest.mark.slow
def test_every_layer_has_it_and_none_has_memristors_of_a_ramp(tmp_path):
    settings = (IDEAL, "digital.cell_activation=ramp", "tile.rows=4", "tile.double_buffer=true")
    result = run(load_random(*settings, layers=LAYERS), tmp_path / "t.h5")
    assert not {"ramp_cells", "comparators", "converters"} & set(result.components)
    chip = build_chip(load_random(*settings, layers=LAYERS).config)
    assert {ramp.bits for bank in chip.banks for ramp in bank.ramps} == {16}


REFUSED = [
    (["adc.early_stop=true"], "early_stop is for ramps; an ideal converter"),
    (["adc.comparator.noise_sigma=1 mV"], r"adc\.comparator: an ideal converter .* leave it out"),
    (["adc.fixed_reference=200 mV"], r"adc\.fixed_reference: an ideal converter"),
    (["digital.fraction_bits=15"], "levels of an ideal converter.*lower digital.fraction_bits"),
    (["network.layers.1.input_range=[-99, 99]"], r"'output': .*narrow the range of 'identity'"),
    (["tile.rows=5", "tile.row_sum=digital"], r"tile\.row_sum: .*an ideal converter has to see"),
]


@pytest.mark.parametrize(("overrides", "message"), REFUSED)
def test_what_it_cannot_be_is_refused_with_its_key(small, overrides, message):
    with pytest.raises(ArchsimError, match=message):
        build_chip(load_config(small, [IDEAL, *overrides]).config)


def test_a_comparison_says_which_design_is_no_real_one(small, tmp_path):
    paths = [tmp_path / "real.h5", tmp_path / "ideal.h5"]
    run(load_config(small, ["name=real"]), paths[0])
    run(load_config(small, ["name=bound", IDEAL]), paths[1])
    text = as_text(comparison_report(archsim.compare(paths)))
    assert "The converters of bound are ideal: no quantisation" in text
    assert "The converters of real" not in text
