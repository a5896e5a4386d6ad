"""Naive twins of the kernels: plain Python, exact integers and fractions, one object a circuit.

They are written from the model's description (what each circuit does in each clock cycle) and not
from the kernels, so that a misreading in one shows as a difference from the other.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from archsim.kernels.record import TileRecord
from archsim.kernels.tile import Activity, TileArrays, ideal_analog

# --------------------------------------------------------------------------------------- a tile


class Cycle(NamedTuple):
    """What a tile did in one clock cycle."""

    phase: str
    step: int
    active_rows: int
    conductance: int
    row_edges: int
    undecided: int
    latched: int
    charge: list[int]

    @property
    def counts(self) -> list[int]:
        return [getattr(self, activity.name.lower()) for activity in Activity]


class Conversion(NamedTuple):
    """What came out of one conversion, and its cycles."""

    charge: list[int]
    code: list[int]
    cycles: list[Cycle]

    @property
    def total(self) -> list[int]:
        return [sum(counts) for counts in zip(*(c.counts for c in self.cycles), strict=True)]


@dataclass
class Column:
    """A differential column with its integrator, comparator and latch."""

    difference: list[int]
    ramp: list[int]
    charge: int | None = None
    code: int | None = None

    def reset(self) -> None:
        self.charge = 0
        self.code = None

    def integrate(self, level: list[int]) -> None:
        """Take the current of one cycle; `level` is each row's drive, -1, 0 or 1 V_read."""
        self.charge += sum(sign * cell for sign, cell in zip(level, self.difference, strict=True))

    def compare(self, step: int) -> bool:
        """Latch `step` if the ramp is above the integrator; return whether it is."""
        trips = self.ramp[step] > self.charge
        if trips:
            self.code = step
        return trips

    @property
    def output(self) -> int:
        """The latched code; the last one where the ramp never was above the integrator."""
        return len(self.ramp) - 1 if self.code is None else self.code


@dataclass(frozen=True)
class NaiveTile:
    """A tile as in section 2 of the model; conductances in steps, thresholds in quanta."""

    plus: list[list[int]]
    minus: list[list[int]]
    threshold: list[list[int]]
    ramp_of_column: list[int]
    n_in: int
    n_out: int
    reset_cycles: int
    readout_cycles: int

    @property
    def rows(self) -> int:
        return len(self.plus)

    @property
    def columns(self) -> int:
        return len(self.ramp_of_column)

    @property
    def ramp_cycles(self) -> int:
        return 2**self.n_out

    @property
    def clock(self) -> list[tuple[str, int]]:
        """Phase, and cycle within the phase, of every cycle of a conversion."""
        lengths = {
            "RESET": self.reset_cycles,
            "INTEGRATE": 2**self.n_in,
            "RAMP": self.ramp_cycles,
            "READOUT": self.readout_cycles,
        }
        return [(phase, step) for phase, length in lengths.items() for step in range(length)]

    def difference(self, row: int, column: int) -> int:
        return self.plus[row][column] - self.minus[row][column]

    def convert(self, drive: list[int]) -> Conversion:
        """Run one conversion; `drive` is each row's sign times its pulse width in cycles."""
        columns = [
            Column(self.cells_of(column), self.threshold[ramp])
            for column, ramp in enumerate(self.ramp_of_column)
        ]
        return self.clock_through(columns, drive)

    def cells_of(self, column: int) -> list[int]:
        return [self.difference(row, column) for row in range(self.rows)]

    def clock_through(self, columns: list[Column], drive: list[int]) -> Conversion:
        """Run `columns` through all cycles of one conversion."""
        assert len(drive) == self.rows
        assert all(abs(width) <= 2**self.n_in - 1 for width in drive)
        cycles = []
        level = [0] * self.rows
        for phase, step in self.clock:
            before = level
            level = [_row_level(width, phase, step) for width in drive]
            cycles.append(self._cycle(columns, phase, step, before, level))
        code = [column.output for column in columns]
        return Conversion([column.charge for column in columns], code, cycles)

    def _cycle(
        self, columns: list[Column], phase: str, step: int, before: list[int], level: list[int]
    ) -> Cycle:
        edges = sum(old != new for old, new in zip(before, level, strict=True))
        assert edges == 0 or phase == "INTEGRATE", "rows switch within the integrate phase"
        active = [row for row in range(self.rows) if level[row] != 0]
        comparing, latched = 0, 0
        for column in columns:
            if phase == "RESET":
                column.reset()
            elif phase == "INTEGRATE":
                column.integrate(level)
            elif phase == "RAMP" and column.code is None:
                comparing += 1
                latched += column.compare(step)
        return Cycle(
            phase=phase,
            step=step,
            active_rows=len(active),
            conductance=sum(sum(self.plus[i]) + sum(self.minus[i]) for i in active),
            row_edges=edges,
            undecided=comparing,
            latched=latched,
            charge=[column.charge for column in columns],
        )


def _row_level(width: int, phase: str, step: int) -> int:
    """Return a row's drive in a cycle, in V_read from V_CLP: its sign for |width| cycles."""
    if phase != "INTEGRATE" or step >= abs(width):
        return 0
    return 1 if width > 0 else -1


# ---------------------------------------------------------------------------------- fixed point


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def naive_pulse_width(value: int, full_scale: int, steps: int) -> int:
    magnitude = min(half_up(Fraction(abs(value), full_scale) * steps), steps)
    return int(math.copysign(magnitude, value))


@dataclass(frozen=True)
class Format:
    """Words of `bits` bits in two's complement, `fraction_bits` of them after the point."""

    bits: int
    fraction_bits: int

    @property
    def limit(self) -> int:
        return 2 ** (self.bits - 1) - 1

    def real(self, word: int) -> Fraction:
        return Fraction(word, 2**self.fraction_bits)

    def word(self, value: Fraction) -> int:
        """Round half up, then saturate."""
        word = half_up(value * 2**self.fraction_bits)
        if word > self.limit:
            return self.limit
        if word < -self.limit - 1:
            return -self.limit - 1
        return word


# --------------------------------------------------------------------------------------- layers


class LSTMStep(NamedTuple):
    """One timestep of an LSTM."""

    code: list[int]
    c: list[int]
    h: list[int]
    h_drive: list[int]
    gates: Conversion
    cell: Conversion | None


@dataclass(frozen=True)
class NaiveLSTM:
    """An LSTM on a gates' tile, with tanh(c) from `table`, or from `cell` where there is one."""

    gates: NaiveTile
    format: Format
    level: list[list[int]]
    table: list[int] = field(default_factory=list)
    table_shift: int = 0
    cell: NaiveTile | None = None
    cell_level: list[int] = field(default_factory=list)
    cell_full_scale: int = 1

    def run(self, x_drive: list[list[int]]) -> list[LSTMStep]:
        """Run one sequence from c = h = 0."""
        units = self.gates.columns // 4
        full_width = 2**self.gates.n_in - 1
        c, h_drive = [0] * units, [0] * units
        steps = []
        for x in x_drive:
            gates = self.gates.convert([*x, *h_drive, full_width])
            value = [
                self.format.real(self.level[self.gates.ramp_of_column[column]][code])
                for column, code in enumerate(gates.code)
            ]
            i, f, g, o = (value[gate * units : (gate + 1) * units] for gate in range(4))
            c = [
                self.format.word(f[u] * self.format.real(c[u]) + i[u] * g[u]) for u in range(units)
            ]
            tanh_c, cell = self._tanh(c)
            h = [self.format.word(o[u] * self.format.real(tanh_c[u])) for u in range(units)]
            one = 2**self.format.fraction_bits
            h_drive = [naive_pulse_width(word, one, full_width) for word in h]
            steps.append(LSTMStep(gates.code, c, h, h_drive, gates, cell))
        return steps

    def _tanh(self, c: list[int]) -> tuple[list[int], Conversion | None]:
        if self.cell is None:
            return [self._look_up(word) for word in c], None
        full_width = 2**self.cell.n_in - 1
        conversion = self.cell.convert(
            [naive_pulse_width(word, self.cell_full_scale, full_width) for word in c]
        )
        return [self.cell_level[code] for code in conversion.code], conversion

    def _look_up(self, word: int) -> int:
        entry = abs(word) // 2**self.table_shift
        magnitude = self.table[entry] if entry < len(self.table) else self.table[-1]
        return -magnitude if word < 0 else magnitude


def naive_linear(weight: list[list[int]], bias: list[int], x: list[int], form: Format) -> list[int]:
    """Multiply and accumulate exactly, round once, saturate."""
    return [
        form.word(
            sum((form.real(w) * form.real(v) for w, v in zip(row, x, strict=True)), form.real(b))
        )
        for row, b in zip(weight, bias, strict=True)
    ]


# ----------------------------------------------------------------------------------- event loop


class Operation(NamedTuple):
    """An operation for `naive_schedule`."""

    resource: int
    duration: int
    priority: int
    release: int
    needs: tuple[int, ...]


def naive_schedule(operations: list[Operation]) -> list[int]:
    """Walk through time; in each cycle each free resource takes the first of those that wait.

    First is the least ``(priority, index)`` of the operations that could start in this cycle.
    """
    start: list[int] = [-1] * len(operations)
    end: list[int | None] = [None] * len(operations)
    resources = {operation.resource for operation in operations}
    free_at = dict.fromkeys(resources, 0)
    never_later = sum(op.duration for op in operations) + max(
        (op.release for op in operations), default=0
    )
    for cycle in range(never_later + 1):
        for resource in resources:
            if free_at[resource] > cycle:
                continue
            ready = [
                (op.priority, index)
                for index, op in enumerate(operations)
                if op.resource == resource
                and end[index] is None
                and op.release <= cycle
                and all(end[need] is not None and end[need] <= cycle for need in op.needs)
            ]
            if ready:
                index = min(ready)[1]
                start[index] = cycle
                end[index] = free_at[resource] = cycle + operations[index].duration
    return start


# ---------------------------------------------------- random tiles, and the kernels' view of them


def random_tile(
    rng: random.Random, *, rows: int, columns: int, n_in: int, n_out: int, ramps: int
) -> NaiveTile:
    """Return a tile whose thresholds lie about where the charges of random drives do."""
    top = rng.choice([1, 3, 15, 4095])
    spread = max(2, round(top * 2**n_in * rows**0.5 / 2))
    ramp_cycles = 2**n_out
    return NaiveTile(
        plus=[[rng.randint(0, top) for _ in range(columns)] for _ in range(rows)],
        minus=[[rng.randint(0, top) for _ in range(columns)] for _ in range(rows)],
        threshold=[
            sorted(rng.randint(-spread, spread) for _ in range(ramp_cycles)) for _ in range(ramps)
        ],
        ramp_of_column=[rng.randrange(ramps) for _ in range(columns)],
        n_in=n_in,
        n_out=n_out,
        reset_cycles=rng.randint(1, 4),
        readout_cycles=rng.randint(1, 4),
    )


def diagonal_tile(tile: NaiveTile) -> NaiveTile:
    """Return the square tile with only its diagonal cells left, as the second pass for tanh(c)."""
    size = tile.rows

    def keep(cells: list[list[int]]) -> list[list[int]]:
        return [[cells[i][j] if i == j else 0 for j in range(size)] for i in range(size)]

    return replace(tile, plus=keep(tile.plus), minus=keep(tile.minus))


def arrays_of(tile: NaiveTile) -> TileArrays:
    """Return the tile as the kernels see it."""
    rows = range(tile.rows)
    return TileArrays(
        difference=np.array(
            [[tile.difference(i, j) for j in range(tile.columns)] for i in rows], dtype=np.int32
        ),
        row_conductance=np.array(
            [sum(tile.plus[i]) + sum(tile.minus[i]) for i in rows], dtype=np.int64
        ),
        threshold=np.array(tile.threshold, dtype=np.int64),
        step_code=np.array([range(2**tile.n_out)] * len(tile.threshold), dtype=np.int64),
        ramp_of_column=np.array(tile.ramp_of_column, dtype=np.int64),
        reset_cycles=tile.reset_cycles,
        integrate_cycles=2**tile.n_in,
        ramp_cycles=2**tile.n_out,
        readout_cycles=tile.readout_cycles,
        analog=ideal_analog(tile.columns),
    )


def assert_recorded(
    record: TileRecord, expected: list[list[Conversion]], slot: list[int], *, waveforms: bool
) -> None:
    """Compare a record with the twins' conversions, ``expected[sequence][conversion]``."""
    assert len(record.activity) == max(slot) + 1
    assert len(record.waveform) == (max(slot) + 1 if waveforms else 0)
    assert record.total.tolist() == [[step.total for step in steps] for steps in expected]
    for steps, place in zip(expected, slot, strict=True):
        if place < 0:
            continue
        cycles = [step.cycles for step in steps]
        assert record.activity[place].tolist() == [[c.counts for c in row] for row in cycles]
        if waveforms:
            assert record.waveform[place].tolist() == [[c.charge for c in row] for row in cycles]
