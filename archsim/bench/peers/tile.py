"""Our side of a contest: a matrix on tiles, random pulse widths for it, and conversions of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from archsim.bench.growth import BASE
from archsim.bench.network import timed_network, took_all_cycles
from archsim.bench.peers.base import Shape, seconds_of
from archsim.chip.mapped_matrix import MappedMatrix
from archsim.errors import ArchsimError
from archsim.kernels.convert import Stage, convert_all
from archsim.kernels.record import MatrixRecord, make_record

READ_NOISE = 0.01
"""Read noise of a cell over its conductance, where a shape has noise."""

_NOISY = (
    "device={model: memristor, g_min: 0 S, g_max: 150 uS, "
    f"read_noise: {{sigma_relative: {READ_NOISE}}}, "
    "sources: {g_min: 'assumed: a benchmark', g_max: 'assumed: a benchmark', "
    "read_noise: 'assumed: a benchmark'}}"
)
_LARGEST_TILE = 1024


@dataclass(frozen=True)
class TileRun:
    """A layer's matrix, what drives it, and where its codes and cycles go.

    Attributes
    ----------
    matrix : MappedMatrix
        The matrix on tiles; its last row is the bias, always driven in full.
    drive : int16 (batch, conversions, rows)
        Signed pulse widths in cycles.
    code : uint16 (batch, conversions, columns)
        Codes of the last `convert`.
    record : MatrixRecord
        Activity and energy of every cycle of every sequence.
    """

    matrix: MappedMatrix
    drive: NDArray[np.int16]
    code: NDArray[np.uint16]
    record: MatrixRecord

    @property
    def steps(self) -> int:
        """Largest pulse width."""
        return self.matrix.banks[0].arrays.integrate_cycles - 1

    @property
    def cycles(self) -> int:
        """Tile-cycles of a conversion of one sequence, over all tiles."""
        return int(sum(tile.cycles for tile in self.matrix.tiles))

    @cached_property
    def difference(self) -> NDArray[np.int64]:
        """G+ - G- (rows, columns) of the whole matrix, in conductance steps."""
        out = np.zeros((self.drive.shape[2], self.matrix.arrays.columns), dtype=np.int64)
        for bank in self.matrix.banks:
            rows = slice(bank.first_input, bank.first_input + bank.rows)
            out[rows, bank.column] = bank.arrays.difference
        return out

    @cached_property
    def variance(self) -> NDArray[np.float64]:
        """Variance (rows, columns) that read noise gives a column for a cycle, quanta^2."""
        out = np.zeros(self.difference.shape)
        for bank in self.matrix.banks:
            analog = bank.arrays.analog
            if analog.read_variance.size:
                rows = slice(bank.first_input, bank.first_input + bank.rows)
                out[rows, bank.column] = analog.read_variance * analog.variance_step
        return out

    def convert(self) -> None:
        """Run all conversions of all sequences, one conversion after the other."""
        matrix = self.matrix.arrays
        extra = None if matrix.is_ideal else matrix.imperfections
        stage = Stage(matrix.arrays, self.record, extra, None)
        convert_all(stage, self.steps, self._without_bias, self.code)

    def seconds(self) -> float:
        """Return the time of one conversion of all sequences, s."""
        conversions: int = self.drive.shape[1]
        return seconds_of(self.convert) / conversions

    @cached_property
    def _without_bias(self) -> NDArray[np.int16]:
        return np.ascontiguousarray(self.drive[:, :, :-1])

    def check(self) -> None:
        """Convert once, and raise unless every cycle of every conversion was simulated and kept."""
        self.record.total[:] = 0
        self.record.counts[:] = 0
        self.convert()
        if not took_all_cycles(self.matrix.arrays, self.record):
            msg = f"bench: '{self.matrix.name}' did not go through all of its cycles"
            raise ArchsimError(msg)
        if (kernel := self.matrix.arrays.kernel(waveforms=False)) != "fused":
            msg = (
                f"bench: '{self.matrix.name}' was converted by the kernel '{kernel}', not the fused"
            )
            raise ArchsimError(msg)


def tile_run(shape: Shape) -> TileRun:
    """Build a shape's matrix with random weights, draw its pulse widths, and convert them once.

    Raises
    ------
    ArchsimError
        If a cycle was not simulated.
    """
    units = shape.columns // 4
    elements = shape.elements or units
    layer = [f"network.inputs={shape.rows - elements - 1}", f"network.layers.0.units={units}"]
    if shape.elements:
        layer.append(f"network.layers.0.projection={shape.elements}")
    network = timed_network(
        BASE,
        batch=1,
        timesteps=1,
        overrides=(
            *layer,
            *([_NOISY] if shape.noise else []),
            f"tile.rows={min(shape.rows, _LARGEST_TILE)}",
            f"tile.columns={min(shape.columns, _LARGEST_TILE)}",
        ),
    )
    matrix = network.layer.matrices[0]
    steps = matrix.banks[0].arrays.integrate_cycles - 1
    size = (shape.batch, shape.conversions)
    drive = np.random.default_rng(2).integers(-steps, steps + 1, (*size, shape.rows))
    drive[:, :, -1] = steps
    everyone = np.arange(shape.batch)
    run = TileRun(
        matrix,
        drive.astype(np.int16),
        np.zeros((*size, shape.columns), dtype=np.uint16),
        make_record(
            matrix.arrays, everyone, first=0, conversions=shape.conversions, waveforms=False
        ),
    )
    run.check()
    return run
