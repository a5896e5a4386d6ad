"""Bit-serial inputs, bit-sliced weights, one converter a crossbar: ISAAC (Shafiee et al. 2016).

`tile.rows` are the rows of a crossbar, `tile.columns` the weights that it holds in a row, each of
them ``weight_bits / cell_bits`` cells wide: 128 and 16 for ISAAC's 128 x 128 cells of 2 bits. See
`archsim.chip.converters.bit_serial.kernel` for what happens when, and the `cost` beside it for what
it costs. Sums are exact unless the converter clips; they are rounded to codes of `adc.bits` by the
thresholds of a linear ramp, as any other conventional converter does.

The simulation is of ideal cells and circuits only, and says so where others are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.chip.analog import Scale
from archsim.chip.converters.base import Converter, thresholds_of
from archsim.chip.converters.bit_serial import clipped  # noqa: F401 - makes it known
from archsim.chip.converters.bit_serial.cost import BitSerialDesign
from archsim.chip.converters.bit_serial.kernel import BitSerialReadout
from archsim.chip.converters.cost import ConverterDesign
from archsim.chip.mapping import Crossbar
from archsim.chip.programming import ProgrammedRamp
from archsim.chip.spec import TileSpec
from archsim.config.converter import Comparator
from archsim.config.hardware import Integrator, RowSum, Wires
from archsim.devices import DeviceModel
from archsim.errors import DesignError
from archsim.transfer.ramp import Ramp
from archsim.vocabulary import Phase


class BitSerialConverter(Converter):
    """One converter for all the columns of a crossbar, and shift-and-add."""

    phase = Phase.CONVERT

    def __init__(self, spec: TileSpec, bits: int) -> None:
        super().__init__(spec, bits)
        self._section = spec.own
        _check(spec)

    @property
    def slices(self) -> int:
        """Cells of a weight."""
        return int(self._section.weight_bits // self._section.cell_bits)

    @property
    def stage(self) -> int:
        """Clock cycles of a plane: of its read, or of the conversion of a crossbar's columns."""
        samples = self._spec.tile.columns * self.slices + 1
        return int(max(self._section.read_cycles, samples))

    @property
    def integrate_cycles(self) -> int:
        """Clock cycles in which rows are driven."""
        return self.planes * self.stage

    @property
    def planes(self) -> int:
        """Bits of an input, its sign among them."""
        return int(self._spec.tile.input_bits + 1)

    @property
    def weight_steps(self) -> float:
        """Steps of the weight that a difference of g_max stands for; the largest is all ones."""
        device = self._spec.device
        largest = 2 ** (self._section.weight_bits - 1) - 1
        return float(largest * device.g_max / (device.g_max - device.g_min))

    def crossbar(
        self,
        weight: NDArray[np.float64],
        model: DeviceModel,  # noqa: ARG002 - ideal cells
        *,
        tile: int,  # noqa: ARG002 - nothing is random
        present: NDArray[np.bool_],  # noqa: ARG002 - only a ramp's second pass has gaps
        weight_of_g_max: float,
    ) -> Crossbar:
        """Round the weights to whole numbers, and say what their cells conduct."""
        whole = np.rint(weight * (self.weight_steps / weight_of_g_max)).astype(np.int16)
        return Crossbar(
            difference=np.ascontiguousarray(whole),
            row_conductance=self._conductance(self._cells(whole)),
            read_variance=np.zeros((0, 0)),
            memristors=whole.shape[0] * (whole.shape[1] * self.slices + 1),
            pulses=0,
            energy=0.0,
        )

    def _cells(self, whole: NDArray[np.int16]) -> NDArray[np.int64]:
        """Return the levels of all cells (rows, columns of cells), the unit column last."""
        section, rows = self._section, whole.shape[0]
        most = 2**section.cell_bits - 1
        shift = np.arange(self.slices) * section.cell_bits
        biased = whole.astype(np.int64) + 2 ** (section.weight_bits - 1)
        cell = (biased[:, :, None] >> shift & most).reshape(rows, -1)
        if section.flipped_columns:
            cell = np.where(2 * cell.sum(axis=0) > rows * most, most - cell, cell)
        return np.concatenate([cell, np.ones((rows, 1), dtype=np.int64)], axis=1)

    def _conductance(self, cell: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sum of a row's conductances (rows,), in conductance steps."""
        device = self._spec.device
        level = (device.g_max - device.g_min) / (2**self._section.cell_bits - 1)
        siemens = cell.sum(axis=1) * level + cell.shape[1] * device.g_min
        steps = np.rint(siemens * (device.conductance_steps / device.g_max))
        return np.asarray(steps, dtype=np.int64)

    def program(
        self,
        ramps: Sequence[Ramp],
        model: DeviceModel,  # noqa: ARG002 - nothing is programmed
        number: int,  # noqa: ARG002
    ) -> list[ProgrammedRamp]:
        """Return the ideal linear ramps whose thresholds round the sums.

        Raises
        ------
        DesignError
            If a function is asked for that is no straight line.
        """
        for ramp in ramps:
            if ramp.function != "identity":
                msg = (
                    f"adc.kind: bit_serial cannot compute '{ramp.function}', it only adds up: take "
                    "a ramp, or function identity"
                )
                raise DesignError(msg)
        return [ProgrammedRamp(ramp, None, 0.0, 0, 0.0) for ramp in ramps]

    def arrays(
        self, programmed: Sequence[ProgrammedRamp], ramp_of_column: NDArray[np.int64], scale: Scale
    ) -> BitSerialReadout:
        """Return what kernels see of a bank's converters."""
        section = self._section
        return BitSerialReadout(
            *thresholds_of(programmed, ramp_of_column, scale),
            weight_bits=section.weight_bits,
            cell_bits=section.cell_bits,
            adc_bits=section.adc_bits,
            planes=self.planes,
            flips=int(section.flipped_columns),
        )

    def cycles(self, ramps: Sequence[Ramp]) -> int:  # noqa: ARG002
        """Return the cycles in which the last plane is converted."""
        return self.stage

    def cost_design(
        self,
        programmed: Sequence[ProgrammedRamp],
        scale: Scale,  # noqa: ARG002
        read_charge: float,  # noqa: ARG002
    ) -> ConverterDesign:
        """Return what the crossbar is made of."""
        section = self._section
        return BitSerialDesign(
            bits=programmed[0].ramp.bits,
            planes=self.planes,
            slices=self.slices,
            stage=self.stage,
            word_bits=self._spec.digital.word_bits,
            component=section.component.replace("{bits}", str(section.adc_bits)),
        )


def _check(spec: TileSpec) -> None:
    """Refuse what a bit-serial crossbar does not have, or what is not simulated of it.

    Raises
    ------
    DesignError
        With the key that has to change.
    """
    device, tile, adc = spec.device, spec.tile, spec.adc
    for refused, key, why in (
        (device.model != "ideal", "device.model", "its cells are ideal ones only: take ideal"),
        (device.slices.count > 1, "device.slices", "it slices weights itself: leave them out"),
        (
            tile.row_sum is not RowSum.DIGITAL,
            "tile.row_sum",
            "row blocks add up digitally: take digital",
        ),
        (tile.wires != Wires(), "tile.wires", "wires have no resistance: leave it out"),
        (tile.integrator != Integrator(), "tile.integrator", "there are none: leave it out"),
        (
            adc.comparator != Comparator(),
            "adc.comparator",
            "converters are ideal: leave it out",
        ),
        (adc.fixed_reference is not None, "adc.fixed_reference", "it has no ramp: leave it out"),
        (adc.banks_per_converter > 1, "adc.banks_per_converter", "a crossbar has its own: take 1"),
    ):
        if refused:
            msg = f"{key}: this does not go with adc.kind bit_serial; {why}"
            raise DesignError(msg)
