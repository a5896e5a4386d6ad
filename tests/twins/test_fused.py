"""Does the fused kernel give the bits of the cycle kernel, and say when it cannot?

Layers are random over every option that it takes; the same banks are converted once fused and once
cycle by cycle, and everything that a conversion leaves behind is compared.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numba
import numpy as np
import pytest

from archsim.kernels.bank import AnalogArrays, BankArrays, ideal_analog
from archsim.kernels.charges import charges_of_bank
from archsim.kernels.energy import TileEnergy
from archsim.kernels.join import join_banks
from archsim.kernels.matrix import Matrix, bank_at
from archsim.kernels.record import KEPT, recorded_counts, recorded_energy
from archsim.kernels.scratch import make_scratch
from archsim.kernels.thresholds import NARROW_NEVER
from archsim.kernels.tile import convert_cycles
from archsim.numeric.inner.loops import LANES
from archsim.numeric.weighted import add_weighted, make_weights
from archsim.vocabulary import N_ACTIVITY
from tests.banks import kind_of, made_bank
from tests.counting import assert_same_record, bits_of, counting_energies
from tests.random_layer import QUICK, Array, Case, random_case, random_phases

# The interpreter says so where compiled integers wrap around in silence.
pytestmark = [
    pytest.mark.interpreted,
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
]

CHUNKS = range(3 if QUICK else 24)
CASES_A_CHUNK = 4 if QUICK else 50
WIDEST = 4 if QUICK else 15
"""Bits of the widest pulses that an int16 holds."""


def assert_same(case: Case) -> None:
    """Compare everything that both kernels leave behind."""
    fused, by_cycle = case.matrix(fused=True), case.matrix(fused=False)
    assert fused.kernel(waveforms=False) == "fused"
    assert by_cycle.kernel(waveforms=False) == "cycles: the cycle kernel was asked for"
    assert (fused.cycles, fused.tiles, fused.columns) == (
        by_cycle.cycles,
        by_cycle.tiles,
        by_cycle.columns,
    )
    code, record = case.run(fused)
    expected_code, expected = case.run(by_cycle)
    np.testing.assert_array_equal(code, expected_code)
    assert_same_record(record, expected)
    if fused.is_ideal:
        ideal_code, ideal_record = case.run(fused, ideal=True)
        np.testing.assert_array_equal(ideal_code, expected_code)
        assert_same_record(ideal_record, expected)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", CHUNKS)
def test_every_bit_is_the_cycle_kernels(chunk: int) -> None:
    for number in range(CASES_A_CHUNK):
        assert_same(random_case(chunk, number))


@pytest.mark.parametrize("number", range(3 if QUICK else 12))
def test_every_bit_is_the_cycle_kernels_with_the_widest_pulses(number: int) -> None:
    case = random_case(5000, number, input_bits=WIDEST)
    assert case.drive.dtype == np.int16
    assert_same(case)


@pytest.mark.parametrize("number", range(1 if QUICK else 6))
def test_every_bit_is_the_cycle_kernels_with_more_rows_than_an_int32_adds_up(number: int) -> None:
    case = random_case(7000, number, input_bits=3 if QUICK else 8, rows=300)
    case = replace(case, banks=[with_the_largest_cells(bank) for bank in case.banks])
    assert QUICK or 2 * case.matrix(fused=True).arrays.charge.block < 300
    assert_same(case)


def with_the_largest_cells(bank: BankArrays) -> BankArrays:
    """Return a bank with all cells at either end of an int16."""
    cells = np.where(bank.difference % 2 == 0, 32767, -32767).astype(np.int16)
    return bank._replace(difference=cells)


# ----------------------------------------------------------------- what the cycle kernel itself is


def cycle_by_cycle(case: Case, index: int) -> tuple[Array, Array]:
    """Return charges (sequences, columns) and activity (sequences, cycles, tiles, N_ACTIVITY)."""
    matrix = case.matrix(fused=False)
    start, bank = case.inputs[index], bank_at(matrix.arrays, matrix.cycle_by_cycle, index)
    rows, columns = bank.difference.shape
    sequences, tiles = case.drive.shape[0], bank.row_pointer.size - 1
    charge = np.empty((sequences, columns), dtype=np.int64)
    code = np.empty(columns, dtype=np.int64)
    activity = np.empty((sequences, bank.cycles, tiles, N_ACTIVITY), dtype=np.int64)
    waveform = np.empty((0, columns), dtype=np.int64)
    for sequence, mine in enumerate(case.drive[:, start : start + rows].astype(np.int64)):
        where = charge[sequence], code, activity[sequence], waveform
        convert_cycles(bank, mine, (case.first + sequence, case.conversion), *where)
    return charge, activity


@pytest.mark.parametrize("number", range(5 if QUICK else 60))
def test_charges_are_the_cycle_kernels(number: int) -> None:
    case = random_case(1000, number)
    matrix = case.matrix(fused=True)
    assert matrix.kernel(waveforms=False) == "fused"
    sequences = case.drive.shape[0]
    for index, bank in enumerate(case.banks):
        columns = bank.difference.shape[1]
        size = sequences, -(-columns // LANES) * LANES
        extra, when = matrix.imperfections, (case.first, case.conversion)
        scratch = make_scratch(matrix.arrays, extra, sequences)
        charges_of_bank(matrix.arrays, index, case.flat_drive, sequences, when, scratch, extra)
        seen = scratch.seen[: size[0] * size[1]].reshape(size)[:, :columns]
        expected = cycle_by_cycle(case, index)[0] + bank.analog.comparator_offset
        np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "by cycle"])
@pytest.mark.parametrize("number", range(5 if QUICK else 60))
def test_kept_cycles_have_the_counts_and_the_energy_of_the_cycle_kernel(
    number: int, fused: bool
) -> None:
    case = random_case(6000, number)
    matrix = case.matrix(fused=fused)
    _, record = case.run(matrix)
    kept = np.flatnonzero(case.recorded >= 0)
    tile = 0
    for index, bank in enumerate(case.banks):
        _, activity = cycle_by_cycle(case, index)
        for of_tile in np.moveaxis(activity, 2, 0):
            fixed, per_activity = case.energies[tile]
            counted = np.ascontiguousarray(of_tile[:, : fixed.shape[0]])
            assert not of_tile[:, fixed.shape[0] :].any(), "tiles at rest do nothing"
            counts, energy = (
                recorded_counts(matrix, record, tile),
                recorded_energy(matrix, record, tile),
            )
            for sequence in kept:
                place = case.recorded[sequence], case.conversion
                expected = np.empty_like(fixed)
                add_weighted(fixed, make_weights(per_activity), counted[sequence], expected)
                np.testing.assert_array_equal(bits_of(energy[place].T.copy()), bits_of(expected))
                np.testing.assert_array_equal(counts[:, *place].T, counted[sequence][:, list(KEPT)])
            tile += 1
        assert bank.cycles == activity.shape[1]
    assert tile == matrix.tiles == len(case.energies)


# ------------------------------------------------------------------------------- kinds of cases


def kinds_of(case: Case) -> set[object]:
    matrix, bank = case.matrix(fused=True), case.banks[0]
    heights = [bank.difference.shape[0] for bank in case.banks]
    widths = [bank.difference.shape[1] for bank in case.banks]
    arrays, extra, kind = matrix.arrays, matrix.imperfections, kind_of(bank)
    sequences, table = case.drive.shape[0], arrays.readout.table
    runs, steps = table.run, bank.convert_cycles
    noisy_ramp = kind == "ramp" and extra.readout.sigma.size > 0
    tiles = [np.diff(bank.row_pointer) for bank in case.banks]
    per_component = [(energy.per_activity > 0).sum(axis=0) for energy in case.energies]
    seen: set[object] = {("layers", arrays.charge.layers), ("digits", arrays.charge.digits)}
    seen |= {("rows", 2 * arrays.charge.block >= max(heights)), ("squares", extra.noise.digits)}
    seen |= {("early", bank.early_stop), ("kind", kind), ("tiles", tiles[0].size)}
    seen |= {("read", extra.noise.cell.size > 0), ("ramp", noisy_ramp)}
    seen |= {("few", steps <= 64), ("recorded", bool(case.recorded.max() >= 0))}
    seen |= {("narrow", extra.narrow, kind), ("ideal", matrix.is_ideal)}
    seen |= {("sequences", min(sequences, 10)), ("heights differ", len(set(heights)) > 1)}
    seen |= {("odd", rows % 2) for rows in heights}
    seen |= {("in panels", columns % 16 == 0) for columns in widths}
    seen |= {("columns", min(columns // 64, 2)) for columns in widths}
    seen |= {("long run", bool((runs["end"] - runs["first"] > 64).any()))}
    seen |= {("runs", count > 1) for count in np.bincount(table.run["bank"])}
    seen |= {("counts", last >= 0) for last in runs["last_code"]}
    seen |= {("empty tile", bool((rows == 0).any())) for rows in tiles}
    seen |= {("at rest", energy.fixed.shape[0] < bank.cycles) for energy in case.energies}
    seen |= {("activities", min(count, 2)) for counts in per_component for count in counts.tolist()}
    if kind == "ramp":
        seen |= {("steps", steps), ("more than a byte", steps > 256)}
    return seen


def test_cases_are_of_every_kind() -> None:
    cases = (random_case(chunk, n) for chunk in CHUNKS for n in range(CASES_A_CHUNK))
    seen = {kind for case in cases for kind in kinds_of(case)}
    either = ("read", "ramp", "few", "recorded", "in panels", "runs", "counts", "ideal", "at rest")
    either += ("empty tile", "long run", "heights differ", "more than a byte")
    wanted: set[object] = {(name, on) for name in either for on in (True, False)}
    wanted |= {("layers", 1), ("layers", 2), ("digits", 1), ("squares", 2), ("rows", True)}
    wanted |= {("early", 0), ("early", 1), ("kind", "ramp"), ("kind", "sar")}
    wanted |= {("narrow", on, kind) for on in (0, 1) for kind in ("ramp", "sar")}
    wanted |= {("columns", some) for some in (0, 1, 2)} | {("odd", some) for some in (0, 1)}
    wanted |= {("activities", some) for some in (0, 1, 2)} | {("tiles", n) for n in (1, 2, 3)}
    wanted |= {("sequences", some) for some in range(1, 11)}
    wanted |= {("steps", some) for some in (63, 64, 255, 256)}
    assert QUICK or wanted <= seen, wanted - seen


# ------------------------------------------------------------------------------------ other blocks


@pytest.mark.parametrize("number", range(2 if QUICK else 20))
def test_batches_and_blocks_do_not_matter(number: int) -> None:
    case = random_case(2000, number, imperfections=("read", "ramp", "offset"))
    whole, _ = case.run(case.matrix(fused=True))
    for sequence in range(case.drive.shape[0]):
        drive = case.drive[sequence : sequence + 1]
        one = replace(
            case, drive=drive, recorded=case.recorded[:1] * 0 - 1, first=case.first + sequence
        )
        np.testing.assert_array_equal(one.run(one.matrix(fused=True))[0][0], whole[sequence])


@pytest.mark.parametrize("number", range(2 if QUICK else 20))
def test_only_sequences_with_waveforms_are_converted_cycle_by_cycle(number: int) -> None:
    case = random_case(3000, number)
    fused, by_cycle = case.matrix(fused=True), case.matrix(fused=False)
    assert fused.kernel(waveforms=True) == "cycles: waveforms are recorded"
    code, record = case.run(fused, waveforms=True)
    expected_code, expected = case.run(by_cycle, waveforms=True)
    np.testing.assert_array_equal(code, expected_code)
    assert_same_record(record, expected)


# ------------------------------------------------------------------------------- which kernel it is


def bank_for(**changes: Any) -> BankArrays:
    phases = random_phases(np.random.default_rng(0), 3, 3, 4)
    shape = {"kind": "ramp", "convert_cycles": 8, "columns_per_converter": 1}
    analog = {key: changes.pop(key) for key in list(changes) if key in AnalogArrays._fields}
    usual = {
        "difference": np.ones((3, 4), dtype=np.int16),
        "row_conductance": np.ones(3, dtype=np.int64),
        "row_pointer": np.array([0, 3]),
        "threshold": np.arange(8)[None, :],
        "step_code": np.arange(8)[None, :],
        "ramp_of_column": np.zeros(4, dtype=np.int64),
        "analog": ideal_analog(4)._replace(**analog),
    }
    return made_bank(**(usual | phases | shape | changes))


def matrix_for(bank: BankArrays) -> Matrix:
    energy = TileEnergy(np.zeros((1, N_ACTIVITY)), np.eye(N_ACTIVITY))
    return join_banks([bank], [0], [np.arange(4)], [energy])


TOO_WIDE = "cycles: pulse widths or conductances are too wide"
SAR = {"kind": "sar", "columns_per_converter": 4}


@pytest.mark.parametrize(
    ("changes", "kernel_name"),
    [
        ({}, "fused"),
        ({"leak": 0.01}, "cycles: integrators leak in every cycle"),
        ({"rail_high": 100}, "cycles: integrators saturate in every cycle"),
        ({"decision_sigma": 1.0}, "cycles: every comparison has noise of its own"),
        ({"kind": "serial"}, "cycles: bit planes are converted one by one"),
        ({**SAR, "cycles_per_conversion": 3, "convert_cycles": 12}, "fused"),
        (
            {**SAR, "cycles_per_conversion": 2, "convert_cycles": 8},
            "cycles: converters do not decide every bit of every column",
        ),
        (
            {**SAR, "cycles_per_conversion": 3, "convert_cycles": 9},
            "cycles: converters do not decide every bit of every column",
        ),
        ({"integrate_cycles": 2**47}, TOO_WIDE),
        ({"row_conductance": np.full(3, 1 << 41)}, TOO_WIDE),
    ],
)
def test_the_kernel_is_chosen_and_named(changes: dict[str, Any], kernel_name: str) -> None:
    matrix = matrix_for(bank_for(**changes))
    assert matrix.kernel(waveforms=False) == kernel_name
    assert (matrix.arrays.readout is None) == (kernel_name != "fused")
    assert matrix.is_ideal == (kernel_name == "fused")


def test_kernels_are_compiled_for_few_types_of_matrices_only() -> None:
    """A kind of converters has charges of 32 bits, of 64, and what is converted cycle by cycle."""
    types: set[tuple[str, int, str]] = set()
    for number in range(4 if QUICK else 100):
        case = random_case(9000, number)
        kind = kind_of(case.banks[0])
        for matrix in (case.matrix(fused=fused) for fused in (True, False)):
            parts = matrix.arrays, matrix.imperfections, matrix.cycle_by_cycle
            types.add((kind, matrix.imperfections.narrow, str([numba.typeof(p) for p in parts])))
    assert len(types) == 6 or QUICK


@pytest.mark.parametrize("noise", ["read", "ramp"])
def test_noise_is_not_ideal(noise: str) -> None:
    case = random_case(8000, imperfections=(noise,))
    matrix = case.matrix(fused=True)
    assert matrix.kernel(waveforms=False) == "fused"
    assert not matrix.is_ideal


@pytest.mark.parametrize("name", ["offset", "comparator_offset"])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("beyond", [0, 1])
def test_charges_at_the_end_of_32_bits_are_the_cycle_kernels(
    name: str, sign: int, beyond: int
) -> None:
    """Offsets take charges to the largest that an int32 keeps apart from what none reaches."""
    rows, largest = 3, NARROW_NEVER - 2 + beyond
    charge = rows * 7 * 32767
    offset = sign * (largest - charge)
    near = np.array([-2, -1, 0, 1, 2, 3, 1 << 40, 1 << 61]) + largest
    bank = bank_for(
        difference=np.full((rows, 4), 32767, dtype=np.int16),
        **{name: np.array([offset, offset, 0, 0])},
        threshold=np.stack([near, -near[::-1]]),
        step_code=np.stack([np.arange(8)] * 2),
        ramp_of_column=np.array([0, 1, 0, 1]),
    )
    drive = np.array([[7] * rows, [-7] * rows, [7, 0, 0]], dtype=np.int16)
    recorded, columns = np.arange(3), [np.arange(4)]
    case = Case([bank], [0], columns, counting_energies([bank]), drive, 0, recorded, 0, 0)
    assert case.matrix(fused=True).imperfections.narrow == 1 - beyond
    assert_same(case)
    seen = cycle_by_cycle(case, 0)[0] + bank.analog.comparator_offset
    assert np.abs(seen).max() == largest
