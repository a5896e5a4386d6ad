"""Layers for the fused kernel, random over every option that it takes, and what drives them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from archsim.kernels.bank import AnalogArrays, BankArrays, ideal_analog
from archsim.kernels.convert import convert
from archsim.kernels.drive import PADDING_INPUTS, Drive
from archsim.kernels.energy import TileEnergy
from archsim.kernels.join import join_banks
from archsim.kernels.matrix import Matrix
from archsim.kernels.record import MatrixRecord, make_record
from archsim.kernels.scratch import make_scratch
from archsim.vocabulary import N_ACTIVITY
from tests.banks import made_bank, stage_of

QUICK = bool(numba.config.DISABLE_JIT)
LARGEST_ROWS, LARGEST_COLUMNS, LARGEST_BATCH = (6, 5, 3) if QUICK else (80, 170, 20)
LARGEST_BITS = 3 if QUICK else 8
MOST_WORK = 1e4 if QUICK else 1e6
"""Cells times cycles of a bank, for all sequences."""
DRIVES = ("mixed", "positive", "negative", "zero", "full", "sparse")
THRESHOLDS = ("rising", "any order", "tied", "never", "at once")
CODES = ("counts", "counts", "clipped", "any")
TOPS = (1, 15, 4095, 32767, 32767, 1 << 20, (1 << 30) - 1)
"""Largest cells: all but the last two fit an int16."""
IMPERFECTIONS = ("offset", "comparator", "read", "ramp")
LARGEST_INT16 = 32767
Rng = np.random.Generator
Array = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """A layer's banks, what they spend, what drives them (int16), and what is kept."""

    banks: list[BankArrays]
    inputs: list[int]
    columns: list[Array]
    energies: list[TileEnergy]
    drive: Array
    gap: int
    recorded: Array
    first: int
    conversion: int

    def matrix(self, *, fused: bool) -> Matrix:
        return join_banks(self.banks, self.inputs, self.columns, self.energies, fused=fused)

    @property
    def flat_drive(self) -> Drive:
        """Return the vectors one after the other with garbage behind each."""
        sequences, inputs = self.drive.shape
        stride = inputs + self.gap
        flat = np.full(sequences * stride + PADDING_INPUTS, LARGEST_INT16, dtype=np.int16)
        flat[: sequences * stride].reshape(sequences, stride)[:, :inputs] = self.drive
        return Drive(flat, stride)

    def run(
        self,
        matrix: Matrix,
        *,
        waveforms: bool = False,
        ideal: bool = False,
        reusable: MatrixRecord | None = None,
    ) -> tuple[Array, MatrixRecord]:
        """Return the codes and the record of the case's conversion."""
        record = make_record(
            matrix,
            self.recorded,
            first=self.first,
            conversions=self.conversion + 1,
            waveforms=waveforms,
            reusable=reusable,
        )
        sequences = self.drive.shape[0]
        code = np.full((sequences, matrix.columns), 999, dtype=np.uint16)
        stage = stage_of(matrix, record, ideal=ideal)
        scratch = make_scratch(stage.matrix, stage.extra, sequences)
        convert(stage, self.flat_drive, code, self.conversion, scratch)
        return code, record


# ------------------------------------------------------------------------------------ parts of it


def random_drive(rng: Rng, kind: str, shape: tuple[int, int], full: int) -> Array:
    drive = {
        "mixed": lambda: rng.integers(-full, full + 1, shape),
        "positive": lambda: rng.integers(1, full + 1, shape),
        "negative": lambda: -rng.integers(1, full + 1, shape),
        "zero": lambda: np.zeros(shape),
        "full": lambda: full * rng.choice([-1, 1], shape),
        "sparse": lambda: rng.integers(-full, full + 1, shape) * (rng.random(shape) < 0.2),
    }[kind]()
    return np.ascontiguousarray(drive, dtype=np.int16)


def random_cells(rng: Rng, rows: int, columns: int, largest: int) -> Array:
    """Return differences of up to a largest one, in the type that holds them."""
    top = int(rng.choice([top for top in TOPS if top <= largest]))
    kind = np.int16 if top <= LARGEST_INT16 and rng.random() < 0.8 else np.int32
    cells = rng.integers(-top, top + 1, (rows, columns))
    return (np.sign(cells) * top if rng.random() < 0.1 else cells).astype(kind)


def random_thresholds(rng: Rng, kind: str, shape: tuple[int, int], seen: Array) -> Array:
    """Return thresholds about the values that comparators will see."""
    low, high = int(seen.min()), int(seen.max())
    if kind == "tied":
        return rng.choice(seen.ravel(), shape) + rng.choice([-1, 0, 0, 1], shape)
    if kind == "never":
        return low - rng.integers(0, 4, shape)
    if kind == "at once":
        return high + rng.integers(1, 4, shape)
    some = rng.integers(low - 2, high + 3, shape)
    return np.sort(some, axis=1) if kind == "rising" else some


def random_codes(rng: Rng, ramps: int, steps: int) -> Array:
    """Return codes of steps: the steps themselves, also up to a largest, or anything."""
    counts = np.arange(steps)
    rows = {
        "counts": lambda: counts,
        "clipped": lambda: np.minimum(counts, rng.integers(0, steps)),
        "any": lambda: rng.integers(0, steps, steps),
    }
    return np.stack([rows[str(rng.choice(CODES))]() for _ in range(ramps)]).astype(np.int64)


def random_ramps_of_columns(rng: Rng, ramps: int, columns: int) -> Array:
    ramp = rng.integers(0, ramps, columns)
    return np.sort(ramp) if rng.random() < 0.6 else ramp


def random_analog(rng: Rng, cells: tuple[int, int], ramps: tuple[int, int], size: int) -> Any:
    """Return offsets and noise, of a size of charge; which of them are on is drawn by the layer."""
    columns = cells[1]
    return {
        "offset": lambda: {"offset": rng.integers(-size, size + 1, columns)},
        "comparator": lambda: {"comparator_offset": rng.integers(-size, size + 1, columns)},
        "read": lambda: {
            "read_variance": rng.integers(0, 256, cells).astype(np.uint8),
            "variance_step": rng.random(columns) * size / 10 + 1e-3,
        },
        "ramp": lambda: {
            "ramp_position": rng.normal(0, size * 10, ramps).cumsum(axis=1),
            "ramp_sigma": np.abs(rng.normal(0, size, (ramps[0], ramps[1] + 1))),
        },
    }


def random_bank(
    rng: Rng, layer: dict[str, Any], shape: tuple[int, int], number: int, drive: Array
) -> BankArrays:
    """Return a bank of a layer, whose circuits are the layer's."""
    rows, columns = shape
    steps, tiles = layer["steps"], layer["tiles"]
    ramps = layer["ramps"]
    cells = random_cells(rng, rows, columns, layer["largest"])
    makers = random_analog(rng, (rows, columns), (ramps, steps), layer["size"])
    analog: AnalogArrays = ideal_analog(columns)._replace(seed=layer["seed"], tile=number)
    noise = {}
    for name in layer["imperfections"]:
        made = makers[name]()
        if name == "ramp":
            noise = made if layer["phases"]["kind"] == "ramp" else {}
        else:
            analog = analog._replace(**made)
    seen = drive[:, :rows].astype(np.int64) @ cells.astype(np.int64)
    seen += analog.offset + analog.comparator_offset
    threshold = random_thresholds(rng, str(rng.choice(layer["thresholds"])), (ramps, steps), seen)
    cuts = np.sort(rng.integers(0, rows + 1, tiles - 1))
    return made_bank(
        difference=cells,
        row_conductance=rng.integers(0, 10**6, rows),
        row_pointer=np.array([0, *cuts, rows], dtype=np.int64),
        threshold=threshold.astype(np.int64),
        step_code=random_codes(rng, ramps, steps),
        ramp_of_column=random_ramps_of_columns(rng, ramps, columns),
        analog=analog,
        **noise,
        **layer["phases"],
    )


def random_energy(rng: Rng, bank: BankArrays, *, last: bool) -> TileEnergy:
    """Return what a tile spends; five of its components count, wherever they are.

    A tile without converters may be at rest while others convert.
    """
    rests = not last and rng.random() < 0.7
    cycles = bank.reset_cycles + bank.integrate_cycles if rests else bank.cycles
    components = int(rng.integers(0, 6))
    fixed = rng.random((cycles, components)) * (rng.random(components) < 0.7)
    charged = rng.random((N_ACTIVITY, components)) < 0.4
    size = 10.0 ** -rng.integers(9, 16, components)
    order = rng.permutation(components + N_ACTIVITY)
    counted = np.concatenate([rng.random(charged.shape) * charged * size, np.eye(N_ACTIVITY)], 1)
    whatever = np.concatenate([fixed * 1e-12, np.zeros((cycles, N_ACTIVITY))], 1)
    return TileEnergy(
        np.ascontiguousarray(whatever[:, order]), np.ascontiguousarray(counted[:, order])
    )


def random_phases(rng: Rng, input_bits: int, bits: int, columns: int) -> dict[str, int]:
    phases = {
        "reset_cycles": int(rng.integers(1, 4)),
        "integrate_cycles": 2**input_bits,
        "convert_cycles": 2**bits,
        "readout_cycles": int(rng.integers(1, 4)),
        "kind": "ramp",
        "early_stop": int(rng.integers(0, 2)),
        "columns_per_converter": 1,
        "cycles_per_conversion": 1,
    }
    if rng.random() < 0.25:
        shared, each = int(rng.integers(1, columns + 3)), bits + int(rng.integers(0, 3))
        phases |= {"kind": "sar", "convert_cycles": shared * each}
        phases |= {"columns_per_converter": shared, "cycles_per_conversion": each}
    elif rng.random() < 0.3:
        phases["convert_cycles"] = max(1, 2**bits - int(rng.integers(0, 4)))
    return phases


# ------------------------------------------------------------------------------------ a whole one


def random_sizes(rng: Rng, rows: int | None) -> tuple[list[int], list[int]]:
    """Return the rows of a layer's row blocks, and the columns of its column blocks."""
    rows, columns = rows or int(rng.integers(1, LARGEST_ROWS + 1)), LARGEST_COLUMNS
    if rng.random() < 0.8:
        columns = min(columns, 60)
    most = int(rng.integers(1, columns + 1))
    below, side = int(rng.integers(1, 3)), int(rng.integers(1, 4))
    heights = [max(1, rows - int(rng.integers(0, 4)) * block) for block in range(below)]
    return heights, [max(1, most - int(rng.integers(0, 4)) * part) for part in range(side)]


def random_columns(rng: Rng, widths: list[int]) -> list[Array]:
    """Return each column block's columns of the layer: neighbours, all over it, or both."""
    edges = np.cumsum([0, *widths])
    order = rng.permutation(edges[-1]) if rng.random() < 0.2 else np.arange(edges[-1])
    if rng.random() < 0.4:
        order = np.roll(order, int(rng.integers(0, order.size)))
        swapped = rng.integers(0, order.size, 2)
        order[swapped] = order[swapped[::-1]]
    return [order[first:end] for first, end in pairwise(edges)]


def random_layer(
    rng: Rng, input_bits: int, most: int, imperfections: tuple[str, ...] | None
) -> dict[str, Any]:
    """Return what all banks of a layer have in common; the widest one has `most` columns."""
    bits = int(rng.integers(1, LARGEST_BITS + 1)) + int(not QUICK and rng.random() < 0.05)
    phases = random_phases(rng, input_bits, bits, most)
    is_ramp = phases["kind"] == "ramp"
    short = 2**bits - int(rng.integers(0, 2) * (bits > 1))
    return {
        "steps": phases["convert_cycles"] if is_ramp else short,
        "tiles": int(rng.integers(1, 4)),
        "ramps": int(rng.integers(1, 4)),
        "size": int(rng.choice([1, 100, 10**5])),
        "seed": int(rng.integers(0, 2**40)),
        "phases": phases,
        "thresholds": THRESHOLDS if is_ramp else ("rising",),
        "largest": int(rng.choice(TOPS)),
        "imperfections": (
            tuple(name for name in IMPERFECTIONS if rng.random() < 0.25)
            if imperfections is None
            else imperfections
        ),
    }


def random_recorded(rng: Rng, sequences: int) -> Array:
    """Return places for some of the sequences, or for none, in any order."""
    kept = np.flatnonzero(rng.random(sequences) < rng.choice([0.0, 0.5, 1.0]))
    recorded = np.full(sequences, -1, dtype=np.int64)
    recorded[kept] = rng.permutation(kept.size)
    return recorded


def random_batch(rng: Rng, cells: int, input_bits: int) -> int:
    """Return a number of sequences that do not take long cycle by cycle."""
    largest = min(9, LARGEST_BATCH) if rng.random() < 0.7 else LARGEST_BATCH
    return max(1, min(int(rng.integers(1, largest + 1)), int(MOST_WORK / (cells << input_bits))))


def random_case(
    *seed: int,
    imperfections: tuple[str, ...] | None = None,
    input_bits: int | None = None,
    rows: int | None = None,
) -> Case:
    """Return a case, always the same one for a seed; what is given is not drawn."""
    rng = np.random.default_rng(seed)
    input_bits = input_bits or int(rng.integers(1, LARGEST_BITS + 1))
    heights, widths = random_sizes(rng, rows)
    sequences = random_batch(rng, max(heights) * max(widths), input_bits)
    shape = sequences, sum(heights) + 2
    drive = random_drive(rng, str(rng.choice(DRIVES)), shape, 2**input_bits - 1)
    layer = random_layer(rng, input_bits, max(widths), imperfections)
    banks, inputs, columns, energies = [], [], [], []
    of_parts = random_columns(rng, widths)
    for block, height in enumerate(heights):
        for mine in of_parts:
            start = sum(heights[:block]) + int(rng.integers(0, 3))
            number = int(rng.integers(0, 2**20))
            bank = random_bank(rng, layer, (height, mine.size), number, drive[:, start:])
            tiles = range(layer["tiles"])
            energies += [random_energy(rng, bank, last=tile == tiles[-1]) for tile in tiles]
            banks.append(bank)
            inputs.append(start)
            columns.append(mine.astype(np.int64))
    gap, first, conversion = (int(rng.integers(0, most)) for most in (4, 1000, 3))
    recorded = random_recorded(rng, sequences)
    return Case(banks, inputs, columns, energies, drive, gap, recorded, first, conversion)
