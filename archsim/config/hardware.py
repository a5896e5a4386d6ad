"""The chip's part of a configuration: technology, tile, digital units."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from archsim.config.base import Rule, Section, only_if
from archsim.config.quantity import ConfigPath, Quantity, SmallVolts, Volts

if TYPE_CHECKING:
    from archsim.config.run import RunConfig


class Technology(Section):
    """Process, clock and supply, and the component library that gives every cost."""

    node: Annotated[float, Quantity("m", ge=1e-9, le=1e-5)] = Field(description="CMOS node")
    clock: Annotated[float, Quantity("Hz", ge=1, le=1e12)] = Field(
        description="frequency of the one clock of the chip"
    )
    supply: Volts = Field(description="digital supply voltage")
    components: ConfigPath = Field(description="component library (YAML)")
    clock_gating: bool = Field(
        True,
        description="registers have one clock gate a word, so that only the gates switch when "
        "nothing is written; without it the clock pin of every bit switches every cycle",
    )
    cost_factors: dict[str, Annotated[float, Field(gt=0, le=1e6)]] = Field(
        default_factory=dict,
        description="what if: components of the library whose energy, area and leakage are "
        "multiplied, for example {comparator: 2}",
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

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:  # noqa: ARG002
        """Yield keys that may change nothing, with the reason where they change nothing."""
        yield "headroom", only_if(not self.saturation, "without tile.integrator.saturation")


class Wires(Section):
    """Resistance of word and bit lines (IR drop); off by default."""

    row_resistance: Annotated[float, Quantity("ohm", ge=0, le=1e6)] = Field(
        0.0, description="resistance of a wordline from one cell to the next"
    )
    column_resistance: Annotated[float, Quantity("ohm", ge=0, le=1e6)] = Field(
        0.0, description="resistance of a bitline from one cell to the next"
    )


class RowSum(StrEnum):
    """How the row blocks of a layer with more rows than a tile come together."""

    ANALOG = "analog"
    DIGITAL = "digital"


class Tile(Section):
    """A crossbar with its row drivers and integrators.

    A layer that is larger is cut: its columns over tiles side by side, its rows over tiles one
    below the other.
    """

    rows: int = Field(ge=1, le=16384, description="most wordlines a tile has, bias row included")
    columns: int = Field(ge=1, le=65536, description="most differential columns a tile has")
    input_bits: int = Field(
        ge=1,
        le=15,
        description="magnitude bits of an input; its sign comes on top. As a pulse width it takes "
        "2**input_bits cycles, and 10 bits at most; bit-serial inputs may have more",
    )
    v_read: Volts = Field(description="read voltage on a driven row")
    v_clp: SmallVolts = Field(description="clamp voltage of the columns")
    full_scale: Volts = Field(
        description="swing of the integrators from V_CLP that the longest ramp reaches; sets C_fb"
    )
    reset_cycles: int = Field(1, ge=1, le=1024, description="cycles to reset the integrators")
    readout_cycles: int = Field(1, ge=1, le=1024, description="cycles to move the codes out")
    row_sum: RowSum = Field(
        RowSum.ANALOG,
        description="row blocks share one integrator a column (analog), or convert partial sums "
        "that are added up (digital), which a nonlinear ramp cannot",
    )
    weight_percentile: float = Field(
        100,
        ge=50,
        le=100,
        description="percent of the magnitudes of a matrix's weights, zeros aside, that "
        "conductances reach; larger weights are clipped to g_max, and all others get more of the "
        "conductances' range. archsim calibrate finds it",
    )
    double_buffer: bool = Field(
        False,
        description="a second sample-and-hold a column, so that the next input is integrated while "
        "the converter is at work",
    )
    integrator: Integrator = Integrator()
    wires: Wires = Wires()

    @model_serializer(mode="wrap")
    def _without_unset(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `weight_percentile` out where it is not given, so that hashes stay as they were."""
        out: dict[str, Any] = dump(self)
        if self.weight_percentile == 100:
            out.pop("weight_percentile", None)
        return out


class ActivationMethod(StrEnum):
    """How a digital processor computes a function."""

    TABLE = "table"
    PIECEWISE_LINEAR = "piecewise_linear"
    CORDIC = "cordic"


class Processors(Section):
    """Digital processors for nonlinear functions, which a conventional design needs."""

    count: int = Field(32, ge=1, le=65536, description="processors that work in parallel, k")
    cycles: int = Field(2, ge=1, le=1024, description="cycles an activation takes, N_cyc")
    shared: bool = Field(
        False, description="one set of processors for all layers, rather than one a layer"
    )
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


class Bus(Section):
    """A bus that hidden states take to the tiles that they drive, one transfer at a time."""

    width: int = Field(ge=1, le=65536, description="bits that it moves a cycle")
    latency: int = Field(1, ge=0, le=1024, description="cycles before the first bits arrive")


class Digital(Section):
    """Digital units around the tiles, in fixed point."""

    word_bits: int = Field(16, ge=4, le=24, description="bits of a word, sign included")
    fraction_bits: int = Field(11, ge=1, le=22, description="bits of a word below the binary point")
    lanes: int = Field(32, ge=1, le=65536, description="elements that a unit works on in parallel")
    cell_activation: CellActivation = Field(
        CellActivation.TABLE,
        description="tanh(c), or another function of the cell state: a table look-up, or a second "
        "pass through a small ramp converter",
    )
    cell_range: int = Field(
        4,
        ge=1,
        le=64,
        description="|c| at which the function of the cell state counts as flat; a power of two",
    )
    table_entries: int = Field(
        256,
        ge=2,
        le=65536,
        description="entries of the table of the cell state's function; a power of two",
    )
    buffer_word_bits: int = Field(
        64, ge=1, le=4096, description="bits that a buffer gives in a cycle"
    )
    buffer_latency: int = Field(
        0, ge=0, le=1024, description="cycles before the first word of a buffer arrives"
    )
    processors: Processors = Processors()
    bus: Bus | None = Field(
        None, description="a bus that all layers share; without one every layer has its own wires"
    )

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        adc, network = config.adc, config.network
        computes = f"with adc.kind {adc.kind}, which computes the gates' functions itself"
        no_processors = only_if(adc.nonlinear, computes) or network.without_processed
        yield "processors", no_processors
        if not no_processors:
            method = self.processors.method
            with_method = f"with digital.processors.method {method}"
            piecewise = method is ActivationMethod.PIECEWISE_LINEAR
            yield "processors.segments", only_if(not piecewise, with_method)
            cordic = method is ActivationMethod.CORDIC
            yield "processors.iterations", only_if(not cordic, with_method)
        by_ramp = self.cell_activation is CellActivation.RAMP
        with_ramp = only_if(by_ramp, "with digital.cell_activation ramp")
        yield "table_entries", with_ramp or network.without_state
        yield "cell_activation", network.without_state
        yield "cell_range", network.without_state

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
