"""Does the ISAAC library give back the totals of ISAAC's Table I?

Power is energy an action times actions a second, area is area times instances, with the rates and
counts written here and nowhere else: Shafiee et al., ISCA 2016, Table I, 1.2 GHz, 100 ns a read.
"""

from dataclasses import dataclass

import pytest

from archsim.costs.library import SourceKind, load_library
from tests.runs import ROOT

LIBRARY = load_library(ROOT / "configs" / "components" / "isaac-32nm.yaml")
CYCLE = 100e-9  # s, one crossbar read
CLOCK = 1.2e9  # Hz
LINK = 1e9  # flits/s of one port
BYTE = 8
MM2 = 1e-6


@dataclass(frozen=True)
class Row:
    """A row of Table I: what it is made of here, and the table's power (W) and area (m^2)."""

    component: str
    action: str
    instances: float
    actions_per_second: float  # of all instances together
    power: float
    area: float


IMA = [
    Row("isaac_adc_8b", "convert", 8, 8 * 1.28e9, 16e-3, 0.0096 * MM2),
    Row("isaac_dac_1b", "convert", 8 * 128, 8 * 128 / CYCLE, 4e-3, 0.00017 * MM2),
    Row("isaac_sample_hold", "sample", 8 * 128, 8 * 128 / CYCLE, 10e-6, 0.00004 * MM2),
    Row("isaac_array", "read", 8, 8 / CYCLE, 2.4e-3, 0.0002 * MM2),
    Row("isaac_shift_add", "shift_add", 4, 8 * 1.28e9, 0.2e-3, 0.00024 * MM2),
    Row("isaac_input_register", "read", 2048 * BYTE, 8 * 128 / CYCLE, 1.24e-3, 0.0021 * MM2),
    Row(
        "isaac_output_register",
        "accumulate",
        256 * BYTE,
        128 * 16 / CYCLE,
        0.23e-3,
        0.00077 * MM2,
    ),
]
TILE = [
    Row("isaac_edram", "read", 64 * 1024 * BYTE, 1024 * BYTE / CYCLE, 20.7e-3, 0.083 * MM2),
    Row("isaac_bus", "transfer", 384, 1024 * BYTE / CYCLE, 7e-3, 0.090 * MM2),
    Row("isaac_router", "flit", 1 / 4, 8 * LINK / 4, 42e-3 / 4, 0.151 * MM2 / 4),
    Row("isaac_sigmoid", "compute", 2, 2 * CLOCK, 0.52e-3, 0.0006 * MM2),
    Row("isaac_shift_add", "shift_add", 1, 2 * 1.28e9, 0.05e-3, 0.00006 * MM2),
    Row("isaac_maxpool", "compute", 1, CLOCK, 0.4e-3, 0.00024 * MM2),
    Row(
        "isaac_tile_output_register",
        "write",
        3072 * BYTE,
        3072 * BYTE / (16 * CYCLE),
        1.68e-3,
        0.0032 * MM2,
    ),
]
IMAS, TILES = 12, 168


def power(rows: list[Row]) -> float:
    return sum(LIBRARY.energy(row.component, row.action) * row.actions_per_second for row in rows)


def area(rows: list[Row]) -> float:
    return sum(LIBRARY.area(row.component, row.instances) for row in rows)


@pytest.mark.parametrize("row", [*IMA, *TILE], ids=lambda row: row.component)
def test_a_row_of_the_table_comes_back(row: Row) -> None:
    assert power([row]) == pytest.approx(row.power, rel=1e-6)
    assert area([row]) == pytest.approx(row.area, rel=1e-6)


def test_totals_of_the_imas() -> None:
    assert IMAS * power(IMA) == pytest.approx(289e-3, rel=0.05)
    assert IMAS * area(IMA) == pytest.approx(0.157 * MM2, rel=0.05)


def test_totals_of_a_tile_without_its_imas() -> None:
    assert power(TILE) == pytest.approx(40.9e-3, rel=0.05)
    assert area(TILE) == pytest.approx(0.215 * MM2, rel=0.05)


def test_totals_of_a_tile() -> None:
    assert IMAS * power(IMA) + power(TILE) == pytest.approx(330e-3, rel=0.05)
    assert IMAS * area(IMA) + area(TILE) == pytest.approx(0.372 * MM2, rel=0.05)


def test_totals_of_the_chip() -> None:
    links = "isaac_hyper_transport"
    chip = TILES * (IMAS * power(IMA) + power(TILE)) + LIBRARY.leakage(links)
    assert chip == pytest.approx(65.8, rel=0.05)
    whole = TILES * (IMAS * area(IMA) + area(TILE)) + LIBRARY.area(links)
    assert whole == pytest.approx(85.4 * MM2, rel=0.05)


def test_the_converters_take_the_share_of_a_tile_that_the_article_says() -> None:
    """The article: ADCs are 58 % of a tile's power and 31 % of its area."""
    adc = [row for row in IMA if row.component == "isaac_adc_8b"]
    tile = IMAS * power(IMA) + power(TILE)
    assert IMAS * power(adc) / tile == pytest.approx(0.58, abs=0.01)
    whole = IMAS * area(IMA) + area(TILE)
    assert IMAS * area(adc) / whole == pytest.approx(0.31, abs=0.01)


def test_every_component_is_in_the_table_here() -> None:
    named = {row.component for row in [*IMA, *TILE]} | {"isaac_hyper_transport"}
    assert named == set(LIBRARY.components)


def test_an_energy_whose_rate_the_article_does_not_give_is_called_assumed() -> None:
    read = {
        figure.component
        for figure in LIBRARY.figures()
        if figure.what == "energy" and figure.kind is SourceKind.READ
    }
    assert read == {"isaac_adc_8b", "isaac_dac_1b", "isaac_sample_hold", "isaac_array"}
    dynamic = set(LIBRARY.components) - {"isaac_hyper_transport"}
    assert all(LIBRARY.leakage(name) == 0 for name in dynamic)
