"""Naive twins of the kernels: plain Python, exact integers and fractions, one object a circuit.

They are written from the model's description (what each circuit does in each clock cycle) and not
from the kernels, so that a misreading in one shows as a difference from the other.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from archsim.kernels.bank import BankArrays, ideal_analog
from archsim.kernels.join import join_banks
from archsim.kernels.matrix import Matrix
from archsim.kernels.record import MatrixRecord, totals
from archsim.vocabulary import Activity
from tests.banks import made_bank
from tests.counting import activity_of, counting_energies

# --------------------------------------------------------------------------------------- a bank

Counts = list[int]
"""One number for each `Activity`."""


class Cycle(NamedTuple):
    """What a bank did in one clock cycle: counts of each of its tiles, and the columns' charge."""

    phase: str
    step: int
    counts: list[Counts]
    charge: list[int]


class Conversion(NamedTuple):
    """What came out of one conversion, its cycles, and how many of the ramp's took place."""

    charge: list[int]
    code: list[int]
    cycles: list[Cycle]
    cycles_taken: int

    @property
    def totals(self) -> list[Counts]:
        """Counts of each tile, over all cycles."""
        of_tiles = zip(*(cycle.counts for cycle in self.cycles), strict=True)
        return [[sum(counts) for counts in zip(*tile, strict=True)] for tile in of_tiles]

    @property
    def total(self) -> Counts:
        """Counts over all cycles and tiles."""
        return [sum(counts) for counts in zip(*self.totals, strict=True)]


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

    def reaches(self, code: int) -> bool:
        """Say whether the charge is not below the threshold of `code`, 1 or more."""
        return self.ramp[code - 1] <= self.charge

    @property
    def output(self) -> int:
        """The latched code; the last one where the ramp never was above the integrator."""
        return len(self.ramp) - 1 if self.code is None else self.code


@dataclass
class Successive:
    """A converter that looks for the code of one column after the other, halving what is left."""

    columns: list[Column]
    n_out: int
    cycles: int
    low: int = 0
    high: int = 0

    def step(self, step: int) -> tuple[int, int]:
        """Work for one cycle; return how many columns were compared, and how many latched."""
        turn, cycle = step // self.cycles, step % self.cycles
        if turn >= len(self.columns) or cycle >= self.n_out:
            return 0, 0
        column = self.columns[turn]
        if cycle == 0:
            self.low, self.high = 0, 2**self.n_out - 1
        middle = (self.low + self.high + 1) // 2
        if column.reaches(middle):
            self.low = middle
        else:
            self.high = middle - 1
        if self.low < self.high:
            return 1, 0
        column.code = self.low
        return 1, 1


class Sharing(NamedTuple):
    """Converters by successive approximation: columns of each, and cycles for a column."""

    columns: int
    cycles: int


@dataclass(frozen=True)
class NaiveTile:
    """A bank as in section 2 of the model; conductances in steps, thresholds in quanta.

    `heights` are the rows of each of its tiles, one tile where they are not given; `sharing` makes
    it convert by successive approximation.
    """

    plus: list[list[int]]
    minus: list[list[int]]
    threshold: list[list[int]]
    ramp_of_column: list[int]
    n_in: int
    n_out: int
    reset_cycles: int
    readout_cycles: int
    heights: tuple[int, ...] = ()
    early_stop: bool = False
    sharing: Sharing | None = None

    @property
    def tile_rows(self) -> list[list[int]]:
        """The rows of each tile, by their number in the bank."""
        left = list(range(self.rows))
        tiles = [[left.pop(0) for _ in range(height)] for height in self.heights or (self.rows,)]
        assert not left
        return tiles

    @property
    def rows(self) -> int:
        return len(self.plus)

    @property
    def columns(self) -> int:
        return len(self.ramp_of_column)

    @property
    def ramp_cycles(self) -> int:
        if self.sharing is not None:
            return self.sharing.columns * self.sharing.cycles
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
        converters = self._converters(columns)
        cycles: list[Cycle] = []
        level = [0] * self.rows
        cycles_taken = 0
        for phase, step in self.clock:
            before = level
            level = [_row_level(width, phase, step) for width in drive]
            compared, latched = 0, 0
            if phase == "RESET":
                for column in columns:
                    column.reset()
            elif phase == "INTEGRATE":
                for column in columns:
                    column.integrate(level)
            elif phase == "RAMP" and not self._stopped(columns):
                compared, latched = self._convert_cycle(columns, converters, step)
                cycles_taken += 1
            counts = self._counts(phase, before, level)
            counts[-1][Activity.UNDECIDED] = compared
            counts[-1][Activity.LATCHED] = latched
            cycles.append(Cycle(phase, step, counts, [column.charge for column in columns]))
        code = [column.output for column in columns]
        return Conversion([column.charge for column in columns], code, cycles, cycles_taken)

    def _converters(self, columns: list[Column]) -> list[Successive]:
        if self.sharing is None:
            return []
        each, cycles = self.sharing
        return [
            Successive(columns[first : first + each], self.n_out, cycles)
            for first in range(0, len(columns), each)
        ]

    def _stopped(self, columns: list[Column]) -> bool:
        return self.early_stop and all(column.code is not None for column in columns)

    def _convert_cycle(
        self, columns: list[Column], converters: list[Successive], step: int
    ) -> tuple[int, int]:
        """Run one cycle of the ramp, or of shared converters; count comparisons and latches."""
        if self.sharing is not None:
            done = [converter.step(step) for converter in converters]
            return sum(compared for compared, _ in done), sum(latched for _, latched in done)
        waiting = [column for column in columns if column.code is None]
        return len(waiting), sum(column.compare(step) for column in waiting)

    def _counts(self, phase: str, before: list[int], level: list[int]) -> list[Counts]:
        """Count the rows of each tile that drive and that switch, and their conductances."""
        counts = []
        for rows in self.tile_rows:
            active = [row for row in rows if level[row] != 0]
            edges = sum(before[row] != level[row] for row in rows)
            assert edges == 0 or phase == "INTEGRATE", "rows switch within the integrate phase"
            of_tile = [0] * len(Activity)
            of_tile[Activity.ACTIVE_ROWS] = len(active)
            of_tile[Activity.CONDUCTANCE] = sum(
                sum(self.plus[row]) + sum(self.minus[row]) for row in active
            )
            of_tile[Activity.ROW_EDGES] = edges
            counts.append(of_tile)
        return counts


def _row_level(width: int, phase: str, step: int) -> int:
    """Return a row's drive in a cycle, in V_read from V_CLP: its sign for |width| cycles."""
    if phase != "INTEGRATE" or step >= abs(width):
        return 0
    return 1 if width > 0 else -1


class Placed(NamedTuple):
    """A bank of a layer: the first input that drives its rows, and the layer's columns it has."""

    bank: NaiveTile
    first_input: int
    columns: list[int]


class MatrixConversion(NamedTuple):
    """Codes of a layer's columns, summed over row blocks, and what each bank did."""

    code: list[int]
    banks: list[Conversion]


@dataclass(frozen=True)
class NaiveMatrix:
    """The banks of a layer: beside each other, and below where partial sums are converted."""

    placed: list[Placed]

    @property
    def columns(self) -> int:
        return len({column for placed in self.placed for column in placed.columns})

    @property
    def n_in(self) -> int:
        return self.placed[0].bank.n_in

    @property
    def inputs(self) -> int:
        return max(first + bank.rows for bank, first, _ in self.placed)

    def convert(self, drive: list[int]) -> MatrixConversion:
        """Run one conversion of every bank; `drive` is that of the layer's inputs."""
        code, banks = [0] * self.columns, []
        for bank, first, columns in self.placed:
            done = bank.convert(drive[first : first + bank.rows])
            banks.append(done)
            for column, latched in zip(columns, done.code, strict=True):
                code[column] += latched
        return MatrixConversion(code, banks)


def one_bank(tile: NaiveTile) -> NaiveMatrix:
    """Return the layer that fits on one bank."""
    return NaiveMatrix([Placed(tile, 0, list(range(tile.columns)))])


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
    gates: MatrixConversion
    cell: MatrixConversion | None
    projection: MatrixConversion | None


@dataclass(frozen=True)
class NaiveLSTM:
    """An LSTM on its gates' tiles, with tanh(c) from `table`, or from `cell` where there is one.

    `level` has the values of each gate's codes; `projection` makes h of o * tanh(c). A full pulse
    width of h stands for `h_full_scale`, by default 1 as that of what goes into the projection.
    """

    gates: NaiveMatrix
    format: Format
    level: list[list[int]]
    table: list[int] = field(default_factory=list)
    table_shift: int = 0
    cell: NaiveMatrix | None = None
    cell_level: list[int] = field(default_factory=list)
    cell_full_scale: int = 1
    projection: NaiveMatrix | None = None
    projection_level: list[int] = field(default_factory=list)
    h_full_scale: int = 0

    def __post_init__(self) -> None:
        if self.h_full_scale == 0:
            object.__setattr__(self, "h_full_scale", 2**self.format.fraction_bits)

    @property
    def elements(self) -> int:
        """Elements of h."""
        return self.projection.columns if self.projection else self.gates.columns // 4

    def run(
        self, x_drive: list[list[int]], start: tuple[list[int], list[int]] | None = None
    ) -> list[LSTMStep]:
        """Run one sequence from words of h and c, by default from c = h = 0."""
        units = self.gates.columns // 4
        full_width = 2**self.gates.n_in - 1
        h, c = start or ([0] * self.elements, [0] * units)
        h_drive = self._encode(h, self.h_full_scale)
        steps = []
        for x in x_drive:
            gates = self.gates.convert([*x, *h_drive, full_width])
            value = [
                self.format.real(self.level[column // units][code])
                for column, code in enumerate(gates.code)
            ]
            i, f, g, o = (value[gate * units : (gate + 1) * units] for gate in range(4))
            c = [
                self.format.word(f[u] * self.format.real(c[u]) + i[u] * g[u]) for u in range(units)
            ]
            tanh_c, cell = self._tanh(c)
            m = [self.format.word(o[u] * self.format.real(tanh_c[u])) for u in range(units)]
            h, projection = self._project(m)
            h_drive = self._encode(h, self.h_full_scale)
            steps.append(LSTMStep(gates.code, c, h, h_drive, gates, cell, projection))
        return steps

    def _encode(self, words: list[int], full_scale: int) -> list[int]:
        full_width = 2**self.gates.n_in - 1
        return [naive_pulse_width(word, full_scale, full_width) for word in words]

    def _tanh(self, c: list[int]) -> tuple[list[int], MatrixConversion | None]:
        if self.cell is None:
            return [self._look_up(word) for word in c], None
        full_width = 2**self.cell.n_in - 1
        conversion = self.cell.convert(
            [naive_pulse_width(word, self.cell_full_scale, full_width) for word in c]
        )
        return [self.cell_level[code] for code in conversion.code], conversion

    def _project(self, m: list[int]) -> tuple[list[int], MatrixConversion | None]:
        if self.projection is None:
            return m, None
        conversion = self.projection.convert(self._encode(m, 2**self.format.fraction_bits))
        return [self.projection_level[code] for code in conversion.code], conversion

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


def cut_rows(rng: random.Random, rows: int) -> tuple[int, ...]:
    """Return the heights of up to four tiles, none of them empty."""
    edges = sorted(rng.sample(range(1, rows), rng.randint(0, min(3, rows - 1))))
    return tuple(b - a for a, b in pairwise([0, *edges, rows]))


def share(rng: random.Random, tile: NaiveTile) -> NaiveTile:
    """Return the tile with converters by successive approximation."""
    columns = rng.randint(1, tile.columns + 2)
    return replace(tile, sharing=Sharing(columns, tile.n_out + rng.choice([0, 0, 1, 5])))


def arrays_of(tile: NaiveTile) -> BankArrays:
    """Return the bank as the kernels see it."""
    rows = range(tile.rows)
    sharing = tile.sharing or Sharing(1, 1)
    return made_bank(
        difference=np.array(
            [[tile.difference(i, j) for j in range(tile.columns)] for i in rows], dtype=np.int32
        ),
        row_conductance=np.array(
            [sum(tile.plus[i]) + sum(tile.minus[i]) for i in rows], dtype=np.int64
        ),
        row_pointer=np.array([0, *accumulate(tile.heights or (tile.rows,))], dtype=np.int64),
        threshold=np.array(tile.threshold, dtype=np.int64),
        step_code=np.array([range(2**tile.n_out)] * len(tile.threshold), dtype=np.int64),
        ramp_of_column=np.array(tile.ramp_of_column, dtype=np.int64),
        reset_cycles=tile.reset_cycles,
        integrate_cycles=2**tile.n_in,
        convert_cycles=tile.ramp_cycles,
        readout_cycles=tile.readout_cycles,
        kind="ramp" if tile.sharing is None else "sar",
        early_stop=int(tile.early_stop),
        columns_per_converter=sharing.columns,
        cycles_per_conversion=sharing.cycles,
        analog=ideal_analog(tile.columns),
    )


def matrix_arrays_of(
    matrix: NaiveMatrix, bank_arrays: Callable[[NaiveTile], BankArrays] = arrays_of
) -> Matrix:
    """Return the layer as the kernels see it; its tiles spend what they count."""
    banks = [bank_arrays(placed.bank) for placed in matrix.placed]
    return join_banks(
        banks,
        [placed.first_input for placed in matrix.placed],
        [np.array(placed.columns, dtype=np.int64) for placed in matrix.placed],
        counting_energies(banks),
    )


def random_matrix(
    rng: random.Random,
    *,
    inputs: int,
    columns: int,
    n_in: int,
    n_out: int,
    ramps: int,
    shared: bool | None = None,
) -> NaiveMatrix:
    """Return a layer cut at random: columns anyhow, rows in blocks or in tiles of one bank.

    Whether its converters are shared is drawn, unless it is given.
    """
    row_blocks, tiles = rng.choice([(1, 1), (1, 2), (2, 1), (3, 1)])
    row_blocks, tiles = min(row_blocks, inputs), min(tiles, inputs)
    shuffled = rng.sample(range(columns), columns)
    parts = [sorted(part) for part in _parts(shuffled, rng.randint(1, min(3, columns)))]
    blocks = _parts(list(range(inputs)), row_blocks)
    size = {"n_in": n_in, "n_out": n_out, "ramps": ramps}
    first = random_tile(rng, rows=1, columns=1, **size)
    sar, early_stop = rng.random() < 0.3, rng.random() < 0.3
    sar = sar if shared is None else shared
    cycles = n_out + rng.choice([0, 2])
    sharing = Sharing(rng.randint(1, columns), cycles) if sar else None
    placed = []
    for part in parts:
        for block in blocks:
            bank = random_tile(rng, rows=len(block), columns=len(part), **size)
            bank = replace(
                bank,
                reset_cycles=first.reset_cycles,
                readout_cycles=first.readout_cycles,
                heights=tuple(len(tile) for tile in _parts(block, tiles)),
                early_stop=early_stop and not sar,
                sharing=sharing,
            )
            placed.append(Placed(bank, block[0], part))
    return NaiveMatrix(placed)


def _parts(whole: list[int], count: int) -> list[list[int]]:
    edges = [len(whole) * part // count for part in range(count + 1)]
    return [whole[a:b] for a, b in pairwise(edges)]


def row_blocks(matrix: NaiveMatrix) -> int:
    """Return how many codes are added up for a column."""
    return len({placed.first_input for placed in matrix.placed})


def assert_recorded(
    matrix: Matrix,
    record: MatrixRecord,
    expected: list[list[MatrixConversion]],
    recorded: list[int],
    *,
    waveforms: bool,
) -> None:
    """Compare a record with the twins' conversions, ``expected[sequence][conversion]``."""
    activity = activity_of(matrix, record)
    assert len(activity) == record.recordings == max(recorded) + 1
    assert len(record.waveform) == (max(recorded) + 1 if waveforms else 0)
    assert totals(matrix, record).tolist() == [
        [[tile for bank in step.banks for tile in bank.totals] for step in steps]
        for steps in expected
    ]
    assert record.cycles_taken.tolist() == [
        [[bank.cycles_taken for bank in step.banks] for step in steps] for steps in expected
    ]
    for steps, place in zip(expected, recorded, strict=True):
        if place < 0:
            continue
        cycles = [list(zip(*(bank.cycles for bank in step.banks), strict=True)) for step in steps]
        assert activity[place].tolist() == [
            [[counts for bank in banks for counts in bank.counts] for banks in row]
            for row in cycles
        ]
        if waveforms:
            assert record.waveform[place].tolist() == [
                [[charge for bank in banks for charge in bank.charge] for banks in row]
                for row in cycles
            ]
