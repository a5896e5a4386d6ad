"""The chip's part of a configuration: technology, device, tile, converter, digital units."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from archsim.config.base import Section
from archsim.config.quantity import ConfigPath, Quantity

Volts = Annotated[float, Quantity("V", ge=1e-6, le=100)]
SmallVolts = Annotated[float, Quantity("V", ge=0, le=100)]
LARGEST_INPUT = 1e6
"""Largest magnitude, and inverse of the least width, of the range of a ramp."""


def check_range(limits: tuple[float, float]) -> None:
    """Raise ValueError unless a ramp's range rises and stays within reason."""
    low, high = limits
    if not low < high:
        msg = f"input_range [{low:g}, {high:g}] has to rise"
        raise ValueError(msg)
    if max(-low, high) > LARGEST_INPUT or high - low < 1 / LARGEST_INPUT:
        msg = (
            f"input_range [{low:g}, {high:g}] has to lie within {LARGEST_INPUT:g} of 0 and be at "
            f"least {1 / LARGEST_INPUT:g} wide"
        )
        raise ValueError(msg)


class Technology(Section):
    """Process, clock and supply, and the component library that gives every cost."""

    node: Annotated[float, Quantity("m", ge=1e-9, le=1e-5)] = Field(description="CMOS node")
    clock: Annotated[float, Quantity("Hz", ge=1, le=1e12)] = Field(
        description="frequency of the one clock"
    )
    supply: Volts = Field(description="digital supply voltage")
    components: ConfigPath = Field(description="component library (YAML)")
    clock_gating: bool = Field(
        True,
        description="registers have one clock gate a word, so that only the gates switch when "
        "nothing is written; without it the clock pin of every bit switches every cycle",
    )


class Integrator(Section):
    """Imperfections of the integrators; all off by default."""

    leak: Annotated[float, Quantity("1", ge=0, lt=1)] = Field(
        0.0, description="share of its charge that an integrator loses a cycle (finite gain)"
    )
    saturation: bool = Field(
        False, description="clip at the rails, 0 V and the supply less headroom, every cycle"
    )
    headroom: SmallVolts = Field(
        0.05, description="distance from either rail at which an integrator clips"
    )
    offset_sigma: SmallVolts = Field(
        0.0, description="spread of the voltage at which integrators stand after reset"
    )


class Wires(Section):
    """Resistance of word and bit lines (IR drop); off by default."""

    row_resistance: Annotated[float, Quantity("ohm", ge=0, le=1e6)] = Field(
        0.0, description="of a wordline from one cell to the next"
    )
    column_resistance: Annotated[float, Quantity("ohm", ge=0, le=1e6)] = Field(
        0.0, description="of a bitline from one cell to the next"
    )


class Comparator(Section):
    """Imperfections of the comparators; all off by default."""

    offset_sigma: SmallVolts = Field(
        0.0, description="spread of the offsets, fixed for each comparator"
    )
    noise_sigma: SmallVolts = Field(0.0, description="noise of a decision, drawn for each")


class Tile(Section):
    """A crossbar with its row drivers and integrators."""

    rows: int = Field(ge=1, le=16384, description="most wordlines a tile has, bias row included")
    columns: int = Field(ge=1, le=65536, description="most differential columns a tile has")
    input_bits: int = Field(
        ge=1, le=10, description="magnitude bits of a pulse-width input; its sign comes on top"
    )
    v_read: Volts = Field(description="read voltage on a driven row")
    v_clp: SmallVolts = Field(description="clamp voltage of the columns")
    full_scale: Volts = Field(
        description="swing of the integrators from V_CLP that the longest ramp reaches; sets C_fb"
    )
    reset_cycles: int = Field(1, ge=1, le=1024, description="cycles to reset the integrators")
    readout_cycles: int = Field(1, ge=1, le=1024, description="cycles to move the codes out")
    integrator: Integrator = Integrator()
    wires: Wires = Wires()


class ConverterKind(StrEnum):
    """What stands at the foot of every column."""

    NONLINEAR_RAMP = "nonlinear_ramp"
    LINEAR_RAMP = "linear_ramp"


class Converter(Section):
    """The ramp converter at the foot of every column.

    A nonlinear ramp computes the gates' functions while it digitises. A linear one only digitises,
    as in a conventional design; the functions are then computed by `digital.processors`.
    """

    kind: ConverterKind = Field(
        ConverterKind.NONLINEAR_RAMP, description="nonlinear ramp, or a conventional linear one"
    )
    input_range: tuple[float, float] = Field(
        (-4.0, 4.0), description="where a linear ramp of the gates begins and ends"
    )

    @model_validator(mode="after")
    def _range(self) -> Converter:
        check_range(self.input_range)
        return self

    bits: int = Field(ge=1, le=10, description="output resolution n_out")
    bias_cells: Literal["auto"] | Annotated[int, Field(ge=0, le=4096)] = Field(
        "auto", description="calibration cells of a ramp column; auto takes what the ramp needs"
    )
    gated_comparators: bool = Field(
        True, description="a comparator that has latched makes no more decisions"
    )
    calibrate: bool = Field(
        True, description="set the bias cells so that the middle step crosses where it should"
    )
    copies: int = Field(
        1, ge=1, le=64, description="ramp columns that are programmed, of which the best is used"
    )
    fixed_reference: Volts | None = Field(
        None,
        description="read voltage for which a ramp outside the array was made, as in an ordinary "
        "converter; without it the ramp is in memory and read with tile.v_read",
    )
    comparator: Comparator = Comparator()


class ActivationMethod(StrEnum):
    """How a digital processor computes a sigmoid or tanh."""

    TABLE = "table"
    PIECEWISE_LINEAR = "piecewise_linear"
    CORDIC = "cordic"


class Processors(Section):
    """Digital processors for nonlinear functions, which a conventional design needs."""

    count: int = Field(32, ge=1, le=65536, description="processors that work in parallel, k")
    cycles: int = Field(2, ge=1, le=1024, description="cycles an activation takes, N_cyc")
    method: ActivationMethod = Field(
        ActivationMethod.TABLE, description="table look-up, piecewise linear, or CORDIC"
    )
    segments: int = Field(
        16, ge=2, le=1024, description="segments of the piecewise-linear approximation"
    )
    iterations: int = Field(12, ge=4, le=24, description="iterations of CORDIC")


class CellActivation(StrEnum):
    """How the digital unit gets tanh(c)."""

    TABLE = "table"
    RAMP = "ramp"


class Digital(Section):
    """Digital units around the tiles, in fixed point."""

    word_bits: int = Field(16, ge=4, le=24, description="bits of a word, sign included")
    fraction_bits: int = Field(11, ge=1, le=22, description="bits of a word below the point")
    lanes: int = Field(32, ge=1, le=65536, description="elements that a unit works on in parallel")
    cell_activation: CellActivation = Field(
        CellActivation.TABLE,
        description="tanh(c): a table look-up, or a second pass through a small ramp converter",
    )
    cell_range: int = Field(4, ge=1, le=64, description="|c| at which tanh(c) counts as flat")
    table_entries: int = Field(256, ge=2, le=65536, description="entries of the tanh table")
    buffer_word_bits: int = Field(64, ge=1, le=4096, description="bits a cycle from a buffer")
    processors: Processors = Processors()

    @model_validator(mode="after")
    def _format(self) -> Digital:
        if self.fraction_bits >= self.word_bits:
            msg = (
                f"fraction_bits ({self.fraction_bits}) has to be below word_bits "
                f"({self.word_bits}), which includes the sign"
            )
            raise ValueError(msg)
        for name in ("cell_range", "table_entries"):
            value = getattr(self, name)
            if value & (value - 1):
                msg = f"{name} ({value}) has to be a power of two, so that it costs only a shift"
                raise ValueError(msg)
        if self.cell_range << self.fraction_bits < self.table_entries:
            msg = (
                f"table_entries ({self.table_entries}) are more than the {self.fraction_bits} "
                f"fraction bits can tell apart below cell_range ({self.cell_range})"
            )
            raise ValueError(msg)
        return self
