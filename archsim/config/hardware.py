"""The chip's part of a configuration: technology, device, tile, converter, digital units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    create_model,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from archsim.config.base import Section
from archsim.config.fields import NameOf, OfKinds, validated
from archsim.config.quantity import ConfigPath, Quantity
from archsim.config.sections import CONVERTERS, ConverterKind, check_range

Volts = Annotated[float, Quantity("V", ge=1e-6, le=100)]
SmallVolts = Annotated[float, Quantity("V", ge=0, le=100)]


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
    double_buffer: bool = Field(
        False,
        description="a second sample-and-hold a column, so that the next input is integrated while "
        "the converter is at work",
    )
    integrator: Integrator = Integrator()
    wires: Wires = Wires()


class Converter(Section):
    """The converters at the feet of the columns.

    A nonlinear ramp computes the gates' functions while it digitises. A linear one, or one by
    successive approximation, only digitises, as in a conventional design, and so does a bit-serial
    one, whose sums are exact; the functions are then computed by `digital.processors`. An ideal one
    computes the functions without quantisation and costs nothing: it shows what the others lose.
    """

    kind: Annotated[str, NameOf(CONVERTERS)] = Field(
        "nonlinear_ramp",
        description="nonlinear ramp, or a conventional one: a linear ramp, sar (successive "
        "approximation), or bit_serial (shared converters, shift and add); or ideal, which no chip "
        "has: no quantisation, one cycle, no cost",
    )
    input_range: tuple[float, float] = Field(
        (-4.0, 4.0), description="where a conventional converter of the gates begins and ends"
    )
    early_stop: bool = Field(
        False,
        description="end a ramp as soon as all columns of a tile have latched; how long a "
        "conversion takes then depends on data",
    )
    banks_per_converter: int = Field(
        1,
        ge=1,
        le=65536,
        description="column blocks of a layer that take turns at one row of converters; more than "
        "one needs tile.double_buffer",
    )

    @property
    def of_kind(self) -> ConverterKind:
        """What there is to know of its kind."""
        return CONVERTERS.get(self.kind)()

    @property
    def own(self) -> Any:
        """The section of what only its kind has."""
        return getattr(self, self.of_kind.key)

    @property
    def nonlinear(self) -> bool:
        """Whether the converter computes the gates' functions."""
        return self.of_kind.computes

    @model_validator(mode="after")
    def _range(self) -> Converter:
        check_range(self.input_range)
        self.of_kind.check(self)
        return self

    bits: int = Field(
        ge=1,
        le=10,
        description="output resolution n_out; of a bit-serial converter, that to which its sums "
        "are rounded; an ideal one has 16, and the integrators' swing of a ramp of so many",
    )
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


class _WithOwnKeys(OfKinds):
    """Marks the section of the converters: what all have, and what only some kinds have.

    Base files describe converters of one kind, and files that extend them take another one, so the
    keys of every shipped kind are known whatever the kind is. Those of a package's kind are where
    it is asked for or they are written: what is installed changes no other configuration.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return a schema that asks the kinds."""
        del source, handler
        return core_schema.with_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the section with the own keys of all kinds that load."""
        del schema
        return handler(self.sections()[0].__pydantic_core_schema__)

    def _validated(self, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, Converter):
            return value
        if not isinstance(value, dict):
            raise PydanticKnownError("dict_type")
        return validated(self._model_for(value), value, info)

    def schema_at(self, value: Any) -> Mapping[str, Any]:
        """Return the schema of the section that a document has."""
        return self._model_for(value).__pydantic_core_schema__ if isinstance(value, dict) else {}

    def sections(self) -> list[type[Section]]:
        """Return the one section that the field may hold."""
        return [_converter_with(_own_keys(self.kinds.all().values()))]

    def _model_for(self, value: dict[str, Any]) -> type[Converter]:
        """Return the section for what a document says of the converters."""
        kinds = self.kinds.shipped()
        asked = value.get("kind")
        if self.kinds.has(asked):
            kinds[str(asked)] = self.kinds.get(str(asked))
        own = _own_keys(kinds.values())
        unknown = value.keys() - own.keys() - Converter.model_fields.keys()
        if unknown:
            others = _own_keys(self.kinds.all().values())
            missing = unknown - others.keys()  # a message may then name any of them
            own = {**others, **own} if missing else {**{key: others[key] for key in unknown}, **own}
        return _converter_with(own)


def _own_keys(kinds: Iterable[type[ConverterKind]]) -> dict[str, type[Section]]:
    """Return the sections of what only some kinds have, by their keys."""
    return {kind.key: kind.section for kind in kinds if kind.section is not None}


def _converter_with(own: Mapping[str, type[Section]]) -> type[Converter]:
    """Return the section of the converters with some kinds' own keys."""
    return _made(tuple(sorted(own.items(), key=lambda item: item[0])))


@cache
def _made(own: tuple[tuple[str, type[Section]], ...]) -> type[Converter]:
    fields: Any = {key: (section, section()) for key, section in own}
    return create_model("Converter", __base__=Converter, __doc__=Converter.__doc__, **fields)


Adc = Annotated[Converter, _WithOwnKeys(CONVERTERS)]


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
    fraction_bits: int = Field(11, ge=1, le=22, description="bits of a word below the point")
    lanes: int = Field(32, ge=1, le=65536, description="elements that a unit works on in parallel")
    cell_activation: CellActivation = Field(
        CellActivation.TABLE,
        description="tanh(c), or another function of the cell state: a table look-up, or a second "
        "pass through a small ramp converter",
    )
    cell_range: int = Field(4, ge=1, le=64, description="|c| at which its function counts as flat")
    table_entries: int = Field(256, ge=2, le=65536, description="entries of its table")
    buffer_word_bits: int = Field(64, ge=1, le=4096, description="bits a cycle from a buffer")
    buffer_latency: int = Field(
        0, ge=0, le=1024, description="cycles before the first word of a buffer arrives"
    )
    processors: Processors = Processors()
    bus: Bus | None = Field(
        None, description="a bus that all layers share; without one every layer has its own wires"
    )

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
