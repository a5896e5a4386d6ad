"""Naive twin of a tile with imperfect analog circuits: plain Python, one object a circuit.

Like `tests.naive` it is written from the model's description. Random numbers come from NumPy's
Philox generator. Numbers of purposes and layouts of counters are repeated here: a change of them
changes every result of every seed, and should not go unnoticed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from archsim.kernels.bank import AnalogArrays, BankArrays, ideal_analog
from tests.naive import Column, Conversion, MatrixConversion, NaiveMatrix, NaiveTile, arrays_of

READ_NOISE, RAMP_NOISE, DECISION_NOISE = 5, 6, 9
"""Second words of the random numbers' keys."""
GUARD = 1e-6
"""Quanta by which a threshold may lie above a whole number and still count as that number."""

# ------------------------------------------------------------------------------- random numbers


Words = tuple[int, ...]


def words(seed: int, purpose: int, counter: tuple[int, int, int, int]) -> list[int]:
    """Return the four words of a counter; NumPy's Philox counts up before it draws."""
    whole = sum(word << (64 * place) for place, word in enumerate(counter))
    start = (whole - 1) % 2**256
    before = np.array([(start >> (64 * place)) % 2**64 for place in range(4)], dtype=np.uint64)
    generator = np.random.Philox(key=np.array([seed, purpose], dtype=np.uint64), counter=before)
    return [int(word) for word in generator.random_raw(4)]


def uniform(word: int) -> float:
    return ((word >> 11) + 1) / 2**53


def normal_pair(first: int, second: int) -> tuple[float, float]:
    """Return two normal variates by Box and Muller."""
    radius = math.sqrt(-2 * math.log(uniform(first)))
    angle = 2 * math.pi * uniform(second)
    return radius * math.cos(angle), radius * math.sin(angle)


def normals(seed: int, purpose: int, place: tuple[int, int, int], count: int) -> list[float]:
    """Return normal variates, four from each counter."""
    drawn: list[float] = []
    while len(drawn) < count:
        w = words(seed, purpose, (len(drawn) // 4, *place))
        drawn += [*normal_pair(w[0], w[1]), *normal_pair(w[2], w[3])]
    return drawn[:count]


def uniforms(seed: int, purpose: int, place: tuple[int, int, int], count: int) -> list[float]:
    """Return uniform variates, four from each counter."""
    drawn: list[float] = []
    while len(drawn) < count:
        drawn += map(uniform, words(seed, purpose, (len(drawn) // 4, *place)))
    return drawn[:count]


def short_words(key: Words, counter: Words) -> Words:
    """Return the words of a counter of Philox 4x32-10, as its article says it."""
    k, c = list(key), list(counter)
    for _ in range(10):
        products = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        (high_0, low_0), (high_1, low_1) = (divmod(product, 2**32) for product in products)
        c = [high_1 ^ c[1] ^ k[0], low_1, high_0 ^ c[3] ^ k[1], low_0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return tuple(c)


def short_normal_pair(first: int, second: int) -> tuple[float, float]:
    """Return two normal variates by Box and Muller, from the middles of 2**32 intervals each."""
    radius = math.sqrt(-2 * math.log((first + 0.5) / 2**32))
    angle = 2 * math.pi * ((second + 0.5) / 2**32)
    return radius * math.cos(angle), radius * math.sin(angle)


def short_normals(seed: int, purpose: int, place: tuple[int, int, int], count: int) -> list[float]:
    """Return normal variates of a conversion, whose own generator makes four at a time.

    It makes a multiple of 32, first all those of its first two words, then the others.
    """
    long = words(seed, purpose, (0, *place))
    halves = [half for word in long for half in (word % 2**32, word >> 32)]
    calls = -(-count // 32) * 8
    made = [short_words(tuple(halves[:2]), (call, *halves[2:5])) for call in range(calls)]
    pairs = [short_normal_pair(*w[:2]) for w in made] + [short_normal_pair(*w[2:]) for w in made]
    return [variate for pair in pairs for variate in pair][:count]


# ------------------------------------------------------------------------------------- circuits


@dataclass(frozen=True)
class Circuits:
    """What is wrong with a tile's analog circuits; conductances in steps, charges in quanta.

    Attributes
    ----------
    cell_variance : list of list of int, or None
        Variance of the difference of each cell's conductances, by row and column.
    variance_step : list of float
        What one of it stands for, by column.
    ramp_position : list of list of float, or None
        Where each ramp stands after each step.
    ramp_noise : list of list of float
        Sigma of each ramp cell.
    bias_noise : list of float
        Sigma of each ramp's bias cells together.
    integrator_offset, comparator_offset : list of int
        Of each column.
    leak : float
        Share of its charge that an integrator loses before each cycle's charge comes.
    rails : (int, int), or None
        Where integrators clip.
    decision_noise : float
        Sigma of a comparison.
    seed, tile : int
        Key of the random numbers.
    """

    cell_variance: list[list[int]] | None
    variance_step: list[float]
    ramp_position: list[list[float]] | None
    ramp_noise: list[list[float]]
    bias_noise: list[float]
    integrator_offset: list[int]
    comparator_offset: list[int]
    leak: float
    rails: tuple[int, int] | None
    decision_noise: float
    seed: int
    tile: int


@dataclass(kw_only=True)
class AnalogColumn(Column):
    """A column whose integrator, comparator and ramp are those of a real chip.

    Attributes
    ----------
    disturbance : int
        What read noise adds in the last integrate cycle of this conversion.
    integrate_cycles : int
        Length of the integrate phase.
    flicker : function
        Noise of the comparison in a ramp cycle.
    step_code : list of int
        Code of each ramp step.
    """

    offset: int
    comparator_offset: int
    leak: float
    rails: tuple[int, int] | None
    disturbance: int
    integrate_cycles: int
    flicker: Callable[[int], float]
    step_code: list[int]

    def reset(self) -> None:
        super().reset()
        self.charge = self.offset

    def integrate(self, level: list[int]) -> None:
        self.charge -= round(self.leak * self.charge)
        super().integrate(level)
        self.integrate_cycles -= 1
        if self.integrate_cycles == 0:
            self.charge += self.disturbance
        if self.rails is not None:
            self.charge = max(self.rails[0], min(self.charge, self.rails[1]))

    def compare(self, step: int) -> bool:
        seen = self.charge + self.comparator_offset + self.flicker(step)
        trips = self.ramp[step] > seen
        if trips:
            self.code = self.step_code[step]
        return trips

    def reaches(self, code: int) -> bool:
        return self.ramp[code - 1] <= self.charge + self.comparator_offset + self.flicker(code)

    @property
    def output(self) -> int:
        return self.step_code[-1] if self.code is None else self.code


@dataclass(frozen=True, kw_only=True)
class AnalogTile(NaiveTile):
    """A tile with imperfect circuits, and ramps whose steps stand for any codes."""

    circuits: Circuits
    step_code: list[list[int]]

    @property
    def ramp_cycles(self) -> int:
        return len(self.step_code[0]) if self.sharing is None else super().ramp_cycles

    @property
    def perfect(self) -> NaiveTile:
        return NaiveTile(**{f.name: getattr(self, f.name) for f in fields(NaiveTile)})

    def convert(self, drive: list[int], sequence: int = 0, conversion: int = 0) -> Conversion:
        """Run one conversion of one sequence."""
        thresholds = [self._ramp(r, sequence, conversion) for r in range(len(self.step_code))]
        disturbance = self._disturbance(drive, sequence, conversion)
        circuits = self.circuits
        columns = [
            AnalogColumn(
                difference=self.cells_of(column),
                ramp=thresholds[ramp],
                offset=circuits.integrator_offset[column],
                comparator_offset=circuits.comparator_offset[column],
                leak=circuits.leak,
                rails=circuits.rails,
                disturbance=disturbance[column],
                integrate_cycles=2**self.n_in,
                flicker=self._flicker(column, sequence, conversion),
                step_code=self.step_code[ramp],
            )
            for column, ramp in enumerate(self.ramp_of_column)
        ]
        return self.clock_through(columns, drive)

    def _disturbance(self, drive: list[int], sequence: int, conversion: int) -> list[int]:
        """Return read noise in quanta; a cell's is frozen, so it counts once for every cycle."""
        variance = self.circuits.cell_variance
        if variance is None:
            return [0] * self.columns
        place = (sequence, conversion, self.circuits.tile)
        drawn = short_normals(self.circuits.seed, READ_NOISE, place, self.columns)
        disturbance = []
        for column in range(self.columns):
            total = sum(width**2 * variance[row][column] for row, width in enumerate(drive))
            sigma = math.sqrt(self.circuits.variance_step[column] * total)
            disturbance.append(round(sigma * drawn[column]))
        return disturbance

    def _ramp(self, number: int, sequence: int, conversion: int) -> list[int]:
        """Return where a ramp stands after each step of this conversion."""
        circuits = self.circuits
        if circuits.ramp_position is None:
            return self.threshold[number]
        each, place = len(self.threshold[number]) + 1, (sequence, conversion, circuits.tile)
        of_all = short_normals(circuits.seed, RAMP_NOISE, place, len(self.threshold) * each)
        *cells, bias = of_all[number * each : (number + 1) * each]
        thresholds = []
        for step, position in enumerate(circuits.ramp_position[number]):
            lifted = [circuits.ramp_noise[number][k] * cells[k] for k in range(step + 1)]
            moved = position + math.fsum(lifted) - circuits.bias_noise[number] * bias
            thresholds.append(math.ceil(moved - GUARD))
        return thresholds

    def _flicker(self, column: int, sequence: int, conversion: int) -> Callable[[int], float]:
        """Return what gives the noise of a column's comparison in a ramp cycle."""
        circuits = self.circuits

        def noise(step: int) -> float:
            if circuits.decision_noise == 0:
                return 0.0
            counter = (column, sequence, conversion, circuits.tile + (step + 1) * 2**32)
            w = words(circuits.seed, DECISION_NOISE, counter)
            return circuits.decision_noise * normal_pair(w[0], w[1])[0]

        return noise


@dataclass
class AnalogSequence:
    """A layer that runs the conversions of one sequence one after the other."""

    matrix: NaiveMatrix
    sequence: int
    conversion: int = 0

    @property
    def n_in(self) -> int:
        return self.matrix.n_in

    @property
    def columns(self) -> int:
        return self.matrix.columns

    def convert(self, drive: list[int]) -> MatrixConversion:
        number, self.conversion = self.conversion, self.conversion + 1
        now = [
            placed._replace(bank=AnalogConversion(placed.bank, self.sequence, number))
            for placed in self.matrix.placed
        ]
        return NaiveMatrix(now).convert(drive)


@dataclass(frozen=True)
class AnalogConversion:
    """A bank at one conversion of one sequence."""

    bank: AnalogTile
    sequence: int
    conversion: int

    @property
    def rows(self) -> int:
        return self.bank.rows

    def convert(self, drive: list[int]) -> Conversion:
        return self.bank.convert(drive, self.sequence, self.conversion)


# ---------------------------------------------------- random tiles, and the kernels' view of them

KINDS = (
    "leak",
    "read noise",
    "rails",
    "integrator offset",
    "comparator offset",
    "decision noise",
    "ramp noise",
    "branches",
)


def ideal_circuits(tile: NaiveTile, rng: random.Random) -> Circuits:
    return Circuits(
        cell_variance=None,
        variance_step=[],
        ramp_position=None,
        ramp_noise=[],
        bias_noise=[],
        integrator_offset=[0] * tile.columns,
        comparator_offset=[0] * tile.columns,
        leak=0.0,
        rails=None,
        decision_noise=0.0,
        seed=rng.randrange(2**62),
        tile=rng.randrange(2**23),
    )


def spoil(tile: NaiveTile, rng: random.Random, kinds: tuple[str, ...], size: int) -> AnalogTile:
    """Return the tile with imperfections of these kinds, about as large as charges of `size`.

    Converters that are shared have an ordinary reference, whose cells are no memristors.
    """
    if tile.sharing is not None:
        kinds = tuple(kind for kind in kinds if kind != "ramp noise")
    spoilt = {kind: _spoilt(kind, tile, rng, size) for kind in kinds if kind != "branches"}
    changes = {name: value for parts in spoilt.values() for name, value in parts.items()}
    codes = [list(range(2**tile.n_out)) for _ in tile.threshold]
    if "branches" in kinds:
        codes = [[*code[: rng.randint(1, len(code))][::-1], *code] for code in codes]
        codes = [(code + code[-1:] * 2**tile.n_out)[: 2 ** (tile.n_out + 1)] for code in codes]
        longer = [_longer(ramp, len(codes[0]), rng) for ramp in tile.threshold]
        tile = replace(tile, threshold=longer)
        if "ramp noise" in kinds:
            changes |= _ramp_noise(tile, rng, size)
    return AnalogTile(
        **{f.name: getattr(tile, f.name) for f in fields(NaiveTile)},
        circuits=replace(ideal_circuits(tile, rng), **changes),
        step_code=codes,
    )


def _spoilt(kind: str, tile: NaiveTile, rng: random.Random, size: int) -> dict[str, object]:
    if kind == "leak":
        return {"leak": rng.choice([0.5, 0.25, 0.1, rng.uniform(0.01, 0.2)])}
    if kind == "read noise":
        each = size / (2**tile.n_in * math.sqrt(tile.rows))
        most = rng.choice([1, 7, LARGEST_VARIANCE])
        rows = [[rng.randint(0, most) for _ in range(tile.columns)] for _ in range(tile.rows)]
        step = [each**2 / most * rng.uniform(0.3, 1.0) for _ in range(tile.columns)]
        return {"cell_variance": rows, "variance_step": step}
    if kind == "rails":
        return {"rails": (-round(size * rng.uniform(0, 0.6)), round(size * rng.uniform(0, 0.6)))}
    if kind in {"integrator offset", "comparator offset"}:
        drawn = [round(rng.gauss(0, max(size, 2) / 2)) for _ in range(tile.columns)]
        return {kind.replace(" ", "_"): drawn}
    if kind == "decision noise":
        return {"decision_noise": size * rng.uniform(0.1, 0.8)}
    return _ramp_noise(tile, rng, size)


def _ramp_noise(tile: NaiveTile, rng: random.Random, size: int) -> dict[str, object]:
    """Put ramps up to one quantum below their thresholds and let them move."""
    each = size / math.sqrt(len(tile.threshold[0]))
    ramps = range(len(tile.threshold))
    place = [[q - rng.choice([0.0, rng.random()]) for q in ramp] for ramp in tile.threshold]
    return {
        "ramp_position": place,
        "ramp_noise": [[each * rng.random() for _ in tile.threshold[0]] for _ in ramps],
        "bias_noise": [size * rng.uniform(0, 0.3) for _ in ramps],
    }


def _longer(ramp: list[int], steps: int, rng: random.Random) -> list[int]:
    """Return a ramp of as many steps, between the same ends."""
    return sorted([*ramp, *(rng.randint(ramp[0], ramp[-1]) for _ in range(steps - len(ramp)))])


LARGEST_VARIANCE = 255
"""Of a cell, in steps: kernels keep it in a byte."""


def analog_arrays_of(tile: AnalogTile) -> BankArrays:
    """Return the tile as the kernels see it."""
    circuits, analog = tile.circuits, ideal_analog(tile.columns)
    if circuits.cell_variance is not None:
        analog = analog._replace(
            read_variance=np.array(circuits.cell_variance, dtype=np.uint8),
            variance_step=np.array(circuits.variance_step),
        )
    if circuits.rails is not None:
        analog = analog._replace(rail_low=circuits.rails[0], rail_high=circuits.rails[1])
    analog = AnalogArrays._replace(
        analog,
        offset=np.array(circuits.integrator_offset, dtype=np.int64),
        comparator_offset=np.array(circuits.comparator_offset, dtype=np.int64),
        leak=circuits.leak,
        decision_sigma=float(circuits.decision_noise),
        seed=circuits.seed,
        tile=circuits.tile,
    )
    perfect = arrays_of(tile.perfect)
    readout = perfect.readout._replace(
        step_code=np.array(tile.step_code, dtype=np.int64)[None],
    )
    if circuits.ramp_position is not None:
        pairs = zip(circuits.ramp_noise, circuits.bias_noise, strict=True)
        readout = readout._replace(
            position=np.array(circuits.ramp_position)[None],
            sigma=np.array([[*cells, bias] for cells, bias in pairs])[None],
        )
    return perfect._replace(readout=readout, convert_cycles=tile.ramp_cycles, analog=analog)
