"""Do schedules equal closed formulas, and schedules that were worked out by hand?

Conversions take 1 + 8 + 8 + 1 = 18 cycles, an update of up to 32 units 4, a load 1 or 2.
"""

from __future__ import annotations

import math

import pytest

from archsim.chip.build import build_chip
from archsim.costs.library import load_library
from archsim.simulation.simulate import run
from tests.random_run import LSTM, OUTPUT, load_random

ONE = (LSTM,)
A, B = "{kind: lstm, name: a, units: 4}", "{kind: lstm, name: b, units: 4}"
LINEAR = "adc.kind=linear_ramp"
BUFFERS = "tile.double_buffer=true"
CONVERSION, UPDATE = 18, 4


def chip_of(*overrides, **keys):
    return build_chip(load_random("trace.level=off", *overrides, **keys).config)


def starts(chip, resource, *, stream=None):
    """Return the cycles in which a resource begins to work, in order."""
    return chip.schedule.start[chip.schedule.on(resource, stream)].tolist()


# ----------------------------------------------------------------------------------- one sequence


@pytest.mark.parametrize("timesteps", [1, 2, 7])
@pytest.mark.parametrize(
    ("overrides", "timestep"),
    [
        ((), CONVERSION + UPDATE),
        (("tile.columns=9",), CONVERSION + UPDATE),  # column cuts convert at the same time
        (("tile.rows=5",), CONVERSION + UPDATE),  # and so do tiles that share their integrators
        (("digital.lanes=4",), CONVERSION + 2 * 4),
        ((BUFFERS,), CONVERSION + UPDATE),  # one sequence: nothing to integrate meanwhile
        (("digital.cell_activation=ramp",), 2 * CONVERSION + 3),
        ((LINEAR,), CONVERSION + 2 + UPDATE),  # 24 activations on 32 processors
        ((LINEAR, "digital.processors={count: 5, cycles: 3}"), CONVERSION + 5 * 3 + UPDATE),
        # 24 columns, 8 a converter, 3 cycles each; 5 a converter, 7 cycles each.
        (("adc.kind=sar",), 1 + 8 + 8 * 3 + 1 + 2 + UPDATE),
        (("adc.kind=sar", "adc.sharing.columns=5", "adc.sharing.cycles=7"), 10 + 5 * 7 + 2 + 4),
        # Two row blocks of 6 rows: 24 sums on 32, 10 lanes.
        ((LINEAR, "tile.rows=6", "tile.row_sum=digital"), CONVERSION + 1 + 2 + UPDATE),
        ((LINEAR, "tile.rows=6", "tile.row_sum=digital", "digital.lanes=10"), 18 + 3 + 2 + 4),
        ((LINEAR, "tile.rows=4", "tile.row_sum=digital", "digital.lanes=10"), 18 + 6 + 2 + 4),
        # 6 h of 4 bits over 5 lines, 2 cycles late.
        (("digital.bus={width: 5, latency: 2}",), CONVERSION + UPDATE + 2 + 5),
        (("digital.bus={width: 24, latency: 0}",), CONVERSION + UPDATE + 1),
        # Three column blocks take turns at one row of converters.
        (("tile.columns=8", BUFFERS, "adc.banks_per_converter=3"), 1 + 8 + 3 * 9 + UPDATE),
        (("tile.columns=8", BUFFERS, "adc.banks_per_converter=2"), 1 + 8 + 2 * 9 + UPDATE),
    ],
    ids=str,
)
def test_cycles_of_one_layer(overrides, timestep, timesteps):
    chip = chip_of(*overrides, layers=ONE, timesteps=timesteps)
    # 5 inputs of 4 bits are one load, the largest of 6 h takes 5 comparisons.
    assert chip.schedule.cycles == 1 + timesteps * timestep + 5


@pytest.mark.parametrize("kind", ["nonlinear_ramp", "linear_ramp", "sar"])
def test_a_projection_is_one_more_conversion(kind):
    layers = ("{kind: lstm, name: lstm, units: 6, projection: 3}",)
    length = {"nonlinear_ramp": 18, "linear_ramp": 18, "sar": 1 + 8 + 8 * 3 + 1}[kind]
    activate = 0 if kind == "nonlinear_ramp" else 2
    chip = chip_of(f"adc.kind={kind}", layers=layers, timesteps=5)
    assert chip.schedule.cycles == 1 + 5 * (length + activate + UPDATE + length) + 2
    # The next conversion of the gates waits for the projected h.
    ends = chip.schedule.end[chip.schedule.on("lstm_projection")]
    assert starts(chip, "lstm") == [1, *ends[:-1].tolist()]


def test_with_a_bus_a_projection_is_moved_to_and_fro():
    layers = ("{kind: lstm, name: lstm, units: 6, projection: 3}",)
    chip = chip_of("digital.bus={width: 8, latency: 1}", layers=layers, timesteps=5)
    there, back = 1 + 6 * 4 // 8, 1 + math.ceil(3 * 4 / 8)
    assert chip.schedule.cycles == 1 + 5 * (18 + UPDATE + there + 18 + back) + 2


@pytest.mark.parametrize("units", [6, 33])
@pytest.mark.parametrize("n_cyc", [1, 4])
def test_one_processor_instead_of_32_stretches_every_timestep(units, n_cyc):
    def cycles(count):
        return chip_of(
            *("tile.columns=256", LINEAR),
            f"digital.processors={{count: {count}, cycles: {n_cyc}}}",
            layers=(f"{{kind: lstm, name: lstm, units: {units}}}", OUTPUT),
            timesteps=3,
        ).schedule.cycles

    stretch = 3 * (math.ceil(4 * units / 1) - math.ceil(4 * units / 32)) * n_cyc
    assert cycles(1) - cycles(32) == stretch


@pytest.mark.parametrize("timesteps", [1, 2, 6])
@pytest.mark.parametrize(("first", "second"), [(4, 4), (4, 60), (60, 4)])
def test_a_second_layer_works_a_timestep_behind_the_first(first, second, timesteps):
    layers = tuple(
        f"{{kind: lstm, name: {name}, units: {units}}}"
        for name, units in (("a", first), ("b", second))
    )
    sizes = ("tile.rows=128", "tile.columns=256")
    chip = chip_of(*sizes, layers=layers, timesteps=timesteps)
    a, b = (CONVERSION + 4 * math.ceil(units / 32) for units in (first, second))
    begins = [1 + a + timestep * max(a, b) for timestep in range(timesteps)]
    assert starts(chip, "a") == [1 + timestep * a for timestep in range(timesteps)]
    assert starts(chip, "b") == begins
    assert chip.schedule.cycles == begins[-1] + b + second - 1


def test_layers_that_share_processors_wait_for_each_other():
    """16 activations on 4 processors, 5 cycles each, are 20 cycles; lower timesteps go first."""
    settings = (LINEAR, "digital.processors={count: 4, cycles: 5, shared: true}")
    chip = chip_of(*settings, layers=(A, B), timesteps=2)
    assert starts(chip, "a") == [1, 43]
    assert starts(chip, "b") == [43, 105]
    # a0; then both are ready in cycle 61, where b0 goes first; a1 waits until 81; b1 for both.
    kinds = [chip.schedule.operations[n].kind for n in chip.schedule.on("processors")]
    assert kinds == ["activate_a", "activate_b", "activate_a", "activate_b"]
    assert starts(chip, "processors") == [19, 61, 81, 123]
    assert starts(chip, "a_update") == [39, 101]
    assert starts(chip, "b_update") == [81, 143]
    assert chip.schedule.cycles == 147 + 3
    # What a1's activation waited for is b0's, and not its own conversion.
    index = chip.schedule.on("processors")
    assert chip.schedule.cause[index[2]] == index[1]
    assert chip.schedule.cause[index[1]] == chip.schedule.on("b")[0]
    own = chip_of(LINEAR, "digital.processors={count: 4, cycles: 5}", layers=(A, B), timesteps=2)
    assert starts(own, "a_activation") == [19, 61]
    assert starts(own, "b_activation") == [61, 103]
    assert own.schedule.cycles == 127 + 3


def test_layers_that_share_a_bus_wait_for_each_other():
    """4 h of 4 bits over 2 lines, 12 cycles late, are 20 cycles; lower timesteps go first."""
    chip = chip_of("digital.bus={width: 2, latency: 12}", layers=(A, B), timesteps=2)
    # a0 converts 1 to 19, updates to 23, moves to 43; a1 and b0 are ready to move in cycle 65.
    assert starts(chip, "bus") == [23, 65, 85, 127]
    kinds = [chip.schedule.operations[n].kind for n in chip.schedule.on("bus")]
    assert kinds == ["a_h", "b_h", "a_h", "b_h"]
    assert starts(chip, "b") == [43, 105]
    assert chip.schedule.cycles == 147 + 3


# --------------------------------------------------------------------------------------- streams


@pytest.mark.parametrize("timesteps", [1, 2, 5])
def test_two_streams_keep_the_tile_busy(timesteps):
    """While one stream updates, the other converts: the tile never waits."""
    chip = chip_of("streams=2", layers=ONE, timesteps=timesteps)
    assert starts(chip, "lstm") == [1 + n * CONVERSION for n in range(2 * timesteps)]
    assert starts(chip, "lstm", stream=1) == [
        1 + n * CONVERSION for n in range(1, 2 * timesteps, 2)
    ]
    assert chip.schedule.cycles == 1 + 2 * timesteps * CONVERSION + UPDATE + 5


def test_two_streams_with_buffers_worked_out_by_hand():
    """The array integrates one stream (9 cycles) while the other is converted (9 cycles)."""
    chip = chip_of("streams=2", BUFFERS, layers=ONE, timesteps=3)
    # Stream 0 goes through 9 + 9 + 4 = 22 cycles a timestep, stream 1 nine cycles behind it.
    assert starts(chip, "lstm", stream=0) == [1, 23, 45]
    assert starts(chip, "lstm_adc", stream=0) == [10, 32, 54]
    assert starts(chip, "lstm_update", stream=0) == [19, 41, 63]
    assert starts(chip, "lstm", stream=1) == [10, 32, 54]
    assert starts(chip, "lstm_adc", stream=1) == [19, 41, 63]
    assert starts(chip, "lstm_update", stream=1) == [28, 50, 72]
    assert chip.schedule.cycles == 76 + 5


def test_a_slow_converter_holds_the_array_up_worked_out_by_hand():
    """5 bits: 33 cycles to convert, 9 to integrate; the array holds its charge meanwhile."""
    chip = chip_of("streams=2", BUFFERS, "adc.bits=5", layers=ONE, timesteps=2)
    assert starts(chip, "lstm_adc") == [10, 43, 76, 109]
    # Stream 1 integrates 10 to 19 and waits until 43; stream 0 is ready again at 47.
    assert starts(chip, "lstm") == [1, 10, 47, 80]
    assert starts(chip, "lstm_update") == [43, 76, 109, 142]
    assert chip.schedule.cycles == 146 + 5
    index = chip.schedule.on("lstm_adc")
    assert chip.schedule.cause[index].tolist() == [chip.schedule.on("lstm")[0], *index[:-1]]


@pytest.mark.parametrize("overrides", [(), (BUFFERS,), ("tile.columns=9",), (LINEAR,)], ids=str)
def test_more_streams_raise_the_utilisation_of_the_tile(overrides, tmp_path):
    shares, cycles = [], []
    for streams in (1, 2, 3):
        loaded = load_random(*overrides, f"streams={streams}", timesteps=6, sequences=6)
        summary = run(loaded, tmp_path / f"{streams}.h5").summary
        name = "lstm_c0" if "tile.columns=9" in overrides else "lstm"
        shares.append(summary.utilisation[name])
        cycles.append(summary.total_cycles)
        assert summary.streams == streams
        assert summary.groups == 6 // streams
        assert summary.total_cycles == summary.groups * summary.cycles
    assert shares[0] < shares[1] <= shares[2] <= 1
    assert cycles[0] > cycles[1] >= cycles[2]


def test_the_utilisation_of_two_streams_by_formula(tmp_path):
    result = run(load_random("streams=2", layers=ONE, timesteps=5, sequences=4), tmp_path / "t.h5")
    length = 1 + 10 * CONVERSION + UPDATE + 5
    share = result.summary.utilisation["lstm"]
    assert share == pytest.approx(10 * CONVERSION / length, rel=1e-12, abs=0)
    assert result.summary.total_cycles == 2 * length


# ---------------------------------------------------------------------------------- what-if costs


DESIGNS = {
    "nonlinear": ("digital.cell_activation=ramp",),
    "conventional": (LINEAR, "tile.rows=8", "tile.row_sum=digital"),
    "sar": ("adc.kind=sar", "digital.bus={width: 5, latency: 2}"),
}


@pytest.mark.parametrize("design", DESIGNS)
def test_doubling_a_cost_moves_the_total_by_its_share(design):
    """Its share: its actions times their energies, and its leakage in every cycle."""
    loaded = load_random(*DESIGNS[design], "trace.level=off", sequences=2)
    result, library = run(loaded), load_library(loaded.config.technology.components)
    before, period = result.energy.sum(), 1 / loaded.config.technology.clock
    leakage = sum(result.summary.leakage_by_component.values())
    parts = {name for name in library.components if name in result.actions.library}
    moved = 0.0
    for part in library.components:
        factors = f"technology.cost_factors={{{part}: 2}}"
        other = run(load_random(*DESIGNS[design], "trace.level=off", factors, sequences=2))
        more = sum(other.summary.leakage_by_component.values()) - leakage
        share = more * period * result.summary.total_cycles
        for action, count in result.actions.library.get(part, {}).items():
            share += count * library.energy(part, action)
        assert share > 0 or part not in parts
        after = other.energy.sum()
        # Both totals are rounded, so what they differ by is as good as the total.
        assert after - before == pytest.approx(share, rel=1e-9, abs=1e-12 * before), part
        assert after == pytest.approx(before + share, rel=1e-9, abs=0), part
        assert (other.answer == result.answer).all()
        moved += share
    # The rest is physics, which no part has: reads of cells and edges of rows.
    own = result.actions.own
    physics = sum(joules for name in own.keys() - {"leakage"} for joules in own[name].values())
    assert before == pytest.approx(moved + physics, rel=1e-9, abs=0)
    assert len(parts) >= 10


@pytest.mark.parametrize(("sequences", "groups"), [(1, 1), (3, 2)])
def test_throughput_counts_the_sequences_that_there_are(tmp_path, sequences, groups):
    """Where the last of two streams' groups is not full, and where not even the first is."""
    config = load_random("streams=2", sequences=sequences)
    summary = run(config, tmp_path / "t.h5").summary
    seconds = summary.total_cycles / summary.clock_hz
    assert summary.groups == groups
    assert summary.tops == pytest.approx(sequences * summary.operations / seconds / 1e12, rel=1e-12)
    power = sequences * summary.energy_j / seconds
    assert summary.power_w == pytest.approx(power, rel=1e-12)
