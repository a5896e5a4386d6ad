"""Is what layers without weights, and cells, cost the sum of what they do to each element?"""

from __future__ import annotations

import numpy as np
import pytest

from archsim.costs.accelergy import total_energy
from archsim.costs.elementwise import (
    ADD,
    DIFFERENCE,
    LOOK_UP,
    MIX,
    OUTPUT,
    PRODUCT,
    WRITE,
    add_unit,
    elementwise_unit,
    embedding_unit,
    relu_unit,
    softmax_unit,
    table_unit,
)
from archsim.costs.library import load_library
from archsim.costs.operation import ActionCounts
from archsim.costs.parts import DigitalDesign
from tests.runs import ROOT

LIBRARY = load_library(ROOT / "configs/components/cmos-16nm.yaml")
DESIGN = DigitalDesign(word_bits=16, lanes=4, buffer_word_bits=24, buffer_latency=2)
ON = {"design": DESIGN, "library": LIBRARY}
GRU = {"update": (PRODUCT, ADD, LOOK_UP, DIFFERENCE, PRODUCT, MIX)}
MULTIPLY, ADDING, READ, WRITING, COMPARE = (
    LIBRARY.energy(part, action, width)
    for part, action, width in (
        ("multiplier", "multiply", 256),
        ("adder", "add", 16),
        ("lookup_table", "read", 1),
        ("register", "write", 16),
        ("digital_comparator", "compare", 16),
    )
)


def cell(operations, **keys):
    return elementwise_unit(operations, units=10, drive_bits=0, **ON, **keys)


UNITS = {
    "gru": (cell(GRU), 10 * (2 * MULTIPLY + 3 * ADDING + READ + 2 * WRITING), 3 * 6),
    "reset": (cell({"accumulate": (OUTPUT,)}), 10 * (MULTIPLY + WRITING), 3),
    "rnn": (cell({"update": (WRITE,)}, states=1), 10 * WRITING, 3),
    "relu": (relu_unit(10, **ON), 10 * WRITING, 3),
    "table": (table_unit(10, **ON), 10 * (READ + WRITING), 3),
    "add": (
        add_unit(10, 3, **ON),
        20 * 18 / 16 * (ADDING + WRITING),  # sums have two bits more
        3 * 2,
    ),
    "softmax": (
        softmax_unit(10, quotient_bits=12, **ON),
        9 * (COMPARE + WRITING)
        + 10 * (ADDING + READ + WRITING)
        + (10 + 10 * 13) * 20 / 16 * (ADDING + WRITING),  # sums have four bits more
        9 + 3 * 2 + 10 + 3 * 13,
    ),
    "embedding": (
        embedding_unit(100, 10, **ON),
        160 / 64 * LIBRARY.energy("sram_2kib", "read"),
        2 + 7,
    ),
}


@pytest.mark.parametrize("which", UNITS)
def test_an_operation_is_its_steps_on_each_element(which):
    unit, energy, cycles = UNITS[which]
    (table,) = unit.energy.values()
    assert table.fixed.shape[0] == cycles
    assert table.fixed.sum() == pytest.approx(energy, rel=1e-12, abs=0)
    counts: ActionCounts = table.counts(None, np.ones(cycles, dtype=np.int64))
    assert total_energy(LIBRARY, counts.library) == pytest.approx(energy, rel=1e-12, abs=0)


def test_a_lane_has_what_its_steps_need_most_of():
    area = UNITS["gru"][0].inventory.area
    assert area["multipliers"] == pytest.approx(4 * LIBRARY.area("multiplier", 256))
    assert area["adders"] == pytest.approx(4 * LIBRARY.area("adder", 16))
    assert area["registers"] == pytest.approx(20 * LIBRARY.area("register", 16))
    assert UNITS["rnn"][0].inventory.area == {
        "registers": pytest.approx(10 * LIBRARY.area("register", 16))
    }


def test_streams_have_states_of_their_own():
    three = cell(GRU, streams=3).inventory
    assert three.register_words == 3 * UNITS["gru"][0].inventory.register_words == 60


def test_a_table_of_vectors_is_as_many_memories_as_it_needs():
    area = UNITS["embedding"][0].inventory.area["weight_memory"]
    assert area == pytest.approx(1 * LIBRARY.area("sram_2kib"))  # 16,000 of 16,384 bits
    more = embedding_unit(103, 10, **ON).inventory.area["weight_memory"]
    assert more == pytest.approx(2 * LIBRARY.area("sram_2kib"))
