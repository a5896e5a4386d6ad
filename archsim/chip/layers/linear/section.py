"""A linear layer in a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from archsim.config.base import Rule, only_if
from archsim.config.sections import (
    IGNORE,
    LAYERS,
    Bias,
    LayerSection,
    Name,
    OutputRange,
    TensorsName,
    check_range,
)
from archsim.config.words import no_widths

if TYPE_CHECKING:
    from archsim.config.run import RunConfig


class Placement(StrEnum):
    """Where a linear layer is computed."""

    TILE = "tile"
    DIGITAL = "digital"


@LAYERS.register
class LinearLayer(LayerSection):
    """A linear layer, on a tile with a linear ramp or in digital multiply-accumulate units."""

    kind: Literal["linear"] = Field(description="layer kind")
    name: Name = Field(description="prefix of the layer's tensors, name of its tile")
    tensors: TensorsName = None
    units: int = Field(ge=1, le=16384, description="outputs")
    bias: Bias = Field(
        Bias.CELLS,
        description="cells: in a row of memristors (of a digital layer: in its units), or none "
        "where the weights have no bias; digital: added to what the converter gives, by adders; "
        "none: no bias, which random weights have otherwise",
    )
    placement: Placement = Field(Placement.TILE, description="analog tile or digital units")
    timesteps: Literal["last", "all", "final"] = Field(
        "last",
        description="when the layer is computed: at every timestep, at the last one, or once of "
        "what each layer before it computed last, which of one that runs backward is its output at "
        "the first timestep",
    )
    bits: int | None = Field(
        None, ge=1, le=10, description="resolution of its linear ramp; adc.bits where not given"
    )
    function: str = Field(
        "identity",
        description="activation function that the converter computes: a built-in one, one of "
        "`activations`, or one of an installed package",
    )
    input_range: tuple[float, float] | Literal["auto"] = Field(
        (-8.0, 8.0),
        description="where its ramp begins and ends, in units of the sum before the function; auto "
        "takes the largest sum that the weights can give",
    )
    output_range: OutputRange = Field(
        "auto",
        description="largest output that a pulse width stands for to the next layer, whose "
        "weights are scaled to match; auto takes the largest level of the ramp, and 1 in digital "
        "units",
    )

    @model_validator(mode="after")
    def _range(self) -> LinearLayer:
        if self.input_range == "auto":
            return self
        check_range(self.input_range)
        return self

    @model_validator(mode="after")
    def _bias(self) -> LinearLayer:
        if self.bias is Bias.DIGITAL and self.function != "identity":
            msg = (
                f"bias digital is added to the sum, which a converter that computes "
                f"'{self.function}' does not give: set bias to cells, or function to identity"
            )
            raise ValueError(msg)
        return self

    @property
    def range_keys(self) -> Mapping[str, tuple[str, bool]]:
        """Where sums and outputs lie."""
        return {"sum": ("input_range", True), "output": ("output_range", False)}

    @property
    def elements(self) -> int:
        """Elements of its output."""
        return self.units

    @property
    def at_last_timestep(self) -> bool:
        """Whether it works once a sequence."""
        return self.timesteps != "all"

    @property
    def takes_final(self) -> bool:
        """Whether it takes what each layer before it computed last."""
        return self.timesteps == "final"

    @property
    def takes_words(self) -> bool:
        """Whether it is computed in digital units."""
        return self.placement is Placement.DIGITAL

    def build(self, inputs: int, context: Any) -> Any:
        """Build the layer where its section places it."""
        from archsim.chip.layers.linear.build import LinearDigital, LinearOnTile

        return (LinearDigital if self.takes_words else LinearOnTile)(self, inputs, context)

    def derived_names(self) -> Iterator[str]:
        """Yield the names of its other units."""
        yield from super().derived_names()
        yield f"{self.name}_bias"

    def functions_in_use(self) -> Iterator[str]:
        """Yield the name of its function."""
        yield self.function

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        from archsim.chip.layers.functions import is_bounded

        in_words = only_if(self.takes_words, "with placement digital")
        yield "bits", in_words
        bounded = f"because '{self.function}' has bounds of its own"
        yield (
            "input_range",
            in_words or only_if(is_bounded(self.function, config.activations), bounded),
        )
        yield "output_range", no_widths(self, config)

    def meaning_of(self, rest: str, shape: tuple[int, ...] | None) -> str:
        """Say what an unused tensor means and what to do."""
        if rest == "bias":
            return f"layer '{self.name}' has bias none: take the key away, or {IGNORE}"
        return super().meaning_of(rest, shape)
