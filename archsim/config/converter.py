"""The converters' part of a configuration: what all have, and what only one kind has.

A kind stands in a folder of its own in `archsim.chip.converters`, or in another package. The
program asks it what it needs to know, and never which kind it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

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

from archsim.config.base import Rule, Section, only_if
from archsim.config.fields import NameOf, OfKinds, validated
from archsim.config.kinds import Kinds, why_not_made
from archsim.config.quantity import SmallVolts, Volts
from archsim.config.sections import Range, check_range, unfinished

if TYPE_CHECKING:
    from archsim.config.run import RunConfig

OF_RAMPS = ("bias_cells", "gated_comparators", "copies", "calibrate")
"""Keys below ``adc`` that say what ramps of memristors are like."""


class ConverterKind(ABC):
    """What every column ends in; a kind subclasses it, registers with `CONVERTERS`.

    Attributes
    ----------
    name : str
        Its value of ``adc.kind``.
    key, section : str, type of Section
        The key below ``adc`` that has what only this kind has, and its section; empty and None
        where there is nothing.
    computes : bool
        Whether it computes the columns' functions; if not, processors do.
    digitising : str
        The kind of the same circuits that only digitises, itself where it is one.
    has_ramps : bool
        Whether it has ramps of memristors.
    pulses : bool
        Whether rows are driven by pulse widths.
    weight_bits : tuple of str
        The keys below ``adc`` that lead to the bits of a weight; empty where weights are analog.
    sees : str
        What it is called in messages, with its article.
    buildable : bool
        Whether a chip could have it.
    """

    name: ClassVar[str]
    key: ClassVar[str] = ""
    section: ClassVar[type[Section] | None] = None
    computes: ClassVar[bool] = False
    digitising: ClassVar[str] = ""
    has_ramps: ClassVar[bool] = False
    pulses: ClassVar[bool] = True
    weight_bits: ClassVar[tuple[str, ...]] = ()
    sees: ClassVar[str] = "a converter"
    buildable: ClassVar[bool] = True

    @abstractmethod
    def build(self, spec: Any, bits: int) -> Any:
        """Return the columns' converters.

        Parameters
        ----------
        spec : archsim.chip.spec.TileSpec
            What the tile is built from.
        bits : int
            Resolution.

        Returns
        -------
        archsim.chip.converters.base.Converter
            The converters.
        """

    def check(self, adc: Converter) -> None:  # noqa: B027 - most kinds have nothing to check
        """Raise ValueError, which says what to change, if the section does not go with the kind."""

    def check_run(self, config: RunConfig) -> None:  # noqa: B027 - most kinds go with any run
        """Raise DesignError, which names the key, if the kind does not go with a run."""

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys below ``adc`` that may change nothing, with the reason where they do not.

        Those of other kinds are none of its business.
        """
        for key in OF_RAMPS:
            yield key, only_if(not self.has_ramps, f"with adc.kind {config.adc.kind}")

    def in_words(self, adc: Converter) -> list[str]:  # noqa: ARG002
        """Say what the summary of a run tells of it, beside its kind and resolution."""
        return []

    @abstractmethod
    def design(self, function: Any, bits: int, *, limits: Range | None, spec: Any) -> Any:
        """Return the thresholds and levels of a function, as a ramp.

        Parameters
        ----------
        function : archsim.network.activations.Activation
            The function.
        bits : int
            Resolution.
        limits : (float, float), optional
            Where a function without bounds begins and ends.
        spec : archsim.chip.spec.TileSpec
            Devices and converter.

        Returns
        -------
        archsim.transfer.ramp.Ramp
            The ramp, or what stands for one.
        """


def _cannot_be_one(cls: type[ConverterKind]) -> str:
    """Return why a converter's keys cannot stand below ``adc``; empty where they can."""
    wrong = why_not_made(cls)
    if wrong or not cls.key:
        return wrong
    if cls.section is None or not issubclass(cls.section, Section):
        return f"has the key '{cls.key}' and no section for it: give the class one"
    problem = unfinished(cls.section) or why_not_made(cls.section)
    if problem:
        return f"has keys below '{cls.key}' that have no default: {problem}"
    others = {other.key for other in CONVERTERS.shipped().values()}
    if cls.key in {*Converter.model_fields, *others} or hasattr(Converter, cls.key):
        return f"has the key '{cls.key}', which adc has already: call it something else"
    return ""


CONVERTERS: Kinds[ConverterKind] = Kinds(
    "converter kind",
    "archsim.converters",
    ConverterKind,
    shipped="archsim.chip.converters",
    part="section",
    name_of=lambda cls: getattr(cls, "name", None),
    check=_cannot_be_one,
    has_kernels=True,
)
"""All kinds of converters."""


class Comparator(Section):
    """Imperfections of the comparators; all off by default."""

    offset_sigma: SmallVolts = Field(
        0.0, description="standard deviation of the offsets, fixed for each comparator"
    )
    noise_sigma: SmallVolts = Field(
        0.0, description="standard deviation of the noise, drawn for each decision"
    )


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
        (-4.0, 4.0),
        description="where a conventional converter of the gates begins and ends, in units of the "
        "sum before the function",
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

    def __reduce__(self) -> Any:
        """Say how to make it again elsewhere, such as in another process: its class has no name."""
        keys = type(self).model_fields.keys() - Converter.model_fields.keys()
        own = {key: type(getattr(self, key)) for key in keys}
        return _remade, (own, self.__getstate__())

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

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        kind, of_kind = self.of_kind, f"with adc.kind {self.kind}"
        yield "input_range", only_if(kind.computes, of_kind) or config.network.without_processed
        for key in type(self).model_fields.keys() - Converter.model_fields.keys():
            yield key, only_if(key != kind.key, of_kind)
        yield from kind.without_effect(config)

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
    if not own:
        return Converter
    fields: Any = {key: (section, section()) for key, section in own}
    return create_model("Converter", __base__=Converter, __doc__=Converter.__doc__, **fields)


def _remade(own: Mapping[str, type[Section]], state: dict[Any, Any]) -> Converter:
    model = _converter_with(own)
    converter = model.__new__(model)
    converter.__setstate__(state)
    return converter


Adc = Annotated[Converter, _WithOwnKeys(CONVERTERS)]
