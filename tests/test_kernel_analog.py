"""Does the kernel do to a conversion what imperfect circuits do? Equality is bit for bit."""

from __future__ import annotations

import random
from dataclasses import replace

import numba
import numpy as np
import pytest

from archsim.kernels.linear import run_linear_tile
from archsim.kernels.lstm import LSTMArrays, LSTMOutputs, run_lstm
from archsim.kernels.record import TileRecord, make_record
from archsim.kernels.tile import N_ACTIVITY, TileArrays, convert_cycles
from tests.naive import (
    Conversion,
    Format,
    NaiveLSTM,
    NaiveTile,
    assert_recorded,
    diagonal_tile,
    random_tile,
)
from tests.naive_analog import (
    KINDS,
    AnalogSequence,
    AnalogTile,
    Circuits,
    analog_arrays_of,
    spoil,
)

# Philox wraps around on purpose, which NumPy's scalars warn of where nothing is compiled.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")

QUICK = bool(numba.config.DISABLE_JIT)
SEEDS = range(3 if QUICK else 25)
SEEDS_TOGETHER = range(3 if QUICK else 60)
LARGEST = 6 if QUICK else 20
GARBAGE = -99

CHANGES_CHARGE = ("leak", "read noise", "rails", "integrator offset")
TILES, SHARE = 25, 0.6
"""Of that many random tiles, an imperfection changes something in at least this share."""


def random_case(kinds: tuple[str, ...], seed: int) -> tuple[AnalogTile, list[int]]:
    """Return a tile with imperfections of these kinds, and what drives its rows."""
    rng = random.Random(f"{kinds} {seed}")
    rows, columns = rng.randint(1, LARGEST), rng.randint(2, LARGEST)
    n_in = rng.randint(1, 5)
    tile = random_tile(
        rng, rows=rows, columns=columns, n_in=n_in, n_out=rng.randint(2, 5), ramps=rng.randint(1, 3)
    )
    full = 2**n_in - 1
    drive = [rng.randint(-full, full) for _ in range(rows)]
    size = max(1, *(abs(charge) for charge in tile.convert(drive).charge))
    return spoil(tile, rng, kinds, size), drive


def run_kernel(
    arrays: TileArrays, drive: list[int], sequence: int, conversion: int
) -> tuple[list[int], list[int], list[list[int]], list[list[int]]]:
    """Return charge, code, activity and waveform; all of them start as garbage."""
    columns = arrays.difference.shape[1]
    charge = np.full(columns, GARBAGE, dtype=np.int64)
    code = np.full(columns, GARBAGE, dtype=np.int64)
    activity = np.full((arrays.cycles, N_ACTIVITY), GARBAGE, dtype=np.int64)
    waveform = np.full((arrays.cycles, columns), GARBAGE, dtype=np.int64)
    row = np.array(drive, dtype=np.int64)
    convert_cycles(arrays, row, sequence, conversion, charge, code, activity, waveform)
    return charge.tolist(), code.tolist(), activity.tolist(), waveform.tolist()


def assert_same(
    tile: AnalogTile, drive: list[int], *, sequence: int, conversion: int
) -> Conversion:
    """Compare every number of a conversion with the twin's; return the twin's."""
    twin = tile.convert(drive, sequence, conversion)
    charge, code, activity, waveform = run_kernel(
        analog_arrays_of(tile), drive, sequence, conversion
    )
    assert charge == twin.charge
    assert code == twin.code
    assert activity == [cycle.counts for cycle in twin.cycles]
    assert waveform == [cycle.charge for cycle in twin.cycles]
    return twin


def place_of(seed: int) -> dict[str, int]:
    """Return a place in a run: mostly the first conversions, some far along."""
    rng = random.Random(f"place {seed}")
    return {"sequence": rng.choice([0, 1, 100_000]), "conversion": rng.randint(0, 50)}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_one_imperfection_is_the_twins(kind: str, seed: int) -> None:
    tile, drive = random_case((kind,), seed)
    twin = assert_same(tile, drive, **place_of(seed))
    if kind not in CHANGES_CHARGE and kind != "branches":
        assert twin.charge == tile.perfect.convert(drive).charge


@pytest.mark.parametrize("seed", SEEDS_TOGETHER)
def test_all_imperfections_together_are_the_twins(seed: int) -> None:
    tile, drive = random_case(KINDS, seed)
    assert_same(tile, drive, **place_of(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_any_imperfections_are_the_twins(seed: int) -> None:
    rng = random.Random(f"any {seed}")
    kinds = tuple(kind for kind in KINDS if rng.random() < 0.4)
    tile, drive = random_case(kinds, seed)
    assert_same(tile, drive, **place_of(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_every_imperfection_changes_something(kind: str) -> None:
    charges, codes = 0, 0
    for seed in range(TILES):
        tile, drive = random_case((kind,), seed)
        spoilt = tile.convert(drive, **place_of(seed))
        if kind == "branches":
            last = 2**tile.n_out - 1
            codes += spoilt.code != tile.perfect.convert(drive).code and max(spoilt.code) <= last
            continue
        perfect = tile.perfect.convert(drive)
        charges += spoilt.charge != perfect.charge
        codes += spoilt.code != perfect.code
    assert codes >= SHARE * TILES
    if kind in CHANGES_CHARGE:
        assert charges >= SHARE * TILES


def test_noise_differs_between_conversions_and_offsets_do_not() -> None:
    kinds = ("read noise", "ramp noise", "decision noise")
    differ = 0
    for seed in range(TILES):
        tile, drive = random_case(kinds, seed)
        here = tile.convert(drive, 0, 0)
        differ += here.code != tile.convert(drive, 0, 1).code
        differ += here.code != tile.convert(drive, 1, 0).code
        fixed, drive = random_case(("integrator offset", "comparator offset"), seed)
        assert fixed.convert(drive, 0, 0) == fixed.convert(drive, 5, 7)
    assert differ >= SHARE * 2 * TILES


# ----------------------------------------------------------------------------------- by hand


def by_hand(**changes: object) -> AnalogTile:
    """Return one cell of 8 steps behind 2-bit inputs and a 1-bit ramp, with these circuits."""
    circuits = Circuits(
        cell_noise=None,
        ramp_position=None,
        ramp_noise=[],
        bias_noise=[],
        integrator_offset=[0],
        comparator_offset=[0],
        leak=0.0,
        rails=None,
        decision_noise=0.0,
        seed=0,
        tile=0,
    )
    return AnalogTile(
        plus=[[9]],
        minus=[[1]],
        threshold=[[20, 40]],
        ramp_of_column=[0],
        n_in=2,
        n_out=1,
        reset_cycles=1,
        readout_cycles=1,
        circuits=replace(circuits, **changes),
        step_code=[[0, 1]],
    )


@pytest.mark.parametrize(
    ("changes", "drive", "charge"),
    [
        ({}, 3, [0, 8, 16, 24, 24]),
        # Half is lost before the cycle's 8 come: 8, 4 + 8, 6 + 8, and the last cycle only loses.
        ({"leak": 0.5}, 3, [0, 8, 12, 14, 7]),
        # 0.25 of 10 is 2.5, rounded to the even 2; of 8, 2; of 6, 1.5, rounded to the even 2.
        ({"leak": 0.25, "integrator_offset": [10]}, 0, [10, 8, 6, 4, 3]),
        ({"leak": 0.25, "integrator_offset": [-10]}, 0, [-10, -8, -6, -4, -3]),
        # What is clipped is gone: coming down again starts from the rail.
        ({"rails": (-20, 12)}, 3, [0, 8, 12, 12, 12]),
        ({"rails": (-10, 12)}, -3, [0, -8, -10, -10, -10]),
        ({"rails": (-50, 12), "integrator_offset": [15]}, -2, [15, 7, -1, -1, -1]),
        ({"rails": (-50, 12), "integrator_offset": [15]}, 0, [15, 12, 12, 12, 12]),
        ({"integrator_offset": [-5]}, 1, [-5, 3, 3, 3, 3]),
        ({"comparator_offset": [100]}, 1, [0, 8, 8, 8, 8]),
    ],
)
def test_integrators_worked_out_by_hand(
    changes: dict[str, object], drive: int, charge: list[int]
) -> None:
    tile = by_hand(**changes)
    _, _, _, waveform = run_kernel(analog_arrays_of(tile), [drive], 0, 0)
    assert [row[0] for row in waveform] == charge + charge[-1:] * 3
    assert_same(tile, [drive], sequence=0, conversion=0)


@pytest.mark.parametrize(
    ("offset", "drive", "code"), [(0, 2, 0), (3, 2, 0), (4, 2, 1), (-5, 3, 0), (-4, 3, 1)]
)
def test_a_comparator_sees_its_offset_on_top_of_the_charge(
    offset: int, drive: int, code: int
) -> None:
    # 16 or 24 quanta against a ramp at 20, which trips only from above.
    tile = by_hand(comparator_offset=[offset])
    assert run_kernel(analog_arrays_of(tile), [drive], 0, 0)[1] == [code]


def test_read_noise_comes_in_the_last_integrate_cycle_and_before_the_rails() -> None:
    noisy = by_hand(cell_noise=[[1000.0]])
    waveform = run_kernel(analog_arrays_of(noisy), [3], 0, 0)[3]
    assert [row[0] for row in waveform[:4]] == [0, 8, 16, 24]
    assert waveform[4][0] == waveform[-1][0] != 24
    clipped = by_hand(cell_noise=[[1000.0]], rails=(-30, 30))
    last = run_kernel(analog_arrays_of(clipped), [3], 0, 0)[3][4][0]
    assert last == (30 if waveform[4][0] > 0 else -30)


@pytest.mark.parametrize(
    ("threshold", "code"),
    [
        ([25, 26, 27, 28], 1),
        ([24, 25, 26, 27], 0),
        ([22, 23, 24, 25], 3),
        ([0, 1, 25, 26], 2),
        ([21, 22, 23, 24], 3),  # never trips: the last step's code
    ],
)
def test_steps_stand_for_the_codes_of_their_branches(threshold: list[int], code: int) -> None:
    # 24 quanta; the first branch's codes fall.
    tile = replace(by_hand(), threshold=[threshold], step_code=[[1, 0, 2, 3]])
    assert run_kernel(analog_arrays_of(tile), [3], 0, 0)[1] == [code]
    mirrored = replace(tile, step_code=[[2, 1, 0, 1]])
    expected = [2, 1, 0, 1][[1, 0, 2, 3].index(code)]
    assert run_kernel(analog_arrays_of(mirrored), [3], 0, 0)[1] == [expected]


@pytest.mark.parametrize(("above", "code"), [(-0.5, 1), (0.0, 1), (5e-7, 1), (2e-6, 0)])
def test_a_hair_above_a_whole_quantum_counts_as_that_quantum(above: float, code: int) -> None:
    # 24 quanta against a noisy ramp whose noise happens to be nothing; see GUARD.
    at = {"ramp_position": [[24 + above, 40.0]], "ramp_noise": [[0.0, 0.0]], "bias_noise": [0.0]}
    assert assert_same(by_hand(**at), [3], sequence=0, conversion=0).code == [code]


# ----------------------------------------------------------------------------------- layers


def analog_record(tile: TileArrays, sequences: int, conversions: int, first: int) -> TileRecord:
    slot = np.arange(sequences, dtype=np.int64)
    return make_record(tile, slot, first=first, conversions=conversions, waveforms=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_linear_layer_counts_sequences_and_conversions(seed: int) -> None:
    tile, _ = random_case(KINDS, seed)
    rng = random.Random(seed)
    full, first = 2**tile.n_in - 1, rng.choice([0, 3, 1000])
    x = [[[rng.randint(-full, full) for _ in range(tile.rows - 1)]] * 3 for _ in range(2)]
    twin = [
        [tile.convert([*row, full], first + number, step) for step, row in enumerate(rows)]
        for number, rows in enumerate(x)
    ]
    arrays = analog_arrays_of(tile)
    drive = np.array(x, dtype=np.int16).reshape(2, 3, tile.rows - 1)
    code = np.zeros((2, 3, tile.columns), dtype=np.uint16)
    record = analog_record(arrays, 2, 3, first)
    run_linear_tile(arrays, full, drive, code, record)
    assert code.tolist() == [[conversion.code for conversion in row] for row in twin]
    assert_recorded(record, twin, [0, 1], waveforms=True)


def random_lstm(rng: random.Random) -> NaiveLSTM:
    """Return an LSTM with its second pass on a tile; every tile has every imperfection."""
    units, inputs, n_out = rng.randint(1, 3), 2, 3

    def tile(naive: NaiveTile) -> AnalogTile:
        drive = [2**naive.n_in - 1] * naive.rows
        return spoil(naive, rng, KINDS[:-1], max(1, *map(abs, naive.convert(drive).charge), 2))

    size = {"n_in": 3, "n_out": n_out}
    gates = random_tile(rng, rows=inputs + units + 1, columns=4 * units, ramps=2, **size)
    cell = diagonal_tile(random_tile(rng, rows=units, columns=units, ramps=1, **size))
    top = 2**9
    return NaiveLSTM(
        gates=tile(gates),
        format=Format(bits=12, fraction_bits=9),
        level=[sorted(rng.randint(-top, top) for _ in range(2**n_out)) for _ in range(2)],
        cell=tile(cell),
        cell_level=sorted(rng.randint(-top, top) for _ in range(2**n_out)),
        cell_full_scale=1200,
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_an_lstm_counts_sequences_and_timesteps(seed: int) -> None:
    rng = random.Random(f"lstm {seed}")
    lstm, first = random_lstm(rng), rng.choice([0, 3, 1000])
    x = [[[rng.randint(-7, 7) for _ in range(2)] for _ in range(4)] for _ in range(2)]
    twin = [
        replace(
            lstm,
            gates=AnalogSequence(lstm.gates, first + number),
            cell=AnalogSequence(lstm.cell, first + number),
        ).run(rows)
        for number, rows in enumerate(x)
    ]
    units = lstm.gates.columns // 4
    outputs = LSTMOutputs(
        code=np.zeros((2, 4, 4 * units), dtype=np.uint16),
        c=np.zeros((2, 4, units), dtype=np.int32),
        h=np.zeros((2, 4, units), dtype=np.int32),
        h_drive=np.zeros((2, 4, units), dtype=np.int16),
    )
    tiles = [analog_arrays_of(lstm.gates), analog_arrays_of(lstm.cell)]
    records = [analog_record(tile, 2, 4, first) for tile in tiles]
    run_lstm(*tiles, lstm_arrays(lstm), np.array(x, dtype=np.int16), outputs, *records)
    for name in LSTMOutputs._fields:
        got = getattr(outputs, name).tolist()
        assert got == [[getattr(step, name) for step in steps] for steps in twin], name
    assert_recorded(records[0], [[step.gates for step in s] for s in twin], [0, 1], waveforms=True)
    assert_recorded(records[1], [[step.cell for step in s] for s in twin], [0, 1], waveforms=True)


def lstm_arrays(lstm: NaiveLSTM) -> LSTMArrays:
    return LSTMArrays(
        level=np.array([lstm.level[ramp] for ramp in lstm.gates.ramp_of_column], dtype=np.int64),
        fraction_bits=lstm.format.fraction_bits,
        word_limit=lstm.format.limit,
        drive_steps=2**lstm.gates.n_in - 1,
        table=np.zeros(0, dtype=np.int64),
        table_shift=0,
        cell_level=np.array(lstm.cell_level, dtype=np.int64),
        cell_full_scale=lstm.cell_full_scale,
        cell_steps=2**lstm.cell.n_in - 1,
    )
