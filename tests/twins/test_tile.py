"""Does the tile's kernel do in every cycle what the circuit does? Equality is bit for bit."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import NamedTuple

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.kernels.tile import conversion_cycles, convert_cycles, phase_of_cycle
from archsim.vocabulary import N_ACTIVITY, Activity, Phase
from tests.naive import Conversion, NaiveTile, Sharing, arrays_of, cut_rows, random_tile, share

pytestmark = pytest.mark.interpreted

QUICK = bool(numba.config.DISABLE_JIT)
SEEDS = range(4 if QUICK else 14)
LARGEST = 12 if QUICK else 40
DRIVES = ("mixed", "positive", "negative", "zero", "full")
THRESHOLDS = ("rising", "any order", "tied", "never", "at once")
GARBAGE = -99


class Found(NamedTuple):
    """What the kernel did: charge, code, activity by cycle and tile, waveform, ramp cycles."""

    charge: list[int]
    code: list[int]
    activity: list[list[list[int]]]
    waveform: list[list[int]]
    cycles_taken: int


def run_kernel(tile: NaiveTile, drive: list[int], *, waveforms: bool = True) -> Found:
    """Run one conversion into arrays that start as garbage."""
    arrays = arrays_of(tile)
    charge = np.full(tile.columns, GARBAGE, dtype=np.int64)
    code = np.full(tile.columns, GARBAGE, dtype=np.int64)
    tiles = arrays.row_pointer.size - 1
    activity = np.full((arrays.cycles, tiles, N_ACTIVITY), GARBAGE, dtype=np.int64)
    kept = arrays.cycles if waveforms else 0
    waveform = np.full((kept, tile.columns), GARBAGE, dtype=np.int64)
    rows = np.array(drive, dtype=np.int64)
    cycles_taken = convert_cycles(arrays, rows, (0, 0), charge, code, activity, waveform)
    return Found(
        charge.tolist(), code.tolist(), activity.tolist(), waveform.tolist(), int(cycles_taken)
    )


def assert_same(tile: NaiveTile, drive: list[int]) -> Conversion:
    """Compare every number of a conversion with the twin's; return the twin's."""
    twin = tile.convert(drive)
    charge, code, activity, waveform, cycles_taken = run_kernel(tile, drive)
    assert charge == twin.charge
    assert code == twin.code
    assert activity == [cycle.counts for cycle in twin.cycles]
    assert waveform == [cycle.charge for cycle in twin.cycles]
    assert cycles_taken == twin.cycles_taken
    product = np.array(drive, dtype=np.int64) @ arrays_of(tile).difference.astype(np.int64)
    assert charge == product.tolist()
    return twin


def random_drive(rng: random.Random, kind: str, rows: int, full: int) -> list[int]:
    low, high = {
        "mixed": (-full, full),
        "positive": (1, full),
        "negative": (-full, -1),
        "zero": (0, 0),
        "full": (full, full),
    }[kind]
    drive = [rng.randint(low, high) for _ in range(rows)]
    return [rng.choice([-1, 1]) * width for width in drive] if kind == "full" else drive


def with_thresholds(tile: NaiveTile, rng: random.Random, kind: str, charge: list[int]) -> NaiveTile:
    """Return the tile with thresholds placed relative to the charges that it will see."""
    low, high = min(charge), max(charge)
    steps = range(2**tile.n_out)
    ramps = [list(ramp) for ramp in tile.threshold]
    for number, ramp in enumerate(ramps):
        seen = [c for c, r in zip(charge, tile.ramp_of_column, strict=True) if r == number]
        if kind == "any order":
            rng.shuffle(ramp)
        elif kind == "tied" and seen:
            ramp[0] = rng.choice(seen)
            ramp[1:] = [rng.choice(seen) + rng.choice([-1, 0, 0, 1]) for _ in steps[1:]]
        elif kind == "never":
            ramp[:] = [low - rng.randint(0, 3) for _ in steps]
            ramp[-1] = low
        elif kind == "at once":
            ramp[0] = high + 1
    return replace(tile, threshold=ramps)


def random_case(seed: str, drives: str, thresholds: str) -> tuple[NaiveTile, list[int]]:
    rng = random.Random(seed)
    rows, columns = rng.randint(1, LARGEST), rng.randint(1, LARGEST)
    n_in, n_out = rng.randint(1, 6), rng.randint(1, 7)
    tile = random_tile(
        rng, rows=rows, columns=columns, n_in=n_in, n_out=n_out, ramps=rng.randint(1, 3)
    )
    drive = random_drive(rng, drives, rows, 2**n_in - 1)
    return with_thresholds(tile, rng, thresholds, tile.convert(drive).charge), drive


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("thresholds", THRESHOLDS)
@pytest.mark.parametrize("drives", DRIVES)
def test_every_cycle_is_the_twins(drives: str, thresholds: str, seed: int) -> None:
    tile, drive = random_case(f"{drives} {thresholds} {seed}", drives, thresholds)
    twin = assert_same(tile, drive)
    last = 2**tile.n_out - 1
    if thresholds == "never":
        assert twin.code == [last] * tile.columns
        assert twin.total[Activity.LATCHED] == 0
    if thresholds == "at once":
        assert twin.code == [0] * tile.columns
    if thresholds == "tied":
        first = [tile.threshold[ramp][0] for ramp in tile.ramp_of_column]
        tied = [c for c, charge in enumerate(twin.charge) if first[c] == charge]
        assert tied
        assert all(twin.code[column] > 0 for column in tied)


@given(data=st.data())
@settings(max_examples=20 if QUICK else 150)
def test_any_tile_is_the_twins(data: st.DataObject) -> None:
    def integers(low: int, high: int, size: int) -> list[int]:
        return data.draw(st.lists(st.integers(low, high), min_size=size, max_size=size))

    rows, columns, n_in, n_out, ramps = (
        data.draw(st.integers(1, high)) for high in (6, 6, 4, 4, 3)
    )
    tile = NaiveTile(
        plus=[integers(0, 4, columns) for _ in range(rows)],
        minus=[integers(0, 4, columns) for _ in range(rows)],
        threshold=[integers(-20, 20, 2**n_out) for _ in range(ramps)],
        ramp_of_column=integers(0, ramps - 1, columns),
        n_in=n_in,
        n_out=n_out,
        reset_cycles=data.draw(st.integers(1, 4)),
        readout_cycles=data.draw(st.integers(1, 4)),
        heights=cut_rows(random.Random(data.draw(st.integers(0, 999))), rows),
    )
    per_converter, wait = data.draw(st.integers(1, 7)), data.draw(st.integers(0, 2))
    kind = data.draw(st.sampled_from(["ramp", "early stop", "sar"]))
    if kind == "sar":
        tile = replace(tile, sharing=Sharing(per_converter, n_out + wait))
    tile = replace(tile, early_stop=kind == "early stop")
    assert_same(tile, integers(1 - 2**n_in, 2**n_in - 1, rows))


# ------------------------------------------------------- banks of tiles, early stop, converters


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("drives", DRIVES)
def test_tiles_one_below_the_other_are_the_twins(drives: str, seed: int) -> None:
    """Charges and codes are those of one tile; rows are counted where they are."""
    tile, drive = random_case(f"bank {drives} {seed}", drives, "rising")
    heights = cut_rows(random.Random(f"cut {seed}"), tile.rows)
    bank = replace(tile, heights=heights)
    twin, one = assert_same(bank, drive), tile.convert(drive)
    assert len(twin.totals) == len(heights)
    assert (twin.code, twin.charge, twin.total) == (one.code, one.charge, one.total)
    assert all(tile[Activity.UNDECIDED] == 0 for tile in twin.totals[:-1])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("thresholds", THRESHOLDS)
def test_a_ramp_that_stops_early_is_the_twins(thresholds: str, seed: int) -> None:
    tile, drive = random_case(f"stop {thresholds} {seed}", "mixed", thresholds)
    whole = tile.convert(drive)
    twin = assert_same(replace(tile, early_stop=True), drive)
    assert (twin.code, twin.charge, twin.total) == (whole.code, whole.charge, whole.total)
    ramp = [cycle.counts[-1] for cycle in whole.cycles if cycle.phase == "RAMP"]
    latching = [step for step, counts in enumerate(ramp) if counts[Activity.LATCHED] > 0]
    all_latched = whole.total[Activity.LATCHED] == tile.columns
    assert twin.cycles_taken == (latching[-1] + 1 if all_latched else 2**tile.n_out)
    if thresholds == "at once":
        assert twin.cycles_taken == 1
    if thresholds == "never":
        assert twin.cycles_taken == whole.cycles_taken == 2**tile.n_out


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("thresholds", THRESHOLDS)
@pytest.mark.parametrize("drives", DRIVES)
def test_successive_approximation_is_the_twins(drives: str, thresholds: str, seed: int) -> None:
    tile, drive = random_case(f"sar {drives} {thresholds} {seed}", drives, thresholds)
    rng = random.Random(seed)
    shared = replace(share(rng, tile), heights=cut_rows(rng, tile.rows))
    twin = assert_same(shared, drive)
    assert twin.cycles_taken == shared.ramp_cycles
    assert twin.total[Activity.UNDECIDED] == tile.columns * tile.n_out
    assert twin.total[Activity.LATCHED] == tile.columns
    # With thresholds that rise, the codes are those of a ramp.
    rising = replace(tile, threshold=[sorted(ramp) for ramp in tile.threshold])
    ordered = replace(shared, threshold=rising.threshold)
    assert run_kernel(ordered, drive).code == rising.convert(drive).code


def test_a_shared_conversion_worked_out_by_hand() -> None:
    """Three columns, two a converter, 2 bits in 3 cycles: 0 and 2 first, then 1."""
    tile = NaiveTile(
        plus=[[5, 0, 9]],
        minus=[[0, 0, 0]],
        threshold=[[1, 4, 9, 99]],
        ramp_of_column=[0, 0, 0],
        n_in=1,
        n_out=2,
        reset_cycles=1,
        readout_cycles=1,
        sharing=Sharing(2, 3),
    )
    found = run_kernel(tile, [1])
    assert found.charge == [5, 0, 9]
    assert found.code == [2, 0, 3]  # 5 reaches 4 but not 9; 0 reaches nothing; 9 reaches 9
    converted = [tile[0][Activity.UNDECIDED :] for tile in found.activity[3:9]]
    assert converted == [[2, 0], [2, 2], [0, 0], [1, 0], [1, 1], [0, 0]]
    assert found.cycles_taken == 6


# Three rows, two columns, 2-bit input, 1-bit output, worked out by hand.
BY_HAND = NaiveTile(
    plus=[[5, 1], [2, 0], [7, 7]],
    minus=[[1, 4], [0, 6], [7, 6]],
    threshold=[[9, 10], [-2, -1]],
    ramp_of_column=[0, 1],
    n_in=2,
    n_out=1,
    reset_cycles=2,
    readout_cycles=1,
)


def test_two_tiles_stop_early_worked_out_by_hand() -> None:
    # As below, but the first row is a tile of its own, and ramp 0 ends above column 0.
    tile = replace(BY_HAND, threshold=[[11, 12], [-2, -1]], heights=(1, 2), early_stop=True)
    _, code, activity, _, cycles_taken = run_kernel(tile, [3, -1, 0])
    assert (code, cycles_taken) == ([0, 0], 1)
    assert activity == [
        *[[[0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]] * 2,
        [[1, 11, 1, 0, 0], [1, 8, 1, 0, 0]],
        [[1, 11, 0, 0, 0], [0, 0, 1, 0, 0]],
        [[1, 11, 0, 0, 0], [0, 0, 0, 0, 0]],
        [[0, 0, 1, 0, 0], [0, 0, 0, 0, 0]],
        [[0, 0, 0, 0, 0], [0, 0, 0, 2, 2]],
        *[[[0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]] * 2,
    ]


def test_a_conversion_worked_out_by_hand() -> None:
    # Differences: 4, -3; 2, -6; 0, 1. Sums of G+ + G-: 11, 8, 27.
    charge, code, activity, waveform, cycles_taken = run_kernel(BY_HAND, [3, -1, 0])
    assert cycles_taken == 2
    assert charge == [10, -3]
    assert code == [1, 0]  # ramp 0 only ever touches column 0, and never rises above it
    assert all(len(tiles) == 1 for tiles in activity)
    assert [cycle[0] for cycle in activity] == [
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [2, 19, 2, 0, 0],
        [1, 11, 1, 0, 0],
        [1, 11, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 0, 2, 1],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0],
    ]
    assert waveform == [[0, 0], [0, 0], [2, 3], [6, 0]] + [[10, -3]] * 5


@pytest.mark.parametrize(
    ("threshold", "code"),
    [
        ([9, 10, 11, 12], 2),  # equal does not trip
        ([11, 9, 9, 12], 0),  # the first crossing counts, whatever the ramp does later
        ([9, 12, 9, 9], 1),
        ([7, 8, 9, 11], 3),
        ([7, 8, 9, 10], 3),  # never trips: the last code
    ],
)
def test_first_step_above_the_charge_is_latched(threshold: list[int], code: int) -> None:
    tile = replace(BY_HAND, threshold=[threshold, threshold], n_out=2)
    assert run_kernel(tile, [3, -1, 0])[1][0] == code


def test_phases_are_in_order_and_have_their_lengths() -> None:
    for reset, n_in, n_out, readout in itertools.product((1, 3), (1, 3), (1, 2), (1, 4)):
        tile = replace(
            BY_HAND,
            threshold=[[0] * 2**n_out] * 2,
            n_in=n_in,
            n_out=n_out,
            reset_cycles=reset,
            readout_cycles=readout,
        )
        arrays = arrays_of(tile)
        assert arrays.cycles == conversion_cycles(arrays) == reset + 2**n_in + 2**n_out + readout
        got = [phase_of_cycle(arrays, cycle) for cycle in range(arrays.cycles)]
        names = {"RAMP": "CONVERT"}  # a ramp is the phase of conversion to kernels
        assert got == [(Phase[names.get(phase, phase)], step) for phase, step in tile.clock]


def test_the_waveform_is_optional_and_changes_nothing() -> None:
    tile, drive = random_case("waveform", "mixed", "rising")
    with_waveform = run_kernel(tile, drive)
    without = run_kernel(tile, drive, waveforms=False)
    assert without._replace(waveform=with_waveform.waveform) == with_waveform
    assert without.waveform == []
