"""Is the memory of records used again where it fits, and never seen in what comes next?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from archsim.kernels.energy import TileEnergy
from archsim.kernels.matrix import Matrix
from archsim.kernels.record import MatrixRecord, make_record, recorded_energy, rows_of_cycles
from tests.counting import assert_same_record
from tests.random_layer import QUICK, Case, random_case

# The interpreter says so where compiled integers wrap around in silence.
pytestmark = [
    pytest.mark.interpreted,
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
]

NUMBERS = range(2 if QUICK else 40)
MEMORY = ("total", "cycles_taken", "counts", "energy", "waveform")


def case_of(number: int) -> Case:
    """Return a case whose only conversion is its first, so that all of a record is written."""
    return replace(random_case(4000, number), conversion=0)


def before(case: Case) -> Case:
    """Return the block before: other inputs, and other sequences are kept."""
    recorded = case.recorded[::-1].copy()
    return replace(case, drive=-case.drive[::-1], recorded=recorded, first=case.first + 7)


@pytest.mark.parametrize("waveforms", [False, True], ids=["counts", "waveforms"])
@pytest.mark.parametrize("fused", [True, False], ids=["fused", "by cycle"])
@pytest.mark.parametrize("number", NUMBERS)
def test_what_was_in_the_memory_is_not_seen_again(
    number: int, fused: bool, waveforms: bool
) -> None:
    case = case_of(number)
    matrix = case.matrix(fused=fused)
    code, fresh = case.run(matrix, waveforms=waveforms)
    _, reusable = before(case).run(matrix, waveforms=waveforms)
    again_code, again = case.run(matrix, waveforms=waveforms, reusable=reusable)
    for name in MEMORY:
        assert getattr(again, name) is getattr(reusable, name)
    np.testing.assert_array_equal(again_code, code)
    assert_same_record(again, fresh)


@pytest.mark.parametrize("number", NUMBERS)
def test_what_was_in_the_memory_is_not_seen_by_ideal_conversions(number: int) -> None:
    case = replace(random_case(4500, number, imperfections=()), conversion=0)
    matrix = case.matrix(fused=True)
    ideal = matrix.is_ideal
    code, fresh = case.run(matrix)
    _, reusable = before(case).run(matrix, ideal=ideal)
    again_code, again = case.run(matrix, ideal=ideal, reusable=reusable)
    np.testing.assert_array_equal(again_code, code)
    assert_same_record(again, fresh)


def test_some_of_these_conversions_stop_early() -> None:
    early = 0
    for number in NUMBERS:
        case = case_of(number)
        _, record = case.run(case.matrix(fused=True))
        kept = record.cycles_taken[record.recorded >= 0]
        early += bool((kept < case.banks[0].convert_cycles).any())
    assert QUICK or early >= 5


# ------------------------------------------------------------------------------------- other shapes


def changed(case: Case, matrix: Matrix, kind: str) -> tuple[Case, Matrix]:
    """Return a case and its layer, with one size that is not what it was."""
    if kind == "sequences":
        drive = np.concatenate([case.drive, case.drive[:1]])
        return replace(case, drive=drive, recorded=np.append(case.recorded, -1)), matrix
    if kind == "kept sequences":
        return replace(case, recorded=np.full_like(case.recorded, -1)), matrix
    if kind == "conversions":
        return replace(case, conversion=case.conversion + 1), matrix
    banks, energies = case.banks, case.energies
    if kind == "cycles":
        banks = [bank._replace(reset_cycles=bank.reset_cycles + 1) for bank in banks]
        energies = [TileEnergy(np.vstack([e.fixed[:1], e.fixed]), e[1]) for e in energies]
    if kind == "components":
        energies = [TileEnergy(*(np.hstack([a, a]) for a in energy)) for energy in energies]
    if kind == "tiles":
        energies = [energy for energy in energies for _ in range(2)]
        rows = [np.repeat(bank.row_pointer, 2)[1:] for bank in banks]
        banks = [bank._replace(row_pointer=row) for bank, row in zip(banks, rows, strict=True)]
    if kind == "banks":
        case = replace(case, inputs=case.inputs * 2, columns=case.columns * 2)
        banks, energies = banks * 2, energies * 2
    other = replace(case, banks=banks, energies=energies)
    return other, other.matrix(fused=True)


def record_of(case: Case, matrix: Matrix, reusable: MatrixRecord | None = None) -> MatrixRecord:
    sizes = {"first": case.first, "conversions": case.conversion + 1, "waveforms": False}
    return make_record(matrix, case.recorded, **sizes, reusable=reusable)


@pytest.mark.parametrize(
    "kind",
    ["sequences", "kept sequences", "conversions", "cycles", "components", "tiles", "banks"],
)
def test_memory_of_another_size_is_not_used_again(kind: str) -> None:
    case = random_case(4000, 0)
    case = replace(case, recorded=np.arange(case.drive.shape[0]))
    matrix = case.matrix(fused=True)
    reusable = record_of(case, matrix)
    assert record_of(case, matrix, reusable).energy is reusable.energy
    other, other_matrix = changed(case, matrix, kind)
    expected, record = record_of(other, other_matrix), record_of(other, other_matrix, reusable)
    assert all(getattr(record, name) is not getattr(reusable, name) for name in MEMORY)
    assert_same_record(record, expected)


def test_memory_for_waveforms_is_only_used_for_waveforms() -> None:
    case = case_of(0)
    case = replace(case, recorded=np.arange(case.drive.shape[0]))
    matrix = case.matrix(fused=False)
    for waveforms in (True, False):
        _, reusable = case.run(matrix, waveforms=waveforms)
        _, other = case.run(matrix, waveforms=not waveforms, reusable=reusable)
        assert other.energy is not reusable.energy
        assert (other.waveform.size > 0) != waveforms


# ------------------------------------------------------------------------------ rows for the trace


@pytest.mark.parametrize("number", range(2 if QUICK else 10))
def test_rows_of_cycles_are_the_energy_and_lie_in_spare_memory(number: int) -> None:
    case = case_of(number)
    matrix = case.matrix(fused=True)
    _, record = case.run(matrix)
    for tile in range(matrix.tiles):
        energy = recorded_energy(matrix, record, tile)
        rows = rows_of_cycles(energy)
        expected = energy.swapaxes(2, 3).reshape(-1, energy.shape[2])
        np.testing.assert_array_equal(rows, expected)
        rows[:] = np.nan
        again = rows_of_cycles(energy, rows)
        assert again is rows
        np.testing.assert_array_equal(again, expected)
        other = rows_of_cycles(energy, np.full((3, 99), np.nan))
        np.testing.assert_array_equal(other, expected)
