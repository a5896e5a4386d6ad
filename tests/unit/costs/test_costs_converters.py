"""Do a tile and its converters cost what can be worked out by hand?"""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from archsim.chip.converters.cost import ConverterDesign
from archsim.chip.converters.ramp.cost import RampDesign
from archsim.chip.converters.sar.cost import SarDesign
from archsim.chip.tile_cost import ColumnPeriphery, TileDesign, tile_energy, tile_inventory
from archsim.costs.accelergy import total_energy, write_tables
from archsim.costs.library import load_library
from archsim.costs.operation import ActionCounts
from archsim.errors import ConfigError
from archsim.vocabulary import N_ACTIVITY, Activity
from tests.runs import ROOT

LIBRARY = load_library(ROOT / "configs/components/cmos-16nm.yaml")
SAR = SarDesign(bits=5, cycles_per_conversion=6, columns_per_converter=4, component="isaac_sar_5b")
RAMP = RampDesign(
    bits=2,
    cell=np.array([[1e-6, 2e-6, 3e-6, 4e-6], [5e-6, 6e-6, 7e-6, 0.0]]),
    bias=np.array([1e-5, 2e-5]),
    memristors=11,
    c_fb=np.array([1e-12, 3e-12]),
    gated=True,
)
PERIPHERY = ColumnPeriphery(c_fb=5e-12, sample_and_holds=1, readout_cycles=2, converter=RAMP)
TILE = TileDesign(
    rows=7,
    columns=10,
    cells=140,
    input_bits=3,
    reset_cycles=2,
    v_read=0.2,
    period=1e-9,
    conductance_step=1e-8,
    periphery=PERIPHERY,
)
UNGATED = replace(RAMP, gated=False)
DESIGNS = {
    "ramp": TILE,
    "ungated": replace(TILE, periphery=replace(PERIPHERY, converter=UNGATED)),
    "sar": replace(TILE, periphery=replace(PERIPHERY, converter=SAR)),
    "no periphery": replace(TILE, periphery=None),
}
TOTAL = np.array([120, 4567, 34, 77, 30])
OPERATIONS = 3


def close(expected, rel=1e-12):
    """Compare by ratio alone: joules are far below the absolute tolerance of `pytest.approx`."""
    return pytest.approx(expected, rel=rel, abs=0)


def energy_of(design, library=LIBRARY):
    """Energy tables of a tile whose wires are those of the nominal library."""
    area = sum(tile_inventory(design, library.nominal).area.values())
    return tile_energy(design, library, area)


def total_of(design, library=LIBRARY):
    table = energy_of(design, library)
    return float(table.of_totals(TOTAL, np.full(table.fixed.shape[0], OPERATIONS)).sum())


def counts_of(design):
    table = energy_of(design)
    return table.counts(TOTAL, np.full(table.fixed.shape[0], OPERATIONS))


def by_component(design):
    table = energy_of(design)
    fixed = dict(zip(table.components, table.fixed.T, strict=True))
    return fixed, dict(zip(table.components, table.per_activity.T, strict=True))


# Any converter


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_length_is_reset_integrate_convert_readout(design):
    periphery = design.periphery
    cycles = 2 + 2**3 + (periphery.converter.cycles + 2 if periphery else 0)
    assert energy_of(design).fixed.shape[0] == cycles


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_no_energy_is_negative_and_everything_that_costs_has_a_place(design):
    table = energy_of(design)
    assert (table.fixed >= 0).all()
    assert (table.per_activity >= 0).all()
    assert table.per_activity.shape[0] == N_ACTIVITY
    assert set(table.components) - {"readout_wires"} <= set(tile_inventory(design, LIBRARY).area)


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_counts_times_costs_are_the_energy(design):
    counts = counts_of(design)
    found = total_energy(LIBRARY, counts.library, own=counts.own)
    assert found == close(total_of(design))


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_doubling_a_part_moves_the_total_by_its_share(design):
    before, counts = total_of(design), counts_of(design)
    for part, actions in counts.library.items():
        share = total_energy(LIBRARY, {part: actions})
        after = total_of(design, LIBRARY.with_factors({part: 2}))
        assert share > 0
        assert after - before == close(share, rel=1e-9)
        assert after == close(before + share)


def test_written_tables_add_up_to_the_energy(tmp_path):
    """ERT energy times count, over the files themselves, is the energy of all operations."""
    counts = sum((counts_of(design) for design in DESIGNS.values()), ActionCounts())
    paths = write_tables(tmp_path, LIBRARY, counts.library, own=counts.own, period=1e-9)
    ert, _, written = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths)
    picojoules = {
        (table["name"], action["name"]): action["energy"]
        for table in ert["ERT"]["tables"]
        for action in table["actions"]
    }
    total = sum(
        picojoules[f"chip.{local['name']}", each["name"]] * each["counts"]
        for local in written["action_counts"]["subtree"][0]["local"]
        for each in local["action_counts"]
    )
    expected = sum(total_of(design) for design in DESIGNS.values())
    assert total * 1e-12 == close(expected, rel=1e-9)


def test_physics_is_own_energy():
    assert counts_of(TILE).own == {
        "array": {"read": close(4567 * 0.04 * 1e-9 * 1e-8)},
        "row_drivers": {"edge": close(34 * 2 * 10 * LIBRARY.row_capacitance_per_cell() * 0.04)},
        "ramp_cells": {"read": close(3 * 0.04 * 1e-9 * (28e-6 + 30e-6))},
    }


# Without a periphery


def test_a_tile_without_a_foot_is_array_and_rows():
    names = {"array", "row_drivers", "pulse_width_modulators"}
    bare, whole = DESIGNS["no periphery"], TILE
    assert set(energy_of(bare).components) == names
    parts = tile_inventory(bare, LIBRARY)
    assert set(parts.area) == names
    assert (parts.register_words, parts.register_bits, parts.counter_bits) == (7, 7 * 4, 3)
    fixed, activity = by_component(bare)
    all_fixed, all_activity = by_component(whole)
    for name in names:
        assert (fixed[name] == all_fixed[name][:10]).all()
        assert (all_fixed[name][10:] == 0).all()
        assert (activity[name] == all_activity[name]).all()
        assert parts.area[name] == tile_inventory(whole, LIBRARY).area[name]


def test_rows_of_a_tile_by_hand():
    fixed, _ = by_component(DESIGNS["no periphery"])
    write = 7 * LIBRARY.energy("register", "write", 4)
    compare = 7 * LIBRARY.energy("digital_comparator", "compare", 3)
    count = LIBRARY.energy("counter", "count", 3)
    expected = [write, 0, *[compare + count] * 8]
    assert fixed["pulse_width_modulators"] == close(expected)


# The periphery


def test_two_sample_and_holds_double_area_and_leakage_not_energy():
    twice = replace(TILE, periphery=replace(PERIPHERY, sample_and_holds=2))
    one, two = tile_inventory(TILE, LIBRARY), tile_inventory(twice, LIBRARY)
    name = "sample_and_hold"
    assert two.area[name] == 2 * one.area[name] > 0
    assert two.leakage[name] == 2 * one.leakage[name] > 0
    assert (by_component(TILE)[0][name] == by_component(twice)[0][name]).all()
    sample = 10 * LIBRARY.energy("sample_and_hold", "sample")
    assert by_component(TILE)[0][name].tolist() == [0] * 9 + [sample] + [0] * 6


def test_readout_moves_every_bit_over_the_tiles_side():
    table = tile_energy(DESIGNS["sar"], LIBRARY, 4e-6)
    wires = table.fixed[:, table.components.index("readout_wires")]
    each = 10 * 5 * LIBRARY.energy("wire", "transition", 2) / 2
    assert wires[-2:] == close([each, each])
    assert (wires[:-2] == 0).all()


def test_feedback_capacitors_are_columns_and_ramps():
    ramp, sar = (tile_inventory(DESIGNS[name], LIBRARY) for name in ("ramp", "sar"))
    density = LIBRARY.capacitor_density()
    assert ramp.area["feedback_capacitors"] == close((50e-12 + 4e-12) / density)
    assert sar.area["feedback_capacitors"] == close(50e-12 / density)


# Ramp


def test_a_ramp_by_hand():
    fixed, activity = by_component(TILE)
    read, integrate = 0.04 * 1e-9, LIBRARY.energy("integrator", "integrate")
    cells = [30e-6, 6e-6, 8e-6, 10e-6, 4e-6]
    assert fixed["ramp_cells"][9:14] == close(read * np.array(cells))
    assert fixed["ramp_integrators"][9:14] == close([2 * integrate] * 5)
    assert fixed["code_counter"][10:14] == close([LIBRARY.energy("counter", "count", 2)] * 4)
    for name in ("ramp_cells", "ramp_integrators", "code_counter"):
        assert np.count_nonzero(fixed[name]) == (4 if name == "code_counter" else 5)
    decision = LIBRARY.energy("comparator", "compare")
    assert activity["comparators"][Activity.UNDECIDED] == decision
    assert fixed["comparators"].sum() == 0
    assert activity["latches"][Activity.LATCHED] == LIBRARY.energy("register", "write", 2)


def test_ungated_comparators_decide_in_every_ramp_cycle():
    fixed, activity = by_component(DESIGNS["ungated"])
    assert activity["comparators"].sum() == 0
    total = fixed["comparators"].sum()
    assert total == close(10 * 4 * LIBRARY.energy("comparator", "compare"))


# Successive approximation


@pytest.mark.parametrize(("columns", "sharing", "number"), [(10, 4, 3), (8, 4, 2), (10, 1, 10)])
def test_columns_share_converters(columns, sharing, number):
    sar = replace(SAR, columns_per_converter=sharing)
    design = replace(TILE, columns=columns, periphery=replace(PERIPHERY, converter=sar))
    parts = tile_inventory(design, LIBRARY)
    assert sar.converters(columns) == number
    assert sar.cycles == sharing * 6
    assert parts.area["converters"] == close(number * LIBRARY.area("isaac_sar_5b"))
    assert parts.area["latches"] == close(columns * LIBRARY.area("register", 5))
    assert (parts.register_words, parts.counter_bits) == (7 + columns, 3)
    assert parts.register_bits == 7 * 4 + columns * 5
    assert not {"comparators", "ramp_cells", "code_counter"} & set(parts.area)


def test_a_phase_of_successive_approximation_is_a_conversion_a_column():
    """Every column makes 5 comparisons and latches once: 10 conversions, 10 codes of 5 bits."""
    table = energy_of(DESIGNS["sar"])
    total = np.zeros(N_ACTIVITY, dtype=np.int64)
    total[Activity.UNDECIDED], total[Activity.LATCHED] = 10 * 5, 10
    none = np.zeros(table.fixed.shape[0], dtype=np.int64)
    spent = dict(zip(table.components, table.of_totals(total, none), strict=True))
    assert spent.pop("converters") == close(10 * LIBRARY.energy("isaac_sar_5b", "convert"))
    assert spent.pop("latches") == close(10 * LIBRARY.energy("register", "write", 5))
    assert set(spent.values()) == {0.0}
    assert table.fixed[10:-2].sum() == 0
    assert table.counts(total, none).library["isaac_sar_5b"]["convert"] == close(10)


@pytest.mark.parametrize(
    ("component", "sentence"),
    [("isaac_sar_55b", "no component 'isaac_sar_55b'"), ("adder", "no action 'convert'")],
)
def test_a_converter_that_the_library_lacks_is_refused(component, sentence):
    converter = replace(SAR, component=component)
    with pytest.raises(ConfigError, match=sentence):
        energy_of(replace(TILE, periphery=replace(PERIPHERY, converter=converter)))


def test_a_converter_is_an_interface():
    with pytest.raises(TypeError, match="abstract"):
        ConverterDesign()
