"""Does ngspice, solving the circuit, find what the simulator computes?

The largest deviations are logged: ``pytest tests/unit/spice/test_spice.py --log-cli-level=INFO``.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from archsim.chip.bank import BankPlan, build_bank
from archsim.chip.build import build_chip
from archsim.chip.mapping import find_weight_of_g_max
from archsim.chip.spec import chip_spec
from archsim.costs.library import load_library
from archsim.errors import ArchsimError, DesignError, InputError
from archsim.kernels.bank import ideal_analog
from archsim.kernels.tile import convert_cycles
from archsim.network.activations import get_activation
from archsim.simulation.prepare import prepare
from archsim.spice.excerpt import Excerpt, excerpt, first_conversion
from archsim.spice.netlist import netlist, table_path, write_netlist
from archsim.spice.ngspice import Waveforms, read_table, run_ngspice, simulate
from archsim.transfer.ramp import design_ramp
from archsim.vocabulary import N_ACTIVITY, Phase
from tests.runs import KWS, ROOT, load
from tests.tools import REQUIRE, require_tool

TILES = 24
TOLERANCE = 0.005
"""Of full scale, for every voltage at every clock edge."""
DOCUMENTED = 0.0005
"""Of full scale: what docs/spice.md says that no random tile exceeds."""

logger = logging.getLogger(__name__)


def make_part(
    seed: int,
    *overrides: str,
    rows: int = 6,
    columns: int = 4,
    n_in: int = 3,
    n_out: int = 3,
    functions: tuple[str, ...] = ("sigmoid", "tanh", "identity"),
    blocks: int = 1,
) -> Excerpt:
    """Build a bank of random weights in so many tiles, and a random drive for it."""
    rng = np.random.default_rng(seed)
    settings = (f"tile.input_bits={n_in}", f"adc.bits={n_out}", *overrides)
    config = load(*settings).config
    ramps = [
        design_ramp(
            get_activation(name),
            n_out,
            g_max=config.device.g_max,
            input_range=None if name in {"sigmoid", "tanh"} else (-4.0, 4.0),
        )
        for name in functions
    ]
    name = f"random {seed}"
    edges = [rows * block // blocks for block in range(blocks + 1)]
    plan = BankPlan(
        name,
        tuple(f"{name} {block}" for block in range(blocks)) if blocks > 1 else (name,),
        tuple(slice(*edge) for edge in pairwise(edges)),
        np.arange(columns),
    )
    weight = rng.normal(scale=3 / np.sqrt(rows), size=(rows, columns))
    bank = build_bank(
        plan,
        weight,
        ramps,
        rng.integers(0, len(ramps), columns),
        spec=chip_spec(config),
        library=load_library(config.technology.components),
        present=np.ones(weight.shape, dtype=np.bool_),
        weight_of_g_max=find_weight_of_g_max(weight, device=config.device),
    )
    widest = 2**n_in - 1
    return excerpt(bank, rng.integers(-widest, widest + 1, rows), g_min=config.device.g_min)


def random_part(seed: int) -> Excerpt:
    rng = np.random.default_rng(1000 + seed)
    overrides = (
        f"technology.clock={rng.choice(['1 MHz', '250 MHz', '1 GHz', '4 GHz'])}",
        f"device.g_min={rng.choice(['0 S', '0 S', '7 uS'])}",
        f"device.g_max={rng.choice(['20 uS', '150 uS'])}",
        f"tile.v_read={rng.choice(['50 mV', '200 mV'])}",
        f"tile.reset_cycles={rng.integers(1, 4)}",
        f"tile.readout_cycles={rng.integers(1, 4)}",
    )
    rows, columns = rng.integers(2, 17), rng.integers(1, 9)
    n_in, n_out = rng.integers(2, 5, 2)
    return make_part(seed, *overrides, rows=rows, columns=columns, n_in=int(n_in), n_out=int(n_out))


@dataclass(frozen=True)
class Expected:
    """What the simulator's kernel finds for a part: charge, code, voltages at every clock edge."""

    charge: np.ndarray
    code: np.ndarray
    column: np.ndarray
    ramp: np.ndarray


def run_kernel(part: Excerpt) -> Expected:
    count = part.columns.size
    arrays = part.bank.arrays._replace(
        difference=np.ascontiguousarray(part.difference.astype(np.int32)),
        row_conductance=np.zeros(part.rows.size, dtype=np.int64),
        row_pointer=np.array([0, part.rows.size]),
        readout=part.bank.arrays.readout._replace(
            ramp_of_column=part.ramp_of_column[None].copy(),
        ),
        analog=ideal_analog(count),
    )
    charge, code = np.zeros((2, count), dtype=np.int64)
    activity = np.zeros((arrays.cycles, 1, N_ACTIVITY), dtype=np.int64)
    waveform = np.zeros((arrays.cycles, count), dtype=np.int64)
    convert_cycles(arrays, part.drive, (0, 0), charge, code, activity, waveform)
    voltage = part.bank.column_voltage(waveform)
    return Expected(charge, code, voltage, part.bank.ramp_voltage())


def full_scale(part: Excerpt) -> float:
    """Return the farthest that the tile's ramps go from V_CLP, V."""
    return float(np.abs(part.bank.ramp_voltage() - part.bank.v_clp).max())


def clear_of_thresholds(part: Excerpt, expected: Expected) -> np.ndarray:
    """Say of which columns the voltage is farther than the tolerance from every threshold."""
    ramp = expected.ramp[part.bank.tiles[-1].phases == Phase.RAMP][:, part.ramp_of_column]
    distance = np.abs(ramp - expected.column[-1]).min(axis=0)
    return distance > TOLERANCE * full_scale(part)


@dataclass(frozen=True)
class Comparison:
    """A tile in ngspice and in the simulator."""

    part: Excerpt
    found: Waveforms
    expected: Expected

    @property
    def column_error(self) -> float:
        error = np.abs(self.found.column - self.expected.column).max()
        return float(error / full_scale(self.part))

    @property
    def ramp_error(self) -> float:
        return float(np.abs(self.found.ramp - self.expected.ramp).max() / full_scale(self.part))

    def assert_same(self) -> None:
        assert self.column_error < TOLERANCE
        assert self.ramp_error < TOLERANCE
        clear = clear_of_thresholds(self.part, self.expected)
        for step in (self.found.step, self.found.first_crossing(self.part)):
            code = self.part.code_of_step(step)
            assert code[clear].tolist() == self.expected.code[clear].tolist()


def compare(part: Excerpt, folder: Path, name: str = "tile") -> Comparison:
    require_tool("ngspice")
    return Comparison(part, simulate(part, folder, name=name), run_kernel(part))


@pytest.fixture(scope="module")
def comparisons(tmp_path_factory) -> list[Comparison]:
    folder = tmp_path_factory.mktemp("ngspice")
    return [compare(random_part(seed), folder, f"tile_{seed}") for seed in range(TILES)]


# ---------------------------------------------------------------------------------- with ngspice


@pytest.mark.parametrize("seed", range(TILES))
def test_a_random_tile_is_the_circuit(comparisons, seed):
    comparisons[seed].assert_same()


def test_the_deviations_are_as_documented(comparisons):
    column = max(case.column_error for case in comparisons)
    ramp = max(case.ramp_error for case in comparisons)
    clear = np.concatenate([clear_of_thresholds(c.part, c.expected) for c in comparisons])
    equal = sum((c.part.code_of_step(c.found.step) == c.expected.code).sum() for c in comparisons)
    logger.info(
        "%d tiles, %d columns: largest deviation of columns %.4f %%, of ramps %.4f %% of full "
        "scale; %d codes away from thresholds, all equal; %d of all codes equal",
        *(len(comparisons), clear.size, 100 * column, 100 * ramp, clear.sum(), equal),
    )
    assert column < DOCUMENTED
    assert ramp < DOCUMENTED
    assert clear.mean() > 0.9, "nearly every code has to be compared"
    codes = {int(code) for case in comparisons for code in case.expected.code}
    assert len(codes) > 10, "the random tiles have to reach codes of all sizes"


def test_the_corner_of_the_shipped_example_is_the_circuit(tmp_path):
    part = first_conversion(*prepare(load(sequences=1)))
    comparison = compare(part, tmp_path)
    comparison.assert_same()
    assert part.code_of_step(comparison.found.step).tolist() == part.code.tolist()


@pytest.mark.parametrize(
    ("overrides", "functions"),
    [
        (("adc.fixed_reference=150 mV",), ("sigmoid", "tanh")),
        ((), ("silu", "sigmoid")),
    ],
    ids=["ramp with its own reference", "function that turns"],
)
def test_other_ramps_are_the_circuit(tmp_path, overrides, functions):
    part = make_part(3, *overrides, columns=8, n_out=5, functions=functions)
    compare(part, tmp_path).assert_same()


@pytest.mark.parametrize("blocks", [2, 3])
def test_row_blocks_of_a_bank_are_one_crossbar(tmp_path, blocks):
    """Tiles whose columns end in the same integrators: one circuit with all of their rows."""
    part = make_part(11, rows=9, columns=6, blocks=blocks)
    whole = make_part(11, rows=9, columns=6)
    assert len(part.bank.tiles) == blocks
    assert netlist(part).splitlines()[1:] == netlist(whole).splitlines()[1:]
    title = f"archsim: tile 'random 11' ({blocks} row blocks), 9 of 9 rows x 6 of 6 columns"
    assert netlist(part).splitlines()[0] == title
    compare(part, tmp_path).assert_same()


def test_the_first_crossing_counts(tmp_path):
    """A ramp cell that lowers its ramp cannot undo a latch."""
    part = make_part(5, columns=8, functions=("identity",))
    ramp = part.bank.ramps[0]
    cell = ramp.cell.copy()
    cell[5] = -3 * cell[5]
    falling = replace(ramp, cell=cell)
    threshold = falling.thresholds(part.bank.scale.ramp)[None, None, :]
    bank = replace(
        part.bank,
        ramps=(falling,),
        arrays=part.bank.arrays._replace(
            readout=part.bank.arrays.readout._replace(threshold=threshold)
        ),
    )
    comparison = compare(replace(part, bank=bank), tmp_path)
    comparison.assert_same()
    high = comparison.found.comparator > 0.5
    assert (high[:-1] & ~high[1:])[bank.tiles[-1].phases[1:] == Phase.RAMP].any(), (
        "no comparator fell back"
    )


def test_a_read_voltage_may_be_changed_in_the_file(tmp_path):
    """Array and ramp are read alike, so the codes stay (article, Fig. 3b)."""
    require_tool("ngspice")
    part = make_part(7, columns=8, functions=("sigmoid", "tanh"))
    path = tmp_path / "tile.cir"
    write_netlist(part, path)
    text = re.sub(r"(vread|vramp)=\S+", r"\1=0.1", path.read_text())
    path.write_text(text)
    run_ngspice(path)
    found = read_table(table_path(path), part)
    clear = clear_of_thresholds(part, run_kernel(part))
    assert part.code_of_step(found.step)[clear].tolist() == part.code[clear].tolist()
    assert np.abs(found.ramp - part.bank.v_clp).max() == pytest.approx(
        full_scale(part) / 2, 1e-3, abs=0
    )


def test_a_netlist_that_ngspice_cannot_run_is_an_error(tmp_path):
    require_tool("ngspice")
    path = tmp_path / "tile.cir"
    path.write_text(
        "broken\nRa a 0 1k\nVa a 0 nonsense(\n.tran 1n 2n\n.control\nrun\nquit 1\n.endc"
    )
    with pytest.raises(ArchsimError, match=r"tile\.cir: ngspice failed with exit code"):
        run_ngspice(path)
    with pytest.raises(ArchsimError, match="longer than"):
        run_ngspice(path, timeout=1e-6)


# ------------------------------------------------------------------------------- without ngspice


@pytest.mark.parametrize("seed", range(TILES))
def test_expected_values_are_the_kernels(seed):
    part = random_part(seed)
    expected = run_kernel(part)
    assert part.charge.tolist() == expected.charge.tolist()
    assert part.code.tolist() == expected.code.tolist()


def test_the_same_part_gives_the_same_netlist():
    assert netlist(random_part(1)) == netlist(random_part(1))
    assert netlist(random_part(1)) != netlist(random_part(2))


def resistors(text: str) -> dict[str, tuple[str, str, float]]:
    found = re.findall(r"^R(\S+) (\S+) (\S+) (\S+)$", text, re.MULTILINE)
    return {name: (row, line, float(ohms)) for name, row, line, ohms in found}


@pytest.mark.parametrize("g_min", [0.0, 7e-6])
def test_every_memristor_is_a_resistor(g_min):
    part = make_part(1, f"device.g_min={g_min} S")
    found = resistors(netlist(part))
    step = part.bank.design.conductance_step
    written = {name for name in found if name[0] in "pm"}
    for (i, j), difference in np.ndenumerate(part.difference):
        larger, smaller = ("p", "m") if difference > 0 else ("m", "p")
        siemens = abs(difference) * step + g_min
        if siemens > 0:
            written.remove(f"{larger}_{i}_{j}")
            node, line, ohms = found[f"{larger}_{i}_{j}"]
            assert (node, line) == (f"row_{i}", f"{'plus' if larger == 'p' else 'minus'}_{j}")
            assert ohms == pytest.approx(1 / siemens, rel=1e-9, abs=0)
        if g_min > 0:
            written.remove(f"{smaller}_{i}_{j}")
            assert found[f"{smaller}_{i}_{j}"][2] == pytest.approx(1 / g_min, rel=1e-9, abs=0)
    assert not written, "these have 0 S"
    for k, ramp in enumerate(part.bank.ramps):
        assert [found[f"cell_{k}_{q}"][2] for q in range(ramp.steps)] == pytest.approx(
            1 / ramp.cell, rel=1e-9, abs=0
        )
        bias = [name for name in found if name.startswith(f"bias_{k}_")]
        assert len(bias) == np.count_nonzero(ramp.bias)


def test_rows_are_driven_with_their_sign_for_their_cycles():
    part = replace(make_part(1, rows=3), drive=np.array([5, 0, -2]))
    text = netlist(part)
    for row, volts, width in ((0, "vread", 5), (2, "-vread", 2)):
        fall = f"{{t_int+{width}*tclk-tedge/2}} {{{volts}}}"
        assert f"Vrow_{row} row_{row} clp PWL(0 0\n+ {{t_int-tedge/2}} 0 " in text
        assert f"{{t_int+tedge/2}} {{{volts}}}\n+ {fall} {{t_int+{width}*tclk+tedge/2}} 0)" in text
    assert "\nVrow_1 row_1 clp 0\n" in text


def test_a_cut_keeps_the_tiles_numbers():
    part = make_part(1, rows=9, columns=8)
    drive = np.arange(9) - 4
    cut = excerpt(part.bank, drive, rows=[8, 2], columns=[1, 7])
    assert cut.drive.tolist() == [4, -2]
    assert cut.difference.tolist() == part.difference[[8, 2]][:, [1, 7]].tolist()
    text = netlist(cut)
    assert text.splitlines()[0] == "archsim: tile 'random 1', 2 of 9 rows x 2 of 8 columns"
    assert set(re.findall(r"\b(?:row|col)_\d+\b", text)) == {"row_8", "row_2", "col_1", "col_7"}
    corner = excerpt(part.bank, drive, rows=2, columns=3)
    assert (corner.rows.tolist(), corner.columns.tolist()) == ([0, 1], [0, 1, 2])


def test_the_netlist_is_plain_and_explains_itself():
    part = random_part(0)
    text = netlist(part, table="voltages.txt")
    assert text.isascii()
    assert "wrdata $inputdir/voltages.txt\n" in text
    assert text.endswith(".end\n")
    assert max(len(line) for line in text.splitlines()) <= 100
    for column, code in zip(part.columns, part.code, strict=True):
        assert re.search(rf"^\*   column {column}: [\d.-]+ V, code {code}$", text, re.M)
    first, last = np.flatnonzero(part.bank.tiles[-1].phases == Phase.RAMP)[[0, -1]]
    assert re.search(rf"^\*   ramp +cycles {first} to {last}$", text, re.M)


def test_the_first_conversion_of_the_shipped_example():
    chip, data = prepare(load(sequences=1))
    part = first_conversion(chip, data)
    assert part.rows.tolist() == list(range(8))
    assert part.columns.tolist() == [0, 32, 64, 96], "the gates of the first unit"
    assert part.drive.tolist() == chip.encode(data.inputs).drive[0, 0, :8].tolist()
    assert set(part.ramp_of_column) == {0, 1}
    assert all(f"Xramp_{k} " in netlist(part) for k in (0, 1))
    every = first_conversion(chip, data, rows=64, columns=64)
    assert every.drive[40:].tolist() == [0] * 24, "nothing is fed back in the first timestep"
    with pytest.raises(DesignError, match="64 x 64 at most: choose a smaller tile, or give rows"):
        first_conversion(chip, data, rows=73)
    with pytest.raises(InputError, match=r"rows: 74 has to be within 1 \.\. 73"):
        first_conversion(chip, data, rows=74)
    with pytest.raises(InputError, match=r"columns: 0 has to be within 1 \.\. 128"):
        first_conversion(chip, data, columns=0)


def test_the_bias_row_is_driven_in_full():
    chip, data = prepare(load(sequences=1))
    backwards = replace(chip, layers=chip.layers[::-1])
    part = first_conversion(backwards, data, rows=33)
    assert part.drive[-1] == 31


def test_the_pages_example_runs(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "spice.md").read_text()
    example = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(example) == 1
    monkeypatch.chdir(tmp_path)
    exec(example[0].replace("configs/kws.yaml", KWS.as_posix()), {})
    for name, size in (("kws", "8 of 73 rows x 4 of 128"), ("output", "33 of 33 rows x 3 of 12")):
        assert size in (tmp_path / f"{name}.cir").read_text().splitlines()[0]


def test_a_digital_layer_has_no_netlist():
    config = load("network.layers.1.placement=digital", sequences=1).config
    chip = build_chip(config)
    backwards = replace(chip, layers=chip.layers[::-1])
    with pytest.raises(DesignError, match="layer 'output' is digital and has no tile"):
        first_conversion(backwards, prepare(load(sequences=1))[1])


def test_shared_converters_have_no_netlist():
    chip, data = prepare(load("adc.kind=sar", sequences=1))
    with pytest.raises(DesignError, match="tile 'lstm' has shared converters and no ramp") as error:
        first_conversion(chip, data)
    assert "\n" not in str(error.value)
    with pytest.raises(DesignError, match=r"adc\.kind: tile 'output'"):
        excerpt(chip.banks[1], [0] * 33)


def test_the_first_row_block_of_a_digital_sum_has_no_bias_row():
    settings = ("tile.rows=30", "adc.kind=linear_ramp", "tile.row_sum=digital")
    chip, data = prepare(load(*settings, sequences=1))
    part = first_conversion(chip, data, rows=24)
    assert part.bank.name == "lstm_r0"
    assert part.drive.tolist() == chip.encode(data.inputs).drive[0, 0, :24].tolist()
    assert netlist(part).startswith("archsim: tile 'lstm_r0', 24 of 24 rows x 4 of 128 columns")


def test_the_first_conversion_of_a_bank_of_row_blocks_drives_all_of_them():
    chip, data = prepare(load("tile.rows=30", sequences=1))
    part = first_conversion(chip, data, rows=64)
    assert len(part.bank.tiles) == 3
    assert part.drive[:40].tolist() == chip.encode(data.inputs).drive[0, 0].tolist()
    assert part.drive[40:].tolist() == [0] * 24
    assert excerpt(part.bank, [0] * 72 + [31], rows=[72], columns=1).drive.tolist() == [31]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"rows": [0, 0]}, "rows: .* have to be different indices"),
        ({"rows": [6]}, r"within 0 \.\. 5"),
        ({"rows": [-1]}, r"within 0 \.\. 5"),
        ({"columns": []}, "columns: .* have to be different indices"),
        ({"columns": 5}, r"columns: 5 has to be within 1 \.\. 4"),
        ({"drive": np.zeros(5, dtype=np.int64)}, "takes 6 whole pulse widths"),
        ({"drive": np.zeros(6)}, "takes 6 whole pulse widths"),
        ({"drive": np.full(6, -8)}, r"within -7 \.\. 7"),
    ],
    ids=str,
)
def test_what_does_not_fit_the_tile_is_refused(choice, message):
    bank = make_part(1).bank
    with pytest.raises(InputError, match=message):
        excerpt(bank, choice.pop("drive", np.zeros(6, dtype=np.int64)), **choice)


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_netlist(random_part(0), tmp_path / "missing" / "tile.cir")


def test_the_table_of_an_odd_file_name_has_a_plain_one():
    assert table_path(Path("a b/my tile;1.cir")) == Path("a b/my_tile_1.txt")


@pytest.mark.parametrize("text", [None, "time v(ramp_0)\n", "time v(ramp_0)\n0 0.4\n1e-9 0.4\n"])
def test_a_table_that_is_not_whole_is_an_error(tmp_path, text):
    table = tmp_path / "tile.txt"
    if text is not None:
        table.write_text(text)
    with pytest.raises(ArchsimError, match=r"tile\.txt: (is not the table|ngspice wrote no table)"):
        read_table(table, random_part(0))


def test_a_missing_ngspice_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="apt-get install ngspice"):
        run_ngspice(tmp_path / "tile.cir")


def test_a_missing_tool_skips_or_fails(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv(REQUIRE, raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install ngspice"):
        require_tool("ngspice")
    monkeypatch.setenv(REQUIRE, "1")
    with pytest.raises(pytest.fail.Exception, match=rf"apt-get install ngspice \({REQUIRE}"):
        require_tool("ngspice")
