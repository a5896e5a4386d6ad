"""Do cycle counts, energies and areas equal what can be worked out by hand?"""

import math

import numpy as np
import pytest

from archsim.chip.build import build_chip
from archsim.vocabulary import Activity
from tests.runs import load, run_to

COUNTS = [
    {},
    {"adc.bits": 3},
    {"adc.bits": 8},
    {"tile.input_bits": 3},
    {"tile.reset_cycles": 4, "tile.readout_cycles": 3},
    {"digital.lanes": 8},
    {"digital.lanes": 5},
    {"digital.cell_activation": "ramp"},
    {"digital.cell_activation": "ramp", "adc.bits": 4, "digital.lanes": 16},
    {"network.layers.1.placement": "digital"},
    {"network.layers.1.bits": 4},
    {"digital.buffer_word_bits": 16},
    {"digital.buffer_latency": 3},
    {"adc.kind": "linear_ramp"},
    {"adc.kind": "linear_ramp", "digital.processors.count": 10, "digital.processors.cycles": 5},
]


def chip_of(settings):
    return build_chip(load(*(f"{key}={value}" for key, value in settings.items())).config)


def expected_cycles(chip):
    """The closed form: one load, then every timestep in turn, then the output layer and argmax."""
    config = chip.config
    tile, adc, digital = config.tile, config.adc, config.digital
    lstm, output = config.network.layers
    passes = math.ceil(lstm.units / digital.lanes)
    conversion = tile.reset_cycles + 2**tile.input_bits + 2**adc.bits + tile.readout_cycles
    by_ramp = digital.cell_activation == "ramp"
    timestep = conversion + (3 * passes + conversion if by_ramp else 4 * passes)
    if adc.kind == "linear_ramp":
        processors = digital.processors
        timestep += math.ceil(4 * lstm.units / processors.count) * processors.cycles
    load_cycles = digital.buffer_latency + math.ceil(
        config.network.inputs * (tile.input_bits + 1) / digital.buffer_word_bits
    )
    if output.placement == "digital":
        last = math.ceil((lstm.units + 1) * output.units / digital.lanes)
    else:
        bits = output.bits or adc.bits
        last = tile.reset_cycles + 2**tile.input_bits + 2**bits + tile.readout_cycles
    assert load_cycles <= timestep, "the closed form holds where loads hide behind timesteps"
    return load_cycles + config.network.timesteps * timestep + last + (output.units - 1)


@pytest.mark.parametrize("settings", COUNTS, ids=str)
def test_cycles_of_an_inference(settings):
    chip = chip_of(settings)
    assert chip.schedule.cycles == expected_cycles(chip)


def test_the_articles_64_cycles_are_there():
    """5-bit inputs and outputs: 32 cycles to integrate and 32 to ramp (Fig. 1c)."""
    tile = chip_of({}).banks[0].arrays
    assert tile.integrate_cycles + tile.convert_cycles == 64


def test_loads_wait_for_their_registers():
    """A slow buffer holds the tile up; it never runs more than two vectors ahead."""
    chip = chip_of({"digital.buffer_word_bits": 2})
    schedule = chip.schedule
    loads, conversions = schedule.on("input_buffer"), schedule.on("lstm")
    assert chip.units[0].duration("load") == 120
    for t in range(2, len(loads)):
        assert schedule.start[loads[t]] >= schedule.end[conversions[t - 2]]
    assert schedule.cycles == 49 * 120 + 66 + 4 + 290 + 11


def test_operations_count_multiply_accumulates_of_weights():
    assert chip_of({}).operations == 2 * (49 * 128 * (40 + 32) + 12 * 32)


def test_energy_of_the_array_is_v_squared_t_g(tmp_path):
    """Array energy from the recorded inputs and conductances, by the formula of the model."""
    loaded = load(sequences=1)
    chip = build_chip(loaded.config)
    result = run_to(tmp_path / "t.h5", sequences=1)
    import h5py

    from archsim.workloads.base import load_workload

    with h5py.File(tmp_path / "t.h5") as file:
        h = file["outputs/lstm/h"][0].astype(np.float64)
    x = chip.encode(load_workload(loaded.config).inputs).drive[0].astype(np.int64)
    m_h = np.floor(np.abs(h) * 31 + 0.5).astype(np.int64)
    m_h = np.concatenate([np.zeros((1, 32), dtype=np.int64), m_h[:-1]])
    steps = []
    for tile, m in (
        (chip.banks[0], np.concatenate([np.abs(x), m_h, np.full((49, 1), 31)], axis=1)),
        (chip.banks[1], np.concatenate([np.floor(np.abs(h[-1:]) * 31 + 0.5), [[31]]], axis=1)),
    ):
        g = np.abs(tile.arrays.difference).sum(axis=1) * (150e-6 / 4095)
        steps.append(0.2**2 * 1e-9 * float((m @ g).sum()))
    got = result.energy[0, result.components.index("array")]
    assert got == pytest.approx(sum(steps), rel=1e-12, abs=0)


def test_energy_of_units_follows_from_the_library():
    loaded = load()
    chip = build_chip(loaded.config)
    from archsim.costs.library import load_library

    library = load_library(loaded.config.technology.components)
    unit = next(unit for unit in chip.units if unit.name == "lstm_update")
    table = unit.cost.energy["update"]
    total = dict(zip(table.components, table.fixed.sum(axis=0), strict=True))
    assert total["multipliers"] == pytest.approx(
        32 * 3 * library.energy("multiplier", "multiply", 256), rel=1e-9, abs=0
    )
    assert total["adders"] == pytest.approx(
        32 * library.energy("adder", "add", 16), rel=1e-9, abs=0
    )
    assert total["lookup_table"] == pytest.approx(
        32 * library.energy("lookup_table", "read"), rel=1e-9, abs=0
    )
    assert chip.area_by_component()["multipliers"] == pytest.approx(
        64 * library.area("multiplier", 256), rel=1e-9, abs=0
    )


def test_comparators_decide_until_they_latch():
    """A column that latches in ramp cycle q has decided q + 1 times; ungated, 2**n_out times."""
    gated = chip_of({}).tiles[0].energy
    ungated = chip_of({"adc.gated_comparators": "false"}).tiles[0].energy
    column = gated.components.index("comparators")
    assert gated.fixed[:, column].sum() == 0
    each = gated.per_activity[Activity.UNDECIDED, column]
    other = ungated.components.index("comparators")
    assert ungated.fixed[:, other].sum() == pytest.approx(128 * 32 * each, rel=1e-9, abs=0)
    assert ungated.per_activity[:, other].sum() == 0


def test_feedback_capacitors_follow_from_the_swing():
    """The longest ramp moves an integrator by tile.full_scale, by C = Q / V."""
    chip = chip_of({})
    bank, tile = chip.banks[0], chip.tiles[0]
    span = max(ramp.span for ramp in bank.ramps)
    quanta = span * bank.scale.quanta_per_unit
    charge = quanta * (150e-6 / 4095) * 0.2 * 1e-9
    c_fb = charge / 0.3
    area = tile.inventory.area["feedback_capacitors"]
    smaller = chip_of({"tile.full_scale": "150 mV"}).tiles[0].inventory.area["feedback_capacitors"]
    assert smaller == pytest.approx(2 * area, rel=1e-9, abs=0)
    assert area == pytest.approx(
        128 * c_fb / 2e-3, rel=0.01, abs=0
    )  # and the ramps' small capacitors


def test_halving_the_clock_doubles_array_energy_and_latency(tmp_path):
    fast = run_to(tmp_path / "a.h5", sequences=1).summary
    slow = run_to(tmp_path / "b.h5", "technology.clock=500 MHz", sequences=1).summary
    assert slow.latency_s == pytest.approx(2 * fast.latency_s, rel=1e-9, abs=0)
    for name in ("array", "leakage", "ramp_cells"):
        assert slow.energy_by_component[name] == pytest.approx(
            2 * fast.energy_by_component[name], rel=1e-9, abs=0
        )
    assert slow.energy_by_component["comparators"] == fast.energy_by_component["comparators"]
    assert slow.accuracy == fast.accuracy
