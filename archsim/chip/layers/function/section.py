"""A function of each element in a configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from archsim.config.base import Rule, only_if
from archsim.config.sections import LAYERS, OutputRange
from archsim.config.words import WordsSection, no_widths

if TYPE_CHECKING:
    from archsim.config.run import RunConfig


@LAYERS.register
class FunctionLayer(WordsSection):
    """A function of each element, or of all of them, computed in digital units."""

    kind: Literal["function"] = Field(description="layer kind")
    function: Literal["relu", "sigmoid", "tanh", "softmax"] = Field(
        description="what is computed: relu from the sign, sigmoid and tanh from a table; softmax "
        "from a table, a sum and divisions, of the last layer only"
    )
    table_range: int = Field(
        8,
        ge=1,
        le=64,
        description="magnitude of an input beyond which the table counts as flat; of softmax, the "
        "distance from the largest input",
    )
    output_range: OutputRange = Field(
        "auto",
        description="largest output that a pulse width stands for to the next layer, whose "
        "weights are scaled to match; auto takes the largest value of the function, of relu the "
        "range of its inputs",
    )

    @model_validator(mode="after")
    def _power(self) -> FunctionLayer:
        if self.table_range & (self.table_range - 1):
            msg = f"table_range ({self.table_range}) has to be a power of two, for a shift"
            raise ValueError(msg)
        return self

    def build(self, inputs: int, context: Any) -> Any:
        """Build the layer on the chip."""
        from archsim.chip.layers.function.build import layer_of

        return layer_of(self, inputs, context)

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        yield from super().without_effect(config)
        yield "table_range", only_if(self.function == "relu", "with function relu")
        yield "output_range", no_widths(self, config)
