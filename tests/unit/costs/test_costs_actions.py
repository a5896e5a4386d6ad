"""Do tables of actions, the library's factors and the digital units add up to the same joules?"""

import math

import numpy as np
import pytest

from archsim.config.hardware import Processors
from archsim.costs.accelergy import total_energy
from archsim.costs.digital import (
    argmax_unit,
    buffer_unit,
    bus_unit,
    chip_overhead,
    multiply_accumulate_unit,
    processor_unit,
    sum_unit,
)
from archsim.costs.elementwise import ADD, LOOK_UP, MULTIPLY, OUTPUT, elementwise_unit
from archsim.costs.library import SourceKind, load_library
from archsim.costs.operation import ActionCounts, EnergyTable, Inventory
from archsim.costs.parts import DigitalDesign
from archsim.costs.scaling import scale_library
from archsim.errors import ConfigError
from tests.runs import ROOT

LIBRARY = load_library(ROOT / "configs/components/cmos-16nm.yaml")
DESIGN = DigitalDesign(word_bits=16, lanes=4, buffer_word_bits=24)
UNITS = {
    "elementwise": lambda library: elementwise_unit(
        {"update": (MULTIPLY, ADD, LOOK_UP, OUTPUT), "accumulate": (MULTIPLY, ADD)},
        units=10,
        drive_bits=6,
        design=DESIGN,
        library=library,
    ),
    **{
        method: lambda library, method=method: processor_unit(
            11,
            processors=Processors(method=method, count=4, cycles=3),
            design=DESIGN,
            library=library,
        )
        for method in ("table", "piecewise_linear", "cordic")
    },
    "buffer": lambda library: buffer_unit(100, design=DESIGN, library=library),
    "argmax": lambda library: argmax_unit(7, 5, library=library),
    "multiply_accumulate": lambda library: multiply_accumulate_unit(
        30, design=DESIGN, library=library
    ),
    "sum": lambda library: sum_unit(10, 3, bits=5, design=DESIGN, library=library),
    "bus": lambda library: bus_unit(
        {"h": 33, "x": 7}, width=8, latency=2, length=3e-3, library=library
    ),
}


def close(expected, rel=1e-12):
    """Compare by ratio alone: joules are far below the absolute tolerance of `pytest.approx`."""
    return pytest.approx(expected, rel=rel, abs=0)


def total_of(library, unit, times=3):
    """Energy and counts of every kind of operation, each of them `times` times."""
    energy, counts = 0.0, ActionCounts()
    for table in unit.energy.values():
        took_place = np.full(table.fixed.shape[0], times)
        energy += times * table.fixed.sum()
        counts += table.counts(None, took_place)
    return energy, counts


def table_of(library=LIBRARY):
    table = EnergyTable(library, 4, 2)
    table.add("a", slice(1, 3), part="register", action="write", count=2, width=5)
    table.add("a", [0, 3], part="adder", action="add", count=np.array([1.0, 4.0]), width=8)
    table.add_per_activity("b", 1, part="comparator", action="compare", count=0.5)
    table.add_joules("c", [2, 2], 1e-15)
    table.add_joules_per_activity("c", 0, 2e-15, action="edge")
    return table.build()


# Tables


def test_an_energy_is_count_times_energy_times_width_in_its_cycles():
    table = table_of()
    write, add = LIBRARY.energy("register", "write", 5), LIBRARY.energy("adder", "add", 8)
    assert table.components == ("a", "b", "c")
    assert table.fixed[:, 0] == close([add, 2 * write, 2 * write, 4 * add])
    assert table.fixed[:, 2].tolist() == [0, 0, 2e-15, 0]
    assert table.per_activity[:, 1].tolist() == [0, LIBRARY.energy("comparator", "compare") / 2]
    assert table.per_activity[:, 2].tolist() == [2e-15, 0]


def test_counts_are_in_bits_and_of_cycles_that_happened():
    counts = table_of().counts(np.array([10, 6]), np.array([1, 1, 2, 0]))
    assert counts.library == {
        "register": {"write": 2 * 5 * 3},
        "adder": {"add": 8},
        "comparator": {"compare": 3},
    }
    assert counts.own["c"] == close({"read": 2 * 2e-15, "edge": 10 * 2e-15})


def test_counts_without_activity_are_those_of_none():
    table, took_place = table_of(), np.ones(4, dtype=np.int64)
    assert table.counts(None, took_place) == table.counts(np.zeros(2, dtype=np.int64), took_place)


def test_counts_times_costs_are_the_energy():
    table, took_place, total = table_of(), np.array([3, 3, 2, 1]), np.array([17, 23])
    counts = table.counts(total, took_place)
    energy = table.of_totals(total, took_place).sum()
    assert total_energy(LIBRARY, counts.library, own=counts.own) == close(energy)


def test_totals_are_the_sum_of_cycles():
    rng = np.random.default_rng(0)
    activity = rng.integers(0, 9, size=(5, 4, 2))
    table = table_of()
    cycles = table.fixed + activity @ table.per_activity
    totals = table.of_totals(activity.sum(axis=(0, 1)), np.full(4, 5))
    assert cycles.shape == (5, 4, 3)
    assert totals == close(cycles.sum(axis=(0, 1)))


def test_cycles_that_did_not_happen_cost_nothing():
    table = table_of()
    none = np.zeros(2, dtype=np.int64)
    assert (table.of_totals(none, np.array([0, 1, 1, 0])) == table.fixed[1:3].sum(axis=0)).all()


def test_bits_do_not_depend_on_the_batch():
    rng = np.random.default_rng(1)
    total = rng.integers(0, 10**9, size=(64, 2))
    took_place = rng.integers(0, 10**6, size=(64, 4))
    table = table_of()
    batch = table.of_totals(total, took_place)
    alone = np.stack([table.of_totals(*each) for each in zip(total, took_place, strict=True)])
    assert (batch == alone).all()


def test_counts_add_up_by_part_and_action():
    one = ActionCounts({"adder": {"add": 1.0}}, {"array": {"read": 1.0}})
    other = ActionCounts({"adder": {"add": 2.0}, "wire": {"transition": 3.0}}, {})
    both = one + other
    assert both.library == {"adder": {"add": 3.0}, "wire": {"transition": 3.0}}
    assert both.own == {"array": {"read": 1.0}}
    assert one.library == {"adder": {"add": 1.0}}
    assert sum([one, other], ActionCounts()) == both


@pytest.mark.parametrize("count", [-1.0, math.nan, math.inf, np.array([1.0, -1.0])], ids=str)
def test_negative_amounts_are_refused(count):
    table = EnergyTable(LIBRARY, 2)
    with pytest.raises(ValueError, match="not below 0"):
        table.add("a", slice(None), part="adder", action="add", count=count)
    with pytest.raises(ValueError, match="not below 0"):
        table.add_joules("a", slice(None), count)


@pytest.mark.parametrize(
    ("part", "action", "sentence"),
    [("abacus", "add", "no component 'abacus'"), ("adder", "forget", "has no action 'forget'")],
)
def test_unknown_parts_and_actions_are_refused(part, action, sentence):
    with pytest.raises(ConfigError, match=sentence):
        EnergyTable(LIBRARY, 1).add("a", [0], part=part, action=action, count=1)
    with pytest.raises(ConfigError, match=sentence):
        EnergyTable(LIBRARY, 1, 1).add_per_activity("a", 0, part=part, action=action)


# Digital units


@pytest.mark.parametrize("make", UNITS.values(), ids=UNITS)
def test_counts_of_a_unit_times_costs_are_its_energy(make):
    unit = make(LIBRARY)
    energy, counts = total_of(LIBRARY, unit)
    assert energy > 0
    assert not counts.own
    assert all((table.fixed >= 0).all() for table in unit.energy.values())
    assert total_energy(LIBRARY, counts.library) == close(energy)


@pytest.mark.parametrize("make", UNITS.values(), ids=UNITS)
def test_doubling_a_part_moves_a_units_total_by_its_share(make):
    energy, counts = total_of(LIBRARY, make(LIBRARY))
    for part, actions in counts.library.items():
        share = total_energy(LIBRARY, {part: actions})
        doubled, _ = total_of(LIBRARY, make(LIBRARY.with_factors({part: 2})))
        assert share > 0
        assert doubled == close(energy + share)


def test_a_cordic_processor_is_three_adders_a_multiplier_and_two_registers():
    parts = UNITS["cordic"](LIBRARY).inventory
    each = (
        LIBRARY.area("multiplier", 16**2)
        + 3 * LIBRARY.area("adder", 16)
        + 2 * LIBRARY.area("register", 16)
    )
    assert parts.area == {"nonlinear_processors": close(4 * each)}
    assert (parts.register_words, parts.register_bits) == (8, 128)


@pytest.mark.parametrize(
    ("columns", "blocks", "cycles"), [(10, 2, 3), (10, 3, 6), (4, 5, 4), (3, 2, 1)]
)
def test_a_sum_takes_a_cycle_an_addition(columns, blocks, cycles):
    unit = sum_unit(columns, blocks, bits=5, design=DESIGN, library=LIBRARY)
    table = unit.energy["sum"]
    width = 5 + math.ceil(math.log2(blocks))
    total = dict(zip(table.components, table.fixed.sum(axis=0), strict=True))
    additions = columns * (blocks - 1)
    assert table.fixed.shape[0] == cycles
    assert total == close(
        {
            "sum_adders": additions * LIBRARY.energy("adder", "add", width),
            "sum_registers": additions * LIBRARY.energy("register", "write", width),
        },
    )
    adders = min(4, columns) * LIBRARY.area("adder", width)
    assert unit.inventory.area["sum_adders"] == close(adders)
    assert unit.inventory.register_bits == columns * width


def test_a_sum_of_one_block_is_refused():
    with pytest.raises(ValueError, match="1 row blocks"):
        sum_unit(4, 1, bits=5, design=DESIGN, library=LIBRARY)


@pytest.mark.parametrize(
    ("bits", "latency", "moved"), [(33, 2, [0, 0, 8, 8, 8, 8, 1]), (8, 0, [8]), (3, 1, [0, 3])]
)
def test_a_bus_moves_bits_in_the_cycles_in_which_they_move(bits, latency, moved):
    unit = bus_unit({"h": bits}, width=8, latency=latency, length=3e-3, library=LIBRARY)
    table = unit.energy["h"]
    each = LIBRARY.energy("wire", "transition", 3) + LIBRARY.energy("register", "write")
    assert table.components == ("bus",)
    assert table.fixed.shape[0] == latency + math.ceil(bits / 8)
    assert table.fixed[:, 0] == close(np.array(moved) * each)
    assert unit.inventory.area["bus"] == close(LIBRARY.area("register", 8))
    assert (unit.inventory.register_words, unit.inventory.register_bits) == (1, 8)


def test_overhead_is_leakage_of_everything_and_the_clock():
    parts = Inventory(leakage={"a": 1e-6, "b": 2e-6}, register_words=3, register_bits=48)
    gated, free = (
        chip_overhead([parts, parts], period=1e-9, gated=gated, library=LIBRARY)
        for gated in (True, False)
    )
    pin = LIBRARY.energy("clock_tree", "cycle_per_bit")
    assert gated.components == ("leakage", "clock_tree")
    assert gated.fixed[0] == close([6e-15, 6 * pin])
    assert free.fixed[0] == close([6e-15, 96 * pin])
    counts = gated.counts(None, np.array([10]))
    assert counts.own == {"leakage": {"leak": close(6e-14)}}
    assert counts.library == {"clock_tree": {"cycle_per_bit": 60}}


# Factors


def test_factors_multiply_energies_area_and_leakage_of_what_they_name():
    library = LIBRARY.with_factors({"sram_2kib": 3, "adder": 0.5})
    for figure, old in zip(library.figures(), LIBRARY.figures(), strict=True):
        factor = {"sram_2kib": 3, "adder": 0.5}.get(figure.component, 1)
        moves = figure.what in ("energy", "area", "leakage")
        assert figure.value == close(old.value * (factor if moves else 1))
        assert figure.kind is old.kind
        if factor == 1 or not moves:
            assert figure.source == old.source


@pytest.mark.parametrize(
    ("name", "kind", "beginning"),
    [
        ("adder", SourceKind.MODEL, "model: x 2 by technology.cost_factors; Shao et al."),
        ("lookup_table", SourceKind.ASSUMED, "assumed: x 2 by technology.cost_factors; a quarter"),
        ("comparator", SourceKind.READ, "x 2 by technology.cost_factors; Satapathy and Kaur"),
    ],
)
def test_sources_say_the_factor_and_keep_their_kind(name, kind, beginning):
    library = LIBRARY.with_factors({name: 2})
    energy = next(each for each in library.figures() if each.component == name)
    assert energy.kind is kind
    assert energy.source.startswith(beginning)


def test_feedback_capacitors_grow_by_their_density():
    library = LIBRARY.with_factors({"feedback_capacitor": 2})
    assert library.capacitor_density() == close(LIBRARY.capacitor_density() / 2)


def test_factors_leave_the_library_as_it_was_and_know_it():
    scaled = scale_library(LIBRARY, 28e-9)
    twice = scaled.with_factors({"adder": 2})
    again = twice.with_factors({"adder": 2})
    assert twice.nominal is scaled
    assert again.nominal is scaled
    assert scaled.nominal is scaled
    assert again.energy("adder", "add") == 4 * scaled.energy("adder", "add")


@pytest.mark.parametrize(
    ("factors", "sentence"),
    [
        ({"integrater": 2}, r"no component 'integrater' \(did you mean 'integrator'\?\)"),
        ({"zzz": 2}, r"no component 'zzz' \(known are integrator, "),
        ({"adder": 0}, "adder: 0 is not a factor"),
        ({"adder": -1}, "adder: -1 is not a factor"),
        ({"adder": math.nan}, "adder: nan is not a factor"),
    ],
)
def test_wrong_factors_are_refused(factors, sentence):
    with pytest.raises(ConfigError, match=rf"technology\.cost_factors.*{sentence}"):
        LIBRARY.with_factors(factors)
