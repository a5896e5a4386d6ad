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

# What an imperfection changes: of every kind, in at least this share of the random tiles.
CHANGES_CHARGE = ("leak", "read noise", "rails", "integrator offset")
SHARE = 0.6


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
    for seed in SEEDS:
        tile, drive = random_case((kind,), seed)
        spoilt = tile.convert(drive, **place_of(seed))
        if kind == "branches":
            last = 2**tile.n_out - 1
            codes += spoilt.code != tile.perfect.convert(drive).code and max(spoilt.code) <= last
            continue
        perfect = tile.perfect.convert(drive)
        charges += spoilt.charge != perfect.charge
        codes += spoilt.code != perfect.code
    assert codes >= SHARE * len(SEEDS)
    if kind in CHANGES_CHARGE:
        assert charges >= SHARE * len(SEEDS)


def test_noise_differs_between_conversions_and_offsets_do_not() -> None:
    kinds = ("read noise", "ramp noise", "decision noise")
    differ = 0
    for seed in SEEDS:
        tile, drive = random_case(kinds, seed)
        here = tile.convert(drive, 0, 0)
        differ += here.code != tile.convert(drive, 0, 1).code
        differ += here.code != tile.convert(drive, 1, 0).code
        fixed, drive = random_case(("integrator offset", "comparator offset"), seed)
        assert fixed.convert(drive, 0, 0) == fixed.convert(drive, 5, 7)
    assert differ >= SHARE * 2 * len(SEEDS)


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
    ("thresholds", "code"), [([-9, -8, 20, 40], 3), ([30, 40, 50, 60], 1), ([17, 30, 40, 50], 0)]
)
def test_steps_stand_for_the_codes_of_their_branches(thresholds: list[int], code: int) -> None:
    # 24 quanta before branches of falling, then rising codes; the last case latches 8 quanta.
    tile = replace(by_hand(), threshold=[thresholds], step_code=[[1, 0, 2, 3]])
    drive = 1 if thresholds[0] == 17 else 3
    expected = {3: 3, 1: 1, 0: 1}[code]
    assert run_kernel(analog_arrays_of(tile), [drive], 0, 0)[1] == [expected]
