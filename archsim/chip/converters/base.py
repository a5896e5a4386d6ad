"""The interface of converters that are built at the feet of a bank's columns.

To add a kind: a folder beside those that are there, whose `section` registers a
`archsim.config.converter.ConverterKind` that builds a `Converter`; its `cost` subclasses
`archsim.chip.converters.cost.ConverterDesign`, and its `kernel` says how codes are found
(`archsim.kernels.tile`, and `archsim.kernels.fused` if it is to be fast).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.chip.analog import Scale
from archsim.chip.converters.cost import ConverterDesign
from archsim.chip.mapping import Crossbar, program_crossbar
from archsim.chip.programming import ProgrammedRamp
from archsim.chip.spec import TileSpec
from archsim.devices import DeviceModel
from archsim.transfer.ramp import Ramp
from archsim.vocabulary import Phase


class Converter(ABC):
    """How the columns of a bank become codes.

    Attributes
    ----------
    phase : Phase
        What the trace calls the cycles in which it does.
    """

    phase: Phase

    def __init__(self, spec: TileSpec, bits: int) -> None:
        self._spec = spec
        self._bits = bits

    @abstractmethod
    def program(
        self, ramps: Sequence[Ramp], model: DeviceModel, number: int
    ) -> list[ProgrammedRamp]:
        """Return the ramps, or what stands for them, as bank `number` holds them."""

    @abstractmethod
    def arrays(
        self, programmed: Sequence[ProgrammedRamp], ramp_of_column: NDArray[np.int64], scale: Scale
    ) -> NamedTuple:
        """Return what kernels see of a bank's converters, which they know by its type.

        Its arrays have a first axis of one bank.

        Parameters
        ----------
        programmed : sequence of ProgrammedRamp
            What `program` returned.
        ramp_of_column : int64 (columns,)
            Which of them each column uses.
        scale : Scale
            What x and charge have to do with each other.
        """

    @abstractmethod
    def cycles(self, ramps: Sequence[Ramp]) -> int:
        """Return the length of a conversion's phase in clock cycles."""

    @abstractmethod
    def cost_design(
        self, programmed: Sequence[ProgrammedRamp], scale: Scale, read_charge: float
    ) -> ConverterDesign:
        """Return what the converter's costs depend on.

        `read_charge` is what 1 S moves in a cycle at V_read, C/S.
        """

    def crossbar(
        self,
        weight: NDArray[np.float64],
        model: DeviceModel,
        *,
        tile: int,
        present: NDArray[np.bool_],
        weight_of_g_max: float,
    ) -> Crossbar:
        """Return the weights as tile number `tile` holds them; see `program_crossbar`."""
        spec = self._spec
        return program_crossbar(
            weight,
            model,
            device=spec.device,
            wires=spec.tile.wires,
            seed=spec.seed,
            tile=tile,
            present=present,
            weight_of_g_max=weight_of_g_max,
        )

    @property
    def integrate_cycles(self) -> int:
        """Clock cycles in which rows are driven: the longest pulse and a cycle."""
        return int(2**self._spec.tile.input_bits)

    @property
    def weight_steps(self) -> float:
        """Whole steps in `Crossbar.difference` of the weight that g_max stands for."""
        return float(self._spec.device.conductance_steps)

    @property
    def columns_per_converter(self) -> int:
        """Columns that one converter serves in turn, and whose comparator they share."""
        return 1


class Thresholds(NamedTuple):
    """Thresholds and codes of a bank's ramps, or of what stands for them, on the scale of charge.

    Attributes
    ----------
    threshold, step_code : int64 (1, ramps, steps)
        The charge below which a column is at a step or an earlier one, in quanta, and the step's
        code; the last ones are repeated for ramps that have fewer steps than others.
    ramp_of_column : int64 (1, columns)
        Which of the ramps each column uses.
    """

    threshold: NDArray[np.int64]
    step_code: NDArray[np.int64]
    ramp_of_column: NDArray[np.int64]


def thresholds_of(
    programmed: Sequence[ProgrammedRamp], ramp_of_column: NDArray[np.int64], scale: Scale
) -> Thresholds:
    """Put ramps on the scale of a bank's charge."""
    ramps = [item.ramp for item in programmed]
    steps = max(ramp.steps for ramp in ramps)
    return Thresholds(
        np.stack([_padded(ramp.thresholds(scale.ramp), steps) for ramp in ramps])[None],
        np.stack([_padded(ramp.step_code, steps) for ramp in ramps])[None],
        ramp_of_column.astype(np.int64)[None],
    )


def _padded(values: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    """Repeat the last value, for a ramp that has fewer steps than another of its bank."""
    return np.pad(values, (0, steps - values.size), mode="edge").astype(np.int64)
