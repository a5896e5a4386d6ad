"""A plain recurrent layer in a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from archsim.config.base import Rule, only_if
from archsim.config.recurrent import RecurrentSection
from archsim.config.sections import LAYERS, OutputRange, check_range

if TYPE_CHECKING:
    from archsim.config.run import RunConfig


@LAYERS.register
class RNNLayer(RecurrentSection):
    """A layer whose h is a function of the sum of its inputs and its last h."""

    kind: Literal["rnn"] = Field(description="layer kind")
    units: int = Field(ge=1, le=16384, description="hidden units")
    function: str = Field(
        "tanh",
        description="activation function: a built-in one such as tanh or relu, one of "
        "`activations`, or one of an installed package",
    )
    input_range: tuple[float, float] | None = Field(
        None,
        description="where the ramp of an unbounded function begins and ends, in units of the sum "
        "before the function; a conventional converter has adc.input_range",
    )
    output_range: OutputRange = Field(
        "auto",
        description="largest |h| that a pulse width stands for, to its own rows and to the next "
        "layer, whose weights are scaled to match; auto takes the largest level of its converter",
    )

    @model_validator(mode="after")
    def _range(self) -> RNNLayer:
        if self.input_range is not None:
            check_range(self.input_range)
        return self

    @property
    def range_keys(self) -> Mapping[str, tuple[str, bool]]:
        """Where sums and h lie."""
        return {"sum": ("input_range", True), "h": ("output_range", False)}

    @property
    def elements(self) -> int:
        """Elements of its output."""
        return self.units

    @property
    def processed(self) -> int:
        """Values a timestep whose functions processors compute: all of them."""
        return self.units

    @property
    def transfers(self) -> Mapping[str, int]:
        """Elements a timestep that go over a bus: h."""
        return {f"{self.name}_h": self.units}

    def build(self, inputs: int, context: Any) -> Any:
        """Build the layer on the chip."""
        from archsim.chip.layers.rnn.build import RNNOnChip

        return RNNOnChip(self, inputs, context)

    def derived_names(self) -> Iterator[str]:
        """Yield the names of its other units."""
        yield from super().derived_names()
        yield from (f"{self.name}_{part}" for part in ("update", "activation"))

    def functions_in_use(self) -> Iterator[str]:
        """Yield the name of its function."""
        yield self.function

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        from archsim.chip.layers.functions import is_bounded

        conventional = f"with adc.kind {config.adc.kind}, whose range is adc.input_range"
        bounded = is_bounded(self.function, config.activations)
        yield (
            "input_range",
            only_if(not config.adc.nonlinear, conventional)
            or only_if(bounded, f"because '{self.function}' has bounds of its own"),
        )
