"""Does the kernel do to a conversion what imperfect circuits do? Equality is bit for bit."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import NamedTuple

import numba
import numpy as np
import pytest

from archsim.kernels.bank import BankArrays
from archsim.kernels.convert import convert_all
from archsim.kernels.matrix import Matrix
from archsim.kernels.record import MatrixRecord, make_record
from archsim.kernels.recurrent import RecurrentOutputs, run_recurrent
from archsim.kernels.tile import convert_cycles
from archsim.vocabulary import N_ACTIVITY
from tests.banks import from_rest, lstm_arrays, stage_of
from tests.counting import spoil_record
from tests.naive import (
    Conversion,
    Format,
    MatrixConversion,
    NaiveLSTM,
    NaiveMatrix,
    NaiveTile,
    assert_recorded,
    cut_rows,
    diagonal_tile,
    matrix_arrays_of,
    one_bank,
    random_matrix,
    random_tile,
    row_blocks,
    share,
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
pytestmark = [
    pytest.mark.interpreted,
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
]

QUICK = bool(numba.config.DISABLE_JIT)
SEEDS = range(3 if QUICK else 25)
SEEDS_TOGETHER = range(3 if QUICK else 60)
LARGEST = 6 if QUICK else 20
GARBAGE = -99
ALIKE = ("leak", "rails", "decision_noise", "seed")
"""What banks of a layer have alike."""

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
    tile = built(random.Random(f"built {kinds} {seed}"), tile, shared="branches" not in kinds)
    full = 2**n_in - 1
    drive = [rng.randint(-full, full) for _ in range(rows)]
    size = max(1, *(abs(charge) for charge in tile.convert(drive).charge))
    return spoil(tile, rng, kinds, size), drive


def built(rng: random.Random, tile: NaiveTile, *, shared: bool) -> NaiveTile:
    """Return the bank in one or more tiles, at random with an early stop or shared converters."""
    tile = replace(tile, heights=cut_rows(rng, tile.rows))
    kind = rng.choice(["ramp", "early stop", "sar" if shared else "ramp"])
    if kind == "sar":
        return share(rng, tile)
    return replace(tile, early_stop=kind == "early stop")


class Found(NamedTuple):
    """What the kernel did: charge, code, activity by cycle and tile, waveform, ramp cycles."""

    charge: list[int]
    code: list[int]
    activity: list[list[list[int]]]
    waveform: list[list[int]]
    cycles_taken: int


def run_kernel(arrays: BankArrays, drive: list[int], sequence: int, conversion: int) -> Found:
    """Run one conversion into arrays that start as garbage."""
    columns = arrays.difference.shape[1]
    charge = np.full(columns, GARBAGE, dtype=np.int64)
    code = np.full(columns, GARBAGE, dtype=np.int64)
    tiles = arrays.row_pointer.size - 1
    activity = np.full((arrays.cycles, tiles, N_ACTIVITY), GARBAGE, dtype=np.int64)
    waveform = np.full((arrays.cycles, columns), GARBAGE, dtype=np.int64)
    row = np.array(drive, dtype=np.int64)
    cycles_taken = convert_cycles(
        arrays, row, (sequence, conversion), charge, code, activity, waveform
    )
    return Found(
        charge.tolist(), code.tolist(), activity.tolist(), waveform.tolist(), int(cycles_taken)
    )


def assert_same(
    tile: AnalogTile, drive: list[int], *, sequence: int, conversion: int
) -> Conversion:
    """Compare every number of a conversion with the twin's; return the twin's."""
    twin = tile.convert(drive, sequence, conversion)
    found = run_kernel(analog_arrays_of(tile), drive, sequence, conversion)
    assert found.charge == twin.charge
    assert found.code == twin.code
    assert found.activity == [cycle.counts for cycle in twin.cycles]
    assert found.waveform == [cycle.charge for cycle in twin.cycles]
    assert found.cycles_taken == twin.cycles_taken
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
        cell_variance=None,
        variance_step=[1.0],
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
    waveform = run_kernel(analog_arrays_of(tile), [drive], 0, 0).waveform
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
    assert run_kernel(analog_arrays_of(tile), [drive], 0, 0).code == [code]


def test_read_noise_comes_in_the_last_integrate_cycle_and_before_the_rails() -> None:
    noisy = by_hand(cell_variance=[[10]], variance_step=[1e5])
    waveform = run_kernel(analog_arrays_of(noisy), [3], 0, 0).waveform
    assert [row[0] for row in waveform[:4]] == [0, 8, 16, 24]
    assert waveform[4][0] == waveform[-1][0] != 24
    clipped = by_hand(cell_variance=[[10]], variance_step=[1e5], rails=(-30, 30))
    last = run_kernel(analog_arrays_of(clipped), [3], 0, 0).waveform[4][0]
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
    assert run_kernel(analog_arrays_of(tile), [3], 0, 0).code == [code]
    mirrored = replace(tile, step_code=[[2, 1, 0, 1]])
    expected = [2, 1, 0, 1][[1, 0, 2, 3].index(code)]
    assert run_kernel(analog_arrays_of(mirrored), [3], 0, 0).code == [expected]


@pytest.mark.parametrize(("above", "code"), [(-0.5, 1), (0.0, 1), (5e-7, 1), (2e-6, 0)])
def test_a_hair_above_a_whole_quantum_counts_as_that_quantum(above: float, code: int) -> None:
    # 24 quanta against a noisy ramp whose noise happens to be nothing; see GUARD.
    at = {"ramp_position": [[24 + above, 40.0]], "ramp_noise": [[0.0, 0.0]], "bias_noise": [0.0]}
    assert assert_same(by_hand(**at), [3], sequence=0, conversion=0).code == [code]


# ----------------------------------------------------------------------------------- layers


def analog_record(matrix: Matrix, sequences: int, conversions: int, first: int) -> MatrixRecord:
    recorded = np.arange(sequences, dtype=np.int64)
    record = make_record(matrix, recorded, first=first, conversions=conversions, waveforms=True)
    spoil_record(record)
    return record


def spoil_matrix(matrix: NaiveMatrix, rng: random.Random, kinds: tuple[str, ...]) -> NaiveMatrix:
    """Spoil every bank; what all banks of a layer have alike is that of the first."""
    banks: list[AnalogTile] = []
    for placed in matrix.placed:
        drive = [2**matrix.n_in - 1] * placed.bank.rows
        size = max(2, *map(abs, placed.bank.convert(drive).charge))
        spoilt = spoil(placed.bank, rng, kinds, size)
        first = (banks or [spoilt])[0].circuits
        alike = {name: getattr(first, name) for name in ALIKE}
        banks.append(replace(spoilt, circuits=replace(spoilt.circuits, **alike)))
    pairs = zip(matrix.placed, banks, strict=True)
    return NaiveMatrix([placed._replace(bank=bank) for placed, bank in pairs])


def conversions(
    matrix: NaiveMatrix, sequence: int, rows: list[list[int]]
) -> list[MatrixConversion]:
    running = AnalogSequence(matrix, sequence)
    return [running.convert(drive) for drive in rows]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.slow
def test_a_linear_layer_counts_sequences_and_conversions(seed: int) -> None:
    rng = random.Random(f"linear {seed}")
    inputs, n_in = rng.randint(1, LARGEST), rng.randint(1, 5)
    size = {"inputs": inputs + 1, "columns": rng.randint(2, LARGEST), "n_in": n_in}
    perfect = random_matrix(rng, **size, n_out=rng.randint(2, 5), ramps=rng.randint(1, 3))
    shared = perfect.placed[0].bank.sharing is not None
    matrix = spoil_matrix(perfect, rng, KINDS[:-1] if shared else KINDS)
    full, first = 2**n_in - 1, rng.choice([0, 3, 1000])
    x = [[[rng.randint(-full, full) for _ in range(inputs)]] * 3 for _ in range(2)]
    twin = [
        conversions(matrix, first + number, [[*row, full] for row in rows])
        for number, rows in enumerate(x)
    ]
    arrays = matrix_arrays_of(matrix, analog_arrays_of)
    drive = np.array(x, dtype=np.int16).reshape(2, 3, inputs)
    code = np.zeros((2, 3, matrix.columns), dtype=np.uint16)
    record = analog_record(arrays, 2, 3, first)
    convert_all(stage_of(arrays, record), full, drive, code)
    assert code.tolist() == [[conversion.code for conversion in row] for row in twin]
    assert_recorded(arrays, record, twin, [0, 1], waveforms=True)


def random_lstm(rng: random.Random) -> NaiveLSTM:
    """Return an LSTM with its second pass and projection on tiles, with every imperfection."""
    units, inputs, elements, n_out = rng.randint(1, 3), 2, rng.randint(1, 3), 3
    size = {"n_in": 3, "n_out": n_out}
    size |= {"shared": None if QUICK else rng.random() < 0.3}
    gates = random_matrix(rng, inputs=inputs + elements + 1, columns=4 * units, ramps=2, **size)
    projection = random_matrix(rng, inputs=units, columns=elements, ramps=1, **size)
    del size["shared"]
    cell = diagonal_tile(random_tile(rng, rows=units, columns=units, ramps=1, **size))
    top = 2**9

    def levels(matrix: NaiveMatrix) -> list[int]:
        codes = row_blocks(matrix) * (2**n_out - 1) + 1
        return sorted(rng.randint(-top, top) for _ in range(codes))

    kinds = KINDS[:-1]
    return NaiveLSTM(
        gates=spoil_matrix(gates, rng, kinds),
        format=Format(bits=12, fraction_bits=9),
        level=[levels(gates) for _ in range(4)],
        cell=spoil_matrix(one_bank(cell), rng, kinds),
        cell_level=levels(one_bank(cell)),
        cell_full_scale=1200,
        h_full_scale=700,
        projection=spoil_matrix(projection, rng, kinds),
        projection_level=levels(projection),
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_an_lstm_counts_sequences_and_timesteps(seed: int) -> None:
    rng = random.Random(f"lstm {seed}")
    lstm, first = random_lstm(rng), rng.choice([0, 3, 1000])
    names = ("gates", "cell", "projection")
    x = [[[rng.randint(-7, 7) for _ in range(2)] for _ in range(4)] for _ in range(2)]
    twin = [
        replace(
            lstm, **{name: AnalogSequence(getattr(lstm, name), first + number) for name in names}
        ).run(rows)
        for number, rows in enumerate(x)
    ]
    units = lstm.gates.columns // 4
    outputs = RecurrentOutputs(
        code=np.zeros((2, 4, 4 * units), dtype=np.uint16),
        c=np.zeros((2, 4, units), dtype=np.int32),
        h=np.zeros((2, 4, lstm.elements), dtype=np.int32),
        h_drive=np.zeros((2, 4, lstm.elements), dtype=np.int16),
    )
    matrices = [matrix_arrays_of(getattr(lstm, name), analog_arrays_of) for name in names]
    records = tuple(analog_record(matrix, 2, 4, first) for matrix in matrices)
    stages = tuple(stage_of(*pair) for pair in zip(matrices, records, strict=True))
    run_recurrent(
        *lstm_arrays(lstm), stages, np.array(x, dtype=np.int16), *from_rest(2, lstm, 4), outputs
    )
    for name in RecurrentOutputs._fields:
        got = getattr(outputs, name).tolist()
        assert got == [[getattr(step, name) for step in steps] for steps in twin], name
    for name, matrix, record in zip(names, matrices, records, strict=True):
        expected = [[getattr(step, name) for step in steps] for steps in twin]
        assert_recorded(matrix, record, expected, [0, 1], waveforms=True)
